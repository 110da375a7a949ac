//! Fields of objects: what they hold, what they refuse, how they are described.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

use super::refusal::Refusal;

/// A field.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub name: String,
    pub label: String,
    /// As describe says it: `string`, `currency`, `reference` ...
    pub kind: String,
    pub length: usize,
    pub precision: u32,
    pub scale: u32,
    pub required: bool,
    pub createable: bool,
    pub updateable: bool,
    pub external_id: bool,
    pub unique: bool,
    pub calculated: bool,
    pub restricted: bool,
    pub options: Vec<String>,
    /// The object that it refers to, and the name of the relationship.
    pub refers: Option<(String, String)>,
    /// What a create that does not name it gives it.
    pub default: Value,
}

impl Field {
    /// Reads a line such as `AccountId reference to=Account` or `Amount currency 18,2`.
    pub(super) fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (name, kind) = (words.next()?, words.next()?);
        let mut field = Self {
            name: name.to_owned(),
            label: spaced(name),
            kind: kind.to_owned(),
            length: if matches!(kind, "string" | "picklist") { 255 } else { 0 },
            precision: 18,
            scale: if matches!(kind, "currency" | "percent") { 2 } else { 0 },
            required: false,
            createable: true,
            updateable: true,
            external_id: false,
            unique: false,
            calculated: false,
            restricted: false,
            options: Vec::new(),
            refers: None,
            default: if kind == "boolean" { json!(false) } else { Value::Null },
        };
        for word in words {
            match word.split_once('=') {
                Some(("to", object)) => {
                    let relation = name.strip_suffix("Id").unwrap_or(name).replace("__c", "__r");
                    field.refers = Some((object.to_owned(), relation));
                    field.length = 18;
                }
                Some(("values", values)) => {
                    field.options = values.split('|').map(|value| value.replace('+', " ")).collect();
                }
                Some(("label", label)) => field.label = label.replace('_', " "),
                Some(("default", value)) => {
                    field.default = serde_json::from_str(value).unwrap_or_else(|_| json!(value));
                }
                _ => field.flag(word),
            }
        }
        Some(field)
    }

    fn flag(&mut self, word: &str) {
        match word {
            "required" => self.required = true,
            "readonly" => (self.createable, self.updateable) = (false, false),
            "createonly" => self.updateable = false,
            "externalid" => self.external_id = true,
            "unique" => self.unique = true,
            "calculated" => (self.calculated, self.createable, self.updateable) = (true, false, false),
            "restricted" => self.restricted = true,
            sizes => {
                let mut parts = sizes.split(',').filter_map(|part| part.parse::<u32>().ok());
                match (parts.next(), parts.next()) {
                    (Some(precision), Some(scale)) => (self.precision, self.scale) = (precision, scale),
                    (Some(length), None) => self.length = length as usize,
                    _ => {}
                }
            }
        }
    }

    /// Whether it holds a number.
    pub(super) fn is_number(&self) -> bool {
        matches!(self.kind.as_str(), "currency" | "double" | "percent" | "int")
    }

    /// A value as it is stored, or why it is refused.
    pub(super) fn stored(&self, value: &Value) -> Result<Value, Refusal> {
        let wrong = |code: &str, message: String| Refusal::bad(code, message).about(&[&self.name]);
        let unread =
            || wrong("JSON_PARSER_ERROR", format!("Cannot deserialize instance of {} from {value}", self.kind));
        match (self.kind.as_str(), value) {
            ("boolean", Value::Null) => Ok(json!(false)),
            (_, Value::Null) => Ok(Value::Null),
            (_, Value::String(text)) if text.is_empty() && !self.is_number() => Ok(Value::Null),
            ("boolean", Value::Bool(_)) => Ok(value.clone()),
            ("currency" | "double" | "percent" | "int", value) => {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let number = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(&text));
                let number = number.map_err(|_| unread())?;
                let whole = number.abs().trunc().to_string().trim_start_matches('0').len() as u32;
                if whole > self.precision.saturating_sub(self.scale) {
                    return Err(wrong(
                        "NUMBER_OUTSIDE_VALID_RANGE",
                        format!("{}: value outside of valid range on numeric field: {text}", self.label),
                    ));
                }
                Ok(number_of(number.round_dp_with_strategy(self.scale, RoundingStrategy::MidpointAwayFromZero)))
            }
            ("date", Value::String(text)) => {
                let date = text.get(..10).and_then(|day| day.parse::<Date>().ok()).ok_or_else(unread)?;
                Ok(json!(date.to_string()))
            }
            ("datetime", Value::String(text)) => instant(text).map(|at| json!(stamp(at))).ok_or_else(unread),
            ("reference", Value::String(text)) => super::id::long(text)
                .map(Value::String)
                .ok_or_else(|| wrong("MALFORMED_ID", format!("{}: id value of incorrect type: {text}", self.label))),
            ("email", Value::String(text)) if !text.contains('@') || text.contains(' ') => {
                Err(wrong("INVALID_EMAIL_ADDRESS", format!("{}: invalid email address: {text}", self.label)))
            }
            ("picklist", Value::String(text)) if self.restricted && !self.options.contains(text) => Err(wrong(
                "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
                format!("{}: bad value for restricted picklist field: {text}", self.label),
            )),
            (_, Value::String(text)) if self.length > 0 && text.chars().count() > self.length => Err(wrong(
                "STRING_TOO_LONG",
                format!("{}: data value too large: {text} (max length={})", self.label, self.length),
            )),
            (_, Value::String(_)) => Ok(value.clone()),
            // Text fields take numbers and flags as their text.
            (_, Value::Number(_) | Value::Bool(_)) if self.kind != "date" && self.kind != "datetime" => {
                Ok(json!(value.to_string()))
            }
            _ => Err(unread()),
        }
    }

    /// The entry of `fields` in a describe.
    pub(super) fn described(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .map(|value| json!({"active": true, "defaultValue": false, "label": value, "validFor": null, "value": value}))
            .collect();
        let (references, relation) = match &self.refers {
            Some((object, relation)) => (json!([object]), json!(relation)),
            None => (json!([]), Value::Null),
        };
        json!({
            "name": self.name, "label": self.label, "type": self.kind, "length": self.length,
            "byteLength": self.length * 3, "precision": if self.is_number() { self.precision } else { 0 },
            "scale": if self.is_number() { self.scale } else { 0 }, "digits": 0,
            "nillable": !self.required && self.kind != "boolean",
            "defaultedOnCreate": !self.default.is_null() || self.kind == "boolean",
            "createable": self.createable, "updateable": self.updateable, "filterable": self.kind != "address",
            "sortable": self.kind != "address", "groupable": true, "externalId": self.external_id,
            "idLookup": self.external_id || self.kind == "id", "unique": self.unique, "caseSensitive": false,
            "calculated": self.calculated, "custom": self.name.ends_with("__c"),
            "restrictedPicklist": self.restricted, "referenceTo": references, "relationshipName": relation,
            "picklistValues": options, "defaultValue": null, "inlineHelpText": null, "encrypted": false,
        })
    }
}

/// `Default values` by name.
pub(super) type Values = Map<String, Value>;

/// A number as JSON, exact.
pub(super) fn number_of(number: Decimal) -> Value {
    let text = number.normalize().to_string();
    serde_json::from_str(&text).unwrap_or(Value::Null)
}

/// A stored number.
pub(super) fn decimal_of(value: &Value) -> Option<Decimal> {
    match value {
        Value::Number(number) => {
            let text = number.to_string();
            text.parse().or_else(|_| Decimal::from_scientific(&text)).ok()
        }
        _ => None,
    }
}

/// An instant as answers bear it: whole seconds, an offset without a colon.
pub(super) fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.000+0000").to_string()
}

/// An instant as requests may write it.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().or_else(|| Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok())
}

/// `BillingPostalCode` as `Billing Postal Code`.
fn spaced(name: &str) -> String {
    let plain = name.trim_end_matches("__c").replace('_', " ");
    let mut label = String::new();
    for (at, letter) in plain.chars().enumerate() {
        let before = label.chars().last();
        if at > 0 && letter.is_uppercase() && before.is_some_and(|c| c.is_lowercase()) {
            label.push(' ');
        }
        label.push(letter);
    }
    label
}
