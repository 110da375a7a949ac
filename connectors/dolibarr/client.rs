//! Calls, each with the JSON type that a success must have.

use passerelle_core::http::{Api, Body, Request, Response};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

use super::dialect::move_to;
use super::orders::LINKS;
use super::table::{ORDERS, Table};
use super::wire;

/// Records of one list call; Dolibarr joins each one's lines, so larger pages answer slowly.
pub(super) const PAGE: usize = 100;

/// Dolibarr's API, typed.
#[derive(Clone, Debug)]
pub(super) struct Client {
    pub api: Api,
}

/// What a list is asked for, beyond its filter.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask {
    /// `sqlfilters`; empty for all.
    pub filter: String,
    /// `sortfield`, `sortorder`; by id when none.
    pub sort: Option<(&'static str, &'static str)>,
    /// Most records.
    pub limit: usize,
    /// Further parameters, such as `properties`.
    pub more: Vec<(&'static str, &'static str)>,
}

impl Ask {
    /// Everything that `filter` lets through, by id.
    pub fn filtered(filter: impl Into<String>) -> Self {
        Self { filter: filter.into(), limit: PAGE, ..Self::default() }
    }

    /// The whole records of a resource; only orders have links to ask for.
    pub fn whole(table: &Table, filter: impl Into<String>) -> Self {
        let ask = Self::filtered(filter);
        if table.name == ORDERS.name { ask.with(LINKS.0, LINKS.1) } else { ask }
    }

    /// Adds a parameter.
    pub fn with(mut self, name: &'static str, value: &'static str) -> Self {
        self.more.push((name, value));
        self
    }
}

impl Client {
    /// One page of a list, such as `orders`; nothing found is an empty page.
    pub async fn list(&self, name: &str, ask: Ask) -> Result<Vec<Value>> {
        let (field, order) = ask.sort.unwrap_or(("t.rowid", "ASC"));
        let mut request = Request::get(format!("/{name}"))
            .query("sortfield", field)
            .query("sortorder", order)
            .query("limit", ask.limit.to_string())
            .query("page", "0");
        if !ask.filter.is_empty() {
            request = request.query("sqlfilters", ask.filter);
        }
        for (name, value) in ask.more {
            request = request.query(name, value);
        }
        match self.api.call(request).await {
            Ok(response) => response.parse(),
            // Third parties answer 404 to an empty list, as observed on 22.0.4.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Everything that a filter lets through, page after page by id.
    pub async fn all(&self, name: &str, ask: Ask) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        let mut after = 0_u64;
        loop {
            let mut next = ask.clone();
            next.filter = match ask.filter.as_str() {
                filter if after == 0 => filter.to_owned(),
                "" => format!("(t.rowid:>:{after})"),
                filter => format!("({filter}) and (t.rowid:>:{after})"),
            };
            let page = self.list(name, next).await?;
            let full = page.len() >= ask.limit;
            after = page.iter().filter_map(row).max().unwrap_or(after);
            found.extend(page);
            if !full {
                return Ok(found);
            }
        }
    }

    /// One document; none where there is no such record.
    pub async fn get(&self, path: &str) -> Result<Option<Value>> {
        match self.api.call(Request::get(path)).await {
            Ok(response) => object(&response).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A list that has no filters, such as an invoice's payments.
    pub async fn rows(&self, path: &str) -> Result<Vec<Value>> {
        match self.api.call(Request::get(path)).await {
            Ok(response) => response.parse(),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }

    /// Creates; gives back the id. Repeating it would double.
    pub async fn create(&self, path: &str, body: Map<String, Value>) -> Result<String> {
        // `{}` was refused with 400 where no body at all is meant.
        let body = if body.is_empty() { Body::Empty } else { Body::Json(Value::Object(body)) };
        let response = self.api.call(Request { body, ..Request::new("POST", path) }).await?;
        match serde_json::from_slice(&response.body) {
            Ok(Value::Number(id)) if id.as_u64().is_some_and(|id| id > 0) => Ok(id.to_string()),
            Ok(Value::String(id)) if id.parse::<u64>().is_ok_and(|id| id > 0) => Ok(id),
            Ok(Value::Object(document)) => wire::id(&Value::Object(document)),
            _ => Err(Error::new(ErrorKind::OutcomeUnknown, "Dolibarr's answer to a create holds no id")
                .at("body", response.excerpt())),
        }
    }

    /// Changes; sending the same again changes nothing.
    pub async fn put(&self, path: &str, body: Map<String, Value>) -> Result<()> {
        let request = Request { method: "PUT", ..Request::post(path, Value::Object(body)) }.harmless();
        let response = self.api.call(request).await?;
        // A line that cannot be changed is answered with 200 and `false`.
        if response.status == 304 || object(&response).is_ok() {
            return Ok(());
        }
        Err(Error::new(ErrorKind::Rejected, "Dolibarr made no change and does not say why")
            .at("body", response.excerpt()))
    }

    /// Makes a state move that is no error when already made.
    pub async fn step(&self, path: String) -> Result<()> {
        self.api.call(move_to(path)).await.map(|_| ())
    }

    /// Makes a state move that takes a body; gives back the document.
    pub async fn close(&self, path: &str, body: Value) -> Result<Value> {
        object(&self.api.call(Request::post(path, body).harmless()).await?)
    }

    /// Deletes; what is gone already is no error.
    pub async fn delete(&self, path: &str) -> Result<()> {
        match self.api.call(Request::new("DELETE", path).harmless()).await {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// A document's id as a number, to go on from.
pub(super) fn row(document: &Value) -> Option<u64> {
    wire::text(document, "id")?.parse().ok()
}

/// Whether a text can be an id: digits, and not 0.
pub(super) fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit()) && !text.bytes().all(|digit| digit == b'0')
}

/// `(t.rowid:in:1,2,3)`, of those that can be ids; none when no one can.
pub(super) fn among<'a>(column: &str, ids: impl Iterator<Item = &'a str>) -> Option<String> {
    let ids: Vec<&str> = ids.filter(|id| is_id(id)).collect();
    if ids.is_empty() { None } else { Some(format!("({column}:in:{})", ids.join(","))) }
}

fn object(response: &Response) -> Result<Value> {
    let document: Value = response.parse()?;
    if document.is_object() {
        return Ok(document);
    }
    Err(Error::new(ErrorKind::Bug, "Dolibarr answered with something else than a document")
        .at("body", response.excerpt()))
}
