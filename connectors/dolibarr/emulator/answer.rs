//! Answers in the shapes that were recorded.

use passerelle_core::http::Response;
use serde_json::{Map, Value, json};

/// What a route gives: a value to send with 200, or an answer of another kind.
pub(super) type Reply = Result<Value, Response>;

const JSON: &str = "application/json; charset=utf-8";

/// A JSON answer, with the content type that Dolibarr's framework writes.
pub(super) fn ok(body: &Value) -> Response {
    let text = serde_json::to_string(body).unwrap_or_default();
    Response::text(200, JSON, text)
}

/// `{"error":{"code":500,"message":"Internal Server Error: ...","0":"detail"}}`.
pub(super) fn refuse(status: u16, message: &str, detail: Option<&str>) -> Response {
    let reason = match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let message = if message.is_empty() { reason.to_owned() } else { format!("{reason}: {message}") };
    let mut error = Map::new();
    error.insert("code".to_owned(), json!(status));
    error.insert("message".to_owned(), json!(message));
    if let Some(detail) = detail {
        error.insert("0".to_owned(), json!(detail));
    }
    Response::text(status, JSON, json!({ "error": error }).to_string())
}

/// Shorthand for a refusal without detail.
pub(super) fn no(status: u16, message: &str) -> Reply {
    Err(refuse(status, message, None))
}

/// The database's or Dolibarr's own words, as 500.
pub(super) fn failed(message: &str, detail: &str) -> Reply {
    Err(refuse(500, message, Some(detail)))
}

/// Already so.
pub(super) fn unchanged() -> Reply {
    Err(Response::empty(304))
}

/// `{"success":{"code":200,"message":"..."}}`.
pub(super) fn done(message: &str) -> Value {
    json!({ "success": { "code": 200, "message": message } })
}

/// The page of the injection filter.
pub(super) fn injection() -> Response {
    Response::text(
        403,
        "text/html; charset=UTF-8",
        "Access refused to 192.0.2.1 by SQL or Script injection protection in main.inc.php:\
         analyseVarsForSqlAndScriptsInjection type=1<br>\nTry to go back, fix data of your form and resubmit it.",
    )
}
