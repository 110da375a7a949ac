//! `/crm/properties/{type}`: property definitions and their groups.

use passerelle_core::http::Response;
use serde_json::{Value, json};

use super::account::Account;
use super::call::Call;
use super::kind::Kind;
use super::property::Property;
use super::refusal::{Refusal, Reply};

/// Unique properties that an object may have.
const MOST_UNIQUE: usize = 10;

/// Answers a call below `/crm/properties/{type}`.
pub(super) fn answer(account: &mut Account, call: &Call<'_>, rest: &[&str]) -> Reply {
    let Some((kind, rest)) = rest.split_first() else { return Err(Refusal::no_route()) };
    let kind = Kind::parse(kind).ok_or_else(Refusal::no_route)?;
    match (call.method, rest) {
        ("GET", []) => {
            let all = account.properties.get(&kind).into_iter().flat_map(|all| all.values());
            let archived = call.says("archived");
            let results: Vec<Value> = all.filter(|known| known.archived == archived).map(Property::to_json).collect();
            Ok(Response::json(200, &json!({"results": results})))
        }
        ("POST", []) => Ok(Response::json(201, &define(account, kind, call.body)?)),
        (_, ["groups", rest @ ..]) => groups(account, call, kind, rest),
        ("POST", ["batch", operation]) => batch(account, call, kind, operation),
        ("GET", [name]) => {
            let found = account.property(kind, name).ok_or_else(|| unknown(name))?;
            Ok(Response::json(200, &found.to_json()))
        }
        ("PATCH", [name]) => {
            let found = account.properties.get_mut(&kind).and_then(|all| all.get_mut(*name));
            let found = found.ok_or_else(|| unknown(name))?;
            found.update(call.body)?;
            Ok(Response::json(200, &found.to_json()))
        }
        ("DELETE", [name]) => {
            archive(account, kind, name)?;
            Ok(Response::empty(204))
        }
        _ => Err(Refusal::method()),
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::not_found(format!("property {name} does not exist"))
}

fn define(account: &mut Account, kind: Kind, body: &Value) -> Result<Value, Refusal> {
    let property = Property::from_body(body)?;
    if !account.groups.get(&kind).is_some_and(|groups| groups.contains_key(&property.group)) {
        return Err(Refusal::invalid(format!("property group {} does not exist", property.group)));
    }
    let known = account.properties.entry(kind).or_default();
    // An archived name stays reserved.
    if known.contains_key(&property.name) {
        let message = format!("A property named '{}' already exists.", property.name);
        return Err(Refusal::new(409, "CONFLICT", message));
    }
    if property.unique && known.values().filter(|known| known.unique).count() >= MOST_UNIQUE {
        return Err(Refusal::invalid("an object has at most 10 unique properties"));
    }
    let shown = property.to_json();
    known.insert(property.name.clone(), property);
    Ok(shown)
}

fn archive(account: &mut Account, kind: Kind, name: &str) -> Result<(), Refusal> {
    let found = account.properties.get_mut(&kind).and_then(|all| all.get_mut(name)).filter(|found| !found.archived);
    let found = found.ok_or_else(|| unknown(name))?;
    if found.hubspot_defined {
        return Err(Refusal::invalid(format!("{name} cannot be archived")));
    }
    found.archived = true;
    Ok(())
}

fn batch(account: &mut Account, call: &Call<'_>, kind: Kind, operation: &str) -> Reply {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in call.inputs(100)? {
        let name = input["name"].as_str().unwrap_or_default();
        let done = match operation {
            "create" => define(account, kind, input),
            "read" => account.property(kind, name).map(Property::to_json).ok_or_else(|| unknown(name)),
            "archive" => archive(account, kind, name).map(|()| Value::Null),
            _ => return Err(Refusal::no_route()),
        };
        match done {
            Ok(body) => results.push(body),
            Err(refusal) => errors.push(refusal.item(None)),
        }
    }
    if operation == "archive" {
        return Ok(Response::empty(204));
    }
    let at = super::property::iso(call.now);
    let body = json!({
        "status": "COMPLETE", "results": results, "numErrors": errors.len(), "errors": errors,
        "startedAt": at, "completedAt": at,
    });
    Ok(Response::json(200, &body))
}

fn groups(account: &mut Account, call: &Call<'_>, kind: Kind, rest: &[&str]) -> Reply {
    let groups = account.groups.entry(kind).or_default();
    let shown = |name: &str, label: &str| json!({"name": name, "label": label, "displayOrder": -1, "archived": false});
    match (call.method, rest) {
        ("GET", []) => {
            let results: Vec<Value> = groups.iter().map(|(name, label)| shown(name, label)).collect();
            Ok(Response::json(200, &json!({"results": results})))
        }
        ("POST", []) => {
            let text =
                |name: &str| call.body[name].as_str().ok_or_else(|| Refusal::invalid(format!("{name} is required")));
            let (name, label) = (text("name")?, text("label")?);
            if groups.contains_key(name) {
                return Err(Refusal::new(409, "CONFLICT", format!("A property group named '{name}' already exists.")));
            }
            groups.insert(name.to_owned(), label.to_owned());
            Ok(Response::json(201, &shown(name, label)))
        }
        ("GET", [name]) => {
            let label = groups.get(*name).ok_or_else(|| Refusal::not_found("property group does not exist"))?;
            Ok(Response::json(200, &shown(name, label)))
        }
        ("PATCH", [name]) => {
            let label = groups.get_mut(*name).ok_or_else(|| Refusal::not_found("property group does not exist"))?;
            if let Some(text) = call.body["label"].as_str() {
                text.clone_into(label);
            }
            Ok(Response::json(200, &shown(name, label)))
        }
        ("DELETE", [name]) => {
            groups.shift_remove(*name);
            Ok(Response::empty(204))
        }
        _ => Err(Refusal::method()),
    }
}
