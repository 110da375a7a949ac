//! Proposals and orders: headers, lines, states.

use std::collections::BTreeMap;

use passerelle_core::http::Response;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::{Reply, done, failed, no, refuse, unchanged};
use super::money::{line, sum};
use super::shape::{blank, document};
use super::store::{Kind, Row, Store};
use super::values::{amount, day, decimal, rich, sanitised, stored, text};
use super::zones::later;

/// `POST /proposals` or `/orders`: the id.
pub(super) fn create(store: &mut Store, kind: Kind, body: &Value, now: i64) -> Reply {
    if text(body.get("socid")).is_empty() {
        return no(400, "socid field missing");
    }
    if text(body.get("date")).is_empty() {
        return match kind {
            Kind::Order => no(400, "date field missing"),
            _ => failed("Error creating order", "Date of proposal is required"),
        };
    }
    let mut row = header(store, kind, body)?;
    let Some(date) = day(body.get("date"), &store.settings.zones) else {
        return failed("Error creating order", "Incorrect datetime value");
    };
    if kind == Kind::Proposal {
        row.set("fin_validite", later(&date, text(body.get("duree_validite")).parse().unwrap_or(0)));
        row.set("duree_validite", body.get("duree_validite").cloned().unwrap_or_default());
    }
    row.set("date", date);
    let id = keep(store, kind, row, body, now)?;
    Ok(json!(id))
}

/// A row with the header of a body: party, texts, currency, extrafields.
pub(super) fn header(store: &Store, kind: Kind, body: &Value) -> Result<Row, Response> {
    let party = text(body.get("socid")).parse().unwrap_or(0);
    let mut row = blank(kind);
    if store.row(Kind::Party, party).is_none() {
        return Err(refuse(
            500,
            &format!("Error creating {}", kind.noun().to_lowercase()),
            Some("Cannot add or update a child row: a foreign key constraint fails (fk_soc)"),
        ));
    }
    fill(&mut row, body);
    row.set("socid", party.to_string());
    let (code, rate) = currency(store, body);
    row.set("multicurrency_code", code);
    row.set("multicurrency_tx", amount(rate));
    row.options = store.options(kind, body);
    if let Some(words) = store.taken(kind, 0, &row.options) {
        return Err(refuse(500, "Error creating order", Some(&words)));
    }
    Ok(row)
}

/// The body's currency and rate; an unknown code, or the module off, is the company's own in silence.
fn currency(store: &Store, body: &Value) -> (String, Decimal) {
    let own = || ("EUR".to_owned(), Decimal::ONE);
    let code = text(body.get("multicurrency_code"));
    let known = store.settings.rates.as_ref().and_then(|rates: &BTreeMap<String, String>| rates.get(&code));
    let Some(rate) = known else { return own() };
    let asked = decimal(body.get("multicurrency_tx"));
    let rate = if asked.is_zero() { rate.parse().unwrap_or(Decimal::ONE) } else { asked };
    (code, rate)
}

/// Stores a new document with the body's lines and a provisional number.
pub(super) fn keep(store: &mut Store, kind: Kind, mut row: Row, body: &Value, now: i64) -> Result<u64, Response> {
    let rate = decimal(row.fields.get("multicurrency_tx"));
    for sent in body.get("lines").and_then(Value::as_array).into_iter().flatten() {
        row.lines.push(line(store, kind, sent, rate));
    }
    arrange(&mut row);
    sum(&mut row, store.settings.vat_of_total);
    let id = store.insert(kind, row, now);
    if let Some(row) = store.row_mut(kind, id) {
        row.set("ref", format!("(PROV{id})"));
    }
    Ok(id)
}

fn arrange(row: &mut Row) {
    let number = |line: &super::store::Fields, name: &str| text(line.get(name)).parse::<u64>().unwrap_or(0);
    row.lines.sort_by_key(|line| (number(line, "rang"), number(line, "id")));
}

