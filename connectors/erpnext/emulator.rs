//! A stand-in of ERPNext 15.90: what was observed on the wire, and what it refuses.

mod accounts;
mod checks;
mod documents;
mod filter;
mod hooks;
mod mappers;
mod meta;
mod methods;
mod parties;
mod query;
mod refusal;
mod screens;
mod selling;
mod site;
mod totals;
mod values;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use passerelle_core::Result;
use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Body, Request, Response};
use serde_json::{Value, json};

use query::Query;
use refusal::{Refusal, Reply, with_guest};
use site::Site;
use values::Doc;

const KEY: &str = "erpnext-key";
const SECRET: &str = "erpnext-demo-secret";

/// Rows of a page where none are asked for.
const PAGE: usize = 20;

/// A site of its own, empty at first: Paris, Banker's Rounding, an administrator's token.
#[derive(Debug)]
pub(super) struct Emulator(Site);

impl Emulator {
    /// An empty site.
    pub fn new() -> Self {
        Self(Site::new())
    }

    fn answer(&mut self, request: &Request, now: Timestamp) -> Reply<Response> {
        let segments = request.segments();
        let parts: Vec<&str> = segments.iter().map(String::as_str).collect();
        if parts == ["api", "method", "ping"] {
            return Ok(Response::json(200, &json!({ "message": "pong" })));
        }
        if parts.ends_with(&["get_time_zone"]) {
            return Ok(Response::json(200, &json!({ "message": { "time_zone": self.0.settings.zone_name } })));
        }
        let given = given(request)?;
        let command = given.get("cmd").and_then(Value::as_str).unwrap_or_default().to_owned();
        if command != "login" && command != "logout" {
            authenticate(request)?;
        }
        match parts.as_slice() {
            [] => self.call(&command, &given, now),
            ["api", "method", method] => self.call(method, &given, now),
            ["api", "v2", "method", method] => {
                methods::run(&mut self.0, method, &given, now).map(|data| Response::json(200, &json!({ "data": data })))
            }
            ["api", "resource", doctype] => self.collection(doctype, request, &given, now),
            ["api", "v2", "document", doctype] => self.collection(doctype, request, &given, now),
            ["api", "v2", "doctype", doctype, "count"] => {
                let filters = parsed(param(request, "filters"))?;
                query::count(&self.0, doctype, &filters).map(|count| Response::json(200, &json!({ "data": count })))
            }
            ["api", "resource", doctype, name] | ["api", "v2", "document", doctype, name] => {
                self.document(doctype, name, request, &given, now)
            }
            ["api", "v2", "document", doctype, name, "method", method] => {
                let state = match *method {
                    "submit" => 1,
                    "cancel" => 2,
                    _ => return Err(Refusal::invalid(format!("Failed to get method for command {method}"))),
                };
                let body = Doc::from_iter([("docstatus".to_owned(), json!(state))]);
                documents::update(&mut self.0, doctype, name, &body, now).map(|doc| told(&doc))
            }
            _ => Err(Refusal::new(404, "PageDoesNotExistError", "")),
        }
    }

    fn call(&mut self, method: &str, given: &Doc, now: Timestamp) -> Reply<Response> {
        methods::run(&mut self.0, method, given, now).map(|message| Response::json(200, &json!({ "message": message })))
    }

    fn collection(&mut self, doctype: &str, request: &Request, given: &Doc, now: Timestamp) -> Reply<Response> {
        if meta::of(doctype).is_none() {
            return Err(Refusal::new(500, "ImportError", "").technical(format!("Module import failed for {doctype}")));
        }
        if request.method == "GET" {
            let v2 = request.path.contains("/api/v2/");
            let mut asked =
                asked(request.query.iter().filter(|(name, _)| !(v2 && name == "limit_page_length")).cloned())?;
            if v2 && param(request, "start").is_some() {
                asked.start = param(request, "start").and_then(|start| start.parse().ok()).unwrap_or(0);
            }
            let rows = query::list(&self.0, doctype, &asked)?;
            return Ok(Response::json(200, &json!({ "data": rows })));
        }
        let saved = documents::insert(&mut self.0, doctype, given, now)?;
        let mut body = json!({ "data": shown(&saved.doc) });
        if let Some(notice) = saved.notice {
            let message = json!({ "message": notice, "title": "Note", "indicator": "yellow" }).to_string();
            body["_server_messages"] = json!(json!([message]).to_string());
        }
        Ok(Response::json(200, &body))
    }

