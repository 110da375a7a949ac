//! The feed: nothing is skipped, a quiet poll is cheap, and zones do not matter.

use std::collections::BTreeSet;

use serde_json::json;

use super::{World, ids, sale};

#[tokio::test]
async fn the_first_read_gives_everything_and_a_quiet_poll_nothing() {
    let world = World::new().await;
    world.control(
        "seed",
        json!({"thirdparties": (0..250).map(|n| json!({"name": format!("Party {n}")})).collect::<Vec<_>>()}),
    );
    let (records, cursor) = world.drain("thirdparties", None).await;
    assert_eq!(ids(&records).into_iter().collect::<BTreeSet<_>>().len(), 251);
    // All of them bear the second of the first mark; once they are remembered or repeated, polls are quiet.
    let (_, cursor) = world.drain("thirdparties", Some(&cursor)).await;
    world.advance(3600);
    world.control("edit", json!({"type": "thirdparties", "id": 7, "fields": {"town": "Lyon"}}));
    let (records, cursor) = world.drain("thirdparties", Some(&cursor)).await;
    assert!(ids(&records).contains(&"7"));
    let before = world.calls();
    let (records, _) = world.drain("thirdparties", Some(&cursor)).await;
    assert_eq!((ids(&records), world.calls() - before), (vec![], 1));
}

#[tokio::test]
async fn more_records_of_one_second_than_a_page_holds_all_come() {
    let world = World::new().await;
    let (_, cursor) = world.drain("thirdparties", None).await;
    let (_, cursor) = world.drain("thirdparties", Some(&cursor)).await;
    world.advance(600);
    world.control(
        "seed",
        json!({"thirdparties": (0..230).map(|n| json!({"name": format!("Party {n}")})).collect::<Vec<_>>()}),
    );
    let (records, _) = world.drain("thirdparties", Some(&cursor)).await;
    assert_eq!(ids(&records).into_iter().collect::<BTreeSet<_>>().len(), 230);
}

#[tokio::test]
async fn a_second_edit_within_the_same_second_is_seen() {
    let world = World::new().await;
    let (_, cursor) = world.drain("thirdparties", None).await;
    let (_, cursor) = world.drain("thirdparties", Some(&cursor)).await;
    world.advance(600);
    world.control("edit", json!({"type": "thirdparties", "id": 1, "fields": {"town": "Lyon"}}));
    let (records, cursor) = world.drain("thirdparties", Some(&cursor)).await;
    assert_eq!(ids(&records), ["1"]);
    world.control("edit", json!({"type": "thirdparties", "id": 1, "fields": {"town": "Paris"}}));
    let (records, _) = world.drain("thirdparties", Some(&cursor)).await;
    assert_eq!(records[0].fields["town"], "Paris");
}

/// Edits one party an hour for ten days around a change of clocks, with polls between.
async fn nothing_is_skipped(start: &str, database: &str, php: &str) {
    let world = World::new().await;
    world.control("settings", json!({"database_zone": database, "php_zone": php}));
    let start: jiff::Timestamp = start.parse().unwrap();
    let ahead = start.as_second() - passerelle_core::clock::Clock::now(world.host.time()).as_second();
    world.advance(ahead.try_into().unwrap());
    let (_, mut cursor) = world.drain("thirdparties", None).await;
    for step in 0..120 {
        world.advance(1260);
        world.control("edit", json!({"type": "thirdparties", "id": 1, "fields": {"town": format!("Town {step}")}}));
        if step % 3 == 2 {
            let (records, next) = world.drain("thirdparties", Some(&cursor)).await;
            cursor = next;
            let seen = records.iter().map(|record| record.fields["town"].as_str().unwrap()).next_back();
            assert_eq!(seen, Some(format!("Town {step}").as_str()), "{database} under {php}");
        }
        if step % 3 == 0 {
            world.control("create", json!({"type": "thirdparties", "fields": {"name": format!("New {step}")}}));
            let (records, next) = world.drain("thirdparties", Some(&cursor)).await;
            cursor = next;
            let new = records.iter().any(|record| record.fields["name"] == format!("New {step}"));
            assert!(new, "New {step}: {database} under {php}");
        }
    }
}

#[tokio::test]
async fn no_zone_and_no_change_of_clocks_makes_the_feed_skip() {
    let paris = "CET-1CEST,M3.5.0,M10.5.0/3";
    let new_york = "EST5EDT,M3.2.0,M11.1.0";
    let nepal = "<+0545>-5:45";
    for (database, php) in [
        ("UTC", paris),
        (paris, "UTC"),
        (paris, paris),
        ("UTC", new_york),
        (new_york, paris),
        (nepal, "UTC"),
        ("UTC", nepal),
    ] {
        nothing_is_skipped("2027-03-27T14:00:00Z", database, php).await;
        nothing_is_skipped("2027-10-30T14:00:00Z", database, php).await;
    }
    // In Cairo clocks are put back at midnight, to 23:00 of the day before.
    nothing_is_skipped("2027-10-28T06:00:00Z", "EET-2EEST,M4.5.5/0,M10.5.4/24", "UTC").await;
}

/// A Dolibarr with one validated order that is invoiced, read to the end.
async fn invoiced() -> (World, passerelle_core::model::Cursor) {
    let world = World::new().await;
    world.create_then("orders", "k:1", sale(), &["validate"]).await.unwrap();
    world.control("invoice_order", json!({"order": 1}));
    let (_, cursor) = world.drain("orders", None).await;
    let (_, cursor) = world.drain("orders", Some(&cursor)).await;
    (world, cursor)
}

