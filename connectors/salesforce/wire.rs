//! Salesforce's shapes, and how a row becomes a record.

use indexmap::IndexMap;
use passerelle_core::clock::Timestamp;
use passerelle_core::http::Response;
use passerelle_core::model::{ExternalKey, Fields, Presence, Record, RemoteId};
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

/// A row as it was answered: numbers are texts with every digit, `attributes` are left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Row(pub Fields);

/// A page of a query.
#[derive(Debug)]
pub(super) struct Rows {
    pub rows: Vec<Row>,
    /// How many rows the whole query found.
    pub total: usize,
    /// Where the next page is, to be followed as it is.
    pub next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawRows {
    #[serde(default)]
    total_size: usize,
    #[serde(default)]
    next_records_url: Option<String>,
    #[serde(default)]
    records: Vec<Box<RawValue>>,
}

/// What became of one row of a collection.
#[derive(Debug, Deserialize)]
pub(super) struct RowResult {
    #[serde(default)]
    pub id: Option<String>,
    pub success: bool,
    #[serde(default)]
    pub errors: Vec<Value>,
}

/// An object, as it is described to the user of the connector.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Described {
    pub fields: Vec<DescribedField>,
}

/// A field, as it is described.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DescribedField {
    pub name: String,
    #[serde(default)]
    pub label: String,
    #[serde(rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub nillable: bool,
    #[serde(default)]
    pub defaulted_on_create: bool,
    #[serde(default)]
    pub createable: bool,
    #[serde(default)]
    pub updateable: bool,
    #[serde(default)]
    pub external_id: bool,
    #[serde(default)]
    pub unique: bool,
    #[serde(default)]
    pub restricted_picklist: bool,
    #[serde(default)]
    pub relationship_name: Option<String>,
    #[serde(default)]
    pub picklist_values: Vec<Picked>,
}

/// A value of a picklist.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Picked {
    #[serde(default)]
    pub active: bool,
    #[serde(default)]
    pub label: Option<String>,
    pub value: String,
}

/// Why a composite graph failed: the others of its requests were only halted by the one that failed.
pub(super) fn cause(graph: &Value) -> Option<&Value> {
    let answers = graph["graphResponse"]["compositeResponse"].as_array().into_iter().flatten();
    let mut errors = answers.map(|answer| &answer["body"][0]);
    errors.find(|error| error.is_object() && error["errorCode"] != "PROCESSING_HALTED")
}

impl Described {
    /// A field, in any case.
    pub(super) fn field(&self, name: &str) -> Option<&DescribedField> {
        self.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))
    }
}

impl Rows {
    /// Reads the answer to a query.
    ///
    /// # Errors
    /// `Bug` when it is none.
    pub(super) fn of(response: &Response) -> Result<Self> {
        let raw: RawRows = response.parse()?;
        let rows = raw.records.iter().map(|row| match exact(row)? {
            Value::Object(fields) => Ok(Row(fields)),
            _ => Err(Error::new(ErrorKind::Bug, "a row of an answer is no object")),
        });
        Ok(Self { rows: rows.collect::<Result<_>>()?, total: raw.total_size, next: raw.next_records_url })
    }
}

/// A value with its numbers as texts, digit by digit.
fn exact(raw: &RawValue) -> Result<Value> {
    let text = raw.get();
    let broken = |cause| Error::new(ErrorKind::Bug, "a value of an answer is no JSON").because(cause);
    match text.as_bytes().first() {
        Some(b'{') => {
            let inner: IndexMap<String, Box<RawValue>> = serde_json::from_str(text).map_err(broken)?;
            let inner = inner.iter().filter(|(name, _)| *name != "attributes");
            inner.map(|(name, value)| Ok((name.clone(), exact(value)?))).collect::<Result<_>>().map(Value::Object)
        }
        Some(b'[') => {
            let inner: Vec<Box<RawValue>> = serde_json::from_str(text).map_err(broken)?;
            inner.iter().map(|value| exact(value)).collect::<Result<_>>().map(Value::Array)
        }
        Some(b'-' | b'0'..=b'9') => {
            let number = text.parse::<Decimal>().or_else(|_| Decimal::from_scientific(text));
            Ok(Value::String(number.map_or_else(|_| text.to_owned(), |number| number.normalize().to_string())))
        }
        _ => serde_json::from_str(text).map_err(broken),
    }
}

impl Row {
    /// The row's id.
    pub(super) fn id(&self) -> &str {
        self.text("Id").unwrap_or_default()
    }

