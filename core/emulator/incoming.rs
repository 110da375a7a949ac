//! What an emulated system receives: the same request, whether it came by a socket or not.

use url::form_urlencoded;

use crate::http::{Body, Request};

/// The methods that the kit lets through.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

/// The method as the static text that [`Request`] holds.
pub(super) fn method(name: &str) -> Option<&'static str> {
    METHODS.into_iter().find(|method| *method == name)
}

/// The header that tells an emulator where it was called: some vendors answer with their own address.
pub(super) fn address(server: &str, base_path: &str) -> (String, String) {
    ("X-Emulated-At".to_owned(), format!("{server}{base_path}"))
}

/// A request as an emulator sees it: `query` still encoded, `body` raw.
pub(super) fn request(
    method: &'static str,
    path: &str,
    query: &str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
) -> Request {
    let mut request = Request::new(method, path);
    request.query = pairs(query.as_bytes());
    request.headers = headers;
    request.body = self::body(request.header_value("content-type").unwrap_or(""), body);
    request
}

/// A body by its content type; one that does not parse stays bytes.
pub(super) fn body(content_type: &str, bytes: Vec<u8>) -> Body {
    if bytes.is_empty() {
        return Body::Empty;
    }
    if content_type.contains("json") {
        return serde_json::from_slice(&bytes).map_or(Body::Bytes(bytes), Body::Json);
    }
    if content_type.contains("x-www-form-urlencoded") {
        return Body::Form(pairs(&bytes));
    }
    Body::Bytes(bytes)
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}
