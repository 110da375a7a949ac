//! How Dolibarr says no: success codes that lie, business errors as 500, and the injection filter's pages.

use std::time::Duration;

use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Body, Dialect, Request, Response};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// Judges answers of Dolibarr 22, as observed on 22.0.4.
#[derive(Debug)]
pub(super) struct Dolibarr;

impl Dialect for Dolibarr {
    fn judge(&self, request: &Request, response: &Response, _now: Timestamp) -> Result<()> {
        let json = response.is_json() && !response.body.is_empty();
        match response.status {
            // Nothing to do, such as validating what is validated.
            304 => Ok(()),
            // 202 was observed once, with an HTML page of apology.
            200..=299 if json && response.status != 202 => Ok(()),
            200..=299 => Err(page(ErrorKind::Unavailable, "Dolibarr answered with a page instead of data", response)),
            _ if json => Err(refusal(request, response)),
            403 => Err(page(
                ErrorKind::Rejected,
                "Dolibarr's injection filter refuses this request; a value looks like SQL or a script",
                response,
            )),
            300..=399 => Err(Error::new(ErrorKind::Config, "Dolibarr redirects this address; check `base_url`")),
            404 => Err(Error::new(ErrorKind::Config, "there is no Dolibarr API at this address; check `base_url`")),
            501 => Err(module_off(request)),
            429 => Err(page(ErrorKind::RateLimited, "the server in front of Dolibarr asks to slow down", response)),
            500.. => Err(page(ErrorKind::Unavailable, "Dolibarr broke off", response)),
            _ => Err(page(ErrorKind::Rejected, "Dolibarr refuses the request", response)),
        }
    }
}

/// Whether Dolibarr refused a write because a unique value exists already.
///
/// "Duplicate entry" is the database's word for a unique extrafield, "Duplicate value" Dolibarr's own for a code,
/// "ErrorProductAlreadyExists" that for a product reference.
pub(super) fn is_duplicate(error: &Error) -> bool {
    error.fact("dolibarr").is_some_and(|words| {
        ["Duplicate entry", "Duplicate value", "AlreadyExists"].iter().any(|sign| words.contains(sign))
    })
}

/// Whether the database refused a list. Not every list quotes the database, so which column it was is for the asker.
pub(super) fn is_refused_by_database(error: &Error) -> bool {
    error.kind() == ErrorKind::Config && error.fact("status") == Some("503")
}

fn refusal(request: &Request, response: &Response) -> Error {
    let words = words(response);
    let (kind, message) = match response.status {
        401 => (
            ErrorKind::Denied,
            "Dolibarr does not know this API key; check `api_key` and that its user is active".to_owned(),
        ),
        403 => (ErrorKind::Denied, format!("the user of the API key may not do this: {}", what(request))),
        404 => (ErrorKind::NotFound, "Dolibarr has no such record".to_owned()),
        501 => return module_off(request).at("dolibarr", words),
        503 if words.contains("Error when") => (ErrorKind::Config, "Dolibarr's database refuses this list".to_owned()),
        429 => (ErrorKind::RateLimited, "the server in front of Dolibarr asks to slow down".to_owned()),
        502..=504 => (ErrorKind::Unavailable, "Dolibarr does not answer".to_owned()),
        // A rolled back transaction wrote nothing, so the call can simply be made again.
        405 | 500 if gave_up(&words) => {
            return Error::new(ErrorKind::RateLimited, "Dolibarr's database gave up under load and wrote nothing")
                .retry_after(Duration::from_millis(500))
                .at("dolibarr", words);
        }
        _ if words.contains("Incorrect string value") => {
            let message = "Dolibarr's database cannot store a character of this text, such as an emoji";
            (ErrorKind::Rejected, message.to_owned())
        }
        _ => (ErrorKind::Rejected, "Dolibarr refuses this".to_owned()),
    };
    Error::new(kind, message).at("status", response.status).at("dolibarr", words)
}

fn gave_up(words: &str) -> bool {
    ["Deadlock found", "Lock wait timeout", "try restarting transaction"].iter().any(|sign| words.contains(sign))
}

