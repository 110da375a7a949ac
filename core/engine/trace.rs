//! Trace: the life of one record, from what the store remembers of it; no system is asked.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::Result;
use crate::mapping::{Entity, Mappings};
use crate::model::{FieldName, LinkId, RemoteId, ResourceName, SystemName};
use crate::store::{At, Entry, Held, Job, Known, Link, LinkSide, Parked, Place, Store, Verdict};

/// Facts read from the store at a time.
const PAGE: usize = 100;

/// The life of a record.
#[derive(Clone, Debug, Serialize)]
pub struct Trace {
    /// The record that was asked for.
    pub at: At,
    /// The thing that it is; `None` for a record that never got past being parked.
    pub link: Option<LinkId>,
    /// How a person recognises it.
    pub label: String,
    /// Its records in all systems.
    pub sides: BTreeMap<SystemName, Side>,
    /// Every field as the hub last saw all sides agree on it, and where that value is from.
    pub values: Vec<TracedValue>,
    /// Every write to its records, oldest first; those of links that became part of it name the link they were of.
    pub journal: Vec<Line>,
    /// What waits, for a person or for another record.
    pub waiting: Waiting,
}

/// One of its records.
#[derive(Clone, Debug, Serialize)]
pub struct Side {
    /// Resource, id, and whether it is still there.
    #[serde(flatten)]
    pub side: LinkSide,
    /// Hash of the content last seen, in hexadecimal; `None` when it was written and not read back yet.
    pub seen: Option<String>,
}

/// A field, and where its value is from.
#[derive(Clone, Debug, Serialize)]
pub struct TracedValue {
    /// The field.
    pub field: FieldName,
    /// Its value.
    pub value: Value,
    /// The write that brought it; `None` where the sides agreed when they met.
    pub origin: Option<ValueOrigin>,
}

/// The write that brought a value.
#[derive(Clone, Debug, Serialize)]
pub struct ValueOrigin {
    /// The system whose value it is.
    pub system: SystemName,
    /// That system's record.
    pub id: Option<RemoteId>,
    /// The content hash of that record when it was read, in hexadecimal.
    pub hash: Option<String>,
    /// When that vendor said that the record was modified.
    pub modified: Option<Timestamp>,
    /// The rule that chose it.
    pub rule: String,
    /// The line of the journal.
    pub line: Place,
    /// When it was written.
    pub at: Timestamp,
    /// Where it was written to.
    pub to: SystemName,
}

/// A line of the journal.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Its place.
    pub line: Place,
    /// What was written.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What waits about a record.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Waiting {
    /// Parked, in conflict or in doubt.
    pub parked: Vec<Parked>,
    /// Creates that a person judges, or has judged.
    pub held: Vec<Held>,
    /// Creates that are not finished: without an answer, or drafts before their state moves.
    pub unfinished: Vec<Job>,
    /// Writes without an answer, which the next run looks up.
    pub open: Vec<Line>,
    /// What it needs first, and where.
    pub waits_for: Vec<(LinkId, SystemName)>,
    /// Whether the next run decides it again.
    pub is_due: bool,
}

impl Waiting {
    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        let held = self.held.iter().any(|held| held.verdict != Verdict::Rejected);
        self.parked.is_empty()
            && !held
            && self.unfinished.is_empty()
            && self.open.is_empty()
            && self.waits_for.is_empty()
            && !self.is_due
    }
}

/// The entities that a system's records of this name are seen as: by the vendor's resource, or by the entity's name.
pub fn entities_of<'m>(mappings: &'m Mappings, system: &SystemName, resource: &ResourceName) -> Vec<&'m Entity> {
    let is_it = |entity: &&Entity| {
        entity
            .column(system)
            .is_some_and(|column| column.resource() == resource || entity.name().as_str() == resource.as_str())
    };
    mappings.entities().filter(is_it).collect()
}

