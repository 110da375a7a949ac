//! A store's files together: the log that is the truth, the index over it, the seal that says whether to trust it.

use super::folder::Folder;
use super::index::{FORMAT_KEY, Index};
use super::log::{Change, Extent, Log, Opened};
use super::quiet::damaged;
use super::seal::{Ended, Seal, Sealed};
use crate::{ErrorKind, Result};

/// An index of at most so many pairs is read whole at each opening, which takes a fraction of a second.
const SMALL: u64 = 50_000;

/// The open files of one store.
#[derive(Debug)]
pub(super) struct Files {
    index: Index,
    log: Log,
    seal: Seal,
}

impl Files {
    /// Opens what is in `folder`, and proves that it has what was acknowledged.
    ///
    /// The index is made anew from the log when it is damaged, and when the machine was started anew since the store was
    /// left open: a power cut may have torn what sled wrote.
    pub(super) fn open(folder: &Folder) -> Result<Self> {
        Self::opened(folder).map_err(|error| error.at("folder", folder.path().display()))
    }

    fn opened(folder: &Folder) -> Result<Self> {
        let mut seal = Seal::open(&folder.seal(), folder.disk())?;
        let sealed = seal.read()?;
        let acknowledged = sealed.as_ref().map_or(0, |sealed| sealed.groups);
        let log = match Log::open(folder.path(), &folder.disk())? {
            Opened::Whole(log) => Some(log),
            Opened::None => None,
            Opened::Hurt(hurt) => return Err(hurt.error(Index::open(&folder.engine()), acknowledged)),
        };
        let logged = log.as_ref().map_or(0, |log| log.extent().groups);
        let log_is_whole = log.is_some() && logged >= acknowledged;
        if log_is_whole && !is_trusted(sealed.as_ref(), folder.disk().boot()) {
            folder.clear_engine()?;
        }
        // Only now: whoever is killed here must not leave the word that torn files can be trusted.
        seal.write(Extent { groups: acknowledged, ..Extent::default() }, Ended::Open)?;
        seal.keep()?;
        let (index, log) = match (proven(folder, sealed.as_ref()), log) {
            (Ok(index), Some(log)) if is_behind(&index, &log) && log_is_whole => (index, log),
            (Ok(index), _) if index.tally().groups >= acknowledged.max(logged) => {
                let log = Log::begin(folder.path(), folder.disk(), index.tally().groups, index.everything())?;
                (index, log)
            }
            (Err(error), Some(log)) if log_is_whole && error.kind() == ErrorKind::Bug => (anew(folder)?, log),
            // The log comes before the first commit: the power went while the store was made.
            (Err(error), None) if is_unused(sealed.as_ref()) && error.kind() == ErrorKind::Bug => {
                let index = anew(folder)?;
                let log = Log::begin(folder.path(), folder.disk(), 0, index.everything())?;
                (index, log)
            }
            (Ok(index), Some(log)) if log_is_whole => {
                drop(index);
                (anew(folder)?, log)
            }
            (Err(error), _) => return Err(error),
            (Ok(_), _) => {
                let lost = "the last commits are missing: a file was cut short, replaced or deleted";
                return Err(damaged().at("found", lost));
            }
        };
        let mut files = Self { index, log, seal };
        files.catch_up()?;
        Ok(files)
    }

    /// Gives the index what it lacks.
    fn catch_up(&mut self) -> Result<()> {
        self.log.cut_tail()?;
        let (extent, groups) = (self.log.extent(), self.index.tally().groups);
        let after = (groups >= extent.base && self.index.own(FORMAT_KEY)?.is_some()).then_some(groups);
        let index = &mut self.index;
        let mut told = |group, changes| {
            // A part of the base counts for nothing: the index is behind until it has the whole.
            index.change(changes, if group == extent.base { 0 } else { group })
        };
        // The log was just read to its end; it is read again only for what the index lacks.
        if after.is_none_or(|after| after < extent.groups) {
            self.log.tell(after, &mut told)?;
        }
        if self.index.tally().groups < extent.groups {
            self.index.change(Vec::new(), extent.groups)?;
        }
        Ok(())
    }

    /// The format that wrote it; `None` for a new store.
    pub(super) fn format(&self) -> Result<Option<u32>> {
        let Some(bytes) = self.index.own(FORMAT_KEY)? else { return Ok(None) };
        let format = bytes.as_slice().try_into().map_err(|_| damaged().at("key", "format"))?;
        Ok(Some(u32::from_be_bytes(format)))
    }

    pub(super) fn set_format(&mut self, format: u32) -> Result<()> {
        let changes = vec![(FORMAT_KEY.to_vec(), Some(format.to_be_bytes().to_vec()))];
        self.keep(&changes)?;
        self.show(changes)
    }

    /// The index over everything.
    pub(super) fn index(&self) -> &Index {
        &self.index
    }

    /// Makes one group survive a power cut; it is not seen before it is [shown](Self::show).
    pub(super) fn keep(&mut self, changes: &[Change]) -> Result<()> {
        self.log.add(changes)?;
        self.seal.write(self.log.extent(), Ended::Open)
    }

    /// Lets reads see the group that was kept, all or nothing.
    pub(super) fn show(&mut self, changes: Vec<Change>) -> Result<()> {
        self.index.change(changes, self.log.extent().groups)
    }

    /// Writes the log anew where it has grown long.
    pub(super) fn tidy(&mut self) -> Result<()> {
        if self.log.is_long() { self.log.renew(self.index.everything()) } else { Ok(()) }
    }

    /// What is left to be done once the engine is gone.
    pub(super) fn close(self) -> Result<(Seal, Extent)> {
        self.index.flush()?;
        Ok((self.seal, self.log.extent()))
    }
}

/// Whether sled's files are as the engine left them: it ended well, or the machine has been running ever since.
fn is_trusted(sealed: Option<&Sealed>, boot: Option<String>) -> bool {
    sealed.is_some_and(|sealed| sealed.ended == Ended::Closed || boot.is_some_and(|boot| boot == sealed.boot))
}

/// Whether the store was left open before anything was committed to it.
fn is_unused(sealed: Option<&Sealed>) -> bool {
    sealed.is_some_and(|sealed| sealed.groups == 0 && sealed.ended == Ended::Open)
}

/// The index as it is, read whole unless it is large and was closed properly.
fn proven(folder: &Folder, sealed: Option<&Sealed>) -> Result<Index> {
    let index = Index::open(&folder.engine())?;
    let tally = index.tally();
    let closed = sealed.is_some_and(|sealed| sealed.ended == Ended::Closed && sealed.groups == tally.groups);
    if tally.pairs <= SMALL || !closed {
        index.prove()?;
    }
    Ok(index)
}

/// Whether the log can bring the index up to date.
fn is_behind(index: &Index, log: &Log) -> bool {
    (log.extent().base..=log.extent().groups).contains(&index.tally().groups)
}

/// An empty index.
fn anew(folder: &Folder) -> Result<Index> {
    folder.wait_for_engine();
    folder.clear_engine()?;
    Index::open(&folder.engine())
}
