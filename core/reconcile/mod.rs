//! What to do about one link: three-way per field, over any number of sides. Pure and total.

mod choose;
mod moment;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Canonical, FieldName, Owner, SystemName};
pub use moment::AHEAD;
pub use values::{agrees, is_empty, overlay};

/// One field of an entity, as deciding sees it.
#[derive(Clone, Debug)]
pub struct Rule<'a> {
    /// The field.
    pub field: &'a FieldName,
    /// Who decides when sides differ.
    pub owner: &'a Owner,
    /// What a person took where the field was in conflict: whose value, and the value as it was shown.
    pub taken: Option<(&'a SystemName, &'a Value)>,
}

/// One side of a link, as it is now.
#[derive(Clone, Debug)]
pub struct Side<'a> {
    /// Whose record it is.
    pub system: &'a SystemName,
    /// Its canonical form; a field that its column cannot read is absent.
    pub now: &'a Canonical,
    /// When the vendor says that the record was last modified; no vendor says it of a field.
    pub modified: Option<Timestamp>,
    /// The time of modification that the hub's own last write left: one that is no later is no person's.
    pub touched: Option<Timestamp>,
    /// Fields that hold what the hub itself sent and has not seen agreed yet: no person's change either.
    pub echoes: &'a BTreeSet<FieldName>,
    /// The fields that the hub may write there.
    pub writable: &'a BTreeSet<FieldName>,
}

/// What to do about one link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// The values that all sides should have.
    pub merged: Canonical,
    /// Per system, the fields to write there.
    pub writes: BTreeMap<SystemName, BTreeSet<FieldName>>,
    /// Why each written field has its value.
    pub reasons: BTreeMap<FieldName, Reason>,
    /// Fields that a person must decide; they keep the agreed value and are written nowhere.
    pub conflicts: Vec<Clash>,
}

/// Why a field has its value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// The rule, in words.
    pub rule: String,
    /// Whose value it is.
    pub source: SystemName,
}

/// A field that sides changed differently and that no rule decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Clash {
    /// The field.
    pub field: FieldName,
    /// What was last agreed.
    pub agreed: Value,
    /// What each side holds.
    pub values: BTreeMap<SystemName, Value>,
    /// The system whose value a person took and that holds another one by now.
    pub moved: Option<SystemName>,
}

/// Decides, from what was last agreed (`None` when the sides meet for the first time) and the sides as they are `now`.
///
/// `sides` come in the order of the flow's `between`, which decides where no time does.
pub fn decide(agreed: Option<&Canonical>, sides: &[Side<'_>], rules: &[Rule<'_>], now: Timestamp) -> Decision {
    let mut decision = Decision::default();
    for rule in rules {
        let readers: Vec<&Side<'_>> = sides.iter().filter(|side| side.now.contains_key(rule.field.as_str())).collect();
        let base = agreed.and_then(|agreed| agreed.get(rule.field.as_str()));
        if readers.is_empty() {
            if let Some(base) = base {
                decision.merged.insert(rule.field.to_string(), base.clone());
            }
            continue;
        }
        match choose::winner(rule, base, &readers, now) {
            Some((winner, why)) => take(rule, base, winner, &why, sides, &mut decision),
            None => leave(rule, base, &readers, &mut decision),
        }
    }
    decision
}

/// The winner's value goes to whoever has another one and may be written.
fn take(rule: &Rule<'_>, base: Option<&Value>, winner: &Side<'_>, why: &str, all: &[Side<'_>], out: &mut Decision) {
    let wanted = overlay(base, value(winner, rule.field));
    // An owner that has nothing yet and cannot be written agrees to nothing: its emptiness must not erase it later.
    let is_silent =
        |side: &Side<'_>| *rule.owner == Owner::System(side.system.clone()) && is_empty(value(side, rule.field));
    let is_fixed = |side: &Side<'_>| side.now.contains_key(rule.field.as_str()) && !side.writable.contains(rule.field);
    if base.is_none() && !is_empty(&wanted) && all.iter().any(|side| is_silent(side) && is_fixed(side)) {
        return;
    }
    let changed = base.is_none_or(|base| !agrees(base, &wanted));
    for side in all.iter().filter(|side| side.writable.contains(rule.field)) {
        let differs = match side.now.get(rule.field.as_str()) {
            Some(now) => !agrees(now, &wanted),
            None => changed && (base.is_some() || !is_empty(&wanted)),
        };
        if differs && side.system != winner.system {
            out.writes.entry(side.system.clone()).or_default().insert(rule.field.clone());
            let reason = Reason { rule: why.to_owned(), source: winner.system.clone() };
            out.reasons.insert(rule.field.clone(), reason);
        }
    }
    out.merged.insert(rule.field.to_string(), wanted);
}

/// Nobody wins: a person must choose, and until then everything stays as it is.
fn leave(rule: &Rule<'_>, base: Option<&Value>, readers: &[&Side<'_>], out: &mut Decision) {
    let values = readers.iter().map(|side| (side.system.clone(), value(side, rule.field).clone())).collect();
    let agreed = base.cloned().unwrap_or(Value::Null);
    if !agreed.is_null() {
        out.merged.insert(rule.field.to_string(), agreed.clone());
    }
    let taken = rule.taken.map(|(system, _)| system);
    let moved = taken.filter(|system| readers.iter().any(|side| side.system == *system)).cloned();
    out.conflicts.push(Clash { field: rule.field.clone(), agreed, values, moved });
}

fn value<'a>(side: &'a Side<'_>, field: &FieldName) -> &'a Value {
    side.now.get(field.as_str()).unwrap_or(&Value::Null)
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;
