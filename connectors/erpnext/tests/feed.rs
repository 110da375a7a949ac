//! The feed: a change in any part moves the document, also what moves no `modified`, and a quiet poll is cheap.

use passerelle_core::model::Presence;
use serde_json::json;

use super::{World, ids};

#[tokio::test]
async fn an_order_moves_with_its_invoice_its_payment_and_its_credit_note() {
    let world = World::new().await;
    let order = world.order("sale:1").await;
    let (_, mut since) = world.drain("orders", None).await;
    let mut told = Vec::new();
    let invoice = world.control("invoice_order", json!({ "order": order.as_str(), "draft": true }))["name"].clone();
    for (command, arguments) in [
        ("show", json!({ "type": "invoices", "id": invoice })),
        ("submit", json!({ "type": "invoices", "id": invoice })),
        ("pay", json!({ "invoice": invoice, "amount": "500.00", "date": "2026-11-24" })),
        ("pay", json!({ "invoice": invoice, "date": "2026-11-25" })),
    ] {
        world.advance(60);
        world.control(command, arguments);
        let (records, next) = world.drain("orders", Some(&since)).await;
        since = next;
        let fields = &records.last().unwrap().fields;
        told.push(
            ["invoice_status", "paid", "balance_due"].map(|name| fields[name].as_str().unwrap().to_owned()).join(" "),
        );
    }
    assert_eq!(told, ["draft 0.00 0.00", "unpaid 0.00 2333.70", "partly_paid 500.00 1833.70", "paid 2333.70 0.00"]);
    let record = world.read("orders", order.as_str()).await.unwrap();
    assert_eq!(record.fields["last_payment_date"], "2026-11-25");
    world.control("cancel", json!({ "type": "payments", "id": "ACC-PAY-2026-00002" }));
    let (records, _) = world.drain("orders", Some(&since)).await;
    assert_eq!(records[0].fields["invoice_status"], "partly_paid");
}

#[tokio::test]
async fn the_nightly_change_to_overdue_moves_no_date_and_reaches_the_feed() {
    let world = World::new().await;
    let order = world.order("sale:1").await;
    world.control("invoice_order", json!({ "order": order.as_str(), "due_date": "2026-11-30" }));
    let (records, since) = world.drain("orders", None).await;
    assert_eq!(records.last().unwrap().fields["invoice_status"], "unpaid");
    let (_, since) = world.drain("orders", Some(&since)).await;
    world.advance(3 * 86_400);
    let (records, since) = world.drain("orders", Some(&since)).await;
    assert!(records.is_empty(), "{:?}", ids(&records));
    let before = world.control("show", json!({ "type": "invoices", "id": "ACC-SINV-2026-00001" }));
    world.advance(6 * 86_400);
    world.control("nightly", json!({}));
    let after = world.control("show", json!({ "type": "invoices", "id": "ACC-SINV-2026-00001" }));
    assert_eq!((&after["status"], &after["modified"]), (&json!("Overdue"), &before["modified"]));
    let (records, since) = world.drain("orders", Some(&since)).await;
    assert_eq!(records[0].fields["invoice_status"], "overdue");
    let before = world.calls();
    let (records, _) = world.drain("orders", Some(&since)).await;
    assert_eq!((ids(&records), world.calls() - before), (vec![], 5));
}

#[tokio::test]
async fn a_customer_moves_with_its_address_and_its_contact() {
    let world = World::new().await;
    let links = json!([{ "link_doctype": "Customer", "link_name": "Boulangerie Éclair SARL" }]);
    let (_, since) = world.drain("customers", None).await;
    world.advance(60);
    let address = json!({ "address_title": "Éclair", "address_type": "Billing", "address_line1": "12 rue du Four", "city": "Lyon", "country": "France", "links": links });
    world.control("create", json!({ "type": "Address", "fields": address }));
    let (records, since) = world.drain("customers", Some(&since)).await;
    assert_eq!(records[0].fields["address"]["city"], "Lyon");
    world.advance(60);
    world.control("create", json!({ "type": "contacts", "fields": { "first_name": "Jeanne", "email_id": "j@eclair.example", "links": links } }));
    let (records, _) = world.drain("customers", Some(&since)).await;
    assert_eq!(records[0].fields["contact"]["email_id"], "j@eclair.example");
    assert_eq!(records[0].fields["address"]["city"], "Lyon");
}

