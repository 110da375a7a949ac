//! Writes: one bad row harms no other, and nothing is made twice.

use passerelle_core::ErrorKind;
use passerelle_core::connector::Lookup;
use passerelle_core::model::{ExternalKey, Outcome, Write};
use serde_json::{Value, json};

use super::{Bench, create, update};

async fn written(bench: &Bench, resource: &str, writes: &[Write]) -> Vec<Outcome> {
    bench.hubspot.write(&resource.into(), writes).await.unwrap()
}

async fn bench() -> Bench {
    let wanted: &[(&str, &[&str])] = &[("companies", &["name", "city", "annualrevenue"]), ("contacts", &["email"])];
    let bench = Bench::with(json!({"token": "pat-eu1-emulator"}), wanted);
    for resource in ["companies", "contacts", "deals"] {
        bench.prepare(resource).await;
    }
    bench
}

#[tokio::test]
async fn a_create_that_is_repeated_makes_no_second_record() {
    let bench = bench().await;
    let writes = [create("lnk:1", json!({"name": "Acme", "city": "Lille"}))];
    let first = written(&bench, "companies", &writes).await.remove(0).unwrap();
    let again = written(&bench, "companies", &writes).await.remove(0).unwrap();
    assert_eq!(first.id, again.id);
    let found = bench.hubspot.find(&"companies".into(), &Lookup::Key(vec![ExternalKey::new("lnk:1")])).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].key, Some(ExternalKey::new("lnk:1")));
    assert_eq!(found[0].fields["name"], "Acme");
}

#[tokio::test]
async fn a_hundred_creates_keep_their_order_though_the_answers_do_not() {
    let bench = bench().await;
    let writes: Vec<Write> = (0..100).map(|at| create(&format!("k{at}"), json!({"name": format!("C{at}")}))).collect();
    let done = written(&bench, "companies", &writes).await;
    for (at, outcome) in done.into_iter().enumerate() {
        let id = outcome.unwrap().id;
        assert_eq!(bench.control("show", json!({"type": "companies", "id": id.as_str()}))["name"], format!("C{at}"));
    }
}

#[tokio::test]
async fn one_bad_row_among_others_is_rejected_alone_with_hubspot_s_words() {
    let bench = bench().await;
    let id = bench.create("companies", json!({"name": "Known", "city": "Lille"}));
    let done = written(
        &bench,
        "companies",
        &[
            create("a", json!({"name": "Good"})),
            create("b", json!({"name": "Bad", "annualrevenue": "5,333"})),
            create("c", json!({"name": "Bad", "no_such_property": "x"})),
            update(&id, json!({"city": null, "name": "Renamed"})),
            update("1", json!({"name": "Nobody"})),
            Write::Archive { id: id.as_str().into(), expect: None },
        ],
    )
    .await;
    let told: Vec<String> = done
        .iter()
        .map(|outcome| match outcome {
            Ok(_) => "ok".to_owned(),
            Err(error) => format!("{:?}: {}", error.kind(), error.message()),
        })
        .collect();
    assert_eq!(told[0], "ok");
    assert!(told[1].starts_with("Rejected: ") && told[1].contains("annualrevenue"), "{}", told[1]);
    assert!(told[2].contains("no_such_property"), "{}", told[2]);
    assert_eq!(told[3], "ok");
    assert!(told[4].starts_with("NotFound"), "{}", told[4]);
    assert_eq!(told[5], "ok");
    let shown = bench.control("show", json!({"type": "companies", "id": id}));
    assert_eq!((shown["name"].as_str(), shown.get("city")), (Some("Renamed"), None));
}

#[tokio::test]
async fn a_batch_that_is_refused_as_a_whole_is_taken_apart_until_the_bad_rows_stand_alone() {
    let bench = bench().await;
    bench.control("settings", json!({"partial": false}));
    let bad = [13, 14, 77];
    let writes: Vec<Write> = (0..100)
        .map(|at| {
            let revenue = if bad.contains(&at) { "a lot" } else { "1" };
            create(&format!("k{at}"), json!({"name": format!("C{at}"), "annualrevenue": revenue}))
        })
        .collect();
    let done = written(&bench, "companies", &writes).await;
    let refused: Vec<usize> = (0..100).filter(|at| done[*at].is_err()).collect();
    assert_eq!(refused, bad);
    assert!(bad.iter().all(|at| done[*at].as_ref().unwrap_err().message().contains("annualrevenue")));
}

#[tokio::test]
async fn an_update_of_a_merged_id_gives_the_id_that_it_has_now() {
    let bench = bench().await;
    let (one, other) =
        (bench.create("companies", json!({"name": "A"})), bench.create("companies", json!({"name": "B"})));
    let merged = bench.control("merge", json!({"type": "companies", "primary": one, "other": other}));
    let done = written(&bench, "companies", &[update(&other, json!({"name": "C"}))]).await.remove(0).unwrap();
    assert_eq!(done.id.as_str(), merged["id"].as_str().unwrap());
}

#[tokio::test]
async fn a_contact_whose_address_is_taken_names_its_twin() {
    let bench = bench().await;
    let twin = bench.create("contacts", json!({"email": "ann@example.com"}));
    let done = written(&bench, "contacts", &[create("k", json!({"email": "Ann@example.com"}))]).await.remove(0);
    let error = done.unwrap_err();
    assert_eq!((error.kind(), error.fact("twin")), (ErrorKind::Rejected, Some(twin.as_str())));
}

#[tokio::test]
async fn the_company_of_a_deal_can_be_set_moved_and_taken_away() {
    let bench = bench().await;
    let company = |name: &str| bench.create("companies", json!({"name": name}));
    let (one, other) = (company("One"), company("Other"));
    let made = written(&bench, "deals", &[create("d", json!({"dealname": "D", "associated_company": one}))]).await;
    let id = made[0].as_ref().unwrap().id.to_string();
    let of_deal = async || bench.read("deals", &[&id]).await[0].fields["associated_company"].clone();
    assert_eq!(of_deal().await, json!(one));
    for (value, expected) in [(json!(other), json!(other)), (Value::Null, json!(one)), (Value::Null, Value::Null)] {
        let done = written(&bench, "deals", &[update(&id, json!({"associated_company": value}))]).await;
        done[0].as_ref().unwrap();
        assert_eq!(of_deal().await, expected, "after {value}");
    }
    let done = written(
        &bench,
        "deals",
        &[update(&id, json!({"associated_company": "1"})), update(&id, json!({"associated_company": one}))],
    )
    .await;
    assert_eq!(done[0].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
    done[1].as_ref().unwrap();
}

#[tokio::test]
async fn what_only_hubspot_computes_is_refused_before_anything_is_sent() {
    let bench = bench().await;
    let before = bench.calls();
    let done = written(
        &bench,
        "deals",
        &[update("1", json!({"deal_status": "won"})), update("1", json!({"dealname": ["x"]}))],
    )
    .await;
    assert!(done.iter().all(|outcome| outcome.as_ref().unwrap_err().kind() == ErrorKind::Rejected));
    assert_eq!(bench.calls(), before);
}

#[tokio::test]
async fn a_call_whose_answer_was_lost_is_repeated_without_a_second_record() {
    let bench = bench().await;
    bench.control("faults", json!({"drop-after": 1, "times": 1}));
    let done = written(&bench, "companies", &[create("k", json!({"name": "Once"}))]).await;
    done[0].as_ref().unwrap();
    let found = bench.control("find", json!({"type": "companies", "property": "name", "value": "Once"}));
    assert_eq!(found.as_array().unwrap().len(), 1);
}