fn module_off(request: &Request) -> Error {
    Error::new(
        ErrorKind::Config,
        format!("the Dolibarr module behind {} is off; enable it in Home > Setup > Modules", what(request)),
    )
}

fn what(request: &Request) -> String {
    format!("{} {}", request.method, request.path)
}

/// Dolibarr's own words: the message, then the details under the numeric keys.
fn words(response: &Response) -> String {
    let Ok(body) = serde_json::from_slice::<Value>(&response.body) else { return response.excerpt() };
    let Some(error) = body.get("error").and_then(Value::as_object) else { return response.excerpt() };
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    let details = error.iter().filter(|(key, _)| key.chars().all(|c| c.is_ascii_digit()));
    let details = details.filter_map(|(_, text)| text.as_str()).filter(|text| !text.is_empty());
    std::iter::once(message).chain(details).collect::<Vec<_>>().join(": ")
}

fn page(kind: ErrorKind, message: &str, response: &Response) -> Error {
    let text = plain(&response.excerpt());
    let error = Error::new(kind, message).at("status", response.status);
    if text.is_empty() { error } else { error.at("dolibarr", text) }
}

/// The text of an HTML page, without its tags.
fn plain(html: &str) -> String {
    let mut text = String::new();
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A state move or another call that changes nothing when repeated; no body, because `{}` is refused with 400.
pub(super) fn move_to(path: String) -> Request {
    Request { body: Body::Empty, ..Request::new("POST", path) }.harmless()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(response: &Response, kind: ErrorKind) -> Error {
        let error = Dolibarr.judge(&Request::get("/orders"), response, Timestamp::UNIX_EPOCH).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        error
    }

    fn error(status: u16, message: &str, detail: &str) -> Response {
        Response::json(status, &json!({"error": {"code": status, "message": message, "0": detail}}))
    }

    #[test]
    fn every_refusal_has_the_kind_of_its_remedy() {
        check(&error(401, "Unauthorized: user not valid", ""), ErrorKind::Denied);
        check(&error(403, "Forbidden", ""), ErrorKind::Denied);
        check(&error(404, "Not Found: Thirdparty not found", ""), ErrorKind::NotFound);
        check(&error(500, "Error creating product", "ErrorProductAlreadyExists"), ErrorKind::Rejected);
        check(&error(500, "Error creating order", "Deadlock found when trying to get lock"), ErrorKind::RateLimited);
        check(&error(503, "Error when retrieve", "Unknown column 'ef.x'"), ErrorKind::Config);
        check(&Response::text(403, "text/html", "Access refused by <b>SQL</b> injection"), ErrorKind::Rejected);
        check(&Response::text(202, "text/html", "<html>sorry</html>"), ErrorKind::Unavailable);
        check(&Response::empty(500), ErrorKind::Unavailable);
        check(&Response::text(502, "text/html", "bad gateway"), ErrorKind::Unavailable);
        check(&Response::text(404, "text/html", "nginx"), ErrorKind::Config);
        check(&Response::text(501, "text/plain", "API not found"), ErrorKind::Config);
    }

    #[test]
    fn a_duplicate_key_is_recognised_by_the_vendors_words() {
        let refused =
            check(&error(500, "Error creating order", "Duplicate entry 'a' for key 'uk_x'"), ErrorKind::Rejected);
        assert!(is_duplicate(&refused));
    }

    #[test]
    fn a_character_that_the_database_cannot_store_is_named_as_the_cause() {
        let words = "Incorrect string value: '\\xF0\\x9F\\x8D\\x8E' for column `nom`";
        let refused = check(&error(500, "Error creating thirdparty", words), ErrorKind::Rejected);
        assert!(refused.message().contains("emoji"), "{refused}");
    }

    #[test]
    fn nothing_to_do_is_a_success() {
        assert!(Dolibarr.judge(&Request::get("/"), &Response::empty(304), Timestamp::UNIX_EPOCH).is_ok());
    }
}
