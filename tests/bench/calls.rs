//! What a thousand sales, and a thousand updates of companies, cost in calls of the vendors' APIs.

use std::collections::BTreeMap;

use passerelle_core::{Error, ErrorKind, Result};
use passerelle_tests::office::Office;
use serde::Serialize;
use serde_json::{Value, json};

/// What one piece of work cost.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// The work.
    pub work: String,
    /// Whose calls.
    pub vendor: &'static str,
    /// Calls by route.
    pub routes: BTreeMap<String, u64>,
    /// All of them.
    pub calls: u64,
    /// The fewest that the vendor's contract allows.
    pub least: u64,
    /// How the fewest are counted.
    pub why: &'static str,
}

/// New sales, pushed as validated orders whose totals were compared.
pub async fn sales(count: u64) -> Result<Cost> {
    let office = Office::open()?;
    let deals: Vec<Value> = (0..count).map(deal).collect();
    let product = json!({ "properties": { "name": "Établi", "hs_sku": "0012", "price": "489.00", "vat_rate": "20", "hs_product_type": "inventory" } });
    office.seed("hubspot", &json!({ "companies": [company(0)], "products": [product], "deals": deals }))?;
    for flow in ["customers", "catalogue"] {
        office.sync(flow).await?;
    }
    let (counts, mut calls) = office.sync("sales").await?;
    if counts.created != count {
        return Err(Error::new(ErrorKind::Bug, format!("of {count} sales this became orders: {counts:?}")));
    }
    let why = "a sale: the order with its lines and key, a look at the totals that Dolibarr made of it, and its \
               validation, each for one document; Dolibarr has no batches";
    Ok(cost(format!("{count} new sales"), "dolibarr", &mut calls, 3 * count, why))
}

/// Companies that changed in the ERP, brought into the CRM.
pub async fn updates(count: u64) -> Result<Cost> {
    let office = Office::open()?;
    let companies: Vec<Value> = (0..count).map(company).collect();
    office.seed("hubspot", &json!({ "companies": companies }))?;
    let (counts, _) = office.sync("customers").await?;
    if counts.created != count {
        return Err(Error::new(ErrorKind::Bug, format!("of {count} companies this was created: {counts:?}")));
    }
    office.wait(3600);
    office.sync("customers").await?;
    office.wait(3600);
    for id in 1..=count {
        let edit =
            json!({ "type": "thirdparty", "id": id.to_string(), "fields": { "phone": format!("+333200{id:05}") } });
        office.person("dolibarr", "edit", &edit)?;
    }
    office.wait(600);
    let (counts, mut calls) = office.sync("customers").await?;
    if counts.updated != count {
        return Err(Error::new(ErrorKind::Bug, format!("of {count} changes this was updated: {counts:?}")));
    }
    let why = "a batch of 100 read, to see what the other side says now, and a batch of 100 written; and one search \
               of what changed there";
    Ok(cost(format!("{count} updates of companies"), "hubspot", &mut calls, 2 * count.div_ceil(100) + 1, why))
}

fn cost(
    work: String,
    vendor: &'static str,
    calls: &mut BTreeMap<&'static str, BTreeMap<String, u64>>,
    least: u64,
    why: &'static str,
) -> Cost {
    let routes = calls.remove(vendor).unwrap_or_default();
    Cost { work, vendor, calls: routes.values().sum(), routes, least, why }
}

fn company(n: u64) -> Value {
    json!({ "properties": {
        "name": format!("Ateliers {n}"), "email": format!("contact{n}@ateliers.example"), "zip": format!("{:05}", 59_000 + n),
        "city": "Lille", "country": "France", "lifecyclestage": "customer", "phone": "+33320000000",
    } })
}

fn deal(n: u64) -> Value {
    let line = |quantity: &str, place: &str| {
        json!({
            "properties": { "name": "Établi", "quantity": quantity, "hs_position_on_quote": place }, "product": 0,
        })
    };
    json!({
        "properties": {
            "dealname": format!("Atelier {n}"), "pipeline": "default", "dealstage": "closedwon", "closedate": "2026-11-20",
            "deal_currency_code": "EUR", "customer_reference": format!("BC {n}"),
        },
        "company": 0,
        "line_items": [line("2", "0"), line("1", "1")],
        "quote": { "properties": { "hs_title": format!("Devis {n}"), "hs_expiration_date": "2026-12-31",
            "hs_template_type": "CPQ_QUOTE", "hs_currency": "EUR" }, "state": "accepted" },
    })
}
