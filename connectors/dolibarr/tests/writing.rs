//! Creates, updates, state moves.

use passerelle_core::ErrorKind;
use passerelle_core::connector::{Lookup, Prepare, State};
use passerelle_core::model::{Action, Write};
use serde_json::{Value, json};

use super::{World, need, object, sale};

#[tokio::test]
async fn a_sale_becomes_a_draft_with_every_line_and_the_vendors_totals() {
    let world = World::new().await;
    let order = world.create("orders", "k:1", sale()).await.unwrap();
    assert_eq!(order.key.as_ref().unwrap().as_str(), "k:1");
    for (field, expected) in [
        ("statut", json!("0")),
        ("date", json!("2026-11-20")),
        ("ref_ext", json!("k:1")),
        ("total_ht", json!("1374.72")),
        ("total_tva", json!("250.60")),
        ("total_ttc", json!("1625.32")),
        ("invoice_status", json!("none")),
        ("balance_due", json!("0.00")),
        ("invoice_numbers", Value::Null),
    ] {
        assert_eq!(order.fields[field], expected, "{field}");
    }
    let line = &order.fields["lines"][0];
    assert_eq!(line["product_ref"], "APL-001");
    assert_eq!(line["subprice"], "120.50");
    assert_eq!(line["total_ht"], "1144.75");
    assert_eq!(order.fields["lines"][2]["desc"], "Noir & blanc");
}

#[tokio::test]
async fn a_new_validated_sale_costs_a_fixed_number_of_calls() {
    let world = World::new().await;
    world.create("orders", "k:1", sale()).await.unwrap();
    let before = world.calls();
    let order = world.create_then("orders", "k:2", sale(), &["validate"]).await.unwrap();
    assert_eq!(order.fields["ref"], "CO2611-0001");
    // Create, read for the currency, validate, prove it, read the document.
    assert_eq!(world.calls() - before, 5);
}

#[tokio::test]
async fn the_same_key_never_makes_a_second_record() {
    let world = World::new().await;
    for (resource, fields) in [
        ("thirdparties", json!({"name": "Beta"})),
        ("contacts", json!({"lastname": "Dupont", "socid": "1"})),
        ("products", json!({"ref": "B-1", "label": "Beta"})),
        ("orders", sale()),
    ] {
        let first = world.create(resource, "k:1", fields.clone()).await.unwrap();
        let second = world.create(resource, "k:1", fields).await.unwrap();
        assert_eq!(first.id, second.id, "{resource}");
        let found =
            world.dolibarr.find(&resource.into(), &Lookup::Key(vec!["k:1".into(), "k:2".into()])).await.unwrap();
        assert_eq!(found.len(), 1, "{resource}");
    }
}

#[tokio::test]
async fn without_the_key_field_nothing_is_created() {
    let world = World::bare(json!({}));
    let refused = world.create("thirdparties", "k:1", json!({"name": "Beta"})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Config);
    assert!(refused.to_string().contains("passerelle_id"), "{refused}");
    assert_eq!(world.drain("thirdparties", None).await.0.len(), 0);
}

#[tokio::test]
async fn an_answer_lost_after_the_effect_is_found_by_its_key() {
    let world = World::new().await;
    world.control("faults", json!({"drop-after": 1, "times": 1, "on": "POST /orders"}));
    let lost = world.create("orders", "k:1", sale()).await;
    assert_eq!(lost.unwrap_err().kind(), ErrorKind::OutcomeUnknown);
    let found = world.dolibarr.find(&"orders".into(), &Lookup::Key(vec!["k:1".into()])).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(world.create("orders", "k:1", sale()).await.unwrap().id, found[0].id);
}

#[tokio::test]
async fn a_customer_gets_a_code_and_a_country_by_its_code() {
    let world = World::new().await;
    let party = world
        .create("thirdparties", "k:1", json!({"name": "Beta", "client": "2", "country_code": "BE"}))
        .await
        .unwrap();
    assert_eq!((&party.fields["country_code"], &party.fields["code_client"]), (&json!("BE"), &Value::Null));
    let party = world.update("thirdparties", &party.id, json!({"client": "1", "country_code": null})).await.unwrap();
    assert_eq!(party.fields["code_client"], "CU2611-00002");
    assert_eq!(party.fields["country_code"], Value::Null);
    let refused = world.update("thirdparties", &party.id, json!({"country_code": "XX"})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
}

#[tokio::test]
async fn a_product_reference_that_would_be_changed_is_refused() {
    let world = World::new().await;
    for reference in ["SVC 002/é", "A,B", "A--B", "A=1", ""] {
        let fields = json!({"ref": reference, "label": "x"});
        let refused = world.create("products", "k:1", fields.clone()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Rejected, "{reference}");
        let refused = world.update("products", &"1".into(), fields).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Rejected, "{reference}");
    }
    assert_eq!(world.drain("products", None).await.0.len(), 2);
}

