//! Numbers: exact decimals, as text without exponent.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Number, Value};

/// A JSON number as plain text, exponent written out where it can be.
pub(in crate::mapping) fn plain(number: &Number) -> String {
    let text = number.to_string();
    if !text.contains(['e', 'E']) {
        return text.strip_suffix(".0").unwrap_or(&text).to_owned();
    }
    Decimal::from_scientific(&text).map_or(text, |exact| exact.normalize().to_string())
}

/// The exact number that a JSON number or a text of digits says; `1.2E7` is how some systems write a large one.
pub(in crate::mapping) fn decimal(value: &Value) -> Result<Decimal, String> {
    let text = super::text(value)?;
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(&text);
    let (digits, exponent) = unsigned.split_once(['e', 'E']).map_or((unsigned, None), |(digits, e)| (digits, Some(e)));
    let is_plain = exponent.is_none_or(|exponent| exponent.parse::<i8>().is_ok())
        && digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.')
        && digits.matches('.').count() <= 1;
    if !is_plain || value.is_boolean() {
        return Err("is not a number".into());
    }
    let number = if exponent.is_some() { Decimal::from_scientific(&text) } else { Decimal::from_str_exact(&text) };
    number.map_err(|_| "has more digits than the hub can keep exactly (28)".into())
}

/// `"20"`, `"5.5"`: no trailing zeros.
pub(in crate::mapping) fn plain_decimal(value: Decimal) -> String {
    without_minus_zero(value.normalize()).to_string()
}

/// `"1200.00"`, `"0.125"`: two decimals, and more only where they say something.
pub(in crate::mapping) fn money(value: Decimal) -> String {
    let mut value = without_minus_zero(value.normalize());
    if value.scale() < 2 {
        // At 28 digits there may be no room for two more; the number is then exact without them.
        value.rescale(2);
    }
    value.to_string()
}

/// Half away from zero, as invoices are rounded.
pub(in crate::mapping) fn round_to(value: Decimal, decimals: u32) -> Decimal {
    let mut rounded = value.round_dp_with_strategy(decimals, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(decimals);
    without_minus_zero(rounded)
}

fn without_minus_zero(value: Decimal) -> Decimal {
    if value.is_zero() { value.abs() } else { value }
}

pub(super) fn integer(value: &Value) -> Result<Value, String> {
    let exact = decimal(value)?.normalize();
    if exact.scale() != 0 {
        return Err("is not a whole number".into());
    }
    exact.to_string().parse::<i64>().map(Value::from).map_err(|_| "is too large a whole number".into())
}
