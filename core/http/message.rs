//! Requests and responses, as connectors, wires and emulators share them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{Error, ErrorKind, Result};

/// What repeating a request would do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Nothing: it reads, or writing the same again changes nothing. Repeated when no answer came.
    Harmless,
    /// Perhaps a second record: never repeated when no answer came; the error is then `OutcomeUnknown`.
    Doubles,
}

/// A request.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Such as `GET`.
    pub method: &'static str,
    /// Relative to the base address, or absolute once it is on the wire.
    pub path: String,
    /// Query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Extra headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// What repeating it would do.
    pub repeat: Repeat,
}

/// A request's body.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// None at all: no content type either.
    Empty,
    /// `application/json`.
    Json(Value),
    /// `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Bytes as they are, with their content type in `headers`.
    Bytes(Vec<u8>),
}

impl Request {
    /// A request without a body; `GET` is harmless to repeat, every other method is taken to double.
    pub fn new(method: &'static str, path: impl Into<String>) -> Self {
        let repeat = if method == "GET" { Repeat::Harmless } else { Repeat::Doubles };
        Self { method, path: path.into(), query: Vec::new(), headers: Vec::new(), body: Body::Empty, repeat }
    }

    /// Reads `path`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// Posts `body` as JSON.
    pub fn post(path: impl Into<String>, body: Value) -> Self {
        Self { body: Body::Json(body), ..Self::new("POST", path) }
    }

    /// Adds a query parameter.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Says that repeating it does no harm.
    #[must_use]
    pub fn harmless(mut self) -> Self {
        self.repeat = Repeat::Harmless;
        self
    }

    /// A header's value, whatever its case.
    pub fn header_value(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// The parts of the path between slashes, percent-decoded; empty ones are left out.
    pub fn segments(&self) -> Vec<String> {
        self.path.split('/').filter(|part| !part.is_empty()).map(decoded).collect()
    }
}

fn decoded(part: &str) -> String {
    // A plus or ampersand means itself in a path; only forms take it for a space or a separator.
    let kept = part.replace('+', "%2B").replace('&', "%26");
    url::form_urlencoded::parse(format!("={kept}").as_bytes()).map(|(_, value)| value.into_owned()).collect()
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// Such as 200.
    pub status: u16,
    /// Header names in any case.
    pub headers: Vec<(String, String)>,
    /// The raw bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// A JSON answer.
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let headers = vec![("Content-Type".to_owned(), "application/json;charset=utf-8".to_owned())];
        Self { status, headers, body }
    }

    /// An answer without a body.
    pub fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    /// An answer of another content type.
    pub fn text(status: u16, content_type: &str, body: impl Into<String>) -> Self {
        let headers = vec![("Content-Type".to_owned(), content_type.to_owned())];
        Self { status, headers, body: body.into().into_bytes() }
    }

    /// The same answer with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A header's value, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// Whether the body says that it is JSON.
    pub fn is_json(&self) -> bool {
        self.header("content-type").is_some_and(|kind| kind.contains("json"))
    }

    /// The body as JSON of the expected shape.
    ///
    /// # Errors
    /// `Bug` when it is not: the vendor broke its contract.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        serde_json::from_slice(&self.body).map_err(|cause| {
            Error::new(ErrorKind::Bug, "the answer is not the JSON that the contract promises")
                .at("status", self.status)
                .at("body", self.excerpt())
                .because(cause)
        })
    }

    /// The first 300 characters of the body, for messages.
    pub fn excerpt(&self) -> String {
        String::from_utf8_lossy(&self.body).chars().take(300).collect()
    }
}

fn find<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_path_are_decoded_one_by_one() {
        let request = Request::get("/thirdparties/email/a+b%40x.fr/c&d=e/%2Fslash/");
        assert_eq!(request.segments(), ["thirdparties", "email", "a+b@x.fr", "c&d=e", "/slash"]);
    }
}
