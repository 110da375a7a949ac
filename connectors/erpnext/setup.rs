//! What a site must have: the unique custom field for the hub's key, and fields that mappings write.

use passerelle_core::connector::{Choice, FieldSchema, Preparation, Prepare, Schema, State};
use passerelle_core::model::{Fields, Need};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::client::{Ask, Client};
use super::dialect::lacks_field;
use super::fields;
use super::table::Table;
use super::wire::{KEY, text};

/// What is missing, created where `how` and the token's rights allow.
pub(super) async fn prepare(client: &Client, table: &Table, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
    let mut told: Vec<Preparation> = Vec::new();
    let key =
        Need { path: KEY.to_owned(), kind: "key".to_owned(), label: "Hub External ID".to_owned(), options: Vec::new() };
    let known = fields::known(table);
    let own = |need: &&Need| {
        let named = |field: &FieldSchema| field.path.split(['.', '[']).next() == need.path.split(['.', '[']).next();
        need.path != KEY && need.kind != "key" && !need.path.contains(['.', '[']) && !known.iter().any(named)
    };
    for need in std::iter::once(&key).chain(needs.iter().filter(own)) {
        told.extend(one(client, table, need, how).await?);
    }
    Ok(told)
}

async fn one(client: &Client, table: &Table, need: &Need, how: Prepare) -> Result<Option<Preparation>> {
    let said = |state, how: String| Ok(Some(Preparation { path: need.path.clone(), state, how }));
    let unique = need.kind == "key";
    match custom(client, table).await? {
        Some(there) => match there.iter().find(|field| text(field, "fieldname").as_deref() == Some(need.path.as_str()))
        {
            Some(field) if unique && text(field, "unique").as_deref() != Some("1") => {
                return said(
                    State::Manual,
                    format!("{} and tick Unique: two documents could bear one key", by_hand(table, need)),
                );
            }
            Some(_) => return Ok(None),
            // It may be a field that every site has, or one of another app.
            None if is_there(client, table, &need.path).await? => return Ok(None),
            None => {}
        },
        None if is_there(client, table, &need.path).await? => return Ok(None),
        None => return said(State::Manual, by_hand(table, need)),
    }
    if how == Prepare::Tell {
        return said(State::WouldCreate, format!("creates the custom field {} of {}", need.path, table.doctype));
    }
    match client.create_keyed("Custom Field", body(table, need)).await {
        Ok(_) => said(State::Created, format!("created the custom field {} of {}", need.path, table.doctype)),
        Err(error) if error.kind() == ErrorKind::Denied && error.fact("status") == Some("403") => {
            said(State::Manual, by_hand(table, need))
        }
        // Somebody else was faster.
        Err(error) if error.kind() == ErrorKind::Rejected && is_there(client, table, &need.path).await? => Ok(None),
        Err(error) => Err(error),
    }
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
    let ask = Ask { limit: 1, ..Ask::of(&["name"]) }.with([json!([field, "=", "-"])]);
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
    let lacks_right = |error: &Error| error.kind() == ErrorKind::Denied && error.fact("status") == Some("403");
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
