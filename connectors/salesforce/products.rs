//! Products as documents: a product and its price in one price book.

use std::collections::BTreeMap;

use passerelle_core::Result;
use passerelle_core::http::Response;
use passerelle_core::model::Record;
use passerelle_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::calls::{COLLECTION, Scope};
use super::dialect::{is_locked, told};
use super::documents::{Documents, IDS};
use super::kind::{CURRENCY, ENTRY};
use super::soql;
use super::wire::{Described, Row, typed};

/// Joins products with their prices.
pub(super) async fn join(documents: &Documents<'_>, rows: Vec<Row>) -> Result<Vec<Record>> {
    let ids: Vec<&str> = rows.iter().map(Row::id).collect();
    let mut entries = entries(documents, &ids).await?;
    let joined = rows.into_iter().map(|row| {
        let entry = entries.remove(row.id());
        let mut record = documents.record(row);
        let entry = entry.map(|mut entry| {
            entry.0.shift_remove("Product2Id");
            Value::Object(entry.0)
        });
        record.fields.insert(ENTRY.to_owned(), entry.unwrap_or(Value::Null));
        record
    });
    Ok(joined.collect())
}

/// The price book entries of some products.
async fn entries(documents: &Documents<'_>, products: &[&str]) -> Result<BTreeMap<String, Row>> {
    if products.is_empty() {
        return Ok(BTreeMap::new());
    }
    let which = documents.entries().await?;
    let fields: Vec<&str> = documents.asked.entry.iter().map(String::as_str).collect();
    let mut found = BTreeMap::new();
    for products in products.chunks(IDS) {
        let query = format!(
            "SELECT Id,Product2Id,{} FROM PricebookEntry WHERE {which} AND Product2Id IN ({}) ORDER BY CreatedDate,Id",
            fields.join(","),
            soql::list(products.iter().copied())
        );
        for row in documents.calls.rows(&query, Scope::Live).await? {
            let product = row.text("Product2Id").unwrap_or_default().to_owned();
            // An org with several currencies may have an entry for each; where none is chosen, the first one counts.
            found.entry(product).or_insert(row);
        }
    }
    Ok(found)
}

/// A price to set: the place of its write, and the entry as a row of a collection.
type Priced = (usize, Value);

/// Sets the prices of products that were just written; gives the failures by the place of their write.
pub(super) async fn set_prices(
    documents: &Documents<'_>,
    wanted: &[(usize, String, Map<String, Value>)],
) -> Result<Vec<(usize, Error)>> {
    let ids: Vec<&str> = wanted.iter().map(|(_, id, _)| id.as_str()).collect();
    let present = entries(documents, &ids).await?;
    let described = documents.calls.describe("PricebookEntry").await?;
    let (mut changed, mut new, mut failures) = (Vec::new(), Vec::new(), Vec::new());
    for (at, product, given) in wanted {
        let mut row = match fields(&described, given) {
            Ok(row) => row,
            Err(error) => {
                failures.push((*at, error));
                continue;
            }
        };
        let has_price = row.get("UnitPrice").is_some_and(|price| !price.is_null());
        match present.get(product) {
            Some(entry) => {
                if !has_price {
                    // A price book entry has a price: without one it is put out of use.
                    row.shift_remove("UnitPrice");
                    row.insert("IsActive".to_owned(), json!(false));
                }
                row.insert("id".to_owned(), json!(entry.id()));
                changed.push((*at, Value::Object(row)));
            }
            None if has_price => {
                row.insert("Product2Id".to_owned(), json!(product));
                row.entry("IsActive").or_insert(json!(true));
                new.push((*at, Value::Object(row)));
            }
            None => {}
        }
    }
    failures.extend(send(documents, Sent::Changed, changed).await?);
    if !new.is_empty() {
        let book = json!(book(documents).await?);
        let currency = documents.price_currency().await?;
        for (_, row) in &mut new {
            row["Pricebook2Id"] = book.clone();
            if let Some(currency) = currency {
                row[CURRENCY] = json!(currency);
            }
        }
        // An entry that another writer made meanwhile is refused by the vendor, and is set by the next run.
        failures.extend(send(documents, Sent::New, new).await?);
    }
    Ok(failures)
}

/// Which way rows are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sent {
    New,
    Changed,
}

async fn send(documents: &Documents<'_>, how: Sent, rows: Vec<Priced>) -> Result<Vec<(usize, Error)>> {
    let mut failures = Vec::new();
    for rows in rows.chunks(COLLECTION) {
        let typed = rows.iter().map(|(_, row)| {
            let mut row = row.clone();
            row["attributes"] = json!({"type": ENTRY});
            row
        });
        let records: Vec<Value> = typed.collect();
        let results = match how {
            Sent::New => documents.calls.insert(&records).await?,
            Sent::Changed => documents.calls.collection("composite/sobjects", &records).await?,
        };
        for ((at, row), result) in rows.iter().zip(results).filter(|(_, result)| !result.success) {
            let mut failure = Some(told(result.errors.first().unwrap_or(&Value::Null), 200));
            if failure.as_ref().is_some_and(is_locked) {
                failure = alone(documents, how, row).await.err();
            }
            failures.extend(failure.map(|error| (*at, error.at("of", ENTRY))));
        }
    }
    Ok(failures)
}

/// Sends an entry again that met a lock, by a call that waits.
async fn alone(documents: &Documents<'_>, how: Sent, row: &Value) -> Result<Response> {
    let path = format!("sobjects/{ENTRY}");
    let mut fields = row.clone();
    let id = fields.as_object_mut().and_then(|fields| fields.shift_remove("id"));
    match (how, id.as_ref().and_then(Value::as_str)) {
        (Sent::Changed, Some(id)) => documents.calls.alone(&format!("{path}/{id}"), &fields).await,
        _ => documents.calls.make_alone(&path, &fields).await,
    }
}

/// What is written of a price, in the kinds of its fields.
fn fields(described: &Described, given: &Map<String, Value>) -> Result<Map<String, Value>> {
    let named = given.iter().filter(|(name, _)| *name != "Id");
    let typed = named.map(|(name, value)| {
        let field = described.field(name).ok_or_else(|| {
            Error::new(ErrorKind::Config, "a price has no such field, or the user does not see it").at("field", name)
        })?;
        Ok((field.name.clone(), typed(field, value)?))
    });
    typed.collect()
}

/// The price book that prices are written to.
async fn book(documents: &Documents<'_>) -> Result<String> {
    if let Some(id) = &documents.rules.book {
        return Ok(id.clone());
    }
    let rows = documents.calls.rows("SELECT Id FROM Pricebook2 WHERE IsStandard = true", Scope::Live).await?;
    let book = rows.first().map(|row| row.id().to_owned());
    book.ok_or_else(|| Error::new(ErrorKind::Config, "the standard price book is not visible to the user"))
}
