//! What the hub speaks about: names, records, writes. No I/O.

mod ids;
mod need;
mod owner;
mod record;
mod write;

pub use ids::{
    Cursor, EntityName, ExternalKey, FieldName, FlowName, LinkId, RemoteId, ResourceName, RunId, SystemName, Version,
};
pub use need::Need;
pub use owner::Owner;
pub use record::{Canonical, Fields, Presence, Record, content_hash};
pub use write::{Action, Outcome, Write, Written};
