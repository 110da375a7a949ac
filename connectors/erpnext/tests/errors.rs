//! Recorded refusals: each becomes the kind that names the remedy, in the site's own sentence.

use passerelle_core::ErrorKind;
use passerelle_core::clock::Timestamp;
use passerelle_core::http::{Dialect as _, Request, Response};
use serde_json::Value;

use super::super::dialect::Frappe;

fn check(recorded: &str, kind: ErrorKind, sentence: &str) {
    let exchange: Value = serde_json::from_str(recorded).unwrap();
    let status = exchange["response"]["status"].as_u64().unwrap() as u16;
    let response = Response::json(status, &exchange["response"]["body"]);
    let methods = ["GET", "POST", "PUT", "PATCH"];
    let method = methods.into_iter().find(|method| exchange["request"]["method"] == *method).unwrap();
    let request = Request::new(method, "/api/resource/Customer");
    let error = Frappe.judge(&request, &response, Timestamp::UNIX_EPOCH).unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert_eq!(error.fact("erpnext").unwrap_or_default(), sentence);
    let told = error.to_string();
    assert!(!told.contains("raceback") && !told.contains('<') && !told.contains("frappe.exceptions"), "{told}");
}

macro_rules! recorded {
    ($name:literal) => {
        include_str!(concat!("../recorded/", $name, ".json"))
    };
}

#[test]
fn a_recorded_refusal_names_its_remedy_and_says_the_sites_own_sentence() {
    check(recorded!("error-401-bad-token"), ErrorKind::Denied, "");
    check(
        recorded!("error-403-permission"),
        ErrorKind::Denied,
        "User limited@example.test does not have doctype access via role permission for document Webhook User \
         limited@example.test does not have access to this document",
    );
    check(recorded!("error-404-does-not-exist"), ErrorKind::NotFound, "Customer NOPE not found");
    check(recorded!("error-409-duplicate-name"), ErrorKind::Rejected, "Item HUB-SVC-01 already exists");
    check(recorded!("error-417-mandatory"), ErrorKind::Rejected, "Error: Value missing for Customer: Customer Name");
    check(recorded!("error-unique-custom-field"), ErrorKind::Rejected, "Hub External ID must be unique");
    check(
        recorded!("error-update-after-submit"),
        ErrorKind::Rejected,
        "Not allowed to change Valid Till after submission from 2026-12-20 to 2026-12-31",
    );
    check(recorded!("rate-limit-429"), ErrorKind::RateLimited, "");
    check(
        recorded!("error-cancel-linked"),
        ErrorKind::Rejected,
        "Cannot delete or cancel because Sales Order SAL-ORD-2026-00001 is linked with Sales Invoice ACC-SINV-2026-00003",
    );
    check(
        recorded!("error-417-mapped-order-stale-payment-schedule"),
        ErrorKind::Rejected,
        "Row 1: Due Date in the Payment Terms table cannot be before Posting Date",
    );
    check(recorded!("bulk-insert-many-one-bad"), ErrorKind::Rejected, "Hub External ID must be unique");
}

#[test]
fn a_stale_document_is_read_again_in_both_versions_of_the_api() {
    let sentence = |second: &str| {
        format!(
            "Error: Document has been modified after you have opened it (2026-11-23 10:44:05.502695, {second}). Please \
             refresh to get the latest document."
        )
    };
    check(recorded!("error-stale-modified-v1"), ErrorKind::Stale, &sentence("2026-11-23 10:44:05.570278"));
    check(recorded!("v2-error-stale-modified"), ErrorKind::Stale, &sentence("2026-11-23 10:44:05.590823"));
}

#[test]
fn a_page_of_another_server_is_never_taken_for_an_answer_of_the_site() {
    let judged = |status: u16| {
        let page = Response::text(status, "text/html", "<html><h1>Sorry</h1></html>");
        Frappe.judge(&Request::get("/api/resource/Customer"), &page, Timestamp::UNIX_EPOCH).unwrap_err().kind()
    };
    let kinds = [200, 302, 404, 429, 500, 502].map(judged);
    use ErrorKind::{Config, RateLimited, Unavailable};
    assert_eq!(kinds, [Unavailable, Config, Config, RateLimited, Unavailable, Unavailable]);
}

#[test]
fn an_unknown_item_is_a_refused_order_and_not_a_missing_one() {
    let body = serde_json::json!({ "exc_type": "DoesNotExistError" });
    let kind = |request: Request| {
        Frappe.judge(&request, &Response::json(404, &body), Timestamp::UNIX_EPOCH).unwrap_err().kind()
    };
    assert_eq!(kind(Request::post("/api/resource/Sales%20Order", Value::Null)), ErrorKind::Rejected);
    assert_eq!(kind(Request::get("/api/resource/Sales%20Order/x")), ErrorKind::NotFound);
}
