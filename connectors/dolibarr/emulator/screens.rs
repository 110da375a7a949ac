//! What people do on Dolibarr's own screens, as the kit's control commands; and the sample it starts with.

use std::collections::BTreeMap;

use passerelle_core::http::Response;
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::Reply;
use super::store::{Kind, Store};
use super::values::{day, decimal, text};
use super::zones::zone;
use super::{countries, invoices, parties, payments, trade};

/// `{"settings": {..}, "thirdparties": [{..}], "contacts": [..], "products": [..], "orders": [{.., "validate": true}]}` with native
/// fields; ids count from 1 in the order given.
pub(super) fn seed(store: &mut Store, sample: &Value, now: i64) -> Result<()> {
    settings(store, &sample["settings"])?;
    for kind in [Kind::Party, Kind::Contact, Kind::Product, Kind::Proposal, Kind::Order] {
        for fields in sample.get(kind.route()).and_then(Value::as_array).into_iter().flatten() {
            make(store, kind, fields, now).map_err(|error| error.with_kind(ErrorKind::Config))?;
        }
    }
    Ok(())
}

fn make(store: &mut Store, kind: Kind, fields: &Value, now: i64) -> Result<u64> {
    if !fields.is_object() {
        return Err(Error::new(ErrorKind::Config, "an object of native fields is missing").at("type", kind.route()));
    }
    let mut body = fields.clone();
    if let Some(country) = fields.get("country_code").and_then(Value::as_str).and_then(countries::by_code) {
        body["country_id"] = country["id"].clone();
    }
    if matches!(kind, Kind::Proposal | Kind::Order) && body.get("date").is_none() {
        body["date"] = json!(store.settings.zones.day(now));
    }
    let made = match kind {
        Kind::Party | Kind::Contact | Kind::Product => parties::create(store, kind, &body, now),
        Kind::Invoice => invoices::create(store, &body, now),
        Kind::Proposal | Kind::Order => trade::create(store, kind, &body, now),
    };
    let id = said(made)?.as_u64().unwrap_or_default();
    if fields.get("validate") == Some(&json!(true)) {
        said(trade::validate(store, kind, id, now))?;
    }
    Ok(id)
}

/// One command.
pub(super) fn control(store: &mut Store, command: &str, arguments: &Value, now: i64) -> Result<Value> {
    match command {
        "create" => {
            let kind = kind(arguments)?;
            Ok(json!({ "id": make(store, kind, &arguments["fields"], now)?.to_string() }))
        }
        "edit" => said(edit(store, kind(arguments)?, id(arguments, "id")?, &arguments["fields"], now)),
        "delete" => {
            let (kind, id) = (kind(arguments)?, id(arguments, "id")?);
            said(match kind {
                Kind::Party | Kind::Contact | Kind::Product => parties::delete(store, kind, id),
                Kind::Invoice => invoices::delete(store, id),
                Kind::Proposal | Kind::Order => trade::delete(store, kind, id),
            })
        }
        "validate_order" => said(trade::validate(store, Kind::Order, id(arguments, "order")?, now)),
        "invoice_order" => invoice_order(store, arguments, now),
        "pay" => pay(store, arguments, now),
        "credit_note" => credit_note(store, arguments, now),
        "close_short" => {
            let body = json!({ "close_code": text(arguments.get("code")) });
            said(invoices::set_paid(store, id(arguments, "invoice")?, &body, now))
        }
        "abandon" => {
            trade::set_state(store, Kind::Invoice, id(arguments, "invoice")?, "3", now);
            Ok(Value::Null)
        }
        "settings" => settings(store, arguments),
        _ => Err(Error::new(ErrorKind::Unsupported, format!("Dolibarr's stand-in knows no command {command}")).at(
            "commands",
            "create, edit, delete, validate_order, invoice_order, pay, credit_note, close_short, abandon, settings",
        )),
    }
}

fn edit(store: &mut Store, kind: Kind, id: u64, fields: &Value, now: i64) -> Reply {
    match kind {
        Kind::Party | Kind::Contact | Kind::Product => parties::change(store, kind, id, fields, now),
        _ => trade::change(store, kind, id, fields, now),
    }
}

/// `{"order": 1, "share": "0.5", "date": "2026-11-24", "draft": true}`: all of it, today, validated by default.
fn invoice_order(store: &mut Store, arguments: &Value, now: i64) -> Result<Value> {
    let share = if arguments.get("share").is_some() { decimal(arguments.get("share")) } else { Decimal::ONE };
    let today = store.settings.zones.day(now);
    let date = day(arguments.get("date"), &store.settings.zones).unwrap_or(today);
    let invoice = invoices::share_of_order(store, id(arguments, "order")?, share, &date, now).map_err(refused)?;
    if arguments.get("draft") != Some(&json!(true)) {
        said(invoices::validate(store, invoice, now))?;
    }
    shown(store, invoice)
}

