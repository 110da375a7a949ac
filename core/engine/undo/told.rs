//! What an undo says: the reverse plan, and what it leaves out.

use serde::Serialize;
use serde_json::Value;

use crate::model::{FieldName, LinkId, RemoteId, RunId, SystemName};
use crate::plan::Plan;

/// The reverse plan of a run, and what it leaves out.
#[derive(Debug, Serialize)]
pub struct Undo {
    /// The run.
    pub run: RunId,
    /// What `apply` takes.
    pub plan: Plan,
    /// What holds another value than the run wrote, and is left alone.
    pub moved: Vec<Moved>,
    /// What the hub cannot take back.
    pub by_hand: Vec<ByHand>,
    /// What the next run will write after the undo.
    pub next: Vec<Next>,
    /// Writes of the run of which nobody knows yet whether they were made; a run of the flow looks them up.
    pub open: u64,
}

/// A record that a run wrote to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Target {
    /// The link.
    pub link: LinkId,
    /// How a person recognises it.
    pub label: String,
    /// The system written to.
    pub system: SystemName,
    /// The record.
    pub id: RemoteId,
}

/// A field that was changed after the run.
#[derive(Clone, Debug, Serialize)]
pub struct Moved {
    /// The record.
    #[serde(flatten)]
    pub target: Target,
    /// The field.
    pub field: FieldName,
    /// What the run wrote.
    pub wrote: Value,
    /// What is there now.
    pub now: Value,
}

/// A write that only a person can take back.
#[derive(Clone, Debug, Serialize)]
pub struct ByHand {
    /// The record.
    #[serde(flatten)]
    pub target: Target,
    /// What was done: `create`, `update`, `finish` or `archive`.
    pub op: String,
    /// Why, and what to do.
    pub reason: String,
}

/// A field that the next run writes after the undo.
#[derive(Clone, Debug, Serialize)]
pub struct Next {
    /// The record that the undo writes to.
    #[serde(flatten)]
    pub target: Target,
    /// The field.
    pub field: FieldName,
    /// The value that the undo brings back.
    pub restored: Value,
    /// The other system.
    pub other: SystemName,
    /// What it says.
    pub says: Value,
    /// Whether that system owns the field: the next run then writes its value over the restored one. Else the next run
    /// takes the restored value there.
    pub is_owner: bool,
}
