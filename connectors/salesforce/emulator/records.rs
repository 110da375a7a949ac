//! `/sobjects`: rows one by one, by id or by an external id.

use jiff::SignedDuration;
use passerelle_core::http::Response;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::describe;
use super::field::instant;
use super::org::Org;
use super::refusal::{Refusal, Reply};
use super::soql::attributes;

/// Answers `/sobjects/...`.
pub(super) fn answer(org: &mut Org, call: &Call<'_>, rest: &[&str]) -> Reply {
    match (call.method, rest) {
        ("GET", []) => Ok(describe::all(org)),
        ("GET", [object, "describe"]) => known(org, object).and_then(|name| describe::one(org, &name)),
        ("GET", [object, list @ ("updated" | "deleted")]) => {
            let name = known(org, object)?;
            replicated(org, call, &name, *list == "deleted")
        }
        ("POST", [object]) | ("POST", [object, "Id"]) => {
            let name = known(org, object)?;
            let id = org.insert(&name, &call.object()?, call.moment())?;
            let at = format!("/services/data/{}/sobjects/{name}/{id}", call.version);
            Ok(Response::json(201, &json!({"id": id, "success": true, "errors": []})).with_header("Location", at))
        }
        (_, [object, id]) => {
            let name = known(org, object)?;
            by_id(org, call, &name, id)
        }
        (_, [object, field, value]) => {
            let name = known(org, object)?;
            by_key(org, call, &name, field, value)
        }
        ("POST" | "GET", _) => Err(Refusal::not_found()),
        (method, _) => Err(Refusal::method(method)),
    }
}

/// The object of a path: 404 for one that is not there.
fn known(org: &Org, object: &str) -> Result<String, Refusal> {
    org.name(object).map_err(|_| Refusal::not_found())
}

fn by_id(org: &mut Org, call: &Call<'_>, object: &str, id: &str) -> Reply {
    match call.method {
        "GET" => {
            let (id, _) = org.live(object, id)?;
            show(org, call, object, &id)
        }
        "PATCH" => {
            if let Some(since) = call.request.header_value("if-unmodified-since") {
                unmodified(org, object, id, since)?;
            }
            org.update(object, id, &call.object()?, call.moment())?;
            Ok(Response::empty(204))
        }
        "DELETE" => org.delete(object, id, call.moment()).map(|()| Response::empty(204)),
        method => Err(Refusal::method(method)),
    }
}

fn by_key(org: &mut Org, call: &Call<'_>, object: &str, field: &str, value: &str) -> Reply {
    // An address that ends like a file is answered by nobody [documented].
    if value.rsplit_once('.').is_some_and(|(_, suffix)| matches!(suffix, "inc" | "exe" | "com")) {
        return Ok(Response::empty(404));
    }
    let name = org.external(object, field)?;
    let value = json!(value);
    let found = org.having(object, &name, &value);
    if found.len() > 1 {
        let links: Vec<String> =
            found.iter().map(|id| format!("/services/data/{}/sobjects/{object}/{id}", call.version)).collect();
        return Ok(Response::json(300, &links));
    }
    match (call.method, found.first()) {
        ("GET", Some(id)) => show(org, call, object, id),
        ("DELETE", Some(id)) => org.delete(object, id, call.moment()).map(|()| Response::empty(204)),
        ("GET" | "DELETE", None) => Err(Refusal::not_found()),
        ("PATCH", None) if call.param("updateOnly") == Some("true") => Err(Refusal::not_found()),
        ("PATCH", _) => {
            let fields = call.object()?;
            if fields.keys().any(|given| given.eq_ignore_ascii_case(&name)) {
                let message = format!("The {name} field should not be specified in the sobject data.");
                return Err(Refusal::bad("INVALID_FIELD", message));
            }
            let done = org.upsert(object, &name, &value, &fields, call.moment())?;
            let status = if done.created { 201 } else { 200 };
            Ok(Response::json(status, &json!({"id": done.id, "success": true, "errors": [], "created": done.created})))
        }
        (method, _) => Err(Refusal::method(method)),
    }
}

