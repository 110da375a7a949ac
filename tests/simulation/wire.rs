//! The hub's way to the vendors, where calls and answers go astray and the hub dies in between.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use passerelle_core::emulator::{EmulatedTime, InProcess};
use passerelle_core::http::{Body, Request, Response, Wire};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::effect::effects;
use super::fate::{Fate, Strike};
use super::hub::Ground;
use super::office::Office;

/// How long the hub waits for an answer before it gives up, as in config.toml by default.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Requests that the hub gave up and that have not arrived yet, each with the calls of the hub that overtake it.
#[derive(Clone, Debug, Default)]
pub struct Stragglers(Arc<Mutex<Vec<(u64, Request)>>>);

impl Stragglers {
    fn send(&self, overtaken: u64, request: Request) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push((overtaken, request));
    }

    /// Those that arrive now, before one more call; `all` of them when the hub stands still.
    fn arriving(&self, all: bool) -> Vec<Request> {
        let mut under_way = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (there, later): (Vec<_>, Vec<_>) = under_way.drain(..).partition(|(left, _)| all || *left == 0);
        *under_way = later.into_iter().map(|(left, request)| (left - 1, request)).collect();
        there.into_iter().map(|(_, request)| request).collect()
    }
}

/// A wire to emulated systems that fails as fate has it.
#[derive(Clone, Debug)]
pub struct FaultyWire {
    inner: InProcess,
    time: EmulatedTime,
    fate: Fate,
    office: Arc<Office>,
    stragglers: Stragglers,
}

impl FaultyWire {
    /// A wire over `inner`, whose waits take the emulators' time.
    pub fn new(inner: InProcess, ground: &Ground) -> Self {
        let (time, fate) = (ground.host.time().clone(), ground.fate.clone());
        Self { inner, time, fate, office: Arc::clone(&ground.office), stragglers: ground.stragglers.clone() }
    }

    /// What the hub gave up arrives all the same; nobody reads the answers.
    pub async fn arrive(&self, all: bool) {
        for request in self.stragglers.arriving(all) {
            self.fate.count(|tally| tally.fault("request late"));
            let _ = self.reach(request).await;
        }
    }

    /// One call that reaches the vendor, and what it changed there.
    async fn reach(&self, request: Request) -> Result<Response> {
        let is_read = request.method == "GET";
        let sent = if is_read { None } else { Some(request.clone()) };
        self.fate.trace(request.path.as_bytes());
        self.fate.count(|tally| tally.calls += 1);
        let answer = self.inner.call(request).await;
        match &answer {
            Ok(response) => {
                self.fate.trace(&response.status.to_le_bytes());
                self.fate.trace(&response.body);
                match response.status {
                    429 => self.fate.count(|tally| tally.fault("429")),
                    503 => self.fate.count(|tally| tally.fault("5xx before the effect")),
                    502 => self.fate.count(|tally| tally.fault("5xx after the effect")),
                    _ => self.fate.done(sent.map_or_else(Vec::new, |sent| effects(&sent, response))),
                }
            }
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                self.fate.count(|tally| tally.fault("answer lost"));
            }
            Err(_) => self.fate.count(|tally| tally.fault("connection failed")),
        }
        answer
    }

    fn timed_out(&self, kind: &'static str) -> Result<Response> {
        self.fate.count(|tally| tally.fault(kind));
        self.time.advance(TIMEOUT);
        Err(Error::new(ErrorKind::OutcomeUnknown, "no answer in time"))
    }

    /// A batch of which one row is refused for now: HubSpot answers 207 with the others' results.
    async fn mixed(&self, request: Request, inputs: &[Value]) -> Result<Response> {
        let left_out = self.fate.throw(|dice| dice.place(inputs.len()));
        let mut kept = inputs.to_vec();
        let refused = kept.remove(left_out);
        let mut smaller = request;
        if let Body::Json(body) = &mut smaller.body {
            body["inputs"] = json!(kept);
        }
        let response = self.reach(smaller).await?;
        if response.status >= 300 {
            return Ok(response);
        }
        self.fate.count(|tally| tally.fault("207 with mixed outcomes"));
        let mut answer: Value = response.parse()?;
        let error = json!({
            "status": "error", "category": "RATE_LIMITS", "message": "the row was not written, try again",
            "context": {"ids": [refused["id"]], "objectWriteTraceId": [refused["objectWriteTraceId"]]},
        });
        answer["numErrors"] = json!(1);
        answer["errors"] = json!([error]);
        Ok(Response::json(207, &answer))
    }
}

#[async_trait]
impl Wire for FaultyWire {
    async fn call(&self, request: Request) -> Result<Response> {
        if self.fate.is_dead() {
            return std::future::pending().await;
        }
        self.arrive(false).await;
        if self.fate.interrupts() {
            self.fate.count(|tally| tally.fault("deed between two requests"));
            self.office.act(|people| people.interrupt())?;
        }
        match self.fate.strike() {
            Strike::CrashBefore => {
                self.fate.die("crash before a request");
                std::future::pending().await
            }
            Strike::CrashAfter => {
                let _ = self.reach(request).await;
                self.fate.die("crash before an answer");
                std::future::pending().await
            }
            Strike::TimeoutBefore => self.timed_out("timeout before the effect"),
            Strike::TimeoutAfter => {
                let _ = self.reach(request).await;
                self.timed_out("timeout after the effect")
            }
            Strike::Straggler => {
                // Only a create may be overtaken by a look for what it made; it comes before it is sent again, or after.
                let is_create =
                    request.method == "POST" && request.path.split("/api/index.php/").nth(1).is_some_and(is_root);
                let overtaken = if is_create { self.fate.throw(|dice| dice.between(0, 2)) } else { 0 };
                self.stragglers.send(overtaken, request);
                self.timed_out("timeout, the request is under way")
            }
            Strike::Late => {
                let answer = self.reach(request).await;
                let seconds = self.fate.throw(|dice| dice.between(1, 25));
                self.time.advance(Duration::from_secs(seconds));
                self.fate.count(|tally| tally.fault("answer late"));
                answer
            }
            Strike::Doubled if matches!(request.method, "GET" | "PUT") => {
                let _ = self.reach(request.clone()).await;
                self.fate.count(|tally| tally.fault("request doubled"));
                self.reach(request).await
            }
            Strike::Expired if has_tokens(&request) => {
                self.fate.count(|tally| tally.fault("token expired"));
                let words = "The OAuth token used to make this call expired.";
                let body = json!({"status": "error", "message": words, "category": "EXPIRED_AUTHENTICATION"});
                Ok(Response::json(401, &body))
            }
            Strike::Mixed => match rows(&request) {
                Some(inputs) => self.mixed(request, &inputs).await,
                None => self.reach(request).await,
            },
            Strike::None | Strike::Doubled | Strike::Expired => self.reach(request).await,
        }
    }
}

/// Whether a path is a resource's own, where records are created.
fn is_root(path: &str) -> bool {
    !path.split('?').next().unwrap_or_default().contains('/')
}

/// Whether a call bears an access token that can be renewed.
fn has_tokens(request: &Request) -> bool {
    request.header_value("authorization").is_some_and(|value| value.contains("access-"))
}

/// The rows of a batch of writes, where there are at least two.
fn rows(request: &Request) -> Option<Vec<Value>> {
    let Body::Json(body) = &request.body else { return None };
    if !["batch/update", "batch/upsert"].iter().any(|end| request.path.ends_with(end)) {
        return None;
    }
    body["inputs"].as_array().filter(|inputs| inputs.len() > 1).cloned()
}
