//! Recorded exchanges with 22.0.4, held against both sides: the stand-in answers the recorded requests alike, and the
//! connector reads the recorded answers. Of what the connector does not call (agenda, printed documents, look-ups by e-mail,
//! single lines of proposals) no recording is kept here.

use jiff::Timestamp;
use passerelle_core::ErrorKind;
use passerelle_core::connector::Delivery;
use passerelle_core::http::{Dialect as _, Request, Response, Secret};
use serde_json::{Value, json};

use super::super::dialect::{Dolibarr, is_duplicate};
use super::super::sums::{Invoice, sums};
use super::super::webhook;
use super::shapes::Server;

/// `{"request": {..}, "response": {..}}`, or a `delivery`.
macro_rules! recorded {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../recorded/exchanges/", $name, ".json"))).unwrap()
    };
}

/// Answers of which only status and body were kept, by name.
fn answers() -> Value {
    serde_json::from_str(include_str!("../recorded/answers.json")).unwrap()
}

/// A recorded answer as it came, without what a server in production mode leaves out.
fn response(exchange: &Value) -> Response {
    let answer = &exchange["response"];
    let status = answer["status"].as_u64().unwrap() as u16;
    let kind = answer["headers"]["Content-Type"].as_str().unwrap_or("application/json");
    match &answer["body"] {
        Value::String(text) if text.is_empty() && answer["headers"]["Content-Type"].is_null() => {
            Response::empty(status)
        }
        Value::String(text) => Response::text(status, kind, text.clone()),
        body => Response::text(status, kind, body.to_string()),
    }
}

/// The error of an answer to a `method` call.
fn judged(method: &'static str, response: &Response) -> passerelle_core::Result<()> {
    Dolibarr.judge(&Request::new(method, "/thirdparties"), response, Timestamp::UNIX_EPOCH)
}

#[test]
fn a_recorded_refusal_names_its_remedy_in_dolibarrs_own_words() {
    let kept = answers();
    for (name, method, kind, words) in [
        ("auth-wrong-key-401", "GET", ErrorKind::Denied, "Unauthorized: Error user not valid"),
        ("rights-missing-403", "GET", ErrorKind::Denied, "Forbidden"),
        ("not-found-404", "GET", ErrorKind::NotFound, "Thirdparty not found"),
        ("thirdparties-list-empty-404", "GET", ErrorKind::NotFound, "No third parties found"),
        ("sqlfilters-syntax-error-400", "GET", ErrorKind::Rejected, "Bad syntax of the search string"),
        ("proposal-create-duplicate-unique-extrafield", "POST", ErrorKind::Rejected, "Duplicate entry 'opp-55'"),
        ("proposal-validate-empty-object-400", "POST", ErrorKind::Rejected, "Expecting integer value"),
    ] {
        let answer = Response::json(kept[name]["status"].as_u64().unwrap() as u16, &kept[name]["body"]);
        let error = judged(method, &answer).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
        assert!(error.fact("dolibarr").unwrap().contains(words), "{name}: {error}");
        assert_eq!(is_duplicate(&error), name.contains("duplicate"), "{name}");
    }
    for (exchange, kind, words) in [
        (recorded!("error-injection-filter-403-html"), ErrorKind::Rejected, "SQL or Script injection protection"),
        (recorded!("payment-wrong-shape-500-empty-body"), ErrorKind::Unavailable, ""),
        (recorded!("proposal-create-concurrent-deadlock-500"), ErrorKind::RateLimited, "Deadlock found"),
        (
            recorded!("thirdparty-create-concurrent-code-race-500"),
            ErrorKind::Rejected,
            "Duplicate value in a unique field",
        ),
        (recorded!("invoice-delete-refused"), ErrorKind::Denied, "Invoice not erasable"),
    ] {
        let error = judged("POST", &response(&exchange)).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.fact("dolibarr").unwrap_or_default().contains(words), "{error}");
        let told = error.to_string();
        assert!(!told.contains('<') && !told.contains("api_"), "no tags, no names of source files: {told}");
    }
    assert!(judged("POST", &response(&recorded!("proposal-validate-again-304"))).is_ok(), "nothing to do");
}

