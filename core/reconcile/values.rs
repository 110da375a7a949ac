//! When two canonical values say the same.

use serde_json::Value;

/// Whether nothing is said: null, an empty text, no lines.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(is_empty),
        _ => false,
    }
}

/// Whether two values say the same, as far as both say anything.
///
/// Lines meet in their order, and two lines agree when the fields that both carry do: one system's lines know
/// a discount that the other's do not have a word for.
pub fn agrees(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| agrees(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.iter().all(|(field, value)| other.get(field).is_none_or(|there| agrees(value, there)))
        }
        (one, other) => one == other || is_empty(one) && is_empty(other),
    }
}

/// `new`, with what only `base` says of each line.
pub fn overlay(base: Option<&Value>, new: &Value) -> Value {
    match (base, new) {
        (Some(Value::Array(base)), Value::Array(new)) => {
            let lines = new.iter().enumerate().map(|(at, line)| overlay(base.get(at), line));
            Value::Array(lines.collect())
        }
        (Some(Value::Object(base)), Value::Object(new)) => {
            let mut whole = base.clone();
            whole.extend(new.clone());
            Value::Object(whole)
        }
        _ => new.clone(),
    }
}
