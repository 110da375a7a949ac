//! A store of an older format: copied first, then brought to the present one, while nobody else can see it.

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use ::sled::Tree;

use super::committer::Committer;
use super::files::Files;
use super::folder::Folder;
use super::{parts, quiet, scan};
use crate::Result;
use crate::store::{Backend, Batch, Pair, migrate};

/// Brings what `files` hold from format `written` to `format`; only then is it of that format, so that after a power
/// cut the next opening begins again.
pub(super) fn upgrade(
    files: Files,
    folder: &Folder,
    written: u32,
    format: u32,
    told: &mut dyn FnMut(u64),
) -> Result<Files> {
    drop(files);
    folder.wait_for_engine();
    folder.back_up(written)?;
    let files = Files::open(folder)?;
    let store = Upgrading {
        tree: files.index().tree(),
        committer: Mutex::new(Committer::new(files, Arc::<RwLock<()>>::default())),
    };
    migrate(&store, written, told)?;
    let mut files = store.committer.into_inner().unwrap_or_else(PoisonError::into_inner).into_files();
    files.set_format(format)?;
    Ok(files)
}

/// The store while it is brought to another format: one commit after the other, each synced.
#[derive(Debug)]
struct Upgrading {
    tree: Tree,
    committer: Mutex<Committer>,
}

impl Backend for Upgrading {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        quiet::caught(|| parts::read(&self.tree, key))
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>> {
        scan(&self.tree, prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<()> {
        self.committer.lock().unwrap_or_else(PoisonError::into_inner).commit(batch)
    }
}