#[tokio::test]
async fn a_deletion_is_told_where_the_token_may_see_it_and_else_the_feed_goes_on() {
    let world = World::new().await;
    world.control("create", json!({ "type": "customers", "fields": { "customer_name": "Gone SARL" } }));
    let (_, since) = world.drain("customers", None).await;
    let (_, since) = world.drain("customers", Some(&since)).await;
    world.advance(60);
    world.control("delete", json!({ "type": "customers", "id": "Gone SARL" }));
    let (records, _) = world.drain("customers", Some(&since)).await;
    assert_eq!((ids(&records), records[0].presence), (vec!["Gone SARL"], Presence::Gone));
    world.control("settings", json!({ "denied": ["Deleted Document:read"] }));
    let (_, since) = world.drain("customers", None).await;
    let (_, since) = world.drain("customers", Some(&since)).await;
    let (records, _) = world.drain("customers", Some(&since)).await;
    assert!(records.is_empty());
}

#[tokio::test]
async fn a_renamed_customer_comes_under_its_new_name_with_the_same_key() {
    let world = World::new().await;
    world.create("customers", "company:1", json!({ "customer_name": "Old SARL" })).await.unwrap();
    let (_, since) = world.drain("customers", None).await;
    world.advance(60);
    world.control("rename", json!({ "type": "customers", "id": "Old SARL", "to": "New SARL" }));
    let (records, _) = world.drain("customers", Some(&since)).await;
    let record = records.iter().find(|record| record.id.as_str() == "New SARL").unwrap();
    assert_eq!(record.key.as_ref().unwrap().as_str(), "company:1");
    assert!(world.read("customers", "Old SARL").await.is_none());
}

/// An edit at `start`, another twenty minutes later, when the site's clock shows an earlier time.
async fn clocks_are_put_back(zone: &str, start: &str) {
    let world = World::with(json!({ "time_zone": zone })).await;
    world.control("settings", json!({ "time_zone": zone }));
    let start = start.parse::<jiff::Timestamp>().unwrap().as_second();
    world.advance((start - passerelle_core::clock::Clock::now(world.host.time()).as_second()) as u64);
    world.control(
        "edit",
        json!({ "type": "customers", "id": "Boulangerie Éclair SARL", "fields": { "website": "https://one.example" } }),
    );
    let (_, since) = world.drain("customers", None).await;
    let (_, since) = world.drain("customers", Some(&since)).await;
    world.advance(20 * 60);
    world.control("create", json!({ "type": "customers", "fields": { "customer_name": "Twice SARL" } }));
    let (records, _) = world.drain("customers", Some(&since)).await;
    assert_eq!(ids(&records), ["Twice SARL"], "{zone}");
}

#[tokio::test]
async fn an_edit_within_the_hour_that_comes_twice_is_not_missed() {
    // 02:50 in Paris; twenty minutes later it is 02:10 again.
    clocks_are_put_back("Europe/Paris", "2027-10-31T00:50:00Z").await;
    // 23:50 in Cairo; it is 23:10 again.
    clocks_are_put_back("Africa/Cairo", "2027-10-28T20:50:00Z").await;
}

#[tokio::test]
async fn instants_are_told_in_utc_by_the_zone_that_the_site_names() {
    let world = World::new().await;
    world.control("settings", json!({ "time_zone": "America/New_York" }));
    world.control("create", json!({ "type": "customers", "fields": { "customer_name": "Far Inc" } }));
    let record = world.read("customers", "Far Inc").await.unwrap();
    assert!(record.modified.unwrap().to_string().starts_with("2026-11-23T09:30:00"), "{:?}", record.modified);
    assert!(record.version.unwrap().as_str().starts_with("2026-11-23 04:30:00"));
}
