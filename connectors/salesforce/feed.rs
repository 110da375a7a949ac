//! The feed: windows of `SystemModstamp` that overlap, in the order of (stamp, id), deleted rows among the others.
//!
//! A stamp has a resolution of a second and is set inside a transaction that may be committed minutes later, so a
//! window begins well before the end of the last one [documented]. It ends where the first page was answered: rows of
//! the very last seconds are told as well, and told again by the next window. Pages are followed by the link that each
//! one gives; a link that is no longer good begins its window anew.

use std::collections::BTreeSet;

use passerelle_core::clock::Timestamp;
use passerelle_core::connector::Page;
use passerelle_core::model::{Cursor, Record};
use passerelle_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use super::bulk::{self, Found};
use super::calls::Scope;
use super::documents::Documents;
use super::soql;
use super::wire::Rows;

/// What Salesforce's machines may differ by, in seconds.
const SKEW: i64 = 5;
/// Rows of a bulk job's page that are joined at once.
const JOINED: usize = 500;

/// How a feed is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Margins {
    /// A window begins so many seconds before the end of the last one.
    pub overlap: i64,
    /// A first read of more rows is a bulk job; 0 makes none.
    pub bulk_above: usize,
}

/// Where a feed stands; times are epoch seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
enum Position {
    /// Everything that was modified until `to` has been read.
    Read { to: i64 },
    /// In a window.
    Window(Window),
    /// In a bulk job that reads everything.
    Job(Reading),
}

/// A bulk job and its result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Reading {
    id: String,
    to: i64,
    /// Where the next page of the result begins; none before the first one.
    locator: Option<String>,
    /// When it is given up if it is still at work.
    #[serde(default)]
    until: i64,
}

/// A window under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Window {
    /// None is the beginning of time.
    from: Option<i64>,
    /// Unknown until Salesforce told its time.
    to: Option<i64>,
    /// 0 is the object itself, then its parts.
    part: usize,
    /// The link to the next page.
    next: Option<String>,
}

/// One page of what changed since `since`.
pub(super) async fn changes(documents: &Documents<'_>, margins: Margins, since: Option<&Cursor>) -> Result<Page> {
    let position = match since {
        None => Position::Window(Window { from: None, to: None, part: 0, next: None }),
        Some(cursor) => serde_json::from_str(cursor.as_str())
            .map_err(|cause| Error::new(ErrorKind::Config, "not a cursor of this connector").because(cause))?,
    };
    let window = match position {
        Position::Window(window) => window,
        Position::Job(reading) => return job(documents, reading).await,
        Position::Read { to } => {
            // What is left of the day is for payments: the window waits, and misses nothing when it is read later.
            if documents.calls.is_in_reserve() {
                return page(Vec::new(), &Position::Read { to });
            }
            Window { from: Some(to - margins.overlap), to: Some(to), part: 0, next: None }
        }
    };
    if window.from.is_none() {
        documents.calls.spare()?;
    }
    // A link is followed, and a window that bulk jobs failed for is read row by row.
    let is_first = window.from.is_none() && window.to.is_none();
    let bulk_above = if is_first { margins.bulk_above } else { 0 };
    let (records, next) = step(documents, window, bulk_above).await?;
    page(records, &next)
}

fn page(mut records: Vec<Record>, position: &Position) -> Result<Page> {
    records.sort_by(|a, b| (a.modified, &a.id).cmp(&(b.modified, &b.id)));
    let cursor = serde_json::to_string(position)
        .map_err(|cause| Error::new(ErrorKind::Bug, "a cursor cannot be written").because(cause))?;
    Ok(Page { records, next: Cursor::new(cursor), more: !matches!(position, Position::Read { .. }) })
}

