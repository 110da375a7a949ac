//! One canonical entity: its fields, who owns them, and its columns.

use serde_json::Value;

use super::{Column, Example, ExampleReport, Problem};
use crate::model::{Canonical, EntityName, FieldName, Owner, SystemName};

/// One canonical entity, compiled: pure, `Send + Sync`.
#[derive(Debug)]
pub struct Entity {
    name: EntityName,
}

/// The money gate: whose sums must agree.
#[derive(Clone, Debug, PartialEq)]
pub struct Totals {
    /// How far the sums may be apart, in the document's currency.
    pub tolerance: rust_decimal::Decimal,
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
        todo!()
    }

    /// How `system` is seen; a column of the system's own name wins over its connector's, field by field.
    pub fn column(&self, system: &SystemName) -> Option<&Column> {
        let _ = system;
        todo!()
    }

    /// The canonical fields, in the order of the file.
    pub fn field_names(&self) -> impl Iterator<Item = &FieldName> {
        [].into_iter()
    }

    /// Who decides `field`.
    pub fn owner(&self, field: &FieldName) -> &Owner {
        let _ = field;
        todo!()
    }

    /// How a person recognises the record; a match key where the label is empty.
    pub fn label(&self, canonical: &Canonical) -> String {
        let _ = canonical;
        todo!()
    }

    /// What makes two records one, best first.
    pub fn match_keys(&self) -> &[Vec<FieldName>] {
        todo!()
    }

    /// What does not fit the entity's schema; empty when all does.
    pub fn validate(&self, canonical: &Canonical) -> Vec<Problem> {
        let _ = canonical;
        todo!()
    }

    /// The JSON Schema of a canonical record.
    pub fn json_schema(&self) -> Value {
        todo!()
    }

    /// The money gate, where the entity has one.
    pub fn totals(&self) -> Option<&Totals> {
        todo!()
    }

    /// Hands every reference, of header and lines, to `resolve`, which gives the value to put there.
    ///
    /// Where it gives `None` the value is left and reported.
    pub fn map_refs(
        &self,
        column: &Column,
        canonical: &mut Canonical,
        resolve: &mut dyn FnMut(RefAt<'_>) -> Option<String>,
    ) -> Vec<Unresolved> {
        let _ = (column, canonical, resolve);
        todo!()
    }

    /// Whether any field refers to another record.
    pub fn has_refs(&self) -> bool {
        todo!()
    }

    /// The file's examples.
    pub fn examples(&self) -> &[Example] {
        todo!()
    }

    /// Runs the examples both ways.
    pub fn run_examples(&self) -> ExampleReport {
        todo!()
    }
}
