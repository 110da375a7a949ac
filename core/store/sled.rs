//! The store on disk: sled, used so that a power cut cannot undo what was acknowledged.
//!
//! sled's own `flush` is not an fsync on Linux, and what it wrote can undo what was synced before: so commits are kept in
//! a log of our own, and sled is an index over it that can be made anew. One thread owns all writes and syncs the log
//! before it answers; commits that wait together share one sync. Values that sled would move to files of their own are
//! kept in parts. sled may panic on damaged files; here that is an error.

mod committer;
mod disk;
mod files;
mod folder;
mod hurt;
mod index;
mod log;
mod parts;
mod quiet;
mod seal;
mod tally;
#[cfg(test)]
mod tests;
mod upgrade;

use std::ops::Bound;
use std::path::Path;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;

use committer::{Ask, Committer};
use disk::{Disk, Machine};
use files::Files;
use folder::Folder;
use index::is_own;
use log::Extent;
use parts::OWN;
use seal::Seal;
use tally::Tally;

use super::migrate::FORMAT;
use super::{Backend, Batch, Pair};
use crate::{Error, ErrorKind, Result};
use jiff::Timestamp;

/// A store in a folder, used by one process at a time.
///
/// Its calls block: from async code, make them where blocking is allowed. Keys begin with a byte below `0xFE`.
/// Dropping it waits for the commits under way. Once a write failed, every later commit fails too: what the disk holds
/// is then known only by opening it again.
#[derive(Debug)]
pub struct Sled {
    tree: ::sled::Tree,
    /// Held for reading by reads and for writing while a group is applied, so that no read sees half a commit.
    whole: Arc<RwLock<()>>,
    asks: Option<Sender<Ask>>,
    committer: Option<JoinHandle<Option<(Seal, Extent)>>>,
    /// Dropped last: it waits for the engine to be gone before others may come.
    folder: Folder,
}

impl Sled {
    /// Opens the store in `folder`, or makes it; `now` is told to others who try while this process has it.
    ///
    /// A store of an older format is copied to `<folder>.backup-<format>` first.
    ///
    /// # Errors
    /// `Unavailable` when another process uses it (it is named); `Config` when it cannot be read or written, or when a
    /// newer version wrote it; `Bug` when its files are damaged.
    pub fn open(folder: &Path, now: Timestamp) -> Result<Self> {
        Self::open_told(folder, now, &mut |_| {})
    }

    /// The same; `told` hears how many facts of an older format were rewritten so far, as that may take its time.
    ///
    /// # Errors
    /// As [`Sled::open`].
    pub fn open_told(folder: &Path, now: Timestamp, told: &mut dyn FnMut(u64)) -> Result<Self> {
        Self::opened(Arc::new(Machine), FORMAT, folder, now, told)
    }

    fn opened(
        disk: Arc<dyn Disk>,
        format: u32,
        folder: &Path,
        now: Timestamp,
        told: &mut dyn FnMut(u64),
    ) -> Result<Self> {
        let folder = Folder::claim(folder, now, disk)?;
        let mut files = Files::open(&folder)?;
        match files.format()? {
            Some(written) if written > format => return Err(newer(&folder, written, format)),
            Some(written) if written < format => {
                files = upgrade::upgrade(files, &folder, written, format, told)?;
            }
            Some(_) => {}
            None => files.set_format(format)?,
        }
        folder.settle()?;
        let whole = Arc::new(RwLock::new(()));
        let tree = files.index().tree();
        let (asks, asked) = channel();
        let committer = Committer::new(files, whole.clone());
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || committer.run(&asked));
        let thread = thread
            .map_err(|cause| Error::new(ErrorKind::Config, "the store's thread cannot be started").because(cause))?;
        Ok(Self { tree, whole, asks: Some(asks), committer: Some(thread), folder })
    }

    /// Reads everything, proves that nothing is missing or changed, and tells how many pairs there are.
    ///
    /// Opening does so too, unless the store is large and was closed properly.
    ///
    /// # Errors
    /// `Bug` when the files are damaged.
    pub fn prove(&self) -> Result<u64> {
        let _whole = self.whole.read().unwrap_or_else(PoisonError::into_inner);
        quiet::caught(|| {
            let tally = Tally::read(&self.tree)?;
            tally.prove(&self.tree)?;
            Ok(tally.pairs)
        })
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

impl Backend for Sled {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        if is_own(key) {
            return Ok(None);
        }
        let _whole = self.whole.read().unwrap_or_else(PoisonError::into_inner);
        quiet::caught(|| parts::read(&self.tree, key))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>> {
        if is_own(prefix) || after.is_some_and(is_own) {
            return Ok(Vec::new());
        }
        let _whole = self.whole.read().unwrap_or_else(PoisonError::into_inner);
        scan(&self.tree, prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<()> {
        if batch.writes.iter().any(|(key, _)| key.is_empty() || is_own(key)) {
            return Err(Error::new(ErrorKind::Bug, "a key begins with a byte below 0xFE"));
        }
        let gone = || Error::new(ErrorKind::Bug, "the store's thread is gone");
        let (reply, answer) = sync_channel(1);
        let asks = self.asks.as_ref().ok_or_else(gone)?;
        asks.send(Ask { batch, reply }).map_err(|_| gone())?;
        answer.recv().map_err(|_| gone())?
    }
}

fn scan(tree: &::sled::Tree, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>> {
    quiet::caught(|| {
        let start = after.filter(|after| *after >= prefix).map_or(Bound::Included(prefix), Bound::Excluded);
        let mut found = Vec::new();
        for pair in tree.range::<&[u8], _>((start, Bound::Excluded(&[OWN][..]))) {
            let (key, head) = pair.map_err(index::failed)?;
            if found.len() >= limit || !key.starts_with(prefix) {
                break;
            }
            found.push((key.to_vec(), parts::assembled(tree, &key, &head)?));
        }
        Ok(found)
    })
}

/// The error of a store that this version must not touch.
fn newer(folder: &Folder, written: u32, known: u32) -> Error {
    let path = folder.path().display();
    let message = "a newer version of passerelle wrote this state folder, and it was left as it is";
    let cure = format!(
        "use that version again; or move {path} aside and put in its place the copy that was made before the upgrade, \
         {path}.backup-{known}, whose runs end there"
    );
    let error = Error::new(ErrorKind::Config, message).at("its format", written).at("known format", known);
    error.at("folder", path).at("do", cure)
}

impl Drop for Sled {
    fn drop(&mut self) {
        // Without asks the thread ends, once it has answered those that wait.
        self.asks = None;
        if let Some(Ok(Some(closing))) = self.committer.take().map(JoinHandle::join) {
            self.folder.close_after_engine(closing);
        }
    }
}
