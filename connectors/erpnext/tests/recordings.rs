//! Recorded exchanges that are no part of a sale: masters, lists, deletions, set-up, refusals. Of what the connector does
//! not speak (OAuth, opportunities) no recording is kept here.

use passerelle_core::emulator::Emulator as _;
use serde_json::{Value, json};

use super::super::emulator::Emulator;
use super::site;
use super::stand_in::{Server, alike, refused};

/// Fields in any order: both sides tell the same ones.
fn same_fields(ours: &Value, theirs: &Value) {
    let names = |value: &Value| {
        let mut names: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        names.sort();
        names
    };
    assert_eq!(names(ours), names(theirs));
}

#[test]
fn an_address_and_a_contact_are_numbered_linked_and_told_with_their_tables() {
    let mut server = Server::new();
    let exchange = recorded!("address-create");
    // One of that name was there before.
    server.replay(&exchange);
    let (ours, theirs) = server.both(&exchange);
    same_fields(&ours, &theirs);
    alike(&ours, &theirs, &["name", "address_type", "city", "country", "pincode", "is_primary_address", "disabled"]);
    let link = ["link_doctype", "link_name", "link_title", "idx", "parent", "parenttype"];
    alike(&ours["links"][0], &theirs["links"][0], &link);

    let exchange = recorded!("contact-create");
    server.replay(&exchange);
    let (ours, theirs) = server.both(&exchange);
    let same = ["name", "first_name", "last_name", "full_name", "email_id", "phone", "mobile_no", "status"];
    alike(&ours, &theirs, &same);
    for (table, row) in [("email_ids", 0), ("phone_nos", 0), ("phone_nos", 1), ("links", 0)] {
        let same = ["email_id", "is_primary", "phone", "is_primary_phone", "is_primary_mobile_no", "link_name", "idx"];
        alike(&ours[table][row], &theirs[table][row], &same);
    }
}

#[test]
fn a_key_is_stored_by_a_partial_update_and_found_again() {
    let mut server = Server::new();
    let (ours, theirs) = server.both(&recorded!("customer-update"));
    alike(&ours, &theirs, &["name", "customer_name", "hub_external_id", "disabled", "docstatus", "accounts"]);
    assert!(ours["modified"].as_str() > ours["creation"].as_str(), "a change moves `modified`: {ours}");
    let (ours, theirs) = server.both(&recorded!("customer-find-by-external-id"));
    assert_eq!(ours.as_array().unwrap().len(), 1);
    same_fields(&ours[0], &theirs[0]);
    alike(&ours[0], &theirs[0], &["name", "hub_external_id"]);
    server.send("POST", "/api/resource/Customer", json!({ "customer_name": "Bulk A", "hub_external_id": "b-a" }));
    server.refuses(&recorded!("bulk-insert-many-one-bad"));
    let kept = server.send("GET", "/api/resource/Customer/Bulk%20C", Value::Null);
    assert_eq!(kept.status, 404, "one bad document keeps the others out");
}

#[test]
fn a_stale_update_tells_the_documents_instant_and_that_of_the_attempt() {
    let mut server = Server::new();
    for exchange in [recorded!("error-stale-modified-v1"), recorded!("v2-error-stale-modified")] {
        let body: Value = server.replay(&exchange).parse().unwrap();
        same_fields(&body, &exchange["response"]["body"]);
        let told = |body: &Value| {
            let v2 = &body["errors"][0];
            if v2.is_null() { body["exception"].clone() } else { v2["message"].clone() }.as_str().unwrap().to_owned()
        };
        let (ours, theirs) = (told(&body), told(&exchange["response"]["body"]));
        let sent = exchange["request"]["body"]["modified"].as_str().unwrap();
        assert!(!ours.contains(sent) && !theirs.contains(sent), "{ours}");
        let shape = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
        assert_eq!(shape(&ours), shape(&theirs));
    }
}

#[test]
fn a_price_a_custom_field_and_a_webhook_are_answered_as_they_were_recorded() {
    let mut server = Server::with(&site());
    let (ours, theirs) = server.both(&recorded!("item-price-create"));
    let same = ["item_code", "price_list", "price_list_rate", "uom", "selling", "buying", "currency", "valid_from"];
    alike(&ours, &theirs, &same);
    let again = refused(&server.replay(&{
        let mut again = recorded!("item-price-create");
        again["response"]["status"] = json!(417);
        again
    }));
    assert_eq!(again.1, "ItemPriceDuplicateItem");

    let exchange = recorded!("custom-field-create");
    let (ours, theirs) = server.both(&exchange);
    alike(&ours, &theirs, &["name", "dt", "fieldname", "label", "fieldtype", "unique", "no_copy", "reqd", "hidden"]);
    let again = server.send("POST", "/api/resource/Custom%20Field", exchange["request"]["body"].clone());
    let again = refused(&again);
    assert!(again.0 == 417 && again.2.contains("already exists"), "{again:?}");

    let (ours, theirs) = server.both(&recorded!("webhook-create"));
    let same =
        ["name", "webhook_doctype", "webhook_docevent", "enabled", "request_url", "request_structure", "timeout"];
    alike(&ours, &theirs, &[&same[..], &["enable_security", "webhook_secret", "webhook_json"]].concat());
    alike(&ours["webhook_headers"][0], &theirs["webhook_headers"][0], &["key", "value", "parent"]);
}

