//! The query language: what is understood is answered, what is not is refused.

mod candidates;
mod parse;
mod run;
mod shape;
mod token;

use jiff::Timestamp;
use serde_json::Value;

use super::org::Org;
use super::refusal::Refusal;

pub(super) use parse::Query;
pub(super) use shape::attributes;

/// Which rows a query sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Rows in use.
    Live,
    /// The recycle bin too.
    All,
}

/// Rows of a query, as answers bear them; of a count, how many.
#[derive(Clone, Debug)]
pub(super) enum Found {
    Rows(Vec<Value>),
    Count(usize),
}

/// Reads a query.
pub(super) fn parse(text: &str) -> Result<Query, Refusal> {
    parse::query(text)
}

/// Runs a query that was read.
pub(super) fn run(org: &Org, query: &Query, scope: Scope, version: &str, now: Timestamp) -> Result<Found, Refusal> {
    run::find(org, query, scope, version, now)
}

/// The paths that a query selects.
pub(super) fn columns(query: &Query) -> Vec<String> {
    let paths = query.select.iter().filter_map(|select| match select {
        parse::Select::Path(path) => Some(path.join(".")),
        _ => None,
    });
    paths.collect()
}

/// Whether a query finds plain rows: no counts, no children.
pub(super) fn is_flat(query: &Query) -> bool {
    query.select.iter().all(|select| matches!(select, parse::Select::Path(_))) && query.offset == 0
}
