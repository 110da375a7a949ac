//! One `sale` flow, one set of mappings: every CRM with every ERP, and two CRMs with one ERP, told apart by config.toml alone.
#![allow(clippy::unwrap_used, reason = "a broken test tells where")]

use passerelle_tests::office::{Calls, Office};
use passerelle_tests::trade;
use rust_decimal::Decimal;
use serde_json::{Value, json};

/// Won sales of each CRM.
const SALES: u64 = 3;

/// What a CRM shows of a sale: order number, invoice status, invoiced, paid, due.
const SHOWN: [(&str, [&str; 5]); 2] = [
    ("hubspot", ["erp_order_number", "erp_invoice_status", "erp_invoiced", "erp_paid", "erp_balance_due"]),
    (
        "salesforce",
        ["ERP_Order_Number__c", "ERP_Invoice_Status__c", "ERP_Invoiced__c", "ERP_Paid__c", "ERP_Balance_Due__c"],
    ),
];

/// What the CRM shows of its sales; numbers as they compare.
fn shown(office: &Office, crm: &str) -> Vec<[String; 5]> {
    let fields = SHOWN.iter().find(|(vendor, _)| *vendor == crm).unwrap().1;
    let sale = |n: u64| {
        let of = trade::named(crm, n);
        let found = office.person(crm, "find", &of).unwrap();
        assert_eq!(found.as_array().unwrap().len(), 1, "{crm} {n}");
        let row = office.person(crm, "show", &json!({ "type": of["type"], "id": found[0] })).unwrap();
        fields.map(|field| match &row[field] {
            Value::Null => String::new(),
            Value::String(text) => text.parse::<Decimal>().map_or_else(|_| text.clone(), plain),
            number => plain(number.to_string().parse().unwrap()),
        })
    };
    (0..SALES).map(sale).collect()
}

fn plain(number: Decimal) -> String {
    number.normalize().to_string()
}

/// Calls that write; a search is none, and a token is none.
fn writes(calls: &Calls) -> u64 {
    let reads = |route: &str| {
        route.starts_with("GET ") || ["/search", "/batch/read", "/token"].iter().any(|end| route.ends_with(end))
    };
    calls.values().flatten().filter(|(route, _)| !reads(route)).map(|(_, times)| times).sum()
}

/// Orders and invoices as the ERP names them, in the order in which they were made.
fn order(erp: &str, place: u64) -> String {
    if erp == "erpnext" { format!("SAL-ORD-2026-{place:05}") } else { place.to_string() }
}

