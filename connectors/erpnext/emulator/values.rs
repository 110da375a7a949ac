//! Values as Frappe stores them: floats always floats, checks always integers, dates as text.

use std::str::FromStr;

use passerelle_core::model::content_hash;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

use super::meta::Field;

pub(super) type Doc = Map<String, Value>;

/// How a site rounds: System Settings > Rounding Method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rounding {
    /// Half to even, the default.
    Bankers,
    /// Half away from zero.
    Commercial,
}

impl Rounding {
    pub fn round(self, amount: Decimal, places: u32) -> Decimal {
        let strategy = match self {
            Self::Bankers => RoundingStrategy::MidpointNearestEven,
            Self::Commercial => RoundingStrategy::MidpointAwayFromZero,
        };
        amount.round_dp_with_strategy(places, strategy)
    }
}

/// A value as its field stores it.
pub(super) fn cast(field: &Field, value: &Value) -> Value {
    match field.kind.as_str() {
        _ if value.is_null() => Value::Null,
        "Currency" | "Float" | "Percent" => number(decimal(Some(value))),
        "Check" => json!(i64::from(decimal(Some(value)) != Decimal::ZERO)),
        "Int" => json!(decimal(Some(value)).trunc().to_string().parse::<i64>().unwrap_or_default()),
        _ => match value {
            Value::String(text) if text.is_empty() => Value::Null,
            Value::String(_) => value.clone(),
            Value::Bool(yes) => json!(i64::from(*yes).to_string()),
            other => json!(other.to_string()),
        },
    }
}

/// A JSON number with a point, as Frappe sends every float.
pub(super) fn number(amount: Decimal) -> Value {
    let text = amount.normalize().to_string();
    let text = if text.contains('.') { text } else { format!("{text}.0") };
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// An amount; what does not parse is nothing (observed: `"1 200,50"` became 0).
pub(super) fn decimal(value: Option<&Value>) -> Decimal {
    match value {
        Some(Value::String(text)) => Decimal::from_str(text.trim()).unwrap_or_default(),
        Some(Value::Number(number)) => {
            let text = number.to_string();
            Decimal::from_str(&text).or_else(|_| Decimal::from_scientific(&text)).unwrap_or_default()
        }
        Some(Value::Bool(true)) => Decimal::ONE,
        _ => Decimal::ZERO,
    }
}

/// A text; anything else is empty.
pub(super) fn text<'a>(doc: &'a Doc, field: &str) -> &'a str {
    doc.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// An integer; anything else is 0.
pub(super) fn int(doc: &Doc, field: &str) -> i64 {
    doc.get(field).and_then(Value::as_i64).unwrap_or_default()
}

/// An amount of a document.
pub(super) fn amount(doc: &Doc, field: &str) -> Decimal {
    decimal(doc.get(field))
}

/// The rows of a table.
pub(super) fn rows<'a>(doc: &'a Doc, table: &str) -> impl Iterator<Item = &'a Doc> {
    doc.get(table).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// Sets a field.
pub(super) fn set(doc: &mut Doc, field: &str, value: impl Into<Value>) {
    doc.insert(field.to_owned(), value.into());
}

/// A name as the database compares it: without case.
pub(super) fn folded(name: &str) -> String {
    name.to_lowercase()
}

/// A text as a number without order.
pub(super) fn scrambled(text: &str) -> u64 {
    content_hash(&Doc::from_iter([(text.to_owned(), Value::Null)]), 7)
}