/// `{"invoice": 1, "amount": "100.00" or "remain", "date": "2026-11-24", "close": false}`: all of it today, closing.
fn pay(store: &mut Store, arguments: &Value, now: i64) -> Result<Value> {
    let invoice = id(arguments, "invoice")?;
    let amount = text(arguments.get("amount").filter(|amount| !amount.is_null()));
    let amount = if amount.is_empty() { "remain" } else { &amount };
    let date = day(arguments.get("date"), &store.settings.zones).unwrap_or_else(|| store.settings.zones.day(now));
    let closes = if arguments.get("close") == Some(&json!(false)) { "no" } else { "yes" };
    let body = json!({
        "arrayofamounts": { invoice.to_string(): { "amount": amount, "multicurrency_amount": "" } },
        "datepaye": date, "paymentid": 2, "closepaidinvoices": closes, "accountid": 1,
        "num_payment": text(arguments.get("number")),
    });
    said(payments::pay_parts(store, &body, now))?;
    shown(store, invoice)
}

/// `{"invoice": 1, "share": "0.5", "use": false}`: a credit note of all of it, used on the invoice at once by default.
fn credit_note(store: &mut Store, arguments: &Value, now: i64) -> Result<Value> {
    let source = id(arguments, "invoice")?;
    let share = if arguments.get("share").is_some() { decimal(arguments.get("share")) } else { Decimal::ONE };
    let Some(invoice) = store.row(Kind::Invoice, source).cloned() else {
        return Err(Error::new(ErrorKind::Rejected, "there is no such invoice").at("invoice", source));
    };
    let lines: Vec<Value> = invoice
        .lines
        .iter()
        .map(|line| {
            let mut line = Value::Object(line.clone());
            line["qty"] = json!((decimal(line.get("qty")) * share).normalize().to_string());
            line["subprice"] = json!((-decimal(line.get("subprice"))).to_string());
            line
        })
        .collect();
    let body = json!({
        "socid": invoice.text("socid"), "type": 2, "fk_facture_source": source, "lines": lines,
        "multicurrency_code": invoice.text("multicurrency_code"), "multicurrency_tx": invoice.text("multicurrency_tx"),
    });
    let note = said(invoices::create(store, &body, now))?.as_u64().unwrap_or_default();
    said(invoices::validate(store, note, now))?;
    if arguments.get("use") != Some(&json!(false)) {
        said(invoices::mark_available(store, note, now))?;
        let discount = store.discounts.last().map(|discount| discount.id).unwrap_or_default();
        said(invoices::use_credit(store, source, discount))?;
    }
    shown(store, note)
}

fn shown(store: &Store, invoice: u64) -> Result<Value> {
    let row = store.row(Kind::Invoice, invoice);
    Ok(json!({ "invoice": invoice.to_string(), "ref": row.map(|row| row.text("ref")) }))
}

/// `{"database_zone", "php_zone", "vat_of_total", "rates": {"USD": "1.1"} or null, "denied": [..], "off": [..]}`.
fn settings(store: &mut Store, arguments: &Value) -> Result<Value> {
    let words =
        |value: &Value| -> Vec<String> { value.as_array().into_iter().flatten().map(|one| text(Some(one))).collect() };
    for (name, value) in arguments.as_object().into_iter().flatten() {
        let settings = &mut store.settings;
        let unknown = || Error::new(ErrorKind::Config, "the stand-in knows no such setting").at("setting", name);
        match name.as_str() {
            "database_zone" => settings.zones.database = zone(&text(Some(value))).ok_or_else(unknown)?,
            "php_zone" => settings.zones.php = zone(&text(Some(value))).ok_or_else(unknown)?,
            "vat_of_total" => settings.vat_of_total = value == &json!(true),
            "rates" => {
                let rates = |rates: &super::store::Fields| -> BTreeMap<String, String> {
                    rates.iter().map(|(code, rate)| (code.clone(), text(Some(rate)))).collect()
                };
                settings.rates = value.as_object().map(rates);
            }
            "denied" => settings.denied = words(value),
            "off" => settings.off = words(value),
            _ => return Err(unknown()),
        }
    }
    Ok(Value::Null)
}

fn kind(arguments: &Value) -> Result<Kind> {
    let name = text(arguments.get("type"));
    Kind::of_element(&name).ok_or_else(|| Error::new(ErrorKind::Config, "there is no such type").at("type", name))
}

fn id(arguments: &Value, name: &'static str) -> Result<u64> {
    let value = text(arguments.get(name));
    value.parse().map_err(|_| Error::new(ErrorKind::Config, "an id is missing").at(name, value))
}

fn said(reply: Reply) -> Result<Value> {
    reply.map_err(refused)
}

fn refused(response: Response) -> Error {
    Error::new(ErrorKind::Rejected, "Dolibarr's screens refuse this").at("answer", response.excerpt())
}
