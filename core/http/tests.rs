//! The rules of `Api`, tried on a wire that answers from a list and a clock that sleeping moves.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{Api, Auth, Dialect, Limits, OAuth, Pace, Request, Response, Secret, Transport, Wire};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::connector::Tools;
use crate::{Error, ErrorKind, Result};

/// What the wire does with the next call.
enum Next {
    Answer(Response),
    Fail(ErrorKind),
}

/// Answers from a list, then 200; remembers when it was asked what.
#[derive(Debug)]
struct Script {
    clock: Arc<ManualClock>,
    next: Mutex<VecDeque<Next>>,
    asked: Mutex<Vec<(Timestamp, Request)>>,
}

impl std::fmt::Debug for Next {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Next")
    }
}

#[async_trait]
impl Wire for Script {
    async fn call(&self, request: Request) -> Result<Response> {
        self.asked.lock().unwrap().push((self.clock.now(), request));
        // Others get their turn while this one waits for its answer.
        tokio::task::yield_now().await;
        match self.next.lock().unwrap().pop_front() {
            Some(Next::Answer(response)) => Ok(response),
            Some(Next::Fail(kind)) => Err(Error::new(kind, "the wire broke")),
            None => Ok(Response::json(200, &json!({}))),
        }
    }
}

/// Maps statuses as most vendors mean them; the quota travels in `X-Left`.
#[derive(Debug)]
struct Plain;

impl Dialect for Plain {
    fn judge(&self, _: &Request, response: &Response, _: Timestamp) -> Result<()> {
        let kind = match response.status {
            200..=299 => return Ok(()),
            401 | 403 => ErrorKind::Denied,
            429 => ErrorKind::RateLimited,
            500.. => ErrorKind::Unavailable,
            _ => ErrorKind::Rejected,
        };
        Err(Error::new(kind, response.excerpt()).at("status", response.status))
    }

    fn pace(&self, response: &Response) -> Option<Pace> {
        let remaining = response.header("x-left")?.parse().ok()?;
        Some(Pace { remaining, allowance: 100, resets_in: Duration::from_secs(10) })
    }
}

/// An API, its script and its clock.
struct Stage {
    api: Api,
    script: Arc<Script>,
    clock: Arc<ManualClock>,
}

const WIDE: Limits = Limits { per_second: 1000.0, burst: 1000, concurrency: 4 };

fn stage(limits: Limits, auth: Auth, next: Vec<Next>) -> Stage {
    stage_with(
        Transport { base_url: Some("https://erp.example.com/api/".into()), ..Transport::default() },
        limits,
        auth,
        next,
    )
}

fn stage_with(transport: Transport, limits: Limits, auth: Auth, next: Vec<Next>) -> Stage {
    let clock = Arc::new(ManualClock::at("2026-11-24T08:00:00Z".parse().unwrap()));
    let script = Arc::new(Script { clock: clock.clone(), next: Mutex::new(next.into()), asked: Mutex::default() });
    let (folder, wanted) = (std::path::PathBuf::new(), Arc::default());
    let tools = Tools { wire: script.clone(), clock: clock.clone(), transport, folder, wanted };
    Stage { api: Api::new(tools, "", auth, limits, Arc::new(Plain)), script, clock }
}

impl Stage {
    /// Seconds after the start at which requests left.
    fn times(&self) -> Vec<f64> {
        let asked = self.script.asked.lock().unwrap();
        let start: Timestamp = "2026-11-24T08:00:00Z".parse().unwrap();
        asked.iter().map(|(at, _)| at.duration_since(start).as_secs_f64()).collect()
    }

    fn header(&self, call: usize, name: &str) -> String {
        self.script.asked.lock().unwrap()[call].1.header_value(name).unwrap_or("").to_owned()
    }

    fn form(&self, call: usize) -> String {
        match &self.script.asked.lock().unwrap()[call].1.body {
            super::Body::Bytes(bytes) => String::from_utf8(bytes.clone()).unwrap(),
            other => panic!("not a form: {other:?}"),
        }
    }
}

fn answer(status: u16) -> Next {
    Next::Answer(Response::json(status, &json!({ "said": status })))
}

fn limited(retry_after: &str) -> Next {
    Next::Answer(Response::empty(429).with_header("Retry-After", retry_after))
}

fn read() -> Request {
    Request::get("/orders")
}

fn create() -> Request {
    Request::post("/orders", json!({}))
}

/// The kind that a call ends with (`None` for success), and how many requests left.
async fn outcome(request: Request, next: Vec<Next>) -> (Option<ErrorKind>, usize) {
    let stage = stage(WIDE, Auth::None, next);
    let result = stage.api.call(request).await;
    assert_eq!(stage.api.calls() as usize, stage.times().len());
    (result.err().map(|error| error.kind()), stage.times().len())
}

