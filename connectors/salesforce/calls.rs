//! The calls: one method each.

use std::collections::BTreeMap;
use std::sync::Arc;

use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Api, Request, Response};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::dialect::SalesforceDialect;
use super::wire::{Described, Row, RowResult, Rows};

/// Rows of a collection [documented].
pub(super) const COLLECTION: usize = 200;
/// The hint of a page's size; the vendor may send less [documented].
const PAGE: &str = "batchSize=2000";
/// The same where each row is joined with rows of its own.
const JOINED_PAGE: &str = "batchSize=500";

/// The fact of an error that names an object which is missing, or not visible.
pub(super) const MISSING: &str = "object";

/// Salesforce's API, at one version.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    pub api: Api,
    /// Such as `66.0`.
    pub version: String,
    pub dialect: Arc<SalesforceDialect>,
    /// The part of the daily quota that is left to updates, in percent.
    pub reserve: u64,
    /// What was described once; forgotten when the org says that it is no longer so.
    pub described: Arc<Mutex<BTreeMap<String, Arc<Described>>>>,
}

/// Which rows a query is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Rows in use.
    Live,
    /// The recycle bin too.
    All,
}

impl Calls {
    /// `/services/data/v66.0` and what follows it.
    pub(super) fn path(&self, rest: &str) -> String {
        format!("/services/data/v{}/{rest}", self.version)
    }

    /// Makes a call that says who calls: the org's change events tell it, so that loops can be broken.
    pub(super) async fn call(&self, request: Request) -> Result<Response> {
        let answer = self.api.call(request.header("Sforce-Call-Options", "client=passerelle")).await;
        if let Err(error) = &answer
            && error.kind() == ErrorKind::Config
        {
            self.forget().await;
        }
        answer
    }

    /// The first page of a query, and Salesforce's time.
    pub(super) async fn query(&self, soql: &str, scope: Scope, joined: bool) -> Result<(Rows, Timestamp)> {
        let resource = if scope == Scope::All { "queryAll" } else { "query" };
        let size = if joined { JOINED_PAGE } else { PAGE };
        let request = Request::get(self.path(resource)).query("q", soql).header("Sforce-Query-Options", size);
        let response = self.call(request).await?;
        Ok((Rows::of(&response)?, self.server_time(&response)))
    }

    /// The page behind a link, which is followed as it is.
    pub(super) async fn next(&self, link: &str) -> Result<Rows> {
        Rows::of(&self.call(Request::get(link)).await?)
    }

    /// Every row of a query that finds few.
    pub(super) async fn rows(&self, soql: &str, scope: Scope) -> Result<Vec<Row>> {
        let (mut page, _) = self.query(soql, scope, false).await?;
        let mut rows = std::mem::take(&mut page.rows);
        while let Some(link) = page.next.take() {
            page = self.next(&link).await?;
            rows.append(&mut page.rows);
        }
        Ok(rows)
    }

    /// An object, as the connector's user sees it.
    pub(super) async fn describe(&self, object: &str) -> Result<Arc<Described>> {
        if let Some(known) = self.described.lock().await.get(object) {
            return Ok(Arc::clone(known));
        }
        let answer = self.call(Request::get(self.path(&format!("sobjects/{object}/describe")))).await;
        let answer = answer.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                let message = "the object is missing, or not visible to the integration user";
                Error::new(ErrorKind::Config, message).at(MISSING, object).because(error)
            }
            _ => error,
        })?;
        let described: Arc<Described> = Arc::new(answer.parse()?);
        self.described.lock().await.insert(object.to_owned(), Arc::clone(&described));
        Ok(described)
    }

    /// Forgets what was described: a person waits for what is there now.
    pub(super) async fn forget(&self) {
        self.described.lock().await.clear();
    }

    /// Writes a collection: what was sent twice changes nothing more.
    pub(super) async fn collection(&self, path: &str, records: &[Value]) -> Result<Vec<RowResult>> {
        let body = json!({"allOrNone": false, "records": records});
        let request = Request { method: "PATCH", ..Request::post(self.path(path), body) };
        self.results(request.harmless(), records.len()).await
    }

    /// Makes rows that the vendor refuses to make twice, so that repeating does no harm.
    pub(super) async fn insert(&self, records: &[Value]) -> Result<Vec<RowResult>> {
        let body = json!({"allOrNone": false, "records": records});
        let request = Request::post(self.path("composite/sobjects"), body);
        self.results(request.harmless(), records.len()).await
    }

    /// Puts rows into the recycle bin.
    pub(super) async fn delete(&self, ids: &[&str]) -> Result<Vec<RowResult>> {
        let request = Request::new("DELETE", self.path("composite/sobjects"));
        let request = request.query("ids", ids.join(",")).query("allOrNone", "false");
        self.results(request.harmless(), ids.len()).await
    }

    async fn results(&self, request: Request, expected: usize) -> Result<Vec<RowResult>> {
        let results: Vec<RowResult> = self.call(request).await?.parse()?;
        if results.len() == expected {
            return Ok(results);
        }
        let message = "the answer does not have a result for each row";
        Err(Error::new(ErrorKind::OutcomeUnknown, message).at("rows", expected).at("results", results.len()))
    }

    /// Changes one row, whose refusals have a status of their own: locks are waited for, a missing row is told as such.
    pub(super) async fn alone(&self, path: &str, fields: &Value) -> Result<Response> {
        let request = Request { method: "PATCH", ..Request::post(self.path(path), fields.clone()) };
        self.call(request.harmless()).await
    }

    /// The same of a row to be made, of a kind that the vendor refuses to make twice.
    pub(super) async fn make_alone(&self, path: &str, fields: &Value) -> Result<Response> {
        self.call(Request::post(self.path(path), fields.clone()).harmless()).await
    }

    /// The same of a row that goes into the recycle bin.
    pub(super) async fn delete_alone(&self, path: &str) -> Result<Response> {
        self.call(Request::new("DELETE", self.path(path)).harmless()).await
    }

    /// Whether only updates may still be made today.
    pub(super) fn is_in_reserve(&self) -> bool {
        self.dialect.usage().is_some_and(|(used, allowed)| {
            let left = allowed.saturating_sub(used);
            left.saturating_mul(100) < allowed.saturating_mul(self.reserve)
        })
    }

    /// Refuses what is not an update once the day's quota is down to its reserve.
    ///
    /// # Errors
    /// `RateLimited` then.
    pub(super) fn spare(&self) -> Result<()> {
        if !self.is_in_reserve() {
            return Ok(());
        }
        let message = "what is left of the daily quota of API calls is kept for updates";
        Err(Error::new(ErrorKind::RateLimited, message).at("option", "daily_reserve"))
    }

    /// The time by Salesforce's clock; ours where the answer has no date.
    fn server_time(&self, response: &Response) -> Timestamp {
        let date = response.header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        date.map_or_else(|| self.api.now(), |date| date.timestamp())
    }
}
