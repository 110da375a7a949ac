//! A disk that keeps only what it was asked to keep, and what a power cut may leave of the rest.
//!
//! Below a root folder, a file's content is certain as of its last sync, and a folder's names are. Of what was written
//! after it, a cut leaves any blocks, each old or new, at the old length or the new; names made since may be missing,
//! a name that was moved is at one of its two places. The engine syncs a snapshot of its own before it names it, which
//! this disk cannot see: a snapshot is there whole or not at all.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::dice::Dice;
use crate::store::sled::disk::Disk;

/// Counts starts of machines.
static STARTS: AtomicU64 = AtomicU64::new(0);

/// Told at each sync, before it counts and after it.
type Witness = Box<dyn FnMut(&Cut<'_>) + Send>;

pub(super) struct Forgetful {
    root: PathBuf,
    boot: u64,
    kept: Mutex<Kept>,
    witness: Mutex<Witness>,
}

/// What is certain, by inode.
#[derive(Default)]
struct Kept {
    contents: BTreeMap<u64, Vec<u8>>,
    names: BTreeMap<u64, BTreeMap<String, u64>>,
}

/// A moment at which the power may go.
pub(super) struct Cut<'a> {
    disk: &'a Forgetful,
    kept: &'a Kept,
}

impl Forgetful {
    /// A disk of which everything that is below `root` now is certain.
    pub(super) fn below(root: &Path, witness: Witness) -> Self {
        let mut kept = Kept::default();
        kept.take_all(root);
        let boot = STARTS.fetch_add(1, Ordering::Relaxed);
        Self { root: root.to_owned(), boot, kept: Mutex::new(kept), witness: Mutex::new(witness) }
    }

    fn keep(&self, take: impl FnOnce(&mut Kept)) {
        let mut kept = self.kept.lock().unwrap();
        let mut witness = self.witness.lock().unwrap();
        witness(&Cut { disk: self, kept: &kept });
        take(&mut kept);
        witness(&Cut { disk: self, kept: &kept });
    }
}

impl std::fmt::Debug for Forgetful {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Forgetful").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Disk for Forgetful {
    fn keep_file(&self, path: &Path, _: &File) -> std::io::Result<()> {
        self.keep(|kept| kept.take_content(path));
        Ok(())
    }

    /// Every such disk is found after a start of the machine.
    fn boot(&self) -> Option<String> {
        Some(self.boot.to_string())
    }

    fn keep_names(&self, folder: &Path) -> std::io::Result<()> {
        if folder.starts_with(&self.root) {
            self.keep(|kept| kept.take_names(folder));
        }
        Ok(())
    }
}

/// A disk that keeps nothing, for what needs no cut; it too is found after a start of the machine.
#[derive(Debug)]
pub(super) struct Careless;

impl Disk for Careless {
    fn keep_file(&self, _: &Path, _: &File) -> std::io::Result<()> {
        Ok(())
    }

    fn keep_names(&self, _: &Path) -> std::io::Result<()> {
        Ok(())
    }

    fn boot(&self) -> Option<String> {
        Some(STARTS.fetch_add(1, Ordering::Relaxed).to_string())
    }
}

impl Kept {
    fn take_all(&mut self, path: &Path) {
        if path.is_file() {
            return self.take_content(path);
        }
        self.take_names(path);
        fs::read_dir(path).unwrap().for_each(|entry| self.take_all(&entry.unwrap().path()));
    }

    fn take_content(&mut self, path: &Path) {
        self.contents.insert(inode(path), fs::read(path).unwrap());
    }

    fn take_names(&mut self, folder: &Path) {
        self.names.insert(inode(folder), names(folder).into_iter().map(|(name, path)| (name, inode(&path))).collect());
    }
}

