//! How HubSpot says no: the status first, then the category, which some bodies lack.

use std::time::Duration;

use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Dialect, Pace, Request, Response, retry_after};
use passerelle_core::{Error, ErrorKind, Result};
use serde::Deserialize;
use serde_json::Value;

/// HubSpot's dialect.
#[derive(Debug)]
pub(super) struct HubSpotDialect;

/// The daily quota begins anew at midnight of the account's time zone, which no answer tells [documented].
const DAY_SPENT: Duration = Duration::from_secs(3600);
/// A locked record is free again soon [documented].
const LOCKED: Duration = Duration::from_secs(2);

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Refusal {
    category: String,
    message: String,
    correlation_id: String,
    policy_name: String,
    context: Value,
    errors: Vec<Value>,
}

impl Dialect for HubSpotDialect {
    fn judge(&self, _request: &Request, response: &Response, now: Timestamp) -> Result<()> {
        if (200..300).contains(&response.status) {
            return Ok(());
        }
        let refusal: Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
        let error = match response.status {
            401 => {
                denied(&refusal, "hubspot does not accept the token", "set `token`, or `client_id` and its companions")
            }
            403 => denied(&refusal, "the token lacks a scope", "add the scope to the key or app in HubSpot"),
            404 => Error::new(ErrorKind::NotFound, words(&refusal, response)),
            409 => conflict(&refusal, response),
            423 => Error::new(ErrorKind::Unavailable, "the record is locked").retry_after(LOCKED),
            429 => too_many(&refusal),
            477 => Error::new(ErrorKind::Unavailable, "hubspot is moving the account to another data centre"),
            408 | 500.. => Error::new(ErrorKind::Unavailable, words(&refusal, response)),
            _ => Error::new(ErrorKind::Rejected, words(&refusal, response)),
        };
        let mut error = error.at("status", response.status);
        for (name, value) in [("category", &refusal.category), ("correlation", &refusal.correlation_id)] {
            if !value.is_empty() {
                error = error.at(name, value);
            }
        }
        // What HubSpot asks for comes before what is documented.
        if let Some(asked) = retry_after(response, now).filter(|_| error.is_retryable()) {
            error = error.retry_after(asked);
        }
        let traces = texts(&refusal.context["objectWriteTraceId"]);
        Err(if traces.is_empty() { error } else { error.at("rows", traces.join(" ")) })
    }

    fn pace(&self, response: &Response) -> Option<Pace> {
        let number = |name: &str| response.header(name)?.parse::<u64>().ok();
        Some(Pace {
            remaining: number("X-HubSpot-RateLimit-Remaining")?,
            allowance: number("X-HubSpot-RateLimit-Max")?,
            resets_in: Duration::from_millis(number("X-HubSpot-RateLimit-Interval-Milliseconds")?),
        })
    }
}

fn words(refusal: &Refusal, response: &Response) -> String {
    if refusal.message.is_empty() {
        return format!("hubspot answers {} and does not say why", response.status);
    }
    format!("hubspot says: {}", plain(&refusal.message))
}

/// The message, with the details that HubSpot writes into it as JSON turned into a sentence.
pub(super) fn plain(message: &str) -> String {
    let details = message.split_once('[').map(|(head, tail)| (head, format!("[{tail}")));
    let Some((head, details)) = details else { return message.to_owned() };
    let Ok(details) = serde_json::from_str::<Vec<Value>>(&details) else { return message.to_owned() };
    let told = details.iter().map(|detail| {
        let text = |name: &str| detail[name].as_str().unwrap_or_default();
        format!("{}: {} [{}]", text("name"), text("message"), text("error"))
    });
    format!("{head}{}", told.collect::<Vec<_>>().join("; "))
}

fn denied(refusal: &Refusal, message: &str, remedy: &str) -> Error {
    let mut error = Error::new(ErrorKind::Denied, message);
    if !refusal.message.is_empty() {
        error = error.at("hubspot", &refusal.message);
    }
    let details = refusal.errors.iter().map(|detail| &detail["context"]).chain([&refusal.context]);
    let scopes: Vec<&str> = details
        .flat_map(|context| [&context["requiredGranularScopes"], &context["requiredScopes"]])
        .flat_map(|scopes| texts(scopes))
        .collect();
    if !scopes.is_empty() {
        error = error.at("scope", scopes.join(" or "));
    }
    error.at("remedy", remedy)
}

