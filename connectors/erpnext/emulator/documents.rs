//! A document's life: inserted, changed, submitted, cancelled, amended, deleted.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::meta::{self, Meta, Naming};
use super::refusal::{Refusal, Reply};
use super::site::{Site, USER};
use super::values::{Doc, cast, folded, int, rows, set, text};
use super::{accounts, parties, selling};

/// A saved document, and what the site says about it.
#[derive(Debug)]
pub(super) struct Saved {
    pub doc: Doc,
    pub notice: Option<String>,
}

/// Makes a document.
pub(super) fn insert(site: &mut Site, doctype: &str, body: &Doc, now: Timestamp) -> Reply<Saved> {
    let meta = known(doctype)?;
    site.check_right(doctype, "create")?;
    if body.get("items").and_then(Value::as_array).is_some_and(Vec::is_empty) && meta.submittable {
        let technical = "unsupported operand type(s) for +=: 'NoneType' and 'float'";
        return Err(Refusal::new(500, "TypeError", "").technical(technical));
    }
    let stamp = site.stamp(now);
    let mut doc = shaped(site, doctype, &Doc::new(), body, &stamp)?;
    for field in site.fields(doctype) {
        if let (Some(default), None) = (&field.default, doc.get(&field.name)) {
            doc.insert(field.name.clone(), cast(&field, &json!(default)));
        }
    }
    let docstatus = if meta.submittable { int(body, "docstatus") } else { 0 };
    if docstatus > 1 {
        return Err(Refusal::invalid("Cannot create a cancelled document"));
    }
    set(&mut doc, "docstatus", docstatus);
    validate(site, doctype, &mut doc, None, now)?;
    valid(site, meta, &doc)?;
    let (name, notice) = named(site, meta, &doc, body, now)?;
    let mut whole = Doc::new();
    for (field, value) in [
        ("name", json!(name)),
        ("owner", json!(USER)),
        ("creation", json!(stamp)),
        ("modified", json!(stamp)),
        ("modified_by", json!(USER)),
        ("docstatus", json!(docstatus)),
        ("idx", json!(0)),
    ] {
        set(&mut whole, field, value);
    }
    whole.extend(doc.into_iter().filter(|(field, _)| !meta::STANDARD.contains(&field.as_str())));
    unique(site, doctype, &whole)?;
    parented(site, doctype, &mut whole);
    site.put(doctype, whole.clone());
    site.happened(doctype, "after_insert", &whole);
    site.happened(doctype, "on_update", &whole);
    if docstatus == 1 {
        submitted(site, doctype, &name, selling::How::WithInsert, now)?;
    }
    Ok(Saved { doc: site.need(doctype, &name)?, notice })
}

/// Changes a document: the named fields, and its state where `docstatus` says so.
pub(super) fn update(site: &mut Site, doctype: &str, name: &str, body: &Doc, now: Timestamp) -> Reply<Doc> {
    let meta = known(doctype)?;
    // The body's `name` wins over the address (observed).
    let name = body.get("name").and_then(Value::as_str).unwrap_or(name);
    let old = site.need(doctype, name)?;
    site.check_right(doctype, "write")?;
    if let Some(seen) = body.get("modified").and_then(Value::as_str)
        && seen != text(&old, "modified")
    {
        let message = format!(
            "Error: Document has been modified after you have opened it ({}, {seen}). Please refresh to get the latest document.",
            text(&old, "modified")
        );
        return Err(Refusal::new(417, "TimestampMismatchError", message));
    }
    let from = int(&old, "docstatus");
    let to = if meta.submittable && body.contains_key("docstatus") { int(body, "docstatus") } else { from };
    transition(from, to)?;
    let stamp = site.stamp(now);
    let mut doc = shaped(site, doctype, &old, body, &stamp)?;
    set(&mut doc, "docstatus", to);
    if to == 2 {
        return cancel(site, doctype, &old, now);
    }
    if from == 1 {
        locked(site, doctype, &old, &doc)?;
    } else {
        validate(site, doctype, &mut doc, Some(&old), now)?;
    }
    valid(site, meta, &doc)?;
    set(&mut doc, "modified", stamp.clone());
    set(&mut doc, "modified_by", USER);
    unique(site, doctype, &doc)?;
    parented(site, doctype, &mut doc);
    site.put(doctype, doc.clone());
    site.happened(doctype, "on_update", &doc);
    match (from, to) {
        (0, 1) => submitted(site, doctype, name, selling::How::Afterwards, now)?,
        (1, 1) => site.happened(doctype, "on_change", &doc),
        _ => {}
    }
    site.need(doctype, name)
}

