//! A job of Bulk API 2.0, of either way: what it says of itself, and the waiting for it.

use passerelle_core::Result;
use passerelle_core::http::{Request, Response};
use serde::Deserialize;
use serde_json::json;

use super::calls::Calls;
use super::dialect::AT_WORK;

/// Which way a job's rows go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Query,
    Ingest,
}

/// A job, as far as it is looked at.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    pub id: String,
    #[serde(default)]
    pub state: String,
    /// Where an ingest job takes its rows; has no slash at its beginning [documented].
    #[serde(default)]
    pub content_url: String,
}

impl Way {
    /// The address of a job.
    pub(super) fn path(self, calls: &Calls, id: &str) -> String {
        let way = match self {
            Self::Query => "query",
            Self::Ingest => "ingest",
        };
        calls.path(&format!("jobs/{way}/{id}"))
    }
}

/// Closes or aborts a job.
pub(super) async fn turn(calls: &Calls, way: Way, id: &str, state: &str) -> Result<Response> {
    let request = Request::post(way.path(calls, id), json!({"state": state}));
    calls.call(Request { method: "PATCH", ..request }).await
}

/// Waits for a job and tells its state. The waiting is the way out's: a job at work is told as not available yet.
///
/// # Errors
/// One with the fact [`AT_WORK`] when it is still at work after `until`, in epoch seconds; each look takes the patience of
/// one call.
pub(super) async fn watch(calls: &Calls, way: Way, id: &str, until: i64) -> Result<String> {
    let path = way.path(calls, id);
    loop {
        match calls.call(Request::get(&path)).await {
            Ok(answer) => return Ok(answer.parse::<Job>()?.state),
            Err(error) if error.fact(AT_WORK).is_some() && calls.api.now().as_second() < until => {}
            Err(error) => return Err(error),
        }
    }
}