/// 409 names the record that is in the way at the end of its message [documented].
fn conflict(refusal: &Refusal, response: &Response) -> Error {
    let error = Error::new(ErrorKind::Rejected, words(refusal, response));
    match twin(&refusal.message) {
        Some(id) => error.at("twin", id),
        None => error,
    }
}

/// The id that a message about a duplicate ends with.
pub(super) fn twin(message: &str) -> Option<&str> {
    let (_, id) = message.rsplit_once("ID: ")?;
    let id = id.trim().trim_end_matches('.');
    (!id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit())).then_some(id)
}

fn too_many(refusal: &Refusal) -> Error {
    let error = Error::new(ErrorKind::RateLimited, "hubspot's quota is spent").at("policy", &refusal.policy_name);
    match refusal.policy_name.as_str() {
        "DAILY" => error.retry_after(DAY_SPENT),
        "SECONDLY" => error.retry_after(Duration::from_secs(1)),
        "TEN_SECONDLY_ROLLING" => error.retry_after(Duration::from_secs(10)),
        _ => error,
    }
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().map_or_else(Vec::new, |values| values.iter().filter_map(Value::as_str).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn judged(status: u16, body: Value) -> Error {
        let (request, response) = (Request::get("/x"), Response::json(status, &body));
        HubSpotDialect.judge(&request, &response, Timestamp::UNIX_EPOCH).unwrap_err()
    }

    #[test]
    fn the_status_decides_even_where_the_body_says_nothing() {
        for (status, kind) in [
            (400, ErrorKind::Rejected),
            (401, ErrorKind::Denied),
            (403, ErrorKind::Denied),
            (404, ErrorKind::NotFound),
            (409, ErrorKind::Rejected),
            (414, ErrorKind::Rejected),
            (423, ErrorKind::Unavailable),
            (429, ErrorKind::RateLimited),
            (477, ErrorKind::Unavailable),
            (500, ErrorKind::Unavailable),
            (521, ErrorKind::Unavailable),
        ] {
            assert_eq!(judged(status, json!(null)).kind(), kind, "{status}");
        }
    }

    #[test]
    fn each_quota_waits_its_own_time() {
        let wait = |policy: &str| judged(429, json!({"policyName": policy})).wait().map(|wait| wait.as_secs());
        assert_eq!(wait("SECONDLY"), Some(1));
        assert_eq!(wait("TEN_SECONDLY_ROLLING"), Some(10));
        assert_eq!(wait("DAILY"), Some(3600));
        assert_eq!(wait("SOMETHING_NEW"), None);
        let asked = Response::json(429, &json!({"policyName": "SECONDLY"})).with_header("Retry-After", "7");
        let told = HubSpotDialect.judge(&Request::get("/x"), &asked, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(told.wait(), Some(Duration::from_secs(7)));
    }

    #[test]
    fn a_missing_scope_and_a_twin_are_named() {
        let body = json!({"errors": [{"context": {"requiredGranularScopes": ["crm.objects.deals.read"]}}]});
        assert_eq!(judged(403, body).fact("scope"), Some("crm.objects.deals.read"));
        let body = json!({"message": "Contact already exists. Existing ID: 44446244097", "category": "CONFLICT"});
        assert_eq!(judged(409, body).fact("twin"), Some("44446244097"));
    }

    #[test]
    fn details_inside_a_message_become_a_sentence() {
        let message = r#"Property values were not valid: [{"isValid":false,"message":"\"BRL\" is not an effective currency","error":"INVALID_OPTION","name":"deal_currency_code"}]"#;
        let told = judged(400, json!({"message": message, "category": "VALIDATION_ERROR"}));
        assert_eq!(
            told.message(),
            "hubspot says: Property values were not valid: deal_currency_code: \"BRL\" is not an effective currency [INVALID_OPTION]"
        );
    }
}
