//! What every document type refuses: missing and unknown values, twins, changes after submission, taking away what is used.

use serde_json::Value;

use super::meta::{self, Meta};
use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::values::{Doc, folded, int, rows, text};

/// What every type refuses: missing values, values outside a list, links to nothing.
pub(super) fn valid(site: &Site, meta: &Meta, doc: &Doc) -> Reply<()> {
    one_valid(site, meta, &meta.name, doc, "")?;
    for field in meta.fields.iter().filter_map(|field| field.rows.as_ref().map(|rows| (field, rows))) {
        let Some(of) = meta::of(field.1) else { continue };
        for (place, row) in rows(doc, &field.0.name).enumerate() {
            one_valid(site, of, &meta.name, row, &format!("Row #{}: ", place + 1))?;
        }
    }
    Ok(())
}

fn one_valid(site: &Site, meta: &Meta, doctype: &str, doc: &Doc, row: &str) -> Reply<()> {
    for field in site.fields(&meta.name) {
        let value = doc.get(&field.name).filter(|value| !value.is_null());
        if field.required && value.is_none() {
            let message = format!("Error: {row}Value missing for {doctype}: {}", field.label());
            return Err(Refusal::new(417, "MandatoryError", message).technical(format!(
                "[{doctype}, {}]: {}",
                text(doc, "name"),
                field.name
            )));
        }
        let Some(value) = value.and_then(Value::as_str) else { continue };
        if field.kind == "Select" && !field.options.is_empty() && !field.options.iter().any(|option| option == value) {
            let options: Vec<String> = field.options.iter().map(|option| format!("\"{option}\"")).collect();
            let message =
                format!("{row}{} cannot be \"{value}\". It should be one of {}", field.label(), options.join(", "));
            return Err(Refusal::invalid(message));
        }
        if let Some(link) = field.link.as_deref().filter(|link| *link != "DocType")
            && site.get(link, value).is_none()
        {
            return Err(Refusal::new(
                417,
                "LinkValidationError",
                format!("Could not find {row}{}: {value}", field.label()),
            ));
        }
    }
    Ok(())
}

pub(super) fn unique(site: &Site, doctype: &str, doc: &Doc) -> Reply<()> {
    for field in site.fields(doctype).iter().filter(|field| field.unique) {
        let Some(value) = doc.get(&field.name).and_then(Value::as_str) else { continue };
        let same = |other: &&Doc| {
            folded(text(other, &field.name)) == folded(value) && text(other, "name") != text(doc, "name")
        };
        if site.all(doctype).any(|other| same(&other)) {
            let technical = format!(
                "('{doctype}', '{}', IntegrityError(1062, \"Duplicate entry '{value}' for key '{}'\"))",
                text(doc, "name"),
                field.name
            );
            let custom = site.all("Custom Field").find(|custom| text(custom, "fieldname") == field.name);
            let label = custom.map(|custom| text(custom, "label").to_owned()).unwrap_or_else(|| field.label());
            return Err(
                Refusal::new(417, "UniqueValidationError", format!("{label} must be unique")).technical(technical)
            );
        }
    }
    Ok(())
}

/// Refuses a change of a submitted document in a field that is locked.
pub(super) fn locked(site: &Site, doctype: &str, old: &Doc, new: &Doc) -> Reply<()> {
    for field in site.fields(doctype).iter().filter(|field| !field.after_submit && field.name != "docstatus") {
        let same = if let Some(of) = &field.rows {
            let own: Vec<String> = site.fields(of).into_iter().map(|field| field.name).collect();
            let plain = |doc: &Doc| -> Vec<Vec<Value>> {
                let values = |row: &Doc| own.iter().map(|name| row.get(name).cloned().unwrap_or_default()).collect();
                rows(doc, &field.name).map(values).collect()
            };
            plain(old) == plain(new)
        } else {
            old.get(&field.name) == new.get(&field.name)
        };
        if !same {
            let shown = |doc: &Doc| match doc.get(&field.name) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Array(_)) | None => String::new(),
                Some(other) => other.to_string(),
            };
            let message = format!(
                " Not allowed to change <strong>{}</strong> after submission from <strong>{}</strong> to <strong>{}</strong>",
                field.label(),
                shown(old),
                shown(new)
            );
            return Err(Refusal::new(417, "UpdateAfterSubmitError", message).titled("Cannot Update After Submit"));
        }
    }
    Ok(())
}

/// Refuses to take away what a document in use refers to.
pub(super) fn linked(site: &Site, doctype: &str, doc: &Doc, counts: impl Fn(&str) -> bool) -> Reply<()> {
    let name = text(doc, "name");
    for (other, table, field) in [
        ("Sales Invoice", "items", "sales_order"),
        ("Sales Order", "items", "prevdoc_docname"),
        ("Sales Order", "", "customer"),
        ("Sales Invoice", "", "customer"),
        ("Sales Invoice", "", "return_against"),
        ("Sales Order", "items", "item_code"),
        ("Payment Entry", "references", "reference_name"),
        ("Contact", "links", "link_name"),
    ] {
        let of = match field {
            "sales_order" => "Sales Order",
            "prevdoc_docname" => "Quotation",
            "customer" | "link_name" => "Customer",
            "item_code" => "Item",
            _ => "Sales Invoice",
        };
        if of != doctype || !counts(other) {
            continue;
        }
        let refers = |one: &&Doc| {
            int(one, "docstatus") < 2
                && if table.is_empty() {
                    text(one, field) == name
                } else {
                    rows(one, table).any(|row| text(row, field) == name)
                }
        };
        if let Some(one) = site.all(other).find(refers) {
            let link = |kind: &str, name: &str| format!("{kind} <a href=\"/app/Form/{kind}/{name}\">{name}</a>");
            let message = format!(
                "Cannot delete or cancel because {} is linked with {} ",
                link(doctype, name),
                link(other, text(one, "name"))
            );
            return Err(Refusal::new(417, "LinkExistsError", message));
        }
    }
    Ok(())
}
