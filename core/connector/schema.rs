//! Schemas: what a resource's records look like, and what the hub needs of them.

use serde::Serialize;
use serde_json::{Value, json};

/// The live schema of a resource.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Schema {
    /// Fields in the vendor's order.
    pub fields: Vec<FieldSchema>,
}

/// One native field.
#[derive(Clone, Debug, Serialize)]
pub struct FieldSchema {
    /// As in a mapping; a field of a line is `line_items[].quantity`.
    pub path: String,
    /// The vendor's label.
    pub label: String,
    /// `string`, `number`, `integer`, `boolean`, `date`, `datetime`, `array` or `object`.
    pub kind: String,
    /// Whether the hub may write it.
    pub writable: bool,
    /// Whether a create needs it.
    pub required: bool,
    /// Whether the vendor refuses a second record with the same value.
    pub unique: bool,
    /// The values it takes, where these are listed.
    pub options: Vec<Choice>,
}

impl FieldSchema {
    /// A plain writable field.
    pub fn new(path: impl Into<String>, kind: &str) -> Self {
        let path = path.into();
        Self {
            label: path.clone(),
            path,
            kind: kind.to_owned(),
            writable: true,
            required: false,
            unique: false,
            options: Vec::new(),
        }
    }

    /// The same field, not writable.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.writable = false;
        self
    }
}

/// A value of a picklist.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// What is stored.
    pub value: String,
    /// What a person sees.
    pub label: String,
}

impl Schema {
    /// The field at `path`.
    pub fn field(&self, path: &str) -> Option<&FieldSchema> {
        self.fields.iter().find(|field| field.path == path)
    }

    /// As a JSON Schema document of the native record.
    pub fn to_json_schema(&self) -> Value {
        let mut properties = serde_json::Map::new();
        for field in &self.fields {
            let mut entry = json!({ "title": field.label, "type": json_type(&field.kind) });
            if let Some(format) = json_format(&field.kind) {
                entry["format"] = json!(format);
            }
            if !field.writable {
                entry["readOnly"] = json!(true);
            }
            if !field.options.is_empty() {
                let values: Vec<&str> = field.options.iter().map(|choice| choice.value.as_str()).collect();
                entry["enum"] = json!(values);
            }
            properties.insert(field.path.clone(), entry);
        }
        let required: Vec<&str> = self.fields.iter().filter(|f| f.required).map(|f| f.path.as_str()).collect();
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": properties,
            "required": required,
        })
    }
}

fn json_type(kind: &str) -> &str {
    match kind {
        "date" | "datetime" => "string",
        other => other,
    }
}

fn json_format(kind: &str) -> Option<&'static str> {
    match kind {
        "date" => Some("date"),
        "datetime" => Some("date-time"),
        _ => None,
    }
}
