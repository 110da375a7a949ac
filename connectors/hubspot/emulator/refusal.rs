//! How HubSpot says no: the body of an error, alone or inside a batch.

use passerelle_core::http::Response;
use serde_json::{Map, Value, json};

/// An answer that is not a success.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    /// Such as 400.
    pub status: u16,
    category: &'static str,
    message: String,
    context: Vec<(String, Value)>,
    errors: Vec<Value>,
}

/// What every handler gives back.
pub(super) type Reply = Result<Response, Refusal>;

impl Refusal {
    /// A refusal of `status` and `category`.
    pub(super) fn new(status: u16, category: &'static str, message: impl Into<String>) -> Self {
        Self { status, category, message: message.into(), context: Vec::new(), errors: Vec::new() }
    }

    /// 400 `VALIDATION_ERROR`.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(400, "VALIDATION_ERROR", message)
    }

    /// 400 about one property, with the details as JSON inside the message.
    pub(super) fn property(name: &str, code: &str, message: &str) -> Self {
        let details = json!([{"isValid": false, "message": message, "error": code, "name": name}]);
        let mut refusal = Self::invalid(format!("Property values were not valid: {details}"));
        refusal.errors.push(json!({"message": message, "code": code, "context": {"propertyName": [name]}}));
        refusal
    }

    /// 404 `OBJECT_NOT_FOUND`.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(404, "OBJECT_NOT_FOUND", message)
    }

    /// 404 for a path that is none.
    pub(super) fn no_route() -> Self {
        Self::not_found("resource not found")
    }

    /// 405.
    pub(super) fn method() -> Self {
        Self::new(405, "METHOD_NOT_ALLOWED", "method not allowed")
    }

    /// The same refusal with a context entry.
    pub(super) fn about(mut self, name: &str, values: &[&str]) -> Self {
        self.context.push((name.to_owned(), json!(values)));
        self
    }

    /// The same refusal with one more detail.
    pub(super) fn detail(mut self, detail: Value) -> Self {
        self.errors.push(detail);
        self
    }

    /// As an answer of its own.
    pub(super) fn respond(&self, correlation: &str) -> Response {
        let mut body = json!({
            "status": "error", "message": self.message, "correlationId": correlation, "category": self.category,
        });
        if !self.context.is_empty() {
            body["context"] = json!(self.context());
        }
        if !self.errors.is_empty() {
            body["errors"] = json!(self.errors);
        }
        Response::json(self.status, &body)
    }

    /// As an error inside the answer to a batch (`StandardError`).
    pub(super) fn item(&self, trace: Option<&str>) -> Value {
        let mut context = self.context();
        if let Some(trace) = trace {
            context.insert("objectWriteTraceId".to_owned(), json!([trace]));
        }
        json!({
            "status": "error", "category": self.category, "message": self.message, "context": context,
            "errors": self.errors, "links": {},
        })
    }

    fn context(&self) -> Map<String, Value> {
        self.context.iter().cloned().collect()
    }
}
