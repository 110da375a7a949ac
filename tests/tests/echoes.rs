//! What the hub's own writes cost once they come back through the feeds of emulated HubSpot and Dolibarr, in calls.
#![allow(clippy::unwrap_used, reason = "a broken test tells where")]

use std::collections::BTreeMap;

use passerelle_core::store::Counts;
use passerelle_tests::office::Office;
use serde_json::{Value, json};

/// Calls of both systems, by vendor and route.
type Calls = BTreeMap<(&'static str, String), u64>;

/// Longer than HubSpot's search lags and a feed overlaps, so that a record is not read again only for being young.
const LONG: u64 = 3600;

/// Two systems in agreement over three companies, a hub that has come to rest, and the CRM's id of one of them.
async fn at_rest() -> (Office, String) {
    let office = Office::open().unwrap();
    let others: Vec<Value> = (0..2).map(|n| json!({ "properties": company(n) })).collect();
    office.seed("hubspot", &json!({ "companies": others })).unwrap();
    let made = json!({ "type": "companies", "properties": company(2) });
    let id = office.person("hubspot", "create", &made).unwrap()["id"].as_str().unwrap().to_owned();
    let (counts, _) = run(&office).await;
    assert_eq!(counts.created, 3);
    run(&office).await;
    // The first write to a system makes the fields that the hub needs there.
    office.person("dolibarr", "edit", &phone_of("2", "+33320000001")).unwrap();
    for _ in 0..3 {
        run(&office).await;
    }
    (office, id)
}

fn company(n: u64) -> Value {
    json!({
        "name": format!("Ateliers {n}"), "email": format!("contact{n}@ateliers.example"), "zip": format!("{:05}", 59_000 + n),
        "city": "Lille", "country": "France", "lifecyclestage": "customer", "phone": "+33320000000",
    })
}

fn phone_of(id: &str, phone: &str) -> Value {
    json!({ "type": "thirdparty", "id": id, "fields": { "phone": phone } })
}

/// A run an hour after the last.
async fn run(office: &Office) -> (Counts, Calls) {
    office.wait(LONG);
    let (counts, calls) = office.sync("customers").await.unwrap();
    let flat = |(vendor, routes): (&'static str, BTreeMap<String, u64>)| {
        routes.into_iter().map(move |(route, times)| ((vendor, route), times))
    };
    (counts, calls.into_iter().flat_map(flat).collect())
}

fn is_write((_, route): &(&'static str, String)) -> bool {
    !route.starts_with("GET ") && !route.ends_with("/search") && !route.ends_with("/batch/read")
}

fn writes(calls: &Calls) -> u64 {
    calls.iter().filter(|(route, _)| is_write(route)).map(|(_, times)| times).sum()
}

/// After a person's edit in one system: one run writes it to the other, and the next, which meets it there as a change,
/// writes nothing and reads at most once more than a run that meets a change there of something that is not mapped.
async fn check(vendor: &str, edit: impl Fn(&str) -> Value, there: &str, unmapped: impl Fn(&str) -> Value) {
    let (office, id) = at_rest().await;
    let (_, rest) = run(&office).await;
    office.person(there, "edit", &unmapped(&id)).unwrap();
    let (_, feed) = run(&office).await;
    assert_eq!((writes(&rest), writes(&feed)), (0, 0), "{rest:?}, {feed:?}");
    office.person(vendor, "edit", &edit(&id)).unwrap();
    let (counts, wrote) = run(&office).await;
    assert_eq!((counts.updated, writes(&wrote)), (1, 1), "{wrote:?}");
    let (counts, echo) = run(&office).await;
    assert_eq!((counts.updated, writes(&echo)), (0, 0), "{echo:?}");
    let (without, with): (u64, u64) = (feed.values().sum(), echo.values().sum());
    assert!(with <= without + 1, "the echo: {echo:?}; what the feed alone costs: {feed:?}");
    assert_eq!(run(&office).await.1, rest, "it has not come to rest");
}

#[tokio::test]
async fn a_change_from_the_erp_ends_in_the_crm_after_at_most_one_extra_read() {
    let unmapped = |id: &str| json!({ "type": "companies", "id": id, "properties": { "description": "good" } });
    check("dolibarr", |_| phone_of("3", "+33320000099"), "hubspot", unmapped).await;
}

#[tokio::test]
async fn a_change_from_the_crm_ends_in_the_erp_after_at_most_one_extra_read() {
    let phone = |id: &str| json!({ "type": "companies", "id": id, "properties": { "phone": "+33320000099" } });
    let unmapped = |_: &str| json!({ "type": "thirdparty", "id": "3", "fields": { "note_private": "good" } });
    check("hubspot", phone, "dolibarr", unmapped).await;
}
