//! The one thread that writes: it takes all commits that wait, checks them in order, syncs once, then answers.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, PoisonError, RwLock};

use super::files::Files;
use super::log::{Change, Extent};
use super::seal::Seal;
use super::{parts, quiet};
use crate::store::Batch;
use crate::{Error, ErrorKind, Result};

/// Commits that share one sync.
const LARGEST_GROUP: usize = 1024;

/// Bytes after which a group takes no more commits.
const HEAVIEST_GROUP: usize = 8 << 20;

/// A commit that waits for its answer.
pub(super) struct Ask {
    pub(super) batch: Batch,
    pub(super) reply: SyncSender<Result<()>>,
}

/// What a group will have written: the last value of each key.
type Group = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

#[derive(Debug)]
pub(super) struct Committer {
    files: Files,
    whole: Arc<RwLock<()>>,
    broken: Option<String>,
}

impl Committer {
    pub(super) fn new(files: Files, whole: Arc<RwLock<()>>) -> Self {
        Self { files, whole, broken: None }
    }

    /// Serves until nobody can ask any more, and gives what is left to be said of a store that is sound.
    pub(super) fn run(mut self, asked: &Receiver<Ask>) -> Option<(Seal, Extent)> {
        while let Ok(first) = asked.recv() {
            let mut weight = weight(&first.batch);
            let mut asks = vec![first];
            while asks.len() < LARGEST_GROUP && weight < HEAVIEST_GROUP {
                let Ok(next) = asked.try_recv() else { break };
                weight += self::weight(&next.batch);
                asks.push(next);
            }
            self.settle(asks);
        }
        // A store that is not sealed is only opened more slowly.
        self.broken.is_none().then(|| self.files.close().ok())?
    }

    /// One commit, by whoever holds this alone.
    pub(super) fn commit(&mut self, batch: Batch) -> Result<()> {
        self.check(&batch, &Group::new())?;
        self.write(batch.writes.into_iter().collect())
    }

    /// The files, once nobody commits any more.
    pub(super) fn into_files(self) -> Files {
        self.files
    }

    fn settle(&mut self, asks: Vec<Ask>) {
        let mut group = Group::new();
        let mut answers = Vec::new();
        for Ask { batch, reply } in asks {
            let checked = self.check(&batch, &group);
            if checked.is_ok() {
                group.extend(batch.writes);
            }
            answers.push((reply, checked));
        }
        if !group.is_empty()
            && let Err(error) = self.write(group)
        {
            self.broken = Some(error.to_string());
        }
        for (reply, checked) in answers {
            // Who asked may have given up; the commit stands all the same.
            let _ = reply.send(checked.and_then(|()| self.whether_sound()));
        }
    }

    /// Whether a commit's expectations hold after those before it in the group.
    fn check(&self, batch: &Batch, group: &Group) -> Result<()> {
        self.whether_sound()?;
        let tree = self.files.index().tree();
        for (key, expected) in &batch.expect {
            let holds = match group.get(key) {
                Some(value) => value == expected,
                None => quiet::caught(|| parts::read(&tree, key))? == *expected,
            };
            if !holds {
                return Err(Error::new(ErrorKind::Stale, "the store moved under this commit"));
            }
        }
        Ok(())
    }

    fn write(&mut self, group: Group) -> Result<()> {
        let changes: Vec<Change> = group.into_iter().collect();
        self.files.keep(&changes)?;
        {
            let _whole = self.whole.write().unwrap_or_else(PoisonError::into_inner);
            self.files.show(changes)?;
        }
        self.files.tidy()
    }

    /// After a failed write nobody knows what the disk holds, and a later sync could succeed without it.
    fn whether_sound(&self) -> Result<()> {
        let Some(why) = &self.broken else { return Ok(()) };
        let message = "the store could not write and takes no more: mend the disk, then start again";
        Err(Error::new(ErrorKind::Config, message).at("because", why))
    }
}

fn weight(batch: &Batch) -> usize {
    batch.writes.iter().map(|(key, value)| key.len() + value.as_ref().map_or(0, Vec::len)).sum()
}
