//! Documents: what a deal says, and how records are found.

use passerelle_core::connector::Lookup;
use passerelle_core::model::Presence;
use serde_json::{Value, json};

use super::Bench;

fn sample(quotes: &[Value]) -> Value {
    let deals: Vec<Value> = quotes
        .iter()
        .map(|quote| {
            json!({
                "properties": {"dealname": "Brewery", "pipeline": "default", "dealstage": "contractsent"},
                "company": 0, "contacts": [0], "quote": quote,
                "line_items": [
                    {"properties": {"name": "Tank", "quantity": "2", "price": "10.50", "hs_position_on_quote": "1"}},
                    {"properties": {"name": "Pump", "quantity": "1", "price": "3", "hs_position_on_quote": "0"}},
                ],
            })
        })
        .collect();
    json!({
        "companies": [{"properties": {"name": "Brasserie du Nord"}}],
        "contacts": [{"properties": {"email": "ann@example.com"}, "company": 0}],
        "deals": deals,
    })
}

fn quote(title: &str, state: &str) -> Value {
    json!({"properties": {"hs_title": title, "hs_expiration_date": "2026-12-31", "hs_template_type": "CPQ_QUOTE", "hs_currency": "EUR"}, "state": state})
}

fn bench() -> Bench {
    let wanted: &[(&str, &[&str])] = &[(
        "deals",
        &[
            "dealname",
            "quote.hs_title",
            "quote.no_such_property",
            "line_items",
            "line_items[].name",
            "line_items[].amount",
        ],
    )];
    Bench::with(json!({"token": "pat-eu1-emulator"}), wanted)
}

#[tokio::test]
async fn a_deal_is_one_document_with_company_contacts_quote_and_lines_in_order() {
    let bench = bench();
    bench.control("seed", sample(&[quote("Offer 1", "accepted")]));
    let (deals, _) = bench.pull("deals", None).await;
    let deal = &deals[0].fields;
    assert_eq!(deal["dealname"], "Brewery");
    assert_eq!(deal["deal_status"], "open");
    assert_eq!(deal["quote"]["hs_title"], "Offer 1");
    assert_eq!(deal["quote"]["hs_status"], "ACCEPTED");
    assert_eq!(deal["quote_conflict"], false);
    assert!(deal["quote"].get("no_such_property").is_none(), "only listed properties are asked for");
    let lines = deal["line_items"].as_array().unwrap();
    let shown: Vec<_> = lines.iter().map(|line| (line["name"].as_str(), line["amount"].as_str())).collect();
    assert_eq!(shown, [(Some("Pump"), Some("3")), (Some("Tank"), Some("21"))]);
    let contacts = deal["associated_contacts"].as_array().unwrap();
    assert_eq!(contacts.len(), 1);
    let (people, _) = bench.pull("contacts", None).await;
    assert_eq!(people[0].fields["associated_company"], deal["associated_company"]);
    assert!(deal["associated_company"].is_string());
}

#[tokio::test]
async fn the_lines_of_an_accepted_quote_are_those_that_were_accepted() {
    let bench = bench();
    bench.control("seed", sample(&[quote("Offer", "published")]));
    let (before, cursor) = bench.pull("deals", None).await;
    let id = before[0].id.to_string();
    assert_eq!(before[0].fields["quote"], Value::Null, "a published quote of an open deal binds nobody");
    // The salesperson edits the deal's own line after the quote went out.
    let line = before[0].fields["line_items"][1]["id"].as_str().unwrap().to_owned();
    bench.edit("line_items", &line, json!({"quantity": "99"}));
    bench.pass(120);

    let quote = bench.control("find", json!({"type": "quotes", "property": "hs_title", "value": "Offer"}));
    bench.control("accept_quote", json!({"id": quote[0]}));
    bench.pass(10);
    let (after, _) = bench.pull("deals", Some(cursor)).await;
    let deal =
        after.iter().rev().find(|record| record.id.as_str() == id).expect("accepting a quote is a change of its deal");
    assert_eq!(deal.fields["quote"]["hs_title"], "Offer");
    let lines = deal.fields["line_items"].as_array().unwrap();
    let tank = lines.iter().find(|line| line["name"] == "Tank").unwrap();
    assert_eq!(tank["amount"], "21");
}

