//! The commit log: what was acknowledged, in a file of our own that is only ever added to.
//!
//! sled overwrites freed segments before what replaced them is safe, so a power cut can undo what was synced long ago.
//! Here a commit is a record, synced before it is acknowledged; sled is an index over it, and is made anew from it
//! whenever it cannot be trusted.
//!
//! A file is `log-<groups>`: first everything that the store held after so many groups (the base), then a record per
//! group. A record is its length (4 bytes, high byte first), its kind (1 byte), the number of its group (8 bytes), its
//! changes, and the xxh3 hash of kind, number and changes (8 bytes). A change is the key's length (4 bytes), the key, then
//! 0 for a deletion or 1, the value's length (4 bytes) and the value.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::disk::Disk;
use super::hurt::Hurt;
use super::index::unusable;
use super::quiet::damaged;
use crate::{Error, ErrorKind, Result};

/// How the names of logs begin.
pub(super) const NAME: &str = "log-";

/// What a name ends with while the base is being written.
const PARTIAL: &str = "partial";

/// Bytes of a base's record.
const CHUNK: usize = 1 << 20;

/// Bytes after the base below which a log is never written anew.
const SHORT: u64 = if cfg!(test) { 128 << 10 } else { 64 << 20 };

/// A record longer than this is a sign of damage.
pub(super) const LONGEST: u32 = 1 << 30;

/// Part of the base.
const BASE: u8 = b'B';

/// The base is whole.
const WHOLE: u8 = b'W';

/// A group.
pub(super) const GROUP: u8 = b'G';

/// A key, and its value unless it was deleted.
pub(super) type Change = (Vec<u8>, Option<Vec<u8>>);

/// The log that is being added to.
#[derive(Debug)]
pub(super) struct Log {
    file: File,
    path: PathBuf,
    disk: Arc<dyn Disk>,
    extent: Extent,
}

/// What a log holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// The group that the base holds.
    pub(super) base: u64,
    /// The last group.
    pub(super) groups: u64,
    /// Length of the base.
    pub(super) base_bytes: u64,
    /// Length of all of it.
    pub(super) bytes: u64,
}

pub(super) struct Record {
    pub(super) kind: u8,
    pub(super) group: u64,
    changes: Vec<Change>,
}

/// What opening a folder's logs came to.
#[derive(Debug)]
pub(super) enum Opened {
    /// There is none.
    None,
    /// The newest, up to its last whole record.
    Whole(Log),
    /// The newest, in which something was changed that had been synced.
    Hurt(Hurt),
}

impl Log {
    /// Opens the newest log of `folder` and reads it from beginning to end; older ones are taken away.
    pub(super) fn open(folder: &Path, disk: &Arc<dyn Disk>) -> Result<Opened> {
        let mut logs = Vec::new();
        for path in files(folder).map_err(unusable)? {
            let number = path.to_string_lossy().rsplit(NAME).next().and_then(|number| number.parse::<u64>().ok());
            logs.push((number, path));
        }
        logs.sort();
        // A log has its number only once its base is safe, so the newest is the one that counts.
        let newest = logs.pop_if(|(number, _)| number.is_some());
        let opened = match newest {
            Some((_, path)) => Self::at_end(path, disk)?,
            None => Opened::None,
        };
        if !matches!(opened, Opened::Hurt(_)) {
            logs.iter().try_for_each(|(_, path)| fs::remove_file(path)).map_err(unusable)?;
        }
        Ok(opened)
    }

    /// The log at `path`, read to its end.
    fn at_end(path: PathBuf, disk: &Arc<dyn Disk>) -> Result<Opened> {
        let file = OpenOptions::new().read(true).write(true).open(&path).map_err(unusable)?;
        let mut log = Self { file, path, disk: Arc::clone(disk), extent: Extent::default() };
        let extent = &mut log.extent;
        let mut is_whole = false;
        let mut from = BufReader::new(&log.file);
        while let Some((record, length)) = read(&mut from)? {
            match record.kind {
                BASE if !is_whole => {}
                WHOLE if !is_whole => (is_whole, extent.base) = (true, record.group),
                GROUP if is_whole && record.group == extent.groups + 1 => {}
                _ => break,
            }
            extent.groups = record.group;
            extent.bytes += length;
            if record.kind == WHOLE {
                extent.base_bytes = extent.bytes;
            }
        }
        let hurt = Hurt::find(&log.path, &log.file, log.extent, is_whole)?;
        Ok(hurt.map_or(Opened::Whole(log), Opened::Hurt))
    }

    /// Begins a log in `folder` with all that a store holds after `groups` groups; others are taken away.
    pub(super) fn begin(
        folder: &Path,
        disk: Arc<dyn Disk>,
        groups: u64,
        everything: impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>>,
    ) -> Result<Self> {
        let path = folder.join(format!("{NAME}{groups:020}"));
        let partial = path.with_extension(PARTIAL);
        let mut file = BufWriter::new(File::create(&partial).map_err(unusable)?);
        let (mut chunk, mut weight) = (Vec::new(), 0);
        for pair in everything {
            let (key, value) = pair?;
            weight += key.len() + value.len();
            chunk.push((key, Some(value)));
            if weight >= CHUNK {
                file.write_all(&record(BASE, groups, &chunk)?).map_err(unusable)?;
                (chunk, weight) = (Vec::new(), 0);
            }
        }
        let last = [record(BASE, groups, &chunk)?, record(WHOLE, groups, &[])?].concat();
        let written = file.write_all(&last).and_then(|()| file.into_inner().map_err(|error| error.into_error()));
        let written = written.and_then(|file| {
            disk.keep_file(&partial, &file)?;
            fs::rename(&partial, &path)?;
            disk.keep_names(folder)
        });
        written.map_err(unusable)?;
        for other in files(folder).map_err(unusable)?.into_iter().filter(|other| *other != path) {
            fs::remove_file(other).map_err(unusable)?;
        }
        match Self::at_end(path, &disk)? {
            Opened::Whole(log) => Ok(log),
            Opened::Hurt(_) | Opened::None => Err(damaged()),
        }
    }

