//! Property definitions, and which values they take.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::refusal::Refusal;

/// The definition of a property.
#[derive(Clone, Debug)]
pub(super) struct Property {
    pub name: String,
    pub label: String,
    /// `bool date datetime enumeration number phone_number string`.
    pub kind: String,
    pub field: String,
    pub group: String,
    pub options: Vec<(String, String)>,
    pub unique: bool,
    pub read_only: bool,
    pub hubspot_defined: bool,
    pub archived: bool,
}

const KINDS: [&str; 7] = ["bool", "date", "datetime", "enumeration", "number", "phone_number", "string"];
const FIELDS: [&str; 12] = [
    "booleancheckbox",
    "calculation_equation",
    "checkbox",
    "date",
    "file",
    "html",
    "number",
    "phonenumber",
    "radio",
    "select",
    "text",
    "textarea",
];

impl Property {
    /// A definition from the body of a create.
    pub(super) fn from_body(body: &Value) -> Result<Self, Refusal> {
        let text = |name: &str| body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let need = |name: &str| text(name).ok_or_else(|| Refusal::invalid(format!("{name} is required")));
        let (kind, field) = (need("type")?, need("fieldType")?);
        if !KINDS.contains(&kind.as_str()) || !FIELDS.contains(&field.as_str()) {
            return Err(Refusal::invalid(format!("{kind}/{field} is not a type and fieldType")));
        }
        let name = need("name")?;
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.chars().all(plain) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            return Err(Refusal::invalid(format!("{name} is not a property name")));
        }
        Ok(Self {
            name,
            label: need("label")?,
            kind,
            field,
            group: need("groupName")?,
            options: options_of(&body["options"])?,
            unique: body["hasUniqueValue"] == json!(true),
            read_only: false,
            hubspot_defined: false,
            archived: false,
        })
    }

    /// Takes the members of an update; `options` replaces the list.
    pub(super) fn update(&mut self, body: &Value) -> Result<(), Refusal> {
        if let Some(label) = body["label"].as_str() {
            self.label = label.to_owned();
        }
        if let Some(group) = body["groupName"].as_str() {
            self.group = group.to_owned();
        }
        if body.get("options").is_some() {
            self.options = options_of(&body["options"])?;
        }
        Ok(())
    }

    /// As the API shows it.
    pub(super) fn to_json(&self) -> Value {
        let options: Vec<Value> = self
            .options
            .iter()
            .enumerate()
            .map(|(at, (value, label))| json!({"label": label, "value": value, "displayOrder": at, "hidden": false}))
            .collect();
        json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field,
            "description": "", "groupName": self.group, "options": options, "displayOrder": -1,
            "calculated": self.read_only && self.field == "calculation_equation", "externalOptions": false,
            "hasUniqueValue": self.unique, "hidden": false, "hubspotDefined": self.hubspot_defined,
            "formField": false, "archived": self.archived, "dataSensitivity": "non_sensitive",
            "modificationMetadata": {
                "archivable": !self.hubspot_defined, "readOnlyDefinition": self.hubspot_defined,
                "readOnlyValue": self.read_only,
            },
        })
    }

    /// The value as HubSpot stores it, `None` when it clears; `was` is what a leading `;` appends to.
    pub(super) fn accept(&self, value: &Value, was: Option<&str>) -> Result<Option<String>, Refusal> {
        let Some(text) = value.as_str() else {
            return Err(Refusal::property(&self.name, "INVALID_TYPE", "a property value must be a string"));
        };
        if text.is_empty() {
            return Ok(None);
        }
        let refuse = |code: &str, message: String| Err(Refusal::property(&self.name, code, &message));
        let stored = match self.kind.as_str() {
            "number" => decimal(text).map(|_| text.to_owned()).ok_or(("INVALID_DOUBLE", "a number")),
            "bool" => matches!(text, "true" | "false").then(|| text.to_owned()).ok_or(("INVALID_BOOLEAN", "a boolean")),
            "date" => date(text).map(|day| day.to_string()).ok_or(("INVALID_DATE", "a date at midnight UTC")),
            "datetime" => instant(text).map(iso).ok_or(("INVALID_DATE", "an instant")),
            "enumeration" => return self.accept_option(text, was),
            _ => Ok(text.to_owned()),
        };
        match stored {
            Ok(stored) => Ok(Some(stored)),
            Err((code, what)) => refuse(code, format!("{text} was not {what}")),
        }
    }

    fn accept_option(&self, text: &str, was: Option<&str>) -> Result<Option<String>, Refusal> {
        let (appended, named) = match text.strip_prefix(';') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        for part in named.split(';') {
            if !self.options.is_empty() && !self.options.iter().any(|(value, _)| value == part) {
                let message = format!("{part:?} was not one of the allowed options");
                return Err(Refusal::property(&self.name, "INVALID_OPTION", &message));
            }
        }
        Ok(Some(match was.filter(|_| appended) {
            Some(was) => format!("{was};{named}"),
            None => named.to_owned(),
        }))
    }
}

fn options_of(options: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let Some(options) = options.as_array() else { return Ok(Vec::new()) };
    options
        .iter()
        .map(|option| {
            let whole = option["displayOrder"].is_i64() && option["hidden"].is_boolean();
            match (option["value"].as_str(), option["label"].as_str()) {
                (Some(value), Some(label)) if whole => Ok((value.to_owned(), label.to_owned())),
                _ => Err(Refusal::invalid("an option needs label, value, displayOrder and hidden")),
            }
        })
        .collect()
}

/// A number as HubSpot takes it: a decimal point, perhaps an exponent, no thousands separator.
pub(super) fn decimal(text: &str) -> Option<Decimal> {
    text.parse().ok().or_else(|| Decimal::from_scientific(text).ok())
}

/// A day, as `2026-11-24` or as epoch milliseconds at midnight UTC.
fn date(text: &str) -> Option<Date> {
    if let Ok(millis) = text.parse::<i64>() {
        return (millis % 86_400_000 == 0)
            .then(|| Timestamp::from_millisecond(millis).ok())
            .flatten()
            .map(|at| at.to_zoned(jiff::tz::TimeZone::UTC).date());
    }
    text.parse().ok().filter(|_| text.len() == 10)
}

/// An instant, as ISO-8601 or as epoch milliseconds; a day means its midnight UTC.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    if let Ok(millis) = text.parse::<i64>() {
        return Timestamp::from_millisecond(millis).ok();
    }
    text.parse::<Timestamp>().ok().or_else(|| {
        let day: Date = text.parse().ok()?;
        day.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// An instant as HubSpot writes it: UTC with milliseconds.
pub(super) fn iso(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
}
