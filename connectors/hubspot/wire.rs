//! HubSpot's shapes, and how an object becomes a record.

use std::collections::BTreeMap;

use passerelle_core::clock::Timestamp;
use passerelle_core::model::{ExternalKey, Fields, Presence, Record, RemoteId};
use passerelle_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::{Value, json};

use super::kind::KEY;

/// Property values by name; an empty one is null.
pub(super) type Properties = BTreeMap<String, Option<String>>;

/// An object of any type.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Object {
    pub id: String,
    #[serde(default)]
    pub properties: Properties,
    #[serde(default)]
    pub updated_at: Option<Timestamp>,
    #[serde(default)]
    pub archived: bool,
    #[serde(default)]
    pub object_write_trace_id: Option<String>,
}

/// A page of a list or a search.
#[derive(Debug, Deserialize)]
pub(super) struct Objects {
    pub results: Vec<Object>,
    #[serde(default)]
    pub paging: Option<Paging>,
}

/// Where the next page is.
#[derive(Debug, Deserialize)]
pub(super) struct Paging {
    #[serde(default)]
    pub next: Option<NextPage>,
}

/// The next page.
#[derive(Debug, Deserialize)]
pub(super) struct NextPage {
    pub after: String,
}

/// The answer to a batch, whole (200, 201) or in parts (207).
#[derive(Debug, Deserialize)]
pub(super) struct Batch<T> {
    #[serde(default = "Vec::new")]
    pub results: Vec<T>,
    #[serde(default)]
    pub errors: Vec<ItemError>,
}

/// What was refused inside a batch.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct ItemError {
    #[serde(default)]
    pub category: String,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub context: BTreeMap<String, Value>,
}

/// What one object is associated with.
#[derive(Debug, Deserialize)]
pub(super) struct Associations {
    pub from: Reference,
    pub to: Vec<Association>,
    #[serde(default)]
    pub paging: Option<Paging>,
}

/// An id in an object of its own.
#[derive(Debug, Deserialize)]
pub(super) struct Reference {
    pub id: String,
}

/// One associated object and how it is associated.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Association {
    #[serde(deserialize_with = "text_or_number")]
    pub to_object_id: String,
    #[serde(default)]
    pub association_types: Vec<AssociationType>,
}

/// A type of association.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AssociationType {
    pub type_id: u32,
}

/// The definition of a property.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Definition {
    pub name: String,
    #[serde(default)]
    pub label: String,
    #[serde(default, rename = "type")]
    pub value_type: String,
    #[serde(default)]
    pub options: Vec<DefinedOption>,
    #[serde(default)]
    pub has_unique_value: bool,
    /// Every account has it.
    #[serde(default)]
    pub hubspot_defined: bool,
    #[serde(default)]
    pub calculated: bool,
    #[serde(default)]
    pub modification_metadata: Option<Modification>,
}

/// What of a definition may be changed.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Modification {
    #[serde(default)]
    pub read_only_value: bool,
}

/// An option of an enumeration.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct DefinedOption {
    #[serde(default)]
    pub label: String,
    pub value: String,
}

/// The account of a token.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountDetails {
    pub portal_id: u64,
    #[serde(default)]
    pub account_type: String,
    #[serde(default)]
    pub company_currency: Option<String>,
}

/// A list without pages.
#[derive(Debug, Deserialize)]
pub(super) struct Results<T> {
    #[serde(default = "Vec::new")]
    pub results: Vec<T>,
}

// Older live replies give this id as a number [documented].
fn text_or_number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

impl Object {
    /// A property that has a value.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_deref().filter(|value| !value.is_empty())
    }

    /// The ids that were merged into this object.
    pub(super) fn merged_ids(&self) -> impl Iterator<Item = &str> {
        self.value("hs_merged_object_ids").unwrap_or_default().split(';').map(str::trim).filter(|id| !id.is_empty())
    }

    /// The properties as a document, with `id`; what was asked for and is not there is null.
    pub(super) fn document<'a>(&self, asked: impl IntoIterator<Item = &'a String>) -> Fields {
        let mut fields = Fields::new();
        fields.insert("id".to_owned(), json!(self.id));
        for name in asked {
            fields.insert(name.clone(), Value::Null);
        }
        for (name, value) in &self.properties {
            fields.insert(name.clone(), json!(value.as_deref().filter(|value| !value.is_empty())));
        }
        fields
    }

    /// The object as a record with `fields`.
    pub(super) fn record(&self, fields: Fields) -> Record {
        Record {
            id: RemoteId::new(&self.id),
            fields,
            modified: self.updated_at,
            version: None,
            key: self.value(KEY).map(ExternalKey::from),
            presence: if self.archived { Presence::Archived } else { Presence::Present },
            aliases: self.merged_ids().filter(|id| *id != self.id).map(RemoteId::from).collect(),
        }
    }
}

/// A native value as HubSpot takes it: text; a null clears and is written as an empty text.
///
/// # Errors
/// `Rejected` for a list or an object, which no property holds.
pub(super) fn written(name: &str, value: &Value) -> Result<String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::String(text) => Ok(text.clone()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(_) | Value::Object(_) => {
            Err(Error::new(ErrorKind::Rejected, "a property holds one text, not a list or an object").at("field", name))
        }
    }
}
