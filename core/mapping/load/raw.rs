//! The shape of a mapping file, for editors; its keys are also those that the reader accepts.
#![allow(dead_code)] // Only the schema of these structs is used.

use std::collections::BTreeMap;

use schemars::{JsonSchema, schema_for};
use serde_json::Value;

/// One canonical entity: a column per connector (or system), an owner per field, examples that prove it.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename = "Mapping")]
pub(super) struct File {
    /// The entity's name, such as `company`.
    entity: String,
    /// How a person recognises a record: a field, or an expression over fields.
    label: Option<String>,
    /// What makes two records one, best first: a field, or a list of fields that must all agree.
    #[schemars(rename = "match")]
    matches: Option<Vec<MatchKey>>,
    /// What each system calls these records.
    on: BTreeMap<String, On>,
    /// The canonical fields.
    fields: BTreeMap<String, Field>,
    /// Value tables: native value to canonical value, both ways. The key `"*"` is any other native value, on reading only.
    tables: Option<BTreeMap<String, BTreeMap<String, Scalar>>>,
    /// When a record may be created in a system.
    create: Option<BTreeMap<String, Create>>,
    /// The money gate: after a write, the system's own totals must equal the record's.
    totals: Option<Totals>,
    /// Records that `passerelle test` runs both ways.
    example: Option<Vec<Example>>,
}

/// A field, or fields that must all agree.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum MatchKey {
    One(String),
    All(Vec<String>),
}

/// What a system calls these records.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct On {
    /// The native records, such as `companies`.
    resource: Option<String>,
    /// An expression over native fields: only the records for which it holds take part.
    #[schemars(rename = "where")]
    filter: Option<String>,
    /// An expression over native fields, such as `status == 'draft'`: only the records for which it holds may be put away
    /// by a flow with `on_delete = "archive"`. A document with drafts is put away only where this says that it is one.
    archive: Option<String>,
    /// Native constants when the hub creates one.
    set: Option<BTreeMap<String, Value>>,
}

/// A canonical field. Every other key is a column: the name of a connector, or of a system of config.toml.
#[derive(JsonSchema)]
pub(super) struct Field {
    /// `text` (default), `integer`, `decimal`, `money`, `boolean`, `date`, `datetime`, `email`, `phone`, `country`,
    /// `currency`, `vat_number`, `siren`, `url`, `enum`, `ref:<entity>` or `lines`.
    #[schemars(rename = "type")]
    kind: Option<String>,
    /// The values of an `enum`.
    values: Option<Vec<String>>,
    /// `true`: a record without it is refused. `"create"`: it is, where the hub would create it somewhere.
    required: Option<RequiredWhen>,
    /// Who decides: a system of config.toml, `latest` (default), or `review`.
    owner: Option<String>,
    /// What the field means, for people.
    description: Option<String>,
    /// Of lines: the line field that lines meet by.
    key: Option<String>,
    /// Of lines: the fields of a line.
    each: Option<BTreeMap<String, Field>>,
    #[schemars(flatten)]
    columns: BTreeMap<String, Column>,
}

/// When a field must be there.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum RequiredWhen {
    Always(bool),
    OnCreate(OnCreate),
}

/// Only where the hub creates the record.
#[derive(JsonSchema)]
#[schemars(rename_all = "snake_case")]
enum OnCreate {
    Create,
}

/// A field seen through one system.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Column {
    /// The native path.
    Path(String),
    /// With conversions, or one way.
    Cell(Cell),
}

/// A field seen through one system, with conversions or one way.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Cell {
    /// The native path: dots lead into objects; the field's own name where there is none.
    path: Option<String>,
    /// Converters from the native spelling to the canonical one, `|` between them.
    #[schemars(rename = "as")]
    steps: Option<Steps>,
    /// A table of `[tables]`.
    table: Option<String>,
    /// Of a reference: the field of the other entity that stands there instead of an id.
    by: Option<String>,
    /// An expression over native fields; without `write` the field is only read.
    read: Option<String>,
    /// An expression over canonical fields; without `read` the field is only written.
    write: Option<String>,
}

/// One converter or several.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Steps {
    One(String),
    Several(Vec<String>),
}

/// A canonical value in a table.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Scalar {
    Text(String),
    Integer(i64),
    Boolean(bool),
}

/// When a record may be created in a system.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Create {
    /// An expression over canonical fields, or `false` for never; without it, always.
    when: Option<Condition>,
    /// An expression over canonical fields: while it holds, the create waits for `passerelle held approve`.
    hold: Option<String>,
    /// State moves once it is created, such as `validate`.
    then: Option<Vec<String>>,
}

/// An expression, or a plain yes or no.
#[derive(JsonSchema)]
#[schemars(untagged)]
enum Condition {
    Always(bool),
    When(String),
}

/// The money gate.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub(super) struct Totals {
    /// How far the sums may be apart, such as `"0.00"` (default).
    tolerance: Option<String>,
    /// The field of the net total; `total_net` by default.
    net: Option<String>,
    /// The field of the VAT total; `total_vat` by default.
    vat: Option<String>,
    /// The field of the gross total; `total` by default.
    gross: Option<String>,
    /// The field of the currency; `currency` by default.
    currency: Option<String>,
    /// The field of the lines; `lines` by default.
    lines: Option<String>,
}

/// One record in canonical form and as systems have it. Every other key is a column.
#[derive(JsonSchema)]
pub(super) struct Example {
    /// What it shows.
    name: Option<String>,
    /// The canonical record.
    canonical: BTreeMap<String, Value>,
    #[schemars(flatten)]
    columns: BTreeMap<String, BTreeMap<String, Value>>,
}

/// The keys of a struct of this file.
pub(super) fn keys<T: JsonSchema>() -> Vec<String> {
    let schema = schema_for!(T);
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map(|properties| properties.keys().cloned().collect()).unwrap_or_default()
}

/// The JSON Schema of a mapping file.
pub(in crate::mapping) fn schema() -> Value {
    schema_for!(File).to_value()
}
