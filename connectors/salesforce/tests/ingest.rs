//! Writes of very many rows: Bulk API 2.0 ingest.

use passerelle_core::ErrorKind;
use passerelle_core::model::{Outcome, Write};
use serde_json::{Value, json};

use super::{Bench, create, update};

/// An org to which more than three rows go as a job.
fn bench() -> Bench {
    let bench = Bench::with(json!({
        "client_secret": "salesforce-demo-secret", "bulk_writes_above": 3, "bulk_minutes": 1,
    }));
    bench.deploy();
    bench
}

fn creates(count: usize) -> Vec<Write> {
    (0..count).map(|at| create(&format!("key {at}"), json!({"Name": format!("Account {at}"), "Phone": null}))).collect()
}

impl Bench {
    async fn write(&self, writes: &[Write]) -> Vec<Outcome> {
        self.salesforce.write(&"Account".into(), writes).await.unwrap()
    }

    fn faults(&self, faults: Value) {
        self.control("faults", faults);
    }

    /// The names of all accounts in use.
    async fn names(&self) -> Vec<String> {
        let (records, _) = self.pull("Account", None).await;
        let mut names: Vec<String> =
            records.iter().map(|record| record.fields["Name"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }
}

/// What was written, in the order of the writes.
async fn written(bench: &Bench, outcomes: &[Outcome]) -> Vec<String> {
    let mut names = Vec::new();
    for outcome in outcomes {
        let name = match outcome {
            Ok(done) => bench.read("Account", done.id.as_str()).await.fields["Name"].as_str().unwrap().to_owned(),
            Err(error) => error.to_string(),
        };
        names.push(name);
    }
    names
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|at| format!("Account {at}")).collect()
}

#[tokio::test]
async fn very_many_rows_are_one_job_and_each_has_its_outcome_in_its_place() {
    let bench = bench();
    bench.control("settings", json!({"bulk_delay": 12, "marker": "Account 2"}));
    let outcomes = bench.write(&creates(6)).await;
    let mut expected = names(6);
    expected[2] = outcomes[2].as_ref().unwrap_err().to_string();
    assert_eq!(written(&bench, &outcomes).await, expected);
    let told = outcomes[2].as_ref().unwrap_err();
    assert_eq!((told.kind(), told.fact("code")), (ErrorKind::Rejected, Some("FIELD_CUSTOM_VALIDATION_EXCEPTION")));
    assert_eq!((bench.calls("PUT"), bench.calls("composite")), (1, 0));
    let again = bench.write(&creates(6)).await;
    assert_eq!(written(&bench, &again).await[3..], expected[3..]);
    assert_eq!(bench.names().await.len(), 5);
}

#[tokio::test]
async fn few_rows_are_no_job() {
    let bench = bench();
    assert!(bench.write(&creates(3)).await.iter().all(Result::is_ok));
    assert_eq!((bench.calls("jobs"), bench.calls("composite")), (0, 1));
}

#[tokio::test]
async fn a_job_updates_rows_by_their_ids_and_empties_fields() {
    let bench = bench();
    let given = |at: usize| json!({"Name": format!("Account {at}"), "Phone": "1", "BillingCity": "Lille"});
    let ids: Vec<String> = (0..4).map(|at| bench.create("Account", given(at))).collect();
    let mut writes: Vec<Write> = ids.iter().map(|id| update(id, json!({"Phone": null}))).collect();
    writes.push(update("001000000000000AAA", json!({"Phone": "2"})));
    writes.push(update(&ids[0], json!({"BillingCity": "#N/A"})));
    writes.push(update("no id", json!({"Phone": "2"})));
    let outcomes = bench.write(&writes).await;
    let told: Vec<Option<&str>> =
        outcomes.iter().map(|outcome| outcome.as_ref().ok().map(|done| done.id.as_str())).collect();
    assert_eq!(told[..4], ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>());
    assert_eq!(told[4..], [None, Some(ids[0].as_str()), None]);
    assert_eq!(outcomes[4].as_ref().unwrap_err().kind(), ErrorKind::NotFound);
    let shown = bench.show("Account", &ids[0]);
    assert_eq!(
        (&shown["Phone"], &shown["BillingCity"], &shown["Name"]),
        (&Value::Null, &json!("#N/A"), &json!("Account 0"))
    );
    assert_eq!((bench.calls("PUT"), bench.show("Account", &ids[1])["BillingCity"].as_str()), (1, Some("Lille")));
}

#[tokio::test]
async fn a_duplicate_rule_that_refuses_a_row_of_a_job_names_the_twin() {
    let bench = bench();
    let twin = bench.create("Account", json!({"Name": "Account 1"}));
    let rule = json!({"object": "Account", "fields": ["Name"], "action": "block"});
    bench.control("settings", json!({"duplicate_rules": [rule]}));
    let outcomes = bench.write(&creates(4)).await;
    let told = outcomes[1].as_ref().unwrap_err();
    assert_eq!((told.kind(), told.fact("twin")), (ErrorKind::Rejected, Some(twin.as_str())));
    assert!([0, 2, 3].iter().all(|at| outcomes[*at].is_ok()), "{outcomes:?}");
}

#[tokio::test]
async fn a_row_of_a_job_that_meets_a_lock_is_written_when_the_lock_is_gone() {
    let bench = bench();
    bench.control("settings", json!({"locks": 2}));
    assert_eq!(written(&bench, &bench.write(&creates(5)).await).await, names(5));
    assert_eq!(bench.names().await, names(5));
}

#[tokio::test]
async fn a_lost_answer_of_any_call_of_a_job_loses_and_doubles_nothing() {
    let calls = [
        "POST /jobs/ingest",
        "PUT /jobs/ingest",
        "PATCH /jobs/ingest",
        "GET /jobs/ingest",
        "GET /successfulResults",
        "GET /failedResults",
        "PATCH /composite",
    ];
    for fault in ["drop-before", "drop-after", "5xx-before", "5xx-after"] {
        for call in calls {
            let bench = bench();
            bench.control("settings", json!({"bulk_delay": 3, "locks": 1, "marker": "Account 3"}));
            bench.faults(json!({fault: 1.0, "times": 1, "on": call}));
            let outcomes = bench.write(&creates(6)).await;
            let mut told = written(&bench, &outcomes).await;
            assert!(told.remove(3).contains("FIELD_CUSTOM_VALIDATION_EXCEPTION"), "{fault} {call}: {outcomes:?}");
            let mut expected = names(6);
            expected.remove(3);
            assert_eq!(told, expected, "{fault} {call}");
            assert_eq!(bench.names().await, expected, "{fault} {call}");
        }
    }
}

#[tokio::test]
async fn rows_that_a_failed_job_did_not_process_are_written_without_it() {
    let bench = bench();
    bench.control("settings", json!({"bulk_fails_after": 2, "marker": "Account 4"}));
    let outcomes = bench.write(&creates(6)).await;
    assert_eq!(bench.calls("unprocessedrecords"), 1);
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 5);
    assert_eq!(outcomes[4].as_ref().unwrap_err().fact("code"), Some("FIELD_CUSTOM_VALIDATION_EXCEPTION"));
    assert_eq!(bench.names().await.len(), 5);
}