#[tokio::test]
async fn what_repeating_would_double_is_repeated_only_when_it_was_surely_not_done() {
    use ErrorKind::{OutcomeUnknown, Rejected, Unavailable};
    let fail = Next::Fail;
    assert_eq!(outcome(create(), vec![fail(Unavailable)]).await, (None, 2), "never sent");
    assert_eq!(outcome(create(), vec![limited("1")]).await, (None, 2), "refused for the quota");
    assert_eq!(outcome(create(), vec![fail(OutcomeUnknown)]).await, (Some(OutcomeUnknown), 1), "no answer");
    assert_eq!(outcome(create(), vec![answer(503)]).await, (Some(OutcomeUnknown), 1), "the vendor saw it");
    assert_eq!(outcome(create(), vec![fail(Unavailable), answer(502)]).await, (Some(OutcomeUnknown), 2));
    assert_eq!(outcome(create(), vec![answer(422)]).await, (Some(Rejected), 1), "refused for good");
}

#[tokio::test]
async fn what_is_harmless_is_repeated_whatever_was_lost() {
    use ErrorKind::{Denied, OutcomeUnknown, Rejected, Unavailable};
    assert_eq!(
        outcome(read(), vec![Next::Fail(Unavailable), Next::Fail(OutcomeUnknown), answer(503)]).await,
        (None, 4)
    );
    assert_eq!(outcome(create().harmless(), vec![Next::Fail(OutcomeUnknown)]).await, (None, 2));
    assert_eq!(outcome(read(), vec![answer(404)]).await, (Some(Rejected), 1));
    assert_eq!(outcome(read(), vec![answer(401)]).await, (Some(Denied), 1));
    assert_eq!(outcome(read(), vec![Next::Fail(ErrorKind::Config)]).await, (Some(ErrorKind::Config), 1));
}

#[tokio::test]
async fn repeats_end_with_the_last_error_within_ten_attempts_and_two_minutes() {
    let stage = stage(WIDE, Auth::None, (0..20).map(|_| Next::Fail(ErrorKind::OutcomeUnknown)).collect());
    let error = stage.api.call(read()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "nothing to look for after a read");
    let times = stage.times();
    assert_eq!(error.fact("attempts"), Some(times.len().to_string().as_str()));
    assert!((7..=10).contains(&times.len()) && times.last().unwrap() <= &120.0, "{times:?}");
    assert!(times[1] >= 0.25 && times[1] <= 0.75, "{times:?}");
}

#[tokio::test]
async fn a_retry_after_is_honoured_in_seconds_and_as_a_date() {
    let date = "Tue, 24 Nov 2026 08:00:50 GMT";
    let unavailable = Next::Answer(Response::empty(503).with_header("Retry-After", "15"));
    let stage = stage(WIDE, Auth::None, vec![limited("20"), limited(date), unavailable]);
    stage.api.call(read()).await.unwrap();
    assert_eq!(stage.times(), [0.0, 20.0, 50.0, 65.0]);
}

#[tokio::test]
async fn a_429_shuts_the_gate_for_everybody() {
    let stage = stage(Limits { concurrency: 1, ..WIDE }, Auth::None, vec![limited("30")]);
    let neighbour = stage.api.clone();
    let (first, second) = tokio::join!(stage.api.call(read()), neighbour.call(create()));
    first.and(second).unwrap();
    assert_eq!(stage.times(), [0.0, 30.0, 30.0]);
}

#[tokio::test]
async fn a_quota_that_is_gone_for_hours_is_told_at_once_and_costs_no_further_call() {
    let stage = stage(WIDE, Auth::None, vec![limited("7200")]);
    let first = stage.api.call(read()).await.unwrap_err();
    let second = stage.api.call(read()).await.unwrap_err();
    for error in [first, second] {
        assert_eq!((error.kind(), error.wait()), (ErrorKind::RateLimited, Some(Duration::from_secs(7200))));
    }
    assert_eq!(stage.times(), [0.0]);
    stage.clock.advance(Duration::from_secs(7200));
    stage.api.call(read()).await.unwrap();
}

#[tokio::test]
async fn calls_keep_to_the_published_rate_after_a_burst() {
    let stage = stage(Limits { per_second: 2.0, burst: 3, concurrency: 1 }, Auth::None, vec![]);
    for _ in 0..6 {
        stage.api.call(read()).await.unwrap();
    }
    assert_eq!(stage.times(), [0.0, 0.0, 0.0, 0.5, 1.0, 1.5]);
}

#[tokio::test]
async fn config_overrides_the_published_rate() {
    let transport = Transport {
        base_url: Some("https://erp.example.com".into()),
        requests_per_second: Some(0.5),
        burst: Some(1),
        ..Transport::default()
    };
    let stage = stage_with(transport, WIDE, Auth::None, vec![]);
    for _ in 0..3 {
        stage.api.call(read()).await.unwrap();
    }
    assert_eq!(stage.times(), [0.0, 2.0, 4.0]);
}

#[tokio::test]
async fn calls_slow_down_as_the_vendors_headers_say_that_little_is_left() {
    let left = |n: &str| Next::Answer(Response::empty(200).with_header("X-Left", n));
    let stage = stage(WIDE, Auth::None, vec![left("50"), left("4"), left("0")]);
    for _ in 0..4 {
        stage.api.call(read()).await.unwrap();
    }
    assert_eq!(stage.times(), [0.0, 0.0, 2.0, 12.0]);
}

