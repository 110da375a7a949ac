//! Orgs with one currency, which have no field for it, and orgs with several.

use serde_json::{Value, json};

use super::{Bench, create, update};

/// An org with several currencies whose prices are wanted in euros.
fn several() -> Bench {
    let bench = Bench::with(json!({"client_secret": "salesforce-demo-secret", "currency": "EUR", "bulk_above": 2}));
    bench.deploy();
    bench.control("currencies", json!({"currencies": ["EUR", "CHF"]}));
    bench
}

fn deal(name: &str) -> Value {
    json!({"Name": name, "StageName": "Closed Won", "CloseDate": "2026-11-20"})
}

#[tokio::test]
async fn an_org_with_one_currency_is_read_and_tells_none() {
    let bench = Bench::new();
    let id = bench.create("Opportunity", deal("Deal"));
    let (records, _) = bench.pull("Opportunity", None).await;
    assert_eq!(records[0].fields["CurrencyIsoCode"], Value::Null);
    assert_eq!(bench.read("Opportunity", &id).await.fields["CurrencyIsoCode"], Value::Null);
    let schema = bench.salesforce.describe(&"Opportunity".into()).await.unwrap();
    let told = schema.fields.iter().find(|field| field.path == "CurrencyIsoCode").unwrap();
    assert!(!told.writable, "{told:?}");
}

#[tokio::test]
async fn an_opportunity_of_an_org_with_several_tells_its_own() {
    let bench = several();
    for (name, currency) in [("a", "CHF"), ("b", "EUR"), ("c", "CHF")] {
        let mut fields = deal(name);
        fields["CurrencyIsoCode"] = json!(currency);
        bench.create("Opportunity", fields);
    }
    let (records, _) = bench.pull("Opportunity", None).await;
    let mut told: Vec<(&str, &str)> = records
        .iter()
        .map(|record| (record.fields["Name"].as_str().unwrap(), record.fields["CurrencyIsoCode"].as_str().unwrap()))
        .collect();
    told.sort_unstable();
    assert_eq!(told, [("a", "CHF"), ("b", "EUR"), ("c", "CHF")]);
    assert!(bench.calls("/jobs/query/") > 0);
}

#[tokio::test]
async fn prices_are_read_and_written_in_the_chosen_currency() {
    let bench = several();
    let made = bench.create("Product2", json!({"Name": "Vise"}));
    let book = "01s5g00000000STAAY";
    let entry =
        json!({"Product2Id": made, "Pricebook2Id": book, "UnitPrice": 130, "CurrencyIsoCode": "CHF", "IsActive": true});
    bench.create("PricebookEntry", entry);
    assert_eq!(bench.read("Product2", &made).await.fields["PricebookEntry"], Value::Null);
    let change = update(&made, json!({"PricebookEntry": {"UnitPrice": "129.90"}}));
    bench.salesforce.write(&"Product2".into(), &[change]).await.unwrap()[0].as_ref().unwrap();
    assert_eq!(bench.read("Product2", &made).await.fields["PricebookEntry"]["UnitPrice"], "129.9");
    let by = |currency: &str| json!({"type": "PricebookEntry", "field": "CurrencyIsoCode", "value": currency});
    let price = |currency: &str| {
        let id = bench.control("find", by(currency))[0].as_str().unwrap().to_owned();
        bench.show("PricebookEntry", &id)["UnitPrice"].clone()
    };
    assert_eq!((price("EUR"), price("CHF")), (json!(129.9), json!(130)));
    // The lines of a new opportunity need a price in its currency, and these are in euros.
    let line = json!({"Product2Id": made, "Quantity": "1", "UnitPrice": "10"});
    let mut fields = deal("Deal");
    fields["lines"] = json!([line]);
    let euros = bench.salesforce.write(&"Opportunity".into(), &[create("1", fields.clone())]).await.unwrap();
    assert!(euros[0].is_ok(), "{euros:?}");
    fields["CurrencyIsoCode"] = json!("CHF");
    let francs = bench.salesforce.write(&"Opportunity".into(), &[create("2", fields)]).await.unwrap();
    let told = francs[0].as_ref().unwrap_err();
    assert!(told.message().contains("the pricebook entry is in another currency"), "{told}");
}

#[tokio::test]
async fn a_currency_that_is_chosen_where_there_is_one_changes_nothing() {
    let bench = Bench::with(json!({"client_secret": "salesforce-demo-secret", "currency": "EUR"}));
    bench.deploy();
    let product = create("1", json!({"Name": "Vise", "PricebookEntry": {"UnitPrice": "129.90"}}));
    let made = bench.salesforce.write(&"Product2".into(), &[product]).await.unwrap();
    let id = made[0].as_ref().unwrap().id.as_str();
    assert_eq!(bench.read("Product2", id).await.fields["PricebookEntry"]["UnitPrice"], "129.9");
}
