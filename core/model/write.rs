//! Writes: what the hub asks of a vendor, and what came of it.

use serde::{Deserialize, Serialize};

use super::{ExternalKey, Fields, Record, RemoteId, Version};
use crate::Result;

/// A state move that a vendor makes by a call of its own, such as `validate` or `sign`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct Action(pub String);

/// One write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Write {
    /// Makes a record that bears `key`.
    Create {
        /// The hub's key; the same for every attempt.
        key: ExternalKey,
        /// Native fields.
        fields: Fields,
        /// State moves to make once it exists, in this order.
        then: Vec<Action>,
    },
    /// Changes the named fields and no others; empty `fields` only makes the state moves.
    Update {
        /// Which record.
        id: RemoteId,
        /// Native fields; a null clears.
        fields: Fields,
        /// What was read; the vendor refuses (`Stale`) where it can tell that the record moved.
        expect: Option<Version>,
        /// State moves to make after the change, in this order; one already made is no error.
        then: Vec<Action>,
    },
    /// Puts a record away, restorable where the vendor can.
    Archive {
        /// Which record.
        id: RemoteId,
        /// As in `Update`.
        expect: Option<Version>,
    },
}

/// A write that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// The record's id.
    pub id: RemoteId,
    /// The whole record as it is now, where the vendor's answers told it; else the engine reads it.
    pub record: Option<Record>,
}

/// What came of one write.
pub type Outcome = Result<Written>;
