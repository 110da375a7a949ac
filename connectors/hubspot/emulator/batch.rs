//! The five batch operations: unordered results, 207, trace ids, all or nothing without them.

use std::collections::BTreeSet;

use passerelle_core::http::Response;
use serde_json::{Map, Value, json};

use super::account::Account;
use super::associations;
use super::call::Call;
use super::kind::Kind;
use super::objects::written;
use super::property::iso;
use super::refusal::{Refusal, Reply};

/// The largest batch.
const BATCH: usize = 100;

/// Answers `POST {type}/batch/{operation}`.
pub(super) fn answer(account: &mut Account, call: &Call<'_>, kind: Kind, operation: &str) -> Reply {
    let inputs = call.inputs(BATCH)?;
    match operation {
        "read" => read(account, call, kind, inputs),
        "archive" => {
            for input in inputs {
                if let Some(id) = account.locate(kind, id_of(input)?, None)? {
                    account.archive(kind, id, call.now)?;
                }
            }
            Ok(Response::empty(204))
        }
        "create" => write(account, call, kind, 201, create),
        "update" => write(account, call, kind, 200, update),
        "upsert" => write(account, call, kind, 200, upsert),
        _ => Err(Refusal::no_route()),
    }
}

fn id_of(input: &Value) -> Result<&str, Refusal> {
    input["id"].as_str().ok_or_else(|| Refusal::invalid("id is required"))
}

fn properties_of(input: &Value) -> Result<&Map<String, Value>, Refusal> {
    input["properties"].as_object().ok_or_else(|| Refusal::invalid("properties is required"))
}

fn read(account: &Account, call: &Call<'_>, kind: Kind, inputs: &[Value]) -> Reply {
    let names: Vec<String> = call.body["properties"]
        .as_array()
        .map_or_else(Vec::new, |names| names.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    account.settings.demand(call.body, &["inputs", "properties", "propertiesWithHistory"])?;
    let by = call.body["idProperty"].as_str();
    let archived = call.says("archived");
    let (mut results, mut missing) = (Vec::new(), Vec::new());
    for input in inputs {
        let asked = id_of(input)?;
        let object = account.locate(kind, asked, by)?.and_then(|id| account.object(kind, id));
        match object.filter(|object| object.archived.is_some() == archived) {
            Some(object) => results.push(account.show(kind, object, &names)),
            None => missing.push(asked),
        }
    }
    let mut errors = Vec::new();
    if !missing.is_empty() {
        let refusal = Refusal::not_found("Some requested objects do not exist.").about("ids", &missing);
        errors.push(refusal.item(None));
    }
    Ok(reply(call, 200, results, errors))
}

type WriteOne = fn(&mut Account, &Call<'_>, Kind, &Value) -> Result<Value, Refusal>;

fn write(account: &mut Account, call: &Call<'_>, kind: Kind, status: u16, one: WriteOne) -> Reply {
    let inputs = call.inputs(BATCH)?;
    let traces: BTreeSet<&str> = inputs.iter().filter_map(|input| input["objectWriteTraceId"].as_str()).collect();
    let partial = account.settings.partial && traces.len() == inputs.len();
    let before = if partial { None } else { Some(account.clone()) };
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in inputs {
        let trace = input["objectWriteTraceId"].as_str();
        match one(account, call, kind, input) {
            Ok(mut body) => {
                if let Some(trace) = trace {
                    body["objectWriteTraceId"] = json!(trace);
                }
                results.push(body);
            }
            Err(refusal) => match before {
                Some(before) => {
                    *account = before;
                    return Err(refusal);
                }
                None => errors.push(refusal.item(trace)),
            },
        }
    }
    Ok(reply(call, status, results, errors))
}

fn create(account: &mut Account, call: &Call<'_>, kind: Kind, input: &Value) -> Result<Value, Refusal> {
    account.settings.demand(input, &["properties", "associations"])?;
    let body = properties_of(input)?;
    let wanted = associations::wanted(account, kind, &input["associations"])?;
    let id = account.create(kind, body, call.moment())?;
    associations::join(account, (kind, id), &wanted, call.now)?;
    Ok(written(account, kind, id, body))
}

fn update(account: &mut Account, call: &Call<'_>, kind: Kind, input: &Value) -> Result<Value, Refusal> {
    let (asked, body) = (id_of(input)?, properties_of(input)?);
    let id = account.present(kind, asked, input["idProperty"].as_str())?;
    account.patch(kind, id, body, call.moment())?;
    Ok(written(account, kind, id, body))
}

fn upsert(account: &mut Account, call: &Call<'_>, kind: Kind, input: &Value) -> Result<Value, Refusal> {
    let (asked, body) = (id_of(input)?, properties_of(input)?);
    let by = input["idProperty"].as_str().ok_or_else(|| Refusal::invalid("idProperty is required"))?;
    let known = account.locate(kind, asked, Some(by))?;
    let id = match known {
        Some(id) => {
            account.patch(kind, id, body, call.moment())?;
            id
        }
        None => {
            let mut body = body.clone();
            body.insert(by.to_owned(), json!(asked));
            account.create(kind, &body, call.moment())?
        }
    };
    let mut shown = written(account, kind, id, body);
    shown["new"] = json!(known.is_none());
    Ok(shown)
}

/// The answer to a batch; its results come in an order that nobody can rely on.
fn reply(call: &Call<'_>, status: u16, mut results: Vec<Value>, errors: Vec<Value>) -> Response {
    let scattered = |body: &Value| {
        let id: u64 = body["id"].as_str().and_then(|id| id.parse().ok()).unwrap_or_default();
        id.wrapping_mul(0x9E37_79B9_7F4A_7C15)
    };
    results.sort_by_key(scattered);
    let at = iso(call.now);
    let mut body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
    if errors.is_empty() {
        return Response::json(status, &body);
    }
    body["numErrors"] = json!(errors.len());
    body["errors"] = json!(errors);
    Response::json(207, &body)
}
