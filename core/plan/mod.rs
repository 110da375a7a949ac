//! Changes with their reasons: saved, shown, applied.

mod file;
mod matching;
mod show;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use matching::{Examples, Matching, New, Twins, Unclear};

use crate::model::{
    Action, Canonical, EntityName, Fields, FlowName, LinkId, RemoteId, ResourceName, RunId, SystemName, Write,
};
use crate::store::{At, Conflict, Counts, FieldEntry, Held, Parked};

/// One write that the engine decided, with everything a person needs to judge it and a crash needs to repeat it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The link, and the external key of a create.
    pub link: LinkId,
    /// What it is.
    pub entity: EntityName,
    /// How a person recognises it.
    pub label: String,
    /// The system written to.
    pub system: SystemName,
    /// Its resource.
    pub resource: ResourceName,
    /// What is done.
    pub op: Op,
    /// Field by field: old, new, rule, source.
    pub fields: Vec<FieldEntry>,
    /// What is sent, in the vendor's fields.
    pub native: Fields,
    /// State moves that follow, once the totals agree.
    pub then: Vec<Action>,
    /// The records it was decided from, as they were.
    pub basis: Vec<Basis>,
    /// The values that all sides have once it is done.
    pub agreed: Canonical,
}

/// What a change does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Op {
    /// Makes a record.
    Create,
    /// Changes a record.
    Update {
        /// Which.
        id: RemoteId,
    },
    /// Only makes the state moves of a record that an earlier run created.
    Finish {
        /// Which.
        id: RemoteId,
    },
    /// Puts a record away.
    Archive {
        /// Which.
        id: RemoteId,
    },
}

/// A record that a change was decided from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Basis {
    /// The record.
    pub at: At,
    /// Its resource.
    pub resource: ResourceName,
    /// Its content hash, in hexadecimal.
    pub hash: String,
    /// When the vendor said it was modified, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

impl Basis {
    /// The hash of a record that is not there any more.
    pub const GONE: &str = "gone";
}

impl Change {
    /// The write that a connector is asked for; `then` only where nothing must be compared first.
    pub fn write(&self, then: Vec<Action>) -> Write {
        match &self.op {
            Op::Create => Write::Create { key: self.link.as_str().into(), fields: self.native.clone(), then },
            Op::Update { id } | Op::Finish { id } => {
                Write::Update { id: id.clone(), fields: self.native.clone(), expect: None, then }
            }
            Op::Archive { id } => Write::Archive { id: id.clone(), expect: None },
        }
    }

    /// `create`, `update`, `finish` or `archive`.
    pub fn verb(&self) -> &'static str {
        match self.op {
            Op::Create => "create",
            Op::Update { .. } => "update",
            Op::Finish { .. } => "finish",
            Op::Archive { .. } => "archive",
        }
    }
}

/// What a run would do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// When it was made.
    pub made: Timestamp,
    /// Flow by flow.
    pub flows: Vec<FlowPlan>,
}

/// What a run of one flow would do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FlowPlan {
    /// The flow.
    pub flow: FlowName,
    /// Its entity.
    pub entity: EntityName,
    /// What the accounts lack: created before the first write there, or by a person.
    pub preparations: Vec<Prepared>,
    /// In the order they would be made.
    pub changes: Vec<Change>,
    /// Creates that wait for a person, also those that nothing was decided about.
    pub held: Vec<Held>,
    /// Records that do not fit, also those that nothing was decided about.
    pub parked: Vec<Parked>,
    /// Fields that sides changed differently and that a person must decide.
    #[serde(default)]
    pub conflicts: Vec<Conflict>,
    /// What was read, linked and left alone.
    pub counts: Counts,
    /// Who was matched to whom, on a flow's first run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<Matching>,
    /// API calls that the changes will cost, by system; reading again for `apply` comes on top.
    pub calls: BTreeMap<SystemName, u64>,
    /// Why it could not be made in whole.
    pub error: Option<String>,
    /// The run that it takes back, where it is an undo.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<RunId>,
    /// The system that refused the hub's credentials, where that is why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<SystemName>,
    /// Why a run would write nothing, or put nothing away, where it would be too much.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over_limit: Option<String>,
}

/// Something an account lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The system.
    pub system: SystemName,
    /// The resource.
    pub resource: ResourceName,
    /// The native path.
    pub path: String,
    /// Whether a person must create it.
    pub manual: bool,
    /// What is created, or how a person does it.
    pub how: String,
}

impl Plan {
    /// All changes, in the order they would be made.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.flows.iter().flat_map(|flow| &flow.changes)
    }

    /// Whether a run would stop at a limit and ask a person.
    pub fn is_over_limit(&self) -> bool {
        self.flows.iter().any(|flow| flow.over_limit.is_some())
    }
}
