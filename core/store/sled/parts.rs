//! Values on disk: small ones whole, large ones in parts that live and die with their key.
//!
//! sled moves what is too large for a page to files that it never syncs; parts keep every page small.

use std::iter::once;

use ::sled::Tree;
use xxhash_rust::xxh3::xxh3_64;

use super::index::failed;
use super::quiet::damaged;
use crate::Result;

/// Keys from here on are the store's own.
pub(super) const OWN: u8 = 0xFE;

/// First byte of the keys of parts.
const PARTS: u8 = 0xFF;

/// A value larger than this is split into parts of this size.
const LARGEST: usize = 12 << 10;

/// First byte of a value that is kept whole.
const WHOLE: u8 = 0;

/// First byte of a value that is kept in parts; then their number (4 bytes) and the hash of the whole (8 bytes).
const SPLIT: u8 = 1;

/// A value as it is written.
pub(super) struct Split {
    /// What stands at the key itself.
    pub(super) head: Vec<u8>,
    /// The parts and their keys, none for a small value.
    pub(super) parts: Vec<(Vec<u8>, Vec<u8>)>,
}

/// What is written for `value` at `key`.
pub(super) fn split(key: &[u8], value: &[u8]) -> Split {
    if value.len() <= LARGEST {
        return Split { head: once(WHOLE).chain(value.iter().copied()).collect(), parts: Vec::new() };
    }
    let numbered = (0_u32..).zip(value.chunks(LARGEST));
    let parts: Vec<_> = numbered.map(|(number, part)| (part_key(key, number), part.to_vec())).collect();
    let mut head = vec![SPLIT];
    head.extend((parts.len() as u32).to_be_bytes());
    head.extend(xxh3_64(value).to_be_bytes());
    Split { head, parts }
}

/// The keys under which a value that begins with `head` keeps its parts.
pub(super) fn part_keys(key: &[u8], head: &[u8]) -> Result<Vec<Vec<u8>>> {
    Ok(match parsed(key, head)? {
        Head::Whole(_) => Vec::new(),
        Head::Split { count, .. } => (0..count).map(|number| part_key(key, number)).collect(),
    })
}

/// The value at `key`.
pub(super) fn read(tree: &Tree, key: &[u8]) -> Result<Option<Vec<u8>>> {
    let head = tree.get(key).map_err(failed)?;
    head.map(|head| assembled(tree, key, &head)).transpose()
}

/// The value at `key` that begins with `head`.
pub(super) fn assembled(tree: &Tree, key: &[u8], head: &[u8]) -> Result<Vec<u8>> {
    let (count, hash) = match parsed(key, head)? {
        Head::Whole(value) => return Ok(value.to_vec()),
        Head::Split { count, hash } => (count, hash),
    };
    let mut value = Vec::new();
    for number in 0..count {
        let part = tree.get(part_key(key, number)).map_err(failed)?;
        value.extend_from_slice(&part.ok_or_else(|| damaged().at("part missing of", shown(key)))?);
    }
    if xxh3_64(&value) != hash {
        return Err(damaged().at("parts do not fit of", shown(key)));
    }
    Ok(value)
}

enum Head<'a> {
    Whole(&'a [u8]),
    Split { count: u32, hash: u64 },
}

fn parsed<'a>(key: &[u8], head: &'a [u8]) -> Result<Head<'a>> {
    match head {
        [WHOLE, value @ ..] => Ok(Head::Whole(value)),
        [SPLIT, a, b, c, d, hash @ ..] => {
            let hash = hash.try_into().map_err(|_| damaged().at("key", shown(key)))?;
            Ok(Head::Split { count: u32::from_be_bytes([*a, *b, *c, *d]), hash: u64::from_be_bytes(hash) })
        }
        _ => Err(damaged().at("key", shown(key))),
    }
}

/// Part keys of different keys never meet: equal ones would have keys of different length but equal whole length.
fn part_key(key: &[u8], number: u32) -> Vec<u8> {
    once(PARTS).chain(key.iter().copied()).chain(number.to_be_bytes()).collect()
}

fn shown(key: &[u8]) -> String {
    String::from_utf8_lossy(key).escape_debug().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_split_just_above_the_limit_and_no_part_is_larger() {
        let count = |size: usize| split(b"k", &vec![7; size]).parts.len();
        assert_eq!([count(0), count(LARGEST), count(LARGEST + 1), count(3 * LARGEST)], [0, 0, 2, 3]);
        assert!(split(b"k", &vec![7; 100_000]).parts.iter().all(|(_, part)| part.len() <= LARGEST));
    }
}