#[test]
fn recorded_invoices_come_to_their_words_sums_and_payments() {
    let told = |exchange: &Value, now: &str| {
        let invoice = Invoice::of(&exchange["response"]["body"], &json!({}), now.parse().unwrap());
        let document = invoice.document();
        ["ref", "status", "total_ttc", "paid", "remaining", "due_date"]
            .map(|name| document[name].as_str().unwrap().to_owned())
    };
    let now = "2026-11-23T12:00:00Z";
    let unpaid = recorded!("invoice-get-validated-unpaid");
    assert_eq!(told(&unpaid, now), ["FA2611-0001", "unpaid", "1625.32", "0.00", "1625.32", "2026-12-23"]);
    assert_eq!(told(&unpaid, "2026-12-24T12:00:00Z")[1], "overdue");
    let part = recorded!("invoice-get-partially-paid");
    assert_eq!(told(&part, now)[1..5], ["partly_paid", "1625.32", "500.00", "1125.32"]);
    let paid = recorded!("invoice-get-paid");
    assert_eq!(told(&paid, now)[1..5], ["paid", "1625.32", "1625.32", "0.00"]);

    let invoice = Invoice::of(&part["response"]["body"], &json!({}), now.parse().unwrap());
    let rows = answers()["invoice-payments-list"]["body"].as_array().unwrap().clone();
    let payments: Vec<Value> = rows.iter().filter_map(|row| invoice.payment(row)).collect();
    assert_eq!(
        payments,
        [json!({ "invoice": "FA2611-0001", "date": "2026-11-23", "amount": "500.00", "type": "VIR", "num": "VIR-1" })]
    );
    let last = sums(&[invoice], &payments).into_iter().find(|(name, _)| *name == "last_payment_date").unwrap().1;
    assert_eq!(last, "2026-11-23");
}

#[test]
fn a_recorded_delivery_hints_at_its_record_or_at_none() {
    for (recorded, hints) in [
        (recorded!("webhook-COMPANY_CREATE"), vec!["thirdparties/202"]),
        (recorded!("webhook-COMPANY_MODIFY"), vec!["thirdparties/201"]),
        (recorded!("webhook-ORDER_VALIDATE"), vec!["orders/61"]),
        (recorded!("webhook-BILL_CREATE"), vec!["orders/61"]),
        // These name no order: the next poll sees what they tell.
        (recorded!("webhook-BILL_VALIDATE"), vec![]),
        (recorded!("webhook-BILL_PAYED"), vec![]),
        (recorded!("webhook-PAYMENT_CUSTOMER_CREATE"), vec![]),
        (recorded!("webhook-PROPAL_VALIDATE"), vec![]),
        (recorded!("webhook-PROPAL_CLOSE_SIGNED"), vec![]),
    ] {
        let delivery = &recorded["delivery"];
        let body = delivery["body"].to_string();
        let delivery = Delivery {
            method: "POST",
            url: "https://hub.example/hook?secret=s3cret",
            headers: &[],
            body: body.as_bytes(),
            received: Timestamp::UNIX_EPOCH,
        };
        let found = webhook::decode(&delivery, &Secret::new("s3cret")).unwrap();
        let found: Vec<String> = found.iter().map(|hint| format!("{}/{}", hint.resource, hint.id)).collect();
        assert_eq!(found, hints, "{}", recorded["delivery"]["body"]["triggercode"]);
    }
}

/// Asks the stand-in the recorded request; status and JSON type must be the recorded ones.
fn replay(server: &mut Server, exchange: &Value) -> Value {
    let asked = &exchange["request"];
    let (path, query) =
        asked["path"].as_str().unwrap().split_once('?').unwrap_or((asked["path"].as_str().unwrap(), ""));
    let method = ["GET", "POST", "PUT", "DELETE"].into_iter().find(|method| asked["method"] == *method).unwrap();
    let path = path.strip_prefix("/api/index.php").unwrap();
    let mut request = match &asked["body"] {
        Value::Null => Request::new(method, path),
        body => Request { method, ..Request::post(path, body.clone()) },
    };
    request.query = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let answer = server.send(request);
    let told = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(exchange["response"]["status"], answer.status, "{path} {told}");
    let ours = serde_json::from_slice(&answer.body).unwrap_or_else(|_| json!(told));
    let theirs = &exchange["response"]["body"];
    assert_eq!(std::mem::discriminant(&ours), std::mem::discriminant(theirs), "{path} {told}");
    ours
}

fn keys(value: &Value) -> Vec<&String> {
    value.as_object().unwrap().keys().collect::<std::collections::BTreeSet<_>>().into_iter().collect()
}

/// An installation with the recorded third party, products, proposal, and the order and invoice made of it.
fn traded() -> Server {
    let mut server = Server::bare();
    replay(&mut server, &recorded!("thirdparty-create"));
    for (reference, label, kind) in [("APL-001", "Apples", 0), ("SVC-001", "Advice", 1)] {
        server.post("/products", json!({ "ref": reference, "label": label, "type": kind, "price": 100, "tva_tx": 20 }));
    }
    let made = replay(&mut server, &recorded!("proposal-create-with-lines"));
    server.send(Request::new("POST", format!("/proposals/{made}/validate")));
    server.post(&format!("/orders/createfromproposal/{made}"), json!({}));
    server.send(Request::new("POST", "/orders/1/validate"));
    server.post("/invoices/createfromorder/1", json!({}));
    server.send(Request::new("POST", "/invoices/1/validate"));
    server
}

