//! The calls: one method each, with every member that the specification requires.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::Result;
use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Api, Request, Response};
use serde_json::{Value, json};

use super::wire::{AccountDetails, Association, Associations, Batch, Definition, Object, Objects, Results};

/// Inputs of one batch [documented].
pub(super) const BATCH: usize = 100;
/// The largest page of a search [documented].
pub(super) const SEARCH_PAGE: usize = 200;
/// The largest page of a list [documented].
const LIST_PAGE: &str = "100";
/// Ids of one association read [documented].
const ASSOCIATIONS: usize = 1000;
/// Longer lists of names would make an address that HubSpot refuses (414).
const LONGEST_NAMES: usize = 4000;

/// HubSpot's API, at one version.
#[derive(Clone, Debug)]
pub(super) struct Calls {
    /// Every call but searches.
    pub api: Api,
    /// Searches, which have a limit of their own.
    pub search: Api,
    /// Such as `2026-09`.
    pub version: String,
}

/// A filter of a search: property, operator, operands.
pub(super) type Filter = Value;

impl Calls {
    fn objects(&self, object_type: &str) -> String {
        format!("/crm/objects/{}/{object_type}", self.version)
    }

    fn associations(&self, from: &str, to: &str) -> String {
        format!("/crm/associations/{}/{from}/{to}", self.version)
    }

    /// The path of property definitions.
    pub(super) fn properties(&self, object_type: &str) -> String {
        format!("/crm/properties/{}/{object_type}", self.version)
    }

    /// Whose account it is.
    pub(super) async fn details(&self) -> Result<AccountDetails> {
        self.api.call(Request::get(format!("/account-info/{}/details", self.version))).await?.parse()
    }

    /// A page of a list, in the order of ids, and HubSpot's time.
    pub(super) async fn list(
        &self,
        object_type: &str,
        after: Option<&str>,
        names: &BTreeSet<String>,
        archived: Archived,
    ) -> Result<(Objects, Timestamp)> {
        let mut request = Request::get(self.objects(object_type))
            .query("limit", LIST_PAGE)
            .query("archived", (archived == Archived::Only).to_string());
        let joined = names.iter().map(String::as_str).collect::<Vec<_>>().join(",");
        if joined.len() <= LONGEST_NAMES {
            request = request.query("properties", joined.as_str());
        }
        if let Some(after) = after {
            request = request.query("after", after);
        }
        let response = self.api.call(request).await?;
        let time = self.server_time(&response);
        let mut page: Objects = response.parse()?;
        if joined.len() > LONGEST_NAMES {
            let ids: Vec<String> = page.results.iter().map(|object| object.id.clone()).collect();
            page.results = self.read(object_type, &ids, names, None, archived).await?;
        }
        Ok((page, time))
    }

    /// The ids that match all `filters`, in ascending order from `last` on, at most [`SEARCH_PAGE`]; and HubSpot's time.
    ///
    /// Only ids: the index is behind the objects, so that what it tells of them may be stale.
    pub(super) async fn search(
        &self,
        object_type: &str,
        mut filters: Vec<Filter>,
        last: &str,
    ) -> Result<(Vec<String>, Timestamp)> {
        filters.push(json!({"propertyName": "hs_object_id", "operator": "GT", "value": last}));
        let body = json!({
            "filterGroups": [{"filters": filters}], "sorts": ["hs_object_id"], "properties": ["hs_object_id"],
            "limit": SEARCH_PAGE, "after": "0",
        });
        let request = Request::post(format!("{}/search", self.objects(object_type)), body).harmless();
        let response = self.search.call(request).await?;
        let time = self.server_time(&response);
        let found: Objects = response.parse()?;
        Ok((found.results.into_iter().map(|object| object.id).collect(), time))
    }

    /// The objects of these ids, or of these values of the unique property `by`; what is not there is left out.
    pub(super) async fn read(
        &self,
        object_type: &str,
        ids: &[String],
        names: &BTreeSet<String>,
        by: Option<&str>,
        archived: Archived,
    ) -> Result<Vec<Object>> {
        let mut objects = Vec::with_capacity(ids.len());
        for ids in ids.chunks(BATCH) {
            let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
            let mut body = json!({"inputs": inputs, "properties": names, "propertiesWithHistory": []});
            if let Some(by) = by {
                body["idProperty"] = json!(by);
            }
            let mut request = Request::post(format!("{}/batch/read", self.objects(object_type)), body).harmless();
            if archived == Archived::Only {
                request = request.query("archived", "true");
            }
            let batch: Batch<Object> = self.api.call(request).await?.parse()?;
            objects.extend(batch.results);
        }
        Ok(objects)
    }