/// Deletes a document that nothing refers to.
pub(super) fn delete(site: &mut Site, doctype: &str, name: &str, now: Timestamp) -> Reply<()> {
    let doc = site.need(doctype, name)?;
    site.check_right(doctype, "delete")?;
    if int(&doc, "docstatus") == 1 {
        return Err(Refusal::invalid(format!(
            "{doctype} {}: Submitted Record cannot be deleted. You must Cancel it first.",
            text(&doc, "name")
        )));
    }
    linked(site, doctype, &doc, |_| true)?;
    site.happened(doctype, "on_trash", &doc);
    site.docs.remove(&(doctype.to_owned(), folded(name)));
    site.bury(doctype, &doc, now);
    Ok(())
}

fn cancel(site: &mut Site, doctype: &str, old: &Doc, now: Timestamp) -> Reply<Doc> {
    // A payment does not keep its invoice from being cancelled (observed).
    linked(site, doctype, old, |other| other != "Payment Entry")?;
    let mut doc = old.clone();
    state(&mut doc, 2);
    set(&mut doc, "status", "Cancelled");
    let name = text(old, "name").to_owned();
    site.touch(doctype, doc, now);
    selling::cancelled(site, doctype, &name, now);
    accounts::cancelled(site, doctype, &name, now);
    let doc = site.need(doctype, &name)?;
    site.happened(doctype, "on_cancel", &doc);
    site.happened(doctype, "on_change", &doc);
    Ok(doc)
}

fn submitted(site: &mut Site, doctype: &str, name: &str, how: selling::How, now: Timestamp) -> Reply<()> {
    let mut doc = site.need(doctype, name)?;
    state(&mut doc, 1);
    site.put(doctype, doc);
    selling::submitted(site, doctype, name, how, now);
    accounts::submitted(site, doctype, name, now)?;
    let doc = site.need(doctype, name)?;
    site.happened(doctype, "on_submit", &doc);
    site.happened(doctype, "on_change", &doc);
    Ok(())
}

fn state(doc: &mut Doc, docstatus: i64) {
    set(doc, "docstatus", docstatus);
    for row in doc.values_mut().filter_map(Value::as_array_mut).flatten().filter_map(Value::as_object_mut) {
        set(row, "docstatus", docstatus);
    }
}

fn known(doctype: &str) -> Reply<&'static Meta> {
    let unknown = || Refusal::new(500, "ImportError", "").technical(format!("Module import failed for {doctype}"));
    meta::of(doctype).ok_or_else(unknown)
}

fn transition(from: i64, to: i64) -> Reply<()> {
    let word = |state: i64| ["0 (Draft)", "1 (Submitted)", "2 (Cancelled)"].get(state as usize).copied().unwrap_or("?");
    match (from, to) {
        (2, _) => Err(Refusal::invalid("Cannot edit cancelled document")),
        (0, 0 | 1) | (1, 1 | 2) => Ok(()),
        _ => Err(Refusal::new(
            417,
            "DocstatusTransitionError",
            format!("Cannot change docstatus from {} to {}", word(from), word(to)),
        )),
    }
}

/// The old document with the body's fields in their types; what the type does not know is dropped.
fn shaped(site: &mut Site, doctype: &str, old: &Doc, body: &Doc, stamp: &str) -> Reply<Doc> {
    let mut doc = old.clone();
    for field in site.fields(doctype) {
        match (&field.rows, body.get(&field.name)) {
            (Some(_), None) if old.contains_key(&field.name) => {}
            (Some(of), given) => {
                let mut table = Vec::new();
                for row in given.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object) {
                    table.push(Value::Object(shaped_row(site, of, row, stamp)?));
                }
                doc.insert(field.name.clone(), Value::Array(table));
            }
            (None, Some(Value::Null)) => _ = doc.shift_remove(&field.name),
            (None, Some(value)) => match cast(&field, value) {
                Value::Null => _ = doc.shift_remove(&field.name),
                value => _ = doc.insert(field.name.clone(), value),
            },
            (None, None) => {}
        }
    }
    Ok(doc)
}

fn shaped_row(site: &mut Site, doctype: &str, row: &Doc, stamp: &str) -> Reply<Doc> {
    let name = row.get("name").and_then(Value::as_str).map(str::to_owned).unwrap_or_else(|| site.hash());
    let mut shown = Doc::new();
    for (field, value) in [
        ("name", json!(name)),
        ("owner", json!(USER)),
        ("creation", json!(stamp)),
        ("modified", json!(stamp)),
        ("modified_by", json!(USER)),
        ("docstatus", json!(0)),
    ] {
        set(&mut shown, field, value);
    }
    for field in site.fields(doctype) {
        let given = row.get(&field.name).map(|value| cast(&field, value)).filter(|value| !value.is_null());
        let default = field.default.as_ref().map(|value| cast(&field, &json!(value)));
        if let Some(value) = given.or(default) {
            shown.insert(field.name.clone(), value);
        }
    }
    set(&mut shown, "doctype", doctype);
    Ok(shown)
}

