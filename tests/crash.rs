//! Power cuts on demand: a store and systems that all go dead at one chosen moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use passerelle_core::connector::{Connector, Delivery, Hint, Identity, Lookup, Page, Resource, Schema};
use passerelle_core::model::{Cursor, Outcome, Record, RemoteId, ResourceName, Write};
use passerelle_core::store::{Backend, Batch, Pair};
use passerelle_core::{Error, ErrorKind, Result};

use crate::memory::Memory;

/// The moments at which the hub can die: one before and one after each commit and each write.
///
/// After the cut nothing answers any more, which is how the rest of the run sees that it is dead.
#[derive(Clone, Debug)]
pub struct Fuse(Arc<AtomicI64>);

impl Fuse {
    /// Cuts at the moment `left`, counted from 0.
    pub fn cut_at(left: i64) -> Self {
        Self(Arc::new(AtomicI64::new(left)))
    }

    /// Whether the moment has come.
    pub fn is_cut(&self) -> bool {
        self.0.load(Ordering::SeqCst) < 0
    }

    /// One moment passes.
    fn pass(&self) -> Result<()> {
        self.0.fetch_sub(1, Ordering::SeqCst);
        self.alive()
    }

    fn alive(&self) -> Result<()> {
        if self.is_cut() { Err(Error::new(ErrorKind::Unavailable, "the power is cut")) } else { Ok(()) }
    }
}

/// A store that dies with the fuse.
#[derive(Debug)]
pub struct Disk {
    below: Arc<dyn Backend>,
    fuse: Fuse,
}

impl Disk {
    /// `below`, until the fuse is cut.
    pub fn new(below: Arc<dyn Backend>, fuse: Fuse) -> Self {
        Self { below, fuse }
    }
}

impl Backend for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.fuse.alive()?;
        self.below.get(key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>> {
        self.fuse.alive()?;
        self.below.scan(prefix, after, limit)
    }

    fn commit(&self, batch: Batch) -> Result<()> {
        self.fuse.pass()?;
        self.below.commit(batch)?;
        self.fuse.pass()
    }
}

/// A system to which the line dies with the fuse; every write of a batch is a moment of its own.
#[derive(Debug)]
pub struct Line {
    far: Memory,
    fuse: Fuse,
}

impl Line {
    /// A line to `far`, until the fuse is cut.
    pub fn new(far: Memory, fuse: Fuse) -> Self {
        Self { far, fuse }
    }
}

#[async_trait]
impl Connector for Line {
    fn resources(&self) -> &[Resource] {
        self.far.resources()
    }

    async fn check(&self) -> Result<Identity> {
        self.fuse.alive()?;
        self.far.check().await
    }

    async fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        self.fuse.alive()?;
        self.far.describe(resource).await
    }

    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        self.fuse.alive()?;
        self.far.changes(resource, since).await
    }

    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        self.fuse.alive()?;
        self.far.read(resource, ids).await
    }

    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        self.fuse.alive()?;
        self.far.find(resource, by).await
    }

    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        let mut outcomes = Vec::new();
        for write in writes {
            self.fuse.pass()?;
            outcomes.extend(self.far.write(resource, std::slice::from_ref(write)).await?);
            self.fuse.pass()?;
        }
        Ok(outcomes)
    }

    fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        self.far.decode_webhook(delivery)
    }
}
