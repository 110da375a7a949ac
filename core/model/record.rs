//! Records: a vendor's document, and its canonical form.

use std::ops::{Deref, DerefMut};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::{ExternalKey, RemoteId, Version};

/// A JSON object: native field names and values as the vendor speaks them.
pub type Fields = Map<String, Value>;

/// A record in canonical fields and normal forms.
///
/// `text, email, phone, url, enum, country, currency, vat_number, siren`: string; `integer`: number; `decimal, money`:
/// string without exponent (`"1200.00"`); `boolean`: bool; `date`: `"2026-11-24"`; `datetime`: RFC 3339 in UTC with
/// milliseconds; `ref:<entity>`: a native id as read, a [`super::LinkId`] once resolved; `lines`: array of objects.
/// An empty value is `null`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Canonical(pub Fields);

impl Deref for Canonical {
    type Target = Fields;

    fn deref(&self) -> &Fields {
        &self.0
    }
}

impl DerefMut for Canonical {
    fn deref_mut(&mut self) -> &mut Fields {
        &mut self.0
    }
}

/// Whether a record is still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Presence {
    /// In use.
    #[default]
    Present,
    /// Put away by a person; restorable.
    Archived,
    /// Deleted; `fields` may be empty.
    Gone,
}

/// One native record: a document with everything the vendor scatters over its objects.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// The vendor's id.
    pub id: RemoteId,
    /// The document.
    pub fields: Fields,
    /// When the vendor says it was last modified; `None` where it does not say.
    pub modified: Option<Timestamp>,
    /// What an update may name as `expect`; `None` where the vendor has no compare-and-set.
    pub version: Option<Version>,
    /// The hub's key, where the record bears one.
    pub key: Option<ExternalKey>,
    /// Whether it is still there.
    pub presence: Presence,
    /// Ids that now mean this record, after a merge.
    pub aliases: Vec<RemoteId>,
}

impl Record {
    /// A present record of `id` with `fields`.
    pub fn new(id: impl Into<RemoteId>, fields: Fields) -> Self {
        Self { id: id.into(), fields, ..Self::default() }
    }
}

/// A hash of a document's content, whatever the order of its keys.
///
/// Not for adversaries: it tells an echo from a change.
pub fn content_hash(fields: &Fields, seed: u64) -> u64 {
    fields
        .iter()
        .fold(seed, |sum, (key, value)| sum.wrapping_add(value_hash(value, xxh3_64_with_seed(key.as_bytes(), seed))))
}

fn value_hash(value: &Value, seed: u64) -> u64 {
    match value {
        Value::Null => xxh3_64_with_seed(b"null", seed),
        Value::Bool(true) => xxh3_64_with_seed(b"true", seed),
        Value::Bool(false) => xxh3_64_with_seed(b"false", seed),
        Value::Number(number) => xxh3_64_with_seed(number.to_string().as_bytes(), seed ^ 1),
        Value::String(text) => xxh3_64_with_seed(text.as_bytes(), seed ^ 2),
        Value::Array(items) => items.iter().fold(xxh3_64_with_seed(b"[", seed), |so_far, item| {
            xxh3_64_with_seed(&so_far.to_le_bytes(), value_hash(item, seed))
        }),
        Value::Object(fields) => xxh3_64_with_seed(b"{", content_hash(fields, seed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn hash(value: Value) -> u64 {
        content_hash(value.as_object().unwrap(), 0)
    }

    #[test]
    fn the_order_of_keys_does_not_matter_but_all_else_does() {
        let one = hash(json!({"a": "1", "b": [1, 2], "c": {"d": null}}));
        assert_eq!(one, hash(json!({"c": {"d": null}, "b": [1, 2], "a": "1"})));
        for other in [
            json!({"a": 1, "b": [1, 2], "c": {"d": null}}),
            json!({"a": "1", "b": [2, 1], "c": {"d": null}}),
            json!({"a": "1", "b": [1, 2], "c": {"d": ""}}),
            json!({"b": "1", "a": [1, 2], "c": {"d": null}}),
            json!({"a": "1", "b": [1, 2]}),
        ] {
            assert_ne!(one, hash(other));
        }
    }
}
