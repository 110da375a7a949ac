//! What the hub made in accounts to set them up, so that it takes away nothing else.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::spaces::{MADE, PREPARED};
use super::typed::key;
use super::{Facts, Store};
use crate::Result;
use crate::model::{EntityName, SystemName};

/// A field, a webhook, a column that the hub made, or was about to make when it was last heard of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// In which system.
    pub system: SystemName,
    /// The vendor's own name of it.
    pub thing: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// What the hub made in a system, by name.
    pub fn made(&self, system: &SystemName) -> Result<Vec<Made>> {
        self.page(&key(MADE, &[system.as_str()]), None, usize::MAX)
    }
}

impl Facts {
    /// The hub makes this.
    pub fn made(&mut self, made: &Made) {
        self.put(key(MADE, &[made.system.as_str(), &made.thing]), made);
    }

    /// The hub did not make this, or it is gone.
    pub fn unmade(&mut self, system: &SystemName, thing: &str) {
        self.delete(key(MADE, &[system.as_str(), thing]));
    }

    /// An account may lack what a column needs: the next write there looks first.
    pub fn unprepared(&mut self, entity: &EntityName, system: &SystemName) {
        self.delete(key(PREPARED, &[entity.as_str(), system.as_str()]));
    }
}