/// A row with the fields that are asked for, or all of them.
fn show(org: &Org, call: &Call<'_>, object: &str, id: &str) -> Reply {
    let wanted = call.list("fields");
    fields_of(org, object, id, &wanted, call.version).map(|shown| {
        let modified = org.value(object, id, "LastModifiedDate").as_str().and_then(instant);
        let printer = jiff::fmt::rfc2822::DateTimePrinter::new();
        let date = modified.and_then(|at| printer.timestamp_to_rfc9110_string(&at).ok());
        Response::json(200, &shown).with_header("Last-Modified", date.unwrap_or_default())
    })
}

/// A row as an object; no names stand for all of its fields.
pub(super) fn fields_of(
    org: &Org,
    object: &str,
    id: &str,
    wanted: &[&str],
    version: &str,
) -> Result<Map<String, Value>, Refusal> {
    let known = org.object(object)?;
    let mut shown = attributes(object, id, version);
    let visible = known.fields.values().filter(|field| !org.is_hidden(object, &field.name));
    let names: Vec<&str> =
        if wanted.is_empty() { visible.map(|field| field.name.as_str()).collect() } else { wanted.to_vec() };
    for name in names {
        let field = known.field(name).filter(|field| !org.is_hidden(object, &field.name));
        let field = field.ok_or_else(|| Refusal::no_field(object, name))?;
        shown.insert(field.name.clone(), org.value(object, id, &field.name).clone());
    }
    if !shown.contains_key("Id") {
        shown.insert("Id".to_owned(), json!(id));
    }
    Ok(shown)
}

fn unmodified(org: &Org, object: &str, id: &str, since: &str) -> Result<(), Refusal> {
    let since = jiff::fmt::rfc2822::parse(since)
        .map_err(|_| Refusal::bad("INVALID_HEADER", "the date of a condition is none"))?;
    let (_, row) = org.live(object, id)?;
    let modified = row.get("LastModifiedDate").and_then(Value::as_str).and_then(instant);
    if modified.is_some_and(|at| at > since.timestamp()) {
        return Err(Refusal::new(412, "ENTITY_MODIFIED", "the record was modified"));
    }
    Ok(())
}

/// `updated` and `deleted`: ids of a window of time.
fn replicated(org: &Org, call: &Call<'_>, object: &str, deleted: bool) -> Reply {
    let bound = |name: &str| {
        let at = call.param(name).and_then(instant);
        at.ok_or_else(|| Refusal::bad("INVALID_REPLICATION_DATE", format!("{name} is no date")))
    };
    let (start, end) = (bound("start")?, bound("end")?);
    let most = SignedDuration::from_hours(24 * if deleted { 15 } else { 30 });
    if end <= start || call.now.duration_since(start) > most {
        return Err(Refusal::bad("INVALID_REPLICATION_DATE", "the window is empty or reaches too far back"));
    }
    let rows = org.rows.get(&object.to_lowercase()).into_iter().flatten();
    let inside = rows.filter(|(_, row)| {
        let at = row.get("SystemModstamp").and_then(Value::as_str).and_then(instant);
        (row.get("IsDeleted") == Some(&json!(true))) == deleted && at.is_some_and(|at| at >= start && at < end)
    });
    let covered = super::field::stamp(end.min(call.now));
    Ok(if deleted {
        let records: Vec<Value> =
            inside.map(|(id, row)| json!({"id": id, "deletedDate": row.get("SystemModstamp")})).collect();
        let earliest = super::field::stamp(call.now - SignedDuration::from_hours(24 * 15));
        Response::json(
            200,
            &json!({"deletedRecords": records, "earliestDateAvailable": earliest, "latestDateCovered": covered}),
        )
    } else {
        let ids: Vec<&String> = inside.map(|(id, _)| id).collect();
        Response::json(200, &json!({"ids": ids, "latestDateCovered": covered}))
    })
}
