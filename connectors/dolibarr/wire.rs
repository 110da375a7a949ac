//! Shapes: Dolibarr's documents as records with one normal form for each kind of value.

use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use passerelle_core::model::{ExternalKey, Fields, Presence, Record};
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

/// The unique extrafield that bears the hub's key, as its code.
pub(super) const KEY: &str = "passerelle_id";

const SECONDS_OF_DAY: i64 = 86_400;

/// A document as a record, in normal forms.
pub(super) fn record(document: &Value) -> Result<Record> {
    let mut fields = normal(document)?;
    // Links are told by the joined documents, and their row ids mean nothing to anybody.
    fields.remove("linkedObjectsIds");
    let closed = document.get("client").is_some() && text(document, "status").as_deref() == Some("0");
    Ok(Record {
        id: id(document)?.into(),
        modified: epoch(document, "date_modification").and_then(|second| Timestamp::from_second(second).ok()),
        version: None,
        key: key(document).map(ExternalKey::new),
        presence: if closed { Presence::Archived } else { Presence::Present },
        aliases: Vec::new(),
        fields,
    })
}

/// The document's id; some routes answer with a fake that has none.
pub(super) fn id(document: &Value) -> Result<String> {
    text(document, "id")
        .filter(|id| id != "0")
        .ok_or_else(|| Error::new(ErrorKind::Bug, "Dolibarr answered with a document without an id"))
}

/// The hub's key in a raw document.
pub(super) fn key(document: &Value) -> Option<String> {
    text(document.get("array_options")?, &format!("options_{KEY}"))
}

/// A scalar as text; null, `""` and `[]` are none.
pub(super) fn text(document: &Value, field: &str) -> Option<String> {
    match document.get(field)? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A decimal; unset is none.
pub(super) fn decimal(document: &Value, field: &str) -> Option<Decimal> {
    Decimal::from_str(text(document, field)?.trim()).ok()
}

/// An amount in the document's own currency, whatever the company's is.
///
/// Documents older than the multi-currency module hold 0 there.
pub(super) fn own(document: &Value, field: &str) -> Option<Decimal> {
    decimal(document, &format!("multicurrency_{field}"))
        .filter(|amount| !amount.is_zero())
        .or_else(|| decimal(document, field))
}

/// Epoch seconds; unset is none.
pub(super) fn epoch(document: &Value, field: &str) -> Option<i64> {
    text(document, field)?.parse().ok()
}

/// A money amount with 2 decimals.
pub(super) fn money(amount: Decimal) -> String {
    format!("{:.2}", amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
}

/// The day of a day date, which Dolibarr sends as midnight of the server's zone.
///
/// The zone itself is never told, but midnight lies within half a day of the same midnight in UTC: 13 hours ahead
/// tells the day right from 10 h 59 behind UTC to 13 h before it, which leaves out American Samoa and Kiritimati.
pub(super) fn day(epoch: i64) -> Option<Date> {
    let days = (epoch + 13 * 3600).div_euclid(SECONDS_OF_DAY);
    Date::new(1970, 1, 1).ok()?.checked_add(jiff::Span::new().try_days(days).ok()?).ok()
}

/// Seconds that the server's zone is ahead of UTC, told by a midnight of it.
pub(super) fn zone_of(midnight: i64) -> i64 {
    let ahead = (midnight + 13 * 3600).rem_euclid(SECONDS_OF_DAY);
    13 * 3600 - ahead
}

/// Every top-level field in its normal form.
fn normal(document: &Value) -> Result<Fields> {
    let document = document
        .as_object()
        .ok_or_else(|| Error::new(ErrorKind::Bug, "Dolibarr answered with something else than a document"))?;
    Ok(document.iter().map(|(name, value)| (name.clone(), field(name, value))).collect())
}

fn field(name: &str, value: &Value) -> Value {
    match name {
        "array_options" => options(value),
        "lines" => value.clone(),
        _ => scalar(name, value),
    }
}

/// Extrafields; PHP sends an empty map as `[]`.
fn options(value: &Value) -> Value {
    let Some(options) = value.as_object() else { return json!({}) };
    let one = |(name, value): (&String, &Value)| (name.clone(), scalar("", value));
    Value::Object(options.iter().map(one).collect())
}

fn scalar(name: &str, value: &Value) -> Value {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Array(items) if !items.is_empty() => return value.clone(),
        Value::Object(_) => return value.clone(),
        Value::Bool(flag) => return json!(if *flag { "1" } else { "0" }),
        _ => return Value::Null,
    };
    if text.is_empty() {
        return Value::Null;
    }
    match form(name) {
        Form::Text => json!(quoted(&text)),
        Form::Html => json!(unescaped(&text)),
        Form::Money => number(&text, 2, Some(2)),
        Form::Price => number(&text, 2, None),
        Form::Number => number(&text, 0, None),
        Form::Day => day_text(&text),
    }
}

/// A rich text as the other side wrote it: Dolibarr was observed to store `&` as `&amp;`, and its editor writes the
/// other four.
pub(super) fn unescaped(html: &str) -> String {
    let quotes = html.replace("&quot;", "\"").replace("&#039;", "'").replace("&#39;", "'");
    quotes.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Stands in for `"`, which Dolibarr removes from every text but the rich ones (observed); it looks the same.
const MARK: char = '\u{2ba}';

/// A plain text as the other side wrote it.
pub(super) fn quoted(text: &str) -> String {
    text.replace(MARK, "\"")
}

/// A value as Dolibarr can keep it.
///
/// # Errors
/// `Rejected` for a plain text with something between `<` and `>`, which Dolibarr would remove.
pub(super) fn kept(name: &str, value: &Value) -> Result<Value> {
    match value {
        Value::String(text) if !matches!(form(name), Form::Html) => {
            let tag = text.split_once('<').is_some_and(|(_, rest)| rest.contains('>'));
            if tag {
                return Err(Error::new(ErrorKind::Rejected, "Dolibarr would remove what stands between `<` and `>`")
                    .at("field", name)
                    .at("value", text));
            }
            Ok(json!(text.replace('"', MARK.encode_utf8(&mut [0; 4]))))
        }
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| Ok((name.clone(), kept(name, value)?)));
            fields.collect::<Result<_>>().map(Value::Object)
        }
        _ => Ok(value.clone()),
    }
}