#[test]
fn a_cancelled_document_is_deleted_and_told_among_the_deleted_ones() {
    let mut server = Server::new();
    server.replay(&recorded!("quotation-create-draft"));
    let mut second = recorded!("quotation-create-draft")["request"]["body"].clone();
    second["hub_external_id"] = json!("crm-quote-5002");
    server.send("POST", "/api/resource/Quotation", second);
    let path = "/api/resource/Quotation/SAL-QTN-2026-00002";
    server.send("PUT", path, json!({ "docstatus": 1 }));
    let submitted = refused(&server.send("DELETE", path, Value::Null));
    assert_eq!((submitted.0, submitted.1.as_str()), (417, "ValidationError"));
    server.send("PUT", path, json!({ "docstatus": 2 }));
    let (ours, theirs) = server.both(&recorded!("delete-cancelled"));
    assert_eq!(ours, theirs);
    let (ours, theirs) = server.both(&recorded!("deleted-documents"));
    assert_eq!(ours.as_array().unwrap().len(), 1);
    same_fields(&ours[0], &theirs[0]);
    alike(&ours[0], &theirs[0], &["deleted_doctype", "deleted_name", "owner", "restored"]);
}

#[test]
fn changed_invoices_are_listed_with_their_nulls_a_return_before_what_it_credits() {
    let mut server = Server::new();
    let invoice = |qty: i64, day: &str, due: &str| {
        let vat = json!([{ "charge_type": "On Net Total", "account_head": "TVA collectee 20% - ADS", "description": "TVA 20%", "rate": 20 }]);
        json!({
            "customer": "Boulangerie Éclair SARL", "set_posting_time": 1, "posting_date": day, "due_date": due,
            "items": [{ "item_code": "HUB-SVC-01", "qty": qty, "rate": 850 }], "taxes": vat, "docstatus": 1,
        })
    };
    let first: Value =
        server.send("POST", "/api/resource/Sales%20Invoice", invoice(2, "2026-11-23", "2026-12-30")).parse().unwrap();
    server.control("credit_note", json!({ "invoice": first["data"]["name"] }));
    server.send("POST", "/api/resource/Sales%20Invoice", invoice(1, "2026-09-01", "2026-09-30"));
    // The recorded site had other invoices before, from which its filter begins.
    let mut exchange = recorded!("list-changed-since");
    let path = exchange["request"]["path"].as_str().unwrap().replace("10%3A49%3A00.000000", "00%3A00%3A00.000000");
    exchange["request"]["path"] = json!(path);
    let (ours, theirs) = server.both(&exchange);
    assert_eq!(ours.as_array().unwrap().len(), 3);
    for (row, recorded) in ours.as_array().unwrap().iter().zip(theirs.as_array().unwrap()) {
        same_fields(row, recorded);
        alike(row, recorded, &["status", "outstanding_amount", "grand_total", "docstatus", "due_date"]);
        assert_eq!(row["return_against"].is_null(), recorded["return_against"].is_null());
    }
}

#[test]
fn who_may_not_and_who_asks_too_much_is_refused_in_the_recorded_shape() {
    let exchange = recorded!("error-401-bad-token");
    let path = exchange["request"]["path"].as_str().unwrap();
    let mut server = Server::new();
    let response = server.send_as("token erpnext-key:wrong", "GET", path, Value::Null);
    let body: Value = response.parse().unwrap();
    assert_eq!(exchange["response"]["status"], response.status);
    same_fields(&body, &exchange["response"]["body"]);
    alike(&body, &exchange["response"]["body"], &["exc_type", "exception"]);

    server.control("settings", json!({ "denied": ["Webhook:create"] }));
    let exchange = recorded!("error-403-permission");
    let response = server.replay(&exchange);
    let body: Value = response.parse().unwrap();
    same_fields(&body, &exchange["response"]["body"]);
    alike(&body, &exchange["response"]["body"], &["exc_type", "exception", "_error_message"]);
    let theirs = refused(&passerelle_core::http::Response::json(403, &exchange["response"]["body"]));
    let sentence = theirs.2.replace("limited@example.test", "hub@example.test");
    assert_eq!(refused(&response), (theirs.0, theirs.1, sentence));

    let exchange = recorded!("rate-limit-429");
    let limited = Emulator::new().refusal(429);
    let body: Value = limited.parse().unwrap();
    same_fields(&body, &exchange["response"]["body"]);
    alike(&body, &exchange["response"]["body"], &["exc_type", "exception"]);
    let header = |one: &Value| one[0].as_str().unwrap().to_owned();
    let theirs: Vec<String> = exchange["response"]["headers"].as_array().unwrap().iter().map(header).collect();
    for name in theirs.iter().filter(|name| name.starts_with("X-RateLimit") || *name == "Retry-After") {
        assert!(limited.header(name).is_some(), "{name}");
    }
}

#[test]
fn two_joined_tables_are_not_ordered_by_a_column_that_both_have() {
    let mut server = Server::new();
    let list = |fields: &str| format!("/api/resource/Contact?fields={fields}&order_by=name%20asc");
    let refused = server.send("GET", &list("%5B%22links.link_name%22%5D"), Value::Null);
    let body: Value = refused.parse().unwrap();
    assert_eq!((refused.status, &body["exc_type"]), (500, &json!("OperationalError")), "{body}");
    assert!(body["exception"].as_str().unwrap().contains("Column 'name' in order clause is ambiguous"), "{body}");
    let answered = server.send("GET", &list("%5B%22name%22%2C%22links.link_name%22%5D"), Value::Null);
    assert_eq!(answered.status, 200);
}
