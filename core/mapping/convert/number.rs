//! Converters of numbers, all exact.

use rust_decimal::Decimal;
use serde_json::{Number, Value};

use super::Pair;
use crate::mapping::kind::{decimal, plain_decimal, text};

/// `"1 234,50"` is `1234.50`; a number that already has a point is taken as it is.
pub(super) fn decimal_comma(_: &str) -> Result<Pair, String> {
    let read = |value: &Value| {
        let bare: String = text(value)?.chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
        let with_point = if bare.contains(',') { bare.replace('.', "").replace(',', ".") } else { bare };
        Ok(Value::String(with_point))
    };
    Ok(Pair::new(read, |value| Ok(Value::String(text(value)?.replace('.', ",")))))
}

/// A fraction is percent: native `0.2` is `20`; the text `20 %` is read too.
pub(super) fn percent(_: &str) -> Result<Pair, String> {
    let read = |value: &Value| {
        let text = text(value)?;
        if let Some(percent) = text.strip_suffix('%') {
            return Ok(Value::String(percent.trim().replace(',', ".")));
        }
        scaled(decimal(value)?.checked_mul(Decimal::ONE_HUNDRED))
    };
    Ok(Pair::new(read, |value| scaled(decimal(value)?.checked_mul(Decimal::new(1, 2)))))
}

/// Whole cents as a JSON number: native `120050` is `1200.50`.
pub(super) fn cents(_: &str) -> Result<Pair, String> {
    let write = |value: &Value| {
        let cents = decimal(value)?.checked_mul(Decimal::ONE_HUNDRED).ok_or("is too large")?.normalize();
        if cents.scale() > 0 {
            return Err("has fractions of a cent".into());
        }
        as_number(&cents.to_string())
    };
    Ok(Pair::new(|value| scaled(decimal(value)?.checked_mul(Decimal::new(1, 2))), write))
}

/// A JSON number, refused where JSON's own precision would change it.
pub(super) fn number(_: &str) -> Result<Pair, String> {
    Ok(Pair::new(|value| Ok(Value::String(text(value)?)), |value| as_number(&text(value)?)))
}

fn scaled(value: Option<Decimal>) -> Result<Value, String> {
    value.map(|exact| Value::String(plain_decimal(exact))).ok_or_else(|| "is too large".into())
}

fn as_number(text: &str) -> Result<Value, String> {
    let exact = plain_decimal(decimal(&Value::from(text))?);
    let number: Number = serde_json::from_str(&exact).map_err(|_| "is not a number".to_owned())?;
    let kept = decimal(&Value::Number(number.clone())).map(plain_decimal);
    if kept.as_ref() == Ok(&exact) {
        Ok(Value::Number(number))
    } else {
        Err("has more digits than a JSON number keeps".into())
    }
}
