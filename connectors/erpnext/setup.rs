//! What a site must have: the unique custom field for the hub's key, and fields that mappings write.

use passerelle_core::connector::{Choice, FieldSchema, May, Preparation, Prepare, Removal, Schema, State};
use passerelle_core::model::{Fields, Need};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::client::{Ask, Client};
use super::dialect::lacks_field;
use super::fields;
use super::table::Table;
use super::wire::{KEY, text};

/// What is there and what is missing, created where `how`, config.toml and the token's rights allow.
pub(super) async fn prepare(
    client: &Client,
    table: &Table,
    needs: &[Need],
    how: Prepare,
    may: May,
) -> Result<Vec<Preparation>> {
    let mut told: Vec<Preparation> = Vec::new();
    let key = Need::key(KEY, "Hub External ID");
    let known = fields::known(table);
    let own = |need: &&Need| {
        let named = |field: &FieldSchema| field.path.split(['.', '[']).next() == need.path.split(['.', '[']).next();
        need.path != KEY && need.kind != "key" && !need.path.contains(['.', '[']) && !known.iter().any(named)
    };
    for need in std::iter::once(&key).chain(needs.iter().filter(own)) {
        let (state, said) = one(client, table, need, how, may).await?;
        let thing = format!("Custom Field/{}-{}", table.doctype, need.path);
        told.push(Preparation { path: need.path.clone(), thing, state, how: said });
    }
    Ok(told)
}

async fn one(client: &Client, table: &Table, need: &Need, how: Prepare, may: May) -> Result<(State, String)> {
    let there = || (State::There, format!("the field {} of {}", need.path, table.doctype));
    let is_same = |field: &&Value| text(field, "fieldname").as_deref() == Some(need.path.as_str());
    match custom(client, table).await? {
        Some(known) => match known.iter().find(is_same) {
            Some(field) => return Ok(unfit(table, need, field).map_or_else(there, |how| (State::Manual, how))),
            // It may be a field that every site has, or one of another app.
            None if is_there(client, table, &need.path).await? => return Ok(there()),
            None => {}
        },
        None if is_there(client, table, &need.path).await? => return Ok(there()),
        None => return Ok((State::Manual, by_hand(table, need))),
    }
    if may == May::OnlyTell {
        return Ok((State::Manual, by_hand(table, need)));
    }
    if how != Prepare::Create {
        return Ok((State::WouldCreate, format!("creates the custom field {} of {}", need.path, table.doctype)));
    }
    match client.create_keyed("Custom Field", body(table, need)).await {
        Ok(_) => Ok((State::Created, format!("created the custom field {} of {}", need.path, table.doctype))),
        Err(error) if lacks_right(&error) => Ok((State::Manual, by_hand(table, need))),
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::Rejected && is_there(client, table, &need.path).await? => Ok(there()),
        Err(error) => Err(error),
    }
}

/// What is wrong with a custom field that is there.
fn unfit(table: &Table, need: &Need, field: &Value) -> Option<String> {
    let stored_as = text(field, "fieldtype").unwrap_or_default();
    let kind = match stored_as.as_str() {
        "Int" | "Float" | "Currency" | "Percent" => "number",
        "Date" => "date",
        "Datetime" => "datetime",
        "Check" => "boolean",
        _ => "string",
    };
    if !need.fits(kind) {
        return Some(format!(
            "the field {} of {} is there as {stored_as}, and the hub writes {}: map another one, or delete it",
            need.path,
            table.doctype,
            stored(need).0
        ));
    }
    let doubles = need.kind == "key" && text(field, "unique").as_deref() != Some("1");
    doubles.then(|| format!("{} and tick Unique: two documents could bear one key", by_hand(table, need)))
}

/// Deletes a document that the hub made to set the site up, such as `Custom Field/Customer-hub_external_id`.
pub(super) async fn remove(client: &Client, thing: &str) -> Result<Removal> {
    let Some((doctype, name)) = thing.split_once('/') else {
        return Err(Error::new(ErrorKind::Bug, "erpnext made no such thing").at("thing", thing));
    };
    match client.delete(doctype, name).await {
        Ok(()) => Ok(Removal::Removed(String::new())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Removal::Gone),
        Err(error) if lacks_right(&error) => {
            Ok(Removal::Manual(format!("as a System Manager of ERPNext, delete the {doctype} {name}")))
        }
        Err(error) => Err(error),
    }
}

