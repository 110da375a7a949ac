//! Tokens, and the quota of the day.

use passerelle_core::ErrorKind;
use serde_json::json;

use super::{Bench, create, update};

#[tokio::test]
async fn a_session_that_ended_is_renewed_once_and_the_call_made_again() {
    let bench = Bench::new();
    bench.salesforce.check().await.unwrap();
    bench.control("revoke", json!({}));
    bench.salesforce.check().await.unwrap();
    assert_eq!((bench.calls("/token"), bench.calls("GET /services/data")), (2, 3));
    // A token lives as long as it is used.
    bench.pass(3 * 3600);
    bench.salesforce.check().await.unwrap();
    assert_eq!(bench.calls("/token"), 3);
}

#[tokio::test]
async fn a_wrong_secret_is_denied_in_the_vendors_words() {
    let bench = Bench::with(json!({"client_secret": "wrong"}));
    let told = bench.salesforce.check().await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Denied);
    assert_eq!(told.message(), "the vendor refuses the OAuth credentials: invalid client credentials");
}

#[tokio::test]
async fn a_refresh_token_that_is_replaced_is_used_from_then_on() {
    let bench = Bench::with(json!({"refresh_token": "5Aep861-salesforce-demo-refresh"}));
    bench.control("rotate", json!({"on": true}));
    for _ in 0..3 {
        bench.salesforce.check().await.unwrap();
        bench.control("revoke", json!({}));
    }
}

#[tokio::test]
async fn what_is_left_of_the_day_is_kept_for_updates() {
    let bench = Bench::new();
    let id = bench.create("Account", json!({"Name": "Acme"}));
    let (_, cursor) = bench.pull("Account", None).await;
    bench.control("settings", json!({"quota": 8}));
    while bench.calls("GET /services/data") < 8 && bench.salesforce.check().await.is_ok() {
        if bench.calls("/services/data") >= 7 {
            break;
        }
    }
    let made = bench.salesforce.write(&"Account".into(), &[create("k", json!({"Name": "New"}))]).await;
    let told = made.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::RateLimited);
    assert_eq!(told.message(), "what is left of the daily quota of API calls is kept for updates");
    let page = bench.salesforce.changes(&"Account".into(), Some(&cursor)).await.unwrap();
    assert!(page.records.is_empty() && page.next == cursor && !page.more);
    bench.control("settings", json!({"quota": 100}));
    let changed = bench.salesforce.write(&"Account".into(), &[update(&id, json!({"Phone": "1"}))]).await.unwrap();
    assert!(changed[0].is_ok(), "{changed:?}");
}

#[tokio::test]
async fn a_user_is_signed_in_by_a_private_key() {
    let key = include_str!("key.pem");
    let bench = Bench::with(json!({"username": "integration@vauclin.example", "private_key": key}));
    bench.salesforce.check().await.unwrap();
}