#[tokio::test]
async fn credentials_go_out_with_each_call_and_show_in_no_debug_text() {
    let bearer = stage(WIDE, Auth::Bearer(Secret::new("s3cret")), vec![answer(403)]);
    let error = bearer.api.call(read()).await.unwrap_err();
    assert_eq!(bearer.header(0, "authorization"), "Bearer s3cret");
    let vendors = stage(WIDE, Auth::Header("DOLAPIKEY", Secret::new("s3cret")), vec![]);
    vendors.api.call(read()).await.unwrap();
    assert_eq!(vendors.header(0, "dolapikey"), "s3cret");
    for shown in [format!("{error:?}"), format!("{:?}", bearer.api), format!("{:?}", oauth())] {
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}

#[tokio::test]
async fn an_address_that_is_none_is_a_config_error() {
    let stage = stage_with(Transport::default(), WIDE, Auth::None, vec![]);
    let error = stage.api.call(read()).await.unwrap_err();
    assert_eq!((error.kind(), error.fact("option")), (ErrorKind::Config, Some("base_url")));
}

fn oauth() -> OAuth {
    OAuth::refresh_token("https://login.example.com/token", "hub", Secret::new("s3cret"), Secret::new("old"))
}

fn token(access: &str, more: Value) -> Next {
    let mut body = json!({ "access_token": access, "token_type": "bearer", "expires_in": 1800 });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    Next::Answer(Response::json(200, &body))
}

#[tokio::test]
async fn a_token_is_fetched_once_for_all_who_wait_and_renewed_ahead_of_its_end() {
    let stage = stage(WIDE, Auth::OAuth(oauth()), vec![token("t1", json!({}))]);
    let (first, second) = tokio::join!(stage.api.call(read()), stage.api.call(read()));
    first.and(second).unwrap();
    assert_eq!(
        (stage.header(1, "authorization"), stage.header(2, "authorization")),
        ("Bearer t1".into(), "Bearer t1".into())
    );
    assert!(stage.form(0).contains("grant_type=refresh_token&refresh_token=old"), "{}", stage.form(0));
    stage.clock.advance(Duration::from_secs(1741));
    stage.script.next.lock().unwrap().push_back(token("t2", json!({})));
    stage.api.call(read()).await.unwrap();
    assert_eq!(stage.header(4, "authorization"), "Bearer t2");
    assert_eq!(stage.api.calls(), 3, "asking for tokens is not a call of the API");
}

#[tokio::test]
async fn a_401_is_tried_once_more_with_a_new_token_even_for_a_create() {
    let next = vec![token("t1", json!({})), answer(401), token("t2", json!({})), answer(401)];
    let stage = stage(WIDE, Auth::OAuth(oauth()), next);
    assert_eq!(stage.api.call(create()).await.unwrap_err().kind(), ErrorKind::Denied);
    assert_eq!((stage.header(3, "authorization"), stage.times().len()), ("Bearer t2".into(), 4));
}

#[tokio::test]
async fn a_replaced_refresh_token_is_told_and_used() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let hook = told.clone();
    let oauth = oauth().secret_in_body().on_rotate(Arc::new(move |new| hook.lock().unwrap().push(new.to_owned())));
    let next = vec![
        token("t1", json!({ "refresh_token": "new" })),
        answer(401),
        token("t2", json!({ "refresh_token": "new" })),
    ];
    let stage = stage(WIDE, Auth::OAuth(oauth), next);
    stage.api.call(read()).await.unwrap();
    assert_eq!(*told.lock().unwrap(), ["new"]);
    assert!(stage.form(2).contains("refresh_token=new") && stage.form(2).contains("client_secret=s3cret"));
}

#[tokio::test]
async fn client_credentials_ask_for_their_scopes() {
    let oauth =
        OAuth::client_credentials("https://login.example.com/token", "hub", Secret::new("s")).scopes(&["a", "b"]);
    let stage = stage(WIDE, Auth::OAuth(oauth), vec![token("t1", json!({}))]);
    stage.api.call(read()).await.unwrap();
    assert_eq!(stage.form(0), "grant_type=client_credentials&scope=a+b");
    assert!(stage.header(0, "authorization").starts_with("Basic "));
}

#[tokio::test]
async fn refused_oauth_credentials_are_denied_in_the_vendors_words_and_lost_token_answers_repeated() {
    let no = json!({ "error": "invalid_grant", "error_description": "refresh token expired" });
    let refused = stage(WIDE, Auth::OAuth(oauth()), vec![Next::Answer(Response::json(400, &no))]);
    let error = refused.api.call(create()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(error.to_string().contains("refresh token expired"), "{error}");
    let next = vec![Next::Fail(ErrorKind::OutcomeUnknown), answer(503), limited("3"), token("t1", json!({}))];
    let lost = stage(WIDE, Auth::OAuth(oauth()), next);
    lost.api.call(create()).await.unwrap();
    assert_eq!(lost.times().len(), 5);
}
