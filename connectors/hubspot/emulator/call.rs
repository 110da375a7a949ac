//! A call: its path without the version, its query, its body.

use jiff::Timestamp;
use passerelle_core::http::{Body, Request};
use serde_json::{Map, Value};

use super::refusal::Refusal;
use super::writes::Moment;

/// A call under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub method: &'a str,
    pub version: &'a str,
    pub query: &'a [(String, String)],
    pub body: &'a Value,
    pub now: Timestamp,
}

/// The versions that share one store.
const VERSIONS: [&str; 5] = ["v1", "v3", "v4", "2026-03", "2026-09"];

impl<'a> Call<'a> {
    /// The instant and version that writes are made under.
    pub(super) fn moment(&self) -> Moment<'a> {
        Moment { now: self.now, version: self.version }
    }

    /// A query parameter.
    pub(super) fn param(&self, name: &str) -> Option<&'a str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether a query parameter says `true`, in any case.
    pub(super) fn says(&self, name: &str) -> bool {
        self.param(name).is_some_and(|value| value.eq_ignore_ascii_case("true"))
    }

    /// A list in the query, comma separated or repeated.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let named = self.query.iter().filter(|(known, _)| known == name);
        let parts = named.flat_map(|(_, value)| value.split(','));
        parts.map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned).collect()
    }

    /// A page size, at most `most`.
    pub(super) fn limit(&self, otherwise: usize, most: usize) -> Result<usize, Refusal> {
        let Some(text) = self.param("limit") else { return Ok(otherwise) };
        match text.parse() {
            Ok(limit) if (1..=most).contains(&limit) => Ok(limit),
            _ => Err(Refusal::invalid(format!("limit must be between 1 and {most}"))),
        }
    }

    /// The `properties` of a write.
    pub(super) fn properties(&self) -> Result<&'a Map<String, Value>, Refusal> {
        self.body["properties"].as_object().ok_or_else(|| Refusal::invalid("properties is required"))
    }

    /// The `inputs` of a batch, at most `most`.
    pub(super) fn inputs(&self, most: usize) -> Result<&'a [Value], Refusal> {
        let inputs = self.body["inputs"].as_array().ok_or_else(|| Refusal::invalid("inputs is required"))?;
        if inputs.len() > most {
            return Err(Refusal::invalid(format!("The maximum number of inputs is {most}, got {}", inputs.len())));
        }
        Ok(inputs)
    }
}

/// A body as JSON; one that is none is null.
pub(super) fn json_body(request: &Request) -> Value {
    match &request.body {
        Body::Json(body) => body.clone(),
        Body::Bytes(bytes) => serde_json::from_slice(bytes).unwrap_or(Value::Null),
        Body::Empty | Body::Form(_) => Value::Null,
    }
}

/// The decoded segments of a path, and its version taken out of them.
pub(super) fn segments(path: &str) -> Option<(String, Vec<String>)> {
    let mut parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decoded).collect();
    let at = parts.iter().take(3).position(|part| VERSIONS.contains(&part.as_str()))?;
    let version = parts.remove(at);
    Some((version, parts))
}

fn decoded(segment: &str) -> String {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = tail.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
