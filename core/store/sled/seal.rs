//! What the disk has for certain, in a file beside the engine's: a store that is older than its seal lost commits.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind as IoKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use xxhash_rust::xxh3::xxh3_64;

use super::files::unusable;
use crate::Result;

/// Whether the store was closed after its last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was closed.
    Closed,
    /// It is open, or its process was killed.
    Open,
}

/// The open file: number of groups (8 bytes, high byte first), 1 when closed, and the hash of both.
///
/// It is written after the data's sync and not synced itself: it may lag behind the data, and is never ahead of it.
#[derive(Debug)]
pub(super) struct Seal(File);

impl Seal {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).open(path).map(Self).map_err(unusable)
    }

    /// `None` when it was never written whole.
    pub(super) fn read(&mut self) -> Result<Option<(u64, Ended)>> {
        let mut bytes = [0; 17];
        self.0.seek(SeekFrom::Start(0)).map_err(unusable)?;
        match self.0.read_exact(&mut bytes) {
            Ok(()) => {}
            Err(cause) if cause.kind() == IoKind::UnexpectedEof => return Ok(None),
            Err(cause) => return Err(unusable(cause)),
        }
        let (told, hash) = bytes.split_at(9);
        let whole = xxh3_64(told).to_be_bytes() == hash;
        let (groups, ended) = told.split_at(8);
        let ended = if ended == [1] { Ended::Closed } else { Ended::Open };
        Ok(groups.try_into().ok().filter(|_| whole).map(|groups| (u64::from_be_bytes(groups), ended)))
    }

    pub(super) fn write(&mut self, groups: u64, ended: Ended) -> Result<()> {
        let mut bytes = groups.to_be_bytes().to_vec();
        bytes.push(u8::from(ended == Ended::Closed));
        bytes.extend(xxh3_64(&bytes).to_be_bytes());
        self.0.seek(SeekFrom::Start(0)).and_then(|_| self.0.write_all(&bytes)).map_err(unusable)
    }
}
