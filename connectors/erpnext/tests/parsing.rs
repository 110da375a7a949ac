//! Recorded answers as the connector reads them.

use std::collections::BTreeMap;
use std::sync::Arc;

use passerelle_core::emulator::{EmulatedTime, Host};
use passerelle_core::http::{Api, Auth, Secret};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::client::Client;
use super::super::sums::{Invoice, is_overdue, sums};
use super::super::table::{CONTACTS, CUSTOMERS};
use super::super::{Config, LIMITS, PLUGIN, dialect, orders, wire};
use super::stand_in::now;
use super::tools;

fn data(exchange: &Value) -> &Value {
    &exchange["response"]["body"]["data"]
}

/// An invoice as its order shows it: number, status, gross, paid, outstanding.
fn shown(raw: &Value, credited: &str, today: &str) -> [String; 5] {
    let document = Invoice::of(raw, credited.parse().unwrap(), today.parse().ok()).document();
    ["number", "status", "grand_total", "paid", "outstanding_amount"]
        .map(|name| document[name].as_str().unwrap().to_owned())
}

#[test]
fn recorded_invoices_come_to_their_words_and_sums() {
    let today = "2026-11-23";
    let submitted = recorded!("sales-invoice-submit");
    let told = shown(data(&submitted), "0", today);
    assert_eq!(told, ["ACC-SINV-2026-00001", "unpaid", "5791.69", "0.00", "5791.69"]);
    assert_eq!(shown(data(&submitted), "0", "2026-12-24")[1], "overdue", "by the day, before the nightly routine");
    // Its outstanding amount is frozen.
    let cancelled = recorded!("sales-invoice-cancel-linked");
    let told = shown(data(&cancelled), "0", today);
    assert_eq!(told, ["ACC-SINV-2026-00001", "cancelled", "5791.69", "0.00", "0.00"]);
    let amended = recorded!("sales-invoice-amend");
    assert_eq!(shown(data(&amended), "0", today)[1], "draft");
    // As it was asked to, it keeps its amount to itself.
    let note = recorded!("credit-note-create");
    assert_eq!(Invoice::taken_off(data(&note)), Decimal::ZERO);
}

#[test]
fn recorded_rows_of_a_list_come_to_their_words() {
    let exchange = recorded!("list-changed-since");
    let [mut note, credited, late]: [Value; 3] = serde_json::from_value(data(&exchange).clone()).unwrap();
    assert_eq!(Invoice::taken_off(&note), Decimal::from(2040));
    assert_eq!(shown(&credited, "2040", "2026-11-23")[1..], ["credited", "2040.00", "0.00", "0.00"]);
    assert!(is_overdue(&late, None) && !is_overdue(&credited, None) && !is_overdue(&note, None));
    // The connector asks for this field as well.
    note["is_return"] = json!(1);
    assert_eq!(shown(&note, "0", "2026-11-23")[1], "credit_note");

    let paid = recorded!("payments-of-an-invoice");
    let invoice = recorded!("sales-invoice-submit");
    let mut invoice = data(&invoice).clone();
    invoice["outstanding_amount"] = json!(0.0);
    let invoice = Invoice::of(&invoice, Decimal::ZERO, None);
    let payments: Vec<Value> = data(&paid)
        .as_array()
        .unwrap()
        .iter()
        .map(|row| json!({ "date": wire::text(row, "posting_date"), "amount": wire::money(wire::amount(row, "allocated_amount")) }))
        .collect();
    let amounts: Vec<&Value> = payments.iter().map(|payment| &payment["amount"]).collect();
    assert_eq!(amounts, ["2000.00", "3791.69"]);
    let told: BTreeMap<&str, Value> = sums(&[invoice], &payments).into_iter().collect();
    assert_eq!(
        [&told["invoice_status"], &told["paid"], &told["balance_due"], &told["last_payment_date"]],
        ["paid", "5791.69", "0.00", "2026-11-23"]
    );
}

/// A client that nobody answers, of a site in Paris.
fn client() -> Client {
    let host = Arc::new(Host::new(vec![PLUGIN.emulator.unwrap()()], EmulatedTime::standing_at(now())));
    let auth = Auth::Header("Authorization", Secret::new(String::new()));
    let api = Api::new(tools(&host), "", auth, LIMITS, Arc::new(dialect::Frappe));
    Client::new(api, Some("Europe/Paris".to_owned())).unwrap()
}

#[tokio::test]
async fn recorded_documents_become_records_of_texts() {
    for (exchange, table, id) in [
        (recorded!("customer-get"), &CUSTOMERS, "Boulangerie Éclair SARL"),
        (recorded!("customer-update"), &CUSTOMERS, "Boulangerie Éclair SARL"),
        (recorded!("contact-create"), &CONTACTS, "Jeanne Morel-Boulangerie Éclair SARL-1"),
    ] {
        let document = data(&exchange);
        let record = wire::record(&client(), table, document).await.unwrap();
        assert_eq!(record.id.as_str(), id);
        assert_eq!(record.version.unwrap().as_str(), document["modified"]);
        assert_eq!(record.key.map(|key| key.as_str().to_owned()), wire::text(document, "hub_external_id"));
        let at = record.modified.unwrap().to_string();
        assert!(at.starts_with("2026-11-23T09:4"), "Paris is an hour ahead: {at}");
        assert!(record.fields.values().all(Value::is_string), "{:?}", record.fields);
        assert!(!record.fields.contains_key("modified") && !record.fields.contains_key("idx"));
    }
}

#[tokio::test]
async fn a_recorded_order_becomes_a_record_with_lines_and_taxes_in_their_normal_form() {
    let exchange = recorded!("sales-order-create-and-submit-in-one-post");
    let config: Config = serde_json::from_value(json!({ "token": "key:secret" })).unwrap();
    let record = orders::fresh(&client(), &config, data(&exchange)).await.unwrap();
    let told =
        ["docstatus", "po_no", "net_total", "grand_total", "transaction_date", "delivery_date", "invoice_status"];
    let expected = ["1", "CRM-5002", "1600.00", "1920.00", "2026-11-21", "2026-12-20", "none"];
    assert_eq!(told.map(|name| record.fields[name].as_str().unwrap()), expected);
    let line = &record.fields["items"][0];
    let told = ["item_code", "qty", "unit_price", "discount_percentage", "vat_rate", "net_amount"];
    assert_eq!(told.map(|name| line[name].as_str().unwrap()), ["HUB-SVC-01", "2", "800.00", "0", "20", "1600.00"]);
    let tax = &record.fields["taxes"][0];
    assert_eq!([&tax["account_head"], &tax["rate"], &tax["tax_amount"]], ["TVA collectee 20% - ADS", "20", "320.00"]);
}

#[test]
fn what_is_credited_is_rounded_as_what_was_owed() {
    let raw = |total: f64, rounded: f64, is_return: i64| {
        json!({
            "name": "INV-1", "docstatus": 1, "grand_total": total, "rounded_total": rounded, "outstanding_amount": 0.0,
            "is_return": is_return,
        })
    };
    let credited = Invoice::taken_off(&raw(-100.4, -100.0, 1));
    assert_eq!(credited, Decimal::ONE_HUNDRED);
    let told = shown(&raw(100.4, 100.0, 0), &credited.to_string(), "2026-11-23");
    assert_eq!(told[1..], ["credited", "100.00", "0.00", "0.00"]);
}