    /// A text at a path over parents; none where it is null.
    pub(super) fn text(&self, path: &str) -> Option<&str> {
        let mut parts = path.split('.');
        let first = self.0.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part))?.as_str()
    }

    /// Whether a flag is set.
    pub(super) fn says(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool) == Some(true)
    }

    /// The row as a record; what only the connector asked for is no part of the document.
    pub(super) fn record(mut self, key: &str, wanted: impl Fn(&str) -> bool) -> Record {
        let id = RemoteId::new(self.id());
        let presence = if self.says("IsDeleted") { Presence::Archived } else { Presence::Present };
        let modified = self.text("SystemModstamp").and_then(instant);
        let key = self.text(key).map(ExternalKey::from);
        for name in ["IsDeleted", "SystemModstamp", "MasterRecordId"] {
            if !wanted(name) {
                self.0.shift_remove(name);
            }
        }
        Record { fields: self.0, modified, key, presence, ..Record::new(id, Fields::new()) }
    }
}

/// An instant such as `2026-11-23T09:00:00.000+0000`, whose offset has no colon.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    Timestamp::strptime("%Y-%m-%dT%H:%M:%S%.f%z", text).ok().or_else(|| text.parse().ok())
}

/// A value as the field's kind has it in JSON.
///
/// # Errors
/// `Rejected` when it is none of that kind.
pub(super) fn typed(field: &DescribedField, value: &Value) -> Result<Value> {
    let wrong = || {
        Error::new(ErrorKind::Rejected, format!("not a value of the kind {}", field.kind))
            .at("field", &field.name)
            .at("value", value)
    };
    match (field.kind.as_str(), value) {
        (_, Value::Null) => Ok(Value::Null),
        (_, Value::String(text)) if text.is_empty() => Ok(Value::Null),
        ("boolean", Value::Bool(_)) => Ok(value.clone()),
        ("boolean", Value::String(text)) => match text.as_str() {
            "true" | "1" => Ok(Value::Bool(true)),
            "false" | "0" => Ok(Value::Bool(false)),
            _ => Err(wrong()),
        },
        ("currency" | "double" | "percent" | "int", Value::String(_) | Value::Number(_)) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            let number = text.parse::<Decimal>().map_err(|_| wrong())?.normalize();
            let sent: Value = serde_json::from_str(&number.to_string()).map_err(|_| wrong())?;
            // A number on the wire has some 15 digits that are sure; more would be another sum of money.
            let kept = sent.to_string().parse::<Decimal>().or_else(|_| Decimal::from_scientific(&sent.to_string()));
            if kept != Ok(number) {
                let message = "the number has more digits than the wire carries exactly";
                return Err(Error::new(ErrorKind::Rejected, message).at("field", &field.name).at("value", value));
            }
            Ok(sent)
        }
        (_, Value::String(_)) => Ok(value.clone()),
        (_, Value::Number(_) | Value::Bool(_)) => Ok(Value::String(value.to_string())),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_digit_of_a_number_is_read() {
        let body = r#"{"totalSize":1,"done":true,"records":[{"attributes":{"type":"X"},"Id":"1","A":9007199254740993.17,
            "B":1.6147805824397E13,"C":{"attributes":{},"D":0.10},"E":[1,null,true]}]}"#;
        let rows = Rows::of(&Response::text(200, "application/json", body)).unwrap();
        let row = json!({"Id": "1", "A": "9007199254740993.17", "B": "16147805824397", "C": {"D": "0.1"}, "E": ["1", null, true]});
        assert_eq!(Value::Object(rows.rows[0].0.clone()), row);
    }

    fn check(kind: &str, value: Value, expected: &str) {
        let field: DescribedField = serde_json::from_value(json!({"name": "X", "type": kind})).unwrap();
        let told = typed(&field, &value).map_or_else(|error| error.message().to_owned(), |value| value.to_string());
        assert_eq!(told, expected, "{kind} {value}");
    }

    #[test]
    fn values_are_sent_in_the_kind_of_their_field() {
        check("currency", json!("1593.70"), "1593.7");
        check("int", json!("12"), "12");
        check("double", json!("12,5"), "not a value of the kind double");
        check("currency", json!("9007199254740993.17"), "the number has more digits than the wire carries exactly");
        check("boolean", json!("1"), "true");
        check("string", json!(12), "\"12\"");
        check("date", json!(""), "null");
        check("string", json!(["a"]), "not a value of the kind string");
    }

    #[test]
    fn an_offset_without_a_colon_is_read() {
        assert_eq!(instant("2026-11-23T09:00:00.000+0000").unwrap().to_string(), "2026-11-23T09:00:00Z");
    }
}
