//! Shapes: Frappe's documents as records with one normal form for each kind of value.

use std::str::FromStr;

use passerelle_core::model::{ExternalKey, Fields, Presence, Record};
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::client::Client;
use super::table::Table;

/// The unique custom field that bears the hub's key.
pub(super) const KEY: &str = "hub_external_id";

/// What moves by itself, or means nothing outside of the site.
const LEFT_OUT: [&str; 6] = ["doctype", "idx", "modified", "modified_by", "owner", KEY];

/// A document as a record: its own fields in normal forms; tables and other documents are joined by their readers.
pub(super) async fn record(client: &Client, table: &Table, document: &Value) -> Result<Record> {
    let modified = text(document, "modified");
    let off = table.disabled.is_some_and(|field| text(document, field).as_deref() == Some("1"));
    Ok(Record {
        id: name(document)?.into(),
        modified: match &modified {
            Some(at) => client.instant(at).await?,
            None => None,
        },
        version: modified.map(Into::into),
        key: text(document, KEY).map(ExternalKey::new),
        presence: if off { Presence::Archived } else { Presence::Present },
        aliases: Vec::new(),
        fields: normal(document),
    })
}

/// A document's name.
pub(super) fn name(document: &Value) -> Result<String> {
    text(document, "name").ok_or_else(|| Error::new(ErrorKind::Bug, "ERPNext answered with a document without a name"))
}

/// A scalar as text: floats without a needless point, checks as `0` and `1`; null and `""` are none.
pub(super) fn text(document: &Value, field: &str) -> Option<String> {
    match document.get(field)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.is_f64() => Some(plain(Decimal::from_str(&number.to_string()).ok()?, 0)),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// An amount; unset is none.
pub(super) fn decimal(document: &Value, field: &str) -> Option<Decimal> {
    let text = text(document, field)?;
    Decimal::from_str(text.trim()).or_else(|_| Decimal::from_scientific(text.trim())).ok()
}

/// An amount; unset is zero.
pub(super) fn amount(document: &Value, field: &str) -> Decimal {
    decimal(document, field).unwrap_or_default()
}

/// Every scalar field in its normal form.
pub(super) fn normal(document: &Value) -> Fields {
    let fields = document.as_object().into_iter().flatten().map(|(name, _)| name);
    let shown = fields.filter(|name| !LEFT_OUT.contains(&name.as_str()) && !name.starts_with('_'));
    shown.filter_map(|name| Some((name.clone(), json!(text(document, name)?)))).collect()
}

/// A money amount with 2 decimals.
pub(super) fn money(amount: Decimal) -> String {
    format!("{:.2}", cents(amount))
}

/// An amount rounded to cents as people do.
pub(super) fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// A decimal without needless zeros, but at least `places` of them.
pub(super) fn plain(amount: Decimal, places: u32) -> String {
    let mut short = amount.normalize();
    if short.scale() < places {
        short.rescale(places);
    }
    short.to_string()
}

/// A decimal as a JSON number with the same digits.
pub(super) fn number(amount: Decimal) -> Value {
    serde_json::from_str(&plain(amount, 0)).unwrap_or(Value::Null)
}
