//! Whatever a power cut leaves of the store's files, it opens and holds every acknowledged commit, and no half of another.
//!
//! `PASSERELLE_CUTS` is the number of cuts for each test here, when the usual few are not enough.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::super::*;
use super::forgetful::{Careless, Cut, Forgetful, pick};
use super::now;
use crate::dice::Dice;
use crate::store::{Memory, export, import};

type Pairs = BTreeMap<Vec<u8>, Vec<u8>>;

/// Commits between two cuts of power on the same store.
const SPAN: u64 = 25;

fn wanted(usual: usize) -> usize {
    std::env::var("PASSERELLE_CUTS").ok().and_then(|number| number.parse().ok()).unwrap_or(usual)
}

/// Commit number `n`: some keys written, some of them large, some deleted, and the number itself.
fn commit_of(n: u64) -> Batch {
    let mut dice = Dice::seeded(n);
    let mut batch = Batch::default();
    for _ in 0..=pick(&mut dice, 4) {
        let key = format!("k{:02}", pick(&mut dice, 40)).into_bytes();
        let size = [0, 40, 300, 600, 2_000, 13_000][pick(&mut dice, 6)];
        if dice.falls_within(0.2) {
            batch.delete(key);
        } else {
            batch.put(key, (0..size).map(|at| (n as usize * 31 + at * 7) as u8).collect());
        }
    }
    batch.put(b"n".to_vec(), n.to_string().into_bytes());
    batch
}

/// What the store holds after the first `n` commits.
fn after(n: u64) -> Pairs {
    let mut pairs = Pairs::new();
    for (key, value) in (1..=n).flat_map(|n| commit_of(n).writes) {
        match value {
            Some(value) => drop(pairs.insert(key, value)),
            None => drop(pairs.remove(&key)),
        }
    }
    pairs
}

fn pairs(store: &Sled) -> Pairs {
    store.scan(&[], None, usize::MAX).unwrap().into_iter().collect()
}

/// How many commits the store at `folder` holds, each whole.
fn held(folder: &Path, about: &str) -> u64 {
    let opened = Sled::open_on(Arc::new(Careless), FORMAT, folder, now());
    let store = opened.unwrap_or_else(|error| panic!("{about}: {error}"));
    let pairs = pairs(&store);
    let number = pairs.get(&b"n"[..]).map_or(0, |n| String::from_utf8_lossy(n).parse().unwrap());
    assert!(pairs == after(number), "{about}: half a commit after {number}");
    number
}

/// Lets the power go with the probability `share` at each moment of `story`, and looks at what is left each time.
///
/// Gives the number of cuts, and one of the folders they left.
fn cuts(
    root: &Path,
    seed: u64,
    share: f64,
    look: impl Fn(&Path, &str) + Send + 'static,
    story: impl FnOnce(Arc<dyn Disk>),
) -> (usize, Option<tempfile::TempDir>) {
    let left: Arc<Mutex<(usize, Option<tempfile::TempDir>)>> = Arc::default();
    let mut dice = Dice::seeded(seed);
    let (seen, mut moment) = (left.clone(), 0);
    let witness = move |cut: &Cut<'_>| {
        moment += 1;
        if dice.falls_within(share) {
            let target = tempfile::tempdir().unwrap();
            cut.leave(target.path(), &mut dice);
            look(target.path(), &format!("seed {seed}, moment {moment}"));
            let mut seen = seen.lock().unwrap();
            *seen = (seen.0 + 1, Some(target));
        }
    };
    story(Arc::new(Forgetful::below(root, Box::new(witness))));
    Arc::try_unwrap(left).unwrap().into_inner().unwrap()
}

