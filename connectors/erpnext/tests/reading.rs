//! Reading: what an order's invoices come to, in every state that was observed.

use serde_json::{Value, json};

use super::World;

/// A submitted order, what people do with it, and what its document says then.
async fn check(steps: &[(&str, Value)], expected: [&str; 4]) {
    let world = World::new().await;
    let order = world.order("sale:1").await;
    for (command, arguments) in steps {
        let mut arguments = arguments.clone();
        if *command == "invoice_order" {
            arguments["order"] = json!(order.as_str());
        }
        world.control(command, arguments);
    }
    let record = world.read("orders", order.as_str()).await.unwrap();
    let told = ["invoice_status", "invoiced", "paid", "balance_due"]
        .map(|name| record.fields[name].as_str().unwrap().to_owned());
    assert_eq!(told, expected.map(str::to_owned), "{steps:?}");
}

fn first() -> Value {
    json!("ACC-SINV-2026-00001")
}

#[tokio::test]
async fn every_state_of_an_invoice_is_told() {
    let invoice = ("invoice_order", json!({}));
    check(&[], ["none", "0.00", "0.00", "0.00"]).await;
    check(&[("invoice_order", json!({ "draft": true }))], ["draft", "0.00", "0.00", "0.00"]).await;
    check(std::slice::from_ref(&invoice), ["unpaid", "2333.70", "0.00", "2333.70"]).await;
    let pay = |amount: &str| ("pay", json!({ "invoice": first(), "amount": amount }));
    check(&[invoice.clone(), pay("33.70")], ["partly_paid", "2333.70", "33.70", "2300.00"]).await;
    check(&[invoice.clone(), pay("33.70"), pay("2300")], ["paid", "2333.70", "2333.70", "0.00"]).await;
    let used = ("credit_note", json!({ "invoice": first() }));
    check(&[invoice.clone(), used], ["credited", "0.00", "0.00", "0.00"]).await;
    let kept = ("credit_note", json!({ "invoice": first(), "use": false }));
    check(&[invoice.clone(), kept], ["unpaid", "0.00", "0.00", "2333.70"]).await;
    // A cancelled invoice's outstanding amount is frozen, and counts for nothing.
    let cancel = ("cancel", json!({ "type": "invoices", "id": first() }));
    check(&[invoice, pay("33.70"), cancel], ["none", "0.00", "0.00", "0.00"]).await;
}

#[tokio::test]
async fn an_order_billed_in_parts_sums_its_invoices() {
    let world = World::new().await;
    let mut plain = super::sale("PO-1");
    plain["items"] = json!([super::line("HUB-SVC-01", "10", "100.00", "0", "20")]);
    let order = world.create("orders", "sale:1", plain).await.unwrap().id;
    world.submit(&order).await.unwrap();
    for share in ["0.4", "1"] {
        world.control("invoice_order", json!({ "order": order.as_str(), "share": share }));
    }
    world.control("pay", json!({ "invoice": first() }));
    let record = world.read("orders", order.as_str()).await.unwrap();
    let told = ["invoice_status", "invoiced", "paid", "balance_due", "invoice_numbers", "billing_status"];
    let expected =
        ["partly_paid", "1200.00", "480.00", "720.00", "ACC-SINV-2026-00001, ACC-SINV-2026-00002", "Fully Billed"];
    assert_eq!(told.map(|name| record.fields[name].as_str().unwrap()), expected);
}

#[tokio::test]
async fn a_contact_bears_its_customer_and_a_customer_is_found_by_its_address() {
    let world = World::new().await;
    let address = json!({ "city": "Lyon", "country": "France", "email_id": "Compta@eclair.example" });
    world.create("customers", "company:1", json!({ "customer_name": "Éclair", "address": address })).await.unwrap();
    let by = passerelle_core::connector::Lookup::Field {
        path: "address.email_id".to_owned(),
        values: vec!["compta@eclair.example".to_owned()],
    };
    let found = world.erpnext.find(&"customers".into(), &by).await.unwrap();
    assert_eq!(super::ids(&found), ["Éclair"]);
    let contact =
        json!({ "first_name": "Jeanne", "last_name": "Morel", "customer": "Éclair", "phone": "+33472000000" });
    let made = world.create("contacts", "contact:1", contact).await.unwrap();
    assert_eq!((&made.fields["customer"], &made.fields["phone"]), (&json!("Éclair"), &json!("+33472000000")));
    let moved = world.update("contacts", &made.id, json!({ "email_id": "j@eclair.example" })).await.unwrap();
    assert_eq!(
        (&moved.fields["email_id"], &moved.fields["phone"]),
        (&json!("j@eclair.example"), &json!("+33472000000"))
    );
}

#[tokio::test]
async fn a_number_that_is_phone_and_mobile_stays_the_mobile_when_the_phone_changes() {
    let world = World::new().await;
    let both = json!([{ "phone": "+33600000000", "is_primary_phone": 1, "is_primary_mobile_no": 1 }]);
    let fields = json!({ "first_name": "Jeanne", "phone_nos": both });
    let id =
        world.control("create", json!({ "type": "contacts", "fields": fields }))["id"].as_str().unwrap().to_owned();
    let id = passerelle_core::model::RemoteId::from(id.as_str());
    let moved = world.update("contacts", &id, json!({ "phone": "+33472000000" })).await.unwrap();
    assert_eq!([&moved.fields["phone"], &moved.fields["mobile_no"]], ["+33472000000", "+33600000000"]);
    let gone = world.update("contacts", &id, json!({ "mobile_no": null })).await.unwrap();
    assert_eq!((&gone.fields["phone"], gone.fields.get("mobile_no")), (&json!("+33472000000"), None));
}
