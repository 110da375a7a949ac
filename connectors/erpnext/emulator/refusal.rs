//! How a site says no: the bodies of both versions of its API, as recorded.

use passerelle_core::http::Response;
use serde_json::{Map, Value, json};

/// A refusal.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub status: u16,
    /// Frappe's class, such as `MandatoryError`.
    pub class: &'static str,
    /// What a person reads; may hold HTML.
    pub message: String,
    title: &'static str,
    /// What stands behind the class in `exception`, where it is not the message.
    technical: Option<String>,
    /// `_error_message`, of a missing right.
    lacks: Option<String>,
}

/// What a handler gives.
pub(super) type Reply<T = Value> = Result<T, Refusal>;

impl Refusal {
    pub fn new(status: u16, class: &'static str, message: impl Into<String>) -> Self {
        Self { status, class, message: message.into(), title: "Message", technical: None, lacks: None }
    }

    /// 417 with Frappe's general class.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(417, "ValidationError", message)
    }

    pub fn missing(doctype: &str, name: &str) -> Self {
        Self::new(404, "DoesNotExistError", format!("{doctype} {name} not found"))
    }

    pub fn forbidden(doctype: &str, right: &str, user: &str) -> Self {
        let user = format!("User <strong>{user}</strong>");
        let message = format!(
            "{user} does not have doctype access via role permission for document <strong>{doctype}</strong><br>{user} does \
             not have access to this document"
        );
        let lacks = format!("You need the '{right}' permission on <strong>{doctype}</strong>  to perform this action.");
        Self { lacks: Some(lacks), ..Self::new(403, "PermissionError", message).technical("") }
    }

    pub fn titled(mut self, title: &'static str) -> Self {
        self.title = title;
        self
    }

    pub fn technical(mut self, text: impl Into<String>) -> Self {
        self.technical = Some(text.into());
        self
    }

    /// As `/api/resource` and `/api/method` answer: messages are JSON in JSON in JSON.
    pub fn v1(&self) -> Response {
        let exception = format!("frappe.exceptions.{}", self.class);
        let exception = match self.technical.as_ref().unwrap_or(&self.message) {
            text if text.is_empty() => exception,
            text => format!("{exception}: {text}"),
        };
        let mut body = Map::new();
        body.insert("exc_type".to_owned(), json!(self.class));
        if self.status != 404 {
            body.insert("exception".to_owned(), json!(exception));
            let trace = format!(
                "Traceback (most recent call last):\n  File \"apps/frappe/frappe/app.py\", line 114, in application\n{exception}"
            );
            body.insert("exc".to_owned(), json!(json!([trace]).to_string()));
        }
        if !self.message.is_empty() {
            let message =
                json!({ "message": self.message, "title": self.title, "indicator": "red", "raise_exception": 1 });
            body.insert("_server_messages".to_owned(), json!(json!([message.to_string()]).to_string()));
        }
        if let Some(lacks) = &self.lacks {
            body.insert("_error_message".to_owned(), json!(lacks));
        }
        with_guest(Response::json(self.status, &Value::Object(body)))
    }

    /// As `/api/v2` answers.
    pub fn v2(&self) -> Response {
        let error = json!({
            "type": self.class, "message": self.message, "title": self.title, "indicator": "red",
            "exception": format!("Traceback (most recent call last):\nfrappe.exceptions.{}: {}", self.class, self.message),
        });
        with_guest(Response::json(self.status, &json!({ "errors": [error] })))
    }
}

/// Every call by token still sets the cookies of a guest.
pub(super) fn with_guest(response: Response) -> Response {
    response
        .with_header("Set-Cookie", "sid=Guest; Max-Age=612000; HttpOnly; Path=/; SameSite=Lax")
        .with_header("Set-Cookie", "user_id=Guest; Path=/; SameSite=Lax")
}
