//! Whose value holds, and why.

use jiff::Timestamp;
use serde_json::Value;

use super::{Rule, Side, agrees, is_empty, moment, value};
use crate::model::Owner;

/// The side whose value holds, and the rule in words; `None` asks a person.
pub(super) fn winner<'a, 'b>(
    rule: &Rule<'_>,
    base: Option<&Value>,
    readers: &'b [&'b Side<'a>],
    now: Timestamp,
) -> Option<(&'b Side<'a>, String)> {
    let owner = match rule.owner {
        Owner::System(system) => readers.iter().find(|side| side.system == system).copied(),
        Owner::Latest | Owner::Review => None,
    };
    match owner {
        // Two records that meet for the first time: an empty field never erases what the other side knows, unless it
        // knows it from the hub alone.
        Some(owner) if base.is_some() || !is_empty(value(owner, rule.field)) || knows_from_hub(rule, readers) => {
            return Some((owner, format!("owned by {}", owner.system)));
        }
        Some(_) => {}
        None => {
            // What cannot be written there can only be followed; were it to lose, it would look changed ever after.
            let mut fixed = readers.iter().filter(|side| !side.writable.contains(rule.field));
            if let Some(fixed) = fixed.find(|side| !is_empty(value(side, rule.field))) {
                return Some((fixed, format!("only read in {}", fixed.system)));
            }
        }
    }
    let Some(base) = base else { return first_meeting(rule, readers, now) };
    // The emptiness of what can only be read erases nothing.
    let is_free = |side: &&Side<'_>| owner.is_some() || side.writable.contains(rule.field);
    let free: Vec<&Side<'_>> = readers.iter().copied().filter(is_free).collect();
    let changed: Vec<&Side<'_>> = free.iter().copied().filter(|side| !agrees(base, value(side, rule.field))).collect();
    let by_people: Vec<&Side<'_>> = changed.iter().copied().filter(|side| !side.echoes.contains(rule.field)).collect();
    match by_people.as_slice() {
        [] => {
            unchanged(rule, base, &changed, &free).or_else(|| readers.first().map(|side| (*side, "empty".to_owned())))
        }
        [only] => Some((only, format!("changed in {}", only.system))),
        several => among(rule, several, readers, "changed alike everywhere", now),
    }
}

/// Whether all that is said of a field is what the hub sent there before anything was agreed.
fn knows_from_hub(rule: &Rule<'_>, readers: &[&Side<'_>]) -> bool {
    let mut filled = readers.iter().filter(|side| !is_empty(value(side, rule.field))).peekable();
    filled.peek().is_some() && filled.all(|side| side.echoes.contains(rule.field))
}

/// Nobody changed it; where the hub had begun to, whoever still holds what was agreed has taken it back.
fn unchanged<'a, 'b>(
    rule: &Rule<'_>,
    base: &Value,
    echoes: &[&'b Side<'a>],
    free: &[&'b Side<'a>],
) -> Option<(&'b Side<'a>, String)> {
    if echoes.is_empty() {
        return free.first().map(|side| (*side, "unchanged".to_owned()));
    }
    let kept = free.iter().find(|side| agrees(base, value(side, rule.field)));
    match kept {
        Some(side) => Some((side, format!("changed back in {}", side.system))),
        None => echoes.first().map(|side| (*side, "as the hub began to write it".to_owned())),
    }
}

fn first_meeting<'a, 'b>(
    rule: &Rule<'_>,
    readers: &'b [&'b Side<'a>],
    now: Timestamp,
) -> Option<(&'b Side<'a>, String)> {
    let filled: Vec<&Side<'_>> = readers.iter().copied().filter(|side| !is_empty(value(side, rule.field))).collect();
    match filled.as_slice() {
        [] => readers.first().map(|side| (*side, "empty everywhere".to_owned())),
        [only] => Some((only, format!("only {} has it", only.system))),
        several => among(rule, several, readers, "the same everywhere", now),
    }
}

/// One of several sides that each have a say.
fn among<'a, 'b>(
    rule: &Rule<'_>,
    several: &[&'b Side<'a>],
    readers: &'b [&'b Side<'a>],
    alike: &str,
    now: Timestamp,
) -> Option<(&'b Side<'a>, String)> {
    let first = several.first()?;
    if several.iter().all(|side| agrees(value(first, rule.field), value(side, rule.field))) {
        return Some((first, alike.to_owned()));
    }
    if *rule.owner == Owner::Review {
        let (system, shown) = rule.taken?;
        let taken = readers.iter().find(|side| side.system == system)?;
        return agrees(value(taken, rule.field), shown).then(|| (*taken, format!("resolved by a person: {system}")));
    }
    moment::latest(several, |one, other| agrees(value(one, rule.field), value(other, rule.field)), now)
}
