//! One sale as it was recorded, from the quotation to the credit note: every step asked of the stand-in in the recorded
//! order, and answered with the recorded sums, words, names and types.

use serde_json::{Value, json};

use super::super::orders::INVOICE;
use super::stand_in::{Server, alike, refused};

/// What the connector reads of an invoice must be there where the recorded one has it, as the same type.
fn invoice_alike(ours: &Value, theirs: &Value, same: &[&str]) {
    for name in INVOICE {
        let told = |document: &Value| document.get(name).is_some_and(|value| !value.is_null());
        assert_eq!(told(ours), told(theirs), "{name} of {ours}");
    }
    alike(ours, theirs, same);
    for (row, recorded) in rows(ours, "items").zip(rows(theirs, "items")) {
        alike(row, recorded, &["item_code", "qty", "rate", "amount", "net_rate", "net_amount", "sales_order"]);
    }
    assert_eq!(rows(ours, "items").count(), rows(theirs, "items").count());
    for (row, recorded) in rows(ours, "taxes").zip(rows(theirs, "taxes")) {
        alike(row, recorded, &["charge_type", "account_head", "rate", "tax_amount", "total"]);
    }
    assert_eq!(rows(ours, "payment_schedule").count(), rows(theirs, "payment_schedule").count());
}

fn rows<'a>(document: &'a Value, table: &str) -> impl Iterator<Item = &'a Value> {
    document[table].as_array().into_iter().flatten()
}

/// What an invoice's state, sums and dates are told in.
const TOLD: [&str; 16] = [
    "name",
    "docstatus",
    "status",
    "posting_date",
    "due_date",
    "currency",
    "party_account_currency",
    "conversion_rate",
    "total",
    "net_total",
    "discount_amount",
    "total_taxes_and_charges",
    "grand_total",
    "rounded_total",
    "outstanding_amount",
    "is_return",
];

/// A site where the recorded quotation is submitted.
fn quoted() -> Server {
    let mut server = Server::new();
    server.replay(&recorded!("quotation-create-draft"));
    submit(&mut server, "Quotation", "SAL-QTN-2026-00001");
    server
}

/// And ordered, under the recorded number.
fn ordered() -> Server {
    let mut server = quoted();
    let mut order = recorded!("error-417-mapped-order-stale-payment-schedule")["request"]["body"].clone();
    order["payment_schedule"] = json!([]);
    order["delivery_date"] = json!("2026-12-20");
    server.send("POST", "/api/resource/Sales%20Order", order);
    submit(&mut server, "Sales Order", "SAL-ORD-2026-00001");
    server
}

/// And billed: a draft.
fn billed() -> Server {
    let mut server = ordered();
    let method = "/api/method/erpnext.selling.doctype.sales_order.sales_order.make_sales_invoice";
    let mapped: Value = server.send("POST", method, json!({ "source_name": "SAL-ORD-2026-00001" })).parse().unwrap();
    let mut invoice = mapped["message"].clone();
    invoice["hub_external_id"] = json!("crm-inv-1");
    server.send("POST", "/api/resource/Sales%20Invoice", invoice);
    server
}

/// And paid in two parts, of which the second was cancelled.
fn paid_in_part() -> Server {
    let mut server = billed();
    server.replay(&recorded!("sales-invoice-submit"));
    server.replay(&recorded!("payment-entry-create"));
    submit(&mut server, "Payment Entry", "ACC-PAY-2026-00001");
    assert_eq!(state_of_invoice(&mut server), (json!("Partly Paid"), json!(3791.69)));
    let (mut second, _) = server.both(&recorded!("mapper-get-payment-entry"));
    second["reference_no"] = json!("VIR-0002");
    server.send("POST", "/api/resource/Payment%20Entry", second);
    submit(&mut server, "Payment Entry", "ACC-PAY-2026-00002");
    assert_eq!(state_of_invoice(&mut server), (json!("Paid"), json!(0.0)));
    server
}

fn submit(server: &mut Server, doctype: &str, name: &str) {
    let path = format!("/api/resource/{}/{name}", doctype.replace(' ', "%20"));
    let response = server.send("PUT", &path, json!({ "docstatus": 1 }));
    assert_eq!(response.status, 200, "{}", String::from_utf8_lossy(&response.body));
}

fn state_of_invoice(server: &mut Server) -> (Value, Value) {
    let shown = server.control("show", json!({ "type": "invoices", "id": "ACC-SINV-2026-00001" }));
    (shown["status"].clone(), shown["outstanding_amount"].clone())
}

#[test]
fn a_submitted_quotation_is_locked_and_becomes_an_order_that_is_not_saved() {
    let mut server = quoted();
    server.refuses(&recorded!("error-update-after-submit"));
    let (ours, theirs) = server.both(&recorded!("mapper-make-sales-order"));
    let same =
        ["customer", "transaction_date", "title", "docstatus", "net_total", "grand_total", "__islocal", "doctype"];
    alike(&ours, &theirs, &same);
    assert_eq!(rows(&ours, "items").count(), rows(&theirs, "items").count());
    for (row, recorded) in rows(&ours, "items").zip(rows(&theirs, "items")) {
        alike(row, recorded, &["item_code", "qty", "rate", "prevdoc_docname"]);
        assert!(row["quotation_item"].is_string(), "{row}");
    }
    for document in [&ours, &theirs] {
        assert!(document.get("name").is_none() && document.get("delivery_date").is_none(), "{document}");
        assert_eq!(document["payment_schedule"][0]["due_date"], "2026-11-20", "the quotation's own day");
    }
    server.refuses(&recorded!("error-417-mapped-order-stale-payment-schedule"));
}

