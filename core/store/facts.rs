//! The facts the hub keeps: links, what was seen, cursors, jobs, journal, what waits for a person, runs.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Known, Origin};
use crate::model::{
    Action, Canonical, Cursor, EntityName, FieldName, FlowName, LinkId, Presence, RemoteId, ResourceName, RunId,
    SystemName,
};

/// A native record's address.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct At {
    /// The entity it is seen as.
    pub entity: EntityName,
    /// The system.
    pub system: SystemName,
    /// The vendor's id.
    pub id: RemoteId,
}

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}", self.entity, self.system, self.id)
    }
}

/// What was last seen of a native record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The link it belongs to.
    pub link: LinkId,
    /// Hash of its content under the column that read it; 0 when it was written but not read back.
    pub hash: u64,
}

/// One real-world thing, and the records that are it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Also the external key under which the hub creates its records.
    pub id: LinkId,
    /// What it is.
    pub entity: EntityName,
    /// How a person recognises it.
    pub label: String,
    /// Its records.
    pub sides: BTreeMap<SystemName, LinkSide>,
    /// The values that all sides had when the hub last saw them agree.
    pub agreed: Option<Canonical>,
    /// The link that a merge in one system says it is one with, while another system still has a record of each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub one_with: Option<LinkId>,
}

/// A record of a link.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkSide {
    /// Its resource.
    pub resource: ResourceName,
    /// Its id.
    pub id: RemoteId,
    /// Whether it is still there.
    #[serde(default)]
    pub presence: Presence,
    /// Whether its column's `where` leaves it out by now: what becomes of it is nothing to the others.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub left: bool,
}

/// How far a flow has read a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadTo {
    /// The connector's cursor.
    pub cursor: Cursor,
    /// The column's digest when it was read: another mapping reads everything again.
    pub digest: u64,
    /// When.
    pub at: Timestamp,
}

/// A create that was decided and is not yet known to be done; what a crash must not forget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The link, and the external key of the create.
    pub link: LinkId,
    /// Its entity.
    pub entity: EntityName,
    /// Where it is created.
    pub target: SystemName,
    /// The records it was decided from, to decide again.
    pub sources: Vec<At>,
    /// When it was started.
    pub started: Timestamp,
    /// Whether the document's state moves were sent while the mapping knew it for a draft: should it be none any more, they
    /// arrived.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
}

/// A record that did not fit, kept until it does or a person drops it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parked {
    /// The record.
    pub at: At,
    /// Its link, once it has one.
    pub link: Option<LinkId>,
    /// How a person recognises it.
    pub label: String,
    /// What kind of trouble.
    pub why: Why,
    /// In words, with the vendor's own.
    pub reason: String,
    /// The field, where one is to blame.
    pub field: Option<String>,
    /// More to look at: both sums, both values, the twins.
    pub detail: Value,
    /// Content hash of the record when it was parked: a changed one is tried again.
    pub hash: u64,
    /// First parked.
    pub since: Timestamp,
    /// How often it was tried.
    pub attempts: u32,
}

/// Why a record was parked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A value does not fit the mapping or the entity's schema.
    Mapping,
    /// It refers to a record that has no counterpart.
    Reference,
    /// Several records could be its twin.
    Ambiguous,
    /// The vendor refused the write.
    Rejected,
    /// The ERP's totals are not the quote's.
    Money,
    /// A document would not be made any more; from older versions also a field that sides changed differently.
    Conflict,
    /// The hub's value is put back again and again, or two columns never agree on one.
    PingPong,
    /// Whether a create was done cannot be known.
    Unknown,
    /// A record was deleted over there.
    Deleted,
}

impl Parked {
    /// Whether an older version parked it for values that a person must choose; the next run makes a [`Conflict`] of it.
    pub fn is_conflict(&self) -> bool {
        self.why == Why::Conflict && self.detail.is_array()
    }
}

impl Why {
    /// Whether the next run tries again by itself, because the cure may lie in another record.
    pub fn cures_itself(self) -> bool {
        !matches!(self, Self::Rejected | Self::Mapping | Self::PingPong)
    }
}

