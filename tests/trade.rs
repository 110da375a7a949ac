//! The same trade in every vendor's words: customers, one article, and won sales of two lines each.

use passerelle::registry::REGISTRY;
use serde_json::{Value, json};

/// What a system holds before the hub comes: a CRM so many won sales of one customer, an ERP what its installation needs.
pub fn sample(vendor: &str, sales: u64) -> Value {
    match vendor {
        "hubspot" => json!({
            "companies": [hubspot_company(0, "customer")],
            "products": [{ "properties": {
                "name": "Établi", "hs_sku": "0012", "price": "489.00", "vat_rate": "20", "hs_product_type": "inventory",
            } }],
            "deals": (0..sales).map(hubspot_deal).collect::<Vec<_>>(),
        }),
        "salesforce" => json!({
            "deploy": (REGISTRY.sample)("salesforce").unwrap_or_default()["deploy"],
            "accounts": [salesforce_account(0, "Customer")],
            "products": [{ "fields": { "Name": "Établi", "ProductCode": "0012", "VAT_Rate__c": 20, "Family": "Goods", "IsActive": true }, "price": "489.00" }],
            "opportunities": (0..sales).map(salesforce_deal).collect::<Vec<_>>(),
        }),
        "erpnext" => json!({ "docs": erpnext_site() }),
        _ => json!({}),
    }
}

/// Where a CRM shows a sale, by its number: the type, the field, the value.
pub fn named(vendor: &str, sale: u64) -> Value {
    let title = title(vendor, sale);
    match vendor {
        "hubspot" => json!({ "type": "deals", "property": "dealname", "value": title }),
        _ => json!({ "type": "Opportunity", "field": "Name", "value": title }),
    }
}

fn title(vendor: &str, sale: u64) -> String {
    format!("{vendor} {sale}")
}

/// A company of HubSpot.
pub fn hubspot_company(n: u64, stage: &str) -> Value {
    json!({ "properties": {
        "name": format!("Ateliers {n}"), "email": format!("contact{n}@ateliers.example"), "zip": format!("{:05}", 59_000 + n),
        "city": "Lille", "country": "France", "lifecyclestage": stage, "phone": "+33320000000",
    } })
}

/// An account of Salesforce.
pub fn salesforce_account(n: u64, kind: &str) -> Value {
    json!({ "fields": {
        "Name": format!("Ateliers {n}"), "Email__c": format!("contact{n}@ateliers.example"),
        "BillingPostalCode": format!("{:05}", 10_000 + n), "BillingCity": "Lille", "BillingCountry": "France", "Type": kind,
        "Phone": "+33320000000",
    } })
}

/// Sales differ in what they come to.
fn pieces(n: u64) -> u64 {
    2 + n % 7
}

fn hubspot_deal(n: u64) -> Value {
    let line = |quantity: String, place: &str| {
        json!({
            "properties": { "name": "Établi", "quantity": quantity, "hs_position_on_quote": place }, "product": 0,
        })
    };
    json!({
        "properties": {
            "dealname": title("hubspot", n), "pipeline": "default", "dealstage": "closedwon", "closedate": "2026-11-20",
            "deal_currency_code": "EUR", "customer_reference": format!("BC H-{n}"),
        },
        "company": 0,
        "line_items": [line(pieces(n).to_string(), "0"), line("1".to_owned(), "1")],
        "quote": { "properties": { "hs_title": format!("Devis {n}"), "hs_expiration_date": "2026-12-31",
            "hs_template_type": "CPQ_QUOTE", "hs_currency": "EUR" }, "state": "accepted" },
    })
}

fn salesforce_deal(n: u64) -> Value {
    let line = |quantity: u64, place: u64| json!({ "fields": { "Quantity": quantity, "SortOrder": place, "VAT_Rate__c": 20 }, "product": 0 });
    json!({
        "fields": { "Name": title("salesforce", n), "StageName": "Closed Won", "CloseDate": "2026-11-20",
            "Customer_Reference__c": format!("BC S-{n}") },
        "account": 0,
        "lines": [line(pieces(n), 1), line(1, 2)],
        "quotes": [{ "fields": { "Name": format!("Devis {n}"), "Status": "Accepted", "ExpirationDate": "2026-12-31" }, "synced": true }],
    })
}

/// The currencies, groups, tax templates and the like of the sample company, without its trade.
fn erpnext_site() -> Vec<Value> {
    let sample = (REGISTRY.sample)("erpnext").unwrap_or_default();
    let is_trade = |doc: &&Value| {
        matches!(doc["doctype"].as_str(), Some("Customer" | "Address" | "Contact" | "Item" | "Item Price"))
    };
    sample["docs"].as_array().into_iter().flatten().filter(|doc| !is_trade(doc)).cloned().collect()
}
