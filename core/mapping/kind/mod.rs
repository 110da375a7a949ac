//! Canonical types, and the one normal form in which each is compared and stored.

mod identity;
mod number;
mod sample;
mod time;

pub(super) use identity::{email, phone, siren, spellings, url, vat_number};
pub(super) use number::{decimal, money, plain, plain_decimal, round_to};
pub(super) use sample::samples;
pub(super) use time::{date, datetime, instant};

use serde_json::Value;

use super::convert::is_country;
use crate::model::EntityName;

/// The names that `type = ".."` knows, beside `ref:<entity>`.
pub(super) const NAMES: &[&str] = &[
    "text",
    "integer",
    "decimal",
    "money",
    "boolean",
    "date",
    "datetime",
    "email",
    "phone",
    "country",
    "currency",
    "vat_number",
    "siren",
    "url",
    "enum",
    "lines",
];

/// A canonical type.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Text,
    Integer,
    Decimal,
    Money,
    Boolean,
    Date,
    Datetime,
    Email,
    Phone,
    Country,
    Currency,
    VatNumber,
    Siren,
    Url,
    /// One of these.
    Enum(Vec<String>),
    Ref(EntityName),
    Lines,
}

impl Kind {
    /// The type of this name; `values` are those of an enum.
    pub(super) fn parse(name: &str, values: Vec<String>) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "integer" => Self::Integer,
            "decimal" => Self::Decimal,
            "money" => Self::Money,
            "boolean" => Self::Boolean,
            "date" => Self::Date,
            "datetime" => Self::Datetime,
            "email" => Self::Email,
            "phone" => Self::Phone,
            "country" => Self::Country,
            "currency" => Self::Currency,
            "vat_number" => Self::VatNumber,
            "siren" => Self::Siren,
            "url" => Self::Url,
            "enum" => Self::Enum(values),
            "lines" => Self::Lines,
            _ => Self::Ref(EntityName::new(name.strip_prefix("ref:")?.trim())),
        })
    }

    /// Its name, as a need says it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "integer",
            Self::Decimal => "decimal",
            Self::Money => "money",
            Self::Boolean => "boolean",
            Self::Date => "date",
            Self::Datetime => "datetime",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Country => "country",
            Self::Currency => "currency",
            Self::VatNumber => "vat_number",
            Self::Siren => "siren",
            Self::Url => "url",
            Self::Enum(_) => "enum",
            Self::Ref(_) => "ref",
            Self::Lines => "lines",
        }
    }

    /// Whether its values are computed with, exactly.
    pub(super) fn is_number(&self) -> bool {
        matches!(self, Self::Integer | Self::Decimal | Self::Money)
    }

    /// The normal form of `value`, or why it is none, in words that follow the value.
    ///
    /// Nothing and the empty text are `null`; the normal form of a normal form is itself.
    pub(super) fn normal(&self, value: &Value) -> Result<Value, String> {
        if value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Ok(Value::Null);
        }
        match self {
            Self::Text => Ok(Value::String(text(value)?)),
            Self::Integer => number::integer(value),
            Self::Decimal => Ok(Value::String(plain_decimal(decimal(value)?))),
            Self::Money => Ok(Value::String(money(decimal(value)?))),
            Self::Boolean => boolean(value),
            Self::Date => Ok(Value::String(date(&text(value)?)?)),
            Self::Datetime => Ok(Value::String(datetime(&text(value)?)?)),
            Self::Email => Ok(Value::String(email(&text(value)?)?)),
            Self::Phone => Ok(Value::String(phone(&text(value)?))),
            Self::Country => country(&text(value)?),
            Self::Currency => currency(&text(value)?),
            Self::VatNumber => Ok(Value::String(vat_number(&text(value)?)?)),
            Self::Siren => Ok(Value::String(siren(&text(value)?)?)),
            // `/` and `http://` alone are no address at all.
            Self::Url => Ok(Some(url(&text(value)?)).filter(|url| !url.is_empty()).map_or(Value::Null, Value::String)),
            Self::Enum(values) => one_of(values, &text(value)?),
            Self::Ref(_) => Ok(Value::String(text(value)?)),
            Self::Lines => Ok(value.clone()),
        }
    }
}

/// A scalar as trimmed text.
pub(super) fn text(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) => Ok(text.trim().to_owned()),
        Value::Number(number) => Ok(plain(number)),
        Value::Bool(truth) => Ok(truth.to_string()),
        _ => Err("is not a single value".into()),
    }
}

fn boolean(value: &Value) -> Result<Value, String> {
    match text(value)?.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(Value::Bool(true)),
        "false" | "0" => Ok(Value::Bool(false)),
        _ => Err("is neither true nor false".into()),
    }
}

fn country(text: &str) -> Result<Value, String> {
    let code = text.to_ascii_uppercase();
    if is_country(&code) {
        Ok(Value::String(code))
    } else {
        Err("is not an ISO 3166 country code of two letters".into())
    }
}

fn currency(text: &str) -> Result<Value, String> {
    let code = text.to_ascii_uppercase();
    let is_code = code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase());
    if is_code { Ok(Value::String(code)) } else { Err("is not an ISO 4217 currency code of three letters".into()) }
}

fn one_of(values: &[String], text: &str) -> Result<Value, String> {
    if values.iter().any(|known| known == text) {
        return Ok(Value::String(text.to_owned()));
    }
    Err(format!("is none of {}", values.join(", ")))
}

#[cfg(test)]
mod tests;
