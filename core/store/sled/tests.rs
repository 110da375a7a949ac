//! What the store on disk promises beyond the contract: it survives, refuses company, and knows when it is damaged.

#[cfg(unix)]
mod cuts;
#[cfg(unix)]
mod forgetful;
mod hurt;

use std::fs;
use std::io::{BufRead, BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::*;
use crate::store::{Memory, export, import};

impl Sled {
    fn open_as(format: u32, folder: &Path, now: Timestamp) -> Result<Self> {
        Self::open_on(Arc::new(Machine), format, folder, now)
    }

    fn open_on(disk: Arc<dyn Disk>, format: u32, folder: &Path, now: Timestamp) -> Result<Self> {
        Self::opened(disk, format, folder, now, &mut |_| {})
    }
}

fn now() -> Timestamp {
    "2026-11-24T08:00:00Z".parse().unwrap()
}

fn open(folder: &Path) -> Result<Sled> {
    Sled::open(folder, now())
}

fn put(store: &Sled, key: &str, value: &str) {
    let mut batch = Batch::default();
    batch.put(key.as_bytes().to_vec(), value.as_bytes().to_vec());
    store.commit(batch).unwrap();
}

fn get(store: &Sled, key: &str) -> Option<String> {
    store.get(key.as_bytes()).unwrap().map(|value| String::from_utf8(value).unwrap())
}

/// A folder with a store of 60 commits, closed.
fn filled() -> (tempfile::TempDir, PathBuf) {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("deep/state");
    let store = open(&folder).unwrap();
    for n in 0..60 {
        put(&store, &format!("k{n:03}"), &"v".repeat(n * 500));
    }
    (parent, folder)
}

#[test]
fn every_acknowledged_commit_is_there_after_reopening() {
    let (_parent, folder) = filled();
    for round in 0..3 {
        let store = open(&folder).unwrap();
        for n in 0..60 {
            assert_eq!(get(&store, &format!("k{n:03}")), Some("v".repeat(n * 500)));
        }
        put(&store, "round", &round.to_string());
        assert_eq!(store.scan(b"", None, 1000).unwrap().len(), 61);
    }
}

#[test]
fn a_second_hub_is_refused_and_told_who_has_the_folder() {
    let (_parent, folder) = filled();
    let first = open(&folder).unwrap();
    let error = open(&folder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let words = error.to_string();
    assert!(words.contains(&format!("process {} since 2026-11-24T08:00:00Z", std::process::id())), "{words}");
    drop(first);
    open(&folder).unwrap();
}

#[test]
fn an_older_format_is_copied_before_it_is_changed() {
    let (_parent, folder) = filled();
    drop(Sled::open_as(FORMAT + 1, &folder, now()).unwrap());
    let backup = PathBuf::from(format!("{}.backup-{FORMAT}", folder.display()));
    let copy = open(&backup).unwrap();
    assert_eq!(get(&copy, "k059"), Some("v".repeat(29_500)));
    drop(copy);
    drop(Sled::open_as(FORMAT + 1, &folder, now()).unwrap());
    assert_eq!(fs::read_dir(folder.parent().unwrap()).unwrap().count(), 2, "no second backup");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let (_parent, folder) = filled();
    drop(Sled::open_as(FORMAT + 1, &folder, now()).unwrap());
    let error = open(&folder).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    let words = error.to_string();
    let backup = format!("backup-{FORMAT}");
    for part in ["newer version", "left as it is", "use that version again", backup.as_str()] {
        assert!(words.contains(part), "{part}: {words}");
    }
    drop(Sled::open_as(FORMAT + 1, &folder, now()).unwrap());
}

#[cfg(unix)]
#[test]
fn others_cannot_read_the_store_and_the_rest_of_the_folder_is_left_alone() {
    use std::os::unix::fs::PermissionsExt;
    let (_parent, folder) = filled();
    let other = folder.join("notes.txt");
    fs::write(&other, "mine").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
    drop(open(&folder).unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let modes = [".", "db", "db/db", "db/conf", "seal", "hub.pid", "notes.txt"].map(|name| mode(&folder.join(name)));
    assert_eq!(modes, [0o700, 0o700, 0o600, 0o600, 0o600, 0o600, 0o644]);
}

/// What opening and reading all says after `damage` was done to sled's data file, and to the log where there is one.
fn after(with_log: bool, damage: impl Fn(Vec<u8>) -> Option<Vec<u8>>) -> Result<usize> {
    let (_parent, folder) = filled();
    let log = log::files(&folder).unwrap().remove(0);
    for data in std::iter::once(folder.join("db/db")).chain(with_log.then_some(log)) {
        match damage(fs::read(&data).unwrap()) {
            Some(bytes) => fs::write(&data, bytes).unwrap(),
            None => fs::remove_file(&data).unwrap(),
        }
    }
    open(&folder).and_then(|store| Ok(store.scan(&[], None, 1000)?.len()))
}

/// What a damaged file holds, of what it held; `None` when it is gone.
type Damage = Box<dyn Fn(Vec<u8>) -> Option<Vec<u8>>>;

fn damages() -> Vec<Damage> {
    let cut = |to: f64| {
        move |mut bytes: Vec<u8>| {
            let kept = bytes.iter().rposition(|byte| *byte != 0).unwrap();
            bytes.truncate((kept as f64 * to) as usize);
            Some(bytes)
        }
    };
    let garbage = |bytes: Vec<u8>| Some((0..bytes.len()).map(|at| (at * 31 % 251) as u8).collect());
    vec![Box::new(cut(0.0)), Box::new(cut(0.3)), Box::new(cut(0.9)), Box::new(garbage), Box::new(|_| None)]
}

#[test]
fn damaged_files_are_an_error_that_says_what_to_do() {
    for damage in damages() {
        let error = after(true, damage).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Bug, "{error}");
        assert!(error.to_string().contains("move it aside"), "{error}");
    }
}

#[test]
fn a_damaged_index_is_made_anew_from_the_log() {
    for damage in damages() {
        assert_eq!(after(false, damage).unwrap(), 60);
    }
}

#[test]
fn a_store_without_its_log_or_from_before_there_was_one_gets_a_new_one() {
    let (_parent, folder) = filled();
    // As the version before the log sealed it: groups, closed, hash.
    let groups = fs::read(folder.join("seal")).unwrap()[..8].to_vec();
    let told = [groups, vec![1]].concat();
    let old = [told.clone(), xxhash_rust::xxh3::xxh3_64(&told).to_be_bytes().to_vec()].concat();
    for seal in [fs::read(folder.join("seal")).unwrap(), old, Vec::new()] {
        fs::write(folder.join("seal"), seal).unwrap();
        fs::remove_file(log::files(&folder).unwrap().remove(0)).unwrap();
        drop(open(&folder).unwrap());
        fs::remove_dir_all(folder.join("db")).unwrap();
        assert_eq!(open(&folder).unwrap().prove().unwrap(), 60, "all of it is in the new log");
    }
}

/// Copies a store's files, as another process would find them.
fn copied(folder: &Path, name: &str) -> PathBuf {
    let target = folder.with_file_name(name);
    fs::create_dir_all(target.join("db")).unwrap();
    for file in ["seal", "db/db", "db/conf"] {
        fs::copy(folder.join(file), target.join(file)).unwrap();
    }
    for log in log::files(folder).unwrap() {
        fs::copy(&log, target.join(log.file_name().unwrap())).unwrap();
    }
    target
}

#[test]
fn no_damage_anywhere_loses_or_changes_a_value_in_silence() {
    let (_parent, folder) = filled();
    let sound = fs::read(folder.join("db/db")).unwrap();
    let used = sound.iter().rposition(|byte| *byte != 0).unwrap();
    let mut errors = 0;
    for round in 0..20 {
        let target = copied(&folder, &format!("copy{round}"));
        let mut bytes = sound.clone();
        let hit = bytes.iter_mut().skip(used * round / 20).take([1, 500, 5_000, 50_000][round % 4]);
        hit.for_each(|byte| *byte ^= 0x11);
        fs::write(target.join("db/db"), bytes).unwrap();
        let log = log::files(&target).unwrap().remove(0);
        let mut bytes = fs::read(&log).unwrap();
        let hit = bytes.len() * round / 20;
        bytes[hit] ^= 0x11;
        fs::write(log, bytes).unwrap();
        match open(&target).and_then(|store| store.scan(&[], None, 1000)) {
            Ok(pairs) => {
                let lengths: Vec<usize> = pairs.iter().map(|(_, value)| value.len()).collect();
                assert_eq!(lengths, (0..60).map(|n| n * 500).collect::<Vec<_>>());
                assert!(pairs.iter().all(|(_, value)| value.iter().all(|byte| *byte == b'v')));
            }
            Err(error) => errors += u32::from(error.kind() == ErrorKind::Bug),
        }
    }
    assert!(errors > 0, "some of the file is in use");
}

#[test]
fn a_killed_hub_leaves_every_acknowledged_commit() {
    let (_parent, folder) = filled();
    let store = open(&folder).unwrap();
    for n in 0..8 {
        put(&store, &format!("k{n:03}"), &"w".repeat(n * 1_000));
        // What a kill leaves is what the files hold now, with the store still open.
        let left = open(&copied(&folder, &format!("left{n}"))).unwrap();
        assert_eq!(get(&left, &format!("k{n:03}")), Some("w".repeat(n * 1_000)));
        assert_eq!(left.prove().unwrap(), 60);
    }
}

/// Commits pairs that belong together until it is killed, and says which are acknowledged.
fn write_without_end(folder: &Path) {
    let store = open(folder).unwrap();
    for n in get(&store, "left").map_or(0, |n| n.trim().parse::<usize>().unwrap()).. {
        let mut batch = Batch::default();
        for key in ["left", "right"] {
            batch.put(key.into(), format!("{:>1$}", n + 1, 9 + n % 5 * 9_000).into_bytes());
        }
        store.commit(batch).unwrap();
        println!("\nacknowledged {}", n + 1);
    }
}

#[test]
fn a_hub_killed_while_it_writes_keeps_every_acknowledged_commit_and_no_half_one() {
    const FOLDER: &str = "PASSERELLE_TEST_KILLED_STATE";
    if let Ok(folder) = std::env::var(FOLDER) {
        return write_without_end(Path::new(&folder));
    }
    let (_parent, folder) = filled();
    let own_name = "a_hub_killed_while_it_writes_keeps_every_acknowledged_commit_and_no_half_one";
    for round in 1..=4 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--nocapture", "--exact", &format!("store::sled::tests::{own_name}")])
            .env(FOLDER, &folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told =
            lines.filter_map(|line| line.unwrap().strip_prefix("acknowledged ").map(|n| n.parse::<u64>().unwrap()));
        let last = told.take(20 * round).last().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let store = open(&folder).unwrap();
        let [left, right] = ["left", "right"].map(|key| get(&store, key).unwrap().trim().parse::<u64>().unwrap());
        assert_eq!(left, right);
        assert!(left >= last, "{last} was acknowledged and {left} is there");
        assert_eq!(store.prove().unwrap(), 62);
    }
}

#[test]
fn after_a_failed_write_every_commit_is_refused_until_the_store_is_opened_again() {
    let (_parent, folder) = filled();
    let store = open(&folder).unwrap();
    store.tree.insert(b"k001", &[9, 9]).unwrap();
    let commit = |key: &[u8]| {
        let mut batch = Batch::default();
        batch.put(key.to_vec(), vec![1]);
        store.commit(batch)
    };
    for key in [&b"k001"[..], b"new"] {
        let error = commit(key).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        assert!(error.to_string().contains("takes no more"), "{error}");
    }
    assert_eq!(store.get(b"new").unwrap(), None);
    drop(store);
    let again = open(&folder).unwrap();
    assert_eq!(get(&again, "k001").map(|value| value.len()), Some(1), "what was in the log when it failed is there");
    assert_eq!((again.get(b"new").unwrap(), again.prove().unwrap()), (None, 60));
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let parent = tempfile::tempdir().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "").unwrap();
    let error = open(&file.join("state")).unwrap_err();
    assert_eq!((error.kind(), error.fact("folder").is_some()), (ErrorKind::Config, true));
    assert!(error.to_string().contains("name another folder as `state` of [hub]"), "{error}");
}

#[test]
fn the_stores_own_keys_are_neither_seen_nor_written() {
    let (_parent, folder) = filled();
    let store = open(&folder).unwrap();
    assert_eq!(store.get(b"\xFEformat").unwrap(), None);
    assert!(store.scan(b"\xFE", None, 9).unwrap().is_empty());
    assert!(store.scan(&[], Some(b"\xFF"), 9).unwrap().is_empty());
    let mut batch = Batch::default();
    batch.put(b"\xFEformat".to_vec(), vec![9]);
    assert_eq!(store.commit(batch).unwrap_err().kind(), ErrorKind::Bug);
}

#[test]
fn an_export_restores_into_a_new_folder() {
    let (_parent, folder) = filled();
    let mut bytes = Vec::new();
    assert_eq!(export(&open(&folder).unwrap(), &mut bytes).unwrap(), 60);
    let other = tempfile::tempdir().unwrap();
    let copy = open(other.path()).unwrap();
    import(&copy, &mut Cursor::new(&bytes)).unwrap();
    assert_eq!(get(&copy, "k059"), Some("v".repeat(29_500)));
}

#[test]
fn a_plan_over_the_store_changes_nothing_in_it() {
    let (_parent, folder) = filled();
    let store = Arc::new(open(&folder).unwrap());
    let plan = Memory::over(store.clone());
    let mut batch = Batch::default();
    batch.delete(b"k001".to_vec());
    plan.commit(batch).unwrap();
    assert_eq!((plan.get(b"k001").unwrap(), get(&store, "k001")), (None, Some("v".repeat(500))));
}
