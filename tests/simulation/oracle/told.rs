//! What the CRM knows of invoices and payments is what the ERP has, and what people did stays as they did it.

use std::collections::BTreeSet;

use passerelle_core::Result;
use rust_decimal::Decimal;
use serde_json::Value;

use super::Findings;
use crate::simulation::books::{Bill, Books, Order, amount, card, text};
use crate::simulation::story::Ending;

/// Looks at every deal that has an order, and at every invoice.
pub fn judge(ending: &Ending, books: &Books, findings: &mut Findings) -> Result<()> {
    let world = &ending.world;
    for sale in world.sales.iter().filter(|sale| !sale.is_archived) {
        let shown = card(&ending.ground.host, "deals", &sale.id)?;
        let what = format!("deal {} \"{}\"", sale.id, sale.title);
        if (text(&shown, "dealname"), text(&shown, "customer_reference"))
            != (sale.title.clone(), sale.reference.clone())
        {
            findings.say(format!("{what}: title and reference are the CRM's own and were changed"));
        }
        match books.orders_of(&sale.id).collect::<Vec<_>>().as_slice() {
            [order] if !order.is_draft => untold(&what, &shown, order, books, findings),
            _ => {}
        }
    }
    for invoice in &world.invoices {
        let paid = books.bills.get(&invoice.id).map(|bill| bill.paid);
        if paid != Some(invoice.paid) {
            findings.say(format!("invoice {}: {} was paid, the ERP has {paid:?}", invoice.id, invoice.paid));
        }
    }
    Ok(())
}

fn untold(what: &str, shown: &Value, order: &Order, books: &Books, findings: &mut Findings) {
    if text(shown, "erp_order_number") != order.number {
        let told = text(shown, "erp_order_number");
        findings.loss(format!("{what}: the ERP's order is {}, the CRM says {told:?}", order.number));
    }
    let bills = books.bills_of(order);
    let issued: Vec<&&Bill> = bills.iter().filter(|bill| bill.state != "0").collect();
    let open: Vec<&&&Bill> =
        issued.iter().filter(|bill| !bill.is_note && bill.state == "1" && !bill.rest.is_zero()).collect();
    let status = status(&bills, &issued, &open, books.today);
    if text(shown, "erp_invoice_status") != status {
        let told = text(shown, "erp_invoice_status");
        findings.loss(format!("{what}: the invoice status is {status}, the CRM says {told:?}"));
    }
    let numbers: BTreeSet<&str> = issued.iter().map(|bill| bill.number.as_str()).collect();
    let told = text(shown, "erp_invoice_numbers");
    let known: BTreeSet<&str> = told.split(", ").filter(|number| !number.is_empty()).collect();
    if known != numbers {
        findings.loss(format!("{what}: the invoices are {numbers:?}, the CRM says {known:?}"));
    }
    let sums: [(&str, Decimal); 3] = [
        ("erp_invoiced", issued.iter().map(|bill| bill.gross).sum()),
        ("erp_paid", issued.iter().map(|bill| bill.paid).sum()),
        ("erp_balance_due", open.iter().map(|bill| bill.rest).sum()),
    ];
    for (name, wanted) in sums {
        if amount(shown, name) != wanted {
            findings.loss(format!("{what}: {name} is {wanted}, the CRM says {:?}", text(shown, name)));
        }
    }
}

/// One word for the invoices of an order, by what a bookkeeper would say.
fn status(bills: &[&Bill], issued: &[&&Bill], open: &[&&&Bill], today: i64) -> &'static str {
    let invoices: Vec<&&&Bill> = issued.iter().filter(|bill| !bill.is_note).collect();
    if !bills.iter().any(|bill| !bill.is_note) {
        return "none";
    }
    if invoices.is_empty() {
        return "draft";
    }
    if open.is_empty() {
        let is_credited = |bill: &&&&Bill| bill.paid.is_zero() && !bill.gross.is_zero();
        return if invoices.iter().all(is_credited) { "credited" } else { "paid" };
    }
    if open.iter().any(|bill| bill.due < today) {
        return "overdue";
    }
    let came_in = invoices.iter().any(|bill| bill.rest != bill.gross);
    if came_in { "partly_paid" } else { "unpaid" }
}
