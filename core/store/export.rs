//! A store as one file: every pair with its lengths, a count and a hash at the end.
//!
//! The form is the same for every backend: `passerelle store 2\n`, where 2 is the format of the facts, then per pair the key's length (4 bytes, high byte
//! first), the key, the value's length (4 bytes), the value; then `FFFFFFFF`, the number of pairs (8 bytes), and the
//! xxh3 hash of everything before it (8 bytes).

use std::io::{Read, Seek, SeekFrom, Write};

use xxhash_rust::xxh3::Xxh3;

use super::migrate::{FORMAT, migrate};
use super::{Backend, Batch, Pair};
use crate::{Error, ErrorKind, Result};

const TITLE: &str = "passerelle store ";

/// Stands where a key's length would, after the last pair.
const END: u32 = u32::MAX;

/// Pairs read or written at a time.
const PAGE: usize = 256;

/// A key or value longer than this is a sign of damage.
const LONGEST: u32 = 256 << 20;

/// Writes all of `store`, and tells how many pairs that were.
///
/// Commits made meanwhile may be in it or not: export what nobody writes.
///
/// # Errors
/// The store's, and `Config` when `out` cannot be written.
pub fn export(store: &dyn Backend, out: &mut dyn Write) -> Result<u64> {
    let mut out = Hashing { inner: out, hash: Xxh3::new() };
    let mut count = 0_u64;
    let mut after: Option<Vec<u8>> = None;
    out.put(format!("{TITLE}{FORMAT}\n").as_bytes())?;
    loop {
        let page = store.scan(&[], after.as_deref(), PAGE)?;
        for (key, value) in &page {
            for text in [key, value] {
                let length = u32::try_from(text.len()).ok().filter(|length| *length <= LONGEST);
                let length = length.ok_or_else(|| Error::new(ErrorKind::Bug, "a value is larger than 256 MiB"))?;
                out.put(&length.to_be_bytes())?;
                out.put(text)?;
            }
            count += 1;
        }
        match page.into_iter().last() {
            Some((key, _)) => after = Some(key),
            None => break,
        }
    }
    out.put(&END.to_be_bytes())?;
    out.put(&count.to_be_bytes())?;
    let hash = out.hash.digest();
    out.put(&hash.to_be_bytes())?;
    out.inner.flush().map_err(unwritable)?;
    Ok(count)
}

/// Fills an empty store from what [`export`] wrote, and tells how many pairs that were; facts of an older format are
/// brought to the present one.
///
/// # Errors
/// `Config` when the export is damaged, none, or a newer version's (nothing is written then), or when the store is not
/// empty.
pub fn import<R: Read + Seek>(store: &dyn Backend, from: &mut R) -> Result<u64> {
    if !store.scan(&[], None, 1)?.is_empty() {
        return Err(Error::new(ErrorKind::Config, "a backup is restored into an empty state folder only"));
    }
    // First to the end, so that a damaged export leaves the store empty.
    let start = from.stream_position().map_err(unreadable)?;
    let (_, format) = pairs(from, &mut |_| Ok(()))?;
    from.seek(SeekFrom::Start(start)).map_err(unreadable)?;
    let mut batch = Batch::default();
    let (count, _) = pairs(from, &mut |(key, value)| {
        batch.put(key, value);
        if batch.writes.len() < PAGE { Ok(()) } else { store.commit(std::mem::take(&mut batch)) }
    })?;
    if !batch.is_empty() {
        store.commit(batch)?;
    }
    migrate(store, format, &mut |_| {})?;
    Ok(count)
}

/// Gives every pair to `keep`, and tells how many they are and the format of the facts in them.
fn pairs(from: &mut dyn Read, keep: &mut dyn FnMut(Pair) -> Result<()>) -> Result<(u64, u32)> {
    let mut from = Hashing { inner: from, hash: Xxh3::new() };
    let format = from.format()?;
    let mut count = 0_u64;
    loop {
        let length = from.number()?;
        if length == END {
            break;
        }
        let key = from.text(length)?;
        let length = from.number()?;
        keep((key, from.text(length)?))?;
        count += 1;
    }
    let counted = from.take(8)?;
    let hash = from.hash.digest();
    let whole = counted == count.to_be_bytes() && from.take(8)? == hash.to_be_bytes();
    if whole { Ok((count, format)) } else { Err(damaged()) }
}

