//! Writes: drafts equal to the cent, VAT from the site's templates, keys looked up, refusals a person can act on.

use passerelle_core::ErrorKind;
use passerelle_core::connector::Prepare;
use serde_json::{Value, json};

use super::{World, connect, line, sale};

#[tokio::test]
async fn a_sale_is_a_draft_equal_to_the_cent_until_it_is_submitted() {
    for rounding in ["Banker's Rounding", "Commercial Rounding"] {
        let world = World::new().await;
        world.control("settings", json!({ "rounding_method": rounding }));
        let draft = world.create("orders", "sale:1", sale("PO-1")).await.unwrap();
        let sums = ["net_total", "total_taxes_and_charges", "grand_total", "docstatus"];
        assert_eq!(
            sums.map(|name| draft.fields[name].as_str().unwrap()),
            ["1944.75", "388.95", "2333.70", "0"],
            "{rounding}"
        );
        assert_eq!(draft.fields["items"][0]["unit_price"], "120.50");
        assert_eq!(draft.fields["items"][0]["discount_percentage"], "5");
        let order = world.submit(&draft.id).await.unwrap();
        assert_eq!((&order.fields["docstatus"], &order.fields["status"]), (&json!("1"), &json!("To Deliver and Bill")));
        let again = world.submit(&draft.id).await.unwrap();
        assert_eq!(again.version, order.version, "a second submission calls nothing");
    }
}

#[tokio::test]
async fn rows_of_vat_are_copied_from_the_sites_template_of_the_rate() {
    let world = World::new().await;
    let order = world.create("orders", "sale:1", sale("PO-1")).await.unwrap();
    assert_eq!(
        order.fields["taxes"],
        json!([{ "charge_type": "On Net Total", "account_head": "TVA collectee 20% - ADS", "description": "TVA 20%", "rate": "20", "tax_amount": "388.95" }])
    );
    assert_eq!(order.fields["taxes_and_charges"], "TVA 20% - ADS");
}

#[tokio::test]
async fn a_sale_of_several_rates_gives_each_line_its_own_template() {
    let world = World::new().await;
    let mut mixed = sale("PO-1");
    mixed["items"] = json!([
        line("HUB-SVC-01", "1", "100.00", "0", "20"),
        line("HUB-SVC-02", "3", "23.70", "5", "5.5"),
        line("HUB-STK-01", "1", "10.00", "0", "0"),
    ]);
    let order = world.create("orders", "sale:1", mixed).await.unwrap();
    let rates: Vec<&Value> = order.fields["items"].as_array().unwrap().iter().map(|line| &line["vat_rate"]).collect();
    assert_eq!(rates, ["20", "5.5", "0"]);
    assert_eq!([&order.fields["net_total"], &order.fields["total_taxes_and_charges"]], ["177.55", "23.72"]);
}

#[tokio::test]
async fn a_rate_without_a_template_or_with_two_is_refused_before_anything_is_made() {
    let world = World::new().await;
    let mut strange = sale("PO-1");
    strange["items"] = json!([line("HUB-SVC-01", "1", "100.00", "0", "13")]);
    let refusal = world.create("orders", "sale:1", strange).await.unwrap_err();
    assert!(refusal.to_string().contains("no Sales Taxes and Charges Template of 13 %"), "{refusal}");
    let rows =
        json!([{ "charge_type": "On Net Total", "account_head": "Autre - ADS", "description": "TVA", "rate": 20 }]);
    let twin = json!({ "title": "Encaissements", "company": "Atelier Demo SAS", "taxes": rows });
    world.control("create", json!({ "type": "Sales Taxes and Charges Template", "fields": twin }));
    let refusal = world.create("orders", "sale:2", sale("PO-2")).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Rejected);
    assert!(
        refusal.to_string().contains("`tax_templates`") && refusal.to_string().contains("Encaissements - ADS"),
        "{refusal}"
    );
    let told = connect(&world.host, json!({ "tax_templates": ["Encaissements - ADS"] }));
    let chosen = super::World { erpnext: told, host: world.host.clone() };
    let order = chosen.create("orders", "sale:2", sale("PO-2")).await.unwrap();
    assert_eq!(order.fields["taxes"][0]["account_head"], "Autre - ADS");
}

