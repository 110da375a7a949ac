//! An exact number inside expressions.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use minijinja::value::{DynObject, Object, ObjectRepr, Value, ValueKind};
use rust_decimal::Decimal;

use crate::mapping::kind;

/// A decimal that minijinja carries without knowing it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Amount(pub(super) Decimal);

impl Object for Amount {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn is_true(self: &Arc<Self>) -> bool {
        !self.0.is_zero()
    }

    fn custom_cmp(self: &Arc<Self>, other: &DynObject) -> Option<Ordering> {
        Some(self.0.cmp(&other.downcast_ref::<Self>()?.0))
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The value of a decimal.
pub(super) fn value(exact: Decimal) -> Value {
    Value::from_object(Amount(exact))
}

/// The exact number that a value is or spells.
pub(super) fn exact(value: &Value) -> Option<Decimal> {
    if let Some(amount) = value.downcast_object_ref::<Amount>() {
        return Some(amount.0);
    }
    match value.kind() {
        ValueKind::Number => kind::decimal(&serde_json::Value::from(value.to_string())).ok(),
        ValueKind::String => kind::decimal(&serde_json::Value::from(value.as_str()?)).ok(),
        _ => None,
    }
}

/// Whether it is a number by itself, not a text that spells one.
pub(super) fn is_number(value: &Value) -> bool {
    value.is_number() || value.downcast_object_ref::<Amount>().is_some()
}

/// Whether there is nothing: none, missing, or the empty text.
pub(super) fn is_nothing(value: &Value) -> bool {
    value.is_none() || value.is_undefined() || value.as_str().is_some_and(str::is_empty)
}
