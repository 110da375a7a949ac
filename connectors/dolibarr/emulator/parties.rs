//! Third parties, contacts and products.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::{Reply, done, failed, no};
use super::countries::country;
use super::shape::{blank, document};
use super::store::{Kind, Row, Store};
use super::values::{amount, decimal, rate, rich, rounded, sanitised, stored, text};

/// `POST /{resource}`: the id.
pub(super) fn create(store: &mut Store, kind: Kind, body: &Value, now: i64) -> Reply {
    let needed: &[&str] = match kind {
        Kind::Party => &["name"],
        Kind::Contact => &["lastname"],
        _ => &["ref", "label"],
    };
    if let Some(field) = needed.iter().find(|field| text(body.get(**field)).is_empty()) {
        return no(400, &format!("{field} field missing"));
    }
    let mut row = blank(kind);
    fill(&mut row, kind, body);
    let noun = kind.noun().to_lowercase();
    if kind == Kind::Party {
        code(store, &mut row, body, &now_day(store, now))?;
    }
    if kind == Kind::Product {
        let reference = row.text("ref").to_owned();
        if store.all(kind).any(|other| other.text("ref").eq_ignore_ascii_case(&reference)) {
            return failed("Error creating product", "ErrorProductAlreadyExists");
        }
    }
    row.options = store.options(kind, body);
    if let Some(words) = store.taken(kind, 0, &row.options) {
        return failed(&format!("Error creating {noun}"), &words);
    }
    Ok(json!(store.insert(kind, row, now)))
}

fn now_day(store: &Store, now: i64) -> String {
    store.settings.zones.day(now)
}

/// The customer code: `auto` and -1 take the next one; a hand-made one must fit the mask.
fn code(store: &mut Store, row: &mut Row, body: &Value, day: &str) -> Result<(), passerelle_core::http::Response> {
    let asked = text(body.get("code_client"));
    let code = match asked.as_str() {
        "" => return Ok(()),
        "-1" | "auto" => store.number("CU", day, 5),
        _ if !asked.starts_with("CU") => {
            return failed("Error creating thirdparty", "ErrorBadCustomerCodeSyntax").map(|_| ());
        }
        _ => asked,
    };
    if store.all(Kind::Party).any(|other| other.id != row.id && other.text("code_client") == code) {
        return failed("Error creating thirdparty", "Duplicate value in a unique field").map(|_| ());
    }
    row.set("code_client", code);
    Ok(())
}

/// `PUT /{resource}/{id}`: partial; echoes what was sent, stored or not.
pub(super) fn change(store: &mut Store, kind: Kind, id: u64, body: &Value, now: i64) -> Reply {
    let Some(mut row) = store.row(kind, id).cloned() else { return no(404, &format!("{} not found", kind.noun())) };
    let before = row.fields.clone();
    fill(&mut row, kind, body);
    if kind == Kind::Party && row.text("code_client").is_empty() {
        let day = now_day(store, now);
        code(store, &mut row, body, &day)?;
    }
    let options = store.options(kind, body);
    if let Some(words) = store.taken(kind, id, &options) {
        return failed("", &words);
    }
    row.options.extend(options);
    // An extrafield has a table of its own, so it does not move the row's time; nor does writing the same again.
    if row.fields != before {
        row.tms = now;
    }
    let mut shown = document(store, kind, &row, true);
    store.rows.insert((kind, id), row);
    for (name, value) in body.as_object().into_iter().flatten() {
        if shown.get(name).is_none() {
            shown[name.as_str()] = value.clone();
        }
    }
    Ok(shown)
}

/// `DELETE /{resource}/{id}`: not while documents use it.
pub(super) fn delete(store: &mut Store, kind: Kind, id: u64) -> Reply {
    if store.row(kind, id).is_none() {
        return no(404, &format!("{} not found", kind.noun()));
    }
    let (of, product) = (id.to_string(), kind == Kind::Product);
    let used = [Kind::Proposal, Kind::Order, Kind::Invoice].into_iter().flat_map(|kind| store.all(kind)).any(|row| {
        let in_lines = || row.lines.iter().any(|line| text(line.get("fk_product")) == of);
        if product { in_lines() } else { kind == Kind::Party && row.text("socid") == of }
    });
    if used {
        return no(409, "Can't delete, that product is probably used");
    }
    store.remove(kind, id);
    Ok(done("Object deleted"))
}

/// Lays sent fields over a row, each as its kind is stored; unknown ones are dropped in silence.
fn fill(row: &mut Row, kind: Kind, body: &Value) {
    for (name, value) in body.as_object().into_iter().flatten() {
        let known = row.fields.contains_key(name) && !matches!(name.as_str(), "id" | "country_code" | "code_client");
        if !known || value.is_object() || value.is_array() {
            continue;
        }
        let stored = match name.as_str() {
            "price" | "price_ttc" => amount(rounded(decimal(Some(value)), 5)),
            "tva_tx" => rate(decimal(Some(value))),
            "note_public" | "note_private" | "description" => json!(rich(&text(Some(value)))),
            "phone" if kind == Kind::Party => json!(text(Some(value)).split_whitespace().collect::<String>()),
            "ref" if kind == Kind::Product => json!(product_ref(&text(Some(value)))),
            // The code of the country there would win over an empty id, so both must be emptied.
            "country_id" if text(Some(value)) == "0" && body.get("country_code") == Some(&json!("")) => {
                row.set("country_code", "");
                Value::Null
            }
            "country_id" => match country(&text(Some(value))) {
                None => continue,
                Some((id, code)) => {
                    row.set("country_code", code);
                    json!(id)
                }
            },
            _ => stored(value).as_str().map_or(Value::Null, |text| json!(sanitised(text))),
        };
        row.set(name, stored);
    }
    if kind == Kind::Product && (body.get("price").is_some() || body.get("tva_tx").is_some()) {
        let gross = decimal(row.fields.get("price"))
            * (Decimal::ONE + decimal(row.fields.get("tva_tx")) / Decimal::ONE_HUNDRED);
        row.set("price_ttc", amount(rounded(gross, 5)));
    }
}

/// `SVC 002/é` becomes `SVC_002_e`.
fn product_ref(reference: &str) -> String {
    let fold = |c: char| match c {
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'à' | 'â' | 'ä' => 'a',
        'ç' => 'c',
        'î' | 'ï' => 'i',
        'ô' | 'ö' => 'o',
        'ù' | 'û' | 'ü' => 'u',
        ' ' | '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | '(' | ')' | '[' | ']' | '%' | ';' => '_',
        other => other,
    };
    reference.trim().chars().map(fold).collect()
}
