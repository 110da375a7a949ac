//! Documents and look-ups.

use passerelle_core::ErrorKind;
use passerelle_core::connector::Lookup;
use serde_json::{Value, json};

use super::{World, ids, sale};

async fn found(world: &World, resource: &str, path: &str, value: &str) -> Vec<String> {
    let by = Lookup::Field { path: path.to_owned(), values: vec!["nobody".to_owned(), value.to_owned()] };
    ids(&world.dolibarr.find(&resource.into(), &by).await.unwrap()).into_iter().map(str::to_owned).collect()
}

#[tokio::test]
async fn any_value_can_be_looked_up_and_none_finds_another() {
    let world = World::new().await;
    for (place, name) in
        ["Quote's & co", "Beta (Lyon)", "Betaa Lyon", "Union Select SARL", "50% off, \"or not\"", "Été: 24/7"]
            .iter()
            .enumerate()
    {
        let made = world.create("thirdparties", &format!("k:{place}"), json!({"name": name})).await.unwrap();
        let stored = made.fields["name"].as_str().unwrap().to_owned();
        assert_eq!(found(&world, "thirdparties", "name", &stored).await, [made.id.as_str()], "{name}");
    }
    assert_eq!(found(&world, "products", "ref", "APL-001").await, ["1"]);
    assert!(found(&world, "thirdparties", "email", "x@y.example").await.is_empty());
    let by = Lookup::Field { path: "colour".to_owned(), values: vec!["x".to_owned()] };
    let refused = world.dolibarr.find(&"products".into(), &by).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn records_are_read_by_id_and_missing_ones_left_out() {
    let world = World::new().await;
    world.create("orders", "k:1", sale()).await.unwrap();
    for resource in ["thirdparties", "contacts", "products", "orders"] {
        let asked = ["1".into(), "0".into(), "99".into(), "x".into()];
        let records = world.dolibarr.read(&resource.into(), &asked).await.unwrap();
        assert_eq!(records.len(), usize::from(resource != "contacts"), "{resource}");
        assert!(world.dolibarr.read(&resource.into(), &["99".into()]).await.unwrap().is_empty());
        assert!(world.dolibarr.read(&resource.into(), &["x".into()]).await.unwrap().is_empty());
        assert!(world.dolibarr.read(&resource.into(), &["0".into()]).await.unwrap().is_empty());
    }
}

/// What an order shows after some commands: status, invoiced, paid, balance, due date, last payment.
async fn check(commands: &[(&str, Value)], expected: [&str; 4]) -> Value {
    let world = World::new().await;
    world.create_then("orders", "k:1", sale(), &["validate"]).await.unwrap();
    for (command, arguments) in commands {
        world.control(command, arguments.clone());
    }
    let order = world.order("1").await;
    let sums = ["invoice_status", "invoiced", "paid", "balance_due"].map(|field| order.fields[field].as_str().unwrap());
    assert_eq!(sums, expected, "{commands:?}");
    Value::Object(order.fields)
}

#[tokio::test]
async fn invoices_and_payments_come_to_the_right_sums() {
    let all = || ("invoice_order", json!({"order": 1}));
    check(&[], ["none", "0.00", "0.00", "0.00"]).await;
    check(&[("invoice_order", json!({"order": 1, "draft": true}))], ["draft", "0.00", "0.00", "0.00"]).await;
    check(&[all()], ["unpaid", "1625.32", "0.00", "1625.32"]).await;
    check(&[all(), ("pay", json!({"invoice": 1}))], ["paid", "1625.32", "1625.32", "0.00"]).await;
    check(&[all(), ("credit_note", json!({"invoice": 1}))], ["credited", "0.00", "0.00", "0.00"]).await;
    check(&[all(), ("abandon", json!({"invoice": 1}))], ["none", "0.00", "0.00", "0.00"]).await;
    let part = || ("pay", json!({"invoice": 1, "amount": "1000.32", "date": "2026-11-22"}));
    check(
        &[all(), part(), ("close_short", json!({"invoice": 1, "code": "discount_vat"}))],
        ["paid", "1625.32", "1000.32", "0.00"],
    )
    .await;
    let order = check(&[all(), part()], ["partly_paid", "1625.32", "1000.32", "625.00"]).await;
    assert_eq!(order["last_payment_date"], "2026-11-22");
    assert_eq!(
        order["payments"],
        json!([{"invoice": "FA2611-0001", "date": "2026-11-22", "amount": "1000.32", "type": "VIR", "num": null}])
    );
    assert_eq!(order["invoices"][0]["remaining"], "625.00");
}

#[tokio::test]
async fn an_invoice_is_overdue_the_day_after_its_due_date_in_the_servers_zone() {
    let world = World::new().await;
    world.control("settings", json!({"php_zone": "<+09>-9", "database_zone": "UTC"}));
    world.create_then("orders", "k:1", sale(), &["validate"]).await.unwrap();
    world.control("invoice_order", json!({"order": 1, "date": "2026-11-23"}));
    let order = world.order("1").await;
    assert_eq!((&order.fields["due_date"], &order.fields["invoice_status"]), (&json!("2026-11-23"), &json!("unpaid")));
    // 15:00 in London is midnight in Tokyo.
    world.advance(5 * 3600 + 1800 - 1);
    assert_eq!(world.order("1").await.fields["invoice_status"], "unpaid");
    world.advance(1);
    assert_eq!(world.order("1").await.fields["invoice_status"], "overdue");
}

#[tokio::test]
async fn the_shipped_sample_is_read_back_whole() {
    let world = World::bare(json!({}));
    let sample = crate::sample::seed("dolibarr").unwrap();
    world.control("seed", sample.clone());
    for resource in ["thirdparties", "contacts", "products"] {
        let (records, _) = world.drain(resource, None).await;
        let seeded = sample[resource].as_array().unwrap();
        assert_eq!(records.len(), seeded.len());
        for (record, seeded) in records.iter().zip(seeded) {
            for field in ["name", "lastname", "ref", "email", "tva_intra", "country_code"] {
                let expected = seeded.get(field).unwrap_or(&Value::Null);
                assert_eq!(record.fields.get(field).filter(|_| !expected.is_null()).unwrap_or(&Value::Null), expected);
            }
        }
    }
}
