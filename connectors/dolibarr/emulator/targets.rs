//! `/webhook`: the targets of the module Webhook, with its rights. Nothing is sent to them.

use serde_json::{Value, json};

use super::answer::{Reply, done, no};
use super::store::Store;
use super::values::text;

/// Answers a call; `id` is that of the address.
pub(super) fn answer(store: &mut Store, method: &str, path: &[&str], body: &Value) -> Reply {
    let right = match method {
        "GET" => "read",
        "DELETE" => "delete",
        _ => "write",
    };
    if store.settings.denied.contains(&format!("webhook:{right}")) {
        return no(403, "");
    }
    let id: Option<u64> = path.first().and_then(|id| id.parse().ok());
    match (method, path, id) {
        ("GET", [], _) if store.targets.is_empty() => no(404, "Targets not found"),
        ("GET", [], _) => Ok(store.targets.values().cloned().collect()),
        ("GET", [_], Some(id)) => store.targets.get(&id).cloned().map_or_else(|| no(404, "Target not found"), Ok),
        ("DELETE", [_], Some(id)) => match store.targets.remove(&id) {
            Some(_) => Ok(done("Target deleted")),
            None => no(404, "Target not found"),
        },
        ("POST", [], _) => create(store, body),
        _ => no(404, ""),
    }
}

/// `type` is 0, blocking, where the body does not say; `status` is 1.
fn create(store: &mut Store, body: &Value) -> Reply {
    for field in ["url", "trigger_codes"] {
        if body.get(field).is_none_or(Value::is_null) {
            return no(400, &format!("{field} field missing"));
        }
    }
    let id = store.targets.keys().last().map_or(1, |last| last + 1);
    let or = |field: &str, default: &str| body.get(field).map_or(default.to_owned(), |value| text(Some(value)));
    let target = json!({
        "id": id.to_string(), "ref": or("ref", &id.to_string()), "label": or("label", ""), "url": or("url", ""),
        "trigger_codes": or("trigger_codes", ""), "type": or("type", "0"), "status": or("status", "1"),
        "description": or("description", ""),
    });
    store.targets.insert(id, target);
    Ok(json!(id))
}