async fn step(documents: &Documents<'_>, mut window: Window, bulk_above: usize) -> Result<(Vec<Record>, Position)> {
    let part = window.part.checked_sub(1).and_then(|at| documents.kind.parts().get(at)).copied();
    let before = window.to;
    let rows = match &window.next {
        Some(link) => match documents.calls.next(link).await {
            Ok(rows) => rows,
            Err(error) if error.kind() == ErrorKind::Stale => begin(documents, &mut window, part).await?,
            Err(error) => return Err(error),
        },
        None => begin(documents, &mut window, part).await?,
    };
    if bulk_above > 0
        && rows.total > bulk_above
        && let Some(id) = bulk::begin(documents).await?
    {
        let until = documents.calls.api.now().as_second().saturating_add(documents.rules.jobs.patience);
        let to = window.to.unwrap_or_default();
        return Ok((Vec::new(), Position::Job(Reading { id, to, locator: None, until })));
    }
    window.next.clone_from(&rows.next);
    let records = match part {
        None => documents.join(rows.rows).await?,
        Some((_, path)) => {
            let ids: BTreeSet<&str> = rows.rows.iter().filter_map(|row| row.text(path)).collect();
            documents.read(&ids.into_iter().collect::<Vec<_>>()).await?
        }
    };
    // The clock of another of Salesforce's machines may be behind the one that was asked last.
    window.to = window.to.max(before);
    Ok((records, window.after(parts(documents).await?)))
}

/// A page of a bulk job's result. One that is at work has an empty page, so that the run is told, can be stopped and goes
/// on with the same job; where the job is of no use, everything is read in pages of a query.
async fn job(documents: &Documents<'_>, reading: Reading) -> Result<Page> {
    let found = bulk::read(documents, &reading.id, reading.locator.as_deref()).await?;
    let part = match found {
        Found::Part(part) => part,
        Found::AtWork if documents.calls.api.now().as_second() < reading.until => {
            return page(Vec::new(), &Position::Job(reading));
        }
        other => {
            if matches!(other, Found::AtWork) {
                bulk::abort(documents, &reading.id).await;
            }
            return page(
                Vec::new(),
                &Position::Window(Window { from: None, to: Some(reading.to), part: 0, next: None }),
            );
        }
    };
    let mut records = Vec::with_capacity(part.rows.len());
    let mut rows = part.rows;
    while !rows.is_empty() {
        let rest = rows.split_off(rows.len().min(JOINED));
        records.extend(documents.join(std::mem::replace(&mut rows, rest)).await?);
    }
    let next = match part.locator {
        Some(locator) => Position::Job(Reading { locator: Some(locator), ..reading }),
        None => Position::Read { to: reading.to },
    };
    page(records, &next)
}

/// The first page of a window's part.
async fn begin(
    documents: &Documents<'_>,
    window: &mut Window,
    part: Option<(&'static str, &'static str)>,
) -> Result<Rows> {
    let from = window.from.and_then(|from| Timestamp::from_second(from).ok());
    let since = from.map(|from| format!(" WHERE SystemModstamp >= {}", soql::instant(from))).unwrap_or_default();
    let select = match part {
        None => documents.select().await?,
        Some((object, path)) => format!("SELECT Id,{path} FROM {object}"),
    };
    let query = format!("{select}{since} ORDER BY SystemModstamp,Id");
    let joined = !documents.kind.joined().is_empty();
    let (rows, time) = documents.calls.query(&query, Scope::All, joined).await?;
    if window.part == 0 {
        window.to = Some(window.to.filter(|_| window.from.is_none()).unwrap_or(time.as_second() - SKEW));
    }
    Ok(rows)
}

/// How many parts a window has besides the object itself.
async fn parts(documents: &Documents<'_>) -> Result<usize> {
    let parts = documents.kind.parts();
    let quotes = parts.iter().filter(|(object, _)| object.starts_with("Quote")).count();
    let without = quotes > 0 && !super::opportunities::has_quotes(documents).await?;
    Ok(if without { parts.len() - quotes } else { parts.len() })
}

impl Window {
    /// Where the feed stands after a page.
    fn after(mut self, parts: usize) -> Position {
        if self.next.is_some() {
            return Position::Window(self);
        }
        // From the beginning of time, every document is read whole: its parts tell nothing more.
        if self.from.is_none() || self.part >= parts {
            return Position::Read { to: self.to.unwrap_or_default() };
        }
        self.part += 1;
        Position::Window(self)
    }
}
