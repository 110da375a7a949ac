//! Invoices and payments: what is outstanding, and what word a site has for it.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::values::{Doc, amount, decimal, int, number, rows, set, text};

/// Fills in and refuses a payment.
pub(super) fn validate(site: &Site, doc: &mut Doc, now: Timestamp) -> Reply<()> {
    if text(doc, "posting_date").is_empty() {
        set(doc, "posting_date", site.today(now));
    }
    if text(doc, "company").is_empty()
        && let Some(company) = site.all("Company").next()
    {
        set(doc, "company", text(company, "name").to_owned());
    }
    let paid = amount(doc, "paid_amount");
    if amount(doc, "received_amount").is_zero() {
        set(doc, "received_amount", number(paid));
    }
    if text(doc, "paid_to_account_type") == "Bank"
        && (text(doc, "reference_no").is_empty() || text(doc, "reference_date").is_empty())
    {
        return Err(Refusal::invalid("Reference No and Reference Date is mandatory for Bank transaction"));
    }
    let mut allocated = Decimal::ZERO;
    for (place, row) in rows(doc, "references").enumerate() {
        let name = text(row, "reference_name");
        let Some(invoice) = site.get(text(row, "reference_doctype"), name) else {
            return Err(Refusal::missing(text(row, "reference_doctype"), name));
        };
        let part = amount(row, "allocated_amount");
        if text(row, "reference_doctype") == "Sales Invoice" && part > amount(invoice, "outstanding_amount") {
            let message = format!("Row #{}: Allocated Amount cannot be greater than outstanding amount.", place + 1);
            return Err(Refusal::invalid(message));
        }
        allocated += part;
    }
    if allocated > paid {
        return Err(Refusal::invalid("Total Allocated Amount cannot be greater than Paid Amount"));
    }
    set(doc, "total_allocated_amount", number(allocated));
    set(doc, "unallocated_amount", number(paid - allocated));
    set(doc, "status", "Draft");
    set(doc, "title", text(doc, "party").to_owned());
    Ok(())
}

pub(super) fn submitted(site: &mut Site, doctype: &str, name: &str, now: Timestamp) -> Reply<()> {
    let Some(mut doc) = site.get(doctype, name).cloned() else { return Ok(()) };
    match doctype {
        "Payment Entry" => {
            set(&mut doc, "status", "Submitted");
            site.put(doctype, doc.clone());
            allocate(site, &doc, Decimal::ONE, now);
        }
        "Sales Invoice" => {
            let against = text(&doc, "return_against").to_owned();
            if int(&doc, "is_return") == 1 {
                set(&mut doc, "status", "Return");
                if int(&doc, "update_outstanding_for_self") == 0 {
                    let credit = amount(&doc, "outstanding_amount");
                    set(&mut doc, "outstanding_amount", number(Decimal::ZERO));
                    // Kept first: the word for the invoice depends on it.
                    site.put(doctype, doc.clone());
                    settle(site, &against, credit, now);
                }
            } else {
                let word = word(site, &doc, now);
                set(&mut doc, "status", word);
            }
            site.put(doctype, doc);
        }
        _ => {}
    }
    Ok(())
}

pub(super) fn cancelled(site: &mut Site, doctype: &str, name: &str, now: Timestamp) {
    let Some(doc) = site.get(doctype, name).cloned() else { return };
    match doctype {
        "Payment Entry" => allocate(site, &doc, -Decimal::ONE, now),
        "Sales Invoice" => loosen(site, name, now),
        _ => {}
    }
}

/// Takes what a payment allocates off its invoices, or puts it back.
fn allocate(site: &mut Site, payment: &Doc, sign: Decimal, now: Timestamp) {
    let parts: Vec<(String, Decimal)> = rows(payment, "references")
        .filter(|row| text(row, "reference_doctype") == "Sales Invoice")
        .map(|row| (text(row, "reference_name").to_owned(), amount(row, "allocated_amount")))
        .collect();
    for (invoice, part) in parts {
        settle(site, &invoice, -part * sign, now);
    }
}

/// Changes what is outstanding on an invoice, and the word for it.
fn settle(site: &mut Site, invoice: &str, by: Decimal, now: Timestamp) {
    let Some(mut doc) = site.get("Sales Invoice", invoice).cloned() else { return };
    let left = amount(&doc, "outstanding_amount") + by;
    set(&mut doc, "outstanding_amount", number(left));
    let word = word(site, &doc, now);
    set(&mut doc, "status", word);
    site.touch("Sales Invoice", doc, now);
    let doc = site.get("Sales Invoice", invoice).cloned().unwrap_or_default();
    site.happened("Sales Invoice", "on_change", &doc);
}

/// A cancelled invoice's payments stay, allocated to nothing.
fn loosen(site: &mut Site, invoice: &str, now: Timestamp) {
    let of = |one: &&Doc| rows(one, "references").any(|row| text(row, "reference_name") == invoice);
    let payments: Vec<Doc> =
        site.all("Payment Entry").filter(|one| int(one, "docstatus") == 1).filter(of).cloned().collect();
    for mut payment in payments {
        let table = payment.get_mut("references").and_then(Value::as_array_mut);
        let mut freed = Decimal::ZERO;
        if let Some(table) = table {
            table.retain(|row| {
                let here = row["reference_name"] == json!(invoice);
                freed += if here { decimal(row.get("allocated_amount")) } else { Decimal::ZERO };
                !here
            });
        }
        for (field, by) in [("unallocated_amount", freed), ("total_allocated_amount", -freed)] {
            let sum = amount(&payment, field) + by;
            set(&mut payment, field, number(sum));
        }
        site.touch("Payment Entry", payment, now);
    }
}

/// The word for a submitted invoice.
pub(super) fn word(site: &Site, doc: &Doc, now: Timestamp) -> &'static str {
    let (left, total) = (amount(doc, "outstanding_amount"), amount(doc, "grand_total"));
    let credited = |one: &&Doc| {
        text(one, "return_against") == text(doc, "name")
            && int(one, "docstatus") == 1
            && amount(one, "outstanding_amount").is_zero()
    };
    if left <= Decimal::ZERO {
        let by_credit = site.all("Sales Invoice").any(|one| credited(&one)) && paid(site, text(doc, "name")).is_zero();
        return if by_credit { "Credit Note Issued" } else { "Paid" };
    }
    if text(doc, "due_date") < site.today(now).as_str() {
        return "Overdue";
    }
    if left < total { "Partly Paid" } else { "Unpaid" }
}

/// What payments allocate to an invoice.
fn paid(site: &Site, invoice: &str) -> Decimal {
    let payments = site.all("Payment Entry").filter(|one| int(one, "docstatus") == 1);
    let rows = payments.flat_map(|one| rows(one, "references"));
    rows.filter(|row| text(row, "reference_name") == invoice).map(|row| amount(row, "allocated_amount")).sum()
}

/// The nightly routine: open invoices past their due date become Overdue, and their `modified` does not move.
pub(super) fn nightly(site: &mut Site, now: Timestamp) {
    let today = site.today(now);
    let due = |doc: &&Doc| {
        int(doc, "docstatus") == 1
            && matches!(text(doc, "status"), "Unpaid" | "Partly Paid")
            && text(doc, "due_date") < today.as_str()
    };
    let late: Vec<Doc> = site.all("Sales Invoice").filter(due).cloned().collect();
    for mut doc in late {
        set(&mut doc, "status", "Overdue");
        site.put("Sales Invoice", doc);
    }
}