/// A create that waits for a person's yes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// The link.
    pub link: LinkId,
    /// Where it would be created.
    pub target: SystemName,
    /// The record it comes from.
    pub source: At,
    /// How a person recognises it.
    pub label: String,
    /// The rule that holds it.
    pub rule: String,
    /// The values to judge by.
    pub values: Canonical,
    /// Since when.
    pub since: Timestamp,
    /// What the person said.
    pub verdict: Verdict,
}

/// What a person said of a held create.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing yet.
    Waiting,
    /// Yes: the next run creates it.
    Approved,
    /// No: it is not created.
    Rejected,
}

/// One write, as the journal tells it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The run.
    pub run: RunId,
    /// The flow.
    pub flow: FlowName,
    /// When.
    pub at: Timestamp,
    /// What it is.
    #[serde(default)]
    pub entity: EntityName,
    /// The link.
    pub link: LinkId,
    /// The system written to.
    pub system: SystemName,
    /// Its resource.
    pub resource: ResourceName,
    /// The record.
    pub id: RemoteId,
    /// `create`, `update`, `finish` or `archive`.
    pub op: String,
    /// Each field, before and after, with the rule.
    pub fields: Vec<FieldEntry>,
    /// State moves that went along, such as `validate`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<Action>,
    /// The records it was decided from, as they were read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<Origin>,
    /// How the hub knows that it was made.
    #[serde(default, skip_serializing_if = "Known::is_answered")]
    pub known: Known,
}

/// The rule of what a mapping computes and only writes.
pub const COMPUTED: &str = "computed";

/// One field of a write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldEntry {
    /// The canonical field.
    pub field: FieldName,
    /// What it was; null for a create.
    pub old: Value,
    /// What it became.
    pub new: Value,
    /// The rule.
    pub rule: String,
    /// Whose value it is.
    pub source: SystemName,
}

impl FieldEntry {
    /// Whether it is a one-way column, named by its native path.
    pub fn is_computed(&self) -> bool {
        self.rule == COMPUTED
    }
}

/// One run of flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its id.
    pub id: RunId,
    /// The flow.
    pub flow: FlowName,
    /// When it began.
    pub began: Timestamp,
    /// When it ended; `None` while it runs, or when it was killed.
    pub ended: Option<Timestamp>,
    /// What it did.
    pub counts: Counts,
    /// Why it stopped early.
    pub error: Option<String>,
}

/// What a run did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Records read.
    pub read: u64,
    /// Of these, as they were last seen.
    pub unchanged: u64,
    /// Records matched to a twin.
    pub linked: u64,
    /// Records created.
    pub created: u64,
    /// Records updated.
    pub updated: u64,
    /// Records put away.
    #[serde(default)]
    pub archived: u64,
    /// Records parked.
    pub parked: u64,
    /// Creates held.
    pub held: u64,
    /// Fields newly in conflict.
    #[serde(default)]
    pub conflicts: u64,
    /// API calls.
    pub calls: u64,
}

impl Counts {
    /// Whether a run did more than read.
    pub fn tell_something(&self) -> bool {
        let Self { read: _, unchanged: _, linked, created, updated, archived, parked, held, conflicts, calls: _ } =
            self;
        linked + created + updated + archived + parked + held + conflicts > 0
    }

    /// Adds another run's counts.
    pub fn add(&mut self, other: &Self) {
        self.read += other.read;
        self.unchanged += other.unchanged;
        self.linked += other.linked;
        self.created += other.created;
        self.updated += other.updated;
        self.archived += other.archived;
        self.parked += other.parked;
        self.held += other.held;
        self.conflicts += other.conflicts;
        self.calls += other.calls;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_that_did_one_thing_of_any_kind_tells_something() {
        let none = Counts { read: 7, unchanged: 7, calls: 3, ..Counts::default() };
        assert!(!none.tell_something());
        for kind in ["linked", "created", "updated", "archived", "parked", "held", "conflicts"] {
            let mut counts = serde_json::to_value(&none).unwrap();
            counts[kind] = 1.into();
            assert!(serde_json::from_value::<Counts>(counts).unwrap().tell_something(), "{kind}");
        }
    }
}