fn fill(row: &mut Row, body: &Value) {
    for (name, value) in body.as_object().into_iter().flatten() {
        let stored = match name.as_str() {
            "note_public" | "note_private" => json!(rich(&text(Some(value)))),
            "ref_client" | "ref_ext" => json!(sanitised(&text(Some(value)))),
            "cond_reglement_id" | "mode_reglement_id" => stored(value),
            _ => continue,
        };
        row.set(name, stored);
    }
}

/// `PUT /{type}/{id}`: the header only; `lines` are ignored, and an order's date is stored by its other name.
pub(super) fn change(store: &mut Store, kind: Kind, id: u64, body: &Value, now: i64) -> Reply {
    let Some(mut row) = store.row(kind, id).cloned() else { return no(404, &format!("{} not found", kind.noun())) };
    let before = row.fields.clone();
    fill(&mut row, body);
    let named = if kind == Kind::Order { "date_commande" } else { "date" };
    if let Some(date) = day(body.get(named), &store.settings.zones) {
        row.set("date", date);
    }
    let options = store.options(kind, body);
    if let Some(words) = store.taken(kind, id, &options) {
        return failed("", &words);
    }
    row.options.extend(options);
    if row.fields != before {
        row.tms = now;
    }
    store.rows.insert((kind, id), row);
    show(store, kind, id)
}

/// The document, with its links.
pub(super) fn show(store: &Store, kind: Kind, id: u64) -> Reply {
    match store.row(kind, id) {
        Some(row) => Ok(document(store, kind, row, true)),
        None => no(404, &format!("{} not found", kind.noun())),
    }
}

/// `POST /{id}/lines`: the line's id. Not on a validated document.
pub(super) fn add_line(store: &mut Store, kind: Kind, id: u64, body: &Value, now: i64) -> Reply {
    let Some(row) = store.row(kind, id) else { return no(404, &format!("{} not found", kind.noun())) };
    if row.text("statut") != "0" {
        return no(400, "This document is not a draft");
    }
    let rate = decimal(row.fields.get("multicurrency_tx"));
    let line = line(store, kind, body, rate);
    let line_id: u64 = text(line.get("id")).parse().unwrap_or(0);
    with(store, kind, id, now, |row| row.lines.push(line));
    Ok(json!(line_id))
}

/// `PUT /{id}/lines/{line}`: full replacement, omitted fields become 0 or empty; the product stays.
pub(super) fn change_line(store: &mut Store, kind: Kind, id: u64, line_id: &str, body: &Value, now: i64) -> Reply {
    let found = store.row(kind, id).and_then(|row| row.lines.iter().find(|line| text(line.get("id")) == line_id));
    let Some(old) = found.cloned() else { return no(404, "Line not found") };
    let row_state = store.row(kind, id).map(|row| row.text("statut").to_owned()).unwrap_or_default();
    if row_state != "0" {
        // Observed shape of a change that did not happen: 200 and `false`.
        return Ok(json!(false));
    }
    let rate = store.row(kind, id).map(|row| decimal(row.fields.get("multicurrency_tx"))).unwrap_or_default();
    let mut body = if body.is_object() { body.clone() } else { json!({}) };
    body["fk_product"] = old.get("fk_product").cloned().unwrap_or_default();
    body["id_kept"] = json!(line_id);
    let new = line(store, kind, &body, rate);
    with(store, kind, id, now, |row| {
        for line in &mut row.lines {
            if text(line.get("id")) == line_id {
                line.clone_from(&new);
            }
        }
    });
    show(store, kind, id)
}

/// `DELETE /{id}/lines/{line}`: the document.
pub(super) fn delete_line(store: &mut Store, kind: Kind, id: u64, line_id: &str, now: i64) -> Reply {
    let Some(row) = store.row(kind, id) else { return no(404, &format!("{} not found", kind.noun())) };
    if row.text("statut") != "0" {
        return no(405, "ErrorDeleteLineNotAllowedByObjectStatus");
    }
    with(store, kind, id, now, |row| row.lines.retain(|line| text(line.get("id")) != line_id));
    show(store, kind, id)
}

