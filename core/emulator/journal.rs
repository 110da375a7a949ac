//! The journal of a host: what changed its systems, line by line, so that they can be set up again as they were.
//!
//! A stand-in is a pure function of state, request and time; so what it was told is all that must be kept.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::incoming;
use crate::clock::Timestamp;
use crate::http::{Body, Request};
use crate::{Error, ErrorKind, Result};

const NO_JOURNAL: &str = "this is no journal of emulated systems";

/// A file that events are added to.
#[derive(Debug)]
pub(super) struct Journal(Mutex<File>);

/// Something that changed a system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    /// The emulated instant.
    pub at: Timestamp,
    /// The system's name.
    pub system: String,
    #[serde(flatten)]
    pub event: Event,
}

/// What it was told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Event {
    /// A call of its API.
    Call { method: String, path: String, query: Vec<(String, String)>, headers: Vec<(String, String)>, body: Content },
    /// A command, `seed` among them.
    Control { command: String, arguments: Value },
}

/// [`Body`], as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Content {
    Empty,
    Json(Value),
    Form(Vec<(String, String)>),
    Bytes(Vec<u8>),
}

impl Journal {
    /// Opens a journal, or begins one, and reads what it holds; a last line that was cut off in writing is dropped.
    ///
    /// # Errors
    /// `Config` when the file cannot be opened, or holds something else.
    pub fn open(path: &Path) -> Result<(Self, Vec<Entry>)> {
        let wrong = |what: &str| Error::new(ErrorKind::Config, what.to_owned()).at("file", path.display());
        let no_journal = |cause: serde_json::Error| wrong(NO_JOURNAL).because(cause);
        let cannot = |cause: std::io::Error| wrong("cannot keep the emulated systems in this file").because(cause);
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(cannot)?;
        let mut text = String::new();
        std::io::Read::read_to_string(&mut file, &mut text).map_err(cannot)?;
        let (whole, cut) = text.split_at(text.rfind('\n').map_or(0, |end| end + 1));
        let entries: Vec<Entry> =
            whole.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(no_journal)?;
        if !cut.is_empty() {
            if !cut.starts_with("{\"at\"") {
                return Err(wrong(NO_JOURNAL));
            }
            file.set_len(whole.len() as u64).map_err(cannot)?;
        }
        Ok((Self(Mutex::new(file)), entries))
    }

    /// Adds an event.
    ///
    /// # Errors
    /// `Unavailable` when it cannot be written.
    pub fn add(&self, entry: &Entry) -> Result<()> {
        let mut line = serde_json::to_string(entry).unwrap_or_default();
        line.push('\n');
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(line.as_bytes()).map_err(|cause| {
            Error::new(ErrorKind::Unavailable, "cannot write the journal of the emulated systems").because(cause)
        })
    }
}

impl Event {
    /// A call; `None` for one that only reads.
    pub fn of_call(request: &Request) -> Option<Self> {
        if matches!(request.method, "GET" | "HEAD" | "OPTIONS") {
            return None;
        }
        let body = match &request.body {
            Body::Empty => Content::Empty,
            Body::Json(value) => Content::Json(value.clone()),
            Body::Form(pairs) => Content::Form(pairs.clone()),
            Body::Bytes(bytes) => Content::Bytes(bytes.clone()),
        };
        let Request { method, path, query, headers, .. } = request.clone();
        Some(Self::Call { method: method.to_owned(), path, query, headers, body })
    }
}

/// The request that was written down; `None` for a method that the kit does not know.
pub(super) fn request(
    method: &str,
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Content,
) -> Option<Request> {
    let mut request = Request::new(incoming::method(method)?, path);
    request.query = query;
    request.headers = headers;
    request.body = match body {
        Content::Empty => Body::Empty,
        Content::Json(value) => Body::Json(value),
        Content::Form(pairs) => Body::Form(pairs),
        Content::Bytes(bytes) => Body::Bytes(bytes),
    };
    Some(request)
}
