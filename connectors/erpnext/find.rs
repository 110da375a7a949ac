//! Looking up: by the hub's key, or by a field that the database then finds without minding case.

use passerelle_core::connector::Lookup;
use passerelle_core::model::Record;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::client::{Ask, Client};
use super::dialect::lacks_field;
use super::table::{CONTACTS, CUSTOMERS, Table};
use super::wire::{KEY, name, text};
use super::{Config, parties};

/// The records that a look-up finds.
pub(super) async fn find(client: &Client, config: &Config, table: &Table, by: &Lookup) -> Result<Vec<Record>> {
    let (path, values): (&str, Vec<String>) = match by {
        Lookup::Key(keys) => (KEY, keys.iter().map(|key| key.as_str().to_owned()).collect()),
        Lookup::Field { path, values } => (path, values.clone()),
    };
    let values: Vec<String> =
        values.into_iter().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty()).collect();
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let names = names(client, config, table, path, &values).await?;
    let found = parties::read(client, config, table, &names).await?;
    // The database compares without case or accents: what it finds is compared again, without case.
    let bears = |record: &Record| match by {
        Lookup::Key(keys) => record.key.as_ref().is_some_and(|key| keys.contains(key)),
        Lookup::Field { .. } if path == "id" || path == "name" => same(record.id.as_str(), &values),
        Lookup::Field { .. } => at(record, path).is_some_and(|value| same(value, &values)),
    };
    Ok(found.into_iter().filter(bears).collect())
}

/// The names of documents whose field is one of `values`.
async fn names(client: &Client, config: &Config, table: &Table, path: &str, values: &[String]) -> Result<Vec<String>> {
    let part = |doctype: &'static str, field: &str| (doctype, field.to_owned());
    let (doctype, field) = match path.split_once('.') {
        Some(("address", field)) if table.name == CUSTOMERS.name => part("Address", field),
        Some(("contact", field)) if table.name == CUSTOMERS.name => part("Contact", field),
        Some(_) => return Err(unknown(table, path)),
        None if path == "customer" && table.name == CONTACTS.name => {
            let ask = Ask::of(&["name"]).with([json!(["Dynamic Link", "link_doctype", "=", "Customer"])]);
            let rows = client.among("Contact", ask, &["Dynamic Link", "link_name"], values).await?;
            return rows.iter().map(name).collect::<Result<Vec<_>>>().map(once);
        }
        None => part(table.doctype, if path == "id" { "name" } else { path }),
    };
    let told = |error: Error| if lacks_field(&error) { missing(error, table, path) } else { error };
    if doctype != table.doctype {
        let ask = Ask::of(&["links.link_name"]).with([json!(["Dynamic Link", "link_doctype", "=", "Customer"])]);
        let rows = client.among(doctype, ask, &[&field], values).await.map_err(told)?;
        return Ok(once(rows.iter().filter_map(|row| text(row, "link_name")).collect()));
    }
    let ask = Ask::of(&["name"]).with(config.scope(table));
    let rows = client.among(doctype, ask, &[&field], values).await.map_err(told)?;
    rows.iter().map(name).collect()
}

fn once(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

fn same(value: &str, values: &[String]) -> bool {
    values.iter().any(|wanted| wanted.to_lowercase() == value.trim().to_lowercase())
}

fn at<'r>(record: &'r Record, path: &str) -> Option<&'r str> {
    let mut parts = path.split('.');
    let first = record.fields.get(parts.next()?)?;
    parts.try_fold(first, |value, part| value.get(part)).and_then(Value::as_str)
}

fn unknown(table: &Table, path: &str) -> Error {
    Error::new(ErrorKind::Unsupported, format!("ERPNext cannot look {} up by {path}", table.name))
}

pub(super) fn missing(error: Error, table: &Table, path: &str) -> Error {
    if path != KEY {
        return unknown(table, path).because(error);
    }
    Error::new(ErrorKind::Config, format!("ERPNext lacks the custom field `{KEY}` of {}", table.doctype))
        .at("status", 417)
        .at(
            "remedy",
            "`passerelle check --prepare` creates it with the token of a System Manager, and tells others what to click",
        )
        .because(error)
}