#[tokio::test]
async fn a_site_of_several_companies_asks_which_one_sells_and_keeps_to_it() {
    let world = World::new().await;
    let other = json!({ "company_name": "Other SA", "abbr": "O", "default_currency": "EUR", "country": "France" });
    world.control("create", json!({ "type": "Company", "fields": other }));
    let refusal = world.create("orders", "sale:1", sale("PO-1")).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Config);
    assert!(refusal.to_string().contains("`company`"), "{refusal}");
    let of = |company: &str| World {
        erpnext: connect(&world.host, json!({ "company": company })),
        host: world.host.clone(),
    };
    let ours = of("Atelier Demo SAS");
    let order = ours.create("orders", "sale:1", sale("PO-1")).await.unwrap();
    assert_eq!(order.fields["company"], "Atelier Demo SAS");
    assert_eq!(ours.drain("orders", None).await.0.len(), 1);
    assert!(of("Other SA").drain("orders", None).await.0.is_empty());
    assert!(of("Other SA").read("orders", order.id.as_str()).await.is_none());
}

#[tokio::test]
async fn an_unfinished_create_is_completed_under_the_same_key() {
    let world = World::new().await;
    let first = world.create("orders", "sale:1", sale("PO-1")).await.unwrap();
    // As if the second call of the create, which puts the cents right, had never been made.
    let undone = json!({ "discount_amount": 0 });
    world.control("edit", json!({ "type": "orders", "id": first.id.as_str(), "fields": undone }));
    let again = world.create("orders", "sale:1", sale("PO-1")).await.unwrap();
    assert_eq!((&again.id, &again.fields["grand_total"]), (&first.id, &json!("2333.70")));
}

#[tokio::test]
async fn a_customers_reference_is_taken_once_and_the_site_says_by_whom() {
    let world = World::new().await;
    world.create("orders", "sale:1", sale("PO-1")).await.unwrap();
    let refusal = world.create("orders", "sale:2", sale("PO-1")).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Rejected);
    let words = "Sales Order SAL-ORD-2026-00001 already exists against Customer's Purchase Order PO-1.";
    assert_eq!(refusal.fact("erpnext"), Some(words));
}

#[tokio::test]
async fn what_the_site_would_change_in_silence_is_refused() {
    let world = World::new().await;
    let refused = async |field: &str, value: Value| {
        let mut wrong = sale("PO-1");
        wrong["items"][0][field] = value;
        world.create("orders", "sale:1", wrong).await.unwrap_err().to_string()
    };
    assert!(refused("unit_price", json!("0.385")).await.contains("`price_decimals`"));
    assert!(refused("item_code", Value::Null).await.contains("`free_text_item`"));
    assert!(refused("vat_rate", Value::Null).await.contains("no `vat_rate`"));
    assert!(refused("qty", json!("1.5")).await.contains("cannot be a fraction"));
    assert!(refused("item_code", json!("NOPE")).await.contains("Item NOPE not found"));
}

#[tokio::test]
async fn lines_without_a_product_go_under_the_item_that_stands_for_them_and_come_back_without() {
    let world = World::with(json!({ "free_text_item": "HUB-SVC-02" })).await;
    let mut free = sale("PO-1");
    free["items"] = json!([
        { "item_code": null, "description": "Transport", "qty": "1", "unit_price": "0", "vat_rate": "20" },
        { "item_code": null, "description": "Remise", "qty": "1", "unit_price": "25.00", "vat_rate": "20" },
    ]);
    let order = world.create("orders", "sale:1", free).await.unwrap();
    let shown = &order.fields["items"];
    assert_eq!(
        (&shown[0]["item_code"], &shown[0]["unit_price"], &shown[0]["discount_percentage"]),
        (&Value::Null, &json!("0.00"), &json!("0"))
    );
    assert_eq!(order.fields["net_total"], "25.00");
}

#[tokio::test]
async fn lines_change_while_the_order_is_a_draft_and_never_after() {
    let world = World::new().await;
    let made = world.create("orders", "sale:1", sale("PO-1")).await.unwrap();
    let fewer = json!([line("HUB-STK-01", "3", "18.90", "5", "20")]);
    let changed = world.update("orders", &made.id, json!({ "items": fewer })).await.unwrap();
    assert_eq!([&changed.fields["net_total"], &changed.fields["grand_total"]], ["53.87", "64.64"]);
    let before = changed.version.clone();
    let same = world.update("orders", &made.id, json!({ "items": fewer })).await.unwrap();
    assert_eq!(same.version, before, "the same lines are not sent");
    world.submit(&made.id).await.unwrap();
    let refusal = world.update("orders", &made.id, json!({ "items": sale("x")["items"] })).await.unwrap_err();
    assert!(refusal.to_string().contains("SAL-ORD-2026-00001 is submitted, so its lines cannot change"), "{refusal}");
    world.control("cancel", json!({ "type": "orders", "id": made.id.as_str() }));
    let refusal = world.submit(&made.id).await.unwrap_err();
    assert!(refusal.to_string().contains("is cancelled in ERPNext"), "{refusal}");
}

