//! Invoices: made directly or from an order, validated, closed; credit notes that become discounts.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::{Reply, done, failed, no, refuse, unchanged};
use super::money::{rest, settled, sum};
use super::store::{Discount, Kind, Row, Store};
use super::trade::{copy, header, keep, set_state, show};
use super::values::{day, decimal, text};
use super::zones::later;

/// `POST /invoices`: the id; the date is today unless sent, the due date follows the payment terms.
pub(super) fn create(store: &mut Store, body: &Value, now: i64) -> Reply {
    if text(body.get("socid")).is_empty() {
        return no(400, "socid field missing");
    }
    let mut row = header(store, Kind::Invoice, body)?;
    let today = store.settings.zones.day(now);
    let date = day(body.get("date"), &store.settings.zones).unwrap_or(today);
    date_it(&mut row, &date);
    let kind = text(body.get("type"));
    row.set("type", if kind.is_empty() { "0" } else { &kind });
    row.set("fk_facture_source", body.get("fk_facture_source").map_or(Value::Null, super::values::stored));
    let id = keep(store, Kind::Invoice, row, body, now)?;
    if let Ok(order) = text(body.get("linked_objects").and_then(|links| links.get("commande"))).parse() {
        store.link((Kind::Order, order), (Kind::Invoice, id));
    }
    Ok(json!(id))
}

/// Sets the date and the due date: 30 days for terms 2 (30D), at once otherwise.
pub(super) fn date_it(row: &mut Row, date: &str) {
    let days = if row.text("cond_reglement_id") == "2" { 30 } else { 0 };
    row.set("date_lim_reglement", later(date, days));
    row.set("date", date);
}

/// `POST /invoices/createfromorder/{id}`: each call makes another.
pub(super) fn from_order(store: &mut Store, order: u64, now: i64) -> Reply {
    let date = store.settings.zones.day(now);
    let id = share_of_order(store, order, Decimal::ONE, &date, now)?;
    let mut shown = show(store, Kind::Invoice, id)?;
    shown["id"] = json!(id);
    Ok(shown)
}

/// An invoice for a share of an order's quantities, linked to it.
pub(super) fn share_of_order(
    store: &mut Store,
    order: u64,
    share: Decimal,
    date: &str,
    now: i64,
) -> Result<u64, passerelle_core::http::Response> {
    let Some(from) = store.row(Kind::Order, order).cloned() else {
        return Err(refuse(404, "Order not found", None));
    };
    let mut row = copy(store, &from, Kind::Invoice);
    if let Some(words) = store.taken(Kind::Invoice, 0, &row.options) {
        return Err(refuse(405, &words, None));
    }
    date_it(&mut row, date);
    let rate = decimal(row.fields.get("multicurrency_tx"));
    for line in std::mem::take(&mut row.lines) {
        let mut body = Value::Object(line);
        body["qty"] = json!((decimal(body.get("qty")) * share).normalize().to_string());
        body["id_kept"] = body["id"].clone();
        row.lines.push(super::money::line(store, Kind::Invoice, &body, rate));
    }
    sum(&mut row, store.settings.vat_of_total);
    let id = keep(store, Kind::Invoice, row, &Value::Null, now)?;
    store.link((Kind::Order, order), (Kind::Invoice, id));
    Ok(id)
}

/// `POST /invoices/{id}/validate`: the number takes its month from the invoice's date.
pub(super) fn validate(store: &mut Store, id: u64, now: i64) -> Reply {
    let Some(row) = store.row(Kind::Invoice, id) else { return no(404, "Invoice not found") };
    if row.text("statut") != "0" {
        return unchanged();
    }
    if row.lines.is_empty() {
        return failed("", "An invoice must have lines to be validated");
    }
    let prefix = if row.text("type") == "2" { "AV" } else { "FA" };
    let (given, date) = (row.text("ref").to_owned(), row.text("date").to_owned());
    let number = if given.starts_with('(') { store.number(prefix, &date, 4) } else { given };
    let today = store.settings.zones.day(now);
    set_state(store, Kind::Invoice, id, "1", now);
    if let Some(row) = store.row_mut(Kind::Invoice, id) {
        row.set("ref", number);
        row.set("date_validation", today);
    }
    show(store, Kind::Invoice, id)
}

