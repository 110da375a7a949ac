//! What people do on the site's own screens, as the kit's control commands; and the sample it starts with.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::values::{Doc, Rounding, amount, decimal, number, set, text};
use super::{accounts, documents, hooks, mappers, methods};

/// `{"settings": {..}, "docs": [{"doctype": .., ..}]}`, made in this order; `"submit": true` submits.
pub(super) fn seed(site: &mut Site, sample: &Value, now: Timestamp) -> Result<()> {
    settings(site, &sample["settings"])?;
    for doc in sample["docs"].as_array().into_iter().flatten() {
        let doctype = doc["doctype"].as_str().unwrap_or_default();
        create(site, doctype, doc, now).map_err(|error| error.with_kind(ErrorKind::Config))?;
    }
    site.events.clear();
    Ok(())
}

fn create(site: &mut Site, doctype: &str, fields: &Value, now: Timestamp) -> Result<String> {
    let Some(fields) = fields.as_object() else {
        return Err(Error::new(ErrorKind::Config, "an object of fields is missing").at("type", doctype));
    };
    let mut body = fields.clone();
    if doctype == "Contact" {
        quick_entry(&mut body);
    }
    let saved = documents::insert(site, doctype, &body, now).map_err(refused)?;
    let name = text(&saved.doc, "name").to_owned();
    if fields.get("submit") == Some(&json!(true)) {
        said(state(site, doctype, &name, 1, now))?;
    }
    Ok(name)
}

/// The short form for a new contact has one box for an address and one for each number.
fn quick_entry(body: &mut Doc) {
    for (box_, table, field, flag) in [
        ("email_id", "email_ids", "email_id", "is_primary"),
        ("phone", "phone_nos", "phone", "is_primary_phone"),
        ("mobile_no", "phone_nos", "phone", "is_primary_mobile_no"),
    ] {
        let Some(value) = body.get(box_).and_then(Value::as_str).map(str::to_owned) else { continue };
        let rows = body.entry(table).or_insert_with(|| json!([]));
        if let Some(rows) = rows.as_array_mut() {
            rows.push(json!({ field: value, flag: 1 }));
        }
    }
}

/// One command.
pub(super) fn control(site: &mut Site, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
    let (doctype, name) = (kind(arguments), arguments["id"].as_str().unwrap_or_default());
    match command {
        "create" => create(site, doctype, &arguments["fields"], now).map(|name| json!({ "id": name })),
        "edit" => {
            let body = arguments["fields"].as_object().cloned().unwrap_or_default();
            said(documents::update(site, doctype, name, &body, now))
        }
        "show" => said(site.need(doctype, name)),
        "delete" => documents::delete(site, doctype, name, now).map(|()| Value::Null).map_err(refused),
        "submit" => said(state(site, doctype, name, 1, now)),
        "cancel" => said(state(site, doctype, name, 2, now)),
        "rename" => {
            let to = arguments["to"].as_str().unwrap_or_default();
            methods::rename(site, doctype, name, to, now).map(|name| json!({ "id": name })).map_err(refused)
        }
        "invoice_order" => invoice_order(site, arguments, now),
        "pay" => pay(site, arguments, now),
        "credit_note" => credit_note(site, arguments, now),
        "nightly" => {
            accounts::nightly(site, now);
            Ok(Value::Null)
        }
        "deliveries" => Ok(json!({ "deliveries": hooks::deliveries(site, arguments) })),
        "settings" => settings(site, arguments).map(|()| Value::Null),
        _ => Err(Error::new(ErrorKind::Unsupported, format!("ERPNext's stand-in knows no command {command}")).at(
            "commands",
            "create, edit, show, delete, submit, cancel, rename, invoice_order, pay, credit_note, nightly, deliveries, settings",
        )),
    }
}

/// A document type, or what its list is called in small letters.
fn kind(arguments: &Value) -> &str {
    match arguments["type"].as_str().unwrap_or_default() {
        "customers" => "Customer",
        "contacts" => "Contact",
        "items" => "Item",
        "quotations" => "Quotation",
        "orders" => "Sales Order",
        "invoices" => "Sales Invoice",
        "payments" => "Payment Entry",
        other => other,
    }
}

fn state(site: &mut Site, doctype: &str, name: &str, docstatus: i64, now: Timestamp) -> Reply<Doc> {
    let body = json!({ "docstatus": docstatus });
    documents::update(site, doctype, name, &body.as_object().cloned().unwrap_or_default(), now)
}

