//! The change feed: by the database's own clock, whatever zones the database and PHP live in.
//!
//! A filter on `t.tms` compares with the *text* that the database shows for an instant, while `date_modification` is
//! what PHP makes of that text in its own zone: with PHP in Paris over a database in UTC the two are an hour or two
//! apart, and a clock change moves that. So a [`Mark`] holds the database's text. It is guessed from
//! `date_modification` and the offset that fitted last, then asked of the database by id, and measured anew (by halving
//! over quarter hours) when the guess does not fit. No clock of ours, and no zone, takes part.

use std::collections::BTreeSet;

use jiff::civil::DateTime;
use jiff::{Timestamp, ToSpan};
use passerelle_core::model::content_hash;
use passerelle_core::mutant::{Mutant, lives};
use passerelle_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::client::{Ask, Client, PAGE, row};
use super::wire::epoch;

/// Before any record of any Dolibarr.
const BEGINNING: &str = "2000-01-01 00:00:00";

/// A write that began before a later one may be committed after it.
const OVERLAP: i64 = 120;

/// Clocks are put back at night, between 23:00 and 04:00 of the local day and by 2 hours at most (the IANA time zones of our
/// years), and a database in local time then writes the same hour twice.
const NIGHT_OVERLAP: i64 = 3 * 3600;

/// Records of the overlap that are remembered, so that a quiet poll gives none; more than that come again and again
/// until something newer changes, which is harmless. Two feeds and their marks must fit a cursor of 16 KiB.
const REMEMBERED: usize = 450;

/// Hex digits of a remembered record.
const DIGITS: usize = 12;

/// Where a feed was read to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// The database's text for the last record's `tms`.
    at: String,
    /// Seconds from `date_modification`, taken as UTC, to that text.
    off: i64,
    /// Set inside a run of full pages: go on strictly after this id of that second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    after: Option<u64>,
    /// Records of the overlap: hashes of their id and content.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    seen: String,
}

/// What a page of the feed brought.
pub(super) struct Changes {
    /// Raw documents that are new or differ from the last look.
    pub documents: Vec<Value>,
    pub next: Mark,
    pub more: bool,
}

impl Mark {
    /// The newest record's mark, or the beginning of time where there is none.
    pub async fn newest(client: &Client, list: &str) -> Result<Self> {
        let ask = Ask { sort: Some(("t.tms,t.rowid", "DESC,DESC")), limit: 5, ..Ask::filtered("") };
        let newest = client.list(list, ask.with("properties", "id,date_modification")).await?;
        if newest.is_empty() {
            return Ok(Self { at: BEGINNING.to_owned(), off: 0, after: None, seen: String::new() });
        }
        let spot = locate(client, list, newest.iter(), 0).await?;
        Ok(Self { at: spot.at, off: spot.off, after: None, seen: String::new() })
    }

    /// What changed since, oldest first; one call when nothing did.
    pub async fn page(&self, client: &Client, list: &str, more: &[(&'static str, &'static str)]) -> Result<Changes> {
        let sort = Some(("t.tms,t.rowid", "ASC,ASC"));
        let page = client.list(list, Ask { sort, more: more.to_vec(), ..Ask::filtered(self.filter()) }).await?;
        let full = page.len() >= PAGE;
        let known: BTreeSet<&str> = self.known().collect();
        let documents: Vec<Value> = page.iter().filter(|one| !known.contains(hash(one).as_str())).cloned().collect();
        if documents.is_empty() && !full {
            return Ok(Changes { documents, next: Self { after: None, ..self.clone() }, more: false });
        }
        let spot = locate(client, list, page.iter().rev(), self.off).await?;
        let after = Some(spot.id).filter(|_| full);
        Ok(Changes {
            documents,
            next: Self { at: spot.at, off: spot.off, after, seen: self.remember(&page) },
            more: full,
        })
    }

    /// Nothing, without a call.
    pub fn at_rest(&self) -> Changes {
        Changes { documents: Vec::new(), next: self.clone(), more: false }
    }

