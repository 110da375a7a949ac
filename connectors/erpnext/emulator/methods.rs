//! Remote calls: `/api/method/<path>`, and `cmd=<path>` at the root as the Python client sends it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::values::{Doc, set, text};
use super::{documents, mappers, query};

/// Runs a method; what it gives stands under `message`.
pub(super) fn run(site: &mut Site, method: &str, given: &Doc, now: Timestamp) -> Reply {
    let said = |name: &str| given.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let parsed = |name: &str| match given.get(name) {
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
        Some(other) => other.clone(),
        None => Value::Null,
    };
    let short = method.rsplit_once("frappe.client.").map_or(method, |(_, short)| short);
    match short {
        "ping" | "frappe.ping" => Ok(json!("pong")),
        "login" | "logout" => Ok(json!("Logged In")),
        "frappe.auth.get_logged_user" => Ok(json!(super::site::USER)),
        "frappe.utils.change_log.get_versions" => Ok(json!({
            "frappe": { "title": "Frappe Framework", "version": "15.55.1" },
            "erpnext": { "title": "ERPNext", "version": "15.90.0" },
        })),
        "get_time_zone" => Ok(json!({ "time_zone": site.settings.zone_name })),
        "get_count" => query::count(site, &said("doctype"), &parsed("filters")).map(|count| json!(count)),
        "get_value" => value(site, &said("doctype"), &parsed("fieldname"), &parsed("filters")),
        "get_list" => {
            let asked =
                super::asked(given.iter().map(|(name, value)| {
                    (name.clone(), value.as_str().map_or_else(|| value.to_string(), str::to_owned))
                }))?;
            query::list(site, &said("doctype"), &asked).map(Value::Array)
        }
        "get" => site.need(&said("doctype"), &said("name")).map(Value::Object),
        "insert" => inserted(site, &parsed("doc"), now),
        "insert_many" => insert_many(site, &parsed("docs"), now),
        "bulk_update" => bulk_update(site, &parsed("docs"), now),
        "set_value" => set_value(site, given, &parsed("fieldname"), now),
        "save" => {
            let doc = parsed("doc").as_object().cloned().unwrap_or_default();
            documents::update(site, text(&doc, "doctype"), text(&doc, "name"), &doc, now).map(Value::Object)
        }
        "submit" => submit(site, &parsed("doc"), now),
        "cancel" => {
            let body = json!({ "docstatus": 2 });
            let body = body.as_object().cloned().unwrap_or_default();
            documents::update(site, &said("doctype"), &said("name"), &body, now).map(Value::Object)
        }
        "delete" => documents::delete(site, &said("doctype"), &said("name"), now).map(|()| Value::Null),
        "rename_doc" => {
            rename(site, &said("doctype"), &said("old_name"), &said("new_name"), now).map(|name| json!(name))
        }
        "erpnext.selling.doctype.quotation.quotation.make_sales_order" => {
            mappers::sales_order(site, &said("source_name"), now)
        }
        "erpnext.selling.doctype.sales_order.sales_order.make_sales_invoice" => {
            mappers::sales_invoice(site, &said("source_name"))
        }
        "erpnext.accounts.doctype.sales_invoice.sales_invoice.make_sales_return" => {
            mappers::sales_return(site, &said("source_name"))
        }
        "erpnext.accounts.doctype.payment_entry.payment_entry.get_payment_entry" => {
            mappers::payment_entry(site, &said("dt"), &said("dn"), now)
        }
        _ => Err(Refusal::invalid(format!("Failed to get method for command {method}"))),
    }
}

fn inserted(site: &mut Site, doc: &Value, now: Timestamp) -> Reply {
    let doc = doc.as_object().cloned().unwrap_or_default();
    let doctype = text(&doc, "doctype").to_owned();
    documents::insert(site, &doctype, &doc, now).map(|saved| Value::Object(saved.doc))
}

