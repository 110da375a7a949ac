//! An opportunity with its lines, made together or not at all: a composite graph.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::http::Request;
use passerelle_core::model::{Outcome, RemoteId, Written};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::calls::Scope;
use super::dialect::{is_locked, told};
use super::documents::{Documents, IDS};
use super::soql;
use super::wire::{cause, typed};
use super::writes::copy;

/// Nodes of one call, the parents among them [documented].
const NODES: usize = 500;
/// Graphs of one call; after 14 that failed, the others are not tried [documented].
const GRAPHS: usize = 14;

/// A parent and its lines.
#[derive(Debug)]
pub(super) struct Family {
    /// Its place among the writes.
    pub at: usize,
    /// The hub's key.
    pub key: String,
    pub fields: Map<String, Value>,
    pub lines: Vec<Map<String, Value>>,
}

/// Makes opportunities with their lines. One that is there already has its lines: they were made together.
pub(super) async fn create(documents: &Documents<'_>, families: Vec<Family>) -> Result<Vec<(usize, Outcome)>> {
    let entries = entries(documents, &families).await?;
    let mut done = Vec::new();
    let mut waiting = Vec::new();
    for family in families {
        match graph(documents, &family, &entries).await {
            Ok(requests) => waiting.push((family, requests)),
            Err(error) => done.push((family.at, Err(error))),
        }
    }
    while !waiting.is_empty() {
        let mut nodes = 0;
        let fits = waiting.iter().take(GRAPHS).take_while(|(_, requests)| {
            nodes += requests.len();
            nodes <= NODES
        });
        let count = fits.count().max(1);
        let rest = waiting.split_off(count);
        match submit(documents, &waiting).await {
            Ok(outcomes) => done.extend(outcomes),
            Err(error) if done.iter().all(|(_, outcome)| outcome.is_err()) => return Err(error),
            Err(error) => {
                let untold = waiting.iter().chain(&rest);
                done.extend(untold.map(|(family, _)| (family.at, Err(copy(&error)))));
                break;
            }
        }
        waiting = rest;
    }
    Ok(done)
}

/// A family and its requests.
type Ready = (Family, Vec<Value>);

/// Sends graphs; each has an outcome of its own. One that met a lock is sent again alone, and waits.
async fn submit(documents: &Documents<'_>, sent: &[Ready]) -> Result<Vec<(usize, Outcome)>> {
    let answer = call(documents, sent).await?;
    let mut outcomes = Vec::with_capacity(sent.len());
    for (at, ready) in sent.iter().enumerate() {
        let mut told = outcome(documents, graph_of(&answer, at));
        if told.as_ref().is_err_and(is_locked) {
            told = match call(documents, std::slice::from_ref(ready)).await {
                Ok(answer) => outcome(documents, graph_of(&answer, 0)),
                Err(error) => Err(error),
            };
        }
        outcomes.push((ready.0.at, told));
    }
    Ok(outcomes)
}

async fn call(documents: &Documents<'_>, sent: &[Ready]) -> Result<Value> {
    let graphs: Vec<Value> = sent
        .iter()
        .enumerate()
        .map(|(at, (_, requests))| json!({"graphId": at.to_string(), "compositeRequest": requests}))
        .collect();
    let request = Request::post(documents.calls.path("composite/graph"), json!({"graphs": graphs}));
    // The key is unique: a graph that is sent again fails as a whole and names the record that the first one made.
    documents.calls.call(request.harmless()).await?.parse()
}

fn graph_of(answer: &Value, at: usize) -> Option<&Value> {
    let id = json!(at.to_string());
    answer["graphs"].as_array()?.iter().find(|graph| graph["graphId"] == id)
}