/// `POST /invoices/{id}/settopaid`: with a `close_code` it is closed short.
pub(super) fn set_paid(store: &mut Store, id: u64, body: &Value, now: i64) -> Reply {
    let Some(row) = store.row_mut(Kind::Invoice, id) else { return no(404, "Invoice not found") };
    if row.text("statut") == "2" {
        return unchanged();
    }
    let code = text(body.get("close_code"));
    row.set("paye", if code.is_empty() { "1" } else { "0" });
    if !code.is_empty() {
        row.set("close_code", code);
    }
    set_state(store, Kind::Invoice, id, "2", now);
    show(store, Kind::Invoice, id)
}

/// `POST /invoices/{id}/settounpaid`: reopens; payments stay.
pub(super) fn set_unpaid(store: &mut Store, id: u64, now: i64) -> Reply {
    let Some(row) = store.row_mut(Kind::Invoice, id) else { return no(404, "Invoice not found") };
    row.set("paye", "0");
    row.set("close_code", Value::Null);
    set_state(store, Kind::Invoice, id, "1", now);
    show(store, Kind::Invoice, id)
}

/// `DELETE /invoices/{id}`: drafts, and the last number of its series while nothing is paid.
pub(super) fn delete(store: &mut Store, id: u64) -> Reply {
    let Some(row) = store.row(Kind::Invoice, id) else { return no(404, "Invoice not found") };
    let number = row.text("ref").to_owned();
    let last =
        store.all(Kind::Invoice).map(|row| row.text("ref")).filter(|other| other.get(..6) == number.get(..6)).max();
    let erasable = row.text("statut") == "0" || last == Some(&number) && settled(store, id).0.is_zero();
    if !erasable {
        return no(403, "Invoice not erasable");
    }
    store.remove(Kind::Invoice, id);
    Ok(done("Invoice deleted"))
}

/// `POST /invoices/{id}/markAsCreditAvailable`: a validated credit note becomes a discount of its customer.
pub(super) fn mark_available(store: &mut Store, id: u64, now: i64) -> Reply {
    let Some(row) = store.row(Kind::Invoice, id) else { return no(404, "Invoice not found") };
    if row.text("type") != "2" || row.text("statut") != "1" {
        return failed("", "Could not convert to a credit");
    }
    let (party, amount) = (row.text("socid").to_owned(), -decimal(row.fields.get("total_ttc")));
    let number = store.discounts.len() as u64 + 1;
    store.discounts.push(Discount { id: number, party, credit_note: id, amount, used_on: None });
    if let Some(row) = store.row_mut(Kind::Invoice, id) {
        row.set("paye", "1");
    }
    set_state(store, Kind::Invoice, id, "2", now);
    show(store, Kind::Invoice, id)
}

/// `GET /invoices/{id}/discount`.
pub(super) fn discount(store: &Store, id: u64) -> Reply {
    match store.discounts.iter().find(|discount| discount.credit_note == id) {
        Some(discount) => Ok(json!({ "id": discount.id.to_string() })),
        None => no(404, "Discount not found"),
    }
}

/// `POST /invoices/{id}/usecreditnote/{discount}`: what is left falls; the row's time does not move.
pub(super) fn use_credit(store: &mut Store, id: u64, discount: u64) -> Reply {
    if store.row(Kind::Invoice, id).is_none() {
        return no(404, "Invoice not found");
    }
    let left = rest(store, id);
    let Some(found) = store.discounts.iter_mut().find(|one| one.id == discount && one.used_on.is_none()) else {
        return no(404, "Credit not found");
    };
    if found.amount > left {
        return failed("", "The discount is higher than the remain to pay");
    }
    found.used_on = Some(id);
    Ok(json!(1))
}

/// `GET /thirdparties/{id}/fixedamountdiscounts`.
pub(super) fn discounts(store: &Store, party: u64, filter: &str) -> Reply {
    let wanted = |discount: &&Discount| {
        discount.party == party.to_string()
            && match filter {
                "available" => discount.used_on.is_none(),
                "used" => discount.used_on.is_some(),
                _ => true,
            }
    };
    let shown = store.discounts.iter().filter(wanted).map(|discount| {
        let note = store.row(Kind::Invoice, discount.credit_note);
        let total = |name: &str| note.map(|row| super::values::amount(-decimal(row.fields.get(name))));
        json!({
            "ref": note.map(|row| row.text("ref")), "factype": "2", "fk_facture_source": discount.credit_note.to_string(),
            "rowid": discount.id.to_string(), "amount_ht": total("total_ht"), "amount_tva": total("total_tva"),
            "amount_ttc": total("total_ttc"), "description": "(CREDIT_NOTE)",
            "fk_facture": discount.used_on.map(|id| id.to_string()), "fk_facture_line": null,
        })
    });
    Ok(shown.collect())
}