#[tokio::test]
async fn an_address_needs_a_country_and_nothing_else() {
    let world = World::new().await;
    let company = |address: Value| json!({ "customer_name": "Café", "address": address });
    let refusal = world.create("customers", "company:1", company(json!({ "city": "Lyon" }))).await.unwrap_err();
    assert!(refusal.to_string().contains("only with a country"), "{refusal}");
    let made =
        world.create("customers", "company:1", company(json!({ "city": "Lyon", "country": "France" }))).await.unwrap();
    assert_eq!(
        (&made.fields["address"]["city"], &made.fields["address"]["address_line1"]),
        (&json!("Lyon"), &Value::Null)
    );
    let moved = world
        .update("customers", &made.id, json!({ "address": { "city": null, "phone": "+33472000000" } }))
        .await
        .unwrap();
    assert_eq!(
        (&moved.fields["address"]["city"], &moved.fields["address"]["phone"]),
        (&Value::Null, &json!("+33472000000"))
    );
    assert_eq!(world.control("show", json!({ "type": "Address", "id": "Café-Billing" }))["city"], "-");
}

#[tokio::test]
async fn an_items_price_is_kept_in_its_price_list() {
    let world = World::new().await;
    let item = json!({ "item_code": "NEW-1", "item_name": "New", "item_group": "Services", "stock_uom": "Unit", "price_list_rate": "12.50" });
    let made = world.create("items", "product:1", item).await.unwrap();
    assert_eq!(made.fields["price_list_rate"], "12.50");
    let (_, since) = world.drain("items", None).await;
    let (_, since) = world.drain("items", Some(&since)).await;
    world.advance(60);
    let changed = world.update("items", &made.id, json!({ "price_list_rate": "13" })).await.unwrap();
    assert_eq!(changed.fields["price_list_rate"], "13.00");
    assert_eq!(super::ids(&world.drain("items", Some(&since)).await.0), ["NEW-1"]);
}

#[tokio::test]
async fn without_the_right_to_make_fields_a_person_is_told_what_to_click() {
    let world = World::new().await;
    world.control("settings", json!({ "denied": ["Custom Field:*"] }));
    let need = passerelle_core::model::Need {
        path: "siren".into(),
        kind: "text".into(),
        label: "SIREN".into(),
        options: Vec::new(),
        refers: None,
    };
    let mut told = world.erpnext.prepare(&"customers".into(), &[need], Prepare::Create).await.unwrap();
    told.retain(passerelle_core::connector::Preparation::was_lacking);
    assert_eq!(told.len(), 1, "the key's field is there: {told:?}");
    assert!(told[0].how.contains("Document \"Customer\"") && told[0].how.contains("Fieldname `siren`"), "{told:?}");
}

#[tokio::test]
async fn without_the_keys_field_nothing_is_created() {
    let world = World::new().await;
    world.control("delete", json!({ "type": "Custom Field", "id": "Sales Order-hub_external_id" }));
    let refusal = world.create("orders", "sale:1", sale("PO-1")).await.unwrap_err();
    assert_eq!(refusal.kind(), ErrorKind::Config);
    assert!(refusal.to_string().contains("check --prepare"), "{refusal}");
}

#[tokio::test]
async fn what_was_agreed_is_not_discounted_again_by_the_sites_own_rules() {
    let world = World::new().await;
    let mut quotation = sale("PO-1");
    quotation["party_name"] = quotation["customer"].take();
    quotation.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    for (resource, fields) in [("orders", sale("PO-2")), ("quotations", quotation)] {
        let made = world.create(resource, "sale:1", fields).await.unwrap();
        let shown = world.control("show", json!({ "type": resource, "id": made.id.as_str() }));
        assert_eq!(shown["ignore_pricing_rule"], 1, "{resource}");
    }
}
