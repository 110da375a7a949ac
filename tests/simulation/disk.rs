//! The hub's disk: keeps what was synced, and nothing else, when the power goes.

use std::sync::Arc;

use passerelle_core::store::{Backend, Batch, Memory, Pair};
use passerelle_core::{Error, ErrorKind, Result};

use super::fate::{Cut, Fate};

/// A store in memory whose commits may be cut; what it acknowledged is never lost.
#[derive(Debug)]
pub struct Disk {
    synced: Arc<Memory>,
    fate: Fate,
}

impl Disk {
    /// What is on disk, seen by a hub that lives under `fate`.
    pub fn new(synced: Arc<Memory>, fate: Fate) -> Self {
        Self { synced, fate }
    }

    fn alive(&self) -> Result<()> {
        if self.fate.is_dead() { Err(Error::new(ErrorKind::Unavailable, "the power is cut")) } else { Ok(()) }
    }
}

impl Backend for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.alive()?;
        self.synced.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>> {
        self.alive()?;
        self.synced.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<()> {
        self.alive()?;
        self.fate.count(|tally| tally.commits += 1);
        for (key, value) in &batch.writes {
            self.fate.trace(key);
            self.fate.trace(value.as_deref().unwrap_or_default());
        }
        match self.fate.cut() {
            Cut::None => self.synced.commit(batch),
            Cut::Lost => {
                self.fate.die("power loss, commit lost");
                self.alive()
            }
            Cut::Kept => {
                self.synced.commit(batch)?;
                self.fate.die("power loss, commit kept");
                self.alive()
            }
            Cut::Refused => {
                self.fate.count(|tally| tally.fault("commit refused"));
                Err(Error::new(ErrorKind::Unavailable, "the disk refuses to write"))
            }
        }
    }
}