/// A stream, and the hash of what went through it.
struct Hashing<'a, S: ?Sized> {
    inner: &'a mut S,
    hash: Xxh3,
}

impl Hashing<'_, dyn Write + '_> {
    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.inner.write_all(bytes).map_err(unwritable)
    }
}

impl Hashing<'_, dyn Read + '_> {
    fn take(&mut self, length: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        // Not allocated ahead: a damaged length must not cost memory that the file does not have.
        let read = self.inner.take(length).read_to_end(&mut bytes).map_err(unreadable)?;
        self.hash.update(&bytes);
        if read as u64 == length { Ok(bytes) } else { Err(damaged()) }
    }

    /// The first line, which says what this is and the format of the facts.
    fn format(&mut self) -> Result<u32> {
        let mut line = Vec::new();
        // A number of more digits is no format of ours.
        while line.last() != Some(&b'\n') && line.len() < TITLE.len() + 4 {
            line.extend(self.take(1)?);
        }
        let number = std::str::from_utf8(&line).ok().and_then(|line| line.trim_end().strip_prefix(TITLE)?.parse().ok());
        match number {
            Some(format @ 1..=FORMAT) => Ok(format),
            Some(_) => {
                Err(Error::new(ErrorKind::Config, "a newer version of passerelle wrote this backup; use that one"))
            }
            None => Err(Error::new(ErrorKind::Config, "this is no backup of a passerelle store")),
        }
    }

    fn number(&mut self) -> Result<u32> {
        let bytes = self.take(4)?;
        bytes.as_slice().try_into().map(u32::from_be_bytes).map_err(|_| damaged())
    }

    fn text(&mut self, length: u32) -> Result<Vec<u8>> {
        if length <= LONGEST { self.take(length.into()) } else { Err(damaged()) }
    }
}

fn damaged() -> Error {
    Error::new(ErrorKind::Config, "the backup is damaged: it was cut short or changed")
}

fn unreadable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Config, "the backup cannot be read").because(cause)
}

fn unwritable(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Config, "the backup cannot be written").because(cause)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::store::Memory;

    fn filled(pairs: u32) -> Memory {
        let store = Memory::default();
        let mut batch = Batch::default();
        (0..pairs).for_each(|n| batch.put(format!("k{n:05}").into_bytes(), vec![n as u8; n as usize % 50]));
        store.commit(batch).unwrap();
        store
    }

    fn exported(store: &Memory) -> Vec<u8> {
        let mut bytes = Vec::new();
        export(store, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn what_is_exported_is_what_is_imported() {
        for count in [0, 1, 255, 256, 257, 1000] {
            let (store, copy) = (filled(count), Memory::default());
            assert_eq!(import(&copy, &mut Cursor::new(exported(&store))).unwrap(), u64::from(count));
            assert_eq!(exported(&copy), exported(&store));
        }
    }

    #[test]
    fn a_backup_of_a_newer_version_is_refused() {
        let newer = b"passerelle store 99\n".to_vec();
        let error = import(&Memory::default(), &mut Cursor::new(newer)).unwrap_err().to_string();
        assert!(error.contains("newer version") && error.contains("use that one"), "{error}");
    }

    #[test]
    fn any_changed_or_missing_byte_is_noticed_and_nothing_is_written() {
        let whole = exported(&filled(9));
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 0x40;
            for bytes in [changed, whole[..at].to_vec()] {
                let copy = Memory::default();
                assert_eq!(import(&copy, &mut Cursor::new(bytes)).unwrap_err().kind(), ErrorKind::Config, "byte {at}");
                assert!(copy.scan(&[], None, 1).unwrap().is_empty());
            }
        }
    }

    #[test]
    fn a_store_that_holds_something_is_not_overwritten() {
        let error = import(&filled(1), &mut Cursor::new(exported(&filled(2)))).unwrap_err();
        assert!(error.to_string().contains("empty"), "{error}");
    }
}
