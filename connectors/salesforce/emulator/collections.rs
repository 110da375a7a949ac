//! `/composite/sobjects`: 200 rows in a call, each with an outcome of its own.

use passerelle_core::http::Response;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::dml::id_of;
use super::org::{Moment, Org};
use super::records::fields_of;
use super::refusal::{Refusal, Reply};

/// Rows of one call [documented].
const MOST: usize = 200;
/// Changes from one type to another in one call [documented].
const CHUNKS: usize = 10;

/// Answers `/composite/sobjects/...`.
pub(super) fn answer(org: &mut Org, call: &Call<'_>, rest: &[&str]) -> Reply {
    match (call.method, rest) {
        ("POST", []) => {
            write(org, call, |org, row, moment| org.insert(&type_of(row)?, &fields(row), moment).map(|id| (id, None)))
        }
        ("PATCH", []) => write(org, call, |org, row, moment| {
            let (id, mut values) = (id_of(row)?, fields(row));
            values.retain(|name, _| !name.eq_ignore_ascii_case("id"));
            org.update(&type_of(row)?, &id, &values, moment).map(|()| (id, None))
        }),
        ("PATCH", [object, field]) => {
            let (object, field) = (org.name(object)?, (*field).to_owned());
            let field = org.external(&object, &field)?;
            write(org, call, move |org, row, moment| {
                let given = type_of(row)?;
                if !given.eq_ignore_ascii_case(&object) {
                    return Err(Refusal::bad("INVALID_TYPE", format!("the type of a row is {given}, not {object}")));
                }
                let mut values = fields(row);
                let key = values.keys().find(|name| name.eq_ignore_ascii_case(&field)).cloned();
                let value = key.and_then(|key| values.shift_remove(&key)).unwrap_or(Value::Null);
                org.upsert(&object, &field, &value, &values, moment).map(|done| (done.id, Some(done.created)))
            })
        }
        ("DELETE", []) => {
            let ids: Vec<Value> = call.list("ids").into_iter().map(|id| json!({"id": id})).collect();
            let all_or_none = call.param("allOrNone") == Some("true");
            each(org, call, &ids, all_or_none, |org, row, moment| {
                let id = id_of(row)?;
                let object = org.object_of(&id).map(|object| object.name.clone());
                let object = object.ok_or_else(|| Refusal::bad("MALFORMED_ID", format!("malformed id {id}")))?;
                org.delete(&object, &id, moment).map(|()| (id, None))
            })
        }
        ("POST", [object]) => {
            let body = call.object()?;
            let texts = |name: &str| -> Vec<&str> {
                body.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
            };
            retrieve(org, call, object, &texts("ids"), &texts("fields"))
        }
        ("GET", [object]) => retrieve(org, call, object, &call.list("ids"), &call.list("fields")),
        (method, _) => Err(Refusal::method(method)),
    }
}

fn retrieve(org: &Org, call: &Call<'_>, object: &str, ids: &[&str], names: &[&str]) -> Reply {
    let object = org.name(object)?;
    if ids.len() > 2000 {
        return Err(Refusal::bad("EXCEEDED_ID_LIMIT", "at most 2000 ids"));
    }
    let found = ids.iter().map(|id| match org.live(&object, id) {
        Ok((id, _)) => fields_of(org, &object, &id, names, call.version).map(Value::Object),
        Err(_) => Ok(Value::Null),
    });
    Ok(Response::json(200, &found.collect::<Result<Vec<_>, _>>()?))
}

type Written = (String, Option<bool>);

fn write(
    org: &mut Org,
    call: &Call<'_>,
    one: impl FnMut(&mut Org, &Map<String, Value>, Moment<'_>) -> Result<Written, Refusal>,
) -> Reply {
    let body = call.object()?;
    let all_or_none = body.get("allOrNone") == Some(&json!(true));
    let records = body.get("records").and_then(Value::as_array).cloned().unwrap_or_default();
    each(org, call, &records, all_or_none, one)
}

fn each(
    org: &mut Org,
    call: &Call<'_>,
    records: &[Value],
    all_or_none: bool,
    mut one: impl FnMut(&mut Org, &Map<String, Value>, Moment<'_>) -> Result<Written, Refusal>,
) -> Reply {
    if records.is_empty() || records.len() > MOST {
        let message = format!("record limit reached. cannot submit more than {MOST} records in this operation");
        return Err(Refusal::bad("LIMIT_EXCEEDED", message));
    }
    let types: Vec<&str> = records.iter().filter_map(|row| row["attributes"]["type"].as_str()).collect();
    if types.windows(2).filter(|pair| pair[0] != pair[1]).count() >= CHUNKS {
        return Err(Refusal::bad("LIMIT_EXCEEDED", "Cannot have more than 10 chunks in a single operation"));
    }
    let before = all_or_none.then(|| org.clone());
    let mut results = Vec::with_capacity(records.len());
    let mut failed = false;
    for row in records {
        let row = row.as_object().ok_or_else(|| Refusal::bad("JSON_PARSER_ERROR", "a record is no object"))?;
        match one(org, row, call.moment()) {
            Ok((id, created)) => {
                let mut result = json!({"id": id, "success": true, "errors": []});
                if let Some(created) = created {
                    result["created"] = json!(created);
                }
                results.push(result);
            }
            // What is wrong with the call and not with the row refuses the call.
            Err(refusal) if matches!(refusal.code.as_str(), "INVALID_TYPE") => return Err(refusal),
            Err(refusal) => {
                failed = true;
                results.push(json!({"success": false, "errors": [refusal.item()]}));
            }
        }
    }
    if let (true, Some(before)) = (failed, before) {
        org.roll_back(before);
        let message =
            "Record rolled back because not all records were valid and the request was using AllOrNone header";
        let rolled = Refusal::bad("ALL_OR_NONE_OPERATION_ROLLED_BACK", message).item();
        for result in results.iter_mut().filter(|result| result["success"] == json!(true)) {
            result["success"] = json!(false);
            result["errors"] = json!([rolled]);
        }
    }
    Ok(Response::json(200, &results))
}

fn type_of(row: &Map<String, Value>) -> Result<String, Refusal> {
    let named = row.get("attributes").and_then(|attributes| attributes["type"].as_str());
    named.map(str::to_owned).ok_or_else(|| Refusal::bad("INVALID_TYPE", "a record has no attributes.type"))
}

fn fields(row: &Map<String, Value>) -> Map<String, Value> {
    row.iter().filter(|(name, _)| *name != "attributes").map(|(name, value)| (name.clone(), value.clone())).collect()
}
