//! How Salesforce says no: the code first, then the status; and what is left of the day.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Dialect, Pace, Request, Response};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::wire::cause;

/// The quota is of 24 rolling hours: an hour later some of it is free again.
const DAY_SPENT: Duration = Duration::from_secs(3600);
/// Long calls at once are limited; each of them takes 20 seconds or more [documented].
const BUSY: Duration = Duration::from_secs(20);

/// How long a bulk job is left alone before it is asked for again.
const JOB: Duration = Duration::from_secs(5);
/// The fact of an error that only says that a bulk job is not done yet.
pub(super) const AT_WORK: &str = "at work";

/// The code of a write that met a lock.
pub(super) const LOCKED: &str = "UNABLE_TO_LOCK_ROW";

/// Salesforce's dialect, which remembers the quota that the last answer told.
#[derive(Debug, Default)]
pub(super) struct SalesforceDialect {
    used: AtomicU64,
    allowed: AtomicU64,
}

impl SalesforceDialect {
    /// API calls of the last 24 hours, and how many are allowed; none before the first answer.
    pub(super) fn usage(&self) -> Option<(u64, u64)> {
        let allowed = self.allowed.load(Ordering::Relaxed);
        (allowed > 0).then(|| (self.used.load(Ordering::Relaxed), allowed))
    }

    /// `Sforce-Limit-Info: api-usage=18/5000; per-app-api-usage=...`.
    fn remember(&self, response: &Response) {
        let told = response.header("Sforce-Limit-Info").and_then(|told| told.split("api-usage=").nth(1));
        let Some((used, allowed)) = told.and_then(|told| told.split(';').next()?.trim().split_once('/')) else {
            return;
        };
        if let (Ok(used), Ok(allowed)) = (used.parse(), allowed.parse()) {
            self.used.store(used, Ordering::Relaxed);
            self.allowed.store(allowed, Ordering::Relaxed);
        }
    }
}

impl Dialect for SalesforceDialect {
    fn judge(&self, request: &Request, response: &Response, _now: Timestamp) -> Result<()> {
        if let Some(so_far) = at_work(request, response) {
            let message = "salesforce is still at work on a bulk job";
            return Err(Error::new(ErrorKind::Unavailable, message).at(AT_WORK, so_far).retry_after(JOB));
        }
        if let Some(locked) = locked(request, response) {
            return Err(locked);
        }
        if (200..300).contains(&response.status) || response.status == 304 {
            return Ok(());
        }
        let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        let error = match body.get(0).filter(|first| first.is_object()) {
            Some(first) => told(first, response.status),
            None => unworded(response),
        };
        Err(error.at("status", response.status))
    }

    /// An address that may not use the API, or a header that is none, is refused whatever the token.
    fn is_expired(&self, response: &Response) -> bool {
        let body: Value = serde_json::from_slice(&response.body).unwrap_or(Value::Null);
        let code = body[0]["errorCode"].as_str().unwrap_or_default();
        let words = body[0]["message"].as_str().unwrap_or_default();
        response.status == 401 && code == "INVALID_SESSION_ID" && !words.contains("not valid for use with")
    }

    /// The quota of a day is no pace: the connector keeps a reserve of it instead.
    fn pace(&self, response: &Response) -> Option<Pace> {
        self.remember(response);
        None
    }
}

/// How far a job is, where an answer says that it is not done yet. One that takes rows and is open waits for the hub.
fn at_work(request: &Request, response: &Response) -> Option<String> {
    let job = request.path.split_once("/jobs/").and_then(|(_, job)| job.split_once('/'));
    let (direction, _) = job.filter(|(_, id)| request.method == "GET" && !id.contains('/'))?;
    let body: Value = serde_json::from_slice(&response.body).ok().filter(|_| response.status == 200)?;
    let is_at_work = match body["state"].as_str()? {
        "UploadComplete" | "InProgress" => true,
        "Open" => direction == "query",
        _ => false,
    };
    is_at_work.then(|| format!("{} rows so far", body["numberRecordsProcessed"].as_u64().unwrap_or_default()))
}