#[tokio::test]
async fn quotation_marks_survive_and_what_dolibarr_would_remove_is_refused() {
    let world = World::new().await;
    let name = "Restaurant \"Chez Paul\", L'Étoile (Lyon)";
    let fields = json!({"name": name, "note_public": "said \"yes\" & <b>signed</b>"});
    let party = world.create("thirdparties", "k:1", fields).await.unwrap();
    assert_eq!(
        (&party.fields["name"], &party.fields["note_public"]),
        (&json!(name), &json!("said \"yes\" & <b>signed</b>"))
    );
    let by = Lookup::Field { path: "name".to_owned(), values: vec![name.to_owned()] };
    assert_eq!(world.dolibarr.find(&"thirdparties".into(), &by).await.unwrap().len(), 1);
    for (field, value) in [("name", "A <b> C"), ("name", "Apples 🍎"), ("price", "33.333333")] {
        let refused = world.update("thirdparties", &party.id, json!({field: value})).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Rejected, "{value}");
    }
}

#[tokio::test]
async fn a_drafts_lines_follow_and_a_validated_orders_do_not() {
    let world = World::new().await;
    let order = world.create("orders", "k:1", sale()).await.unwrap();
    let mut lines = sale()["lines"].clone();
    lines[0]["qty"] = json!("4");
    lines.as_array_mut().unwrap().remove(1);
    lines
        .as_array_mut()
        .unwrap()
        .push(json!({"desc": "Freight", "qty": "1", "subprice": "50", "tva_tx": "20", "product_type": "1"}));
    let changed = world
        .update("orders", &order.id, json!({"lines": lines, "ref_client": "PO-91", "date": "2026-11-19"}))
        .await
        .unwrap();
    let texts: Vec<&str> =
        changed.fields["lines"].as_array().unwrap().iter().map(|line| line["desc"].as_str().unwrap()).collect();
    assert_eq!(texts, ["Golden apples", "Noir & blanc", "Freight"]);
    assert_eq!((&changed.fields["ref_client"], &changed.fields["date"]), (&json!("PO-91"), &json!("2026-11-19")));
    let validate = vec![Action("validate".to_owned())];
    let write = Write::Update { id: order.id.clone(), fields: object(json!({})), expect: None, then: validate.clone() };
    let validated = world.write("orders", write.clone()).await.unwrap().record.unwrap();
    assert_eq!(validated.fields["statut"], "1");
    world.write("orders", write).await.unwrap();
    world.update("orders", &order.id, json!({"lines": lines, "note_public": "same lines"})).await.unwrap();
    let refused = world.update("orders", &order.id, json!({"lines": sale()["lines"]})).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Rejected);
    assert!(refused.message().contains("CO2611-0001 is validated"), "{refused}");
}

#[tokio::test]
async fn a_foreign_sale_has_its_own_prices_and_needs_the_module() {
    let world = World::new().await;
    let mut dollars = sale();
    dollars["multicurrency_code"] = json!("USD");
    let refused = world.create("orders", "k:1", dollars.clone()).await.unwrap_err();
    assert!(refused.message().contains("Multi-currency"), "{refused}");
    assert_eq!(world.drain("orders", None).await.0.len(), 0, "the draft in the wrong currency is gone");
    world.control("settings", json!({"rates": {"EUR": "1", "USD": "1.1"}}));
    let order = world.create("orders", "k:1", dollars.clone()).await.unwrap();
    assert_eq!(order.fields["multicurrency_code"], "USD");
    assert_eq!(order.fields["total_ht"], "1374.72");
    assert_eq!(order.fields["lines"][1]["subprice"], "80.00");
    assert_eq!(world.create("orders", "k:1", dollars).await.unwrap().fields["total_ht"], "1374.72");
}

