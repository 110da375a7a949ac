//! The kit, tried with a vendor of one counter, by a socket and in process.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Chance, EmulatedTime, Emulator, Fault, Faults, Host, Hosted, InProcess, serve};
use crate::clock::{Clock, Timestamp};
use crate::http::{Body, HttpWire, Request, Response, Wire};
use crate::{Error, ErrorKind, Result};

/// Counts posts, and echoes what it was sent.
struct Counter(u64);

impl Emulator for Counter {
    fn vendor(&self) -> &'static str {
        "counter"
    }

    fn base_path(&self) -> &'static str {
        "/api/index.php"
    }

    fn key(&self) -> String {
        "k".into()
    }

    fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        if request.method == "POST" {
            self.0 += 1;
        }
        let body = match &request.body {
            Body::Empty => json!("empty"),
            Body::Json(value) => json!({ "json": value }),
            Body::Form(pairs) => json!({ "form": pairs }),
            Body::Bytes(bytes) => json!({ "bytes": bytes }),
        };
        let echo = json!({
            "count": self.0, "path": request.path, "query": request.query, "body": body,
            "key": request.header_value("X-Key"), "now": now.to_string(),
        });
        Response::json(200, &echo).with_header("X-Counter", self.0.to_string())
    }

    fn seed(&mut self, sample: &Value, _: Timestamp) -> Result<()> {
        let no_count = || Error::new(ErrorKind::Config, "a sample is {\"count\": n}");
        self.0 = sample.get("count").and_then(Value::as_u64).ok_or_else(no_count)?;
        Ok(())
    }

    fn control(&mut self, command: &str, _: &Value, _: Timestamp) -> Result<Value> {
        match command {
            "double" => {
                self.0 *= 2;
                Ok(json!({ "count": self.0 }))
            }
            _ => Err(Error::new(ErrorKind::Unsupported, format!("there is no command `{command}`"))),
        }
    }
}

fn host() -> Arc<Host> {
    let start = "2026-11-24T08:00:00Z".parse().unwrap();
    Arc::new(Host::new(vec![Box::new(Counter(0)), Box::new(Counter(100))], EmulatedTime::standing_at(start)))
}

async fn by_socket(host: &Arc<Host>) -> (Hosted, HttpWire, String) {
    let hosted = serve(host.clone(), "127.0.0.1:0".parse().unwrap()).await.unwrap();
    let base = hosted.base_url("counter").unwrap().to_owned();
    (hosted, HttpWire::new(Duration::from_secs(20)).unwrap(), base)
}

async fn in_process(host: &Arc<Host>) -> (InProcess, String) {
    let wire = InProcess::new(host.clone());
    let base = wire.base_url("counter").unwrap();
    (wire, base)
}

fn calls() -> Vec<Request> {
    let form = Body::Form(vec![("a b".into(), "é&=".into()), ("a b".into(), "2".into())]);
    vec![
        Request::get("/orders/7?x=1%202").query("y", "a&b=c").query("x", "é"),
        Request::post("/orders", json!({ "b": 1, "a": [null, "é"] })).header("X-Key", "k"),
        Request { body: form, ..Request::new("PUT", "/a é") },
        Request { body: Body::Bytes(vec![1, 2]), ..Request::new("POST", "/raw") }.header("Content-Type", "image/png"),
        Request { body: Body::Bytes(b"{\"a\":1}".into()), ..Request::new("POST", "/x") }
            .header("content-type", "application/json"),
    ]
}

#[tokio::test]
async fn a_call_arrives_the_same_by_a_socket_and_in_process() {
    let (hosted, socket, at) = by_socket(&host()).await;
    let (process, near) = in_process(&host()).await;
    for call in calls() {
        let to = |base: &str| Request { path: format!("{base}{}", call.path), ..call.clone() };
        let far: Value = socket.call(to(&at)).await.unwrap().parse().unwrap();
        let close: Value = process.call(to(&near)).await.unwrap().parse().unwrap();
        assert_eq!(far, close);
    }
    hosted.stop().await.unwrap();
}

#[tokio::test]
async fn a_call_arrives_decoded_and_with_its_base_path() {
    let (wire, base) = in_process(&host()).await;
    let call = Request::get(format!("{base}/orders?x=1%202")).query("y", "a&b=c");
    let echo: Value = wire.call(call).await.unwrap().parse().unwrap();
    assert_eq!(echo["path"], "/api/index.php/orders");
    assert_eq!(echo["query"], json!([["x", "1 2"], ["y", "a&b=c"]]));
}

#[tokio::test]
async fn two_of_one_vendor_live_beside_each_other() {
    let (hosted, socket, _) = by_socket(&host()).await;
    assert_eq!(hosted.bases.iter().map(|base| base.name.as_str()).collect::<Vec<_>>(), ["counter", "counter-2"]);
    let second = hosted.base_url("counter-2").unwrap();
    let answer = socket.call(Request::get(second)).await.unwrap();
    assert_eq!(answer.header("x-counter"), Some("100"));
    hosted.stop().await.unwrap();
}

/// What a post came to, and whether it had its effect.
async fn post_under(fault: &str) -> (String, u64) {
    let mut outcomes = Vec::new();
    let (near, far) = (host(), host());
    let (hosted, socket, at) = by_socket(&far).await;
    let (process, base) = in_process(&near).await;
    let wires: [(&Host, &dyn Wire, String); 2] = [(&far, &socket, at), (&near, &process, base)];
    for (host, wire, base) in wires {
        host.add_fault(&Fault::parse(fault).unwrap()).unwrap();
        let came_to = match wire.call(Request::post(format!("{base}/orders"), json!({}))).await {
            Ok(answer) => answer.status.to_string(),
            Err(error) => format!("{:?}", error.kind()),
        };
        let count = host.control("counter", "double", &json!({})).unwrap()["count"].as_u64().unwrap() / 2;
        outcomes.push((came_to, count));
    }
    hosted.stop().await.unwrap();
    // By a socket nobody can know whether a call that got no answer was seen.
    if outcomes[1].0 == "Unavailable" {
        assert_eq!(outcomes[0].0, "OutcomeUnknown");
    } else {
        assert_eq!(outcomes[0], outcomes[1]);
    }
    outcomes.remove(1)
}

