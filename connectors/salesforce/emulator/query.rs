//! `/query` and `/queryAll`: pages, and the locators that lead from one to the next.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use passerelle_core::http::Response;
use serde_json::{Value, json};

use super::call::Call;
use super::org::Org;
use super::refusal::{Refusal, Reply};
use super::soql::{self, Found, Scope};

/// A locator lives this long [documented].
const LIFE: SignedDuration = SignedDuration::from_hours(48);

/// What is left of queries whose first page was given.
#[derive(Clone, Debug, Default)]
pub(super) struct Locators {
    open: HashMap<String, Waiting>,
    count: u64,
}

#[derive(Clone, Debug)]
struct Waiting {
    rows: Vec<Value>,
    page: usize,
    began: Timestamp,
}

/// Answers `/query`, `/queryAll` and `/query/{locator}`.
pub(super) fn answer(org: &Org, locators: &mut Locators, call: &Call<'_>, rest: &[&str], scope: Scope) -> Reply {
    if call.method != "GET" {
        return Err(Refusal::method(call.method));
    }
    if let [locator] = rest {
        return locators.next(call, locator);
    }
    let text = call.param("q").ok_or_else(|| Refusal::query("A query string has to be specified"))?;
    let query = soql::parse(text)?;
    if call.param("columns") == Some("true") {
        return columns(org, &query);
    }
    match soql::run(org, &query, scope, call.version, call.now)? {
        Found::Count(count) => Ok(Response::json(200, &json!({"totalSize": count, "done": true, "records": []}))),
        Found::Rows(rows) => {
            let page = batch_size(call).unwrap_or(2000).min(org.settings.page);
            Ok(locators.first(rows, page, call))
        }
    }
}

/// The hint of a page's size: `batchSize=200` to 2000.
fn batch_size(call: &Call<'_>) -> Option<usize> {
    let options = call.request.header_value("sforce-query-options")?;
    let (_, size) = options.split_once("batchSize=")?;
    size.trim().parse::<usize>().ok().map(|size| size.clamp(200, 2000))
}

impl Locators {
    fn first(&mut self, mut rows: Vec<Value>, page: usize, call: &Call<'_>) -> Response {
        let total = rows.len();
        if total <= page {
            return Response::json(200, &json!({"totalSize": total, "done": true, "records": rows}));
        }
        let rest = rows.split_off(page);
        self.count += 1;
        let id = format!("0r8xx{:010}AAA", self.count);
        self.open.insert(id.clone(), Waiting { rows: [rows.clone(), rest].concat(), page, began: call.now });
        let next = format!("/services/data/{}/query/{id}-{page}", call.version);
        Response::json(200, &json!({"totalSize": total, "done": false, "nextRecordsUrl": next, "records": rows}))
    }

    fn next(&mut self, call: &Call<'_>, locator: &str) -> Reply {
        let lost = || Refusal::bad("INVALID_QUERY_LOCATOR", "invalid query locator");
        let (id, at) = locator.rsplit_once('-').ok_or_else(lost)?;
        let at: usize = at.parse().map_err(|_| lost())?;
        let waiting =
            self.open.get(id).filter(|waiting| call.now.duration_since(waiting.began) < LIFE).ok_or_else(lost)?;
        let end = (at + waiting.page).min(waiting.rows.len());
        let records = waiting.rows.get(at..end).ok_or_else(lost)?;
        let total = waiting.rows.len();
        let mut body = json!({"totalSize": total, "done": end == total, "records": records});
        if end < total {
            body["nextRecordsUrl"] = json!(format!("/services/data/{}/query/{id}-{end}", call.version));
        }
        Ok(Response::json(200, &body))
    }
}

/// The columns of a query, without rows.
fn columns(org: &Org, query: &soql::Query) -> Reply {
    let object = org.name(&query.from)?;
    let columns = soql::columns(query).into_iter().map(|name| {
        json!({
            "aggregate": false, "apexType": "String", "booleanType": false, "columnName": name, "custom": name.ends_with("__c"),
            "displayName": name, "foreignKeyName": null, "insertable": true, "joinColumns": [], "numberType": false,
            "textType": true, "updatable": true,
        })
    });
    let columns: Vec<Value> = columns.collect();
    Ok(Response::json(
        200,
        &json!({"columnMetadata": columns, "entityName": object, "groupBy": false, "idSelected": true, "keyPrefix": ""}),
    ))
}
