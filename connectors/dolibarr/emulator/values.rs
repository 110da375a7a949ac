//! Values as Dolibarr stores and shows them: decimals, sanitised texts, days.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::zones::Zones;

/// A value as text, the way most fields are stored.
pub(super) fn stored(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(text),
        Value::Number(number) => json!(number.to_string()),
        Value::Bool(flag) => json!(if *flag { "1" } else { "0" }),
        _ => Value::Null,
    }
}

/// A value as text; unset is empty.
pub(super) fn text(value: Option<&Value>) -> String {
    value.map(stored).and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A decimal in the English locale: a comma separates thousands, so `"1,5"` is 15, as observed on 22.0.4.
pub(super) fn decimal(value: Option<&Value>) -> Decimal {
    let plain: String = text(value).chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    plain.parse().unwrap_or_default()
}

pub(super) fn rounded(amount: Decimal, places: u32) -> Decimal {
    amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

/// `"1374.72000000"`.
pub(super) fn amount(amount: Decimal) -> Value {
    json!(format!("{:.8}", rounded(amount, 8)))
}

/// `"20.0000"`.
pub(super) fn rate(rate: Decimal) -> Value {
    json!(format!("{:.4}", rounded(rate, 4)))
}

/// `"2.5"`.
pub(super) fn short(amount: Decimal) -> Value {
    json!(amount.normalize().to_string())
}

/// A day that was sent: `YYYY-MM-DD`, or epoch seconds that fall on a day of PHP's zone.
pub(super) fn day(value: Option<&Value>, zones: &Zones) -> Option<String> {
    let text = text(value);
    if let Ok(second) = text.parse::<i64>() {
        return Some(zones.day(second));
    }
    let day = text.get(0..10)?;
    day.parse::<jiff::civil::Date>().ok().map(|day| day.to_string())
}

/// A plain text: tags are stripped, and a quotation mark is lost.
pub(super) fn sanitised(text: &str) -> String {
    without_tags(text).replace('"', "").trim().to_owned()
}

/// A rich text: `&` comes back as `&amp;`.
pub(super) fn rich(text: &str) -> String {
    text.replace("&amp;", "&").replace('&', "&amp;")
}

fn without_tags(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let Some(close) = rest[open..].find('>') else { break };
        kept.push_str(&rest[..open]);
        rest = &rest[open + close + 1..];
    }
    kept + rest
}