#[tokio::test]
async fn faults_strike_before_or_after_the_effect() {
    assert_eq!(post_under("counter:429=1").await, ("429".into(), 0));
    assert_eq!(post_under("counter:5xx-before=1").await, ("503".into(), 0));
    assert_eq!(post_under("counter:5xx-after=1").await, ("502".into(), 1));
    assert_eq!(post_under("counter:drop-before=1").await, ("Unavailable".into(), 0));
    assert_eq!(post_under("counter:drop-after=1").await, ("OutcomeUnknown".into(), 1));
    assert_eq!(post_under("counter:429=1/2").await, ("200".into(), 1));
}

#[tokio::test]
async fn latency_passes_in_virtual_time() {
    let host = host();
    host.set_faults("counter", Faults { latency: Duration::from_secs(90), ..Faults::default() }).unwrap();
    let (wire, base) = in_process(&host).await;
    wire.call(Request::get(base)).await.unwrap();
    assert_eq!(host.time().now().to_string(), "2026-11-24T08:01:30Z");
}

#[tokio::test]
async fn commands_move_time_set_faults_seed_and_count_calls_over_http() {
    let host = host();
    let (hosted, socket, base) = by_socket(&host).await;
    let command = async |name: &str, arguments: Value| {
        let path = base.replace("/api/index.php", &format!("/_control/{name}"));
        let answer = socket.call(Request::post(path, arguments)).await.unwrap();
        (answer.status, answer.parse::<Value>().unwrap())
    };
    assert_eq!(command("advance", json!({ "days": 1.5 })).await.1["now"], "2026-11-25T20:00:00Z");
    assert_eq!(command("advance", json!({ "days": -1 })).await.0, 400);
    assert_eq!(command("seed", json!({ "count": 21 })).await.0, 200);
    assert_eq!(command("seed", json!({})).await.0, 400);
    assert_eq!(command("double", json!({})).await.1["count"], 42);
    assert_eq!(command("explode", json!({})).await.0, 404);
    assert_eq!(command("faults", json!({ "429": "1/1", "times": 1 })).await.0, 200);
    assert_eq!(command("faults", json!({ "teapot": 1 })).await.0, 400);
    let statuses = async |count: usize| {
        let mut statuses = Vec::new();
        for id in 0..count {
            statuses.push(socket.call(Request::get(format!("{base}/v3/orders/{id}"))).await.unwrap().status);
        }
        statuses
    };
    assert_eq!(statuses(2).await, [429, 200]);
    assert_eq!(command("calls", json!({})).await.1, json!({ "GET /v3/orders/{id}": 2 }));
    hosted.stop().await.unwrap();
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_calls() {
    let story = async |seed| {
        let host = host();
        host.set_faults("counter", Faults { error_before: Chance::Share(0.5), ..Faults::default() }).unwrap();
        host.seed_faults("counter", seed).unwrap();
        let (wire, base) = in_process(&host).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(wire.call(Request::get(&base)).await.unwrap().status);
        }
        statuses
    };
    assert_eq!(story(3).await, story(3).await);
    assert_ne!(story(3).await, story(4).await);
}

#[tokio::test]
async fn only_loopback_is_served() {
    let refused = serve(host(), "0.0.0.0:0".parse().unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Config);
}

#[tokio::test]
async fn kept_systems_come_back_as_they_were_and_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("emulated.jsonl");
    let start: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
    let hosted = || {
        let mut host = Host::new(vec![Box::new(Counter(0))], EmulatedTime::standing_at(start));
        let held = host.keep_in(&file).unwrap();
        (Arc::new(host), held)
    };
    let count = async |host: &Arc<Host>| {
        let (wire, base) = in_process(host).await;
        wire.call(Request::get(base)).await.unwrap().parse::<Value>().unwrap()["count"].clone()
    };

    let (host, held) = hosted();
    assert_eq!(held, 0);
    host.control("counter", "seed", &json!({ "count": 20 })).unwrap();
    host.control("counter", "advance", &json!({ "days": 2 })).unwrap();
    let (wire, base) = in_process(&host).await;
    for body in [json!({ "a": 1 }), json!("ü")] {
        wire.call(Request::post(base.clone(), body)).await.unwrap();
    }
    host.control("counter", "double", &json!({})).unwrap();
    drop(wire);
    drop(host);

    // The machine stopped in the middle of a line.
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}{{\"at\":\"2026")).unwrap();
    let (host, held) = hosted();
    assert_eq!((held, count(&host).await), (4, json!(44)));
    assert_eq!(host.time().now().to_string(), "2026-11-26T08:00:00Z");
    host.control("counter", "double", &json!({})).unwrap();
    assert_eq!(count(&hosted().0).await, json!(88));
}

#[test]
fn a_file_that_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("letter.txt");
    for letter in ["dear\n", "dear"] {
        std::fs::write(&file, letter).unwrap();
        let mut host = Host::new(vec![Box::new(Counter(0))], EmulatedTime::standing_at(Timestamp::UNIX_EPOCH));
        let refusal = host.keep_in(&file).unwrap_err();
        assert!(refusal.to_string().contains("no journal"), "{refusal}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), letter);
    }
}