/// Changes the lines; the row's time moves when its totals do.
fn with(store: &mut Store, kind: Kind, id: u64, now: i64, change: impl FnOnce(&mut Row)) {
    let vat_of_total = store.settings.vat_of_total;
    let Some(row) = store.row_mut(kind, id) else { return };
    change(row);
    arrange(row);
    if sum(row, vat_of_total) {
        row.tms = now;
    }
}

/// `POST /{id}/validate`: gives the number; without lines an order is refused.
pub(super) fn validate(store: &mut Store, kind: Kind, id: u64, now: i64) -> Reply {
    let Some(row) = store.row(kind, id) else { return no(404, &format!("{} not found", kind.noun())) };
    if row.text("statut") != "0" {
        return unchanged();
    }
    let (prefix, date) = (if kind == Kind::Order { "CO" } else { "PR" }, row.text("date").to_owned());
    let given = row.text("ref").to_owned();
    let number = if given.starts_with('(') { store.number(prefix, &date, 4) } else { given };
    set_state(store, kind, id, "1", now);
    if let Some(row) = store.row_mut(kind, id) {
        row.set("ref", number);
    }
    show(store, kind, id)
}

/// Moves a document to a state.
pub(super) fn set_state(store: &mut Store, kind: Kind, id: u64, state: &str, now: i64) {
    if let Some(row) = store.row_mut(kind, id) {
        row.set("statut", state);
        row.tms = now;
    }
}

/// `POST /proposals/{id}/close`: no earlier state is checked.
pub(super) fn close_proposal(store: &mut Store, id: u64, body: &Value, now: i64) -> Reply {
    let state = text(body.get("status"));
    if !matches!(state.as_str(), "2" | "3") {
        return no(400, "Invalid value specified for `status`");
    }
    if store.row(Kind::Proposal, id).is_none() {
        return no(404, "Commercial Proposal not found");
    }
    set_state(store, Kind::Proposal, id, &state, now);
    show(store, Kind::Proposal, id)
}

/// `POST /orders/createfromproposal/{id}`: dated today, without `ref_ext`; each call makes another.
pub(super) fn order_of_proposal(store: &mut Store, id: u64, now: i64) -> Reply {
    let Some(proposal) = store.row(Kind::Proposal, id).cloned() else { return no(404, "Proposal not found") };
    let mut row = copy(store, &proposal, Kind::Order);
    row.set("date", store.settings.zones.day(now));
    if let Some(words) = store.taken(Kind::Order, 0, &row.options) {
        return no(405, &words);
    }
    let made = keep(store, Kind::Order, row, &Value::Null, now)?;
    store.link((Kind::Proposal, id), (Kind::Order, made));
    let mut shown = show(store, Kind::Order, made)?;
    shown["id"] = json!(made);
    shown["statut"] = Value::Null;
    Ok(shown)
}

/// A document of another type with the same party, texts, lines and extrafields of the same code.
pub(super) fn copy(store: &mut Store, from: &Row, kind: Kind) -> Row {
    let mut row = blank(kind);
    for name in [
        "socid",
        "ref_client",
        "note_public",
        "note_private",
        "cond_reglement_id",
        "mode_reglement_id",
        "multicurrency_code",
        "multicurrency_tx",
    ] {
        row.set(name, from.fields.get(name).cloned().unwrap_or_default());
    }
    row.options = store.options(kind, &json!({ "array_options": from.options }));
    row.lines = from.lines.clone();
    for line in &mut row.lines {
        let id = store.next_line();
        line.insert("id".to_owned(), json!(id));
        line.insert("rowid".to_owned(), json!(id));
    }
    row
}

/// `DELETE /{type}/{id}`: answered for every state, as observed.
pub(super) fn delete(store: &mut Store, kind: Kind, id: u64) -> Reply {
    if store.row(kind, id).is_none() {
        return no(404, &format!("{} not found", kind.noun()));
    }
    store.remove(kind, id);
    Ok(done(&format!("{} deleted", kind.noun())))
}
