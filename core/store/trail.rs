//! What the hub keeps of its own writes, to know their echoes and what is put back again and again.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::spaces::{TOUCHED, TRAILS};
use super::typed::key;
use super::{Facts, Store};
use crate::Result;
use crate::model::{LinkId, RemoteId, ResourceName, SystemName};

/// What the hub keeps of its own writes to a link, so that it takes no echo of them for a person's change, and notices
/// when a value is put back again and again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trail {
    /// Per system and field, what became of the last value; a computed native path is written `=path`.
    pub sides: BTreeMap<SystemName, BTreeMap<String, Echo>>,
    /// Per field, the last writes of it.
    pub swings: BTreeMap<String, Swing>,
}

/// What became of a value that the hub sent. Values are hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Echo {
    /// A value that was sent and not yet seen to be agreed: the call may have failed after it took effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<u64>,
    /// Whether that was answered: the record had it for a while, whatever it holds now.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub answered: bool,
    /// Values that were sent before that one and not seen to be agreed either, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<u64>,
    /// The agreed value, and what the vendor made of it, such as its capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<(u64, u64)>,
}

impl Echo {
    /// The most that is kept of what was sent earlier.
    const EARLIER: usize = 4;

    /// A value is sent.
    pub fn send(&mut self, value: u64) {
        self.answered = false;
        let Some(older) = self.sent.replace(value).filter(|older| *older != value) else { return };
        self.earlier.retain(|known| *known != older);
        self.earlier.push(older);
        if self.earlier.len() > Self::EARLIER {
            self.earlier.remove(0);
        }
    }

    /// Whether a value was sent and not seen to be agreed yet.
    pub fn is_of(&self, value: u64) -> bool {
        self.sent == Some(value) || self.earlier.contains(&value)
    }

    /// What was sent is agreed by now, or what is said has nothing to do with it.
    pub fn hush(&mut self) {
        (self.sent, self.answered) = (None, false);
        self.earlier.clear();
    }
}

/// The last writes of a field, newest first, and how often one of them came again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Swing {
    /// System, hash before, hash after.
    pub steps: Vec<(SystemName, u64, u64)>,
    /// How often in a row a step was one that had been made before.
    pub times: u32,
    /// When the last one was made.
    pub at: Timestamp,
    /// Whether the hub has stopped writing it.
    #[serde(default)]
    pub tripped: bool,
}

/// What the hub's own last write did to the time at which a record was last modified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "TouchedForm")]
pub struct Touched {
    /// The time that the write left.
    pub at: Timestamp,
    /// The time that it hides: when somebody else had last modified the record, as far as the hub read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Timestamp>,
}

/// As it is stored; hubs before this one stored the time alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum TouchedForm {
    Bare(Timestamp),
    Whole { at: Timestamp, before: Option<Timestamp> },
}

impl From<TouchedForm> for Touched {
    fn from(form: TouchedForm) -> Self {
        match form {
            TouchedForm::Bare(at) => Self { at, before: None },
            TouchedForm::Whole { at, before } => Self { at, before },
        }
    }
}

impl Store {
    /// What is kept of the hub's own writes to a link.
    pub fn trail(&self, link: &LinkId) -> Result<Option<Trail>> {
        self.read(&key(TRAILS, &[link.as_str()]))
    }

    /// What the hub's own last write did to a record's time of modification.
    pub fn touched(&self, system: &SystemName, resource: &ResourceName, id: &RemoteId) -> Result<Option<Touched>> {
        self.read(&key(TOUCHED, &[system.as_str(), resource.as_str(), id.as_str()]))
    }
}

impl Facts {
    /// What is kept of the hub's own writes to a link; an empty trail is forgotten.
    pub fn trail(&mut self, link: &LinkId, trail: &Trail) {
        let key = key(TRAILS, &[link.as_str()]);
        if *trail == Trail::default() { self.delete(key) } else { self.put(key, trail) }
    }

    /// The hub's own write modified a record.
    pub fn touched(&mut self, system: &SystemName, resource: &ResourceName, id: &RemoteId, touched: Touched) {
        self.put(key(TOUCHED, &[system.as_str(), resource.as_str(), id.as_str()]), &touched);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_an_older_hub_stored_alone_is_read() {
        let at: Timestamp = "2026-11-24T06:00:00Z".parse().unwrap();
        let bare: Touched = serde_json::from_str("\"2026-11-24T06:00:00Z\"").unwrap();
        assert_eq!(bare, Touched { at, before: None });
        let whole = Touched { at, before: Some(at) };
        assert_eq!(serde_json::from_str::<Touched>(&serde_json::to_string(&whole).unwrap()).unwrap(), whole);
    }
}
