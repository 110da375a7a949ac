//! Outbound messages as the org sends them: until they are acknowledged, each under one id.

use passerelle_core::clock::Timestamp;
use passerelle_core::connector::{Delivery, Hint};
use serde_json::{Value, json};

use super::Bench;

/// An org that tells of accounts, and a connector that receives it.
fn bench() -> Bench {
    let bench = Bench::with(json!({
        "client_secret": "salesforce-demo-secret", "organization_id": "00D5g000004XyZqEAK", "webhook_secret": "s3cret",
    }));
    bench.control("settings", json!({"outbound": [{"object": "Account", "fields": ["Id", "Name"]}]}));
    bench
}

impl Bench {
    fn deliveries(&self) -> Vec<Value> {
        self.control("deliveries", json!({}))["deliveries"].as_array().unwrap().clone()
    }

    /// The receiver's answer; whether the org takes it for an acknowledgement.
    fn answer(&self, delivery: &Value, status: u16, body: &str) -> bool {
        let told = json!({"notifications": delivery["notifications"], "status": status, "body": body});
        self.control("answered", told)["acknowledged"] == json!(true)
    }

    fn hints(&self, delivery: &Value) -> Vec<Hint> {
        let body = delivery["body"].as_str().unwrap().as_bytes();
        let url = "https://hub.example.com/hooks/crm?secret=s3cret";
        let received = Timestamp::UNIX_EPOCH;
        self.salesforce.decode_webhook(&Delivery { method: "POST", url, headers: &[], body, received }).unwrap()
    }
}

#[test]
fn a_message_is_sent_again_under_its_id_until_it_is_acknowledged() {
    let bench = bench();
    let id = bench.create("Account", json!({"Name": "Acme"}));
    let [first] = bench.deliveries().try_into().unwrap();
    assert_eq!(bench.hints(&first)[0].id.as_str(), id);
    let message = first["notifications"][0].as_str().unwrap();
    assert!(first["body"].as_str().unwrap().contains(&format!("<Notification><Id>{message}</Id>")), "{first}");
    assert!(!bench.answer(&first, 503, "later"));
    assert!(bench.deliveries().is_empty(), "not yet");
    bench.pass(60);
    bench.edit("Account", &id, json!({"Name": "Acme SA"}));
    let [again] = bench.deliveries().try_into().unwrap();
    let ids = again["notifications"].as_array().unwrap();
    assert!(ids.len() == 2 && ids[0] == message && ids[1] != message, "{ids:?}");
    assert_eq!(
        again["body"].as_str().unwrap().matches("<sf:Name>Acme SA</sf:Name>").count(),
        2,
        "values of the sending"
    );
    assert!(!bench.answer(&again, 200, ""), "a 200 alone acknowledges nothing");
    bench.pass(120);
    let [last] = bench.deliveries().try_into().unwrap();
    assert_eq!(last["notifications"], again["notifications"]);
    let (_, receipt) = bench.salesforce.webhook_receipt().unwrap();
    assert!(bench.answer(&last, 200, receipt));
    bench.pass(3 * 3600);
    assert!(bench.deliveries().is_empty());
}

#[test]
fn an_envelope_bears_a_hundred_notifications_of_different_ids() {
    let bench = bench();
    for at in 0..250 {
        bench.create("Account", json!({"Name": format!("Account {at}")}));
    }
    let deliveries = bench.deliveries();
    let sizes: Vec<usize> = deliveries.iter().map(|delivery| bench.hints(delivery).len()).collect();
    assert_eq!(sizes, [100, 100, 50]);
    let ids = deliveries.iter().flat_map(|delivery| delivery["notifications"].as_array().unwrap());
    assert_eq!(ids.map(|id| id.as_str().unwrap()).collect::<std::collections::BTreeSet<_>>().len(), 250);
}

#[test]
fn a_message_that_nobody_takes_is_sent_ever_more_seldom_and_dropped_after_a_day() {
    let bench = bench();
    bench.create("Account", json!({"Name": "Acme"}));
    let (mut sent, mut minute) = (Vec::new(), 0);
    while minute < 26 * 60 {
        sent.extend(bench.deliveries().iter().map(|_| minute));
        bench.pass(60);
        minute += 1;
    }
    let waits: Vec<i32> = sent.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(waits[..9], [1, 2, 4, 8, 16, 32, 64, 120, 120]);
    assert!(sent.last().is_some_and(|last| (22 * 60..24 * 60).contains(last)), "{sent:?}");
}
