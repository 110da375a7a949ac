//! The inbox while the hub runs: named records go to disk once, and stay until they were looked at.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::model::{ResourceName, SystemName};
use crate::store::{Facts, Hinted, Store, Waiting};
use crate::{Error, ErrorKind, Result};

/// Records read from the store at a time.
const PAGE: usize = 1000;

/// Commits that may be overtaken by others about the same records before the sender is asked to come again.
const ATTEMPTS: usize = 16;

/// Named records on disk, and which of them are being looked at.
#[derive(Debug)]
pub(super) struct Inbox {
    store: Store,
    capacity: usize,
    held: AtomicUsize,
    arrivals: AtomicU64,
    looking: Mutex<BTreeSet<Hinted>>,
}

/// What became of the records of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// They are on disk; so many of them were there already.
    Stored {
        /// Those that waited already.
        coalesced: usize,
    },
    /// Nothing was stored: there is no room.
    Full,
}

impl Inbox {
    /// What waits on disk. What `is_told` says no of is forgotten: no flow reads it any more.
    pub fn open(store: Store, capacity: usize, is_told: impl Fn(&Hinted) -> bool) -> Result<Self> {
        let mut held = 0;
        let mut after: Option<Hinted> = None;
        loop {
            let page = store.hints_after(after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.hinted.clone());
            let mut facts = Facts::new();
            for waiting in &page {
                if is_told(&waiting.hinted) {
                    held += 1;
                } else {
                    facts.looked_at(waiting);
                }
            }
            store.commit(facts)?;
        }
        let (held, arrivals) = (AtomicUsize::new(held), AtomicU64::new(0));
        Ok(Self { store, capacity, held, arrivals, looking: Mutex::default() })
    }

    /// How many records wait.
    pub fn held(&self) -> usize {
        self.held.load(Ordering::SeqCst)
    }

    /// How many namings were written; when this moved, something new waits.
    pub fn arrivals(&self) -> u64 {
        self.arrivals.load(Ordering::SeqCst)
    }

    /// Puts named records on disk; durable when it returns.
    ///
    /// One that waits already is not written again, unless it is being looked at: its reading may be older than what
    /// this delivery tells of.
    pub fn take(&self, named: &BTreeSet<Hinted>, received: Timestamp) -> Result<Taken> {
        for _ in 0..ATTEMPTS {
            let mut facts = Facts::new();
            let (mut fresh, mut coalesced) = (0, 0);
            for hinted in named {
                let before = self.store.hint(hinted)?;
                let is_being_looked_at = self.looking().contains(hinted);
                if before.is_some() && !is_being_looked_at {
                    coalesced += 1;
                    continue;
                }
                fresh += usize::from(before.is_none());
                let mark = before.as_ref().map_or(0, |before| before.mark + 1);
                facts.hint(&Waiting { hinted: hinted.clone(), received, mark }, before.as_ref());
            }
            if fresh > 0 && self.held() + fresh > self.capacity {
                return Ok(Taken::Full);
            }
            match self.store.commit(facts) {
                Ok(()) => {
                    self.held.fetch_add(fresh, Ordering::SeqCst);
                    self.arrivals.fetch_add((named.len() - coalesced) as u64, Ordering::SeqCst);
                    return Ok(Taken::Stored { coalesced });
                }
                // Another delivery, or a look that ended, was faster.
                Err(error) if error.kind() == ErrorKind::Stale => {}
                Err(error) => return Err(error),
            }
        }
        Err(Error::new(ErrorKind::Unavailable, "too many deliveries name the same records at once"))
    }

    /// The next of what waits of one resource, marked as being looked at until [`Inbox::done`].
    pub fn next(
        &self,
        system: &SystemName,
        resource: &ResourceName,
        after: Option<&Hinted>,
        limit: usize,
    ) -> Result<Vec<Waiting>> {
        let found = self.store.hints(system, resource, after, limit)?;
        self.looking().extend(found.iter().map(|waiting| waiting.hinted.clone()));
        Ok(found)
    }

    /// Ends a look: what `is_settled` says yes of is forgotten, unless it was named again meanwhile.
    pub fn done(&self, looked: &[Waiting], is_settled: impl Fn(&Waiting) -> bool) -> Result<()> {
        let ended = self.forget(looked.iter().filter(|waiting| is_settled(waiting)).collect());
        let mut looking = self.looking();
        looked.iter().for_each(|waiting| _ = looking.remove(&waiting.hinted));
        ended
    }

    fn forget(&self, settled: Vec<&Waiting>) -> Result<()> {
        let mut facts = Facts::new();
        settled.iter().for_each(|waiting| facts.looked_at(waiting));
        match self.store.commit(facts) {
            Ok(()) => _ = self.held.fetch_sub(settled.len(), Ordering::SeqCst),
            Err(error) if error.kind() == ErrorKind::Stale && settled.len() > 1 => {
                for waiting in settled {
                    self.forget(vec![waiting])?;
                }
            }
            // It was named again, and is looked at again.
            Err(error) if error.kind() == ErrorKind::Stale => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn looking(&self) -> MutexGuard<'_, BTreeSet<Hinted>> {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
