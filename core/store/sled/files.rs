//! The engine's files, opened and proved; writes that are on the disk when they return.

use std::fs::{File, OpenOptions};

use ::sled::{Batch, Db, Tree};

use super::folder::Folder;
use super::quiet::{caught, damaged};
use super::seal::{Ended, Seal};
use super::tally::Tally;
use crate::{Error, ErrorKind, Result};

/// The format, as 4 bytes, high byte first.
const FORMAT_KEY: &[u8] = b"\xFEformat";

/// Memory that sled may use for pages; it takes it as a hint.
const CACHE: u64 = 64 << 20;

/// A store of at most so many pairs is read whole at each opening, which takes a fraction of a second.
const SMALL: u64 = 50_000;

/// The open files of one store.
#[derive(Debug)]
pub(super) struct Files {
    db: Db,
    /// Our own handle of the file that sled writes, to sync it.
    data: File,
    seal: Seal,
    tally: Tally,
}

impl Files {
    /// Opens sled below `folder`, and proves that it has what was acknowledged: by the seal, and, when the store is
    /// small or was not closed properly, by reading everything.
    pub(super) fn open(folder: &Folder) -> Result<Self> {
        let at = |error: Error| error.at("folder", folder.path().display());
        let path = folder.engine();
        let mut seal = Seal::open(&folder.seal()).map_err(at)?;
        let sealed = seal.read().map_err(at)?;
        let (db, tally) = caught(|| {
            let config = ::sled::Config::new().path(&path).cache_capacity(CACHE).flush_every_ms(None);
            let db = config.open().map_err(failed)?;
            let tally = Tally::read(&db)?;
            if sealed.is_some_and(|(groups, _)| groups > tally.groups) {
                let lost = "the last commits are missing: a file was cut short, replaced or deleted";
                return Err(damaged().at("found", lost));
            }
            if tally.pairs <= SMALL || sealed != Some((tally.groups, Ended::Closed)) {
                tally.prove(&db)?;
            }
            Ok((db, tally))
        })
        .map_err(at)?;
        let data = OpenOptions::new().read(true).write(true).open(path.join("db")).map_err(unusable).map_err(at)?;
        Ok(Self { db, data, seal, tally })
    }

    /// The format that wrote it; `None` for a new store.
    pub(super) fn format(&self) -> Result<Option<u32>> {
        let Some(bytes) = caught(|| self.db.get(FORMAT_KEY).map_err(failed))? else { return Ok(None) };
        let format = bytes.as_ref().try_into().map_err(|_| damaged().at("key", "format"))?;
        Ok(Some(u32::from_be_bytes(format)))
    }

    pub(super) fn set_format(&mut self, format: u32) -> Result<()> {
        let mut batch = Batch::default();
        batch.insert(FORMAT_KEY, &format.to_be_bytes()[..]);
        self.apply(batch, self.tally)?;
        self.sync()
    }

    /// The tree that holds everything.
    pub(super) fn tree(&self) -> Tree {
        Tree::clone(&self.db)
    }

    /// What the store holds now.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// Applies one group, all or nothing, after which the store holds `tally`. It is not safe before
    /// [`sync`](Self::sync) has returned.
    pub(super) fn apply(&mut self, mut batch: Batch, mut tally: Tally) -> Result<()> {
        tally.groups += 1;
        self.tally = tally;
        self.tally.put(&mut batch);
        caught(|| self.db.apply_batch(batch).map_err(failed))
    }

    /// Makes what was applied survive a power cut.
    pub(super) fn sync(&mut self) -> Result<()> {
        caught(|| self.db.flush().map_err(failed))?;
        self.data.sync_all().map_err(unusable)?;
        self.seal.write(self.tally.groups, Ended::Open)
    }

    /// Tells the next one who opens it that nothing was under way.
    pub(super) fn close(mut self) -> Result<()> {
        self.seal.write(self.tally.groups, Ended::Closed)
    }
}

/// What an error of sled's means.
pub(super) fn failed(cause: ::sled::Error) -> Error {
    match cause {
        ::sled::Error::Io(cause) => unusable(cause),
        cause => damaged().because(cause),
    }
}

pub(super) fn unusable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Config, "the state folder cannot be used").because(cause)
}
