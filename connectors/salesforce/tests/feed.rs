//! What the feed sees: late commits, deletions, merges, parts.

use passerelle_core::model::{Presence, RemoteId};
use serde_json::json;

use super::Bench;

#[tokio::test]
async fn a_row_that_is_committed_late_under_an_old_stamp_is_told() {
    let bench = Bench::new();
    let id = bench.create("Account", json!({"Name": "Acme"}));
    let (_, cursor) = bench.pull("Account", None).await;
    bench.pass(3600);
    bench.control("settings", json!({"commit_delay": 300}));
    bench.edit("Account", &id, json!({"BillingCity": "Lille"}));
    bench.pass(60);
    let (_, cursor) = bench.pull("Account", Some(cursor)).await;
    bench.pass(360);
    let (records, _) = bench.pull("Account", Some(cursor)).await;
    assert_eq!(records[0].fields["BillingCity"], "Lille");
}

#[tokio::test]
async fn a_deleted_row_is_told_as_archived() {
    let bench = Bench::new();
    let id = bench.create("Account", json!({"Name": "Acme"}));
    let (_, cursor) = bench.pull("Account", None).await;
    bench.pass(3600);
    bench.control("delete", json!({"type": "Account", "id": id}));
    let (records, _) = bench.pull("Account", Some(cursor)).await;
    assert_eq!((records[0].id.as_str(), records[0].presence), (id.as_str(), Presence::Archived));
}

#[tokio::test]
async fn what_was_merged_comes_as_what_it_became() {
    let bench = Bench::new();
    let [one, two] = ["Acme", "ACME"].map(|name| bench.create("Account", json!({"Name": name})));
    let (_, cursor) = bench.pull("Account", None).await;
    bench.pass(3600);
    bench.control("merge", json!({"type": "Account", "primary": one, "other": two}));
    let (records, _) = bench.pull("Account", Some(cursor)).await;
    assert_eq!(records.len(), 1);
    let read = bench.read("Account", &two).await;
    for record in [&records[0], &read] {
        assert_eq!((record.id.as_str(), &record.aliases), (one.as_str(), &vec![RemoteId::new(&two)]));
    }
}

#[tokio::test]
async fn an_accepted_quote_is_a_change_of_its_opportunity() {
    let bench = Bench::new();
    let product = bench.create("Product2", json!({"Name": "Vise", "IsActive": true}));
    let book = bench.control("find", json!({"type": "Pricebook2", "field": "IsStandard", "value": true}));
    bench.create(
        "PricebookEntry",
        json!({"Pricebook2Id": book[0], "Product2Id": product, "UnitPrice": 129.9, "IsActive": true}),
    );
    let deal = json!({
        "fields": {"Name": "Deal", "StageName": "Closed Won", "CloseDate": "2026-11-20"},
        "lines": [{"fields": {"Quantity": 1}, "product": product}],
        "quotes": [{"fields": {"Name": "Quote"}, "lines": [{"fields": {"Quantity": 3, "UnitPrice": 120}, "product": product}]}],
    });
    let id = bench.control("create_deal", deal)["id"].as_str().unwrap().to_owned();
    let (records, cursor) = bench.pull("Opportunity", None).await;
    assert_eq!(records[0].fields["lines"][0]["TotalPrice"], "129.9");
    assert_eq!((&records[0].fields["Amount"], &records[0].fields["quote"]), (&json!("129.9"), &json!(null)));
    bench.pass(3600);
    let quote = bench.control("find", json!({"type": "Quote", "field": "OpportunityId", "value": id}));
    bench.control("accept_quote", json!({"id": quote[0]}));
    let (records, _) = bench.pull("Opportunity", Some(cursor)).await;
    assert_eq!(records[0].fields["lines"][0]["TotalPrice"], "360");
    assert_eq!(records[0].fields["quote"]["Status"], "Accepted");
}

#[tokio::test]
async fn a_link_that_is_no_longer_good_begins_its_window_anew() {
    let bench = Bench::new();
    bench.control("settings", json!({"page": 2}));
    for at in 0..5 {
        bench.create("Account", json!({"Name": format!("Account {at}")}));
    }
    let first = bench.salesforce.changes(&"Account".into(), None).await.unwrap();
    bench.pass(3 * 86_400);
    let (records, _) = bench.pull("Account", Some(first.next)).await;
    assert_eq!(records.len(), 5);
}

#[tokio::test]
async fn an_org_without_quotes_tells_the_opportunitys_own_lines() {
    let bench = Bench::new();
    bench.control("settings", json!({"without": ["Quote", "QuoteLineItem"], "hidden": ["Opportunity.SyncedQuoteId"]}));
    bench.create("Opportunity", json!({"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-11-20"}));
    let (records, cursor) = bench.pull("Opportunity", None).await;
    assert_eq!(records[0].fields["quote_conflict"], false);
    bench.pass(3600);
    bench.pull("Opportunity", Some(cursor)).await;
}

#[tokio::test]
async fn a_first_read_of_many_rows_is_a_bulk_job_and_tells_the_same() {
    let bench = Bench::with(json!({"client_secret": "salesforce-demo-secret", "bulk_above": 5}));
    bench.deploy();
    bench.control("settings", json!({"bulk_delay": 12}));
    for at in 0..8 {
        bench.create(
            "Account",
            json!({"Name": format!("Account \"{at}\""), "Phone": if at == 3 { json!(null) } else { json!("1") }}),
        );
    }
    let (bulk, cursor) = bench.pull("Account", None).await;
    assert_eq!((bulk.len(), bench.calls("/jobs/query/") > 1), (8, true));
    for record in &bulk {
        assert_eq!(bench.read("Account", record.id.as_str()).await, *record);
    }
    bench.pass(3600);
    let (_, cursor) = bench.pull("Account", Some(cursor)).await;
    bench.pass(3600);
    bench.create("Account", json!({"Name": "Later"}));
    assert_eq!(bench.pull("Account", Some(cursor)).await.0.len(), 1);
}

/// An org with more accounts than a first read takes row by row, and jobs that take so many seconds.
fn slow(seconds: u64) -> Bench {
    let bench = Bench::with(json!({
        "client_secret": "salesforce-demo-secret", "bulk_above": 5, "bulk_minutes": 3,
    }));
    bench.deploy();
    bench.control("settings", json!({"bulk_delay": seconds}));
    for at in 0..8 {
        bench.create("Account", json!({"Name": format!("Account {at}")}));
    }
    bench
}

#[tokio::test]
async fn a_query_job_of_two_minutes_is_waited_for_and_the_cursor_keeps_it() {
    let bench = slow(120);
    let begun = bench.salesforce.changes(&"Account".into(), None).await.unwrap();
    let waited = bench.salesforce.changes(&"Account".into(), Some(&begun.next)).await.unwrap();
    assert!(waited.records.is_empty() && waited.more && waited.next == begun.next, "{waited:?}");
    let (records, _) = bench.pull("Account", Some(waited.next)).await;
    assert_eq!(
        (records.len(), bench.calls("POST /services/data/{id}/jobs/query"), bench.calls("/queryAll")),
        (8, 1, 1)
    );
}

#[tokio::test]
async fn a_query_job_that_takes_too_long_is_aborted_and_everything_is_read_in_pages() {
    let bench = slow(3600);
    let (records, _) = bench.pull("Account", None).await;
    assert_eq!((records.len(), bench.calls("PATCH /services/data/{id}/jobs/query/{id}")), (8, 1));
}
