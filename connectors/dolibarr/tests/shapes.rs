//! The stand-in's answers against recorded ones of 22.0.4: the same keys, of the same JSON types.

use std::collections::BTreeSet;

use passerelle_core::clock::Timestamp;
use passerelle_core::emulator::Emulator as _;
use passerelle_core::http::{Request, Response};
use serde_json::{Value, json};

use super::super::emulator::Emulator;

/// A stand-in, asked without a connector.
pub(super) struct Server(Emulator);

impl Server {
    /// An installation that holds nothing.
    pub(super) fn bare() -> Self {
        Self(Emulator::new())
    }

    fn new() -> Self {
        let mut server = Self::bare();
        let party = json!({"name": "Alpha Pommes SARL", "client": 1, "code_client": -1, "country_id": 1, "email": "a@alpha.example"});
        server.post("/thirdparties", party);
        server.post("/products", json!({"ref": "APL-001", "label": "Apples", "type": 0, "price": 120.5, "tva_tx": 20}));
        server.post(
            "/setup/extrafields/propal/crm_id",
            json!({"label": "CRM id", "type": "varchar", "size": "64", "unique": 1}),
        );
        server
    }

    pub(super) fn control(&mut self, command: &str, arguments: Value) {
        self.0.control(command, &arguments, Timestamp::UNIX_EPOCH).unwrap();
    }

    pub(super) fn send(&mut self, request: Request) -> Response {
        let request = Request { path: format!("/api/index.php{}", request.path), ..request };
        self.0.handle(&request.header("DOLAPIKEY", "dolibarr-demo-key"), Timestamp::from_second(1_795_426_459).unwrap())
    }

    pub(super) fn post(&mut self, path: &str, body: Value) -> Response {
        self.send(Request::post(path, body))
    }

    pub(super) fn get(&mut self, path: &str) -> Value {
        self.send(Request::get(path)).parse().unwrap()
    }

    /// An order with one line, validated, invoiced, and a part of it paid.
    fn traded() -> Self {
        let mut server = Self::new();
        let line = json!({"fk_product": 1, "qty": 10, "subprice": "120.50", "tva_tx": "20", "remise_percent": "5", "product_type": 0, "desc": "Golden apples", "rang": 1});
        let body = json!({"socid": 1, "date": "2026-11-23", "lines": [line], "ref_client": "PO-90", "note_public": "Thanks", "note_private": "x", "cond_reglement_id": 2, "mode_reglement_id": 2});
        server.post("/proposals", body.clone());
        server.post("/orders", body);
        server.send(Request::new("POST", "/orders/1/validate"));
        server.post("/invoices/createfromorder/1", json!({}));
        server.send(Request::new("POST", "/invoices/1/validate"));
        server.post(
            "/invoices/paymentsdistributed",
            json!({"arrayofamounts": {"1": {"amount": "500.00"}}, "datepaye": "2026-11-23", "paymentid": 2, "closepaidinvoices": "yes", "accountid": 1, "num_payment": "VIR-1"}),
        );
        server
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Keys that differ, and types that differ where both sides have a value.
fn differences(at: &str, recorded: &Value, ours: &Value) -> Vec<String> {
    let (Some(recorded), Some(ours)) = (recorded.as_object(), ours.as_object()) else {
        return vec![format!("{at}: no object")];
    };
    let keys: BTreeSet<&String> = recorded.keys().chain(ours.keys()).collect();
    let mut found = Vec::new();
    for key in keys {
        let (there, here) = (recorded.get(key), ours.get(key));
        let (Some(there), Some(here)) = (there, here) else {
            found.push(format!("{at}.{key}: only on one side"));
            continue;
        };
        let empty = |value: &Value| matches!(value, Value::Null) || value == &json!([]) || value == &json!("");
        if kind(there) != kind(here) && !empty(there) && !empty(here) {
            found.push(format!("{at}.{key}: {} instead of {}", kind(here), kind(there)));
        }
    }
    found
}

#[test]
fn documents_have_the_recorded_keys_and_types() {
    let mut server = Server::traded();
    for (path, recorded) in [
        ("/thirdparties/1", include_str!("../recorded/thirdparty.json")),
        ("/products/1", include_str!("../recorded/product.json")),
        ("/proposals/1", include_str!("../recorded/proposal.json")),
        ("/orders/1", include_str!("../recorded/order.json")),
        ("/invoices/1", include_str!("../recorded/invoice.json")),
    ] {
        let recorded: Value = serde_json::from_str(recorded).unwrap();
        let ours = server.get(path);
        assert_eq!(differences(path, &recorded, &ours), Vec::<String>::new());
        if let Some(line) = recorded.get("lines").and_then(|lines| lines.get(0)) {
            assert_eq!(differences(path, line, &ours["lines"][0]), Vec::<String>::new());
        }
    }
}

#[test]
fn amounts_and_dates_are_the_recorded_ones() {
    let mut server = Server::traded();
    let order = server.get("/orders/1");
    assert_eq!((&order["total_ht"], &order["lines"][0]["price"]), (&json!("1144.75000000"), &json!("114.47")));
    assert_eq!(
        (&order["date"], &order["statut"], &order["ref"]),
        (&json!(1_795_392_000), &json!("1"), &json!("CO2611-0001"))
    );
    let invoice = server.get("/invoices/1");
    assert_eq!((&invoice["totalpaid"], &invoice["remaintopay"]), (&json!(500), &json!("873.7")));
    assert_eq!((&invoice["date_lim_reglement"], &invoice["sumpayed"]), (&json!(1_797_984_000), &json!("500.00000000")));
}

#[test]
fn refusals_have_the_recorded_status_and_body() {
    let recorded: Value = serde_json::from_str(include_str!("../recorded/answers.json")).unwrap();
    let mut server = Server::traded();
    let bad = "(t.ref_ext:=:'a(b)')";
    let proposal = json!({"socid": 1, "date": "2026-11-23", "array_options": {"options_crm_id": "opp-55"}});
    server.post("/proposals", proposal.clone());
    let answers = [
        ("not-found-404", server.send(Request::get("/thirdparties/999999"))),
        ("thirdparties-list-empty-404", server.send(Request::get("/thirdparties").query("page", "99"))),
        ("sqlfilters-syntax-error-400", server.send(Request::get("/thirdparties").query("sqlfilters", bad))),
        ("proposal-create-duplicate-unique-extrafield", server.post("/proposals", proposal)),
        ("proposal-validate-empty-object-400", server.post("/proposals/1/validate", json!({}))),
    ];
    for (name, answer) in answers {
        assert_eq!(json!(answer.status), recorded[name]["status"], "{name}");
        assert_eq!(answer.parse::<Value>().unwrap(), recorded[name]["body"], "{name}");
    }
}

#[test]
fn a_wrong_key_and_an_attack_are_refused_as_recorded() {
    let recorded: Value = serde_json::from_str(include_str!("../recorded/answers.json")).unwrap();
    let mut emulator = Emulator::new();
    let now = Timestamp::UNIX_EPOCH;
    let wrong = emulator.handle(&Request::get("/api/index.php/status").header("DOLAPIKEY", "x"), now);
    assert_eq!(wrong.parse::<Value>().unwrap(), recorded["auth-wrong-key-401"]["body"]);
    let attack = Server(emulator).send(Request::get("/thirdparties").query("sqlfilters", "(t.nom:=:'x\" y')"));
    assert_eq!((attack.status, attack.is_json()), (403, false));
}
