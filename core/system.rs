//! A configured connector: the engine's only door to a remote system.

mod build;
#[cfg(test)]
mod tests;
mod writes;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tracing::{Instrument, debug, debug_span};

pub use build::{Parts, Systems};

use crate::connector::{Connector, Delivery, Feed, Hint, Identity, Lookup, Page, Preparation, Prepare};
use crate::connector::{Removal, Resource, Schema};
use crate::model::{Cursor, Need, Record, RemoteId, ResourceName, SystemName};
use crate::{Error, ErrorKind, Result};

/// A connector under the name that config.toml gives it.
///
/// It refuses what the connector does not claim, cuts lists into the connector's batches, counts calls, and says in
/// every error which system, resource and operation it is about.
#[derive(Debug)]
pub struct System {
    name: SystemName,
    connector: Arc<dyn Connector>,
    calls: AtomicU64,
}

impl System {
    /// `connector` under `name`.
    pub fn new(name: SystemName, connector: Arc<dyn Connector>) -> Self {
        Self { name, connector, calls: AtomicU64::new(0) }
    }

    /// Its name in config.toml.
    pub fn name(&self) -> &SystemName {
        &self.name
    }

    /// What it serves.
    pub fn resources(&self) -> &[Resource] {
        self.connector.resources()
    }

    /// One of its resources.
    ///
    /// # Errors
    /// `Config` that names those there are.
    pub fn resource(&self, name: &ResourceName) -> Result<&Resource> {
        self.resources().iter().find(|resource| resource.name == *name).ok_or_else(|| {
            let known: Vec<&str> = self.resources().iter().map(|resource| resource.name.as_str()).collect();
            let message = format!("there is no resource `{name}`; there are {}", known.join(", "));
            Error::new(ErrorKind::Config, message).at("system", &self.name)
        })
    }

    /// How often the connector was called.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    /// Proves address and credentials.
    ///
    /// # Errors
    /// The connector's.
    pub async fn check(&self) -> Result<Identity> {
        self.call("check", "", self.connector.check()).await
    }

    /// The live schema of a resource.
    ///
    /// # Errors
    /// The connector's.
    pub async fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        self.resource(resource)?;
        self.call("describe", resource.as_str(), self.connector.describe(resource)).await
    }

    /// One page of what changed; see [`Connector::changes`].
    ///
    /// # Errors
    /// `Unsupported` for a resource without a feed, else the connector's.
    pub async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        if self.resource(resource)?.capabilities.feed == Feed::None {
            return Err(self.unsupported(resource, "it has no feed of changes"));
        }
        self.call("changes", resource.as_str(), self.connector.changes(resource, since)).await
    }

    /// The named records; see [`Connector::read`].
    ///
    /// # Errors
    /// The connector's.
    pub async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        let size = self.resource(resource)?.capabilities.batch.read.max(1);
        let mut records = Vec::new();
        for batch in ids.chunks(size) {
            records.extend(self.call("read", resource.as_str(), self.connector.read(resource, batch)).await?);
        }
        Ok(records)
    }

    /// What a look-up finds; see [`Connector::find`].
    ///
    /// # Errors
    /// The connector's.
    pub async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        let size = self.resource(resource)?.capabilities.batch.find.max(1);
        let mut records = Vec::new();
        for batch in batches(by, size) {
            records.extend(self.call("find", resource.as_str(), self.connector.find(resource, &batch)).await?);
        }
        Ok(records)
    }

    /// Tells, or creates, what the account lacks; see [`Connector::prepare`].
    ///
    /// # Errors
    /// The connector's.
    pub async fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        self.resource(resource)?;
        self.call("prepare", resource.as_str(), self.connector.prepare(resource, needs, how)).await
    }

    /// Tells, or creates, the webhooks that call the hub at `address`; see [`Connector::hook`].
    ///
    /// # Errors
    /// The connector's.
    pub async fn hook(&self, resources: &[ResourceName], address: &str, how: Prepare) -> Result<Vec<Preparation>> {
        self.call("hook", "", self.connector.hook(resources, address, how)).await
    }

    /// Takes away what the hub made; see [`Connector::remove`].
    ///
    /// # Errors
    /// The connector's.
    pub async fn remove(&self, thing: &str) -> Result<Removal> {
        self.call("remove", "", self.connector.remove(thing)).await.map_err(|error| error.at("thing", thing))
    }

    /// Verifies a delivery and says what it hints at.
    ///
    /// # Errors
    /// The connector's.
    pub fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        self.connector.decode_webhook(delivery).map_err(|error| error.at("system", &self.name))
    }

    /// Content type and body that the vendor wants with a 200, where it wants any.
    pub fn webhook_receipt(&self) -> Option<(&'static str, &'static str)> {
        self.connector.webhook_receipt()
    }

    async fn call<T>(
        &self,
        operation: &'static str,
        resource: &str,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let span = debug_span!("system", name = %self.name, operation, resource);
        let answer = call.instrument(span.clone()).await;
        let _entered = span.enter();
        match answer {
            Ok(answer) => {
                debug!("done");
                Ok(answer)
            }
            Err(error) => {
                debug!(kind = ?error.kind(), "failed");
                Err(self.facts(error, operation, resource))
            }
        }
    }

    fn facts(&self, error: Error, operation: &'static str, resource: &str) -> Error {
        let error = error.at("system", &self.name);
        let error = if resource.is_empty() { error } else { error.at("resource", resource) };
        error.at("operation", operation)
    }

    fn unsupported(&self, resource: &ResourceName, why: &str) -> Error {
        Error::new(ErrorKind::Unsupported, why).at("system", &self.name).at("resource", resource)
    }
}

impl fmt::Display for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}

/// The same error for another write; its cause is told in its words.
fn again(error: &Error) -> Error {
    let copy = Error::new(error.kind(), error.to_string());
    match error.wait() {
        Some(wait) => copy.retry_after(wait),
        None => copy,
    }
}

fn batches(by: &Lookup, size: usize) -> Vec<Lookup> {
    match by {
        Lookup::Key(keys) => keys.chunks(size).map(|keys| Lookup::Key(keys.to_vec())).collect(),
        Lookup::Field { path, values } => {
            values.chunks(size).map(|values| Lookup::Field { path: path.clone(), values: values.to_vec() }).collect()
        }
    }
}