impl Cut<'_> {
    /// Writes what such a cut may leave into `target`, a new folder that stands for the root.
    pub(super) fn leave(&self, target: &Path, dice: &mut Dice) {
        let share = [0.0, 0.1, 0.5, 0.9, 1.0][pick(dice, 5)];
        let block = [512, 4096, 65_536][pick(dice, 3)];
        let mut places = BTreeMap::new();
        places_of(&self.disk.root, &mut places);
        self.leave_folder(inode(&self.disk.root), target, &places, &mut Chance { dice, share, block });
    }

    fn leave_folder(&self, folder: u64, target: &Path, places: &BTreeMap<u64, PathBuf>, chance: &mut Chance<'_>) {
        fs::create_dir_all(target).unwrap();
        let now: BTreeMap<String, u64> = places.get(&folder).filter(|path| path.is_dir()).map_or_else(
            || self.kept.names.get(&folder).cloned().unwrap_or_default(),
            |path| names(path).into_iter().map(|(name, path)| (name, inode(&path))).collect(),
        );
        let none = BTreeMap::new();
        let before = self.kept.names.get(&folder).unwrap_or(&none);
        let moved: BTreeSet<u64> = before.values().copied().filter(|inode| now.values().any(|n| n == inode)).collect();
        // Moves of one folder happen in their order, so all of them or none is one of the states there were.
        let moves = chance.falls();
        for name in before.keys().chain(now.keys()).collect::<BTreeSet<_>>() {
            let left = match (before.get(name), now.get(name)) {
                (Some(old), Some(new)) if old == new => Some(*old),
                (None, Some(new)) if !moved.contains(new) => Some(*new).filter(|_| chance.falls()),
                (Some(old), None) if !moved.contains(old) => Some(*old).filter(|_| !chance.falls()),
                (old, new) => if moves { new } else { old }.copied(),
            };
            let Some(inode) = left else { continue };
            self.leave_one(inode, name, &target.join(name), places, chance);
        }
    }

    fn leave_one(
        &self,
        inode: u64,
        name: &str,
        target: &Path,
        places: &BTreeMap<u64, PathBuf>,
        chance: &mut Chance<'_>,
    ) {
        let place = places.get(&inode);
        if place.is_some_and(|place| place.is_dir()) || self.kept.names.contains_key(&inode) {
            return self.leave_folder(inode, target, places, chance);
        }
        let kept = self.kept.contents.get(&inode).cloned().unwrap_or_default();
        let now = place.map_or_else(|| kept.clone(), |place| fs::read(place).unwrap());
        let is_snapshot = name.starts_with("snap.") && !name.ends_with(".generating");
        fs::write(target, if is_snapshot { now } else { chance.torn(&kept, &now) }).unwrap();
    }
}

/// How a cut tears.
struct Chance<'a> {
    dice: &'a mut Dice,
    /// The share of what was written since the last sync that has reached the disk.
    share: f64,
    /// Bytes that reach the disk together.
    block: usize,
}

impl Chance<'_> {
    fn falls(&mut self) -> bool {
        self.dice.falls_within(self.share)
    }

    fn torn(&mut self, kept: &[u8], now: &[u8]) -> Vec<u8> {
        let length = if self.falls() { now.len() } else { kept.len() };
        let mut left = kept.to_vec();
        left.resize(length, 0);
        for (at, new) in now.chunks(self.block).enumerate() {
            let start = at * self.block;
            let end = (start + new.len()).min(length);
            if start < end && left[start..end] != new[..end - start] && self.falls() {
                left[start..end].copy_from_slice(&new[..end - start]);
            }
        }
        left
    }
}

/// A number below `sides`.
pub(super) fn pick(dice: &mut Dice, sides: usize) -> usize {
    (dice.fraction() * sides as f64) as usize
}

fn places_of(path: &Path, places: &mut BTreeMap<u64, PathBuf>) {
    places.insert(inode(path), path.to_owned());
    if path.is_dir() {
        names(path).into_iter().for_each(|(_, path)| places_of(&path, places));
    }
}

fn names(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), entry.path())).collect()
}

fn inode(path: &Path) -> u64 {
    fs::metadata(path).unwrap().ino()
}
