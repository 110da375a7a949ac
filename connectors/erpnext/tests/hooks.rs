//! Webhooks: recorded signatures are accepted, and the stand-in signs the same way.

use passerelle_core::ErrorKind;
use passerelle_core::clock::Timestamp;
use passerelle_core::connector::{Delivery, Prepare, Removal, State};
use serde_json::{Value, json};

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
    for recorded in [
        include_str!("../recorded/webhooks/si-change-partly-paid.json"),
        include_str!("../recorded/webhooks/cust-update-nojson.json"),
        include_str!("../recorded/webhooks/pe-submit.json"),
    ] {
        let exchange: Value = serde_json::from_str(recorded).unwrap();
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
