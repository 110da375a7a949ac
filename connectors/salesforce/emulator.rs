//! A stand-in of Salesforce's REST APIs: one org, versions 31 to 68, as the vendor answers.

mod bulk;
mod call;
mod catalog;
mod collections;
mod composite;
mod control;
mod csv;
mod currencies;
mod deploy;
mod describe;
mod dml;
mod duplicates;
mod field;
mod id;
mod org;
mod outbound;
mod query;
mod records;
mod refusal;
mod rules;
mod seed;
mod settings;
mod soql;
mod tokens;

use jiff::{SignedDuration, Timestamp};
use passerelle_core::Result;
use passerelle_core::emulator::Emulator;
use passerelle_core::http::{Request, Response};
use serde_json::{Value, json};

use bulk::Jobs;
use call::Call;
use control::Pending;
use org::Org;
use query::Locators;
use refusal::{Refusal, Reply};
use soql::Scope;
use tokens::Tokens;

/// A longer address is refused with 414 [documented].
const LONGEST_ADDRESS: usize = 16_384;
/// The versions that this org serves: label, number.
const VERSIONS: [(&str, &str); 3] = [("Spring '26", "66.0"), ("Summer '26", "67.0"), ("Winter '27", "68.0")];
/// The oldest version that the vendor still answers.
const OLDEST: u32 = 31;

/// Salesforce, as an emulator.
pub(super) struct Salesforce {
    org: Org,
    tokens: Tokens,
    locators: Locators,
    jobs: Jobs,
    /// What people did and nobody sees yet.
    pending: Vec<Pending>,
    /// API calls of the last 24 hours: the hour they were made in, and how many.
    calls: Vec<(i64, u64)>,
}

impl Salesforce {
    /// A new org.
    pub(super) fn boxed() -> Box<dyn Emulator> {
        Box::new(Self {
            org: Org::new(),
            tokens: Tokens::default(),
            locators: Locators::default(),
            jobs: Jobs::default(),
            pending: Vec::new(),
            calls: Vec::new(),
        })
    }

    fn route(&mut self, request: &Request, parts: &[&str], now: Timestamp) -> Reply {
        let version = match parts {
            ["services", "data"] => return Ok(versions()),
            ["services", "data", version, ..] => served(version)?,
            _ => return Err(Refusal::not_found()),
        };
        self.tokens.check(request, now, self.org.settings.idle)?;
        self.count(now)?;
        let call = Call { method: request.method, version: &version, request, now };
        match parts.get(3..).unwrap_or_default() {
            [] => Ok(resources(&version)),
            ["query", rest @ ..] => query::answer(&self.org, &mut self.locators, &call, rest, Scope::Live),
            ["queryAll", rest @ ..] => query::answer(&self.org, &mut self.locators, &call, rest, Scope::All),
            ["sobjects", rest @ ..] => records::answer(&mut self.org, &call, rest),
            ["composite", "sobjects", rest @ ..] => collections::answer(&mut self.org, &call, rest),
            ["composite", rest @ ..] => composite::answer(&mut self.org, &mut self.locators, &call, rest),
            ["jobs", rest @ ..] => self.jobs.answer(&mut self.org, &call, rest),
            ["limits"] => Ok(self.limits(now)),
            _ => Err(Refusal::not_found()),
        }
    }

    /// Counts a call, or refuses it: the quota is of 24 rolling hours.
    fn count(&mut self, now: Timestamp) -> std::result::Result<(), Refusal> {
        let hour = now.as_second().div_euclid(3600);
        self.calls.retain(|(at, _)| hour - at < 24);
        if self.used() >= self.org.settings.quota {
            return Err(Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."));
        }
        match self.calls.last_mut() {
            Some((at, count)) if *at == hour => *count += 1,
            _ => self.calls.push((hour, 1)),
        }
        Ok(())
    }

    fn used(&self) -> u64 {
        self.calls.iter().map(|(_, count)| count).sum()
    }

    fn limits(&self, _now: Timestamp) -> Response {
        let quota = self.org.settings.quota;
        let left = quota.saturating_sub(self.used());
        let of = |most: u64, left: u64| json!({"Max": most, "Remaining": left});
        Response::json(
            200,
            &json!({
                "DailyApiRequests": of(quota, left), "DailyBulkV2QueryJobs": of(10_000, 10_000),
                "DailyBulkV2QueryFileStorageMB": of(976_562, 976_562), "DailyBulkApiBatches": of(15_000, 15_000),
                "ConcurrentAsyncGetReportInstances": of(200, 200),
            }),
        )
    }

    /// What every answer of the REST API bears.
    fn headed(&self, response: Response, now: Timestamp) -> Response {
        let date = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&now).unwrap_or_default();
        let usage = format!("api-usage={}/{}", self.used(), self.org.settings.quota);
        response.with_header("Date", date).with_header("Sforce-Limit-Info", usage)
    }
}

fn versions() -> Response {
    let all: Vec<Value> = VERSIONS
        .iter()
        .map(|(label, number)| json!({"label": label, "url": format!("/services/data/v{number}"), "version": number}))
        .collect();
    Response::json(200, &all)
}

/// The version of a path, as `v66.0`.
fn served(version: &str) -> std::result::Result<String, Refusal> {
    let number = version.strip_prefix('v').and_then(|number| number.strip_suffix(".0"));
    let number = number.and_then(|number| number.parse::<u32>().ok()).ok_or_else(Refusal::not_found)?;
    match number {
        ..OLDEST => Err(Refusal::new(410, "UNSUPPORTED_API_VERSION", "API version is not supported")),
        OLDEST..=68 => Ok(version.to_owned()),
        _ => Err(Refusal::not_found()),
    }
}

fn resources(version: &str) -> Response {
    let base = format!("/services/data/{version}");
    Response::json(
        200,
        &json!({
            "sobjects": format!("{base}/sobjects"), "query": format!("{base}/query"), "queryAll": format!("{base}/queryAll"),
            "composite": format!("{base}/composite"), "limits": format!("{base}/limits"), "jobs": format!("{base}/jobs"),
            "identity": "https://login.salesforce.com/id/00D5g000004XyZqEAK/0055g00000AbCdEAAV",
        }),
    )
}

impl Emulator for Salesforce {
    fn vendor(&self) -> &'static str {
        "salesforce"
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn key(&self) -> String {
        tokens::SECRET.to_owned()
    }

    fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        self.commit(now);
        let asked: usize = request.query.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        if asked + request.path.len() > LONGEST_ADDRESS {
            return self.headed(Refusal::new(414, "URI_TOO_LONG", "The URI is too long").respond(), now);
        }
        let parts = request.segments();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        if let ["services", "oauth2", rest @ ..] = parts.as_slice() {
            let base = request.header_value("x-emulated-at").unwrap_or_default().to_owned();
            let response = self.tokens.answer(request, rest, &base, now);
            return self.headed(response, now);
        }
        let response = self.route(request, &parts, now).unwrap_or_else(|refusal| refusal.respond());
        self.headed(response, now)
    }

    fn seed(&mut self, sample: &Value, now: Timestamp) -> Result<()> {
        seed::fill(&mut self.org, sample, now - SignedDuration::from_hours(1))
    }

    fn control(&mut self, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
        self.commit(now);
        self.perform(command, arguments, now)
    }

    /// The vendor knows no 429: too many calls at once are a 403.
    fn refusal(&self, status: u16) -> Response {
        if status == 429 {
            let words = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
            return Refusal::new(403, "REQUEST_LIMIT_EXCEEDED", words).respond();
        }
        Response::text(status, "text/html", "<html><body>Service unavailable</body></html>")
    }
}