/// One store through several lives, each begun by what a cut of the one before it left.
fn lives(seed: u64, lives: usize) -> usize {
    let mut total = 0;
    let mut root = tempfile::tempdir().unwrap();
    for life in 0..lives as u64 {
        let folder = PathBuf::from("deep/state");
        let acknowledged = Arc::new(AtomicU64::new(0));
        let started = Arc::new(AtomicU64::new(0));
        let (sure, begun, inside) = (acknowledged.clone(), started.clone(), folder.clone());
        let look = move |root: &Path, about: &str| {
            let number = held(&root.join(&inside), about);
            let (sure, begun) = (sure.load(Ordering::SeqCst), begun.load(Ordering::SeqCst));
            assert!((sure..=begun).contains(&number), "{about}: {sure} acknowledged, {begun} begun, {number} there");
        };
        let base = root.path().to_owned();
        let (count, left) = cuts(&base, seed * 1000 + life, 0.25, look, |disk| {
            if base.join(&folder).exists() {
                let number = held(&base.join(&folder), "the life before");
                acknowledged.store(number, Ordering::SeqCst);
                started.store(number, Ordering::SeqCst);
            }
            let store = Sled::open_on(disk, FORMAT, &base.join(&folder), now()).unwrap();
            let first = started.load(Ordering::SeqCst) + 1;
            for number in first..first + SPAN {
                started.store(number, Ordering::SeqCst);
                store.commit(commit_of(number)).unwrap();
                acknowledged.store(number, Ordering::SeqCst);
            }
        });
        total += count;
        let Some(left) = left else { break };
        root = left;
    }
    total
}

#[test]
fn a_power_cut_leaves_every_acknowledged_commit_and_no_half_one() {
    let mut cuts = 0;
    for seed in 0.. {
        cuts += lives(seed, 4);
        if cuts >= wanted(150) {
            break;
        }
    }
}

#[test]
fn a_power_cut_during_the_first_import_leaves_a_beginning_of_it() {
    let mut pairs = Vec::new();
    let sent = Memory::default();
    let mut batch = Batch::default();
    (0..2_000).for_each(|n| batch.put(format!("k{n:04}").into_bytes(), vec![7; n % 90]));
    sent.commit(batch).unwrap();
    export(&sent, &mut pairs).unwrap();
    let mut done = 0;
    for seed in 0.. {
        let root = tempfile::tempdir().unwrap();
        let look = |root: &Path, about: &str| {
            let opened = Sled::open_on(Arc::new(Careless), FORMAT, &root.join("state"), now());
            let store = opened.unwrap_or_else(|error| panic!("{about}: {error}"));
            let held = store.scan(&[], None, usize::MAX).unwrap();
            assert!(held.len() == 2_000 || held.len() % 256 == 0, "{about}: {} pairs", held.len());
            let whole = |(n, (key, value)): (usize, &Pair)| {
                *key == format!("k{n:04}").into_bytes() && *value == vec![7; n % 90]
            };
            assert!(held.iter().enumerate().all(whole), "{about}");
        };
        let base = root.path().to_owned();
        let story = |disk| {
            let store = Sled::open_on(disk, FORMAT, &base.join("state"), now()).unwrap();
            assert_eq!(import(&store, &mut Cursor::new(&pairs)).unwrap(), 2_000);
        };
        done += cuts(&base, seed, 0.5, look, story).0;
        if done >= wanted(30) {
            return;
        }
    }
}

#[test]
fn a_power_cut_during_a_change_of_format_leaves_the_new_one_with_a_backup_or_the_old_one() {
    let mut done = 0;
    for seed in 0.. {
        let root = tempfile::tempdir().unwrap();
        let base = root.path().to_owned();
        {
            let store = Sled::open_on(Arc::new(Careless), FORMAT, &base.join("state"), now()).unwrap();
            (1..=12).for_each(|number| store.commit(commit_of(number)).unwrap());
        }
        let look = |root: &Path, about: &str| {
            let folder = root.join("state");
            match Sled::open_on(Arc::new(Careless), FORMAT, &folder, now()) {
                Ok(store) => assert!(pairs(&store) == after(12), "{about}"),
                Err(error) => {
                    assert!(error.to_string().contains("newer version"), "{about}: {error}");
                    assert_eq!(held(&root.join(format!("state.backup-{FORMAT}")), about), 12, "{about}: the backup");
                    let store = Sled::open_on(Arc::new(Careless), FORMAT + 1, &folder, now()).unwrap();
                    assert!(pairs(&store) == after(12), "{about}");
                }
            }
        };
        let story = |disk| drop(Sled::open_on(disk, FORMAT + 1, &base.join("state"), now()).unwrap());
        done += cuts(&base, seed, 0.5, look, story).0;
        if done >= wanted(30) {
            return;
        }
    }
}
