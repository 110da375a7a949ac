//! Damage to a log that no power cut explains: what comes after it was acknowledged, and must not be taken for nothing.
//!
//! A group is written only once the one before it is synced. So what a cut leaves unfinished is one record, the last:
//! zeros in it where its blocks did not arrive, and nothing behind it. A whole record behind one that is not whole, or
//! more bytes than the broken record tells of itself, means that something was changed that had been safe.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::index::{Index, unusable};
use super::log::{Extent, GROUP, LONGEST, parsed};
use crate::{Error, ErrorKind, Result};

/// Bytes that a disk writes together: a number within them is there whole or not at all.
const SECTOR: u64 = 512;

/// Length, kind and number of a record.
const HEAD: usize = 4 + 1 + 8;

/// Bytes of a group without any change.
const SHORTEST: usize = HEAD + 8;

/// Where a log is not what was written.
#[derive(Debug)]
pub(super) struct Hurt {
    path: PathBuf,
    /// The first byte of what is no record.
    at: u64,
    /// The last group before it.
    before: u64,
    /// The last group that is whole behind it; `None` where only bytes are.
    behind: Option<u64>,
    /// The last group that the log is known to have held.
    last: u64,
}

impl Hurt {
    /// The damage in a log that holds `read` up to where no record follows; `None` where that is its end, or torn by a cut.
    ///
    /// A log has its name only once its base is synced, so one without a whole base is hurt whatever it holds.
    pub(super) fn find(path: &Path, mut file: &File, read: Extent, base_is_whole: bool) -> Result<Option<Self>> {
        let mut tail = Vec::new();
        file.seek(SeekFrom::Start(read.bytes)).and_then(|_| file.read_to_end(&mut tail)).map_err(unusable)?;
        let named = path.to_string_lossy().rsplit('-').next().and_then(|number| number.parse().ok());
        let before = if base_is_whole { read.groups } else { named.unwrap_or(0) };
        let behind = last_whole(&tail, before);
        let last = behind.unwrap_or(before + u64::from(base_is_whole));
        let is_hurt = !base_is_whole || behind.is_some() || is_longer(&tail, read);
        Ok(is_hurt.then(|| Self { path: path.to_owned(), at: read.bytes, before, behind, last }))
    }

    /// The error, with what to do: where `index` holds everything that the log is known to have held, nothing is lost.
    pub(super) fn error(&self, index: Result<Index>, acknowledged: u64) -> Error {
        let last = self.last.max(acknowledged);
        let is_whole = index.is_ok_and(|index| index.tally().groups >= last && index.prove().is_ok());
        let file = self.path.file_name().unwrap_or_default().to_string_lossy();
        let behind = match self.behind {
            Some(behind) => format!("commit {behind} is whole behind it"),
            None => "no power cut leaves it so".to_owned(),
        };
        let found =
            format!("byte {} of {file}, after commit {}, is not what was written; {behind}", self.at, self.before);
        if is_whole {
            let message = "the state folder's log is damaged, and its index still holds every commit";
            let remedy = format!(
                "copy the folder, then move {file} out of it: the next command makes a new log from the index; and have \
                 the disk checked"
            );
            return Error::new(ErrorKind::Bug, message).at("found", found).at("do", remedy);
        }
        super::quiet::damaged().at("found", found)
    }
}

/// The last group in `tail` that is whole and not before `after`, wherever it begins.
fn last_whole(tail: &[u8], after: u64) -> Option<u64> {
    let most = after + (tail.len() / SHORTEST) as u64 + 1;
    let (mut at, mut last) = (0, None);
    while let Some((length, kind, group)) = head(tail, at) {
        let fits = kind == GROUP && (after + 1..=most).contains(&group) && length <= LONGEST as usize;
        let record = tail.get(at + 4..).and_then(|rest| rest.get(..length)).filter(|_| fits);
        match record.and_then(|record| parsed(record, length)) {
            Some(record) => {
                last = last.max(Some(record.group));
                at += 4 + length;
            }
            None => at += 1,
        }
    }
    last
}

/// Whether the next group's record, as long as it says it is, ends before the file does.
fn is_longer(tail: &[u8], read: Extent) -> bool {
    let Some((length, kind, group)) = head(tail, 0) else { return false };
    let length_is_torn = read.bytes % SECTOR > SECTOR - 4;
    let is_next = kind == GROUP && group == read.groups + 1 && length >= SHORTEST - 4 && length <= LONGEST as usize;
    is_next && !length_is_torn && tail.len() > 4 + length
}

/// What may be a record's length, kind and number.
fn head(tail: &[u8], at: usize) -> Option<(usize, u8, u64)> {
    let head: &[u8; HEAD] = tail.get(at..)?.first_chunk()?;
    let [a, b, c, d, kind, group @ ..] = *head;
    Some((u32::from_be_bytes([a, b, c, d]) as usize, kind, u64::from_be_bytes(group)))
}
