//! A stand-in of Dolibarr 22.0.4: what was observed on the wire, and what it refuses.

mod answer;
mod countries;
mod filter;
mod invoices;
mod list;
mod money;
mod parties;
mod payments;
mod screens;
mod setup;
mod shape;
mod store;
mod targets;
mod trade;
mod values;
mod zones;

use passerelle_core::Result;
use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Body, Request, Response};
use serde_json::{Value, json};

use answer::{Reply, injection, no, ok, refuse};
use store::{Kind, Store};

const BASE: &str = "/api/index.php";
const KEY: &str = "dolibarr-demo-key";

/// A Dolibarr of its own, empty at first; France, EUR, both zones UTC, Multi-currency off, an administrator's key.
#[derive(Debug)]
pub(super) struct Emulator(Store);

impl Emulator {
    /// An empty installation.
    pub fn new() -> Self {
        Self(Store::new())
    }

    fn answer(&mut self, request: &Request, now: i64) -> Reply {
        let path = request.path.split_once("/api/index.php").map_or(request.path.as_str(), |(_, path)| path);
        let decoded: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(percent_decoded).collect();
        let queried = request.query.iter().flat_map(|(name, value)| [name, value]);
        if queried.chain(&decoded).any(|text| looks_like_an_attack(text)) {
            return Err(injection());
        }
        authenticate(request)?;
        let null = Value::Null;
        let body = match &request.body {
            Body::Json(body) => body,
            _ => &null,
        };
        let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
        let Some((resource, rest)) = parts.split_first() else { return no(404, "") };
        let resource = resource.to_lowercase();
        if self.0.settings.off.contains(&resource) {
            let text = "API not found (failed to include API file)";
            return Err(Response::text(501, "text/plain", text));
        }
        match (resource.as_str(), rest) {
            ("status", []) => {
                Ok(json!({ "success": { "code": 200, "dolibarr_version": "22.0.4", "access_locked": "0" } }))
            }
            ("setup", rest) => {
                let element =
                    request.query.iter().find(|(name, _)| name == "elementtype").map(|(_, value)| value.as_str());
                setup::answer(&mut self.0, request.method, rest, element, body)
            }
            ("webhook", rest) => targets::answer(&mut self.0, request.method, rest, body),
            ("bankaccounts", []) => Ok(json!([{ "id": "1", "ref": "BANK", "label": "Bank", "currency_code": "EUR" }])),
            _ => match Kind::of_route(&resource) {
                None => Err(Response::text(501, "text/plain", "API not found (failed to include API file)")),
                Some(kind) => self.on(kind, request, rest, body, now),
            },
        }
    }

    fn on(&mut self, kind: Kind, request: &Request, rest: &[&str], body: &Value, now: i64) -> Reply {
        let right = if request.method == "GET" { "read" } else { "write" };
        if self.0.settings.denied.contains(&format!("{}:{right}", kind.route())) {
            return no(403, "");
        }
        let store = &mut self.0;
        let id: Option<u64> = rest.first().and_then(|id| id.parse().ok());
        let party = matches!(kind, Kind::Party | Kind::Contact | Kind::Product);
        // Tables are utf8mb3, as the installer made them on the observed server.
        if right == "write" && body.to_string().chars().any(|c| c > '\u{ffff}') {
            return answer::failed("Error creating", "Incorrect string value: '\\xF0\\x9F' for column");
        }
        match (request.method, rest, id) {
            ("GET", [], _) => list::list(store, kind, request),
            // A made-up specimen.
            ("GET", [_], Some(0)) if kind == Kind::Party => {
                Ok(shape::document(store, kind, &shape::blank(kind), false))
            }
            ("GET", [_], Some(id)) => trade::show(store, kind, id),
            ("GET", ["ref" | "ref_ext" | "email", _], _) => by_field(store, kind, rest),
            ("POST", [], _) if party => parties::create(store, kind, body, now),
            ("POST", [], _) if kind == Kind::Invoice => invoices::create(store, body, now),
            ("POST", [], _) => trade::create(store, kind, body, now),
            ("PUT", [_], Some(id)) if party => parties::change(store, kind, id, body, now),
            ("PUT", [_], Some(id)) => trade::change(store, kind, id, body, now),
            ("DELETE", [_], Some(id)) if party => parties::delete(store, kind, id),
            ("DELETE", [_], Some(id)) if kind == Kind::Invoice => invoices::delete(store, id),
            ("DELETE", [_], Some(id)) => trade::delete(store, kind, id),
            ("GET", [_, "fixedamountdiscounts"], Some(id)) if kind == Kind::Party => {
                let filter = request.query.iter().find(|(name, _)| name == "filter").map_or("none", |(_, value)| value);
                invoices::discounts(store, id, filter)
            }
            ("POST", ["createfromproposal", id], _) if kind == Kind::Order => {
                trade::order_of_proposal(store, id.parse().unwrap_or(0), now)
            }
            ("POST", ["createfromorder", id], _) if kind == Kind::Invoice => {
                invoices::from_order(store, id.parse().unwrap_or(0), now)
            }
            ("POST", ["paymentsdistributed"], _) if kind == Kind::Invoice => payments::pay_parts(store, body, now),
            (_, [_, rest @ ..], Some(id)) if !party => step(store, kind, request, (id, rest), body, now),
            _ => no(404, ""),
        }
    }
}

