//! Reading: customers with their address and main contact, contacts with their customer, items with their price.

use std::collections::BTreeMap;

use passerelle_core::Result;
use passerelle_core::model::Record;
use serde_json::{Map, Value, json};

use super::client::{Ask, Client};
use super::table::{CONTACTS, CUSTOMERS, ITEMS, ORDERS, Table};
use super::wire::{self, text};
use super::{Config, orders};

/// What is shown of a customer's address.
pub(super) const ADDRESS: [&str; 10] = [
    "address_type",
    "address_line1",
    "address_line2",
    "city",
    "county",
    "state",
    "pincode",
    "country",
    "email_id",
    "phone",
];

/// What is shown of a customer's main contact.
const CONTACT: [&str; 4] = ["full_name", "email_id", "phone", "mobile_no"];

/// What stands where an address lacks a line that ERPNext requires.
pub(super) const NOTHING: &str = "-";

/// The named records; one that does not exist is left out.
pub(super) async fn read(client: &Client, config: &Config, table: &Table, names: &[String]) -> Result<Vec<Record>> {
    if table.whole {
        let mut documents = Vec::new();
        for name in names.iter().filter(|name| !name.is_empty()) {
            let found = client.get(table.doctype, name).await?;
            let mine = |document: &Value| config.company.is_none() || text(document, "company") == config.company;
            documents.extend(found.filter(mine));
        }
        return join(client, config, table, documents).await;
    }
    let rows = client.among(table.doctype, Ask::of(&["*"]), &["name"], names).await?;
    join(client, config, table, rows).await
}

/// Raw documents, or rows of a list with all fields, as records.
pub(super) async fn join(client: &Client, config: &Config, table: &Table, raw: Vec<Value>) -> Result<Vec<Record>> {
    if table.name == ORDERS.name {
        return orders::join(client, config, raw).await;
    }
    if table.whole {
        return orders::quotations(client, config, raw).await;
    }
    let names: Vec<String> = raw.iter().map(wire::name).collect::<Result<_>>()?;
    let mut records = Vec::with_capacity(raw.len());
    for row in &raw {
        records.push(wire::record(client, table, row).await?);
    }
    if records.is_empty() {
        return Ok(records);
    }
    if table.name == CUSTOMERS.name {
        let addresses = linked(client, "Address", &ADDRESS, "is_primary_address", &names).await?;
        let contacts = linked(client, "Contact", &CONTACT, "is_primary_contact", &names).await?;
        for record in &mut records {
            let address = addresses.get(record.id.as_str()).map(|address| part(address, &ADDRESS));
            let contact = contacts.get(record.id.as_str()).map(|contact| part(contact, &CONTACT));
            record.fields.insert("address".to_owned(), json!(address));
            record.fields.insert("contact".to_owned(), json!(contact));
        }
    }
    if table.name == CONTACTS.name {
        let ask =
            Ask::of(&["name", "links.link_name"]).with([json!(["Dynamic Link", "link_doctype", "=", "Customer"])]);
        let rows = client.among("Contact", ask, &["name"], &names).await?;
        for record in &mut records {
            let customer = rows.iter().find(|row| text(row, "name").as_deref() == Some(record.id.as_str()));
            record.fields.insert("customer".to_owned(), json!(customer.and_then(|row| text(row, "link_name"))));
        }
    }
    if table.name == ITEMS.name {
        let prices = prices(client, config, &names).await?;
        for record in &mut records {
            let price = prices.get(record.id.as_str()).and_then(|price| wire::decimal(price, "price_list_rate"));
            record.fields.insert("price_list_rate".to_owned(), json!(price.map(|price| wire::plain(price, 2))));
        }
    }
    Ok(records)
}

fn part(document: &Value, fields: &[&str]) -> Value {
    let shown = |field: &&str| {
        let value = text(document, field).filter(|value| value != NOTHING);
        ((*field).to_owned(), json!(value))
    };
    Value::Object(fields.iter().map(shown).collect::<Map<_, _>>())
}

/// For each customer the address or contact that speaks for it: the one marked as primary, then one for billing, then
/// the first by name.
pub(super) async fn linked(
    client: &Client,
    doctype: &str,
    fields: &[&str],
    primary: &str,
    customers: &[String],
) -> Result<BTreeMap<String, Value>> {
    let mut asked = vec!["name", "modified", "links.link_name", primary];
    asked.extend(fields);
    let ask = Ask::of(&asked).with([json!(["Dynamic Link", "link_doctype", "=", "Customer"])]);
    let rows = client.among(doctype, ask, &["Dynamic Link", "link_name"], customers).await?;
    let rank = |row: &Value| {
        let primary = text(row, primary).as_deref() == Some("1");
        let billing = text(row, "address_type").as_deref() == Some("Billing");
        (!primary, !billing, text(row, "name"))
    };
    let mut best: BTreeMap<String, Value> = BTreeMap::new();
    for row in rows {
        // The database does not mind case or accents, a name does.
        let Some(customer) = text(&row, "link_name").filter(|customer| customers.contains(customer)) else { continue };
        match best.get(&customer) {
            Some(known) if rank(known) <= rank(&row) => {}
            _ => _ = best.insert(customer, row),
        }
    }
    Ok(best)
}

/// For each item its selling price in the price list: the one valid from the latest day.
pub(super) async fn prices(client: &Client, config: &Config, items: &[String]) -> Result<BTreeMap<String, Value>> {
    let ask = Ask::of(&["name", "item_code", "price_list_rate", "valid_from", "customer", "uom"]).with([json!([
        "price_list",
        "=",
        config.price_list
    ])]);
    let rows = client.among("Item Price", ask, &["item_code"], items).await?;
    let mut best: BTreeMap<String, Value> = BTreeMap::new();
    for row in rows.into_iter().filter(|row| text(row, "customer").is_none()) {
        let Some(item) = text(&row, "item_code") else { continue };
        match best.get(&item) {
            Some(known) if text(known, "valid_from") >= text(&row, "valid_from") => {}
            _ => _ = best.insert(item, row),
        }
    }
    Ok(best)
}
