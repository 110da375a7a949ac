//! What the disk has for certain, in a file beside the engine's, and whether the engine's files can be trusted.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::disk::Disk;
use super::index::unusable;
use super::log::Extent;
use crate::Result;

/// Whether the store was closed after its last commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was closed.
    Closed,
    /// It is open, or its process was killed.
    Open,
}

/// What it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sealed {
    /// Groups that are acknowledged; it may lag behind the log.
    pub(super) groups: u64,
    pub(super) ended: Ended,
    /// Since which start of the machine the store is open.
    pub(super) boot: String,
}

/// The open file: number of groups (8 bytes, high byte first), 1 when closed, the log's base, the base's length, the
/// log's length (8 bytes each), the machine's start, and the hash of all (8 bytes).
///
/// It is synced when the store is opened and when it is closed, and in between only written.
#[derive(Debug)]
pub(super) struct Seal {
    file: File,
    path: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Seal {
    pub(super) fn open(path: &Path, disk: Arc<dyn Disk>) -> Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path).map_err(unusable)?;
        Ok(Self { file, path: path.to_owned(), disk })
    }

    /// `None` when it was never written whole.
    pub(super) fn read(&mut self) -> Result<Option<Sealed>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(0)).map_err(unusable)?;
        (&self.file).take(1024).read_to_end(&mut bytes).map_err(unusable)?;
        Ok(parsed(&bytes))
    }

    pub(super) fn write(&mut self, log: Extent, ended: Ended) -> Result<()> {
        let mut bytes = log.groups.to_be_bytes().to_vec();
        bytes.push(u8::from(ended == Ended::Closed));
        bytes.extend([log.base, log.base_bytes, log.bytes].map(u64::to_be_bytes).concat());
        bytes.extend(self.disk.boot().unwrap_or_default().as_bytes());
        bytes.extend(xxh3_64(&bytes).to_be_bytes());
        let written = self.file.seek(SeekFrom::Start(0)).and_then(|_| self.file.write_all(&bytes));
        written.and_then(|()| self.file.set_len(bytes.len() as u64)).map_err(unusable)
    }

    /// Makes what it says survive a power cut.
    pub(super) fn keep(&self) -> Result<()> {
        self.disk.keep_file(&self.path, &self.file).map_err(unusable)
    }
}

fn parsed(bytes: &[u8]) -> Option<Sealed> {
    let (told, hash) = bytes.split_last_chunk::<8>()?;
    if xxh3_64(told).to_be_bytes() != *hash {
        return None;
    }
    let (groups, rest) = told.split_first_chunk::<8>()?;
    let groups = u64::from_be_bytes(*groups);
    let (ended, rest) = rest.split_first()?;
    let ended = if *ended == 1 { Ended::Closed } else { Ended::Open };
    // A version without a log said nothing of one, and nothing of the machine's start.
    let boot = rest.split_first_chunk::<24>().map_or(&[][..], |(_, boot)| boot);
    Some(Sealed { groups, ended, boot: String::from_utf8(boot.to_vec()).ok()? })
}