/// Routes below one proposal, order or invoice.
fn step(store: &mut Store, kind: Kind, request: &Request, (id, rest): (u64, &[&str]), body: &Value, now: i64) -> Reply {
    // An empty object is refused: parameters that are there must be numbers.
    let empty = matches!(&request.body, Body::Json(body) if body.as_object().is_some_and(serde_json::Map::is_empty));
    match (request.method, rest, kind) {
        ("GET", ["lines"], _) => Ok(trade::show(store, kind, id)?["lines"].take()),
        ("POST", ["lines" | "line"], _) => trade::add_line(store, kind, id, body, now),
        ("PUT", ["lines", line], _) => trade::change_line(store, kind, id, line, body, now),
        ("DELETE", ["lines", line], _) => trade::delete_line(store, kind, id, line, now),
        ("POST", ["validate"], _) if empty => {
            no(400, "Invalid value specified for `notrigger`. Expecting integer value")
        }
        ("POST", ["validate"], Kind::Invoice) => invoices::validate(store, id, now),
        ("POST", ["validate"], _) => trade::validate(store, kind, id, now),
        ("POST", ["close"], Kind::Proposal) => trade::close_proposal(store, id, body, now),
        ("POST", ["close"], Kind::Order) => moved(store, kind, id, "3", now),
        ("POST", ["settodraft"], _) => moved(store, kind, id, "0", now),
        ("POST", ["reopen"], Kind::Order) => moved(store, kind, id, "1", now).map(|_| json!(1)),
        ("POST", ["settopaid"], Kind::Invoice) => invoices::set_paid(store, id, body, now),
        ("POST", ["settounpaid"], Kind::Invoice) => invoices::set_unpaid(store, id, now),
        ("POST", ["markAsCreditAvailable"], Kind::Invoice) => invoices::mark_available(store, id, now),
        ("GET", ["discount"], Kind::Invoice) => invoices::discount(store, id),
        ("POST", ["usecreditnote", discount], Kind::Invoice) => {
            invoices::use_credit(store, id, discount.parse().unwrap_or(0))
        }
        ("GET", ["payments"], Kind::Invoice) => payments::list(store, id),
        ("POST", ["payments"], Kind::Invoice) => payments::pay_rest(store, id, body, now),
        _ => no(404, ""),
    }
}

fn moved(store: &mut Store, kind: Kind, id: u64, state: &str, now: i64) -> Reply {
    if store.row(kind, id).is_some_and(|row| row.text("statut") == state) {
        return answer::unchanged();
    }
    trade::set_state(store, kind, id, state, now);
    trade::show(store, kind, id)
}

/// `/ref/{r}`, `/ref_ext/{x}`, `/email/{e}`, with the gaps and the lie that were observed.
fn by_field(store: &Store, kind: Kind, rest: &[&str]) -> Reply {
    let (Some(field), Some(value)) = (rest.first(), rest.get(1)) else { return no(404, "") };
    let offered = match *field {
        "email" => matches!(kind, Kind::Party | Kind::Contact),
        "ref" => !matches!(kind, Kind::Party | Kind::Contact),
        _ => matches!(kind, Kind::Product | Kind::Order | Kind::Invoice),
    };
    let found: Vec<_> = store.all(kind).filter(|row| offered && row.text(field).eq_ignore_ascii_case(value)).collect();
    match found.as_slice() {
        [] => no(404, &format!("{} not found", kind.noun())),
        // Several matches: 200, and a document in which everything is empty.
        [_, _, ..] if *field == "email" => {
            let mut nobody = shape::document(store, kind, &shape::blank(kind), false);
            nobody["id"] = Value::Null;
            Ok(nobody)
        }
        [row, ..] => Ok(shape::document(store, kind, row, true)),
    }
}

fn authenticate(request: &Request) -> std::result::Result<(), Response> {
    let bearer = request.header_value("authorization").and_then(|value| value.strip_prefix("Bearer "));
    if request.header_value("dolapikey").or(bearer) == Some(KEY) {
        return Ok(());
    }
    let words = "Error user not valid (not found with api key or bad status or bad validity dates) (conf->entity=1)";
    Err(refuse(401, words, None))
}

fn looks_like_an_attack(text: &str) -> bool {
    let lower = text.to_lowercase();
    lower.contains('"')
        || lower.contains("<script")
        || lower.contains("union") && lower.contains("select")
        || lower.contains("delete from")
        || lower.contains("insert into")
        || lower.contains("(prov")
}

fn percent_decoded(part: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", part.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

impl passerelle_core::emulator::Emulator for Emulator {
    fn vendor(&self) -> &'static str {
        "dolibarr"
    }

    fn base_path(&self) -> &'static str {
        BASE
    }

    fn key(&self) -> String {
        KEY.to_owned()
    }

    fn handle(&mut self, request: &Request, now: Timestamp) -> Response {
        self.answer(request, now.as_second()).map_or_else(|refusal| refusal, |body| ok(&body))
    }

    fn seed(&mut self, sample: &Value, now: Timestamp) -> Result<()> {
        screens::seed(&mut self.0, sample, now.as_second())
    }

    /// The page of the web server in front of it.
    fn refusal(&self, status: u16) -> Response {
        Response::text(status, "text/html", format!("<html><h1>{status}</h1></html>"))
    }

    fn control(&mut self, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
        screens::control(&mut self.0, command, arguments, now.as_second())
    }
}
