//! Damage in the middle of the log is told and nothing is cut off; what a power cut tears off at its end is no damage.

use super::super::log;
use super::*;

/// A folder as a hub that was killed after 60 commits left it, and where each record of its log begins.
fn left() -> (tempfile::TempDir, PathBuf, Vec<usize>) {
    let (parent, folder) = filled();
    let store = open(&folder).unwrap();
    let left = copied(&folder, "left");
    drop(store);
    let bytes = fs::read(log_of(&left)).unwrap();
    let mut begins = vec![0];
    while let Some(length) = bytes.get(begins[begins.len() - 1]..).and_then(|rest| rest.first_chunk::<4>()) {
        begins.push(begins[begins.len() - 1] + 4 + u32::from_be_bytes(*length) as usize);
    }
    assert_eq!(begins.pop(), Some(bytes.len()));
    (parent, left, begins)
}

fn log_of(folder: &Path) -> PathBuf {
    log::files(folder).unwrap().remove(0)
}

fn change(path: &Path, change: impl Fn(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, &bytes).unwrap();
    bytes
}

/// Takes away what else knows how many commits there were, as a power cut may.
fn forget_the_rest(folder: &Path) {
    fs::write(folder.join("seal"), "").unwrap();
    fs::remove_dir_all(folder.join("db")).unwrap();
    fs::create_dir(folder.join("db")).unwrap();
}

#[test]
fn a_changed_byte_in_the_middle_is_told_by_its_place_and_nothing_is_cut_off() {
    let (_parent, left, begins) = left();
    forget_the_rest(&left);
    let log = log_of(&left);
    let sound = fs::read(&log).unwrap();
    for record in [3, 4, begins.len() / 2, begins.len() - 2] {
        // The length, the kind, the number, a value, the hash.
        for at in [0, 1, 2, 3, 4, 9, 12, 25, begins[record + 1] - begins[record] - 3] {
            let byte = begins[record] + at;
            fs::write(&log, &sound).unwrap();
            let hurt = change(&log, |bytes| bytes[byte] ^= 0x11);
            let error = open(&left).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Bug);
            let words = error.to_string();
            let place = format!("byte {} of log-", begins[record]);
            for part in [&place, "is not what was written", "whole behind it", "restore a backup", "left"] {
                assert!(words.contains(part), "byte {byte}: {part}: {words}");
            }
            assert!(fs::read(&log).unwrap() == hurt, "the log is left as it is");
        }
    }
}

#[test]
fn a_damaged_log_whose_index_holds_everything_says_so_and_the_remedy_loses_nothing() {
    let (_parent, left, begins) = left();
    // As a killed hub leaves it, and closed.
    for folder in [left.clone(), left.with_file_name("state")] {
        let log = log_of(&folder);
        change(&log, |bytes| bytes[begins[begins.len() / 2] + 30] ^= 0x11);
        for _ in 0..2 {
            let words = open(&folder).unwrap_err().to_string();
            let remedy = format!("move {} out of it", log.file_name().unwrap().to_string_lossy());
            for part in ["its index still holds every commit", &remedy] {
                assert!(words.contains(part), "{part}: {words}");
            }
        }
        fs::rename(&log, folder.with_extension("moved")).unwrap();
        assert_eq!(open(&folder).unwrap().prove().unwrap(), 60);
    }
}

#[test]
fn a_damaged_base_is_told_and_not_taken_for_an_empty_store() {
    let (_parent, left, begins) = left();
    let log = log_of(&left);
    drop(open(&left).unwrap());
    fs::write(&log, [&fs::read(&log).unwrap()[..begins[1] - 3], b"..."].concat()).unwrap();
    let words = open(&left).unwrap_err().to_string();
    assert!(words.contains("its index still holds every commit"), "{words}");
    forget_the_rest(&left);
    let words = open(&left).unwrap_err().to_string();
    assert!(words.contains("byte 0 of log-") && words.contains("restore a backup"), "{words}");
}

#[test]
fn two_broken_commits_at_the_end_are_more_than_a_power_cut_leaves() {
    let (_parent, left, begins) = left();
    forget_the_rest(&left);
    let one_before = begins[begins.len() - 2];
    change(&log_of(&left), |bytes| {
        bytes[one_before + 40] ^= 0x11;
        bytes.truncate(bytes.len() - 5);
    });
    let words = open(&left).unwrap_err().to_string();
    for part in [&format!("byte {one_before} of log-"), "no power cut leaves it so", "restore a backup"] {
        assert!(words.contains(part), "{part}: {words}");
    }
}

#[test]
fn a_last_commit_that_a_power_cut_tore_is_cut_off_wherever_it_was_torn() {
    let (_parent, left, begins) = left();
    forget_the_rest(&left);
    let last = begins[begins.len() - 1];
    let sound = fs::read(log_of(&left)).unwrap();
    let name = log_of(&left).file_name().unwrap().to_owned();
    let with = |bytes: &[u8]| {
        forget_the_rest(&left);
        log::files(&left).unwrap().iter().for_each(|log| fs::remove_file(log).unwrap());
        fs::write(left.join(&name), bytes).unwrap();
        open(&left).unwrap().prove().unwrap()
    };
    for kept in [1, 3, 4, 5, 12, 13, 40, 5_000, sound.len() - last - 1] {
        assert_eq!(with(&sound[..last + kept]), 59, "the first {kept} bytes of it are there");
        let mut zeros = sound.clone();
        zeros[last + kept..].fill(0);
        assert_eq!(with(&zeros), 59, "all but the first {kept} bytes of it are zero");
    }
    // Sectors arrive whole, in any order.
    for sector in (last / 512..sound.len() / 512).step_by(7) {
        let (begin, end) = ((sector * 512).max(last), (sector + 1) * 512);
        let mut missing = sound.clone();
        missing[begin..end].fill(0);
        let mut alone = sound[..last].to_vec();
        alone.resize(sound.len(), 0);
        alone[begin..end].copy_from_slice(&sound[begin..end]);
        for (torn, what) in [(missing, "missing"), (alone, "alone")] {
            assert_eq!(with(&torn), 59, "bytes {begin} to {end} are {what}");
        }
    }
    assert_eq!(with(&sound), 60);
}

#[test]
fn a_store_that_was_torn_while_it_was_made_is_made_anew() {
    let (_parent, left, _) = left();
    fs::remove_file(log_of(&left)).unwrap();
    change(&left.join("db/db"), |bytes| bytes.iter_mut().skip(100).for_each(|byte| *byte ^= 0x11));
    // Groups, open, nothing of a log, the machine's start, hash: as it is sealed before anything else is written.
    let sealed = |groups: u64| {
        let told = [&groups.to_be_bytes()[..], &[0; 25], b"boot"].concat();
        [told.clone(), xxhash_rust::xxh3::xxh3_64(&told).to_be_bytes().to_vec()].concat()
    };
    fs::write(left.join("seal"), sealed(1)).unwrap();
    assert!(open(&left).unwrap_err().to_string().contains("restore a backup"));
    fs::write(left.join("seal"), sealed(0)).unwrap();
    assert_eq!(open(&left).unwrap().prove().unwrap(), 0);
}