    fn document(
        &mut self,
        doctype: &str,
        name: &str,
        request: &Request,
        given: &Doc,
        now: Timestamp,
    ) -> Reply<Response> {
        let site = &mut self.0;
        match request.method {
            "GET" => {
                let doc = site.need(doctype, name)?;
                site.check_right(doctype, "read")?;
                Ok(told(&doc))
            }
            "POST" => {
                let state = match given.get("run_method").and_then(Value::as_str) {
                    Some("submit") => 1,
                    Some("cancel") => 2,
                    _ => return Err(Refusal::invalid("run_method is missing")),
                };
                let body = Doc::from_iter([("docstatus".to_owned(), json!(state))]);
                documents::update(site, doctype, name, &body, now).map(|doc| told(&doc))
            }
            "DELETE" => {
                documents::delete(site, doctype, name, now)?;
                Ok(Response::json(202, &json!({ "data": "ok" })))
            }
            _ => documents::update(site, doctype, name, given, now).map(|doc| told(&doc)),
        }
    }
}

fn told(doc: &Doc) -> Response {
    Response::json(200, &json!({ "data": shown(doc) }))
}

/// A document without its nulls and what no reader may see.
fn shown(doc: &Doc) -> Doc {
    let kept = doc.iter().filter(|(name, value)| !value.is_null() && *name != "secret_kept");
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// What a call was given: its JSON body, the form's `data`, or the form and query themselves.
fn given(request: &Request) -> Reply<Doc> {
    let malformed = || Refusal::new(500, "JSONDecodeError", "").technical("Expecting value: line 1 column 1 (char 0)");
    let texts = |pairs: &[(String, String)]| -> Doc {
        pairs.iter().map(|(name, value)| (name.clone(), json!(value))).collect()
    };
    match &request.body {
        Body::Json(Value::Object(body)) => Ok(body.clone()),
        Body::Json(_) | Body::Bytes(_) => Err(malformed()),
        Body::Form(pairs) => match pairs.iter().find(|(name, _)| name == "data") {
            Some((_, data)) => serde_json::from_str(data).map_err(|_| malformed()),
            None => Ok(texts(pairs)),
        },
        Body::Empty => Ok(texts(&request.query)),
    }
}

/// What a list was asked for.
fn asked(pairs: impl Iterator<Item = (String, String)>) -> Reply<Query> {
    let mut asked = Query { fields: vec!["name".to_owned()], limit: PAGE, ..Query::default() };
    for (name, value) in pairs {
        match name.as_str() {
            "fields" => {
                asked.fields = match parsed(Some(&value))? {
                    Value::Array(names) => names.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                    Value::String(one) => vec![one],
                    _ => vec![value],
                }
            }
            "filters" => asked.filters = parsed(Some(&value))?,
            "or_filters" => asked.or_filters = parsed(Some(&value))?,
            "order_by" => asked.order_by = value,
            "group_by" => asked.group_by = value,
            "limit_start" => asked.start = value.parse().unwrap_or(0),
            "limit_page_length" | "limit" => asked.limit = value.parse().unwrap_or(PAGE),
            _ => {}
        }
    }
    Ok(asked)
}

fn parsed(text: Option<&str>) -> Reply {
    let malformed = |_| Refusal::new(500, "JSONDecodeError", "").technical("Expecting value: line 1 column 1 (char 0)");
    text.map_or(Ok(Value::Null), |text| serde_json::from_str(text).map_err(malformed))
}

fn param<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    request.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// `token key:secret` and `Basic base64(key:secret)`; nothing at all is a guest, who may do nothing.
fn authenticate(request: &Request) -> Reply<()> {
    let wanted = format!("{KEY}:{SECRET}");
    let Some(header) = request.header_value("authorization") else {
        return Err(Refusal::forbidden("this", "read", "Guest"));
    };
    let known = match header.split_once(' ') {
        Some(("token", pair)) => pair == wanted,
        Some(("Basic", pair)) => STANDARD.decode(pair).is_ok_and(|pair| pair == wanted.as_bytes()),
        _ => false,
    };
    if known { Ok(()) } else { Err(Refusal::new(401, "AuthenticationError", "")) }
}

impl passerelle_core::emulator::Emulator for Emulator {
    fn vendor(&self) -> &'static str {
        "erpnext"
    }

    fn base_path(&self) -> &'static str {
        ""
    }

    fn key(&self) -> String {
        format!("{KEY}:{SECRET}")
    }

    fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        match self.answer(request, now) {
            Ok(response) => with_guest(response),
            Err(refusal) if request.path.contains("/api/v2/") => refusal.v2(),
            Err(refusal) => refusal.v1(),
        }
    }

    fn seed(&mut self, sample: &Value, now: Timestamp) -> Result<()> {
        screens::seed(&mut self.0, sample, now)
    }

    fn control(&mut self, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
        screens::control(&mut self.0, command, arguments, now)
    }

    /// Frappe's own limit, or the page of the web server in front of it.
    fn refusal(&self, status: u16) -> Response {
        if status == 429 {
            let limited = Refusal::new(429, "TooManyRequestsError", "").v1();
            let limited = limited.with_header("X-RateLimit-Reset", "1").with_header("X-RateLimit-Limit", "1000000");
            return limited.with_header("X-RateLimit-Remaining", "0").with_header("Retry-After", "1");
        }
        Response::text(status, "text/html", format!("<html><h1>{status}</h1></html>"))
    }
}