#[test]
fn an_invoice_is_paid_in_parts_with_the_recorded_sums() {
    let mut server = traded();
    let check = |server: &mut Server, exchange: &Value| {
        let (ours, theirs) = (server.get("/invoices/1"), &exchange["response"]["body"]);
        for name in
            ["ref", "statut", "paye", "total_ht", "total_tva", "total_ttc", "totalpaid", "sumpayed", "remaintopay"]
        {
            assert_eq!(ours[name], theirs[name], "{name}");
        }
        for name in ["totalcreditnotes", "close_code", "type"] {
            assert_eq!(ours[name], theirs[name], "{name}");
        }
        assert_eq!(keys(&ours), keys(theirs));
    };
    check(&mut server, &recorded!("invoice-get-validated-unpaid"));
    replay(&mut server, &recorded!("payment-partial"));
    check(&mut server, &recorded!("invoice-get-partially-paid"));
    let rows = server.get("/invoices/1/payments");
    let kept = answers();
    let theirs = &kept["invoice-payments-list"]["body"][0];
    assert_eq!(keys(&rows[0]), keys(theirs));
    for name in ["amount", "type", "typeline", "num", "ref", "ref_ext"] {
        assert_eq!(rows[0][name], theirs[name], "{name}");
    }
    replay(&mut server, &recorded!("payment-remaining-closes"));
    check(&mut server, &recorded!("invoice-get-paid"));
    replay(&mut server, &recorded!("invoice-delete-refused"));
    let mut wrong = recorded!("payment-wrong-shape-500-empty-body");
    wrong["request"]["body"]["arrayofamounts"] = json!({ "1": "5" });
    replay(&mut server, &wrong);
    let listed = replay(&mut server, &recorded!("invoices-list-properties"));
    assert_eq!(keys(&listed[0]), keys(&recorded!("invoices-list-properties")["response"]["body"][0]));
}

#[test]
fn a_credit_note_becomes_the_recorded_discount() {
    let mut server = traded();
    let mut note = recorded!("credit-note-create");
    note["request"]["body"]["fk_facture_source"] = json!(1);
    let made = replay(&mut server, &note);
    for step in ["validate", "markAsCreditAvailable"] {
        server.send(Request::new("POST", format!("/invoices/{made}/{step}")));
    }
    let request = Request::get("/thirdparties/1/fixedamountdiscounts").query("filter", "available");
    let ours: Value = server.send(request).parse().unwrap();
    let kept = answers();
    let theirs = &kept["thirdparty-available-discounts"]["body"][0];
    assert_eq!(keys(&ours[0]), keys(theirs));
    for name in ["ref", "factype", "amount_ht", "amount_tva", "amount_ttc", "description", "fk_facture"] {
        assert_eq!(ours[0][name], theirs[name], "{name}");
    }
}

#[test]
fn creates_answer_an_id_and_lists_the_recorded_shapes() {
    let mut server = traded();
    replay(&mut server, &recorded!("contact-create"));
    replay(&mut server, &recorded!("order-create-direct"));
    replay(&mut server, &recorded!("webhook-target-create"));
    let mut invoice = recorded!("invoice-create-direct");
    invoice["request"]["body"]["linked_objects"]["commande"] = json!(1);
    replay(&mut server, &invoice);
    replay(&mut server, &recorded!("thirdparty-create"));
    let mut again = recorded!("proposal-validate-again-304");
    again["request"]["path"] = json!("/api/index.php/proposals/1/validate");
    replay(&mut server, &again);
    let exchange = recorded!("thirdparties-search-ref-ext");
    let found = replay(&mut server, &exchange);
    assert_eq!(found.as_array().unwrap().len(), 2, "a reference is not unique: {found}");
    assert_eq!(keys(&found[0]), keys(&exchange["response"]["body"][0]));
    // Everything here was made a few minutes before what was recorded.
    let mut exchange = recorded!("thirdparties-changed-since");
    let path = exchange["request"]["path"].as_str().unwrap().replace("09%3A40%3A00", "09%3A30%3A00");
    exchange["request"]["path"] = json!(path);
    let changed = replay(&mut server, &exchange);
    assert_eq!(keys(&changed), keys(&exchange["response"]["body"]));
    assert_eq!(keys(&changed["data"][0]), keys(&exchange["response"]["body"]["data"][0]));
    assert_eq!(changed["pagination"]["total"], 2, "{changed}");
    let kept = answers();
    let request = Request::get("/thirdparties").query("limit", "2").query("pagination_data", "true");
    let paged: Value = server.send(request.query("properties", "id,name")).parse().unwrap();
    let theirs = &kept["thirdparties-list-pagination"]["body"];
    assert_eq!(
        (keys(&paged["pagination"]), keys(&paged["data"][0])),
        (keys(&theirs["pagination"]), keys(&theirs["data"][0]))
    );
    let deleted: Value = server.send(Request::new("DELETE", "/thirdparties/2")).parse().unwrap();
    assert_eq!(deleted, kept["thirdparty-delete"]["body"]);
    server.control("settings", json!({ "denied": ["thirdparties:read"] }));
    let refused = server.send(Request::get("/thirdparties"));
    assert_eq!(json!(refused.status), kept["rights-missing-403"]["status"]);
    assert_eq!(refused.parse::<Value>().unwrap(), kept["rights-missing-403"]["body"]);
}