/// The life of a record as each of `entities` in turn, the first that knows it; `None` when none has ever seen it.
///
/// # Errors
/// The store's.
pub fn trace(store: &Store, entities: &[&Entity], system: &SystemName, id: &RemoteId) -> Result<Option<Trace>> {
    for entity in entities {
        let at = At { entity: entity.name().clone(), system: system.clone(), id: id.clone() };
        let parked = store.parked_at(&at)?;
        let seen = store.seen(&at.entity, system, id)?.map(|seen| seen.link);
        // What was refused before it was ever seen whole may have a link all the same.
        let known = seen.or_else(|| parked.as_ref().and_then(|parked| parked.link.clone()));
        let link = known.map_or(Ok(None), |id| store.link(&id))?;
        match (link, parked) {
            (Some(link), _) => return told(store, at, link).map(Some),
            (None, Some(parked)) => return unlinked(store, at, parked).map(Some),
            (None, None) => {}
        }
    }
    Ok(None)
}

fn told(store: &Store, at: At, link: Link) -> Result<Trace> {
    let mut lines = store.lines_of(&link.id)?;
    let united = store.united_into(&link.id, PAGE)?;
    for dead in &united {
        lines.extend(store.lines_of(dead)?);
    }
    lines.sort_by(|(one, _), (other, _)| one.cmp(other));
    let mut sides = BTreeMap::new();
    for (system, side) in &link.sides {
        let seen = store.seen(&link.entity, system, &side.id)?.filter(|seen| seen.hash != 0);
        let seen = seen.map(|seen| format!("{:016x}", seen.hash));
        sides.insert(system.clone(), Side { side: side.clone(), seen });
    }
    let values = link.agreed.iter().flat_map(|agreed| agreed.iter()).map(|(field, value)| TracedValue {
        field: FieldName::new(field.as_str()),
        value: value.clone(),
        origin: origin(&link, &lines, field, value),
    });
    let values = values.collect();
    let waiting = waiting(store, &link, &united)?;
    let journal = lines.into_iter().map(|(line, entry)| Line { line, entry }).collect();
    Ok(Trace { at, link: Some(link.id), label: link.label, sides, values, journal, waiting })
}

fn unlinked(store: &Store, at: At, parked: Parked) -> Result<Trace> {
    let is_due = store.is_due(&at)?;
    let label = parked.label.clone();
    let waiting = Waiting { parked: vec![parked], is_due, ..Waiting::default() };
    Ok(Trace { at, link: None, label, sides: BTreeMap::new(), values: Vec::new(), journal: Vec::new(), waiting })
}

/// The last write of a field, whatever record it was to. Where that wrote another value, and a link that became part of
/// this one wrote this value, it is that one's.
fn origin(link: &Link, lines: &[(Place, Entry)], field: &str, value: &Value) -> Option<ValueOrigin> {
    let made = lines.iter().rev().filter(|(_, entry)| entry.known != Known::Unclear);
    let (own, others): (Vec<_>, Vec<_>) = made
        .filter_map(|(line, entry)| Some((line, entry, entry.fields.iter().find(|one| one.field.as_str() == field)?)))
        .partition(|(_, entry, _)| entry.link == link.id);
    let own = own.into_iter().next();
    let other = || others.into_iter().find(|(.., one)| one.new == *value);
    let (line, entry, field) = own.filter(|(.., one)| one.new == *value).or_else(other).or(own)?;
    let from = entry.from.iter().find(|origin| origin.system == field.source);
    let side = link.sides.get(&field.source).map(|side| &side.id);
    Some(ValueOrigin {
        system: field.source.clone(),
        id: from.map(|from| &from.id).or(side).cloned(),
        hash: from.map(|from| from.hash.clone()),
        modified: from.and_then(|from| from.modified),
        rule: field.rule.clone(),
        line: line.clone(),
        at: entry.at,
        to: entry.system.clone(),
    })
}

fn waiting(store: &Store, link: &Link, united: &[LinkId]) -> Result<Waiting> {
    let mut waiting = Waiting {
        held: store.held_of(&link.id)?,
        unfinished: store.jobs_of(&link.id)?,
        open: store.intents_of(&link.id)?.into_iter().map(|(line, entry)| Line { line, entry }).collect(),
        ..Waiting::default()
    };
    for dead in united {
        waiting.open.extend(store.intents_of(dead)?.into_iter().map(|(line, entry)| Line { line, entry }));
    }
    for (system, side) in &link.sides {
        let at = At { entity: link.entity.clone(), system: system.clone(), id: side.id.clone() };
        waiting.parked.extend(store.parked_at(&at)?);
        waiting.is_due |= store.is_due(&at)?;
        waiting.waits_for.extend(store.waits_of(&at, PAGE)?);
    }
    Ok(waiting)
}