#[test]
fn an_order_becomes_an_invoice_and_cannot_be_cancelled_any_more() {
    let mut server = billed();
    let (ours, theirs) = server.both(&recorded!("sales-invoice-submit"));
    invoice_alike(&ours, &theirs, &[&TOLD[..], &["hub_external_id", "title", "paid_amount"]].concat());
    let exchange = recorded!("error-cancel-linked");
    let ours = refused(&server.replay(&exchange));
    let theirs = refused(&passerelle_core::http::Response::json(417, &exchange["response"]["body"]));
    // By then the recorded site had another invoice of the order.
    assert_eq!(ours, (theirs.0, theirs.1, theirs.2.replace("ACC-SINV-2026-00003", "ACC-SINV-2026-00001")));
    let (ours, theirs) = server.both(&recorded!("list-with-child-table-fields"));
    assert_eq!(ours.as_array().unwrap().len(), 3, "a page counts the joined rows: {ours}");
    for (row, recorded) in ours.as_array().unwrap().iter().zip(theirs.as_array().unwrap()) {
        assert!(row.as_object().unwrap().keys().eq(recorded.as_object().unwrap().keys()), "{row}");
        alike(row, recorded, &[]);
    }
}

#[test]
fn payments_come_and_one_goes_again() {
    let mut server = billed();
    server.replay(&recorded!("sales-invoice-submit"));
    let (ours, theirs) = server.both(&recorded!("mapper-get-payment-entry"));
    let same = ["payment_type", "posting_date", "party", "paid_amount", "received_amount", "reference_date", "status"];
    alike(&ours, &theirs, &[&same[..], &["total_allocated_amount", "unallocated_amount", "__islocal"]].concat());
    let of_rows = ["reference_doctype", "reference_name", "due_date", "total_amount", "outstanding_amount"];
    let of_rows = [&of_rows[..], &["allocated_amount", "docstatus", "idx"]].concat();
    alike(&ours["references"][0], &theirs["references"][0], &of_rows);
    let (ours, theirs) = server.both(&recorded!("payment-entry-create"));
    let same =
        [&same[..], &["name", "docstatus", "reference_no", "total_allocated_amount", "unallocated_amount"]].concat();
    let same = [&same[..], &["hub_external_id", "title", "difference_amount"]].concat();
    alike(&ours, &theirs, &same);
    alike(&ours["references"][0], &theirs["references"][0], &of_rows);

    let mut server = paid_in_part();
    let (ours, theirs) = server.both(&recorded!("payments-of-an-invoice"));
    let sorted = |rows: &Value| {
        let mut rows = rows.as_array().unwrap().clone();
        rows.sort_by_key(|row| row["name"].to_string());
        rows
    };
    assert_eq!(sorted(&ours), sorted(&theirs), "without an order they come in any");
    let (ours, theirs) = server.both(&recorded!("payment-entry-cancel"));
    alike(&ours, &theirs, &["name", "docstatus", "status", "paid_amount", "total_allocated_amount", "reference_no"]);
    alike(&ours["references"][0], &theirs["references"][0], &["reference_name", "allocated_amount", "docstatus"]);
    assert_eq!(state_of_invoice(&mut server), (json!("Partly Paid"), json!(3791.69)));
}

#[test]
fn an_invoice_with_payments_is_cancelled_amended_and_credited() {
    let mut server = paid_in_part();
    server.replay(&recorded!("payment-entry-cancel"));
    let (ours, theirs) = server.both(&recorded!("sales-invoice-cancel-linked"));
    invoice_alike(&ours, &theirs, &TOLD);
    let payment = server.control("show", json!({ "type": "payments", "id": "ACC-PAY-2026-00001" }));
    assert_eq!((&payment["docstatus"], &payment["unallocated_amount"]), (&json!(1), &json!(2000.0)));
    let (ours, theirs) = server.both(&recorded!("sales-invoice-amend"));
    invoice_alike(&ours, &theirs, &[&TOLD[..], &["amended_from", "set_posting_time"]].concat());
    submit(&mut server, "Sales Invoice", "ACC-SINV-2026-00001-1");
    let exchange = recorded!("credit-note-create");
    let said: Value = server.replay(&exchange).parse().unwrap();
    invoice_alike(
        &said["data"],
        &exchange["response"]["body"]["data"],
        &[&TOLD[..], &["return_against", "update_outstanding_for_self", "additional_discount_percentage"]].concat(),
    );
    let notice = "is made against";
    for body in [&said, &exchange["response"]["body"]] {
        assert!(body["_server_messages"].as_str().unwrap().contains(notice), "{body}");
    }
}
