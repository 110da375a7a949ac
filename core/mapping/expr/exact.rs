//! Operators of expressions: exact, and plain about what they cannot compare.

use std::cmp::Ordering;

use minijinja::value::{Value, ValueKind};
use minijinja::{Error, ErrorKind};
use rust_decimal::Decimal;

use super::amount::{exact, is_nothing, is_number, value};

pub(super) fn fails(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, message.into())
}

/// Equal as numbers where one of them is a number, else as they are.
pub(super) fn equal(a: &Value, b: &Value) -> bool {
    if is_number(a) || is_number(b) {
        return match (exact(a), exact(b)) {
            (Some(a), Some(b)) => a == b,
            _ => false,
        };
    }
    a == b
}

/// The order of two values: numbers and texts that spell numbers as numbers, other texts by their characters.
///
/// `None` where one of them is nothing.
pub(super) fn order(a: &Value, b: &Value) -> Result<Option<Ordering>, Error> {
    if is_nothing(a) || is_nothing(b) {
        return Ok(None);
    }
    if let (Some(a), Some(b)) = (exact(a), exact(b)) {
        return Ok(Some(a.cmp(&b)));
    }
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => Ok(Some(a.cmp(b))),
        _ => Err(fails(format!("`{a}` and `{b}` have no order"))),
    }
}

/// Whether `a` is among the items of `b`, or a part of the text `b`.
pub(super) fn contains(a: &Value, b: &Value) -> Result<bool, Error> {
    if let (Some(part), Some(whole)) = (a.as_str(), b.as_str()) {
        return Ok(whole.contains(part));
    }
    match b.kind() {
        ValueKind::None | ValueKind::Undefined => Ok(false),
        ValueKind::Seq | ValueKind::Iterable => Ok(b.try_iter()?.any(|item| equal(a, &item))),
        _ => Err(fails("`in` wants a list on its right")),
    }
}

/// The number of an operand; nothing is 0.
pub(super) fn number(operand: &Value) -> Result<Decimal, Error> {
    if is_nothing(operand) {
        return Ok(Decimal::ZERO);
    }
    exact(operand).ok_or_else(|| fails(format!("`{operand}` is not a number; texts are joined with ~")))
}

/// One of the four operations, exact; dividing keeps up to 28 digits.
pub(super) fn compute(
    a: &Value,
    b: &Value,
    operation: fn(Decimal, Decimal) -> Option<Decimal>,
) -> Result<Value, Error> {
    let (a, b) = (number(a)?, number(b)?);
    operation(a, b)
        .map(value)
        .ok_or_else(|| fails(format!("{a} and {b} cannot be computed: zero divisor or too large")))
}
