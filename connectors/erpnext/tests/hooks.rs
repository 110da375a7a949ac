//! Webhooks: recorded signatures are accepted, and the stand-in signs the same way.

use passerelle_core::ErrorKind;
use passerelle_core::clock::Timestamp;
use passerelle_core::connector::{Delivery, Prepare, Removal, State};
use serde_json::{Value, json};

use super::stand_in::{Server, alike};
use super::{World, ids};

fn decoded(world: &World, headers: &[(String, String)], body: &str) -> passerelle_core::Result<Vec<String>> {
    let delivery =
        Delivery { method: "POST", url: "/hooks/erp", headers, body: body.as_bytes(), received: Timestamp::UNIX_EPOCH };
    let hints = world.erpnext.decode_webhook(&delivery)?;
    Ok(hints.into_iter().map(|hint| format!("{}/{}", hint.resource, hint.id)).collect())
}

#[tokio::test]
async fn a_recorded_delivery_is_believed_and_one_changed_by_a_byte_is_not() {
    let world = World::with(json!({ "webhook_secret": "whsec-example" })).await;
    for exchange in [
        recorded!("webhooks/si-submit"),
        recorded!("webhooks/si-change-unpaid"),
        recorded!("webhooks/si-change-partly-paid"),
        recorded!("webhooks/si-change-cancelled"),
        recorded!("webhooks/si-cancel"),
        recorded!("webhooks/q-change"),
        recorded!("webhooks/pe-submit"),
        recorded!("webhooks/cust-insert-form"),
        recorded!("webhooks/cust-update-nojson"),
        recorded!("webhooks/cust-trash"),
        recorded!("webhooks/cust-fail"),
    ] {
        let headers: Vec<(String, String)> = serde_json::from_value(exchange["request"]["headers"].clone()).unwrap();
        let body = exchange["request"]["body"].as_str().unwrap();
        assert!(decoded(&world, &headers, body).unwrap().is_empty(), "its template names no document type");
        let forged = decoded(&world, &headers, &format!("{body} ")).unwrap_err();
        assert_eq!(forged.kind(), ErrorKind::Denied, "{forged}");
        let unsigned = decoded(&world, &[], body).unwrap_err();
        assert!(unsigned.to_string().contains("Enable Security"), "{unsigned}");
    }
}

