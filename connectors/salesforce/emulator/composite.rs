//! Calls in calls: composite, graph, batch, tree. What is atomic is rolled back as a whole.

use passerelle_core::http::{Body, Request, Response};
use serde_json::{Map, Value, json};

use super::call::Call;
use super::org::Org;
use super::query::Locators;
use super::refusal::{Refusal, Reply};
use super::soql::Scope;
use super::{collections, query, records};

/// Sub-requests of a composite call, and how many of them may be queries or collections [documented].
const MOST: usize = 25;
const MOST_WIDE: usize = 5;
/// Sub-requests of all graphs, graphs, and kinds of sub-requests in a graph [documented].
const NODES: usize = 500;
const GRAPHS: usize = 75;
const KINDS: usize = 15;
/// After so many failed graphs the rest is not tried [documented].
const FAILED: usize = 14;

/// Answers `/composite`, `/composite/graph`, `/composite/batch` and `/composite/tree/{object}`.
pub(super) fn answer(org: &mut Org, locators: &mut Locators, call: &Call<'_>, rest: &[&str]) -> Reply {
    if call.method != "POST" {
        return Err(Refusal::method(call.method));
    }
    let body = call.object()?;
    let list = |name: &str| body.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    match rest {
        [] => {
            let requests = list("compositeRequest");
            let wide = requests.iter().filter(|one| is_wide(&one["url"])).count();
            if requests.len() > MOST || wide > MOST_WIDE {
                let message =
                    format!("Too many subrequests: at most {MOST}, {MOST_WIDE} of them queries or collections");
                return Err(Refusal::bad("LIMIT_EXCEEDED", message));
            }
            let whole = body.get("allOrNone") == Some(&json!(true));
            let (answers, _) = run(org, locators, call, &requests, whole);
            Ok(Response::json(200, &json!({"compositeResponse": answers})))
        }
        ["graph"] => graphs(org, locators, call, &list("graphs")),
        ["batch"] => batch(org, locators, call, &list("batchRequests"), body.get("haltOnError") == Some(&json!(true))),
        ["tree", object] => tree(org, call, object, &list("records")),
        _ => Err(Refusal::not_found()),
    }
}

fn is_wide(url: &Value) -> bool {
    let url = url.as_str().unwrap_or_default();
    ["/query", "/composite/sobjects"].iter().any(|part| url.contains(part))
}

fn graphs(org: &mut Org, locators: &mut Locators, call: &Call<'_>, graphs: &[Value]) -> Reply {
    let nodes: usize = graphs.iter().map(|graph| requests_of(graph).len()).sum();
    if nodes > NODES || graphs.len() > GRAPHS {
        return Err(Refusal::bad("LIMIT_EXCEEDED", format!("at most {NODES} nodes in {GRAPHS} graphs")));
    }
    let (mut answers, mut failed) = (Vec::new(), 0);
    for graph in graphs {
        let requests = requests_of(graph);
        let mut kinds: Vec<String> = requests.iter().map(kind_of).collect();
        kinds.sort();
        kinds.dedup();
        if kinds.len() > KINDS || !requests.iter().all(is_row) {
            return Err(Refusal::bad("INVALID_INPUT", "a graph takes rows alone, and at most 15 kinds of requests"));
        }
        let (responses, done) = if failed < FAILED {
            run(org, locators, call, &requests, true)
        } else {
            (requests.iter().map(|one| halted(&one["referenceId"])).collect(), false)
        };
        failed += usize::from(!done);
        answers.push(json!({
            "graphId": graph["graphId"], "graphResponse": {"compositeResponse": responses}, "isSuccessful": done,
        }));
    }
    Ok(Response::json(200, &json!({"graphs": answers})))
}

fn requests_of(graph: &Value) -> Vec<Value> {
    graph["compositeRequest"].as_array().cloned().unwrap_or_default()
}

fn kind_of(request: &Value) -> String {
    let mut parts = request["url"].as_str().unwrap_or_default().split("/sobjects/");
    let (version, rest) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{version} {} {}", request["method"], rest.split('/').next().unwrap_or_default())
}

fn is_row(request: &Value) -> bool {
    let url = request["url"].as_str().unwrap_or_default();
    url.starts_with("/services/data/v") && url.contains("/sobjects/") && !url.contains("/composite/")
}

/// Runs requests in order; the answers, and whether all of them were good.
fn run(org: &mut Org, locators: &mut Locators, call: &Call<'_>, requests: &[Value], whole: bool) -> (Vec<Value>, bool) {
    let before = whole.then(|| org.clone());
    let mut known = Map::new();
    let (mut answers, mut good) = (Vec::new(), true);
    for request in requests {
        let reference = &request["referenceId"];
        if whole && !good {
            answers.push(halted(reference));
            continue;
        }
        let response = one(org, locators, call, request, &known);
        let (status, headers, body) = match response {
            Ok(response) => {
                let body = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
                let place = response.header("location").map(str::to_owned);
                (response.status, place.map_or_else(|| json!({}), |place| json!({"Location": place})), body)
            }
            Err(refusal) => (refusal.status, json!({}), json!([refusal.body()])),
        };
        good &= status < 300;
        if let Some(name) = reference.as_str() {
            known.insert(name.to_owned(), body.clone());
        }
        answers.push(json!({"body": body, "httpHeaders": headers, "httpStatusCode": status, "referenceId": reference}));
    }
    if let (false, Some(before)) = (good, before) {
        org.roll_back(before);
        for answer in answers.iter_mut().filter(|answer| answer["httpStatusCode"].as_u64().is_some_and(|s| s < 300)) {
            *answer = halted(&answer["referenceId"]);
        }
    }
    (answers, good)
}

