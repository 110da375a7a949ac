//! The feed: the whole list once, then a keyset over ids inside windows of time.
//!
//! A run reads everything that was modified since `from`, in the order of ids. When all of it fits into one page it is
//! done; else the closed window until `to` is read to its end, and then what was modified after `to`. A record that is
//! edited meanwhile leaves the window upwards and is met again. `to` lies behind HubSpot's clock, and the next run
//! begins before it, because the index of the search lags behind.

use passerelle_core::clock::Timestamp;
use passerelle_core::connector::Page;
use passerelle_core::model::{Cursor, Record};
use passerelle_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::calls::{Archived, Calls, Filter, SEARCH_PAGE};
use super::documents::Documents;
use super::kind::{Kind, modified_property};

/// How far windows stay away from the lagging index, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Margins {
    /// What lies this close to now may still be missing in the index.
    pub lag: i64,
    /// A window begins this long before the end of the last one.
    pub overlap: i64,
}

/// Where a feed stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
enum Position {
    /// In the list of everything; `start` is where the first window will begin.
    List { archived: bool, after: Option<String>, start: Option<i64> },
    /// Everything that was modified until `to` has been read.
    Read { to: i64 },
    /// In a run.
    Run(Run),
}

/// A run under way; times are epoch milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    from: i64,
    /// Unknown until HubSpot told its time.
    to: Option<i64>,
    /// Which of [`parts`].
    part: usize,
    phase: Phase,
    /// The last id that was read.
    last: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    /// The first page of everything since `from`.
    First,
    /// The rest of what lies between `from` and `to`.
    Window,
    /// What was modified after `to`.
    Tail,
}

/// The objects whose change is a change of the document.
fn parts(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Companies => &["companies"],
        Kind::Contacts => &["contacts"],
        Kind::Products => &["products"],
        // Accepting a quote, or editing a line, does not touch the deal.
        Kind::Deals => &["deals", "quotes", "line_items"],
    }
}

/// One page of what changed since `since`.
pub(super) async fn changes(
    calls: &Calls,
    documents: &Documents<'_>,
    margins: Margins,
    since: Option<&Cursor>,
) -> Result<Page> {
    let position = match since {
        None => Position::List { archived: false, after: None, start: None },
        Some(cursor) => serde_json::from_str(cursor.as_str())
            .map_err(|cause| Error::new(ErrorKind::Config, "not a cursor of this connector").because(cause))?,
    };
    let (mut records, next) = match position {
        Position::List { archived, after, start } => {
            list(calls, documents, margins, archived, after.as_deref(), start).await?
        }
        Position::Read { to } => {
            let run = Run { from: to - margins.overlap, to: None, part: 0, phase: Phase::First, last: "0".to_owned() };
            step(calls, documents, margins, run).await?
        }
        Position::Run(run) => step(calls, documents, margins, run).await?,
    };
    records.sort_by_key(|record| record.modified);
    let cursor = serde_json::to_string(&next)
        .map_err(|cause| Error::new(ErrorKind::Bug, "a cursor cannot be written").because(cause))?;
    Ok(Page { records, next: Cursor::new(cursor), more: !matches!(next, Position::Read { .. }) })
}

async fn list(
    calls: &Calls,
    documents: &Documents<'_>,
    margins: Margins,
    archived: bool,
    after: Option<&str>,
    start: Option<i64>,
) -> Result<(Vec<Record>, Position)> {
    let which = if archived { Archived::Only } else { Archived::Not };
    let (page, time) = calls.list(documents.kind.path(), after, &documents.asked.own, which).await?;
    let start = start.unwrap_or(time.as_millisecond() - margins.lag);
    let records = documents.join(page.results).await?;
    let next = match page.paging.and_then(|paging| paging.next) {
        Some(next) => Position::List { archived, after: Some(next.after), start: Some(start) },
        None if archived => Position::Read { to: start },
        None => Position::List { archived: true, after: None, start: Some(start) },
    };
    Ok((records, next))
}

async fn step(calls: &Calls, documents: &Documents<'_>, margins: Margins, run: Run) -> Result<(Vec<Record>, Position)> {
    let part = parts(documents.kind).get(run.part).copied().unwrap_or(documents.kind.path());
    let (found, time) = calls.search(part, vec![run.filter(part)], &run.last).await?;
    let ids = match part {
        "quotes" => documents.deals_of_quotes(&found).await?,
        "line_items" => documents.deals_of_lines(&found).await?,
        _ => found.clone(),
    };
    let records = documents.read(&ids).await?;
    Ok((records, run.after(&found, time, margins, parts(documents.kind).len())))
}

impl Run {
    fn filter(&self, part: &str) -> Filter {
        let (name, from, to) = (modified_property(part), self.from.to_string(), self.to.unwrap_or(self.from));
        match self.phase {
            Phase::First => json!({"propertyName": name, "operator": "GTE", "value": from}),
            Phase::Window => {
                json!({"propertyName": name, "operator": "BETWEEN", "value": from, "highValue": to.to_string()})
            }
            Phase::Tail => json!({"propertyName": name, "operator": "GTE", "value": to.to_string()}),
        }
    }

    /// Where the feed stands after a page of `found` ids.
    fn after(mut self, found: &[String], time: Timestamp, margins: Margins, parts: usize) -> Position {
        // The clock of another of HubSpot's machines may be behind the one that was asked last.
        let before = self.from + margins.overlap;
        let to = self.to.unwrap_or_else(|| (time.as_millisecond() - margins.lag).max(before));
        self.to = Some(to);
        let last = found.iter().filter_map(|id| id.parse::<u64>().ok()).max();
        match (last.filter(|_| found.len() >= SEARCH_PAGE), self.phase) {
            (Some(last), phase) => {
                self.last = last.to_string();
                self.phase = if phase == Phase::First { Phase::Window } else { phase };
            }
            (None, Phase::Window) => {
                self.last = "0".to_owned();
                self.phase = Phase::Tail;
            }
            (None, Phase::First | Phase::Tail) => {
                self.last = "0".to_owned();
                self.phase = Phase::First;
                self.part += 1;
                if self.part >= parts {
                    return Position::Read { to };
                }
            }
        }
        Position::Run(self)
    }
}
