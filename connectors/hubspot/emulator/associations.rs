//! Associations, version 4: read, default, labelled, batches.

use jiff::Timestamp;
use passerelle_core::http::Response;
use serde_json::{Value, json};

use super::account::Account;
use super::call::Call;
use super::kind::Kind;
use super::links::{self, End, LinkType};
use super::property::iso;
use super::refusal::{Refusal, Reply};

/// Ids of one read.
const READ: usize = 1000;
/// Pairs of one write.
const WRITE: usize = 2000;

/// An association to make: the other end and the type.
pub(super) type Wanted = Vec<(End, LinkType)>;

/// Answers a call below `/crm/associations/{from}/{to}`.
pub(super) fn answer(account: &mut Account, call: &Call<'_>, rest: &[&str]) -> Reply {
    let [from, to, rest @ ..] = rest else { return Err(Refusal::no_route()) };
    let (Some(from), Some(to)) = (Kind::parse(from), Kind::parse(to)) else { return Err(Refusal::no_route()) };
    match (call.method, rest) {
        ("GET", ["labels"]) => {
            let label = |link: LinkType| json!({"category": "HUBSPOT_DEFINED", "typeId": link.id, "label": link.label});
            let results: Vec<Value> = links::types(from, to).into_iter().map(label).collect();
            Ok(Response::json(200, &json!({"results": results})))
        }
        ("POST", ["batch", "read"]) => read(account, call, from, to),
        ("POST", ["batch", "associate", "default"]) => {
            write(account, call, from, to, |_, _, _| links::types(from, to).into_iter().take(1).collect())
        }
        ("POST", ["batch", "create"]) => write(account, call, from, to, |input, from, to| {
            let types = input["types"].as_array().into_iter().flatten();
            types.filter_map(|link| links::type_of(from, to, link["associationTypeId"].as_u64()? as u32)).collect()
        }),
        ("POST", ["batch", "archive"]) => remove(account, call, from, to),
        ("POST", ["batch", "labels", "archive"]) => remove_types(account, call, from, to),
        _ => Err(Refusal::method()),
    }
}

/// Answers a call below `/crm/objects/{type}/{id}/associations`.
pub(super) fn of_object(account: &mut Account, call: &Call<'_>, from: (Kind, &str), rest: &[&str]) -> Reply {
    let (rest, default) = match rest {
        ["default", rest @ ..] => (rest, true),
        rest => (rest, false),
    };
    let Some((to, rest)) = rest.split_first() else { return Err(Refusal::no_route()) };
    let to = Kind::parse(to).ok_or_else(Refusal::no_route)?;
    let one = (from.0, account.present(from.0, from.1, None)?);
    match (call.method, rest) {
        ("GET", []) => Ok(Response::json(200, &json!({"results": multi(account, one, to)}))),
        ("PUT", [id]) => {
            let other = (to, account.present(to, id, None)?);
            let wanted: Wanted = if default {
                links::types(one.0, to).into_iter().take(1).map(|link| (other, link)).collect()
            } else {
                named_types(one.0, to, call.body)?.into_iter().map(|link| (other, link)).collect()
            };
            join(account, one, &wanted, call.now)?;
            let (from, to) = (json!({"id": one.1.to_string()}), json!({"id": other.1.to_string()}));
            if default {
                let at = iso(call.now);
                let results = json!([{"from": from, "to": to, "associationSpec": spec(&wanted)}]);
                let body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
                return Ok(Response::json(200, &body));
            }
            let labels: Vec<&str> = wanted.iter().filter_map(|(_, link)| link.label).collect();
            let body = json!({
                "fromObjectId": one.1.to_string(), "fromObjectTypeId": one.0.type_id(), "labels": labels,
                "toObjectId": other.1.to_string(), "toObjectTypeId": to_type(other),
            });
            Ok(Response::json(201, &body))
        }
        ("DELETE", [id]) => {
            let other = (to, account.present(to, id, None)?);
            account.links.remove(one, other);
            Ok(Response::empty(204))
        }
        _ => Err(Refusal::method()),
    }
}

fn to_type(end: End) -> &'static str {
    end.0.type_id()
}

fn spec(wanted: &Wanted) -> Value {
    let id = wanted.first().map(|(_, link)| link.id);
    json!({"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": id})
}

/// The associations that a create asks for.
pub(super) fn wanted(account: &Account, kind: Kind, body: &Value) -> Result<Wanted, Refusal> {
    let mut wanted = Wanted::new();
    for entry in body.as_array().into_iter().flatten() {
        let types = entry["types"].as_array().ok_or_else(|| Refusal::invalid("types is required"))?;
        let id = entry["to"]["id"].as_str().ok_or_else(|| Refusal::invalid("to.id is required"))?;
        for named in types {
            let type_id = named["associationTypeId"].as_u64().unwrap_or_default() as u32;
            let link = Kind::all().find_map(|to| links::type_of(kind, to, type_id));
            let link =
                link.ok_or_else(|| Refusal::invalid(format!("{type_id} is not an association type from here")))?;
            wanted.push(((link.to, account.present(link.to, id, None)?), link));
        }
    }
    Ok(wanted)
}

/// Makes associations; a line item that has a parent refuses another.
pub(super) fn join(account: &mut Account, from: End, wanted: &Wanted, now: Timestamp) -> Result<(), Refusal> {
    for (to, link) in wanted {
        for (line, parent) in [(from, *to), (*to, from)] {
            let parents = if line.0 == Kind::LineItems { account.links.parents_of_line(line.1) } else { Vec::new() };
            if parents.iter().any(|known| *known != parent) {
                return Err(Refusal::invalid("a line item belongs to one object only"));
            }
        }
        account.links.add(from, *to, *link);
        for (one, other) in [(from, *to), (*to, from)] {
            let name = format!("{}_TO_{}", one.0.singular(), other.0.singular()).to_uppercase();
            let told = json!({
                "associationType": name, "fromObjectId": one.1, "toObjectId": other.1,
                "associationRemoved": false, "isPrimaryAssociation": link.label == Some("Primary"),
            });
            account.tell(one.0, "associationChange", one.1, told, now);
        }
    }
    Ok(())
}