/// The lock that a graph which was sent alone met: it did nothing, and is waited for as that of a single row is.
fn locked(request: &Request, response: &Response) -> Option<Error> {
    if response.status != 200 || !request.path.ends_with("/composite/graph") {
        return None;
    }
    let body: Value = serde_json::from_slice(&response.body).ok()?;
    let [graph] = body["graphs"].as_array()?.as_slice() else { return None };
    let error = told(cause(graph).filter(|_| graph["isSuccessful"] == false)?, 400);
    is_locked(&error).then_some(error)
}

/// Whether a write met a lock, which passes; waiting for it is for calls.
pub(super) fn is_locked(error: &Error) -> bool {
    error.fact("code") == Some(LOCKED)
}

/// An error of the array of a refused call (`errorCode`) or of a row in a collection (`statusCode`).
pub(super) fn told(error: &Value, status: u16) -> Error {
    let text = |name: &str| error[name].as_str().unwrap_or_default();
    let code = if text("errorCode").is_empty() { text("statusCode") } else { text("errorCode") };
    let says = format!("salesforce says: {}", text("message"));
    let fields: Vec<&str> = error["fields"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let mut told = match code {
        "INVALID_SESSION_ID" | "INVALID_AUTH_HEADER" | "INVALID_JWT_FORMAT" => {
            Error::new(ErrorKind::Denied, says).at("remedy", "check the app, its user and their IP ranges in Setup")
        }
        "REQUEST_LIMIT_EXCEEDED" if text("message").starts_with("Concurrent") => {
            Error::new(ErrorKind::RateLimited, says).retry_after(BUSY)
        }
        "REQUEST_LIMIT_EXCEEDED" | "LIMIT_EXCEEDED" if status != 200 && status != 400 => {
            Error::new(ErrorKind::RateLimited, says).retry_after(DAY_SPENT)
        }
        "API_DISABLED_FOR_ORG" | "FUNCTIONALITY_NOT_ENABLED" | "API_CURRENTLY_DISABLED" => {
            Error::new(ErrorKind::Denied, says)
        }
        code if code.starts_with("INSUFFICIENT_ACCESS") && status != 200 => Error::new(ErrorKind::Denied, says),
        "NOT_FOUND" | "ENTITY_IS_DELETED" => Error::new(ErrorKind::NotFound, says),
        LOCKED => Error::new(ErrorKind::Unavailable, says),
        "INVALID_FIELD" | "INVALID_TYPE" | "MALFORMED_QUERY" | "INVALID_FIELD_FOR_INSERT_UPDATE" => {
            let remedy = "the field or object is missing, or not visible to the integration user: `passerelle check`";
            Error::new(ErrorKind::Config, says).at("remedy", remedy)
        }
        "INVALID_QUERY_LOCATOR" => Error::new(ErrorKind::Stale, says),
        "UNSUPPORTED_API_VERSION" => Error::new(ErrorKind::Config, says).at("option", "version"),
        "UNKNOWN_EXCEPTION" | "SERVER_UNAVAILABLE" => Error::new(ErrorKind::Unavailable, says),
        _ => Error::new(kind_of(status), says),
    };
    if let Some(twin) = twin(error) {
        told = told.at("twin", twin);
    }
    if !fields.is_empty() {
        told = told.at("field", fields.join(", "));
    }
    told.at("code", code)
}

/// What a status means whose body says nothing.
fn kind_of(status: u16) -> ErrorKind {
    match status {
        401 | 403 => ErrorKind::Denied,
        404 => ErrorKind::NotFound,
        410 => ErrorKind::Config,
        412 => ErrorKind::Stale,
        // 406 and 420 pass by themselves [observed by others].
        406 | 408 | 420 | 500.. => ErrorKind::Unavailable,
        _ => ErrorKind::Rejected,
    }
}

fn unworded(response: &Response) -> Error {
    let words = match response.status {
        300 => "several records bear this external id: make its field unique".to_owned(),
        410 => "salesforce no longer answers this version of its API: set `version`".to_owned(),
        status => format!("salesforce answers {status} and does not say why"),
    };
    Error::new(kind_of(response.status), words)
}

/// The one record that is in the way: of a duplicate rule, whose key the vendor misspells, or of a unique field.
fn twin(error: &Value) -> Option<&str> {
    let of_rule = ["duplicateResut", "duplicateResult"].iter().find_map(|key| error.get(key));
    if let Some(found) = of_rule {
        let matches = found["matchResults"]
            .as_array()?
            .iter()
            .flat_map(|one| one["matchRecords"].as_array().into_iter().flatten());
        let mut ids = matches.filter_map(|one| one["record"]["Id"].as_str());
        return ids.next();
    }
    let (_, id) = error["message"].as_str()?.rsplit_once("record with id: ")?;
    Some(id.trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(status: u16, body: Value) -> Error {
        let (request, response) = (Request::get("/x"), Response::json(status, &body));
        SalesforceDialect::default().judge(&request, &response, Timestamp::UNIX_EPOCH).unwrap_err()
    }

    fn check(status: u16, code: &str, message: &str, kind: ErrorKind) {
        let told = judged(status, json!([{"errorCode": code, "message": message, "fields": ["Name"]}]));
        assert_eq!((told.kind(), told.fact("field")), (kind, Some("Name")), "{status} {code}");
        assert_eq!(told.message(), format!("salesforce says: {message}"));
    }

    #[test]
    fn the_code_says_the_remedy() {
        check(400, "REQUIRED_FIELD_MISSING", "Required fields are missing: [Name]", ErrorKind::Rejected);
        check(400, "INVALID_FIELD", "No such column 'X' on entity 'Account'", ErrorKind::Config);
        check(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access", ErrorKind::Unavailable);
        check(400, "INVALID_QUERY_LOCATOR", "invalid query locator", ErrorKind::Stale);
        check(401, "INVALID_SESSION_ID", "Session expired or invalid", ErrorKind::Denied);
        check(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", ErrorKind::RateLimited);
        check(403, "API_DISABLED_FOR_ORG", "API is not enabled", ErrorKind::Denied);
        check(404, "ENTITY_IS_DELETED", "entity is deleted", ErrorKind::NotFound);
        check(503, "SERVER_UNAVAILABLE", "later", ErrorKind::Unavailable);
    }

    #[test]
    fn an_answer_that_is_no_json_is_judged_by_its_status() {
        for (status, kind) in [
            (300, ErrorKind::Rejected),
            (404, ErrorKind::NotFound),
            (410, ErrorKind::Config),
            (412, ErrorKind::Stale),
            (420, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
        ] {
            let html = Response::text(status, "text/html", "<html>no</html>");
            let told = SalesforceDialect::default().judge(&Request::get("/x"), &html, Timestamp::UNIX_EPOCH);
            assert_eq!(told.unwrap_err().kind(), kind, "{status}");
        }
    }

    #[test]
    fn both_spellings_of_a_duplicate_name_the_twin() {
        let found =
            json!({"allowSave": true, "matchResults": [{"matchRecords": [{"record": {"Id": "001xx000003DGb2AAG"}}]}]});
        for key in ["duplicateResut", "duplicateResult"] {
            let told = judged(
                400,
                json!([{"errorCode": "DUPLICATES_DETECTED", "message": "Use one of these records?", key: found}]),
            );
            assert_eq!((told.kind(), told.fact("twin")), (ErrorKind::Rejected, Some("001xx000003DGb2AAG")));
        }
        let words = "duplicate value found: ERP_Id__c duplicates value on record with id: 001xx000003DGb2";
        let told = judged(400, json!([{"errorCode": "DUPLICATE_VALUE", "message": words}]));
        assert_eq!(told.fact("twin"), Some("001xx000003DGb2"));
    }

    #[test]
    fn only_a_session_that_ended_is_renewed() {
        let expired = |code: &str, message: &str| {
            let body = json!([{"errorCode": code, "message": message}]);
            SalesforceDialect::default().is_expired(&Response::json(401, &body))
        };
        assert!(expired("INVALID_SESSION_ID", "Session expired or invalid"));
        assert!(!expired("INVALID_SESSION_ID", "This session is not valid for use with the REST API"));
        assert!(!expired("INVALID_AUTH_HEADER", "INVALID_HEADER_TYPE"));
    }

    #[test]
    fn the_last_answer_tells_what_is_left_of_the_day() {
        let dialect = SalesforceDialect::default();
        assert_eq!(dialect.usage(), None);
        let told = "api-usage=18/5000; per-app-api-usage=17/250(appName=hub)";
        dialect.pace(&Response::empty(200).with_header("sforce-limit-info", told));
        assert_eq!(dialect.usage(), Some((18, 5000)));
    }
}
