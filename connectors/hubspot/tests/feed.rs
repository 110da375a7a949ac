//! The feed: it may repeat, it may never skip.

use passerelle_core::model::{Cursor, Presence};
use serde_json::{Value, json};

use super::{Bench, ids};

fn companies(count: usize) -> Value {
    let companies: Vec<Value> = (0..count).map(|at| json!({"properties": {"name": format!("C{at}")}})).collect();
    json!({"companies": companies})
}

#[tokio::test]
async fn more_records_than_search_can_page_through_are_all_read_though_they_share_one_instant() {
    let bench = Bench::new();
    let (_, cursor) = bench.pull("companies", None).await;
    bench.pass(3600);
    bench.control("seed", companies(10_500));
    bench.pass(120);
    let (records, _) = bench.pull("companies", Some(cursor)).await;
    assert_eq!(ids(&records).len(), 10_500);
}

#[tokio::test]
async fn a_full_read_gives_what_is_there_and_what_was_archived() {
    let bench = Bench::new();
    bench.control("seed", companies(250));
    let gone = bench.create("companies", json!({"name": "Gone"}));
    bench.control("archive", json!({"type": "companies", "id": gone}));
    let (records, _) = bench.pull("companies", None).await;
    assert_eq!(ids(&records).len(), 251);
    let archived: Vec<_> = records.iter().filter(|record| record.presence == Presence::Archived).collect();
    assert_eq!(archived.iter().map(|record| record.id.as_str()).collect::<Vec<_>>(), [gone.as_str()]);
}

#[tokio::test]
async fn an_edit_during_a_full_read_is_met_by_the_first_run() {
    let bench = Bench::new();
    bench.control("seed", companies(150));
    let first = bench.hubspot.changes(&"companies".into(), None).await.unwrap();
    let edited = first.records[0].id.to_string();
    bench.edit("companies", &edited, json!({"name": "Edited"}));
    let (_, cursor) = bench.pull("companies", Some(first.next)).await;
    bench.pass(60);
    let (records, _) = bench.pull("companies", Some(cursor)).await;
    let found = records.iter().find(|record| record.id.as_str() == edited).unwrap();
    assert_eq!(found.fields["name"], "Edited");
}

#[tokio::test]
async fn records_that_are_edited_while_a_window_is_paged_are_not_skipped() {
    let bench = Bench::new();
    let (_, cursor) = bench.pull("companies", None).await;
    bench.pass(3600);
    bench.control("seed", companies(900));
    bench.pass(120);
    let (mut since, mut seen) = (Some(cursor), Vec::new());
    let mut round = 0;
    loop {
        let page = bench.hubspot.changes(&"companies".into(), since.as_ref()).await.unwrap();
        seen.extend(page.records.clone());
        since = Some(page.next);
        if !page.more {
            break;
        }
        // One that was read and one that was not are edited between any two pages.
        for target in [round * 7, 850 - round * 3] {
            let id =
                bench.control("find", json!({"type": "companies", "property": "name", "value": format!("C{target}")}));
            bench.edit("companies", id[0].as_str().unwrap(), json!({"city": format!("round {round}")}));
        }
        round += 1;
        bench.pass(1);
    }
    assert!(round > 4, "{round} pages");
    bench.pass(61);
    let (later, _) = bench.pull("companies", since).await;
    seen.extend(later);
    assert_eq!(ids(&seen).len(), 900);
    for edit in 0..round {
        let city = format!("round {edit}");
        assert!(
            seen.iter().filter(|record| record.fields.get("city").is_some_and(|is| *is == city)).count() >= 2,
            "{city}"
        );
    }
}

#[tokio::test]
async fn an_edit_is_seen_at_once_where_the_index_is_and_by_a_later_run_where_it_lags() {
    let bench = Bench::new();
    let id = bench.create("companies", json!({"name": "Acme"}));
    let (_, cursor) = bench.pull("companies", None).await;
    bench.pass(3600);
    let (_, cursor) = bench.pull("companies", Some(cursor)).await;

    bench.edit("companies", &id, json!({"name": "Acme SA"}));
    let (early, cursor) = bench.pull("companies", Some(cursor)).await;
    assert!(early.iter().all(|record| record.fields["name"] != "Acme"), "the lagging index told an old value");
    bench.pass(6);
    let (soon, cursor) = bench.pull("companies", Some(cursor)).await;
    assert_eq!(soon[0].fields["name"], "Acme SA");
    bench.pass(3600);
    let (_, cursor) = bench.pull("companies", Some(cursor)).await;
    let (later, _) = bench.pull("companies", Some(cursor)).await;
    assert!(later.is_empty(), "an old edit is not told for ever");
}

#[tokio::test]
async fn an_index_that_is_a_minute_behind_skips_nothing() {
    let bench = Bench::new();
    bench.control("settings", json!({"search_lag_seconds": 55}));
    let (_, mut cursor) = bench.pull("companies", None).await;
    let mut told = std::collections::BTreeSet::new();
    let mut made = std::collections::BTreeSet::new();
    for round in 0..30 {
        made.insert(bench.create("companies", json!({"name": format!("R{round}")})));
        bench.pass(17);
        let (records, next) = bench.pull("companies", Some(cursor)).await;
        told.extend(ids(&records));
        cursor = next;
    }
    bench.pass(60);
    let (records, _) = bench.pull("companies", Some(cursor)).await;
    told.extend(ids(&records));
    assert_eq!(told, made);
}

#[tokio::test]
async fn a_merged_record_comes_under_its_new_id_with_the_old_ones_as_aliases() {
    let bench = Bench::new();
    let (one, other) =
        (bench.create("companies", json!({"name": "A"})), bench.create("companies", json!({"name": "B"})));
    let (_, cursor) = bench.pull("companies", None).await;
    bench.pass(120);
    let told = bench.control("merge", json!({"type": "companies", "primary": one, "other": other}));
    let merged = told["id"].as_str().unwrap();

    let read = bench.read("companies", &[&one, &other]).await;
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].id.as_str(), merged);
    let aliases: Vec<&str> = read[0].aliases.iter().map(|id| id.as_str()).collect();
    assert_eq!(aliases, [one.as_str(), other.as_str()]);

    bench.pass(10);
    let (records, _) = bench.pull("companies", Some(cursor)).await;
    assert!(records.iter().any(|record| record.id.as_str() == merged && record.aliases.len() == 2));
}

#[tokio::test]
async fn a_quiet_run_costs_one_search_for_each_kind_of_object() {
    let bench = Bench::new();
    let (_, companies) = bench.pull("companies", None).await;
    let (_, deals) = bench.pull("deals", None).await;
    bench.pass(3600);
    let before = bench.calls();
    bench.pull("companies", Some(companies)).await;
    assert_eq!(bench.calls() - before, 1);
    bench.pull("deals", Some(deals)).await;
    assert_eq!(bench.calls() - before, 4);
}

#[tokio::test]
async fn a_cursor_of_another_kind_is_an_error_that_a_person_can_mend() {
    let bench = Bench::new();
    let foreign = Cursor::new("tomorrow");
    let error = bench.hubspot.changes(&"companies".into(), Some(&foreign)).await.unwrap_err();
    assert_eq!(error.kind(), passerelle_core::ErrorKind::Config);
}