#[tokio::test]
async fn a_won_deal_is_won_in_any_pipeline_and_takes_its_published_quote() {
    let bench = bench();
    bench.control("seed", sample(&[quote("Offer", "published")]));
    let (deals, _) = bench.pull("deals", None).await;
    let id = deals[0].id.to_string();
    bench.control("win_deal", json!({"id": id}));
    let deal = &bench.read("deals", &[&id]).await[0];
    assert_eq!(deal.fields["deal_status"], "won");
    assert_eq!(deal.fields["quote"]["hs_title"], "Offer");
    bench.edit("deals", &id, json!({"dealstage": "closedlost"}));
    assert_eq!(bench.read("deals", &[&id]).await[0].fields["deal_status"], "lost");
}

#[tokio::test]
async fn a_page_of_a_hundred_deals_costs_a_constant_number_of_calls() {
    let cost = |count: usize| async move {
        let bench = bench();
        let quotes: Vec<Value> = (0..count).map(|at| quote(&format!("Offer {at}"), "accepted")).collect();
        bench.control("seed", sample(&quotes));
        let (deals, _) = bench.pull("deals", None).await;
        assert_eq!(deals.len(), count);
        bench.calls()
    };
    let (one, hundred) = (cost(1).await, cost(100).await);
    assert!(hundred <= one + 1, "{one} calls for one deal, {hundred} for a hundred with 200 lines");
}

#[tokio::test]
async fn more_properties_than_an_address_can_hold_are_read_all_the_same() {
    let names: Vec<String> = (0..400).map(|at| format!("property_number_{at}")).chain(["name".to_owned()]).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let bench = Bench::with(json!({"token": "pat-eu1-emulator"}), &[("companies", &names)]);
    bench.create("companies", json!({"name": "Acme"}));
    let (records, _) = bench.pull("companies", None).await;
    assert_eq!(records[0].fields["name"], "Acme");
}

#[tokio::test]
async fn a_look_up_by_key_in_an_account_without_the_key_property_says_what_to_run() {
    let bench = Bench::new();
    let by = Lookup::Key(vec!["k".into()]);
    let error = bench.hubspot.find(&"companies".into(), &by).await.unwrap_err();
    assert_eq!(error.kind(), passerelle_core::ErrorKind::Config);
    assert!(error.message().contains("check --prepare"), "{error}");
}

#[tokio::test]
async fn what_is_archived_is_told_as_such_and_what_is_unknown_is_left_out() {
    let bench = Bench::new();
    let id = bench.create("companies", json!({"name": "Old"}));
    bench.control("archive", json!({"type": "companies", "id": id}));
    let read = bench.read("companies", &[&id, "1"]).await;
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].presence, Presence::Archived);
}

#[tokio::test]
async fn a_contact_is_found_by_email_at_once_and_a_company_by_any_field_once_it_is_indexed() {
    let wanted: &[(&str, &[&str])] = &[("companies", &["vat_number"])];
    let bench = Bench::with(json!({"token": "pat-eu1-emulator"}), wanted);
    let find = async |resource: &str, path: &str, values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        let by = Lookup::Field { path: path.to_owned(), values };
        bench.hubspot.find(&resource.into(), &by).await.unwrap().len()
    };
    bench.create("contacts", json!({"email": "Ann@Example.com"}));
    assert_eq!(find("contacts", "email", &["ann@example.com"]).await, 1);
    for vat in ["FR40303265045", "FR88123456789"] {
        bench.create("companies", json!({"vat_number": vat}));
    }
    bench.pass(6);
    assert_eq!(find("companies", "vat_number", &["FR40303265045"]).await, 1);
    assert_eq!(find("companies", "vat_number", &["FR40303265045", "FR88123456789", "FR0"]).await, 2);
    assert_eq!(find("companies", "vat_number", &[]).await, 0);
}