/// From won sales to paid invoices, and back into the CRM that each sale is from.
async fn quote_to_cash(crms: &[&'static str], erp: &'static str) {
    let pair = format!("{crms:?} with {erp}");
    let office = Office::between(crms, erp, "").unwrap();
    for vendor in crms.iter().chain([&erp]) {
        office.seed(vendor, &trade::sample(vendor, SALES)).unwrap();
    }
    let all = SALES * crms.len() as u64;
    for flow in ["customers", "catalogue"] {
        let (counts, _) = office.sync(flow).await.unwrap();
        assert_eq!((counts.created, counts.parked), (1, 0), "{pair}: {flow}: {counts:?}");
    }
    let (counts, _) = office.sync("sales").await.unwrap();
    assert_eq!((counts.created, counts.held), (all, 0), "{pair}: {counts:?}, {:?}", office.parked());
    assert_eq!(office.parked().unwrap(), [""; 0], "{pair}");
    let totals: Vec<String> = (0..SALES).map(|n| plain(Decimal::from(3 + n) * Decimal::new(58_680, 2))).collect();
    let said = |status: &str, invoiced: &[String], paid: &[String]| -> Vec<Vec<String>> {
        let due = |at: usize| plain(invoiced[at].parse::<Decimal>().unwrap() - paid[at].parse::<Decimal>().unwrap());
        (0..SALES as usize).map(|at| vec![status.to_owned(), invoiced[at].clone(), paid[at].clone(), due(at)]).collect()
    };
    let check = |status: &str, invoiced: &[String], paid: &[String]| {
        for crm in crms {
            let shown = shown(&office, crm);
            assert!(shown.iter().all(|sale| !sale[0].is_empty()), "{pair}: {shown:?}");
            let told: Vec<Vec<String>> = shown.into_iter().map(|sale| sale[1..].to_vec()).collect();
            assert_eq!(told, said(status, invoiced, paid), "{pair}: {crm}");
        }
    };
    let nothing = vec!["0".to_owned(); SALES as usize];
    check("none", &nothing, &nothing);

    let mut invoices = Vec::new();
    for place in 1..=all {
        office.wait(60);
        let made =
            office.person(erp, "invoice_order", &json!({ "order": order(erp, place), "due_date": "2026-12-31" }));
        let made = made.unwrap();
        let invoice = if erp == "erpnext" { made["name"].clone() } else { made["invoice"].clone() };
        office.person(erp, "pay", &json!({ "invoice": invoice, "amount": "100", "close": false })).unwrap();
        invoices.push(invoice);
    }
    office.wait(600);
    let (counts, _) = office.sync("sales").await.unwrap();
    assert_eq!((counts.updated, counts.parked), (all, 0), "{pair}: {counts:?}");
    check("partly_paid", &totals, &vec!["100".to_owned(); SALES as usize]);
    for invoice in invoices {
        office.wait(60);
        office.person(erp, "pay", &json!({ "invoice": invoice })).unwrap();
    }
    office.wait(600);
    let (counts, _) = office.sync("sales").await.unwrap();
    assert_eq!((counts.updated, counts.parked), (all, 0), "{pair}: {counts:?}");
    check("paid", &totals, &totals);

    for flow in ["customers", "catalogue", "sales"] {
        office.wait(3600);
        let (counts, calls) = office.sync(flow).await.unwrap();
        assert_eq!((counts.created, counts.updated, writes(&calls)), (0, 0, 0), "{pair}: {flow}: {calls:?}");
        let verified = office.verify(flow).await.unwrap();
        assert_eq!(verified.differences.len(), 0, "{pair}: {flow}: {:?}", verified.differences);
    }
}

#[tokio::test]
async fn hubspot_and_dolibarr_go_from_quote_to_cash() {
    quote_to_cash(&["hubspot"], "dolibarr").await;
}

#[tokio::test]
async fn hubspot_and_erpnext_go_from_quote_to_cash() {
    quote_to_cash(&["hubspot"], "erpnext").await;
}

#[tokio::test]
async fn salesforce_and_dolibarr_go_from_quote_to_cash() {
    quote_to_cash(&["salesforce"], "dolibarr").await;
}

#[tokio::test]
async fn salesforce_and_erpnext_go_from_quote_to_cash() {
    quote_to_cash(&["salesforce"], "erpnext").await;
}

#[tokio::test]
async fn two_crms_share_dolibarr_and_each_learns_of_its_own_sales() {
    quote_to_cash(&["hubspot", "salesforce"], "dolibarr").await;
}

#[tokio::test]
async fn two_crms_share_erpnext_and_each_learns_of_its_own_sales() {
    quote_to_cash(&["salesforce", "hubspot"], "erpnext").await;
}

#[tokio::test]
async fn a_sale_in_another_currency_of_a_salesforce_org_becomes_an_order_in_it() {
    let office = Office::between(&["salesforce"], "dolibarr", "currency = \"EUR\"").unwrap();
    let person = |command: &str, arguments: Value| office.person("salesforce", command, &arguments).unwrap();
    office.seed("dolibarr", &json!({ "settings": { "rates": { "CHF": "0.93" } } })).unwrap();
    office.seed("salesforce", &trade::sample("salesforce", 0)).unwrap();
    person("currencies", json!({ "currencies": ["EUR", "CHF"] }));
    let id = |kind: &str, field: &str, value: &str| {
        person("find", json!({ "type": kind, "field": field, "value": value }))[0].as_str().unwrap().to_owned()
    };
    let (product, account) = (id("Product2", "ProductCode", "0012"), id("Account", "Name", "Ateliers 0"));
    let price = json!({
        "Product2Id": product, "Pricebook2Id": id("Pricebook2", "Name", "Standard Price Book"), "UnitPrice": 450,
        "CurrencyIsoCode": "CHF", "IsActive": true,
    });
    person("create", json!({ "type": "PricebookEntry", "fields": price }));
    let fields = json!({
        "Name": "salesforce 0", "StageName": "Closed Won", "CloseDate": "2026-11-20", "AccountId": account,
        "CurrencyIsoCode": "CHF",
    });
    let line = json!({ "fields": { "Quantity": 2, "VAT_Rate__c": 20 }, "product": product });
    person("create_deal", json!({ "fields": fields, "lines": [line] }));
    office.wait(600);
    for flow in ["customers", "catalogue", "sales"] {
        let (counts, _) = office.sync(flow).await.unwrap();
        assert_eq!((counts.created, office.parked().unwrap()), (1, Vec::new()), "{flow}: {counts:?}");
        let verified = office.verify(flow).await.unwrap();
        assert_eq!((verified.records, verified.differences.len()), (1, 0), "{flow}: {:?}", verified.differences);
    }
    let order = office.record("erp", "orders", "1").await.unwrap().unwrap().fields;
    assert_eq!((&order["multicurrency_code"], &order["total_ttc"]), (&json!("CHF"), &json!("1080.00")), "{order:?}");
}