/// The associations of an object in the short form of a list: once per type.
pub(super) fn as_results(account: &Account, from: End, to: Kind) -> Vec<Value> {
    let mut results = Vec::new();
    for (id, types) in present(account, from, to) {
        for type_id in types {
            let label = links::type_of(from.0, to, type_id).and_then(|link| link.label);
            let name = format!("{}_to_{}", from.0.singular(), to.singular());
            let name = if label.is_some() { name } else { format!("{name}_unlabeled") };
            results.push(json!({"id": id.to_string(), "type": name}));
        }
    }
    results
}

fn multi(account: &Account, from: End, to: Kind) -> Vec<Value> {
    let entry = |(id, types): (u64, Vec<u32>)| {
        let label = |id: &u32| links::type_of(from.0, to, *id).and_then(|link| link.label);
        let types = types.iter().map(|id| json!({"category": "HUBSPOT_DEFINED", "typeId": id, "label": label(id)}));
        json!({"toObjectId": id.to_string(), "associationTypes": types.collect::<Vec<_>>()})
    };
    present(account, from, to).into_iter().map(entry).collect()
}

fn present(account: &Account, from: End, to: Kind) -> Vec<(u64, Vec<u32>)> {
    let mut ends = account.links.of(from, to);
    ends.retain(|(id, _)| account.object(to, *id).is_some_and(|object| object.archived.is_none()));
    ends
}

fn read(account: &Account, call: &Call<'_>, from: Kind, to: Kind) -> Reply {
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in call.inputs(READ)? {
        let asked = input["id"].as_str().ok_or_else(|| Refusal::invalid("id is required"))?;
        let id = asked.parse().map(|id| account.resolve(from, id)).unwrap_or_default();
        let found = multi(account, (from, id), to);
        if found.is_empty() {
            let message = format!("No {} is associated with {} {asked}.", to.singular(), from.singular());
            errors.push(Refusal::not_found(message).about("fromObjectId", &[asked]).item(None));
        } else {
            results.push(json!({"from": {"id": asked}, "to": found}));
        }
    }
    let at = iso(call.now);
    let mut body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
    if errors.is_empty() {
        return Ok(Response::json(200, &body));
    }
    body["numErrors"] = json!(errors.len());
    body["errors"] = json!(errors);
    Ok(Response::json(207, &body))
}

fn write(
    account: &mut Account,
    call: &Call<'_>,
    from: Kind,
    to: Kind,
    types: impl Fn(&Value, Kind, Kind) -> Vec<LinkType>,
) -> Reply {
    let mut results = Vec::new();
    for input in call.inputs(WRITE)? {
        let (one, other) = (end(account, from, &input["from"])?, end(account, to, &input["to"])?);
        let wanted: Wanted = types(input, from, to).into_iter().map(|link| (other, link)).collect();
        if wanted.is_empty() {
            return Err(Refusal::invalid("no such association type between these objects"));
        }
        join(account, one, &wanted, call.now)?;
        results.push(json!({
            "fromObjectId": one.1.to_string(), "fromObjectTypeId": from.type_id(),
            "toObjectId": other.1.to_string(), "toObjectTypeId": to.type_id(), "labels": [],
            "from": {"id": one.1.to_string()}, "to": {"id": other.1.to_string()}, "associationSpec": spec(&wanted),
        }));
    }
    let at = iso(call.now);
    let status = if call.body["inputs"][0].get("types").is_some() { 201 } else { 200 };
    let body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
    Ok(Response::json(status, &body))
}

fn remove(account: &mut Account, call: &Call<'_>, from: Kind, to: Kind) -> Reply {
    for input in call.inputs(WRITE)? {
        let one = end(account, from, &input["from"])?;
        for other in input["to"].as_array().into_iter().flatten() {
            let other = end(account, to, other)?;
            account.links.remove(one, other);
        }
    }
    Ok(Response::empty(204))
}

fn remove_types(account: &mut Account, call: &Call<'_>, from: Kind, to: Kind) -> Reply {
    for input in call.inputs(WRITE)? {
        let (one, other) = (end(account, from, &input["from"])?, end(account, to, &input["to"])?);
        for link in input["types"].as_array().into_iter().flatten() {
            let id = link["associationTypeId"].as_u64().unwrap_or_default() as u32;
            if let Some(link) = links::type_of(from, to, id) {
                account.links.drop_type(one, other, link);
            }
        }
    }
    Ok(Response::empty(204))
}

fn end(account: &Account, kind: Kind, body: &Value) -> Result<End, Refusal> {
    let id = body["id"].as_str().ok_or_else(|| Refusal::invalid("id is required"))?;
    Ok((kind, account.present(kind, id, None)?))
}

fn named_types(from: Kind, to: Kind, body: &Value) -> Result<Vec<LinkType>, Refusal> {
    let types = body.as_array().ok_or_else(|| Refusal::invalid("the body is a list of association types"))?;
    types
        .iter()
        .map(|named| {
            let id = named["associationTypeId"].as_u64().unwrap_or_default() as u32;
            links::type_of(from, to, id).ok_or_else(|| Refusal::invalid(format!("no association type {id} here")))
        })
        .collect()
}
