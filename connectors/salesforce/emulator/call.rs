//! A call: its version, its parts, its body.

use jiff::Timestamp;
use passerelle_core::http::{Body, Request};
use serde_json::{Map, Value};

use super::org::{INTEGRATION, Moment};
use super::refusal::Refusal;

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub method: &'a str,
    /// Such as `v66.0`.
    pub version: &'a str,
    pub request: &'a Request,
    pub now: Timestamp,
}

impl<'a> Call<'a> {
    /// When and by whom rows are written.
    pub(super) fn moment(&self) -> Moment<'a> {
        let header = self.request.header_value("sforce-duplicate-rule-header").unwrap_or_default();
        let saves_duplicates = header.replace(' ', "").to_lowercase().contains("allowsave=true");
        Moment { now: self.now, user: INTEGRATION, saves_duplicates }
    }

    /// A query parameter.
    pub(super) fn param(&self, name: &str) -> Option<&'a str> {
        self.request.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// A list in a query parameter.
    pub(super) fn list(&self, name: &str) -> Vec<&'a str> {
        let parts = self.param(name).unwrap_or_default().split(',');
        parts.map(str::trim).filter(|part| !part.is_empty()).collect()
    }

    /// The body as a JSON object.
    pub(super) fn object(&self) -> Result<Map<String, Value>, Refusal> {
        let body = match &self.request.body {
            Body::Json(body) => body.clone(),
            Body::Bytes(bytes) => serde_json::from_slice(bytes).unwrap_or(Value::Null),
            Body::Empty | Body::Form(_) => Value::Null,
        };
        match body {
            Value::Object(fields) => Ok(fields),
            _ => Err(Refusal::bad("JSON_PARSER_ERROR", "The body is not a JSON object")),
        }
    }

    /// The body as text.
    pub(super) fn text(&self) -> String {
        match &self.request.body {
            Body::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            Body::Json(body) => body.to_string(),
            Body::Empty | Body::Form(_) => String::new(),
        }
    }
}
