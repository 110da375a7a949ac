//! The stand-in's answers against recorded ones: the same sums, JSON types, statuses and sentences.

use passerelle_core::clock::Timestamp;
use passerelle_core::emulator::Emulator as _;
use passerelle_core::http::{Request, Response};
use serde_json::{Value, json};

use super::super::emulator::Emulator;
use super::site;

/// A stand-in, asked without a connector.
pub(super) struct Server(Emulator);

impl Server {
    /// The site of the recordings.
    pub(super) fn new() -> Self {
        let mut server = Self::with(&site());
        for doctype in ["Customer", "Sales Order", "Quotation", "Sales Invoice", "Payment Entry"] {
            let field = json!({ "dt": doctype, "fieldname": "hub_external_id", "label": "Hub External ID", "fieldtype": "Data", "unique": 1 });
            server.send("POST", "/api/resource/Custom%20Field", field);
        }
        server
    }

    /// A site with these documents and nothing else.
    pub(super) fn with(docs: &Value) -> Self {
        let mut server = Self(Emulator::new());
        server.0.seed(&json!({ "docs": docs }), now()).unwrap();
        server
    }

    pub(super) fn control(&mut self, command: &str, arguments: Value) -> Value {
        self.0.control(command, &arguments, now()).unwrap()
    }

    pub(super) fn send(&mut self, method: &'static str, path: &str, body: Value) -> Response {
        self.send_as("token erpnext-key:erpnext-demo-secret", method, path, body)
    }

    pub(super) fn send_as(&mut self, token: &str, method: &'static str, path: &str, body: Value) -> Response {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let mut request = match body {
            Value::Null => Request::new(method, path),
            body => Request { method, ..Request::post(path, body) },
        };
        request.query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        self.0.handle(&request.header("Authorization", token), now())
    }

    /// Replays a recorded request; the status must be the recorded one.
    pub(super) fn replay(&mut self, exchange: &Value) -> Response {
        let asked = &exchange["request"];
        let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
        let method = methods.into_iter().find(|method| asked["method"] == *method).unwrap();
        let response = self.send(method, asked["path"].as_str().unwrap(), asked["body"].clone());
        let told = String::from_utf8_lossy(&response.body);
        assert_eq!(exchange["response"]["status"], response.status, "{} {told}", asked["path"]);
        response
    }

    /// The document that a replayed request answers, beside the recorded one.
    pub(super) fn both(&mut self, exchange: &Value) -> (Value, Value) {
        let ours: Value = self.replay(exchange).parse().unwrap();
        let envelope = if exchange["response"]["body"].get("message").is_some() { "message" } else { "data" };
        (ours[envelope].clone(), exchange["response"]["body"][envelope].clone())
    }

    /// The status, class and sentence that a replayed request is refused with must be the recorded ones.
    pub(super) fn refuses(&mut self, exchange: &Value) {
        let status = exchange["response"]["status"].as_u64().unwrap() as u16;
        let theirs = Response::json(status, &exchange["response"]["body"]);
        assert_eq!(refused(&self.replay(exchange)), refused(&theirs));
    }
}

pub(super) fn now() -> Timestamp {
    "2026-11-23T09:46:08Z".parse().unwrap()
}

/// Every field that both sides tell has the same JSON type; those that are named have the same value.
pub(super) fn alike(ours: &Value, theirs: &Value, same: &[&str]) {
    let kind = |value: &Value| match value {
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        Value::String(_) => "text",
        Value::Array(_) => "array",
        _ => "other",
    };
    for (name, value) in theirs.as_object().unwrap() {
        let Some(our) = ours.get(name) else { continue };
        assert!(value.is_null() || kind(our) == kind(value), "{name}: {our} instead of {value}");
    }
    for name in same {
        assert_eq!(ours[name], theirs[name], "{name}");
    }
}

#[test]
fn a_quotation_with_a_discount_comes_to_the_recorded_sums() {
    let exchange = recorded!("quotation-create-draft");
    let ours: Value = Server::new().replay(&exchange).parse().unwrap();
    let theirs = &exchange["response"]["body"]["data"];
    let sums = [
        "total",
        "net_total",
        "discount_amount",
        "total_taxes_and_charges",
        "grand_total",
        "rounded_total",
        "status",
        "docstatus",
        "title",
    ];
    alike(&ours["data"], theirs, &sums);
    for place in 0..3 {
        let of = ["rate", "amount", "net_rate", "net_amount", "distributed_discount_amount", "item_name", "idx"];
        let same: Vec<&str> = of.into_iter().filter(|name| place < 2 || *name != "item_name").collect();
        alike(&ours["data"]["items"][place], &theirs["items"][place], &same);
    }
    let tax = ["rate", "tax_amount", "tax_amount_after_discount_amount", "total", "account_head"];
    alike(&ours["data"]["taxes"][0], &theirs["taxes"][0], &tax);
}