#[tokio::test]
async fn very_many_payments_in_one_second_read_each_order_a_few_times_and_skip_none() {
    const ORDERS: usize = 560;
    let world = World::new().await;
    for at in 1..=ORDERS {
        world.create_then("orders", &format!("k:{at}"), sale(), &["validate"]).await.unwrap();
    }
    let (_, cursor) = world.drain("orders", None).await;
    let (_, cursor) = world.drain("orders", Some(&cursor)).await;
    world.advance(3600);
    for order in 1..=ORDERS {
        let invoice = world.control("invoice_order", json!({"order": order}));
        world.control("pay", json!({"invoice": invoice["invoice"]}));
    }
    world.advance(600);
    let before = world.calls();
    let (records, _) = world.drain("orders", Some(&cursor)).await;
    assert_eq!(ids(&records).into_iter().collect::<BTreeSet<_>>().len(), ORDERS);
    let (times, calls) = (records.len() / ORDERS, (world.calls() - before) as usize);
    assert!(times <= 2 && calls <= 3 * ORDERS, "each order {times} times, {calls} calls");
}

#[tokio::test]
async fn a_quiet_poll_of_orders_costs_three_calls() {
    let (world, cursor) = invoiced().await;
    let before = world.calls();
    let (records, _) = world.drain("orders", Some(&cursor)).await;
    assert_eq!((ids(&records), world.calls() - before), (vec![], 3));
}

#[tokio::test]
async fn every_payment_and_credit_and_a_due_date_that_passes_show_in_the_orders_feed() {
    let (world, mut cursor) = invoiced().await;
    let steps = [
        ("pay", json!({"invoice": 1, "amount": "500.00", "date": "2026-11-21"}), "partly_paid", "500.00", "1125.32"),
        ("pay", json!({"invoice": 1, "amount": "25.32", "date": "2026-11-22"}), "partly_paid", "525.32", "1100.00"),
        ("pay", json!({"invoice": 1, "amount": "100.00", "date": "2026-11-23"}), "partly_paid", "625.32", "1000.00"),
        ("credit_note", json!({"invoice": 1, "share": "0.1"}), "partly_paid", "625.32", "837.45"),
        ("advance", json!({"days": 40}), "overdue", "625.32", "837.45"),
        ("pay", json!({"invoice": 1, "amount": "remain", "close": false}), "paid", "1462.77", "0.00"),
    ];
    for (command, arguments, status, paid, balance) in steps {
        world.advance(600);
        world.control(command, arguments.clone());
        let (records, next) = world.drain("orders", Some(&cursor)).await;
        cursor = next;
        let order = &records
            .iter()
            .find(|order| order.id.as_str() == "1")
            .unwrap_or_else(|| panic!("{command} {arguments}"))
            .fields;
        assert_eq!(
            (&order["invoice_status"], &order["paid"], &order["balance_due"]),
            (&json!(status), &json!(paid), &json!(balance)),
            "{command} {arguments}"
        );
    }
    let before = world.calls();
    assert!(world.drain("orders", Some(&cursor)).await.0.is_empty());
    assert_eq!(world.calls() - before, 3);
}

#[tokio::test]
async fn an_invoice_made_and_one_paid_whole_show_in_the_orders_feed() {
    let world = World::new().await;
    world.create_then("orders", "k:1", sale(), &["validate"]).await.unwrap();
    let (_, cursor) = world.drain("orders", None).await;
    world.advance(900);
    world.control("invoice_order", json!({"order": 1, "share": "0.5"}));
    let (records, cursor) = world.drain("orders", Some(&cursor)).await;
    assert_eq!(records[0].fields["invoice_numbers"], "FA2611-0001");
    world.advance(900);
    world.control("pay", json!({"invoice": 1}));
    let (records, _) = world.drain("orders", Some(&cursor)).await;
    assert_eq!(records[0].fields["invoice_status"], "paid");
}

#[tokio::test]
async fn an_invoice_that_is_made_after_its_changed_order_was_listed_shows_at_once() {
    let world = World::new().await;
    world.create_then("orders", "k:1", sale(), &["validate"]).await.unwrap();
    let (_, cursor) = world.drain("orders", None).await;
    let (_, cursor) = world.drain("orders", Some(&cursor)).await;
    world.advance(900);
    world.control("edit", json!({"type": "orders", "id": 1, "fields": {"ref_client": "B"}}));
    let world = world.meanwhile("/invoices", "invoice_order", json!({"order": 1}));
    let (records, _) = world.drain("orders", Some(&cursor)).await;
    assert_eq!(ids(&records), ["1"]);
    assert_eq!(records[0].fields["invoice_numbers"], "FA2611-0001");
}

#[tokio::test]
async fn many_open_invoices_that_fall_due_at_once_come_page_by_page() {
    let world = World::new().await;
    for n in 0..260 {
        world.control("create", json!({"type": "orders", "fields": {"socid": "1", "lines": [{"desc": "x", "qty": "1", "subprice": "10", "tva_tx": "20"}], "validate": true}}));
        world.control("invoice_order", json!({"order": n + 1}));
    }
    let (_, cursor) = world.drain("orders", None).await;
    let (_, cursor) = world.drain("orders", Some(&cursor)).await;
    world.control("advance", json!({"days": 40}));
    let (records, cursor) = world.drain("orders", Some(&cursor)).await;
    assert_eq!(ids(&records).into_iter().collect::<BTreeSet<_>>().len(), 260);
    assert!(world.drain("orders", Some(&cursor)).await.0.is_empty());
}