    fn filter(&self) -> String {
        let Some(after) = self.after else { return format!("(t.tms:>=:'{}')", self.from()) };
        if lives(Mutant::StrictCursor) {
            return format!("(t.tms:>:'{}')", self.at);
        }
        format!("(t.tms:>:'{0}') or ((t.tms:=:'{0}') and (t.rowid:>:{after}))", self.at)
    }

    /// The start of the next look: the mark, less an overlap.
    fn from(&self) -> String {
        let Ok(at) = at_text(&self.at) else { return self.at.clone() };
        let overlap = if (6..23).contains(&at.hour()) { OVERLAP } else { NIGHT_OVERLAP };
        at.checked_sub(overlap.seconds()).map_or_else(|_| self.at.clone(), text_of)
    }

    /// The last records that were shown; those of this page are the last of all.
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

/// A record's place in the feed.
struct Spot {
    at: String,
    off: i64,
    id: u64,
}

/// The place of the first of `candidates` that stands still while it is asked for.
async fn locate<'a>(
    client: &Client,
    list: &str,
    candidates: impl Iterator<Item = &'a Value>,
    guess: i64,
) -> Result<Spot> {
    for document in candidates.take(5) {
        let (Some(id), Some(second)) = (row(document), epoch(document, "date_modification")) else { continue };
        if let Some(off) = (Probe { client, list, id, second }).offset(guess).await? {
            return Ok(Spot { at: shown(second, off)?, off, id });
        }
    }
    Err(Error::new(ErrorKind::Unavailable, "the newest records change faster than they can be read"))
}

/// Asks the database what text it shows for a record's `tms`.
struct Probe<'a> {
    client: &'a Client,
    list: &'a str,
    id: u64,
    second: i64,
}

impl Probe<'_> {
    /// Seconds from `date_modification` to the text; none when the record has moved meanwhile.
    async fn offset(&self, guess: i64) -> Result<Option<i64>> {
        if self.holds("=", guess).await? {
            return Ok(Some(guess));
        }
        // Zones lie between 12 h behind UTC and 14 h ahead, in quarter hours.
        let (mut low, mut high) = (-13 * 4, 15 * 4);
        if !self.holds(">=", low * 900).await? {
            return Ok(None);
        }
        while high - low > 1 {
            let middle = (low + high).div_euclid(2);
            if self.holds(">=", middle * 900).await? { low = middle } else { high = middle }
        }
        Ok(if self.holds("=", low * 900).await? { Some(low * 900) } else { None })
    }

    async fn holds(&self, operator: &str, off: i64) -> Result<bool> {
        let text = shown(self.second, off)?;
        let filter = format!("(t.rowid:=:{}) and (t.tms:{operator}:'{text}')", self.id);
        let ask = Ask { limit: 1, ..Ask::filtered(filter) }.with("properties", "id,date_modification");
        let found = self.client.list(self.list, ask).await?;
        Ok(found.first().is_some_and(|one| epoch(one, "date_modification") == Some(self.second)))
    }
}

fn hash(document: &Value) -> String {
    let content = document.as_object().map_or(0, |fields| content_hash(fields, row(document).unwrap_or_default()));
    format!("{:012x}", content & 0xffff_ffff_ffff)
}

fn shown(second: i64, off: i64) -> Result<String> {
    Timestamp::from_second(second + off)
        .map(|at| text_of(at.to_zoned(jiff::tz::TimeZone::UTC).datetime()))
        .map_err(|cause| Error::new(ErrorKind::Bug, "Dolibarr gave an impossible date of change").because(cause))
}

fn text_of(at: DateTime) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}

fn at_text(text: &str) -> Result<DateTime> {
    DateTime::strptime("%Y-%m-%d %H:%M:%S", text)
        .map_err(|cause| Error::new(ErrorKind::Config, "the stored cursor is not one of this connector").because(cause))
}