fn halted(reference: &Value) -> Value {
    let message = "The transaction was rolled back since another operation in the same transaction failed.";
    json!({
        "body": [{"errorCode": "PROCESSING_HALTED", "message": message}], "httpHeaders": {}, "httpStatusCode": 400,
        "referenceId": reference,
    })
}

/// One request of a composite call, with what it refers to put in its place.
fn one(org: &mut Org, locators: &mut Locators, call: &Call<'_>, request: &Value, known: &Map<String, Value>) -> Reply {
    let name = request["referenceId"].as_str().unwrap_or_default();
    if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(Refusal::bad("INVALID_INPUT", format!("'{name}' is no referenceId: letters, digits and _")));
    }
    let url = filled(&request["url"], known)?;
    let body = filled(&request["body"], known)?;
    dispatch(
        org,
        locators,
        call,
        request["method"].as_str().unwrap_or_default(),
        url.as_str().unwrap_or_default(),
        body,
    )
}

/// `@{order.id}` becomes the id that the sub-request `order` answered.
fn filled(value: &Value, known: &Map<String, Value>) -> Result<Value, Refusal> {
    Ok(match value {
        Value::String(text) if text.contains("@{") => {
            let mut done = String::new();
            let mut rest = text.as_str();
            while let Some((before, after)) = rest.split_once("@{") {
                let (path, behind) = after.split_once('}').unwrap_or((after, ""));
                let mut parts = path.split('.');
                let first = parts.next().and_then(|name| known.get(name));
                let found = parts.try_fold(first.unwrap_or(&Value::Null), |value, part| value.get(part));
                let found = found.and_then(Value::as_str).ok_or_else(|| {
                    Refusal::bad("PROCESSING_HALTED", format!("Invalid reference specified. No value for {path} found"))
                })?;
                done.push_str(before);
                done.push_str(found);
                rest = behind;
            }
            done.push_str(rest);
            json!(done)
        }
        Value::Array(all) => json!(all.iter().map(|one| filled(one, known)).collect::<Result<Vec<_>, _>>()?),
        Value::Object(all) => {
            let all = all.iter().map(|(name, one)| Ok((name.clone(), filled(one, known)?)));
            Value::Object(all.collect::<Result<_, Refusal>>()?)
        }
        other => other.clone(),
    })
}

/// A call inside a call.
fn dispatch(org: &mut Org, locators: &mut Locators, call: &Call<'_>, method: &str, url: &str, body: Value) -> Reply {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let method = ["GET", "POST", "PATCH", "DELETE"].into_iter().find(|known| known.eq_ignore_ascii_case(method));
    let mut request =
        Request::new(method.ok_or_else(|| Refusal::bad("INVALID_INPUT", "a request has no method"))?, path);
    request.query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    request.headers.clone_from(&call.request.headers);
    if !body.is_null() {
        request.body = Body::Json(body);
    }
    let parts = request.segments();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let inner = Call { method: request.method, version: call.version, request: &request, now: call.now };
    match parts.as_slice() {
        ["services", "data", _, "sobjects", rest @ ..] => records::answer(org, &inner, rest),
        ["services", "data", _, "composite", "sobjects", rest @ ..] => collections::answer(org, &inner, rest),
        ["services", "data", _, "query", rest @ ..] => query::answer(org, locators, &inner, rest, Scope::Live),
        ["services", "data", _, "queryAll", rest @ ..] => query::answer(org, locators, &inner, rest, Scope::All),
        _ => Err(Refusal::not_found()),
    }
}

/// Independent requests, whose addresses begin with the version.
fn batch(org: &mut Org, locators: &mut Locators, call: &Call<'_>, requests: &[Value], halts: bool) -> Reply {
    if requests.len() > MOST {
        return Err(Refusal::bad("LIMIT_EXCEEDED", format!("at most {MOST} requests")));
    }
    let (mut results, mut failed) = (Vec::new(), false);
    for request in requests {
        if failed && halts {
            let told =
                json!([{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"}]);
            results.push(json!({"statusCode": 412, "result": told}));
            continue;
        }
        let url = format!("/services/data/{}", request["url"].as_str().unwrap_or_default());
        let method = request["method"].as_str().unwrap_or_default();
        let (status, result) = match dispatch(org, locators, call, method, &url, request["richInput"].clone()) {
            Ok(response) => (response.status, serde_json::from_slice(&response.body).unwrap_or(Value::Null)),
            Err(refusal) => (refusal.status, json!([refusal.body()])),
        };
        failed |= status >= 300;
        results.push(json!({"statusCode": status, "result": result}));
    }
    Ok(Response::json(200, &json!({"hasErrors": failed, "results": results})))
}

/// Rows that are made together or not at all; children inside their parents are not understood here.
fn tree(org: &mut Org, call: &Call<'_>, object: &str, rows: &[Value]) -> Reply {
    if rows.len() > 200 {
        return Err(Refusal::bad("LIMIT_EXCEEDED", "at most 200 records"));
    }
    let before = org.clone();
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for row in rows {
        let mut fields = row.as_object().cloned().unwrap_or_default();
        fields.retain(|name, _| name != "attributes");
        let reference = &row["attributes"]["referenceId"];
        match org.insert(object, &fields, call.moment()) {
            Ok(id) => results.push(json!({"referenceId": reference, "id": id})),
            Err(refusal) => errors.push(json!({"referenceId": reference, "errors": [refusal.item()]})),
        }
    }
    if errors.is_empty() {
        return Ok(Response::json(201, &json!({"hasErrors": false, "results": results})));
    }
    org.roll_back(before);
    Ok(Response::json(400, &json!({"hasErrors": true, "results": errors})))
}
