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
    /// The agreed value, and what the vendor made of it, such as its capitals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<(u64, u64)>,
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

impl Store {
    /// What is kept of the hub's own writes to a link.
    pub fn trail(&self, link: &LinkId) -> Result<Option<Trail>> {
        self.read(&key(TRAILS, &[link.as_str()]))
    }

    /// The time of modification that the hub's own last write left on a record.
    pub fn touched(&self, system: &SystemName, resource: &ResourceName, id: &RemoteId) -> Result<Option<Timestamp>> {
        self.read(&key(TOUCHED, &[system.as_str(), resource.as_str(), id.as_str()]))
    }
}

impl Facts {
    /// What is kept of the hub's own writes to a link; an empty trail is forgotten.
    pub fn trail(&mut self, link: &LinkId, trail: &Trail) {
        let key = key(TRAILS, &[link.as_str()]);
        if *trail == Trail::default() { self.delete(key) } else { self.put(key, trail) }
    }

    /// The hub's own write left a record modified at `at`.
    pub fn touched(&mut self, system: &SystemName, resource: &ResourceName, id: &RemoteId, at: Timestamp) {
        self.put(key(TOUCHED, &[system.as_str(), resource.as_str(), id.as_str()]), &at);
    }
}