enum Form {
    Text,
    Html,
    Money,
    Price,
    Number,
    Day,
}

fn form(name: &str) -> Form {
    match name {
        // Dolibarr stores `&` of rich texts as `&amp;`; the other side never wrote that.
        "note_public" | "note_private" | "desc" | "description" => Form::Html,
        "price" | "price_ttc" | "price_min" | "price_min_ttc" | "subprice" | "cost_price" | "pmp" => Form::Price,
        "tva_tx" | "qty" | "remise_percent" | "localtax1_tx" | "localtax2_tx" | "multicurrency_tx" => Form::Number,
        "date" | "date_commande" | "delivery_date" | "date_livraison" | "date_lim_reglement" | "birthday" => Form::Day,
        _ if name.starts_with("total_") || name.starts_with("multicurrency_total_") => Form::Money,
        _ => Form::Text,
    }
}

fn number(text: &str, least: usize, rounded: Option<u32>) -> Value {
    let Ok(mut amount) = Decimal::from_str(text) else { return json!(text) };
    if let Some(places) = rounded {
        amount = amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    }
    json!(plain(amount, least))
}

/// A decimal without trailing zeros, but at least `least` of them.
pub(super) fn plain(amount: Decimal, least: usize) -> String {
    let short = amount.normalize();
    if (short.scale() as usize) < least { format!("{short:.least$}") } else { short.to_string() }
}

fn day_text(text: &str) -> Value {
    match text.parse::<i64>() {
        Ok(second) => day(second).map_or(Value::Null, |day| json!(day.to_string())),
        Err(_) => json!(text.chars().take(10).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_has_one_normal_form() {
        let raw = json!({
            "id": "6", "client": "1", "specimen": 0, "email": "", "parent": null, "socialnetworks": [],
            "array_options": [], "total_ht": "1374.72000000", "price": "33.33333000", "tva_tx": "5.5000",
            "remise_percent": 0, "date": 1_795_392_000, "note_public": "Noir &amp; blanc, 3 &lt; 5 &amp;lt; 7", "status": "1",
            "date_modification": 1_795_426_459,
        });
        let record = record(&raw).unwrap();
        let expected = json!({
            "id": "6", "client": "1", "specimen": "0", "email": null, "parent": null, "socialnetworks": null,
            "array_options": {}, "total_ht": "1374.72", "price": "33.33333", "tva_tx": "5.5",
            "remise_percent": "0", "date": "2026-11-23", "note_public": "Noir & blanc, 3 < 5 &lt; 7", "status": "1",
            "date_modification": "1795426459",
        });
        assert_eq!(Value::Object(record.fields), expected);
        assert_eq!(record.modified.unwrap().as_second(), 1_795_426_459);
    }

    #[test]
    fn a_day_is_the_servers_day_in_every_zone() {
        let midnight_utc = 1_795_392_000;
        for hours in -10..=13 {
            let midnight = midnight_utc - hours * 3600;
            assert_eq!(day(midnight).unwrap().to_string(), "2026-11-23", "{hours} h ahead of UTC");
            assert_eq!(zone_of(midnight), hours * 3600);
        }
    }

    #[test]
    fn numbers_are_plain_and_keep_what_they_need() {
        for (raw, least, plainly) in
            [("80.00000000", 2, "80.00"), ("33.33333000", 2, "33.33333"), ("20.0000", 0, "20"), ("2.5", 0, "2.5")]
        {
            assert_eq!(plain(raw.parse().unwrap(), least), plainly);
        }
    }
}
