//! Products as documents: a product and its price in one price book.

use std::collections::BTreeMap;

use passerelle_core::Result;
use passerelle_core::http::Request;
use passerelle_core::model::Record;
use passerelle_core::{Error, ErrorKind};
use serde_json::{Map, Value, json};

use super::calls::Scope;
use super::documents::{Documents, IDS};
use super::kind::ENTRY;
use super::soql;
use super::wire::{Row, typed};

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
    let book = match &documents.rules.book {
        Some(id) => format!("Pricebook2Id = {}", soql::quoted(id)),
        None => "Pricebook2.IsStandard = true".to_owned(),
    };
    let fields: Vec<&str> = documents.asked.entry.iter().map(String::as_str).collect();
    let mut found = BTreeMap::new();
    for products in products.chunks(IDS) {
        let query = format!(
            "SELECT Id,Product2Id,{} FROM PricebookEntry WHERE {book} AND Product2Id IN ({}) ORDER BY CreatedDate,Id",
            fields.join(","),
            soql::list(products.iter().copied())
        );
        for row in documents.calls.rows(&query, Scope::Live).await? {
            let product = row.text("Product2Id").unwrap_or_default().to_owned();
            // An org with several currencies has an entry for each; the first one counts.
            found.entry(product).or_insert(row);
        }
    }
    Ok(found)
}

/// Sets the prices of products that were just written; gives the failures by the place of their write.
pub(super) async fn set_prices(
    documents: &Documents<'_>,
    wanted: &[(usize, String, Map<String, Value>)],
) -> Result<Vec<(usize, Error)>> {
    let ids: Vec<&str> = wanted.iter().map(|(_, id, _)| id.as_str()).collect();
    let present = entries(documents, &ids).await?;
    let described = documents.calls.describe("PricebookEntry").await?;
    let mut failures = Vec::new();
    for (at, product, given) in wanted {
        let mut fields = Map::new();
        let mut wrong = None;
        for (name, value) in given.iter().filter(|(name, _)| *name != "Id") {
            match described.field(name).map(|field| typed(field, value)) {
                Some(Ok(value)) => drop(fields.insert(name.clone(), value)),
                Some(Err(error)) => wrong = Some(error),
                None => wrong = Some(Error::new(ErrorKind::Config, "no such field of a price").at("field", name)),
            }
        }
        let price = fields.get("UnitPrice").cloned().unwrap_or(Value::Null);
        let done = match (wrong, present.get(product)) {
            (Some(error), _) => Err(error),
            (None, Some(entry)) if price.is_null() => {
                // A price book entry has a price: without one it is put out of use.
                fields.shift_remove("UnitPrice");
                fields.insert("IsActive".to_owned(), json!(false));
                let path = format!("sobjects/PricebookEntry/{}", entry.id());
                documents.calls.alone(&path, &Value::Object(fields)).await.map(drop)
            }
            (None, Some(entry)) => {
                let path = format!("sobjects/PricebookEntry/{}", entry.id());
                documents.calls.alone(&path, &Value::Object(fields)).await.map(drop)
            }
            (None, None) if price.is_null() => Ok(()),
            (None, None) => create(documents, product, fields).await,
        };
        if let Err(error) = done {
            failures.push((*at, error.at("field", ENTRY)));
        }
    }
    Ok(failures)
}

/// Makes an entry; one that another writer made meanwhile is refused by the vendor, and is set by the next run.
async fn create(documents: &Documents<'_>, product: &str, mut fields: Map<String, Value>) -> Result<()> {
    let book = match &documents.rules.book {
        Some(id) => id.clone(),
        None => {
            let rows = documents.calls.rows("SELECT Id FROM Pricebook2 WHERE IsStandard = true", Scope::Live).await?;
            let book = rows.first().map(|row| row.id().to_owned());
            book.ok_or_else(|| Error::new(ErrorKind::Config, "the standard price book is not visible to the user"))?
        }
    };
    fields.insert("Pricebook2Id".to_owned(), json!(book));
    fields.insert("Product2Id".to_owned(), json!(product));
    fields.entry("IsActive").or_insert(json!(true));
    let path = documents.calls.path("sobjects/PricebookEntry");
    // A second entry for the same product is refused, so that repeating does no harm.
    let made = documents.calls.call(Request::post(path, Value::Object(fields)).harmless()).await;
    made.map(drop)
}