    /// What it holds.
    pub(super) fn extent(&self) -> Extent {
        self.extent
    }

    /// Takes away what was cut off in writing; before that, nothing can be added.
    pub(super) fn cut_tail(&mut self) -> Result<()> {
        let end = self.extent.bytes;
        let cut = self.file.set_len(end).and_then(|()| self.disk.keep_file(&self.path, &self.file));
        cut.and_then(|()| self.file.seek(SeekFrom::Start(end))).map(drop).map_err(unusable)
    }

    /// Begins anew with all that the store holds.
    pub(super) fn renew(&mut self, everything: impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>>) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new(".")).to_owned();
        *self = Self::begin(&folder, Arc::clone(&self.disk), self.extent.groups, everything)?;
        self.cut_tail()
    }

    /// Whether it is so much longer than its base that it is time for a new one.
    pub(super) fn is_long(&self) -> bool {
        let Extent { base_bytes, bytes, .. } = self.extent;
        bytes - base_bytes > SHORT.max(2 * base_bytes)
    }

    /// Adds the next group; when it returns, a power cut cannot undo it.
    pub(super) fn add(&mut self, changes: &[Change]) -> Result<()> {
        let record = record(GROUP, self.extent.groups + 1, changes)?;
        self.file.write_all(&record).map_err(unusable)?;
        self.disk.keep_file(&self.path, &self.file).map_err(unusable)?;
        self.extent.groups += 1;
        self.extent.bytes += record.len() as u64;
        Ok(())
    }

    /// Tells the base, unless `after` is a group, and the groups after it, each with its number.
    pub(super) fn tell(&self, after: Option<u64>, told: &mut dyn FnMut(u64, Vec<Change>) -> Result<()>) -> Result<()> {
        let mut from = BufReader::new(File::open(&self.path).map_err(unusable)?);
        let mut left = self.extent.bytes;
        while left > 0 {
            let (record, length) = read(&mut from)?.ok_or_else(damaged)?;
            left = left.checked_sub(length).ok_or_else(damaged)?;
            match record.kind {
                GROUP if after.is_none_or(|after| record.group > after) => told(record.group, record.changes)?,
                BASE if after.is_none() => told(record.group, record.changes)?,
                _ => {}
            }
        }
        Ok(())
    }
}

/// The logs in a folder, partial ones too.
pub(super) fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(NAME) {
            files.push(entry.path());
        }
    }
    Ok(files)
}

fn record(kind: u8, group: u64, changes: &[Change]) -> Result<Vec<u8>> {
    let too_large = || Error::new(ErrorKind::Bug, "a commit is larger than 1 GiB");
    let length = |bytes: usize| u32::try_from(bytes).ok().filter(|length| *length <= LONGEST).ok_or_else(too_large);
    let mut record = vec![0; 4];
    record.push(kind);
    record.extend(group.to_be_bytes());
    for (key, value) in changes {
        record.extend(length(key.len())?.to_be_bytes());
        record.extend(key);
        record.push(u8::from(value.is_some()));
        if let Some(value) = value {
            record.extend(length(value.len())?.to_be_bytes());
            record.extend(value);
        }
    }
    let hash = xxh3_64(&record[4..]);
    record.extend(hash.to_be_bytes());
    let whole = length(record.len() - 4)?;
    record[..4].copy_from_slice(&whole.to_be_bytes());
    Ok(record)
}

/// The next record and its length on disk; `None` at the end, and where what follows is no record.
fn read(from: &mut dyn Read) -> Result<Option<(Record, u64)>> {
    let mut bytes = Vec::new();
    from.take(4).read_to_end(&mut bytes).map_err(unusable)?;
    let Ok(length) = bytes.as_slice().try_into().map(u32::from_be_bytes) else { return Ok(None) };
    if length > LONGEST {
        return Ok(None);
    }
    bytes.clear();
    // Not allocated ahead: a torn length must not cost memory that the file does not have.
    from.take(length.into()).read_to_end(&mut bytes).map_err(unusable)?;
    Ok(parsed(&bytes, length as usize).map(|record| (record, u64::from(length) + 4)))
}

/// The record that `bytes` are, after their length.
pub(super) fn parsed(bytes: &[u8], length: usize) -> Option<Record> {
    let (told, hash) = bytes.split_last_chunk::<8>().filter(|_| bytes.len() == length)?;
    if xxh3_64(told).to_be_bytes() != *hash {
        return None;
    }
    let (kind, told) = told.split_first()?;
    let (group, mut rest) = told.split_first_chunk::<8>()?;
    let mut changes = Vec::new();
    while !rest.is_empty() {
        let key = text(&mut rest)?;
        let (is_there, after) = rest.split_first()?;
        rest = after;
        changes.push((key, if *is_there == 1 { Some(text(&mut rest)?) } else { None }));
    }
    Some(Record { kind: *kind, group: u64::from_be_bytes(*group), changes })
}

fn text(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let (text, after) = after.split_at_checked(u32::from_be_bytes(*length) as usize)?;
    *rest = after;
    Some(text.to_vec())
}