fn outcome(documents: &Documents<'_>, graph: Option<&Value>) -> Outcome {
    let silent = || Error::new(ErrorKind::OutcomeUnknown, "salesforce's answer says nothing about this write");
    let answers = graph.and_then(|graph| graph["graphResponse"]["compositeResponse"].as_array()).ok_or_else(silent)?;
    if graph.is_some_and(|graph| graph["isSuccessful"] == json!(true)) {
        let id = answers.first().and_then(|answer| answer["body"]["id"].as_str()).ok_or_else(silent)?;
        return Ok(Written { id: RemoteId::new(id), record: None });
    }
    let Some(cause) = graph.and_then(cause) else {
        let message = "salesforce did not try this write, because too many others failed";
        return Err(Error::new(ErrorKind::Unavailable, message));
    };
    let error = told(cause, 400);
    let of_key = cause["message"].as_str().is_some_and(|words| words.contains(&documents.rules.key));
    match error.fact("twin").filter(|_| of_key && error.fact("code") == Some("DUPLICATE_VALUE")) {
        Some(twin) => Ok(Written { id: RemoteId::new(twin), record: None }),
        None => Err(error),
    }
}

/// The requests of one family.
async fn graph(documents: &Documents<'_>, family: &Family, entries: &BTreeMap<String, Entry>) -> Result<Vec<Value>> {
    let described = documents.calls.describe("OpportunityLineItem").await?;
    let mut parent = family.fields.clone();
    parent.insert(documents.rules.key.clone(), json!(family.key));
    let mut lines = Vec::new();
    for (at, line) in family.lines.iter().enumerate() {
        let mut body = Map::from_iter([("OpportunityId".to_owned(), json!("@{deal.id}"))]);
        for (name, value) in line.iter().filter(|(name, _)| !matches!(name.as_str(), "Id" | "Product2Id")) {
            let field = described.field(name).filter(|field| field.createable).ok_or_else(|| {
                Error::new(ErrorKind::Config, "a line has no such field, or it cannot be written").at("field", name)
            })?;
            body.insert(field.name.clone(), typed(field, value)?);
        }
        if let Some(product) = line.get("Product2Id").and_then(Value::as_str) {
            let entry = entries.get(product).ok_or_else(|| {
                let message = "the product of a line has no price in the price book";
                Error::new(ErrorKind::Rejected, message).at("field", "Product2Id").at("value", product)
            })?;
            body.insert("PricebookEntryId".to_owned(), json!(entry.id));
            parent.entry("Pricebook2Id").or_insert(json!(entry.book));
        }
        lines.push(request(documents, "OpportunityLineItem", &format!("line{at}"), body));
    }
    let mut requests = vec![request(documents, documents.object, "deal", parent)];
    requests.append(&mut lines);
    if requests.len() > NODES {
        return Err(Error::new(ErrorKind::Rejected, "more lines than one call of salesforce takes").at("most", NODES));
    }
    Ok(requests)
}

fn request(documents: &Documents<'_>, object: &str, reference: &str, body: Map<String, Value>) -> Value {
    let url = documents.calls.path(&format!("sobjects/{object}"));
    json!({"method": "POST", "url": url, "referenceId": reference, "body": body})
}

/// A price book entry.
#[derive(Debug)]
struct Entry {
    id: String,
    book: String,
}

/// The price book entries of the products that lines name.
async fn entries(documents: &Documents<'_>, families: &[Family]) -> Result<BTreeMap<String, Entry>> {
    let lines = families.iter().flat_map(|family| &family.lines);
    let products: BTreeSet<&str> = lines.filter_map(|line| line.get("Product2Id")?.as_str()).collect();
    let products: Vec<&str> = products.into_iter().filter(|id| soql::is_id(id)).collect();
    let which = documents.entries().await?;
    let mut found = BTreeMap::new();
    for products in products.chunks(IDS) {
        let query = format!(
            "SELECT Id,Product2Id,Pricebook2Id FROM PricebookEntry WHERE {which} AND Product2Id IN ({}) ORDER BY CreatedDate,Id",
            soql::list(products.iter().copied())
        );
        for row in documents.calls.rows(&query, Scope::Live).await? {
            let of = |name: &str| row.text(name).unwrap_or_default().to_owned();
            found.entry(of("Product2Id")).or_insert_with(|| Entry { id: of("Id"), book: of("Pricebook2Id") });
        }
    }
    Ok(found)
}