#[test]
fn an_order_submitted_by_its_own_post_stays_a_draft_in_words() {
    let exchange = recorded!("sales-order-create-and-submit-in-one-post");
    let ours: Value = Server::new().replay(&exchange).parse().unwrap();
    let theirs = &exchange["response"]["body"]["data"];
    let same = [
        "docstatus",
        "status",
        "grand_total",
        "net_total",
        "po_no",
        "hub_external_id",
        "billing_status",
        "per_billed",
        "title",
    ];
    alike(&ours["data"], theirs, &same);
    alike(&ours["data"]["items"][1], &theirs["items"][1], &["rate", "amount", "delivery_date"]);
}

#[test]
fn a_second_customer_of_the_same_name_gets_a_number_and_a_notice() {
    let (first, again) = (recorded!("customer-create"), recorded!("customer-create-identical-again"));
    let groups = json!([{ "doctype": "Customer Group", "customer_group_name": "Commercial" }, { "doctype": "Territory", "territory_name": "All Territories" }]);
    let mut server = Server::with(&groups);
    let made: Value = server.replay(&first).parse().unwrap();
    alike(
        &made["data"],
        &first["response"]["body"]["data"],
        &["name", "docstatus", "disabled", "language", "tax_id", "accounts"],
    );
    let (ours, theirs) = server.both(&recorded!("customer-get"));
    let told = |document: &Value| {
        let mut fields = document.as_object().unwrap().clone();
        ["creation", "modified"].iter().for_each(|name| _ = fields.insert((*name).to_owned(), json!("some time")));
        fields
    };
    assert_eq!(told(&ours), told(&theirs), "a document is told with all its fields, and without those that are unset");
    let twin: Value = server.replay(&again).parse().unwrap();
    assert_eq!(twin["data"]["name"], again["response"]["body"]["data"]["name"]);
    let said = |body: &Value| -> Value {
        let list: Vec<String> = serde_json::from_str(body["_server_messages"].as_str().unwrap()).unwrap();
        serde_json::from_str::<Value>(&list[0]).unwrap()["message"].clone()
    };
    assert_eq!(said(&twin), said(&again["response"]["body"]));
}

/// The status, class and sentence of a refusal.
pub(super) fn refused(response: &Response) -> (u16, String, String) {
    let body: Value = response.parse().unwrap();
    let list = body["_server_messages"].as_str().unwrap_or("[]");
    let list: Vec<String> = serde_json::from_str(list).unwrap();
    let message =
        list.first().map(|one| serde_json::from_str::<Value>(one).unwrap()["message"].as_str().unwrap().to_owned());
    (response.status, body["exc_type"].as_str().unwrap().to_owned(), message.unwrap_or_default())
}

#[test]
fn what_a_site_refuses_is_refused_with_the_same_status_class_and_sentence() {
    let mut server = Server::new();
    let known = json!({ "customer_name": "Known", "hub_external_id": "crm-acc-1001" });
    server.send("POST", "/api/resource/Customer", known);
    for exchange in [
        recorded!("error-417-mandatory"),
        recorded!("error-409-duplicate-name"),
        recorded!("error-unique-custom-field"),
        recorded!("error-404-does-not-exist"),
    ] {
        server.refuses(&exchange);
    }
}

#[test]
fn a_document_has_three_states_and_no_way_back() {
    let mut server = Server::new();
    let order = recorded!("sales-order-create-and-submit-in-one-post");
    let made: Value = server.replay(&order).parse().unwrap();
    let path = format!("/api/resource/Sales%20Order/{}", made["data"]["name"].as_str().unwrap());
    let mut state = |docstatus: i64| {
        let response = server.send("PUT", &path, json!({ "docstatus": docstatus }));
        let body: Value = response.parse().unwrap();
        (response.status, body["exc_type"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(state(0), (417, "DocstatusTransitionError".to_owned()));
    assert_eq!(state(1).0, 200);
    assert_eq!(state(2).0, 200);
    assert_eq!(state(1), (417, "ValidationError".to_owned()));
}

#[test]
fn lists_of_the_second_version_ignore_the_page_length_of_the_first() {
    let mut server = Server::new();
    for at in 0..25 {
        server.send("POST", "/api/resource/Customer", json!({ "customer_name": format!("Customer {at}") }));
    }
    let mut rows = |path: &str, name: &str| {
        let request = Request::get(path).query(name, "25").query("order_by", "name asc");
        let request = request.header("Authorization", "token erpnext-key:erpnext-demo-secret");
        let body: Value = server.0.handle(&request, now()).parse().unwrap();
        body["data"].as_array().unwrap().len()
    };
    assert_eq!(rows("/api/resource/Customer", "limit_page_length"), 25);
    assert_eq!(rows("/api/v2/document/Customer", "limit_page_length"), 20);
    assert_eq!(rows("/api/v2/document/Customer", "limit"), 25);
}
