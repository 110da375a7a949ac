//! The index over the log: sled's tree, which answers reads.

use std::path::Path;

use ::sled::{Batch, Db, Tree};

use super::log::Change;
use super::parts::{self, OWN, Split};
use super::quiet::caught;
use super::tally::Tally;
use crate::{Error, ErrorKind, Result};

/// The format, as 4 bytes, high byte first.
pub(super) const FORMAT_KEY: &[u8] = b"\xFEformat";

/// Memory that sled may use for pages; it takes it as a hint.
const CACHE: u64 = 64 << 20;

/// An open tree, and what it holds in all.
#[derive(Debug)]
pub(super) struct Index {
    db: Db,
    tally: Tally,
}

impl Index {
    /// Opens sled's files in a folder, or makes them.
    ///
    /// # Errors
    /// `Bug` when they are damaged, as far as opening shows it.
    pub(super) fn open(folder: &Path) -> Result<Self> {
        caught(|| {
            let config = ::sled::Config::new().path(folder).cache_capacity(CACHE).flush_every_ms(None);
            let db = config.open().map_err(failed)?;
            let tally = Tally::read(&db)?;
            Ok(Self { db, tally })
        })
    }

    /// Reads everything, and proves that nothing is missing or changed.
    pub(super) fn prove(&self) -> Result<()> {
        caught(|| self.tally.prove(&self.db))
    }

    /// The tree that holds everything.
    pub(super) fn tree(&self) -> Tree {
        Tree::clone(&self.db)
    }

    /// What it holds in all.
    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// The value at one of the store's own keys.
    pub(super) fn own(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        caught(|| Ok(self.db.get(key).map_err(failed)?.map(|value| value.to_vec())))
    }

    /// Makes changes, all or none, after which it holds what the log does after `groups` groups.
    pub(super) fn change(&mut self, changes: Vec<Change>, groups: u64) -> Result<()> {
        let mut tally = self.tally;
        tally.groups = groups;
        let mut batch = Batch::default();
        for (key, value) in changes {
            if is_own(&key) {
                match value {
                    Some(value) => batch.insert(key, value),
                    None => batch.remove(key),
                }
                continue;
            }
            if let Some(old) = caught(|| self.db.get(&key).map_err(failed))? {
                parts::part_keys(&key, &old)?.into_iter().for_each(|part| batch.remove(part));
                tally.lose(&key, &old);
            }
            let Some(value) = value else {
                batch.remove(key);
                continue;
            };
            let Split { head, parts } = parts::split(&key, &value);
            tally.gain(&key, &head);
            batch.insert(key, head);
            parts.into_iter().for_each(|(key, part)| batch.insert(key, part));
        }
        tally.put(&mut batch);
        caught(|| self.db.apply_batch(batch).map_err(failed))?;
        self.tally = tally;
        Ok(())
    }

    /// Every pair, and the format.
    pub(super) fn everything(&self) -> impl Iterator<Item = Result<(Vec<u8>, Vec<u8>)>> {
        let format = self.own(FORMAT_KEY).transpose().map(|format| Ok((FORMAT_KEY.to_vec(), format?)));
        let mut range = self.db.range::<&[u8], _>(..&[OWN][..]);
        let pairs = std::iter::from_fn(move || {
            caught(|| {
                let Some(pair) = range.next() else { return Ok(None) };
                let (key, head) = pair.map_err(failed)?;
                let value = parts::assembled(&self.db, &key, &head)?;
                Ok(Some((key.to_vec(), value)))
            })
            .transpose()
        });
        format.into_iter().chain(pairs)
    }

    /// Gives everything to the files.
    pub(super) fn flush(&self) -> Result<()> {
        caught(|| self.db.flush().map_err(failed)).map(drop)
    }
}

/// Whether a key is the store's own, which nobody else sees.
pub(super) fn is_own(key: &[u8]) -> bool {
    key.first().is_some_and(|first| *first >= OWN)
}

/// What an error of sled's means.
pub(super) fn failed(cause: ::sled::Error) -> Error {
    match cause {
        ::sled::Error::Io(cause) => unusable(cause),
        cause => super::quiet::damaged().because(cause),
    }
}

/// The error of files that the machine does not let us use, with what to do about it.
pub(super) fn unusable(cause: std::io::Error) -> Error {
    use std::io::ErrorKind as Io;
    let remedy = match cause.kind() {
        Io::PermissionDenied => {
            "let the user who runs passerelle read and write it and every file in it, or name another folder as \
             `state` of [hub]"
        }
        Io::NotADirectory | Io::AlreadyExists => {
            "a file is where the folder should be: move it away, or name another folder as `state` of [hub]"
        }
        Io::ReadOnlyFilesystem => "its disk is mounted for reading only: name another folder as `state` of [hub]",
        Io::StorageFull | Io::QuotaExceeded => {
            "its disk is full: make room, then start again; what was acknowledged is safe"
        }
        _ => "look whether its disk is sound and mounted, or name another folder as `state` of [hub]",
    };
    Error::new(ErrorKind::Config, "the state folder cannot be used").at("do", remedy).because(cause)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[test]
    fn a_folder_that_cannot_be_used_is_told_with_what_to_do() {
        for (kind, remedy) in [
            (io::ErrorKind::PermissionDenied, "let the user who runs passerelle read and write it"),
            (io::ErrorKind::NotADirectory, "move it away, or name another folder as `state` of [hub]"),
            (io::ErrorKind::ReadOnlyFilesystem, "mounted for reading only"),
            (io::ErrorKind::StorageFull, "make room, then start again"),
            (io::ErrorKind::Other, "sound and mounted"),
        ] {
            let error = unusable(kind.into());
            assert_eq!(error.kind(), ErrorKind::Config);
            let words = error.to_string();
            assert!(words.contains("cannot be used") && words.contains(remedy), "{words}");
        }
    }
}
