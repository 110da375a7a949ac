//! Creates, updates and archives.

use passerelle_core::ErrorKind;
use serde_json::json;

use super::{Bench, create, update};

#[tokio::test]
async fn a_row_that_is_locked_is_written_when_the_lock_is_gone() {
    let bench = Bench::new();
    bench.control("settings", json!({"locks": 2}));
    let writes = ["1", "2", "3"].map(|key| create(key, json!({"Name": format!("Account {key}")})));
    let outcomes = bench.salesforce.write(&"Account".into(), &writes).await.unwrap();
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(bench.pull("Account", None).await.0.len(), 3);
}

#[tokio::test]
async fn a_duplicate_rule_refuses_a_row_and_names_the_twin() {
    let bench = Bench::new();
    let twin = bench.create("Account", json!({"Name": "Acme"}));
    bench.control(
        "settings",
        json!({"duplicate_rules": [{"object": "Account", "fields": ["Name"], "action": "alert"}]}),
    );
    let writes = [create("1", json!({"Name": "ACME"})), create("2", json!({"Name": "Other"}))];
    let outcomes = bench.salesforce.write(&"Account".into(), &writes).await.unwrap();
    let told = outcomes[0].as_ref().unwrap_err();
    assert_eq!((told.kind(), told.fact("twin")), (ErrorKind::Rejected, Some(twin.as_str())));
    assert!(outcomes[1].is_ok());
}

#[tokio::test]
async fn a_products_price_is_made_with_it_and_changed_later() {
    let bench = Bench::new();
    let product = json!({"Name": "Vise", "ProductCode": "ETA-150", "PricebookEntry": {"UnitPrice": "129.90"}});
    let outcomes = bench.salesforce.write(&"Product2".into(), &[create("1", product.clone())]).await.unwrap();
    let id = outcomes[0].as_ref().unwrap().id.clone();
    assert_eq!(bench.read("Product2", id.as_str()).await.fields["PricebookEntry"]["UnitPrice"], "129.9");
    bench.salesforce.write(&"Product2".into(), &[create("1", product)]).await.unwrap();
    let change = update(id.as_str(), json!({"PricebookEntry": {"UnitPrice": "0.385"}}));
    bench.salesforce.write(&"Product2".into(), &[change]).await.unwrap();
    assert_eq!(bench.read("Product2", id.as_str()).await.fields["PricebookEntry"]["UnitPrice"], "0.385");
    let entries = bench.control("find", json!({"type": "PricebookEntry", "field": "Product2Id", "value": id.as_str()}));
    assert_eq!(entries.as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_an_org_lacks_stops_the_write_before_it_is_sent() {
    let bench = Bench::with(json!({"client_secret": "salesforce-demo-secret"}));
    let told = bench.salesforce.write(&"Account".into(), &[create("1", json!({"Name": "Acme"}))]).await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Config);
    assert!(told.message().contains("the object lacks the external id field of the hub"), "{told}");
}

#[tokio::test]
async fn a_payment_is_written_to_the_cent() {
    let bench = Bench::new();
    let deal = json!({"Name": "Deal", "StageName": "Closed Won", "CloseDate": "2026-11-20"});
    let id = bench.create("Opportunity", deal);
    let change = update(&id, json!({"ERP_Paid__c": "1593.70"}));
    bench.salesforce.write(&"Opportunity".into(), &[change]).await.unwrap();
    assert_eq!(bench.show("Opportunity", &id)["ERP_Paid__c"], json!(1593.7));
}

#[tokio::test]
async fn an_opportunity_and_its_lines_are_made_together_once_or_not_at_all() {
    let bench = Bench::new();
    let product = create("p", json!({"Name": "Vise", "PricebookEntry": {"UnitPrice": "129.90"}}));
    let made = bench.salesforce.write(&"Product2".into(), &[product]).await.unwrap();
    let product = made[0].as_ref().unwrap().id.as_str().to_owned();
    let deal = |quantity: serde_json::Value| {
        json!({
            "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-01",
            "lines": [
                {"Product2Id": product, "Quantity": "2", "UnitPrice": "120.50"},
                {"Product2Id": product, "Quantity": quantity, "UnitPrice": "10", "Discount": "5"},
            ],
        })
    };
    let writes = [create("good", deal(json!("10"))), create("bad", deal(json!(null)))];
    let outcomes = bench.salesforce.write(&"Opportunity".into(), &writes).await.unwrap();
    let id = outcomes[0].as_ref().unwrap().id.clone();
    let told = outcomes[1].as_ref().unwrap_err();
    assert_eq!((told.kind(), told.fact("code")), (ErrorKind::Rejected, Some("REQUIRED_FIELD_MISSING")));
    assert_eq!(bench.pull("Opportunity", None).await.0.len(), 1);
    let record = bench.read("Opportunity", id.as_str()).await;
    assert_eq!((record.fields["Amount"].as_str(), record.fields["lines"].as_array().unwrap().len()), (Some("336"), 2));
    let again = bench.salesforce.write(&"Opportunity".into(), &writes[..1]).await.unwrap();
    assert_eq!(again[0].as_ref().unwrap().id, id);
    assert_eq!(bench.read("Opportunity", id.as_str()).await.fields["lines"].as_array().unwrap().len(), 2);
}
