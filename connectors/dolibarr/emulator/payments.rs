//! Payments: of what remains, or of parts; only the first and the closing one move the invoice's time.

use passerelle_core::http::Response;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::{Reply, no, refuse};
use super::money::{rest, settled};
use super::store::{Kind, Payment, Store};
use super::trade::set_state;
use super::values::{amount, day, decimal, text};

/// What a payment says besides its amounts.
struct Paying {
    day: String,
    kind: &'static str,
    closes: bool,
    number: String,
    outer: Value,
}

/// `POST /invoices/{id}/payments`: everything that remains.
pub(super) fn pay_rest(store: &mut Store, id: u64, body: &Value, now: i64) -> Reply {
    let paying = read(store, body)?;
    let left = rest(store, id);
    pay(store, &[(id, left)], &paying, now)
}

/// `POST /invoices/paymentsdistributed`: a part, or several invoices at once.
pub(super) fn pay_parts(store: &mut Store, body: &Value, now: i64) -> Reply {
    let paying = read(store, body)?;
    let mut parts = Vec::new();
    for (id, part) in body.get("arrayofamounts").and_then(Value::as_object).into_iter().flatten() {
        // The short form `{"17":"500"}` breaks the server.
        let (Ok(id), Some(part)) = (id.parse(), part.as_object()) else { return Err(Response::empty(500)) };
        let asked = text(part.get("amount"));
        let part = if asked == "remain" { rest(store, id) } else { decimal(Some(&json!(asked))) };
        parts.push((id, part));
    }
    pay(store, &parts, &paying, now)
}

fn read(store: &Store, body: &Value) -> Result<Paying, Response> {
    for name in ["datepaye", "paymentid", "closepaidinvoices", "accountid"] {
        if text(body.get(name)).is_empty() {
            return Err(refuse(400, &format!("{name} field missing"), None));
        }
    }
    Ok(Paying {
        day: day(body.get("datepaye"), &store.settings.zones).unwrap_or_default(),
        kind: match text(body.get("paymentid")).as_str() {
            "3" => "PRE",
            "4" => "LIQ",
            "6" => "CB",
            "7" => "CHQ",
            _ => "VIR",
        },
        closes: text(body.get("closepaidinvoices")) == "yes",
        number: text(body.get("num_payment")),
        outer: body.get("ref_ext").cloned().unwrap_or_default(),
    })
}

fn pay(store: &mut Store, parts: &[(u64, Decimal)], paying: &Paying, now: i64) -> Reply {
    for (id, part) in parts {
        if store.row(Kind::Invoice, *id).is_none() {
            return no(404, "Invoice not found");
        }
        let left = rest(store, *id);
        if part.is_zero() {
            return no(400, "TotalAmountEmpty");
        }
        if *part > left && left >= Decimal::ZERO {
            return no(
                400,
                &format!("Payment amount on invoice ID {id} is higher than remain to pay ({})", left.normalize()),
            );
        }
    }
    let reference = store.number("PAY", &paying.day, 4);
    for (id, part) in parts {
        let is_first = settled(store, *id).0.is_zero();
        let line = store.payments.len() + 1;
        let shown = json!({
            "amount": amount(*part), "type": paying.kind, "typeline": "payment", "date": format!("{} 00:00:00", paying.day),
            "num": paying.number, "ref": reference, "ref_ext": paying.outer, "fk_bank_line": line.to_string(),
        });
        store.payments.push(Payment { invoice: *id, amount: *part, shown });
        let is_last = rest(store, *id).is_zero();
        if is_last && paying.closes {
            if let Some(row) = store.row_mut(Kind::Invoice, *id) {
                row.set("paye", "1");
            }
            set_state(store, Kind::Invoice, *id, "2", now);
        } else if let Some(row) = store.row_mut(Kind::Invoice, *id).filter(|_| is_first) {
            row.tms = now;
        }
    }
    Ok(json!(store.payments.len()))
}

/// `GET /invoices/{id}/payments`: payments, then credits that were used.
pub(super) fn list(store: &Store, id: u64) -> Reply {
    if store.row(Kind::Invoice, id).is_none() {
        return no(404, "Invoice not found");
    }
    let payments = store.payments.iter().filter(|payment| payment.invoice == id).map(|payment| payment.shown.clone());
    let credits = store.discounts.iter().filter(|discount| discount.used_on == Some(id)).map(|discount| {
        let note = store.row(Kind::Invoice, discount.credit_note);
        json!({
            "amount": amount(discount.amount), "type": "(CREDIT_NOTE)", "typeline": "discount",
            "date": note.map(|row| format!("{} 00:00:00", row.text("date"))), "num": "",
            "ref": note.map(|row| row.text("ref")), "ref_ext": null,
        })
    });
    Ok(payments.chain(credits).collect())
}
