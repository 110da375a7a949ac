//! One canonical entity: its fields, who owns them, and its columns.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use rust_decimal::Decimal;
use serde_json::Value;

use super::expr::Expr;
use super::kind::{self, Kind};
use super::{Column, Example, Problem, schema};
use crate::model::{Canonical, EntityName, FieldName, Owner, SystemName};

/// One canonical entity, compiled: pure, `Send + Sync`.
pub struct Entity {
    pub(super) name: EntityName,
    pub(super) file: String,
    pub(super) fields: IndexMap<FieldName, Field>,
    pub(super) label: Option<Expr>,
    pub(super) matches: Vec<Vec<FieldName>>,
    /// By the name in the file: a connector, or a system.
    pub(super) columns: BTreeMap<String, Column>,
    /// Which column a system has.
    pub(super) by_system: BTreeMap<SystemName, String>,
    pub(super) validator: schema::Compiled,
    pub(super) totals: Option<Totals>,
    pub(super) examples: Vec<Example>,
}

/// A canonical field.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) kind: Kind,
    pub(super) owner: Owner,
    pub(super) required: Required,
    /// Of lines: what they meet by.
    pub(super) key: Option<FieldName>,
    /// Of lines: their fields.
    pub(super) each: IndexMap<FieldName, Field>,
}

/// When a field must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Required {
    No,
    /// Where the hub creates the record.
    OnCreate,
    Always,
}

/// The money gate: whose sums must agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// How far the sums may be apart, in the document's currency.
    pub tolerance: Decimal,
    /// The field of the net total.
    pub net: FieldName,
    /// The field of the VAT total.
    pub vat: FieldName,
    /// The field of the gross total.
    pub gross: FieldName,
    /// The field of the currency.
    pub currency: FieldName,
    /// The field of the lines.
    pub lines: FieldName,
}

/// One reference inside a record.
#[derive(Clone, Copy, Debug)]
pub struct RefAt<'a> {
    /// `customer`, or `lines.product` inside lines.
    pub field: &'a FieldName,
    /// What is referred to.
    pub entity: &'a EntityName,
    /// Where the column said `by = "sku"`: the value is that canonical field of the entity, not an id.
    pub by: Option<&'a FieldName>,
    /// The id, or the value of `by`.
    pub value: &'a str,
}

/// A reference that leads nowhere yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// `customer`, or `lines.product`.
    pub field: FieldName,
    /// What is referred to.
    pub entity: EntityName,
    /// The value that was left there.
    pub value: String,
}

impl Entity {
    /// Its name.
    pub fn name(&self) -> &EntityName {
        &self.name
    }

    /// The file it is written in.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// How `system` is seen; a column of the system's own name wins over its connector's, field by field.
    pub fn column(&self, system: &SystemName) -> Option<&Column> {
        self.columns.get(self.by_system.get(system)?)
    }

    /// The canonical fields, in the order of the file.
    pub fn field_names(&self) -> impl Iterator<Item = &FieldName> {
        self.fields.keys()
    }

    /// Whether a record cannot do without `field`, at least where it is created.
    pub fn requires(&self, field: &FieldName) -> bool {
        self.fields.get(field).is_some_and(|field| field.required != Required::No)
    }

    /// Who decides `field`; the side modified last, for a field that is not there.
    pub fn owner(&self, field: &FieldName) -> &Owner {
        self.fields.get(field).map_or(&Owner::Latest, |field| &field.owner)
    }

    /// What lines of `field` meet by.
    pub fn line_key(&self, field: &FieldName) -> Option<&FieldName> {
        self.fields.get(field)?.key.as_ref()
    }

    /// How a person recognises the record; a match key where the label is empty.
    pub fn label(&self, canonical: &Canonical) -> String {
        let said = |value: Value| kind::text(&value).ok().filter(|text| !text.is_empty());
        let label = self.label.as_ref().and_then(|label| label.value(canonical).ok()).and_then(said);
        let by_match = || {
            self.matches.iter().find_map(|key| {
                let values = key.iter().map(|field| canonical.get(field.as_str()).cloned().and_then(said));
                values.collect::<Option<Vec<_>>>().map(|values| values.join(" "))
            })
        };
        label.or_else(by_match).unwrap_or_default()
    }

    /// What makes two records one, best first.
    pub fn match_keys(&self) -> &[Vec<FieldName>] {
        &self.matches
    }

    /// What does not fit the entity's schema; empty when all does.
    ///
    /// A field that is not there is not known, which is no problem; a required one that is `null` is.
    pub fn validate(&self, canonical: &Canonical) -> Vec<Problem> {
        self.validator.problems(canonical)
    }

    /// The JSON Schema of a canonical record.
    pub fn json_schema(&self) -> Value {
        self.validator.schema.clone()
    }

    /// The money gate, where the entity has one.
    pub fn totals(&self) -> Option<&Totals> {
        self.totals.as_ref()
    }

    /// The file's examples.
    pub fn examples(&self) -> &[Example] {
        &self.examples
    }
}

impl fmt::Debug for Entity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entity").field("name", &self.name).field("file", &self.file).finish_non_exhaustive()
    }
}
