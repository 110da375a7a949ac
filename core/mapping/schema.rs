//! The JSON Schema of a canonical record, compiled once, and its findings in words.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use jsonschema::Validator;
use serde_json::{Map, Value, json};

use super::Problem;
use super::cell::shown;
use super::entity::{Field, Required};
use super::kind::Kind;
use crate::model::{Canonical, FieldName};

/// A compiled schema.
pub(super) struct Compiled {
    pub(super) schema: Value,
    validator: Option<Validator>,
    /// `lines.quantity` to what it should be.
    words: BTreeMap<String, String>,
}

impl Compiled {
    /// The schema of these fields.
    pub(super) fn new(entity: &str, fields: &IndexMap<FieldName, Field>) -> Self {
        let mut schema = object(fields);
        schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".into(), json!(entity));
        let schema = Value::Object(schema);
        let mut words = BTreeMap::new();
        for (name, field) in fields {
            words.insert(name.to_string(), meant(&field.kind));
            for (inner, field) in &field.each {
                words.insert(format!("{name}.{inner}"), meant(&field.kind));
            }
        }
        // The schema is made here from known parts; should it not compile, every record says so.
        Self { validator: jsonschema::validator_for(&schema).ok(), schema, words }
    }

    pub(super) fn problems(&self, canonical: &Canonical) -> Vec<Problem> {
        let Some(validator) = &self.validator else {
            return vec![Problem::new("schema", "the entity's own schema does not compile")];
        };
        let record = Value::Object(canonical.0.clone());
        if validator.is_valid(&record) {
            return Vec::new();
        }
        let mut problems: Vec<Problem> = validator
            .iter_errors(&record)
            .map(|error| self.problem(&error.instance_path().to_string(), error.instance()))
            .collect();
        problems.dedup();
        problems
    }

    /// `/lines/2/quantity` is the field `lines[2].quantity`.
    fn problem(&self, pointer: &str, value: &Value) -> Problem {
        let parts: Vec<&str> = pointer.split('/').skip(1).collect();
        let (shown_path, path) = match parts.as_slice() {
            [] => ("record".to_owned(), String::new()),
            [field] => ((*field).to_owned(), (*field).to_owned()),
            [lines, place] => (format!("{lines}[{place}]"), String::new()),
            [lines, place, field, ..] => (format!("{lines}[{place}].{field}"), format!("{lines}.{field}")),
        };
        let message = match (value, self.words.get(&path)) {
            (Value::Null, _) => "is required, and empty".to_owned(),
            (value, Some(words)) => format!("{} is not {words}", shown(value)),
            _ => "holds a field that the entity does not have".to_owned(),
        };
        Problem::new(shown_path, message)
    }
}

fn object(fields: &IndexMap<FieldName, Field>) -> Map<String, Value> {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, field)| (name.to_string(), of_field(field))).collect();
    let schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    schema.as_object().cloned().unwrap_or_default()
}

fn of_field(field: &Field) -> Value {
    let mut schema = match &field.kind {
        Kind::Boolean => json!({"type": "boolean"}),
        Kind::Integer => json!({"type": "integer"}),
        Kind::Enum(values) => json!({"type": "string", "enum": values}),
        Kind::Lines => json!({"type": "array", "items": object(&field.each)}),
        kind => match pattern(kind) {
            Some(pattern) => json!({"type": "string", "pattern": pattern}),
            None => json!({"type": "string"}),
        },
    };
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".into(), json!(meant(&field.kind)));
    }
    if field.required == Required::Always { schema } else { or_null(schema) }
}

/// The same schema, or nothing; without `anyOf`, which would hide where inside a line the fault is.
fn or_null(mut schema: Value) -> Value {
    if let Some(kind) = schema.get("type").cloned() {
        schema["type"] = json!([kind, "null"]);
    }
    if let Some(values) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        values.push(Value::Null);
    }
    schema
}

fn pattern(kind: &Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Decimal => r"^-?[0-9]+(\.[0-9]*[1-9])?$",
        Kind::Money => r"^-?[0-9]+(\.[0-9]{2}|\.[0-9]{2,}[1-9])?$",
        Kind::Date => "^[0-9]{4}-[0-9]{2}-[0-9]{2}$",
        Kind::Datetime => r"^[-+0-9]+-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z$",
        Kind::Email => "^[^@\\s]+@[^@\\s]+$",
        Kind::Country => "^[A-Z]{2}$",
        Kind::Currency => "^[A-Z]{3}$",
        Kind::VatNumber => "^[A-Z]{2}[0-9A-Z+*]{2,13}$",
        Kind::Siren => "^[0-9]{9}$",
        _ => return None,
    })
}

fn meant(kind: &Kind) -> String {
    match kind {
        Kind::Text | Kind::Url | Kind::Phone => "a text".into(),
        Kind::Integer => "a whole number".into(),
        Kind::Decimal => "an exact number such as \"5.5\"".into(),
        Kind::Money => "an amount such as \"1200.00\"".into(),
        Kind::Boolean => "true or false".into(),
        Kind::Date => "a day such as \"2026-11-24\"".into(),
        Kind::Datetime => "an instant such as \"2026-11-24T09:30:00.000Z\"".into(),
        Kind::Email => "an e-mail address".into(),
        Kind::Country => "a country code such as \"FR\"".into(),
        Kind::Currency => "a currency code such as \"EUR\"".into(),
        Kind::VatNumber => "a VAT number such as \"FR40303265045\"".into(),
        Kind::Siren => "a SIREN such as \"303265045\"".into(),
        Kind::Enum(values) => format!("one of {}", values.join(", ")),
        Kind::Ref(entity) => format!("the id of a {entity}"),
        Kind::Lines => "a list of lines".into(),
    }
}
