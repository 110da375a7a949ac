//! A document's life: inserted, changed, submitted, cancelled, amended, deleted.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::meta::{self, Meta, Naming};
use super::refusal::{Refusal, Reply};
use super::site::{Site, USER};
use super::values::{Doc, cast, folded, int, rows, set, text};
use super::{accounts, checks, parties, selling};

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
    checks::valid(site, meta, &doc)?;
    let (name, notice) = named(site, meta, &doc, body, now)?;
    let mut whole = standard(&name, docstatus, &stamp);
    set(&mut whole, "idx", 0);
    whole.extend(doc.into_iter().filter(|(field, _)| !meta::STANDARD.contains(&field.as_str())));
    checks::unique(site, doctype, &whole)?;
    parented(site, doctype, &mut whole);
    site.put(doctype, whole.clone());
    site.happened(doctype, "after_insert", &whole);
    site.happened(doctype, "on_update", &whole);
    if docstatus == 1 {
        submitted(site, doctype, &name, selling::How::WithInsert, now)?;
    }
    let doc = site.need(doctype, &name)?;
    let notice = notice.or_else(|| selling::notice(&doc));
    Ok(Saved { doc, notice })
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
        // It tells the document's own instant and that of the attempt (observed), not the one that was sent.
        let attempt = site.stamp(now);
        let message = format!(
            "Error: Document has been modified after you have opened it ({}, {attempt}). Please refresh to get the latest document.",
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
        checks::locked(site, doctype, &old, &doc)?;
    } else {
        validate(site, doctype, &mut doc, Some(&old), now)?;
    }
    checks::valid(site, meta, &doc)?;
    set(&mut doc, "modified", stamp.clone());
    set(&mut doc, "modified_by", USER);
    checks::unique(site, doctype, &doc)?;
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
    checks::linked(site, doctype, &doc, |_| true)?;
    site.happened(doctype, "on_trash", &doc);
    site.docs.remove(&(doctype.to_owned(), folded(name)));
    site.bury(doctype, &doc, now);
    Ok(())
}

fn cancel(site: &mut Site, doctype: &str, old: &Doc, now: Timestamp) -> Reply<Doc> {
    // A payment does not keep its invoice from being cancelled (observed).
    checks::linked(site, doctype, old, |other| other != "Payment Entry")?;
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

/// The fields that every new document and row has, in the site's order.
fn standard(name: &str, docstatus: i64, stamp: &str) -> Doc {
    let mut doc = Doc::new();
    for (field, value) in [
        ("name", json!(name)),
        ("owner", json!(USER)),
        ("creation", json!(stamp)),
        ("modified", json!(stamp)),
        ("modified_by", json!(USER)),
        ("docstatus", json!(docstatus)),
    ] {
        set(&mut doc, field, value);
    }
    doc
}

fn shaped_row(site: &mut Site, doctype: &str, row: &Doc, stamp: &str) -> Reply<Doc> {
    let name = row.get("name").and_then(Value::as_str).map(str::to_owned).unwrap_or_else(|| site.hash());
    let mut shown = standard(&name, 0, stamp);
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

fn named(site: &mut Site, meta: &Meta, doc: &Doc, body: &Doc, now: Timestamp) -> Reply<(String, Option<String>)> {
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
