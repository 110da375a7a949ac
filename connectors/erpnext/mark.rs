//! Where a list was read to: by the site's own text for `modified`, and by name among those that share it.
//!
//! The text is local time of the site and never converted: what is asked for is what a document showed. A transaction may
//! be committed after one that began later, and when clocks are put back an hour comes twice, so every look begins a
//! while before the last one's end and leaves out what it showed already.

use std::collections::BTreeSet;

use jiff::ToSpan;
use jiff::civil::DateTime;
use passerelle_core::model::{Fields, content_hash};
use passerelle_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Ask, Client, PAGE};
use super::wire::text;

/// Before any document of any site.
const BEGINNING: &str = "2000-01-01 00:00:00.000000";

/// A slow transaction is committed behind faster ones; submitting takes about a second.
const OVERLAP: i64 = 120;

/// Clocks are put back at night, between 23:00 and 04:00 of the site's day and by 2 hours at most (the IANA time zones of
/// our years). A mark in the hour that comes twice may be later than what follows it, so looks from there begin earlier,
/// every night: the hour of a mark is all that is known of it where the site does not tell its zone.
const NIGHT_OVERLAP: i64 = 3 * 3600;

/// Rows of the overlap that are remembered, so that a quiet poll gives none. More than that come again until something
/// newer changes, which is harmless. A cursor of 16 KiB holds four marks.
const REMEMBERED: usize = 250;

/// Hex digits of a remembered row.
const DIGITS: usize = 12;

/// Where a list was read to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The newest `modified` that was read.
    at: String,
    /// Set inside a run of full pages: go on strictly after this name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<String>,
    /// Rows of the overlap: hashes of their name and `modified`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    seen: String,
}

/// What a page brought.
pub(super) struct Changes {
    /// Rows that were not shown before.
    pub rows: Vec<Value>,
    pub next: Mark,
    pub more: bool,
}

impl Mark {
    /// The newest row's mark, or the beginning of time where there is none.
    pub async fn newest(client: &Client, doctype: &str, scope: Vec<Value>) -> Result<Self> {
        let ask = Ask { order: "modified desc, name desc", limit: 1, ..Ask::of(&["name", "modified"]) }.with(scope);
        let newest = client.list(doctype, ask).await?;
        let at = newest.first().and_then(|row| text(row, "modified")).unwrap_or_else(|| BEGINNING.to_owned());
        Ok(Self { at, after: None, seen: String::new() })
    }

    /// What changed since, oldest first; one call. `fields` must name `name` and `modified`.
    pub async fn page(&self, client: &Client, doctype: &str, fields: &[&str], scope: Vec<Value>) -> Result<Changes> {
        let mut ask = Ask { order: "modified asc, name asc", limit: PAGE, ..Ask::of(fields) }.with(scope);
        match &self.after {
            None => ask.filters.push(json!(["modified", ">=", self.from()?])),
            Some(name) => {
                ask.filters.push(json!(["modified", ">=", self.at]));
                ask.any = vec![json!(["modified", ">", self.at]), json!(["name", ">", name])];
            }
        }
        let page = client.list(doctype, ask).await?;
        let full = page.len() >= PAGE;
        let known: BTreeSet<&str> = self.known().collect();
        let rows = page.iter().filter(|row| !known.contains(hash(row).as_str())).cloned().collect();
        let last = page.last().and_then(|row| Some((text(row, "modified")?, text(row, "name")?)));
        let Some((at, name)) = last else {
            return Ok(Changes { rows, next: Self { after: None, ..self.clone() }, more: false });
        };
        let at = if full || at > self.at { at } else { self.at.clone() };
        let next = Self { at, after: Some(name).filter(|_| full), seen: self.remember(&page) };
        Ok(Changes { rows, next, more: full })
    }

    /// The start of the next look: the mark, less an overlap.
    fn from(&self) -> Result<String> {
        let at: DateTime = self.at.replacen(' ', "T", 1).parse().map_err(|cause| foreign().because(cause))?;
        let overlap = if (6..23).contains(&at.hour()) { OVERLAP } else { NIGHT_OVERLAP };
        let from = at.checked_sub(overlap.seconds()).unwrap_or(at);
        Ok(from.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string())
    }

    /// The last rows that were shown; those of this page are the last of all.
    fn remember(&self, page: &[Value]) -> String {
        let shown: Vec<String> = page.iter().map(hash).collect();
        let new: BTreeSet<&str> = shown.iter().map(String::as_str).collect();
        let mut seen: String = self.known().filter(|one| !new.contains(one)).collect();
        seen.extend(shown.iter().map(String::as_str));
        let surplus = seen.len().saturating_sub(REMEMBERED * DIGITS);
        seen.split_off(surplus)
    }

    fn known(&self) -> impl Iterator<Item = &str> {
        (0..self.seen.len()).step_by(DIGITS).filter_map(|at| self.seen.get(at..at + DIGITS))
    }
}

/// A cursor that this connector did not make.
pub(super) fn foreign() -> Error {
    Error::new(ErrorKind::Config, "the stored cursor is not one of this connector")
}

/// A text in 64 bits; not for adversaries.
pub(super) fn digest(text: &str) -> u64 {
    content_hash(&Fields::from_iter([(text.to_owned(), Value::Null)]), 0)
}

/// Tells a row's state from its earlier ones.
fn hash(row: &Value) -> String {
    let both = format!("{} {}", text(row, "name").unwrap_or_default(), text(row, "modified").unwrap_or_default());
    format!("{:012x}", digest(&both) & 0xffff_ffff_ffff)
}
