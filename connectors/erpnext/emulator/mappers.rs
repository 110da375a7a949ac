//! The methods that make one document of another; what they give is not saved yet.

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::refusal::{Refusal, Reply};
use super::site::{Site, USER};
use super::values::{Doc, amount, int, number, rows, set, text};

/// What a new document does not take from the one it is made of.
const OWN: [&str; 16] = [
    "name",
    "creation",
    "modified",
    "modified_by",
    "amended_from",
    "doctype",
    "parent",
    "hub_external_id",
    "status",
    "outstanding_amount",
    "naming_series",
    "title",
    "delivery_status",
    "billing_status",
    "per_billed",
    "idx",
];

/// An order of a submitted quotation. Called again it gives another one: it does not protect from a double order.
pub(super) fn sales_order(site: &Site, quotation: &str, now: Timestamp) -> Reply {
    let source = submitted(site, "Quotation", quotation)?;
    let mut order = copy(&source, "Sales Order");
    set(&mut order, "customer", text(&source, "party_name").to_owned());
    set(&mut order, "transaction_date", site.today(now));
    set(&mut order, "title", "{customer_name}");
    lines(&mut order, &source, &[("prevdoc_docname", "parent"), ("quotation_item", "name")]);
    Ok(Value::Object(order))
}

/// An invoice of what an order has not billed yet.
pub(super) fn sales_invoice(site: &Site, order: &str) -> Reply {
    let source = submitted(site, "Sales Order", order)?;
    let mut invoice = copy(&source, "Sales Invoice");
    lines(&mut invoice, &source, &[("sales_order", "parent"), ("so_detail", "name")]);
    let left: Vec<Value> = rows(&invoice, "items").filter_map(|row| unbilled(site, row)).map(Value::Object).collect();
    if left.is_empty() {
        return Err(Refusal::invalid("All the items have already been billed"));
    }
    set(&mut invoice, "items", left);
    invoice.shift_remove("payment_schedule");
    Ok(Value::Object(invoice))
}

fn unbilled(site: &Site, row: &Doc) -> Option<Doc> {
    let billed: Decimal = site
        .all("Sales Invoice")
        .filter(|one| int(one, "docstatus") == 1)
        .flat_map(|one| rows(one, "items"))
        .filter(|one| text(one, "so_detail") == text(row, "so_detail"))
        .map(|one| amount(one, "qty"))
        .sum();
    let left = amount(row, "qty") - billed;
    let mut row = row.clone();
    set(&mut row, "qty", number(left));
    (left > Decimal::ZERO).then_some(row)
}

/// A credit note of an invoice.
pub(super) fn sales_return(site: &Site, invoice: &str) -> Reply {
    let source = submitted(site, "Sales Invoice", invoice)?;
    let mut note = copy(&source, "Sales Invoice");
    set(&mut note, "is_return", 1);
    set(&mut note, "return_against", text(&source, "name").to_owned());
    set(&mut note, "update_outstanding_for_self", 1);
    lines(
        &mut note,
        &source,
        &[("sales_invoice_item", "name"), ("sales_order", "sales_order"), ("so_detail", "so_detail")],
    );
    let mut items = note.get("items").cloned().unwrap_or_default();
    for row in items.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        set(row, "qty", number(-amount(row, "qty")));
    }
    set(&mut note, "items", items);
    set(&mut note, "discount_amount", number(-amount(&source, "discount_amount")));
    note.shift_remove("payment_schedule");
    note.shift_remove("due_date");
    Ok(Value::Object(note))
}

/// A payment of what is outstanding; of a paid invoice it is a payment the other way.
pub(super) fn payment_entry(site: &Site, doctype: &str, name: &str, now: Timestamp) -> Reply {
    let source = submitted(site, doctype, name)?;
    let left =
        if doctype == "Sales Invoice" { amount(&source, "outstanding_amount") } else { amount(&source, "grand_total") };
    let total = source.get("grand_total").cloned().unwrap_or_default();
    Ok(json!({
        "owner": USER, "docstatus": 0, "idx": 0, "naming_series": "ACC-PAY-.YYYY.-",
        "payment_type": if left > Decimal::ZERO { "Receive" } else { "Pay" },
        "posting_date": site.today(now), "reference_date": site.today(now), "company": text(&source, "company"),
        "party_type": "Customer", "party": text(&source, "customer"), "party_name": text(&source, "customer_name"),
        "paid_from": "Debtors", "paid_from_account_type": "Receivable", "paid_to": "Bank", "paid_to_account_type": "Bank",
        "paid_amount": number(left), "received_amount": number(left),
        "total_allocated_amount": number(left), "unallocated_amount": 0.0, "status": "Draft", "doctype": "Payment Entry",
        "references": [{
            "docstatus": 0, "idx": 1, "reference_doctype": doctype, "reference_name": name,
            "due_date": source.get("due_date"), "total_amount": total, "outstanding_amount": number(left),
            "allocated_amount": number(left), "parentfield": "references", "parenttype": "Payment Entry",
            "doctype": "Payment Entry Reference", "__islocal": 1,
        }],
        "taxes": [], "deductions": [], "__islocal": 1, "__unsaved": 1,
    }))
}

fn submitted(site: &Site, doctype: &str, name: &str) -> Reply<Doc> {
    let doc = site.need(doctype, name)?;
    if int(&doc, "docstatus") != 1 {
        return Err(Refusal::invalid(format!("Cannot map because following condition fails: docstatus=1 ({name})")));
    }
    Ok(doc)
}

fn copy(source: &Doc, doctype: &str) -> Doc {
    let kept = source.iter().filter(|(field, _)| !OWN.contains(&field.as_str()));
    let mut doc: Doc = kept.map(|(field, value)| (field.clone(), value.clone())).collect();
    for (field, value) in
        [("docstatus", json!(0)), ("doctype", json!(doctype)), ("__islocal", json!(1)), ("__unsaved", json!(1))]
    {
        set(&mut doc, field, value);
    }
    doc
}

fn lines(doc: &mut Doc, source: &Doc, links: &[(&str, &str)]) {
    let copied = rows(source, "items").map(|row| {
        let kept = row.iter().filter(|(field, _)| !OWN.contains(&field.as_str()));
        let mut copy: Doc = kept.map(|(field, value)| (field.clone(), value.clone())).collect();
        for (field, of) in links {
            set(&mut copy, field, text(row, of).to_owned());
        }
        set(&mut copy, "docstatus", 0);
        copy
    });
    let copied: Vec<Value> = copied.map(Value::Object).collect();
    set(doc, "items", copied);
}
