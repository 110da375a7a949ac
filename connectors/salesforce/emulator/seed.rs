//! Sample data: accounts, contacts, products with their prices, opportunities with lines and quotes.

use jiff::Timestamp;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::control::refused;
use super::currencies::CURRENCY;
use super::deploy;
use super::org::{Moment, Org, PERSON, STANDARD};

/// The ids of what a sample named by its place in a list.
#[derive(Debug, Default)]
pub(super) struct Known {
    accounts: Vec<String>,
    contacts: Vec<String>,
    products: Vec<String>,
}

/// Fills an org: `{"deploy": {"objects": [], "fields": []}, "accounts": [{"fields"}], "contacts": [{"fields", "account": 0}],
/// "products": [{"fields", "price": "12.50"}], "opportunities": [{"fields", "account": 0, "lines": [{"fields", "product":
/// 0}], "quotes": [{"fields", "lines": [..], "synced": true}]}]}`; a quote without lines has its opportunity's.
///
/// # Errors
/// `Config` when the sample is not of this shape, or is what Salesforce refuses.
pub(super) fn fill(org: &mut Org, sample: &Value, now: Timestamp) -> Result<()> {
    deploy::deploy(org, &sample["deploy"])?;
    let mut known = Known::default();
    for account in list(sample, "accounts") {
        known.accounts.push(made(org, "Account", fields(account), now)?);
    }
    for contact in list(sample, "contacts") {
        let mut values = fields(contact);
        refer(&mut values, "AccountId", &contact["account"], &known.accounts);
        known.contacts.push(made(org, "Contact", values, now)?);
    }
    for product in list(sample, "products") {
        let id = made(org, "Product2", fields(product), now)?;
        if !product["price"].is_null() {
            let price =
                json!({"Pricebook2Id": STANDARD, "Product2Id": id, "UnitPrice": product["price"], "IsActive": true});
            made(org, "PricebookEntry", object(price), now)?;
        }
        known.products.push(id);
    }
    for opportunity in list(sample, "opportunities") {
        deal(org, opportunity, &known, now)?;
    }
    Ok(())
}

/// An opportunity with its lines and quotes.
pub(super) fn deal(org: &mut Org, sample: &Value, known: &Known, now: Timestamp) -> Result<String> {
    let mut values = fields(sample);
    refer(&mut values, "AccountId", &sample["account"], &known.accounts);
    values.entry("Pricebook2Id").or_insert(json!(STANDARD));
    let id = made(org, "Opportunity", values, now)?;
    for line in list(sample, "lines") {
        let values = line_values(org, line, known, ("OpportunityId", &id))?;
        made(org, "OpportunityLineItem", values, now)?;
    }
    for quote in list(sample, "quotes") {
        let mut values = fields(quote);
        values.insert("OpportunityId".to_owned(), json!(id));
        values.entry("Pricebook2Id").or_insert(json!(STANDARD));
        let quote_id = made(org, "Quote", values, now)?;
        let own = list(quote, "lines");
        for line in if own.is_empty() { list(sample, "lines") } else { own } {
            let values = line_values(org, line, known, ("QuoteId", &quote_id))?;
            made(org, "QuoteLineItem", values, now)?;
        }
        if quote["synced"] == json!(true) {
            let synced = object(json!({"SyncedQuoteId": quote_id}));
            org.update("Opportunity", &id, &synced, screens(now)).map_err(refused)?;
        }
    }
    Ok(id)
}

fn line_values(org: &Org, line: &Value, known: &Known, parent: (&str, &str)) -> Result<Map<String, Value>> {
    let mut values = fields(line);
    values.insert(parent.0.to_owned(), json!(parent.1));
    let product = match &line["product"] {
        Value::String(id) => Some(id.clone()),
        place => place.as_u64().and_then(|at| known.products.get(at as usize)).cloned(),
    };
    let product = product.ok_or_else(|| Error::new(ErrorKind::Config, "a line of the sample names no product"))?;
    let entries = org.having("PricebookEntry", "Product2Id", &json!(product));
    let owner = parent.0.strip_suffix("Id").unwrap_or(parent.0);
    let currency = org.value(owner, parent.1, CURRENCY);
    let entry = entries
        .iter()
        .find(|entry| org.value("PricebookEntry", entry, CURRENCY) == currency)
        .ok_or_else(|| Error::new(ErrorKind::Config, "a product of the sample has no price"))?;
    values.insert("PricebookEntryId".to_owned(), json!(entry));
    if !values.contains_key("UnitPrice") {
        values.insert("UnitPrice".to_owned(), org.value("PricebookEntry", entry, "UnitPrice").clone());
    }
    Ok(values)
}

fn made(org: &mut Org, kind: &str, values: Map<String, Value>, now: Timestamp) -> Result<String> {
    org.insert(kind, &values, screens(now))
        .map_err(|refusal| refused(refusal).with_kind(ErrorKind::Config).at("type", kind))
}

fn screens(now: Timestamp) -> Moment<'static> {
    Moment { now, user: PERSON, saves_duplicates: true }
}

fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn fields(value: &Value) -> Map<String, Value> {
    value["fields"].as_object().cloned().unwrap_or_default()
}

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn refer(values: &mut Map<String, Value>, field: &str, place: &Value, ids: &[String]) {
    if let Some(id) = place.as_u64().and_then(|at| ids.get(at as usize)) {
        values.insert(field.to_owned(), json!(id));
    }
}
