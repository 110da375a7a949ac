//! What a thousand sales, a thousand payments, and a thousand updates of companies cost in calls of the vendors' APIs.

use std::collections::BTreeMap;

use passerelle_core::store::Counts;
use passerelle_core::{Error, ErrorKind, Result};
use passerelle_tests::office::{Calls, Office};
use passerelle_tests::trade;
use serde::Serialize;
use serde_json::{Value, json};

use super::least::{Work, least};

/// What one piece of work cost.
#[derive(Debug, Serialize)]
pub struct Cost {
    /// The work.
    pub work: String,
    /// Between which systems.
    pub pair: String,
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

/// New sales of a CRM, which become orders whose totals are compared and whose numbers come back; then the invoice and the
/// payment of each, which come back too.
pub async fn sales(crm: &'static str, erp: &'static str, count: u64) -> Result<Vec<Cost>> {
    let office = Office::between(&[crm], erp, "")?;
    for vendor in [crm, erp] {
        office.seed(vendor, &trade::sample(vendor, count))?;
    }
    for flow in ["customers", "catalogue"] {
        office.sync(flow).await?;
    }
    let (counts, calls) = office.sync("sales").await?;
    all("created", counts.created, count, &counts)?;
    let mut costs = told(Work::Sales, (crm, erp), count, calls);
    // What the hub wrote comes by again; that is no part of the next work.
    for _ in 0..2 {
        office.wait(3600);
        office.sync("sales").await?;
    }
    for order in 1..=count {
        // Not all of a day's payments bear one and the same second.
        office.wait(20);
        let order = if erp == "erpnext" { format!("SAL-ORD-2026-{order:05}") } else { order.to_string() };
        let invoice = office.person(erp, "invoice_order", &json!({ "order": order }))?;
        let invoice = if erp == "erpnext" { &invoice["name"] } else { &invoice["invoice"] };
        office.person(erp, "pay", &json!({ "invoice": invoice }))?;
    }
    office.wait(600);
    let (counts, calls) = office.sync("sales").await?;
    all("updated", counts.updated, count, &counts)?;
    costs.extend(told(Work::Statuses, (crm, erp), count, calls));
    Ok(costs)
}

/// Companies that changed in the ERP, brought into the CRM.
pub async fn updates(count: u64) -> Result<Cost> {
    let office = Office::open()?;
    let companies: Vec<Value> = (0..count).map(|n| trade::hubspot_company(n, "customer")).collect();
    office.seed("hubspot", &json!({ "companies": companies }))?;
    let (counts, _) = office.sync("customers").await?;
    all("created", counts.created, count, &counts)?;
    office.wait(3600);
    office.sync("customers").await?;
    office.wait(3600);
    for id in 1..=count {
        let edit =
            json!({ "type": "thirdparty", "id": id.to_string(), "fields": { "phone": format!("+333200{id:05}") } });
        office.person("dolibarr", "edit", &edit)?;
    }
    office.wait(600);
    let (counts, calls) = office.sync("customers").await?;
    all("updated", counts.updated, count, &counts)?;
    let mut costs = told(Work::Companies, ("hubspot", "dolibarr"), count, calls);
    Ok(costs.remove(0))
}

fn all(what: &str, done: u64, count: u64, counts: &Counts) -> Result<()> {
    if done == count {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Bug, format!("of {count} documents {done} were {what}: {counts:?}")))
}

/// The CRM's cost and the ERP's.
fn told(work: Work, (crm, erp): (&'static str, &'static str), count: u64, mut calls: Calls) -> Vec<Cost> {
    let cost = |vendor| {
        let routes = calls.remove(vendor).unwrap_or_default();
        let (least, why) = least(work, vendor, count);
        let pair = format!("{crm}, {erp}");
        Cost {
            work: format!("{count} {}", work.name()),
            pair,
            vendor,
            calls: routes.values().sum(),
            routes,
            least,
            why,
        }
    };
    [crm, erp].into_iter().map(cost).collect()
}
