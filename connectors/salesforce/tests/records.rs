//! Reading, finding and checking.

use passerelle_core::ErrorKind;
use passerelle_core::connector::Lookup;
use serde_json::json;

use super::Bench;

#[tokio::test]
async fn the_org_says_its_name_and_id() {
    let identity = Bench::new().salesforce.check().await.unwrap();
    assert_eq!(identity.account, "Ateliers Vauclin (Enterprise Edition, 00D5g000004XyZqEAK)");
}

#[tokio::test]
async fn a_field_that_is_hidden_stops_the_feed_and_is_named() {
    let bench = Bench::new();
    bench.control("settings", json!({"hidden": ["Account.Phone"]}));
    let told = bench.salesforce.changes(&"Account".into(), None).await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Config);
    assert_eq!(told.message(), "salesforce says: No such column 'Phone' on entity 'Account'.");
    assert!(told.fact("remedy").unwrap().contains("not visible to the integration user"));
}

#[tokio::test]
async fn a_name_with_a_quote_in_it_finds_its_record_and_no_other() {
    let bench = Bench::new();
    let id = bench.create("Account", json!({"Name": "L'Étoile' OR Name != '"}));
    bench.create("Account", json!({"Name": "Other"}));
    let by = Lookup::Field { path: "Name".to_owned(), values: vec!["L'Étoile' OR Name != '".to_owned()] };
    let found = bench.salesforce.find(&"Account".into(), &by).await.unwrap();
    assert_eq!(found.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), [id]);
}

#[tokio::test]
async fn an_id_of_fifteen_characters_names_the_same_record() {
    let bench = Bench::new();
    let id = bench.create("Account", json!({"Name": "Acme"}));
    let record = bench.read("Account", &id[..15]).await;
    assert_eq!((record.id.as_str(), record.aliases[0].as_str()), (id.as_str(), &id[..15]));
}

#[tokio::test]
async fn a_custom_object_is_a_resource_once_it_is_listed() {
    let bench = Bench::with(json!({"client_secret": "salesforce-demo-secret", "objects": ["Invoice__c"]}));
    bench.control(
        "deploy",
        json!({"objects": ["Invoice__c"], "fields": ["Invoice__c.Hub_External_Id__c string 255 externalid unique"]}),
    );
    bench.create("Invoice__c", json!({"Name": "FA-1"}));
    assert_eq!(bench.pull("Invoice__c", None).await.0.len(), 1);
    let told = bench.salesforce.changes(&"Order".into(), None).await.unwrap_err();
    assert_eq!(told.message(), "salesforce has no such resource; list custom objects in `objects`");
}
