//! The one trait that a vendor implements, and how a vendor is plugged in.

mod capabilities;
mod plugin;
mod schema;
mod setup;

use std::fmt::Debug;

use async_trait::async_trait;

pub use capabilities::{Batch, Capabilities, Effect, Feed, Resource};
pub use plugin::{Plug, Plugin, Tools};
pub use schema::{Choice, FieldSchema, Schema};
pub use setup::{May, Preparation, Prepare, Removal, State};

use crate::model::{Cursor, ExternalKey, Need, Outcome, Record, RemoteId, ResourceName, Write};
use crate::{Error, ErrorKind, Result};

/// A configured vendor.
///
/// A connector never retries, sleeps, logs, caches, maps fields, or knows that another system exists: `http::Api` and
/// the engine do. It turns a vendor's answers into [`Record`]s and errors with the kind that names the remedy.
#[async_trait]
pub trait Connector: Send + Sync + Debug {
    /// The resources and what they can do; constant.
    fn resources(&self) -> &[Resource];

    /// Proves address and credentials with the cheapest call.
    async fn check(&self) -> Result<Identity>;

    /// The live schema of a resource: fields, what is writable, options.
    async fn describe(&self, resource: &ResourceName) -> Result<Schema>;

    /// One page of what changed since `since`, oldest first; `None` reads everything.
    ///
    /// The feed may repeat a record; it may never skip one.
    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page>;

    /// The named records, in any order. One that does not exist is left out; one that was merged away comes back under
    /// its new id, with the asked id among its `aliases`.
    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>>;

    /// The records that a look-up finds, as consistently as the vendor can.
    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>>;

    /// Makes the writes; one outcome per write, in the same order. An `Err` of the whole says that nothing was written.
    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>>;

    /// Tells what the account has and lacks of the hub's key field and of fields that mappings write, or creates what
    /// it lacks. What is there is never changed: one that does not fit is a person's to mend.
    ///
    /// A field that every account of the vendor has is not told of.
    async fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        let _ = (resource, needs, how);
        Ok(Vec::new())
    }

    /// The same of webhooks that call the hub at `address`, such as `https://hub.example.com/hooks/erp`, when a record
    /// of `resources` changes.
    async fn hook(&self, resources: &[ResourceName], address: &str, how: Prepare) -> Result<Vec<Preparation>> {
        let _ = (resources, address, how);
        Ok(Vec::new())
    }

    /// Takes away what [`Self::prepare`] or [`Self::hook`] made, by the name that they gave it.
    async fn remove(&self, thing: &str) -> Result<Removal> {
        Err(Error::new(ErrorKind::Unsupported, "this connector takes nothing away").at("thing", thing))
    }

    /// Verifies a delivery's signature and says what it hints at. No I/O.
    ///
    /// `Denied` says that the signature is wrong, `NotFound` that the sender is to be told nothing, `Rejected` that it is
    /// no delivery of the vendor's.
    fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        let _ = delivery;
        Err(Error::new(ErrorKind::Unsupported, "this connector receives no webhooks"))
    }

    /// Content type and body that the vendor wants with a 200, where an empty one would make it send again.
    fn webhook_receipt(&self) -> Option<(&'static str, &'static str)> {
        None
    }
}

/// Who the hub is, over there.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Identity {
    /// Account, company or file, in words a person recognises.
    pub account: String,
    /// The vendor's version, where it says.
    pub version: Option<String>,
}

/// A page of a feed.
#[derive(Clone, Debug)]
pub struct Page {
    /// What changed.
    pub records: Vec<Record>,
    /// Where to go on; store it only once the page's records are safe.
    pub next: Cursor,
    /// Whether more is waiting now.
    pub more: bool,
}

/// How to find records.
#[derive(Clone, Debug, PartialEq)]
pub enum Lookup {
    /// By the hub's key. Strongly consistent where [`Effect`] says so.
    Key(Vec<ExternalKey>),
    /// By a native field that equals any of these values.
    Field {
        /// The native path, as in a mapping.
        path: String,
        /// The native values, as text.
        values: Vec<String>,
    },
}

/// A webhook delivery, as it came.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Such as `POST`.
    pub method: &'a str,
    /// The public address it was sent to, with its query.
    pub url: &'a str,
    /// Header names in any case.
    pub headers: &'a [(String, String)],
    /// The raw bytes.
    pub body: &'a [u8],
    /// When it came.
    pub received: crate::clock::Timestamp,
}

/// What a delivery hints at: a record to read again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Its resource.
    pub resource: ResourceName,
    /// Its id.
    pub id: RemoteId,
}
