//! What a flow's first run finds out about who is who: matched to a twin, new, or not to be told apart.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Change, Op};
use crate::model::{EntityName, LinkId, RemoteId, SystemName};
use crate::store::{Held, Parked, Why};

/// Examples kept of each kind; the counts are of all.
const EXAMPLES: usize = 5;

/// Who was matched to whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matching {
    /// How many records were linked to a twin.
    pub linked: u64,
    /// How many would be created, because nothing over there is their twin.
    pub new: u64,
    /// How many could be the twin of several, or of one that is taken.
    pub ambiguous: u64,
    /// How many were linked by which match key, such as `vat_number` or `name, postal_code`.
    pub by: BTreeMap<String, u64>,
    /// Some of each kind.
    pub examples: Examples,
}

/// Some of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Examples {
    /// Of those linked.
    pub linked: Vec<Twins>,
    /// Of those that would be created.
    pub new: Vec<New>,
    /// Of those that nobody can tell apart.
    pub ambiguous: Vec<Unclear>,
}

/// Records that are one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Twins {
    /// Their link.
    pub link: LinkId,
    /// How a person recognises it.
    pub label: String,
    /// The records.
    pub records: BTreeMap<SystemName, RemoteId>,
    /// The match key.
    pub by: String,
}

/// A record that would be created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct New {
    /// Its link.
    pub link: LinkId,
    /// How a person recognises it.
    pub label: String,
    /// Where.
    pub system: SystemName,
}

/// A record whose twin is not clear.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unclear {
    /// Where it is.
    pub system: SystemName,
    /// Its id.
    pub id: RemoteId,
    /// How a person recognises it.
    pub label: String,
    /// Why.
    pub reason: String,
}

impl Matching {
    /// Records that were linked.
    pub fn link(&mut self, twins: Twins) {
        self.linked += 1;
        *self.by.entry(twins.by.clone()).or_default() += 1;
        add(&mut self.examples.linked, twins);
    }

    /// The rest, out of what a plan holds of `entity`.
    pub fn complete(mut self, entity: &EntityName, changes: &[Change], held: &[Held], parked: &[Parked]) -> Self {
        let creates = changes.iter().filter(|change| change.op == Op::Create && change.entity == *entity);
        let created = creates.map(|change| (&change.link, &change.label, &change.system));
        let held = held.iter().filter(|held| held.source.entity == *entity);
        for (link, label, system) in created.chain(held.map(|held| (&held.link, &held.label, &held.target))) {
            self.new += 1;
            add(&mut self.examples.new, New { link: link.clone(), label: label.clone(), system: system.clone() });
        }
        for told in parked.iter().filter(|told| told.why == Why::Ambiguous && told.at.entity == *entity) {
            self.ambiguous += 1;
            let (at, label, reason) = (&told.at, told.label.clone(), told.reason.clone());
            add(&mut self.examples.ambiguous, Unclear { system: at.system.clone(), id: at.id.clone(), label, reason });
        }
        self
    }
}

fn add<T>(examples: &mut Vec<T>, example: T) {
    if examples.len() < EXAMPLES {
        examples.push(example);
    }
}

impl fmt::Display for Matching {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by: Vec<String> = self.by.iter().map(|(key, count)| format!("{count} by {key}")).collect();
        let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join("; ")) };
        writeln!(f, "  first run: {} matched{by}, {} new, {} ambiguous", self.linked, self.new, self.ambiguous)?;
        for one in &self.examples.linked {
            let records: Vec<String> = one.records.iter().map(|(system, id)| format!("{system}/{id}")).collect();
            writeln!(f, "      = {} \"{}\" by {}", records.join(" and "), one.label, one.by)?;
        }
        more(f, self.linked, self.examples.linked.len(), "matched")?;
        for one in &self.examples.new {
            writeln!(f, "      + {} \"{}\" is not in {}", one.link, one.label, one.system)?;
        }
        more(f, self.new, self.examples.new.len(), "new")?;
        for one in &self.examples.ambiguous {
            writeln!(f, "      ? {}/{} \"{}\": {}", one.system, one.id, one.label, one.reason)?;
        }
        more(f, self.ambiguous, self.examples.ambiguous.len(), "ambiguous")
    }
}

fn more(f: &mut fmt::Formatter<'_>, all: u64, shown: usize, word: &str) -> fmt::Result {
    match all.saturating_sub(shown as u64) {
        0 => Ok(()),
        left => writeln!(f, "      and {left} more {word}"),
    }
}