    /// Writes a batch: `operation` is `update` or `upsert`, which change nothing more when repeated.
    pub(super) async fn write(&self, object_type: &str, operation: &str, inputs: &[&Value]) -> Result<Batch<Object>> {
        let path = format!("{}/batch/{operation}", self.objects(object_type));
        self.api.call(Request::post(path, json!({"inputs": inputs})).harmless()).await?.parse()
    }

    /// Archives objects; one that is archived already is no error.
    pub(super) async fn archive(&self, object_type: &str, ids: &[&str]) -> Result<()> {
        let inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        let path = format!("{}/batch/archive", self.objects(object_type));
        self.api.call(Request::post(path, json!({"inputs": inputs})).harmless()).await.map(drop)
    }

    /// What each of `ids` is associated with; one without any is left out.
    pub(super) async fn associated(&self, from: &str, to: &str, ids: &[String]) -> Result<Associated> {
        let mut all = Associated::new();
        let mut inputs: Vec<Value> = ids.iter().map(|id| json!({"id": id})).collect();
        while !inputs.is_empty() {
            let rest = inputs.split_off(inputs.len().min(ASSOCIATIONS));
            let path = format!("{}/batch/read", self.associations(from, to));
            let request = Request::post(path, json!({"inputs": inputs})).harmless();
            let batch: Batch<Associations> = self.api.call(request).await?.parse()?;
            inputs = rest;
            for entry in batch.results {
                if let Some(next) = entry.paging.and_then(|paging| paging.next) {
                    inputs.push(json!({"id": entry.from.id, "after": next.after}));
                }
                all.entry(entry.from.id).or_default().extend(entry.to);
            }
        }
        Ok(all)
    }

    /// Associates pairs by a type that HubSpot defines.
    pub(super) async fn associate(&self, from: &str, to: &str, pairs: &[(&str, &str)], type_id: u32) -> Result<()> {
        let types = json!([{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}]);
        let inputs: Vec<Value> =
            pairs.iter().map(|(from, to)| json!({"from": {"id": from}, "to": {"id": to}, "types": types})).collect();
        let path = format!("{}/batch/create", self.associations(from, to));
        self.api.call(Request::post(path, json!({"inputs": inputs})).harmless()).await.map(drop)
    }

    /// Takes every association between a pair away.
    pub(super) async fn dissociate(&self, from: &str, to: &str, pair: (&str, &str)) -> Result<()> {
        let inputs = json!([{"from": {"id": pair.0}, "to": [{"id": pair.1}]}]);
        let path = format!("{}/batch/archive", self.associations(from, to));
        self.api.call(Request::post(path, json!({"inputs": inputs})).harmless()).await.map(drop)
    }

    /// The property definitions of a type.
    pub(super) async fn definitions(&self, object_type: &str) -> Result<Vec<Definition>> {
        let answer: Results<Definition> = self.api.call(Request::get(self.properties(object_type))).await?.parse()?;
        Ok(answer.results)
    }

    /// The names of archived properties: nothing else can have them.
    pub(super) async fn archived_names(&self, object_type: &str) -> Result<BTreeSet<String>> {
        let request = Request::get(self.properties(object_type)).query("archived", "true");
        let answer: Results<Definition> = self.api.call(request).await?.parse()?;
        Ok(answer.results.into_iter().map(|known| known.name).collect())
    }

    /// The pipelines of deals.
    pub(super) async fn pipelines(&self) -> Result<Vec<Value>> {
        let path = format!("/crm/pipelines/{}/deals", self.version);
        let answer: Results<Value> = self.api.call(Request::get(path)).await?.parse()?;
        Ok(answer.results)
    }

    /// The time by HubSpot's clock; ours where the answer has no date.
    fn server_time(&self, response: &Response) -> Timestamp {
        let date = response.header("date").and_then(|date| jiff::fmt::rfc2822::parse(date).ok());
        date.map_or_else(|| self.api.now(), |date| date.timestamp())
    }
}

/// What objects are associated with, by their ids.
pub(super) type Associated = BTreeMap<String, Vec<Association>>;

/// Which objects are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Archived {
    /// Those in use.
    Not,
    /// Those that were archived.
    Only,
}