#[tokio::test]
async fn a_payment_is_delivered_as_a_change_of_its_invoice_and_hints_at_the_order() {
    let world = World::with(json!({ "webhook_secret": "s3cret" })).await;
    let rows = json!([{ "fieldname": "doctype", "key": "doctype" }, { "fieldname": "items", "key": "items" }]);
    let hook = json!({
        "name": "hub", "webhook_doctype": "Sales Invoice", "webhook_docevent": "on_change", "request_structure": "JSON",
        "request_url": "https://hub.example/hooks/erp", "enable_security": 1, "webhook_secret": "s3cret", "webhook_data": rows,
    });
    world.control("create", json!({ "type": "Webhook", "fields": hook }));
    let order = world.order("sale:1").await;
    let invoice = world.control("invoice_order", json!({ "order": order.as_str() }));
    world.control("deliveries", json!({}));
    world.control("pay", json!({ "invoice": invoice["name"], "amount": "100" }));
    let told = world.control("deliveries", json!({}));
    let delivery = &told["deliveries"][0];
    let headers: Vec<(String, String)> = delivery["headers"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
        .collect();
    let hints = decoded(&world, &headers, delivery["body"].as_str().unwrap()).unwrap();
    assert_eq!(hints, [format!("orders/{order}")]);
    let shown = world.control("show", json!({ "type": "Webhook", "id": "hub" }));
    assert_eq!(shown["webhook_secret"], "*************");
    assert_eq!(ids(&world.drain("orders", None).await.0), [order.as_str()]);
}

/// What the web client of Frappe's worker adds to every delivery.
const OF_THE_CLIENT: [&str; 5] = ["Host", "Accept-Encoding", "Accept", "Connection", "Content-Length"];

#[test]
fn the_stand_in_delivers_what_was_recorded_of_an_invoices_life() {
    let mut server = Server::new();
    let hook = recorded!("webhook-create");
    server.replay(&hook);
    for (name, event) in [("hub-si-change", "on_change"), ("hub-si-cancel", "on_cancel")] {
        let mut other = hook["request"]["body"].clone();
        (other["name"], other["webhook_docevent"]) = (json!(name), json!(event));
        other["request_url"] = json!(format!("https://hub.example.test/{}", name.trim_start_matches("hub-")));
        server.send("POST", "/api/resource/Webhook", other);
    }
    let vat = json!([{ "charge_type": "On Net Total", "account_head": "TVA collectee 20% - ADS", "description": "TVA 20%", "rate": 20 }]);
    let lines = json!([{ "item_code": "HUB-SVC-01", "qty": 2, "rate": 850 }]);
    let invoice = json!({ "customer": "Boulangerie Éclair SARL", "items": lines, "taxes": vat });
    let made = server.control("create", json!({ "type": "invoices", "fields": invoice }));
    server.control("submit", json!({ "type": "invoices", "id": made["id"] }));
    server.control("pay", json!({ "invoice": made["id"], "amount": "500" }));
    server.control("cancel", json!({ "type": "invoices", "id": made["id"] }));
    let told = server.control("deliveries", json!({}));
    let told = told["deliveries"].as_array().unwrap();
    let recorded = [
        recorded!("webhooks/si-submit"),
        recorded!("webhooks/si-change-unpaid"),
        recorded!("webhooks/si-change-partly-paid"),
        recorded!("webhooks/si-cancel"),
        recorded!("webhooks/si-change-cancelled"),
    ];
    assert_eq!(told.len(), recorded.len(), "{told:?}");
    for (ours, theirs) in told.iter().zip(&recorded) {
        let headers: Vec<(String, String)> = serde_json::from_value(theirs["request"]["headers"].clone()).unwrap();
        let mut wanted: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
        wanted.retain(|name| !OF_THE_CLIENT.contains(name));
        wanted.sort_unstable();
        let mut sent: Vec<&str> = ours["headers"].as_object().unwrap().keys().map(String::as_str).collect();
        sent.sort_unstable();
        assert_eq!(sent, wanted);
        assert!(ours["url"].as_str().unwrap().ends_with(theirs["request"]["path"].as_str().unwrap()), "{ours}");
        let body = |text: &Value| serde_json::from_str::<Value>(text.as_str().unwrap()).unwrap();
        alike(
            &body(&ours["body"]),
            &body(&theirs["request"]["body"]),
            &["event", "status", "docstatus", "outstanding"],
        );
    }
}

#[tokio::test]
async fn webhooks_that_were_set_up_hint_at_what_moved_until_they_are_taken_away() {
    let world = World::with(json!({ "webhook_secret": "s3cret" })).await;
    let (resources, address) = (["customers".into(), "orders".into()], "https://hub.example/hooks/erp");
    let made = world.erpnext.hook(&resources, address, Prepare::Create).await.unwrap();
    assert_eq!(made.len(), 5, "Customer with Address and Contact, Sales Order, Sales Invoice: {made:?}");
    assert!(made.iter().all(|one| one.state == State::Created), "{made:?}");
    let again = world.erpnext.hook(&resources, address, Prepare::Create).await.unwrap();
    assert!(again.iter().all(|one| one.state == State::There), "{again:?}");
    let hinted = || -> Vec<String> {
        let told = world.control("deliveries", json!({}));
        let hints = told["deliveries"].as_array().unwrap().iter().flat_map(|delivery| {
            let headers = delivery["headers"].as_object().unwrap().iter();
            let headers: Vec<(String, String)> =
                headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
            decoded(&world, &headers, delivery["body"].as_str().unwrap()).unwrap()
        });
        hints.collect()
    };
    let order = world.order("sale:1").await;
    assert_eq!(hinted(), [format!("orders/{order}")]);
    let invoice = world.control("invoice_order", json!({ "order": order.as_str() }));
    hinted();
    world.control("pay", json!({ "invoice": invoice["name"], "amount": "100" }));
    assert_eq!(hinted(), [format!("orders/{order}")]);
    world.control(
        "edit",
        json!({ "type": "Customer", "id": "Boulangerie Éclair SARL", "fields": { "website": "https://a.fr" } }),
    );
    assert_eq!(hinted(), ["customers/Boulangerie Éclair SARL"]);
    for one in &made {
        assert!(matches!(world.erpnext.remove(&one.thing).await.unwrap(), Removal::Removed(_)), "{one:?}");
        assert_eq!(world.erpnext.remove(&one.thing).await.unwrap(), Removal::Gone, "{one:?}");
    }
    world.control(
        "edit",
        json!({ "type": "Customer", "id": "Boulangerie Éclair SARL", "fields": { "website": "https://b.fr" } }),
    );
    assert!(hinted().is_empty());
}