/// `{"order": .., "share": "0.5", "date": .., "due_date": .., "draft": true}`: all of it, today, submitted by default.
fn invoice_order(site: &mut Site, arguments: &Value, now: Timestamp) -> Result<Value> {
    let order = arguments["order"].as_str().unwrap_or_default();
    let mut invoice = mappers::sales_invoice(site, order).map_err(refused)?;
    if arguments.get("share").is_some() {
        let share = decimal(arguments.get("share"));
        for row in invoice["items"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
            set(row, "qty", number((amount(row, "qty") * share).round_dp(3)));
        }
    }
    if let Some(date) = arguments["date"].as_str() {
        invoice["posting_date"] = json!(date);
        invoice["set_posting_time"] = json!(1);
    }
    if let Some(date) = arguments["due_date"].as_str() {
        invoice["due_date"] = json!(date);
    }
    let name = create(site, "Sales Invoice", &invoice, now)?;
    if arguments["draft"] == json!(true) {
        return said(site.need("Sales Invoice", &name));
    }
    said(state(site, "Sales Invoice", &name, 1, now))
}

/// `{"invoice": .., "amount": "100.00", "date": ..}`: all of it today by default.
fn pay(site: &mut Site, arguments: &Value, now: Timestamp) -> Result<Value> {
    let invoice = arguments["invoice"].as_str().unwrap_or_default();
    let mut payment = mappers::payment_entry(site, "Sales Invoice", invoice, now).map_err(refused)?;
    if arguments.get("amount").is_some_and(|amount| !amount.is_null()) {
        let part = number(decimal(arguments.get("amount")));
        for field in ["paid_amount", "received_amount"] {
            payment[field] = part.clone();
        }
        payment["references"][0]["allocated_amount"] = part;
    }
    if let Some(date) = arguments["date"].as_str() {
        payment["posting_date"] = json!(date);
        payment["reference_date"] = json!(date);
    }
    payment["reference_no"] = json!(arguments["number"].as_str().unwrap_or("VIR"));
    let name = create(site, "Payment Entry", &payment, now)?;
    said(state(site, "Payment Entry", &name, 1, now))
}

/// `{"invoice": .., "use": true}`: a credit note of all of it, taken off the invoice or kept for later.
fn credit_note(site: &mut Site, arguments: &Value, now: Timestamp) -> Result<Value> {
    let invoice = arguments["invoice"].as_str().unwrap_or_default();
    let mut note = mappers::sales_return(site, invoice).map_err(refused)?;
    note["update_outstanding_for_self"] = json!(i64::from(arguments["use"] == json!(false)));
    let name = create(site, "Sales Invoice", &note, now)?;
    said(state(site, "Sales Invoice", &name, 1, now))
}

fn settings(site: &mut Site, wanted: &Value) -> Result<()> {
    for (name, value) in wanted.as_object().into_iter().flatten() {
        let settings = &mut site.settings;
        let word = value.as_str().unwrap_or_default();
        let unknown = || Error::new(ErrorKind::Config, "the stand-in knows no such setting").at("setting", name);
        match name.as_str() {
            "time_zone" => {
                settings.zone = TimeZone::get(word).map_err(|_| unknown())?;
                word.clone_into(&mut settings.zone_name);
            }
            "rounding_method" => {
                settings.rounding = match word {
                    "Banker's Rounding" => Rounding::Bankers,
                    "Commercial Rounding" => Rounding::Commercial,
                    _ => return Err(unknown()),
                }
            }
            "rate_places" => settings.rate_places = value.as_u64().unwrap_or(2) as u32,
            "round_row_wise_tax" => settings.round_row_wise_tax = value == &json!(true),
            "company" => settings.company = value.as_str().map(str::to_owned),
            "denied" => {
                let rights = value.as_array().into_iter().flatten().filter_map(Value::as_str);
                settings.denied = rights.map(str::to_owned).collect();
            }
            _ => return Err(unknown()),
        }
    }
    debug_assert!(site.settings.rate_places <= Decimal::MAX_SCALE);
    Ok(())
}

fn said(reply: Reply<Doc>) -> Result<Value> {
    reply.map(Value::Object).map_err(refused)
}

fn refused(refusal: Refusal) -> Error {
    Error::new(ErrorKind::Rejected, "ERPNext's screens refuse this")
        .at("class", refusal.class)
        .at("answer", refusal.message)
}