/// Whether the site refused for want of a role.
pub(super) fn lacks_right(error: &Error) -> bool {
    error.kind() == ErrorKind::Denied && error.fact("status") == Some("403")
}

fn body(table: &Table, need: &Need) -> Fields {
    let (kind, options) = stored(need);
    let unique = u8::from(need.kind == "key");
    let body = json!({
        "dt": table.doctype, "fieldname": need.path, "label": need.label, "fieldtype": kind, "options": options,
        "unique": unique, "no_copy": unique,
    });
    body.as_object().cloned().unwrap_or_default()
}

fn stored(need: &Need) -> (&'static str, String) {
    match need.kind.as_str() {
        "integer" => ("Int", String::new()),
        "decimal" => ("Float", String::new()),
        "money" => ("Currency", String::new()),
        "boolean" => ("Check", String::new()),
        "date" => ("Date", String::new()),
        "datetime" => ("Datetime", String::new()),
        "enum" if !need.options.is_empty() => ("Select", format!("\n{}", need.options.join("\n"))),
        _ => ("Data", String::new()),
    }
}

/// What a person clicks, in the words of ERPNext's own screens.
fn by_hand(table: &Table, need: &Need) -> String {
    let unique = if need.kind == "key" { ", Unique and No Copy ticked" } else { "" };
    format!(
        "as a System Manager of ERPNext, open Custom Field > Add: Document \"{}\", Label \"{}\", Fieldname `{}`, Field Type {}{unique}, Save",
        table.doctype,
        need.label,
        need.path,
        stored(need).0
    )
}

/// Whether the site knows a field, with one small call that every reader may make.
async fn is_there(client: &Client, table: &Table, field: &str) -> Result<bool> {
    // `is` fits fields of every type.
    let ask = Ask { limit: 1, ..Ask::of(&["name"]) }.with([json!([field, "is", "set"])]);
    match client.list(table.doctype, ask).await {
        Ok(_) => Ok(true),
        Err(error) if lacks_field(&error) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The custom fields of a document type; none where the token may not list them.
async fn custom(client: &Client, table: &Table) -> Result<Option<Vec<Value>>> {
    let ask = Ask::of(&["name", "fieldname", "label", "fieldtype", "options", "unique", "reqd"]).with([json!([
        "dt",
        "=",
        table.doctype
    ])]);
    match client.list("Custom Field", ask).await {
        Ok(fields) => Ok(Some(fields)),
        Err(error) if lacks_right(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The fields of a resource: what every ERPNext has, this one's custom fields where the token may list them, and
/// whatever else its newest document bears.
pub(super) async fn describe(client: &Client, table: &Table) -> Result<Schema> {
    let mut schema = fields::known(table);
    for field in custom(client, table).await?.unwrap_or_default() {
        let Some(path) = text(&field, "fieldname") else { continue };
        let kind = text(&field, "fieldtype").unwrap_or_default();
        let mut known = FieldSchema::new(path.clone(), kind_of(&kind));
        known.label = text(&field, "label").unwrap_or_else(|| path.clone());
        known.unique = text(&field, "unique").as_deref() == Some("1");
        known.required = text(&field, "reqd").as_deref() == Some("1");
        known.writable = path != KEY;
        if kind == "Select" {
            let options = text(&field, "options").unwrap_or_default();
            let options = options.lines().filter(|line| !line.is_empty());
            known.options = options.map(|line| Choice { value: line.to_owned(), label: line.to_owned() }).collect();
        }
        schema.retain(|other: &FieldSchema| other.path != path);
        schema.push(known);
    }
    let ask = Ask { order: "modified desc, name desc", limit: 1, ..Ask::of(&["*"]) };
    for name in client.list(table.doctype, ask).await?.iter().filter_map(Value::as_object).flat_map(|row| row.keys()) {
        let known = |field: &FieldSchema| field.path.split(['.', '[']).next() == Some(name.as_str());
        if !name.starts_with('_') && !schema.iter().any(known) {
            schema.push(FieldSchema::new(name.clone(), "string").read_only());
        }
    }
    Ok(Schema { fields: schema })
}

fn kind_of(fieldtype: &str) -> &'static str {
    match fieldtype {
        "Date" => "date",
        "Datetime" => "datetime",
        _ => "string",
    }
}