#[tokio::test]
async fn a_job_that_takes_too_long_is_aborted_and_its_rows_are_written_without_it() {
    let bench = bench();
    bench.control("settings", json!({"bulk_delay": 3600}));
    assert_eq!(written(&bench, &bench.write(&creates(5)).await).await, names(5));
    // What the job would still have done is not done over what people do next.
    let id = bench.control("find", json!({"type": "Account", "field": "Name", "value": "Account 0"}))[0].clone();
    bench.edit("Account", id.as_str().unwrap(), json!({"Phone": "12"}));
    bench.pass(7200);
    assert_eq!(bench.names().await, names(5));
    assert_eq!(bench.show("Account", id.as_str().unwrap())["Phone"], "12");
}

#[tokio::test]
async fn a_job_whose_end_cannot_be_seen_leaves_creates_to_be_repeated_and_updates_unknown() {
    let bench = bench();
    bench.faults(json!({"drop-before": 1.0, "on": "GET /jobs/ingest"}));
    let outcomes = bench.write(&creates(4)).await;
    let told = outcomes[0].as_ref().unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Unavailable);
    assert!(told.message().contains("what a bulk job did is not known"), "{told}");
    bench.control("reset_faults", json!({}));
    let outcomes = bench.write(&creates(4)).await;
    assert_eq!(bench.names().await, names(4));
    let ids = outcomes.iter().map(|outcome| outcome.as_ref().unwrap().id.as_str().to_owned());
    let writes: Vec<Write> = ids.map(|id| update(&id, json!({"Phone": "1"}))).collect();
    bench.faults(json!({"drop-before": 1.0, "on": "GET /jobs/ingest"}));
    let outcomes = bench.write(&writes).await;
    assert!(outcomes.iter().all(|outcome| outcome.as_ref().unwrap_err().kind() == ErrorKind::OutcomeUnknown));
}

#[tokio::test]
async fn a_job_that_cannot_be_given_its_rows_has_written_nothing() {
    let bench = bench();
    bench.faults(json!({"drop-before": 1.0, "on": "PUT /jobs/ingest"}));
    let told = bench.salesforce.write(&"Account".into(), &creates(4)).await.unwrap_err();
    assert_eq!(told.kind(), ErrorKind::Unavailable);
    assert_eq!(bench.names().await, names(0));
}
