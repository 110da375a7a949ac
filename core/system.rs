//! A configured connector: the engine's only door to a remote.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::connector::{Capabilities, Connector, Lookup, Page, Preparation, Prepare};
use crate::model::{Cursor, Need, Outcome, Record, RemoteId, ResourceName, SystemName, Write};
use crate::{Error, ErrorKind, Result};

/// A configured connector.
#[derive(Debug)]
pub struct System {
    name: SystemName,
    connector: Arc<dyn Connector>,
    calls: AtomicU64,
}

/// The systems of a configuration.
#[derive(Debug, Default)]
pub struct Systems {
    systems: BTreeMap<SystemName, Arc<System>>,
}

impl Systems {
    /// A set of systems.
    pub fn of(systems: impl IntoIterator<Item = (SystemName, Arc<dyn Connector>)>) -> Self {
        let systems = systems
            .into_iter()
            .map(|(name, connector)| (name.clone(), Arc::new(System { name, connector, calls: AtomicU64::new(0) })));
        Self { systems: systems.collect() }
    }

    /// A system by its name.
    pub fn get(&self, name: &SystemName) -> Result<&Arc<System>> {
        self.systems.get(name).ok_or_else(|| Error::new(ErrorKind::Config, format!("there is no system {name}")))
    }
}

impl System {
    /// Its name.
    pub fn name(&self) -> &SystemName {
        &self.name
    }

    /// Calls made so far.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// What a resource can do.
    pub fn capabilities(&self, resource: &ResourceName) -> Result<&Capabilities> {
        self.connector
            .resources()
            .iter()
            .find(|one| one.name == *resource)
            .map(|one| &one.capabilities)
            .ok_or_else(|| Error::new(ErrorKind::Config, format!("{} has no resource {resource}", self.name)))
    }

    /// Proves address and credentials.
    pub async fn connector_check(&self) -> Result<()> {
        self.connector.check().await.map(|_| ())
    }

    /// A page of changes.
    pub async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        self.connector.changes(resource, since).await
    }

    /// Records by id.
    pub async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        self.connector.read(resource, ids).await
    }

    /// Records by a look-up.
    pub async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        self.connector.find(resource, by).await
    }

    /// Writes.
    pub async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        self.connector.write(resource, writes).await
    }

    /// Creates or tells what the account lacks.
    pub async fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        self.connector.prepare(resource, needs, how).await
    }
}