#[tokio::test]
async fn a_sale_may_first_become_a_signed_proposal() {
    let world = World::new().await.with(json!({"proposals": true}));
    world.dolibarr.prepare(&"orders".into(), &[], Prepare::Create).await.unwrap();
    world.control("faults", json!({"drop-after": 1, "times": 1, "on": "POST /orders/createfromproposal"}));
    let lost = world.create("orders", "k:1", sale()).await.unwrap_err();
    assert_eq!(lost.kind(), ErrorKind::OutcomeUnknown);
    let order = world.create("orders", "k:1", sale()).await.unwrap();
    assert_eq!((&order.fields["total_ttc"], &order.fields["ref_ext"]), (&json!("1625.32"), &json!("k:1")));
    assert_eq!(order.fields["date"], "2026-11-20");
    assert_eq!(world.drain("orders", None).await.0.len(), 1);
}

#[tokio::test]
async fn what_is_missing_is_created_by_an_administrator_and_told_to_others() {
    let world = World::bare(json!({}));
    let needs = [need("array_options.options_region", "text")];
    let told = world.dolibarr.prepare(&"orders".into(), &needs, Prepare::Tell).await.unwrap();
    assert_eq!(told.iter().map(|one| one.state).collect::<Vec<_>>(), [State::WouldCreate; 2]);
    world.control("settings", json!({"denied": ["admin"]}));
    let told = world.dolibarr.prepare(&"orders".into(), &needs, Prepare::Create).await.unwrap();
    assert!(told.iter().all(|one| one.state == State::Manual && one.how.contains("Attribute code")), "{told:?}");
    world.control("settings", json!({"denied": []}));
    let told = world.dolibarr.prepare(&"orders".into(), &needs, Prepare::Create).await.unwrap();
    assert_eq!(told.iter().map(|one| one.state).collect::<Vec<_>>(), [State::Created; 2]);
    let told = world.dolibarr.prepare(&"orders".into(), &needs, Prepare::Create).await.unwrap();
    assert_eq!(told.iter().map(|one| one.state).collect::<Vec<_>>(), [State::There; 2]);
    let schema = world.dolibarr.describe(&"orders".into()).await.unwrap();
    assert!(schema.field("array_options.options_passerelle_id").unwrap().unique);
}

#[tokio::test]
async fn an_extrafield_of_another_type_is_told_and_left_as_it_is() {
    let world = World::bare(json!({}));
    let region = |kind: &str| [need("array_options.options_region", kind)];
    world.dolibarr.prepare(&"orders".into(), &region("date"), Prepare::Create).await.unwrap();
    let told = world.dolibarr.prepare(&"orders".into(), &region("text"), Prepare::Create).await.unwrap();
    assert_eq!((told[1].state, told[1].thing.as_str()), (State::Manual, "commande/region"));
    let clash = "the extrafield `region` of commande is there as date, and the hub writes String (1 line), Size 255";
    assert!(told[1].how.starts_with(clash), "{told:?}");
    let told = world.dolibarr.prepare(&"orders".into(), &region("date"), Prepare::Tell).await.unwrap();
    assert_eq!(told.iter().map(|one| one.state).collect::<Vec<_>>(), [State::There; 2]);
}

#[tokio::test]
async fn what_config_forbids_to_create_is_told_to_a_person() {
    let world = World::bare(json!({"create_extrafields": false}));
    for how in [Prepare::Tell, Prepare::Create] {
        let told = world.dolibarr.prepare(&"orders".into(), &[], how).await.unwrap();
        assert_eq!((told.len(), told[0].state), (1, State::Manual), "{told:?}");
        assert!(told[0].how.contains("Attribute code `passerelle_id`"), "{told:?}");
    }
}

#[tokio::test]
async fn a_missing_right_and_a_module_that_is_off_show_in_the_check() {
    let world = World::new().await;
    assert_eq!(world.dolibarr.check().await.unwrap().version.as_deref(), Some("22.0.4"));
    world.control("settings", json!({"denied": ["invoices:read"]}));
    assert_eq!(world.dolibarr.check().await.unwrap_err().kind(), ErrorKind::Denied);
    world.control("settings", json!({"denied": [], "off": ["orders"]}));
    let off = world.dolibarr.check().await.unwrap_err();
    assert_eq!(off.kind(), ErrorKind::Config);
    assert!(off.message().contains("module"), "{off}");
    world.control("settings", json!({"off": ["proposals"]}));
    world.dolibarr.check().await.unwrap();
    let world = world.with(json!({"proposals": true}));
    assert_eq!(world.dolibarr.check().await.unwrap_err().kind(), ErrorKind::Config);
}
