//! A system in memory with a will of its own: it refuses deliveries, or lets something happen while it is read.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use passerelle_core::connector::{Connector, Delivery, Hint, Identity, Lookup, Page, Resource, Schema};
use passerelle_core::model::{Cursor, Outcome, Record, RemoteId, ResourceName, Write};
use passerelle_core::{Error, ErrorKind, Result};

use crate::memory::Memory;

/// A system in memory, and what is odd about it.
pub struct Hooked {
    far: Memory,
    /// How it refuses every delivery, if it does.
    pub refuses: Option<ErrorKind>,
    /// The id that it refuses to read, whatever is read with it.
    pub dislikes: Option<RemoteId>,
    after_read: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Hooked {
    /// `far`, as it is.
    pub fn new(far: Memory) -> Self {
        Self { far, refuses: None, dislikes: None, after_read: Mutex::default() }
    }

    /// Once something was read, and before the reader knows, this happens; one time.
    pub fn after_next_read(&self, happens: impl FnOnce() + Send + 'static) {
        *self.after_read.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(happens));
    }
}

impl fmt::Debug for Hooked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooked").field("far", &self.far).finish_non_exhaustive()
    }
}

#[async_trait]
impl Connector for Hooked {
    fn resources(&self) -> &[Resource] {
        self.far.resources()
    }

    async fn check(&self) -> Result<Identity> {
        self.far.check().await
    }

    async fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        self.far.describe(resource).await
    }

    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        self.far.changes(resource, since).await
    }

    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        if self.dislikes.as_ref().is_some_and(|id| ids.contains(id)) {
            return Err(Error::new(ErrorKind::Rejected, "an id must be a number"));
        }
        let found = self.far.read(resource, ids).await;
        let happens = self.after_read.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(happens) = happens {
            happens();
        }
        found
    }

    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        self.far.find(resource, by).await
    }

    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        self.far.write(resource, writes).await
    }

    fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        match self.refuses {
            Some(kind) => Err(Error::new(kind, "as it says")),
            None => self.far.decode_webhook(delivery),
        }
    }
}
