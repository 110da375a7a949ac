//! What a call of the hub changed in a vendor's system, read from the call and its answer.

use std::hash::{DefaultHasher, Hash, Hasher};

use passerelle_core::http::{Body, Request, Response};
use serde_json::Value;

/// One record that a vendor wrote for the hub.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Effect {
    /// The system, as config.toml names it.
    pub system: &'static str,
    /// The vendor's resource.
    pub resource: String,
    /// The vendor's id.
    pub id: String,
    /// `create`, `update` or `finish`; `part` where it is one of several calls of a write.
    pub op: &'static str,
    /// A hash of what was sent, by which a repeated call is known.
    pub sent: u64,
}

/// The effects of a call that was answered.
pub fn effects(request: &Request, response: &Response) -> Vec<Effect> {
    if response.status >= 300 || request.method == "GET" {
        return Vec::new();
    }
    let path = request.path.split_once(".emulated").map_or(request.path.as_str(), |(_, path)| path);
    let path = path.split('?').next().unwrap_or_default();
    match path.strip_prefix("/api/index.php/") {
        Some(rest) => of_dolibarr(request, &rest.split('/').collect::<Vec<_>>(), response),
        None => of_hubspot(&path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>(), request, response),
    }
}

fn of_dolibarr(request: &Request, path: &[&str], response: &Response) -> Vec<Effect> {
    let sent = match &request.body {
        Body::Json(body) => hash(body),
        _ => 0,
    };
    let effect =
        |resource: &str, id: String, op| vec![Effect { system: "erp", resource: resource.to_owned(), id, op, sent }];
    match (request.method, path) {
        (_, ["setup", ..]) => Vec::new(),
        ("POST", [resource]) => match response.parse::<Value>() {
            Ok(id) => effect(resource, id.to_string(), "create"),
            Err(_) => Vec::new(),
        },
        ("POST", [resource, id, "validate"]) => effect(resource, (*id).to_owned(), "finish"),
        ("PUT" | "DELETE", [resource, id]) => effect(resource, (*id).to_owned(), "update"),
        ("POST" | "PUT" | "DELETE", [resource, id, ..]) => effect(resource, (*id).to_owned(), "part"),
        _ => Vec::new(),
    }
}

/// Objects that a batch wrote; what it refused is in no result.
fn of_hubspot(path: &[&str], request: &Request, response: &Response) -> Vec<Effect> {
    let ["crm", "objects", _, resource, "batch", operation @ ("update" | "upsert")] = path else { return Vec::new() };
    let Body::Json(body) = &request.body else { return Vec::new() };
    let Ok(answer) = response.parse::<Value>() else { return Vec::new() };
    let op = if *operation == "update" { "update" } else { "create" };
    let ids = answer["results"].as_array().into_iter().flatten().filter_map(|object| object["id"].as_str());
    let sent = |id: &str| {
        let input = body["inputs"].as_array().into_iter().flatten().find(|input| input["id"].as_str() == Some(id));
        hash(input.map_or(body, |input| &input["properties"]))
    };
    let effect =
        |id: &str| Effect { system: "crm", resource: (*resource).to_owned(), id: id.to_owned(), op, sent: sent(id) };
    ids.map(effect).collect()
}

fn hash(body: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    body.to_string().hash(&mut hasher);
    hasher.finish()
}