/// All or none: one bad document keeps all others out.
fn insert_many(site: &mut Site, docs: &Value, now: Timestamp) -> Reply {
    let before = site.clone();
    let mut names = Vec::new();
    for doc in docs.as_array().into_iter().flatten() {
        match inserted(site, doc, now) {
            Ok(made) => names.push(made["name"].clone()),
            Err(refusal) => {
                *site = before;
                return Err(refusal);
            }
        }
    }
    Ok(json!(names))
}

fn bulk_update(site: &mut Site, docs: &Value, now: Timestamp) -> Reply {
    let mut failed = Vec::new();
    for doc in docs.as_array().into_iter().flatten().filter_map(Value::as_object) {
        let mut body = doc.clone();
        let (doctype, name) = (text(doc, "doctype").to_owned(), text(doc, "docname").to_owned());
        body.retain(|field, _| !matches!(field.as_str(), "doctype" | "docname"));
        if let Err(refusal) = documents::update(site, &doctype, &name, &body, now) {
            failed.push(
                json!({ "doc": doc, "exc": format!("frappe.exceptions.{}: {}", refusal.class, refusal.message) }),
            );
        }
    }
    Ok(json!({ "failed_docs": failed }))
}

fn value(site: &Site, doctype: &str, fields: &Value, filters: &Value) -> Reply {
    let fields: Vec<String> = match fields {
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Value::String(name) => vec![name.clone()],
        _ => vec!["name".to_owned()],
    };
    let filters = match filters {
        Value::String(name) => json!({ "name": name }),
        other => other.clone(),
    };
    let asked = query::Query { fields, filters, order_by: "name asc".to_owned(), limit: 1, ..Default::default() };
    Ok(query::list(site, doctype, &asked)?.pop().unwrap_or_else(|| json!({})))
}

fn set_value(site: &mut Site, given: &Doc, field: &Value, now: Timestamp) -> Reply {
    let body = match field {
        Value::Object(fields) => fields.clone(),
        Value::String(name) => Doc::from_iter([(name.clone(), given.get("value").cloned().unwrap_or(Value::Null))]),
        _ => Doc::new(),
    };
    documents::update(site, text(given, "doctype"), text(given, "name"), &body, now).map(Value::Object)
}

/// Takes the whole document with its current `modified`; with less it is stale.
fn submit(site: &mut Site, doc: &Value, now: Timestamp) -> Reply {
    let mut doc = doc.as_object().cloned().unwrap_or_default();
    if doc.is_empty() {
        return Err(
            Refusal::new(500, "TypeError", "").technical("submit() missing 1 required positional argument: 'doc'")
        );
    }
    if text(&doc, "modified").is_empty() {
        set(&mut doc, "modified", "None");
    }
    set(&mut doc, "docstatus", 1);
    let (doctype, name) = (text(&doc, "doctype").to_owned(), text(&doc, "name").to_owned());
    documents::update(site, &doctype, &name, &doc, now).map(Value::Object)
}

/// Gives a document another name, in everything that refers to it; a customer's own name changes too.
pub(super) fn rename(site: &mut Site, doctype: &str, old: &str, new: &str, now: Timestamp) -> Reply<String> {
    let mut doc = site.need(doctype, old)?;
    site.check_right(doctype, "write")?;
    if site.get(doctype, new).is_some() {
        return Err(Refusal::invalid(format!("{doctype} {new} already exists")));
    }
    site.docs.remove(&(doctype.to_owned(), super::values::folded(old)));
    set(&mut doc, "name", new);
    if doctype == "Customer" {
        set(&mut doc, "customer_name", new);
    }
    site.touch(doctype, doc, now);
    let field = if doctype == "Item" { "item_code" } else { "customer" };
    for other in site.docs.values_mut() {
        refer(other, field, old, new);
    }
    Ok(new.to_owned())
}

fn refer(doc: &mut Doc, field: &str, old: &str, new: &str) {
    for name in [field, "link_name", "party_name", "party"] {
        if text(doc, name) == old {
            set(doc, name, new);
        }
    }
    for row in doc.values_mut().filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut) {
        refer(row, field, old, new);
    }
}