fn parented(site: &Site, doctype: &str, doc: &mut Doc) {
    let name = text(doc, "name").to_owned();
    for field in site.fields(doctype).iter().filter(|field| field.rows.is_some()) {
        let table = doc.get_mut(&field.name).and_then(Value::as_array_mut);
        for (place, row) in table.into_iter().flatten().enumerate() {
            row["idx"] = json!(place + 1);
            row["parent"] = json!(name);
            row["parentfield"] = json!(field.name);
            row["parenttype"] = json!(doctype);
        }
    }
    set(doc, "doctype", doctype);
}

/// What a type's own code fills in and refuses.
fn validate(site: &mut Site, doctype: &str, doc: &mut Doc, old: Option<&Doc>, now: Timestamp) -> Reply<()> {
    match doctype {
        "Quotation" | "Sales Order" | "Sales Invoice" => selling::validate(site, doctype, doc, old, now),
        "Payment Entry" => accounts::validate(site, doc, now),
        _ => parties::validate(site, doctype, doc, now),
    }
}

/// What every type refuses: missing values, values outside a list, links to nothing.
fn valid(site: &Site, meta: &Meta, doc: &Doc) -> Reply<()> {
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
            return Err(Refusal::new(417, "MandatoryError", message)
                .technical(format!("[{doctype}, {}]: {}", text(doc, "name"), field.name)));
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
            return Err(Refusal::new(417, "LinkValidationError", format!("Could not find {row}{}: {value}", field.label())));
        }
    }
    Ok(())
}

fn named(
    site: &mut Site,
    meta: &Meta,
    doc: &Doc,
    body: &Doc,
    now: Timestamp,
) -> Reply<(String, Option<String>)> {
    let doctype = meta.name.as_str();
    let twin = |site: &Site, name: &str| {
        let taken = |name: &String| site.get(doctype, name).is_some();
        let numbered = (1..).map(|n| format!("{name}-{n}"));
        std::iter::once(name.to_owned()).chain(numbered).find(|name| !taken(name)).unwrap_or_default()
    };
    if let Some(amended) = doc.get("amended_from").and_then(Value::as_str) {
        let name = format!("{amended}-1");
        return if site.get(doctype, &name).is_some() { Err(duplicate(doctype, &name)) } else { Ok((name, None)) };
    }
    let name = match &meta.naming {
        Naming::Series(prefix) => site.next(prefix, now),
        Naming::Title(field) => {
            let wanted = text(doc, field).to_owned();
            let taken = site.get(doctype, &wanted).is_some();
            let free = (1..).map(|n| format!("{wanted} - {n}")).find(|name| site.get(doctype, name).is_none());
            let Some(free) = free.filter(|_| taken) else { return Ok((wanted, None)) };
            let notice = format!("Changed customer name to '{free}' as '{wanted}' already exists.");
            return Ok((free, Some(notice)));
        }
        Naming::Field(field) => text(doc, field).to_owned(),
        Naming::Prompt => match text(body, "name") {
            "" => return Err(Refusal::invalid("Please set the document name")),
            name => name.to_owned(),
        },
        Naming::Hash if !text(doc, "title").is_empty() => {
            let company = site.get("Company", text(doc, "company"));
            let abbr = company.map(|company| format!(" - {}", text(company, "abbr"))).unwrap_or_default();
            format!("{}{abbr}", text(doc, "title"))
        }
        Naming::Hash => site.hash(),
        Naming::Address => twin(site, &format!("{}-{}", text(doc, "address_title"), text(doc, "address_type"))),
        Naming::Contact => {
            let full = text(doc, "full_name").to_owned();
            let link = rows(doc, "links").next().map(|link| text(link, "link_name").to_owned());
            twin(site, &link.map_or(full.clone(), |link| format!("{full}-{link}")))
        }
        Naming::Custom => format!("{}-{}", text(doc, "dt"), text(doc, "fieldname")),
    };
    if site.get(doctype, &name).is_some() {
        return Err(duplicate(doctype, &name));
    }
    Ok((name, None))
}

fn duplicate(doctype: &str, name: &str) -> Refusal {
    let technical =
        format!("('{doctype}', '{name}', IntegrityError(1062, \"Duplicate entry '{name}' for key 'PRIMARY'\"))");
    let message = format!("{doctype} <strong>{name}</strong> already exists");
    Refusal::new(409, "DuplicateEntryError", message).titled("Duplicate Name").technical(technical)
}

fn unique(site: &Site, doctype: &str, doc: &Doc) -> Reply<()> {
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
            return Err(Refusal::new(417, "UniqueValidationError", format!("{label} must be unique")).technical(technical));
        }
    }
    Ok(())
}

/// Refuses a change of a submitted document in a field that is locked.
fn locked(site: &Site, doctype: &str, old: &Doc, new: &Doc) -> Reply<()> {
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
fn linked(site: &Site, doctype: &str, doc: &Doc, counts: impl Fn(&str) -> bool) -> Reply<()> {
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
                && if table.is_empty() { text(one, field) == name } else { rows(one, table).any(|row| text(row, field) == name) }
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
