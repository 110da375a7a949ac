//! Extrafields, dictionaries, bank accounts.

use serde_json::{Value, json};

use super::answer::{Reply, done, no};
use super::countries;
use super::store::{Fields, Kind, Store};
use super::values::text;

/// `/setup/...`.
pub(super) fn answer(store: &mut Store, method: &str, path: &[&str], element: Option<&str>, body: &Value) -> Reply {
    match (method, path) {
        ("GET", ["extrafields"]) => extrafields(store, element.unwrap_or_default()),
        ("POST", ["extrafields", element, code]) => create(store, element, code, body),
        ("DELETE", ["extrafields", element, code]) => delete(store, element, code),
        ("GET", ["dictionary", "countries"]) => Ok(countries::all()),
        ("GET", ["dictionary", "countries", "byCode", code]) => match countries::by_code(code) {
            Some(country) => Ok(country),
            None => no(404, "country not found"),
        },
        ("GET", ["dictionary", "payment_types"]) => Ok(payment_types()),
        _ => no(404, ""),
    }
}

fn may(store: &Store) -> Result<(), passerelle_core::http::Response> {
    match store.settings.denied.iter().any(|right| right == "admin") {
        true => no(403, "Only an admin user can do this").map(|_| ()),
        false => Ok(()),
    }
}

/// By element and code; 404 when there are none.
fn extrafields(store: &Store, element: &str) -> Reply {
    may(store)?;
    let mut listed = Fields::new();
    for ((kind, code), field) in &store.extrafields {
        if element.is_empty() || Kind::of_element(element) == Some(*kind) {
            listed.entry(kind.element()).or_insert_with(|| json!({}))[code] = field.clone();
        }
    }
    if listed.is_empty() { no(404, "Extrafields not found") } else { Ok(Value::Object(listed)) }
}

fn create(store: &mut Store, element: &str, code: &str, body: &Value) -> Reply {
    may(store)?;
    let Some(kind) = Kind::of_element(element) else { return no(400, "elementtype is not known") };
    if text(body.get("label")).is_empty() || text(body.get("type")).is_empty() {
        return no(400, "label or type field missing");
    }
    if store.extrafields.contains_key(&(kind, code.to_owned())) {
        return no(409, "Duplicate extrafield already found");
    }
    let id = store.extrafields.len() + 1;
    let field = json!({
        "id": id.to_string(), "type": text(body.get("type")), "label": text(body.get("label")),
        "size": text(body.get("size")), "elementtype": kind.element(), "default": null, "computed": "",
        "unique": text(body.get("unique")), "required": text(body.get("required")), "param": "",
        "pos": text(body.get("pos")), "alwayseditable": "0", "perms": null, "list": "1",
    });
    store.extrafields.insert((kind, code.to_owned()), field);
    Ok(json!(id))
}

/// Drops the column with all its values.
fn delete(store: &mut Store, element: &str, code: &str) -> Reply {
    may(store)?;
    let found =
        Kind::of_element(element).and_then(|kind| store.extrafields.remove(&(kind, code.to_owned())).map(|_| kind));
    let Some(kind) = found else { return no(404, "Extrafield not found from attrname and elementtype") };
    for row in store.rows.iter_mut().filter(|((of, _), _)| *of == kind).map(|(_, row)| row) {
        row.options.remove(&format!("options_{code}"));
    }
    Ok(done("Extrafield deleted from attrname and elementtype"))
}

fn payment_types() -> Value {
    [
        ("2", "VIR", "Credit transfer"),
        ("3", "PRE", "Direct debit"),
        ("4", "LIQ", "Cash"),
        ("6", "CB", "Card"),
        ("7", "CHQ", "Cheque"),
    ]
    .iter()
    .map(|(id, code, label)| json!({ "id": id, "code": code, "type": "2", "label": label, "module": null }))
    .collect()
}
