//! How Salesforce says no: an array of errors, or one inside a list of results.

use passerelle_core::http::Response;
use serde_json::{Value, json};

/// An answer that is not a success.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// Such as 400.
    pub status: u16,
    /// Such as `REQUIRED_FIELD_MISSING`.
    pub code: String,
    message: String,
    fields: Vec<String>,
    duplicates: Option<Box<Value>>,
}

/// What every handler gives back.
pub(super) type Reply = Result<Response, Refusal>;

impl Refusal {
    /// A refusal of `status` and `code`.
    pub(super) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, code: code.to_owned(), message: message.into(), fields: Vec::new(), duplicates: None }
    }

    /// 400.
    pub(super) fn bad(code: &str, message: impl Into<String>) -> Self {
        Self::new(400, code, message)
    }

    /// 404 `NOT_FOUND`.
    pub(super) fn not_found() -> Self {
        Self::new(404, "NOT_FOUND", "The requested resource does not exist")
    }

    /// 405.
    pub(super) fn method(method: &str) -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", format!("HTTP Method '{method}' not allowed."))
    }

    /// 400 `MALFORMED_QUERY`.
    pub(super) fn query(message: impl Into<String>) -> Self {
        Self::bad("MALFORMED_QUERY", message)
    }

    /// 400 `INVALID_FIELD`: not there, or hidden from this user.
    pub(super) fn no_field(object: &str, field: &str) -> Self {
        Self::bad("INVALID_FIELD", format!("No such column '{field}' on entity '{object}'."))
    }

    /// The same refusal, about these fields.
    pub(super) fn about(mut self, fields: &[&str]) -> Self {
        self.fields = fields.iter().map(|field| (*field).to_owned()).collect();
        self
    }

    /// The same refusal, with what a duplicate rule found.
    pub(super) fn with_duplicates(mut self, found: Value) -> Self {
        self.duplicates = Some(Box::new(found));
        self
    }

    /// As an answer of its own; the key of duplicates is spelt as the vendor spells it.
    pub(super) fn respond(&self) -> Response {
        Response::json(self.status, &json!([self.body()]))
    }

    /// As the body of a sub-answer of a composite call.
    pub(super) fn body(&self) -> Value {
        let mut body = json!({"message": self.message, "errorCode": self.code});
        if !self.fields.is_empty() {
            body["fields"] = json!(self.fields);
        }
        if let Some(found) = &self.duplicates {
            body["duplicateResut"] = (**found).clone();
        }
        body
    }

    /// As an error inside the results of a collection, where the code has another name.
    pub(super) fn item(&self) -> Value {
        let mut item = json!({"statusCode": self.code, "message": self.message, "fields": self.fields});
        if let Some(found) = &self.duplicates {
            item["duplicateResult"] = (**found).clone();
        }
        item
    }

    /// As `sf__Error` of a bulk job.
    pub(super) fn cell(&self) -> String {
        format!("{}:{}:{} --", self.code, self.message, self.fields.join(", "))
    }
}
