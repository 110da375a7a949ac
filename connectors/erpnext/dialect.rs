//! How a Frappe site says no: by the class of its exception, whatever the status.

use std::time::Duration;

use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Dialect, Request, Response};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// Judges answers of Frappe 15, as observed on ERPNext 15.90.
#[derive(Debug)]
pub(super) struct Frappe;

impl Dialect for Frappe {
    fn judge(&self, request: &Request, response: &Response, _now: Timestamp) -> Result<()> {
        let body = if response.is_json() { serde_json::from_slice(&response.body).ok() } else { None };
        match (response.status, body) {
            (200..=299, Some(_)) => Ok(()),
            (200..=299, None) => {
                Err(Error::new(ErrorKind::Unavailable, "ERPNext answered with a page instead of data")
                    .at("status", response.status))
            }
            (_, Some(body)) if class(&body).is_some() => Err(refusal(request, response.status, &body)),
            (status, _) => Err(page(status)),
        }
    }
}

/// Frappe's class of an error, such as `UniqueValidationError`.
pub(super) fn class_of(error: &Error) -> Option<&str> {
    error.fact("class")
}

/// Whether a create was refused because something unique is there already: then the key tells what.
pub(super) fn may_be_there(error: &Error) -> bool {
    // An order that exists is refused for its customer's reference before its key is looked at (observed).
    matches!(class_of(error), Some("UniqueValidationError" | "DuplicateEntryError" | "ValidationError"))
}

/// Whether a list was refused because the document type lacks a field that was named.
pub(super) fn lacks_field(error: &Error) -> bool {
    class_of(error) == Some("DataError")
}

fn class(body: &Value) -> Option<&str> {
    body.get("exc_type").and_then(Value::as_str).or_else(|| body.pointer("/errors/0/type").and_then(Value::as_str))
}

fn refusal(request: &Request, status: u16, body: &Value) -> Error {
    let class = class(body).unwrap_or_default();
    let words = words(body);
    let creates = request.method == "POST";
    let (kind, message) = match (class, status) {
        ("AuthenticationError" | "SessionExpired" | "InvalidAuthorizationHeader" | "InvalidAuthorizationToken", _)
        | (_, 401) => {
            (ErrorKind::Denied, "ERPNext does not know this token; check `token` and that its user is enabled")
        }
        ("PermissionError", _) | (_, 403) => (ErrorKind::Denied, "the user of the token may not do this in ERPNext"),
        ("TooManyRequestsError", _) | (_, 429) => (ErrorKind::RateLimited, "ERPNext's rate limit is used up"),
        ("TimestampMismatchError", _) => (ErrorKind::Stale, "the document was changed in ERPNext meanwhile"),
        // A rolled back transaction wrote nothing (documented by Frappe, not observed).
        ("QueryDeadlockError" | "QueryTimeoutError", _) => {
            return Error::new(ErrorKind::RateLimited, "ERPNext's database gave up under load and wrote nothing")
                .retry_after(Duration::from_millis(500))
                .at("class", class)
                .at("erpnext", words);
        }
        ("DataError" | "ImportError", _) => {
            (ErrorKind::Config, "ERPNext does not know a field or document type of this call")
        }
        // An unknown item in a line answers 404 to a POST (observed).
        ("DoesNotExistError", _) if creates => (ErrorKind::Rejected, "ERPNext lacks something that this refers to"),
        ("DoesNotExistError", _) => (ErrorKind::NotFound, "ERPNext has no such document"),
        (_, 502..=504) => (ErrorKind::Unavailable, "ERPNext does not answer"),
        _ => (ErrorKind::Rejected, "ERPNext refuses this"),
    };
    let error = Error::new(kind, message).at("status", status).at("class", class);
    if words.is_empty() { error } else { error.at("erpnext", words) }
}

/// An answer that is not Frappe's: of the web server in front of it, or of no site at all.
fn page(status: u16) -> Error {
    let (kind, message) = match status {
        300..=399 => (ErrorKind::Config, "ERPNext redirects this address; check `base_url`"),
        401 | 403 => (ErrorKind::Denied, "the server in front of ERPNext lets nobody in; check `token` and `base_url`"),
        404 => (ErrorKind::Config, "there is no ERPNext site at this address; check `base_url`"),
        414 => (ErrorKind::Bug, "the server in front of ERPNext finds the address too long"),
        429 => (ErrorKind::RateLimited, "the server in front of ERPNext asks to slow down"),
        500.. => (ErrorKind::Unavailable, "ERPNext broke off"),
        _ => (ErrorKind::Rejected, "the server in front of ERPNext refuses the request"),
    };
    Error::new(kind, message).at("status", status)
}

/// The site's own sentences, for a person: without tags, and never a traceback.
fn words(body: &Value) -> String {
    let mut told: Vec<String> = Vec::new();
    let listed: Option<Vec<String>> =
        body.get("_server_messages").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    for one in listed.into_iter().flatten() {
        let message: Option<Value> = serde_json::from_str(&one).ok();
        told.extend(message.as_ref().and_then(|message| message["message"].as_str()).map(plain));
    }
    let errors = body.get("errors").and_then(Value::as_array).into_iter().flatten();
    told.extend(errors.filter_map(|error| error["message"].as_str()).map(plain));
    if told.is_empty() {
        told.extend(body.get("_error_message").and_then(Value::as_str).map(plain));
    }
    if told.is_empty() {
        let exception = body.get("exception").and_then(Value::as_str).and_then(|text| text.split_once(": "));
        told.extend(exception.map(|(_, text)| plain(text)));
    }
    told.retain(|text| !text.is_empty());
    told.dedup();
    told.join("; ")
}

/// A text without its tags, in one line.
pub(super) fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    let mut letters = html.chars().peekable();
    while let Some(c) = letters.next() {
        match c {
            // `a < b` is no tag.
            '<' if letters.peek().is_some_and(|next| next.is_ascii_alphabetic() || *next == '/') => inside = true,
            '>' if inside => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&#39;", "'");
    text.replace("&nbsp;", " ").replace("&amp;", "&").split_whitespace().collect::<Vec<_>>().join(" ")
}
