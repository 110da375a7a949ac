//! Fields that sides changed differently: what each holds, and what a person took.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::spaces::CONFLICTS;
use super::typed::key;
use super::{Facts, Store};
use crate::Result;
use crate::model::{EntityName, FieldName, LinkId, RemoteId, SystemName};

/// A field that sides changed differently, kept until they agree or a person takes one of the values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conflict {
    /// The link.
    pub link: LinkId,
    /// Its entity.
    pub entity: EntityName,
    /// How a person recognises it.
    pub label: String,
    /// The field.
    pub field: FieldName,
    /// What was last agreed; null where nothing was.
    pub agreed: Value,
    /// What each side holds.
    pub sides: BTreeMap<SystemName, Said>,
    /// First seen.
    pub since: Timestamp,
    /// What a person chose; the next run writes it to the other sides.
    pub taken: Option<Taken>,
    /// The system whose value was taken and then moved, so that a person must choose again.
    pub moved: Option<SystemName>,
    /// Why the value that was taken could not be written, in the words under which its record is parked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

/// What one side of a conflict holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// Its record.
    pub id: RemoteId,
    /// Its value.
    pub value: Value,
    /// When the vendor says that the record, not this field, was last modified.
    pub modified: Option<Timestamp>,
}

/// A value that a person chose, as it was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Whose value.
    pub system: SystemName,
    /// The value.
    pub value: Value,
    /// When it was chosen.
    pub at: Timestamp,
}

impl Conflict {
    /// Whether a person must act: nothing was taken, or what was taken could not be written.
    pub fn waits(&self) -> bool {
        self.taken.is_none() || self.refused.is_some()
    }
}

impl Store {
    /// At most `limit` fields in conflict, those after `after` (link and field) only.
    pub fn conflicts_after(&self, after: Option<(&LinkId, &FieldName)>, limit: usize) -> Result<Vec<Conflict>> {
        let after = after.map(|(link, field)| key(CONFLICTS, &[link.as_str(), field.as_str()]));
        self.page(&[CONFLICTS], after, limit)
    }

    /// The fields of a link that are in conflict.
    pub fn conflicts_of(&self, link: &LinkId) -> Result<Vec<Conflict>> {
        self.page(&key(CONFLICTS, &[link.as_str()]), None, usize::MAX)
    }
}

impl Facts {
    /// A field is in conflict.
    pub fn conflict(&mut self, conflict: &Conflict) {
        self.put(key(CONFLICTS, &[conflict.link.as_str(), conflict.field.as_str()]), conflict);
    }

    /// A field is no longer in conflict.
    pub fn settled(&mut self, link: &LinkId, field: &FieldName) {
        self.delete(key(CONFLICTS, &[link.as_str(), field.as_str()]));
    }
}
