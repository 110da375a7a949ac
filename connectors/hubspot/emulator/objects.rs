//! `/crm/objects/{type}`: list, get, create, patch, archive, merge, GDPR delete.

use passerelle_core::http::Response;
use serde_json::{Map, Value, json};

use super::account::{Account, Object};
use super::associations;
use super::batch;
use super::call::Call;
use super::kind::Kind;
use super::refusal::{Refusal, Reply};
use super::search;

/// The largest page of a list.
const PAGE: usize = 100;

/// Answers a call below `/crm/objects/{type}`.
pub(super) fn answer(account: &mut Account, call: &Call<'_>, rest: &[&str]) -> Reply {
    let Some((kind, rest)) = rest.split_first() else { return Err(Refusal::no_route()) };
    let kind =
        Kind::parse(kind).ok_or_else(|| Refusal::invalid(format!("Unable to infer object type from: {kind}")))?;
    match (call.method, rest) {
        ("GET", []) => list(account, call, kind),
        ("POST", []) => create(account, call, kind),
        ("POST", ["search"]) => search::answer(account, call, kind),
        ("POST", ["merge"]) => merge(account, call, kind),
        ("POST", ["gdpr-delete"]) if kind == Kind::Contacts => forget(account, call),
        ("POST", ["batch", operation]) => batch::answer(account, call, kind, operation),
        (_, [id, "associations", tail @ ..]) => associations::of_object(account, call, (kind, id), tail),
        ("GET", [id]) => get(account, call, kind, id),
        ("PATCH", [id]) => {
            let id = account.present(kind, id, call.param("idProperty"))?;
            account.patch(kind, id, call.properties()?, call.moment())?;
            Ok(Response::json(200, &written(account, kind, id, call.properties()?)))
        }
        ("DELETE", [id]) => {
            if let Some(id) = account.locate(kind, id, None)? {
                account.archive(kind, id, call.now)?;
            }
            Ok(Response::empty(204))
        }
        _ => Err(Refusal::method()),
    }
}

/// What the answer to a write shows: the properties that were written.
pub(super) fn written(account: &Account, kind: Kind, id: u64, body: &Map<String, Value>) -> Value {
    let names: Vec<String> = body.keys().cloned().collect();
    account.object(kind, id).map_or(Value::Null, |object| account.show(kind, object, &names))
}

fn list(account: &Account, call: &Call<'_>, kind: Kind) -> Reply {
    let limit = call.limit(10, PAGE)?;
    let after: u64 = match call.param("after") {
        Some(after) => after.parse().map_err(|_| Refusal::invalid("after is not a cursor of this list"))?,
        None => 0,
    };
    let archived = call.says("archived");
    let all = account.objects.get(&kind).into_iter().flat_map(|objects| objects.range(after..));
    let mut found: Vec<&Object> =
        all.map(|(_, object)| object).filter(|object| object.archived.is_some() == archived).take(limit + 1).collect();
    let next = if found.len() > limit { found.pop().map(|object| object.id) } else { None };
    let results: Result<Vec<Value>, Refusal> =
        found.into_iter().map(|object| shown(account, call, kind, object)).collect();
    let mut body = json!({"results": results?});
    if let Some(next) = next {
        let link = format!("https://api.hubapi.com/crm/objects/{}/{}?after={next}", call.version, kind.plural());
        body["paging"] = json!({"next": {"after": next.to_string(), "link": link}});
    }
    Ok(Response::json(200, &body))
}

fn get(account: &Account, call: &Call<'_>, kind: Kind, id: &str) -> Reply {
    let archived = call.says("archived");
    let found = account.locate(kind, id, call.param("idProperty"))?.and_then(|id| account.object(kind, id));
    let object = found.filter(|object| object.archived.is_some() == archived);
    let object = object.ok_or_else(|| Refusal::not_found("resource not found"))?;
    Ok(Response::json(200, &shown(account, call, kind, object)?))
}

/// An object with the properties and associations that the query names.
fn shown(account: &Account, call: &Call<'_>, kind: Kind, object: &Object) -> Result<Value, Refusal> {
    let mut body = account.show(kind, object, &call.list("properties"));
    let histories = call.list("propertiesWithHistory");
    if !histories.is_empty() {
        let entry = |name: &String| {
            let value = object.values.get(name)?;
            let entry = json!([{"value": value, "timestamp": body["updatedAt"], "sourceType": "INTEGRATION"}]);
            Some((name.clone(), entry))
        };
        let histories: Map<String, Value> = histories.iter().filter_map(entry).collect();
        body["propertiesWithHistory"] = json!(histories);
    }
    let mut joined = Map::new();
    for name in call.list("associations") {
        let to = Kind::parse(&name).ok_or_else(|| Refusal::invalid(format!("{name} is not an object type")))?;
        let results = associations::as_results(account, (kind, object.id), to);
        if !results.is_empty() {
            joined.insert(to.association_key().to_owned(), json!({"results": results}));
        }
    }
    if !joined.is_empty() {
        body["associations"] = json!(joined);
    }
    Ok(body)
}

fn create(account: &mut Account, call: &Call<'_>, kind: Kind) -> Reply {
    account.settings.demand(call.body, &["properties", "associations"])?;
    let body = call.properties()?;
    let wanted = associations::wanted(account, kind, &call.body["associations"])?;
    let id = account.create(kind, body, call.moment())?;
    associations::join(account, (kind, id), &wanted, call.now)?;
    Ok(Response::json(201, &written(account, kind, id, body)))
}

fn merge(account: &mut Account, call: &Call<'_>, kind: Kind) -> Reply {
    if !matches!(kind, Kind::Contacts | Kind::Companies | Kind::Deals) {
        return Err(Refusal::invalid(format!("{} cannot be merged", kind.plural())));
    }
    let id = |name: &str| call.body[name].as_str().ok_or_else(|| Refusal::invalid(format!("{name} is required")));
    let primary = account.present(kind, id("primaryObjectId")?, None)?;
    let other = account.present(kind, id("objectIdToMerge")?, None)?;
    let merged = account.merge(kind, primary, other, call.now)?;
    let object = account.object(kind, merged).map(|object| account.show(kind, object, &[]));
    Ok(Response::json(200, &object.unwrap_or(Value::Null)))
}

fn forget(account: &mut Account, call: &Call<'_>) -> Reply {
    let id = call.body["objectId"].as_str().ok_or_else(|| Refusal::invalid("objectId is required"))?;
    if let Some(id) = account.locate(Kind::Contacts, id, call.body["idProperty"].as_str())? {
        let id = account.resolve(Kind::Contacts, id);
        account.release(Kind::Contacts, id);
        account.links.forget((Kind::Contacts, id));
        account.objects.entry(Kind::Contacts).or_default().remove(&id);
        account.tell(Kind::Contacts, "privacyDeletion", id, json!({}), call.now);
    }
    Ok(Response::empty(204))
}
