//! What to do about one link: three-way per field, over any number of sides. Pure and total.

mod values;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::{Canonical, FieldName, Owner, SystemName};
pub use values::{agrees, is_empty, overlay};

/// One field of an entity, as deciding sees it.
#[derive(Clone, Debug)]
pub struct Rule<'a> {
    /// The field.
    pub field: &'a FieldName,
    /// Who decides when sides differ.
    pub owner: &'a Owner,
}

/// One side of a link, as it is now.
#[derive(Clone, Debug)]
pub struct Side<'a> {
    /// Whose record it is.
    pub system: &'a SystemName,
    /// Its canonical form; a field that its column cannot read is absent.
    pub now: &'a Canonical,
    /// When the vendor says it was last modified.
    pub modified: Option<Timestamp>,
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
    pub conflicts: Vec<Conflict>,
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The field.
    pub field: FieldName,
    /// What was last agreed.
    pub agreed: Value,
    /// What each side holds.
    pub values: BTreeMap<SystemName, Value>,
}

/// Decides, from what was last agreed (`None` when the sides meet for the first time) and the sides as they are.
///
/// `sides` come in the order of the flow's `between`, which breaks ties.
pub fn decide(agreed: Option<&Canonical>, sides: &[Side<'_>], rules: &[Rule<'_>]) -> Decision {
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
        decide_field(rule, base, &readers, sides, &mut decision);
    }
    decision
}

fn decide_field(rule: &Rule<'_>, base: Option<&Value>, readers: &[&Side<'_>], all: &[Side<'_>], out: &mut Decision) {
    let Some((winner, why)) = choose(rule, base, readers) else {
        let values = readers.iter().map(|side| (side.system.clone(), value(side, rule.field).clone())).collect();
        let agreed = base.cloned().unwrap_or(Value::Null);
        if !agreed.is_null() {
            out.merged.insert(rule.field.to_string(), agreed.clone());
        }
        out.conflicts.push(Conflict { field: rule.field.clone(), agreed, values });
        return;
    };
    let wanted = overlay(base, value(winner, rule.field));
    let changed = base.is_none_or(|base| !agrees(base, &wanted));
    for side in all.iter().filter(|side| side.writable.contains(rule.field)) {
        let differs = match side.now.get(rule.field.as_str()) {
            Some(now) => !agrees(now, &wanted),
            None => changed && !is_empty(&wanted),
        };
        if differs && side.system != winner.system {
            out.writes.entry(side.system.clone()).or_default().insert(rule.field.clone());
            out.reasons.insert(rule.field.clone(), Reason { rule: why.clone(), source: winner.system.clone() });
        }
    }
    out.merged.insert(rule.field.to_string(), wanted);
}

/// The side whose value holds, and why; `None` asks a person.
fn choose<'a, 'b>(
    rule: &Rule<'_>,
    base: Option<&Value>,
    readers: &'b [&'b Side<'a>],
) -> Option<(&'b Side<'a>, String)> {
    let owner = match rule.owner {
        Owner::System(system) => readers.iter().find(|side| side.system == system).copied(),
        _ => None,
    };
    // Two records that meet for the first time: an empty field never erases what the other side knows.
    let Some(base) = base else {
        if let Some(owner) = owner.filter(|side| !is_empty(value(side, rule.field))) {
            return Some((owner, format!("owned by {}", owner.system)));
        }
        return first_meeting(rule, readers);
    };
    if let Some(owner) = owner {
        return Some((owner, format!("owned by {}", owner.system)));
    }
    let changed: Vec<&Side<'_>> =
        readers.iter().copied().filter(|side| !agrees(base, value(side, rule.field))).collect();
    match changed.as_slice() {
        [] => readers.first().map(|side| (*side, "unchanged".to_owned())),
        [only] => Some((only, format!("changed in {}", only.system))),
        [first, rest @ ..] if rest.iter().all(|side| agrees(value(first, rule.field), value(side, rule.field))) => {
            Some((first, "changed alike everywhere".to_owned()))
        }
        several => latest(rule, several),
    }
}

fn first_meeting<'a, 'b>(rule: &Rule<'_>, readers: &'b [&'b Side<'a>]) -> Option<(&'b Side<'a>, String)> {
    let filled: Vec<&Side<'_>> = readers.iter().copied().filter(|side| !is_empty(value(side, rule.field))).collect();
    match filled.as_slice() {
        [] => readers.first().map(|side| (*side, "empty everywhere".to_owned())),
        [only] => Some((only, format!("only {} has it", only.system))),
        [first, rest @ ..] if rest.iter().all(|side| agrees(value(first, rule.field), value(side, rule.field))) => {
            Some((first, "the same everywhere".to_owned()))
        }
        several => latest(rule, several),
    }
}

fn latest<'a, 'b>(rule: &Rule<'_>, several: &[&'b Side<'a>]) -> Option<(&'b Side<'a>, String)> {
    if *rule.owner == Owner::Review {
        return None;
    }
    let mut winner: Option<&'b Side<'a>> = None;
    for side in several {
        // Strictly later only: on a tie, or where a vendor does not say, the flow's order decides.
        if winner.is_none_or(|so_far| side.modified > so_far.modified && so_far.modified.is_some()) {
            winner = Some(side);
        }
    }
    winner.map(|side| {
        let rule = if several.iter().all(|side| side.modified.is_some()) {
            format!("changed last in {}", side.system)
        } else {
            format!("first of the flow's systems is {} (not every side says when it changed)", side.system)
        };
        (side, rule)
    })
}

fn value<'a>(side: &'a Side<'_>, field: &FieldName) -> &'a Value {
    side.now.get(field.as_str()).unwrap_or(&Value::Null)
}

#[cfg(test)]
mod tests;
