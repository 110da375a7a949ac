//! One link while it is being worked on: its sides as they are now, and what is still to do.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value;

use super::breaker::Stuck;
use super::notes::Notes;
use crate::mapping::Entity;
use crate::model::{Canonical, FieldName, LinkId, Record, RemoteId, SystemName};
use crate::reconcile::Clash;
use crate::store::{At, Held, Link, Why};

/// Ids of records that a plan would create begin with this: no vendor's do.
const PLANNED: char = '~';

/// A record of one system, read.
#[derive(Clone, Debug)]
pub(super) struct Fresh {
    /// The record.
    pub record: Record,
    /// Its content under its column.
    pub hash: u64,
    /// Its canonical form; references are this system's ids until they are resolved.
    pub canonical: Canonical,
    /// Whether its references are link ids.
    pub resolved: bool,
}

impl Fresh {
    /// When the vendor says it was modified.
    pub fn modified(&self) -> Option<Timestamp> {
        self.record.modified
    }
}

/// One link being worked on.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// The link; not in the store yet when it is new.
    pub link: Link,
    /// Whether the store does not know it.
    pub new: bool,
    /// The record that brought it here.
    pub source: SystemName,
    /// The match key by which it was linked to a twin just now.
    pub joined: Option<String>,
    /// The link that its own record was merged into, while that is being looked into.
    pub merged_into: Option<LinkId>,
    /// Whether a match key brought it to a link that the hub knew: its sides have never met before.
    pub matched: bool,
    /// Its sides, as they are now.
    pub sides: BTreeMap<SystemName, Fresh>,
    /// Where the document still waits for its state moves.
    pub unfinished: BTreeSet<SystemName>,
    /// Where it waited and nothing is left to do.
    pub finished: BTreeSet<SystemName>,
    /// Fields that a person must decide.
    pub conflicts: Vec<Clash>,
    /// What the store knows about the link besides it.
    pub notes: Notes,
    /// Writes that are not made any more, because they are undone again and again.
    pub stuck: Vec<Stuck>,
    /// Why it can go no further.
    pub trouble: Option<Trouble>,
    /// Creates that a person must approve.
    pub held: Vec<Held>,
    /// Where a create was held that is not wanted any more.
    pub released: BTreeSet<SystemName>,
    /// Links that must be in a system first, whose own rules keep them out of it.
    pub waits: Vec<(LinkId, SystemName)>,
    /// Whether it did without a reference that is still on its way.
    pub again: bool,
    /// Its system stopped in the middle: the next run decides again, as if nothing had been seen.
    pub stopped: bool,
}

/// Why a record cannot go on.
#[derive(Clone, Debug)]
pub(super) struct Trouble {
    /// What kind.
    pub why: Why,
    /// In words.
    pub reason: String,
    /// The field, where one is to blame.
    pub field: Option<String>,
    /// More to look at.
    pub detail: Value,
}

impl Trouble {
    /// A trouble without detail.
    pub fn new(why: Why, reason: impl Into<String>) -> Self {
        Self { why, reason: reason.into(), field: None, detail: Value::Null }
    }

    /// Names the field.
    pub fn field(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// Adds something to look at.
    pub fn detail(mut self, detail: Value) -> Self {
        self.detail = detail;
        self
    }
}

impl Work {
    /// What all sides now agree on; the record is called by its name among that, which may be a new one.
    pub fn agree_on(&mut self, entity: &Entity, agreed: Canonical) {
        let label = entity.label(&agreed);
        if !label.is_empty() {
            self.link.label = label;
        }
        self.link.agreed = Some(agreed);
    }

    /// The record that brought it here.
    pub fn source_at(&self) -> At {
        At {
            entity: self.link.entity.clone(),
            system: self.source.clone(),
            id: self.sides.get(&self.source).map_or_else(
                || self.link.sides.get(&self.source).map(|side| side.id.clone()).unwrap_or_default(),
                |side| side.record.id.clone(),
            ),
        }
    }

    /// The addresses of all its records.
    pub fn places(&self) -> Vec<At> {
        places(&self.link)
    }

    /// Whether nothing stands in its way.
    pub fn is_sound(&self) -> bool {
        self.trouble.is_none()
    }

    /// What is known of it, agreed values first and the source's over them.
    pub fn best_values(&self) -> Canonical {
        let mut values = self.link.agreed.clone().unwrap_or_default();
        for (system, side) in &self.sides {
            for (field, value) in side.canonical.iter() {
                if *system == self.source || !values.contains_key(field) {
                    values.insert(field.clone(), value.clone());
                }
            }
        }
        values
    }
}

/// The addresses of all records of a link.
pub(super) fn places(link: &Link) -> Vec<At> {
    let at = |(system, side): (&SystemName, &crate::store::LinkSide)| At {
        entity: link.entity.clone(),
        system: system.clone(),
        id: side.id.clone(),
    };
    link.sides.iter().map(at).collect()
}

/// The id of a record that a plan would create.
pub(super) fn planned_id(link: &LinkId) -> RemoteId {
    RemoteId::new(format!("{PLANNED}{link}"))
}

/// Whether an id is of a record that a plan would create.
pub(super) fn is_planned(id: &RemoteId) -> bool {
    id.as_str().starts_with(PLANNED)
}

/// The fields of a record, as names.
pub(super) fn named(fields: impl IntoIterator<Item = impl Into<FieldName>>) -> BTreeSet<FieldName> {
    fields.into_iter().map(Into::into).collect()
}
