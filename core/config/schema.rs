//! The JSON Schema of config.toml, from the structs and the connectors' own options.

use schemars::schema_for;
use serde_json::{Map, Value, json};

use super::{SystemOptions, Tables};
use crate::connector::Plugin;

/// The JSON Schema with which editors complete and check config.toml.
pub fn config_schema(plugins: &[Plugin]) -> Value {
    let mut root = tables();
    let names: Vec<&str> = plugins.iter().map(|plugin| plugin.name).collect();
    root["$defs"]["SystemOptions"]["properties"]["connector"]["enum"] = json!(names);
    let mut choices = Vec::new();
    for plugin in plugins {
        let mut own = system(plugin);
        move_references(&mut own, &format!("#/$defs/{}", plugin.name));
        root["$defs"][plugin.name] = own;
        choices.push(json!({
            "if": { "properties": { "connector": { "const": plugin.name } } },
            "then": { "$ref": format!("#/$defs/{}", plugin.name) },
        }));
    }
    root["$defs"]["SystemOptions"]["allOf"] = json!(choices);
    root
}

/// The schema of the tables, with nothing said of connectors.
pub(super) fn tables() -> Value {
    serde_json::to_value(schema_for!(Tables)).unwrap_or(Value::Null)
}

/// The schema of a system of one connector: what every system takes, and the connector's own options.
pub(super) fn system(plugin: &Plugin) -> Value {
    let mut schema = serde_json::to_value(schema_for!(SystemOptions)).unwrap_or(Value::Null);
    let own = (plugin.options)();
    if let Some(fields) = schema.as_object_mut() {
        fields.shift_remove("$schema");
    }
    // A vendor without webhooks has no use for their secret; one with webhooks explains it in words of its own.
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        properties.shift_remove("webhook_secret");
    }
    schema["description"] = json!(plugin.about);
    schema["additionalProperties"] = json!(false);
    for part in ["properties", "$defs"] {
        let theirs = own.get(part).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut merged = schema.get(part).and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
        merged.extend(theirs);
        schema[part] = Value::Object(merged);
    }
    let own_required = own.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
        required.extend(own_required);
    }
    schema
}

/// A schema that moves into another takes its `$defs` along.
fn move_references(schema: &mut Value, home: &str) {
    match schema {
        Value::Object(fields) => {
            for (key, value) in fields {
                match value {
                    Value::String(path) if key == "$ref" => *path = path.replacen('#', home, 1),
                    other => move_references(other, home),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| move_references(item, home)),
        _ => {}
    }
}
