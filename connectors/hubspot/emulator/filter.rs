//! A filter of a search: an operator, its operands, and what it lets through.

use std::cmp::Ordering;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::Value;

use super::account::{Account, Values};
use super::kind::Kind;
use super::property::{decimal, instant};
use super::refusal::Refusal;

/// A filter, its operands read once.
#[derive(Debug)]
pub(super) struct Filter<'a> {
    name: &'a str,
    kind: &'a str,
    operator: &'a str,
    value: Key,
    high: Key,
    values: Vec<&'a str>,
}

/// What a value is compared by: its number, its instant, or its text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    None,
    Number(Decimal),
    Instant(Timestamp),
    Text(String),
}

impl<'a> Filter<'a> {
    /// Reads a filter, or says why it is none.
    pub(super) fn from_body(account: &'a Account, kind: Kind, body: &'a Value) -> Result<Self, Refusal> {
        let text = |name: &str| body[name].as_str().ok_or_else(|| Refusal::invalid(format!("{name} is required")));
        let (name, operator) = (text("propertyName")?, text("operator")?);
        let property = account
            .property(kind, name)
            .ok_or_else(|| Refusal::invalid(format!("There was a problem with the request: no property {name:?}")))?;
        let operand = |name: &str| match key(&property.kind, text(name)?) {
            Key::None => Err(Refusal::invalid(format!("{name} is not a {}", property.kind))),
            key => Ok(key),
        };
        let mut filter =
            Self { name, kind: &property.kind, operator, value: Key::None, high: Key::None, values: Vec::new() };
        match operator {
            "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" | "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN" => {
                filter.value = operand("value")?;
            }
            "BETWEEN" => (filter.value, filter.high) = (operand("value")?, operand("highValue")?),
            "IN" | "NOT_IN" => {
                let values = body["values"].as_array().into_iter().flatten();
                filter.values = values.filter_map(Value::as_str).collect();
                if filter.values.is_empty() {
                    return Err(Refusal::invalid("values is required"));
                }
            }
            "HAS_PROPERTY" | "NOT_HAS_PROPERTY" => {}
            other => return Err(Refusal::invalid(format!("{other} is not an operator"))),
        }
        Ok(filter)
    }

    /// Whether an object passes.
    pub(super) fn matches(&self, values: &Values) -> bool {
        let Some(have) = values.get(self.name) else {
            return matches!(self.operator, "NOT_HAS_PROPERTY" | "NEQ" | "NOT_IN" | "NOT_CONTAINS_TOKEN");
        };
        let against = |operand: &Key| key(self.kind, have).cmp(operand);
        match self.operator {
            "HAS_PROPERTY" => true,
            "NOT_HAS_PROPERTY" => false,
            "EQ" => against(&self.value) == Ordering::Equal,
            "NEQ" => against(&self.value) != Ordering::Equal,
            "LT" => against(&self.value) == Ordering::Less,
            "LTE" => against(&self.value) != Ordering::Greater,
            "GT" => against(&self.value) == Ordering::Greater,
            "GTE" => against(&self.value) != Ordering::Less,
            "BETWEEN" => against(&self.value) != Ordering::Less && against(&self.high) != Ordering::Greater,
            "IN" => self.is_listed(have),
            "NOT_IN" => !self.is_listed(have),
            "CONTAINS_TOKEN" => self.is_token_of(have),
            _ => !self.is_token_of(have),
        }
    }

    /// A listed text is compared with the lower-case value: one that is given in upper case is never found.
    fn is_listed(&self, have: &str) -> bool {
        let have = if self.kind == "string" { have.to_lowercase() } else { have.to_owned() };
        self.values.contains(&have.as_str())
    }

    fn is_token_of(&self, have: &str) -> bool {
        let Key::Text(token) = &self.value else { return false };
        let token = token.trim_matches('*').to_lowercase();
        have.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|part| part.contains(&token))
    }
}

fn key(kind: &str, text: &str) -> Key {
    match kind {
        "number" => decimal(text).map_or(Key::None, Key::Number),
        "date" | "datetime" => instant(text).map_or(Key::None, Key::Instant),
        "enumeration" | "bool" => Key::Text(text.to_owned()),
        _ => Key::Text(text.to_lowercase()),
    }
}
