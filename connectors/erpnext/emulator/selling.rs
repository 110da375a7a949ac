//! Quotations, orders and invoices: what a site fills in, refuses, and does when they are submitted.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::totals;
use super::values::{Doc, amount, folded, int, number, rows, set, text};

/// Whether a document is submitted by the call that makes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    WithInsert,
    Afterwards,
}

/// Fills in and refuses; then the totals.
pub(super) fn validate(site: &mut Site, doctype: &str, doc: &mut Doc, old: Option<&Doc>, now: Timestamp) -> Reply<()> {
    header(site, doctype, doc, now)?;
    dates(site, doctype, doc, old, now)?;
    let day = text(doc, if doctype == "Sales Invoice" { "posting_date" } else { "transaction_date" }).to_owned();
    let (currency, list) = (text(doc, "currency").to_owned(), text(doc, "selling_price_list").to_owned());
    let mut items = std::mem::take(doc.entry("items").or_insert_with(|| json!([])));
    for (place, row) in items.as_array_mut().into_iter().flatten().enumerate() {
        let Some(row) = row.as_object_mut() else { continue };
        line(site, row, place + 1, &day, &currency, &list)?;
        if doctype == "Sales Order" && text(row, "delivery_date").is_empty() {
            set(row, "delivery_date", text(doc, "delivery_date").to_owned());
        }
    }
    set(doc, "items", items);
    if doctype == "Sales Order" {
        ordered(site, doc)?;
    }
    totals::calculate(site, doc)?;
    if rows(doc, "payment_schedule").next().is_none() && int(doc, "is_return") == 0 {
        let due = if doctype == "Sales Invoice" { text(doc, "due_date") } else { &day }.to_owned();
        let total = doc.get("grand_total").cloned().unwrap_or_default();
        let row = json!({ "name": site.hash(), "due_date": due, "invoice_portion": 100.0, "payment_amount": total,
            "outstanding": total, "paid_amount": 0.0, "doctype": "Payment Schedule" });
        set(doc, "payment_schedule", json!([row]));
    }
    set(doc, "status", "Draft");
    if doctype == "Sales Invoice" {
        let total = doc.get("rounded_total").filter(|_| int(doc, "disable_rounded_total") == 0);
        let total = total.or(doc.get("grand_total")).cloned().unwrap_or_default();
        let company = site.get("Company", text(doc, "company"));
        let home = company.map(|company| text(company, "default_currency").to_owned()).unwrap_or_default();
        // Receivables are kept in the company's currency.
        let total = if text(doc, "currency") == home {
            total
        } else {
            doc.get("base_grand_total").cloned().unwrap_or_default()
        };
        set(doc, "party_account_currency", home);
        set(doc, "outstanding_amount", total);
        set(doc, "paid_amount", number(Decimal::ZERO));
    }
    Ok(())
}

fn header(site: &Site, doctype: &str, doc: &mut Doc, now: Timestamp) -> Reply<()> {
    if text(doc, "company").is_empty() {
        let only = site.all("Company").next().filter(|_| site.all("Company").count() == 1);
        let company = site.settings.company.clone().or_else(|| only.map(|company| text(company, "name").to_owned()));
        set(doc, "company", company.unwrap_or_default());
    }
    let party = text(doc, if doctype == "Quotation" { "party_name" } else { "customer" }).to_owned();
    if let Some(customer) = site.get("Customer", &party) {
        for field in ["customer_name", "tax_id", "customer_group", "territory"] {
            if let Some(value) = customer.get(field) {
                doc.insert(field.to_owned(), value.clone());
            }
        }
        let billed =
            |address: &&Doc| rows(address, "links").any(|link| folded(text(link, "link_name")) == folded(&party));
        if let Some(address) = site.all("Address").find(billed) {
            set(doc, "customer_address", text(address, "name").to_owned());
        }
    }
    if text(doc, "title").is_empty() {
        set(
            doc,
            "title",
            if doctype == "Sales Order" { "{customer_name}".to_owned() } else { text(doc, "customer_name").to_owned() },
        );
    }
    let company = site.get("Company", text(doc, "company"));
    let home = company.map(|company| text(company, "default_currency").to_owned()).unwrap_or_default();
    if text(doc, "currency").is_empty() {
        set(doc, "currency", home.clone());
    }
    for (field, value) in [("selling_price_list", "Standard Selling".to_owned()), ("language", "en".to_owned())] {
        if text(doc, field).is_empty() {
            set(doc, field, value);
        }
    }
    let currency = text(doc, "currency").to_owned();
    if currency == home {
        set(doc, "conversion_rate", number(Decimal::ONE));
    } else if amount(doc, "conversion_rate") <= Decimal::ONE {
        let known = |one: &&Doc| text(one, "from_currency") == currency && text(one, "to_currency") == home;
        let Some(rate) = site.all("Currency Exchange").find(known) else {
            let day = site.today(now);
            let message = format!(
                "Unable to find exchange rate for {currency} to {home} for key date {day}. Please create a Currency Exchange record manually"
            );
            return Err(Refusal::invalid(message));
        };
        set(doc, "conversion_rate", number(amount(rate, "exchange_rate")));
    }
    Ok(())
}

fn dates(site: &Site, doctype: &str, doc: &mut Doc, old: Option<&Doc>, now: Timestamp) -> Reply<()> {
    let today = site.today(now);
    let field = if doctype == "Sales Invoice" { "posting_date" } else { "transaction_date" };
    // An amended invoice keeps its day.
    if doctype == "Sales Invoice" && !text(doc, "amended_from").is_empty() {
        set(doc, "set_posting_time", 1);
    }
    let forced = doctype == "Sales Invoice" && int(doc, "set_posting_time") == 0 && old.is_none();
    if text(doc, field).is_empty() || forced {
        set(doc, field, today.clone());
    }
    let day = text(doc, field).to_owned();
    let Ok(date) = day.parse::<Date>() else {
        return Err(Refusal::invalid(format!("{day} is not a valid date")));
    };
    let this_year = today.parse::<Date>().map_or(date.year(), Date::year);
    if date.year() != this_year {
        let message =
            format!("Date <strong>{day}</strong> is not in any active Fiscal Year for {}", text(doc, "company"));
        return Err(Refusal::new(417, "FiscalYearError", message));
    }
    if doctype == "Sales Invoice" && text(doc, "due_date").is_empty() {
        // A credit note is due on its own day.
        let days = if int(doc, "is_return") == 1 { 0 } else { 30 };
        let due = date.checked_add(jiff::Span::new().days(days)).unwrap_or(date);
        set(doc, "due_date", due.to_string());
    }
    for row in rows(doc, "payment_schedule") {
        if !text(row, "due_date").is_empty() && text(row, "due_date") < day.as_str() {
            return Err(Refusal::invalid("Row 1: Due Date in the Payment Terms table cannot be before Posting Date"));
        }
    }
    Ok(())
}

fn line(site: &Site, row: &mut Doc, place: usize, day: &str, currency: &str, list: &str) -> Reply<()> {
    let code = text(row, "item_code").to_owned();
    if code.is_empty() {
        return Ok(());
    }
    let Some(item) = site.get("Item", &code) else { return Err(Refusal::missing("Item", &code)) };
    for (field, of) in [
        ("item_name", "item_name"),
        ("description", "description"),
        ("uom", "stock_uom"),
        ("stock_uom", "stock_uom"),
        ("item_group", "item_group"),
    ] {
        if text(row, field).is_empty() {
            set(row, field, text(item, of).to_owned());
        }
    }
    let qty = site.settings.rounding.round(amount(row, "qty"), 3);
    if qty < Decimal::ZERO && text(row, "sales_invoice_item").is_empty() {
        let message = format!("Row #{place}: Quantity cannot be negative for item {code}");
        return Err(Refusal::new(417, "NonNegativeError", message));
    }
    let whole = site.get("UOM", text(row, "uom")).is_some_and(|uom| int(uom, "must_be_whole_number") == 1);
    if whole && !qty.fract().is_zero() {
        let message = format!(
            "Row {place}: Quantity ({}) cannot be a fraction. To allow this, disable 'Must be Whole Number' in UOM {}.",
            qty.normalize(),
            text(row, "uom")
        );
        return Err(Refusal::new(417, "UOMMustBeIntegerError", message));
    }
    set(row, "qty", number(qty));
    set(row, "stock_qty", number(qty));
    if amount(row, "rate").is_zero() && amount(row, "price_list_rate").is_zero() {
        let valid = |price: &&Doc| {
            text(price, "item_code") == code
                && text(price, "price_list") == list
                && text(price, "currency") == currency
                && text(price, "valid_from") <= day
        };
        if let Some(price) = site.all("Item Price").find(valid) {
            set(row, "price_list_rate", price.get("price_list_rate").cloned().unwrap_or_default());
        }
    }
    let template = site.get("Item Tax Template", text(row, "item_tax_template"));
    let map: serde_json::Map<String, Value> = template
        .into_iter()
        .flat_map(|template| rows(template, "taxes"))
        .map(|tax| (text(tax, "tax_type").to_owned(), tax.get("tax_rate").cloned().unwrap_or_default()))
        .collect();
    set(row, "item_tax_rate", json!(map).to_string());
    Ok(())
}

fn ordered(site: &Site, doc: &mut Doc) -> Reply<()> {
    if text(doc, "delivery_date").is_empty() {
        let last = rows(doc, "items").map(|row| text(row, "delivery_date")).max().unwrap_or_default().to_owned();
        if last.is_empty() {
            return Err(Refusal::invalid("Please enter Delivery Date"));
        }
        set(doc, "delivery_date", last);
    }
    if text(doc, "delivery_date") < text(doc, "transaction_date") {
        return Err(Refusal::invalid("Expected Delivery Date should be after Sales Order Date"));
    }
    let (po, customer) = (text(doc, "po_no").to_owned(), text(doc, "customer").to_owned());
    let same = |other: &&Doc| {
        text(other, "po_no") == po
            && text(other, "customer") == customer
            && int(other, "docstatus") < 2
            && text(other, "name") != text(doc, "name")
    };
    if !po.is_empty()
        && let Some(other) = site.all("Sales Order").find(same)
    {
        let message =
            format!("Sales Order {} already exists against Customer's Purchase Order {po}.", text(other, "name"));
        return Err(Refusal::invalid(message));
    }
    for (field, value) in [("delivery_status", "Not Delivered"), ("billing_status", "Not Billed")] {
        set(doc, field, value);
    }
    Ok(())
}

/// What a site says to a credit note that keeps its amount to itself.
pub(super) fn notice(doc: &Doc) -> Option<String> {
    let against = text(doc, "return_against");
    let own = int(doc, "is_return") == 1 && int(doc, "update_outstanding_for_self") == 1 && !against.is_empty();
    own.then(|| {
        format!(
            "We can see <strong>Credit Note</strong> is made against {against}. If you want {against}'s outstanding to be \
             updated, uncheck '<strong>Update Outstanding for Self</strong>' checkbox."
        )
    })
}

/// What a submitted document becomes, and what it does to those that it came from.
pub(super) fn submitted(site: &mut Site, doctype: &str, name: &str, how: How, now: Timestamp) {
    let Some(mut doc) = site.get(doctype, name).cloned() else { return };
    match doctype {
        "Quotation" => set(&mut doc, "status", "Open"),
        // Submitted by its own POST, an order stays a draft in words (observed).
        "Sales Order" if how == How::Afterwards => set(&mut doc, "status", "To Deliver and Bill"),
        _ => {}
    }
    site.put(doctype, doc.clone());
    let sources: Vec<String> = rows(&doc, "items").map(|row| text(row, "prevdoc_docname").to_owned()).collect();
    for source in sources.iter().filter(|source| !source.is_empty()) {
        if let Some(mut quotation) = site.get("Quotation", source).cloned() {
            set(&mut quotation, "status", "Ordered");
            site.touch("Quotation", quotation, now);
        }
    }
    if doctype == "Sales Invoice" {
        billed(site, &doc, now);
    }
}

pub(super) fn cancelled(site: &mut Site, doctype: &str, name: &str, now: Timestamp) {
    let Some(doc) = site.get(doctype, name).cloned() else { return };
    if doctype == "Sales Invoice" {
        billed(site, &doc, now);
    }
}

/// What of its orders is billed, after an invoice came or went.
fn billed(site: &mut Site, invoice: &Doc, now: Timestamp) {
    let mut orders: Vec<String> = rows(invoice, "items").map(|row| text(row, "sales_order").to_owned()).collect();
    orders.sort();
    orders.dedup();
    for order in orders.iter().filter(|order| !order.is_empty()) {
        let Some(mut doc) = site.get("Sales Order", order).cloned() else { continue };
        let of = |one: &&Doc| int(one, "docstatus") == 1;
        let amounts = site.all("Sales Invoice").filter(of).flat_map(|one| rows(one, "items"));
        let billed: Decimal =
            amounts.filter(|row| text(row, "sales_order") == order).map(|row| amount(row, "amount")).sum();
        let total = amount(&doc, "total");
        let percent = if total.is_zero() { Decimal::ZERO } else { (billed * Decimal::ONE_HUNDRED / total).round_dp(2) };
        set(&mut doc, "per_billed", number(percent));
        let word = match percent {
            percent if percent.is_zero() => "Not Billed",
            percent if percent >= Decimal::ONE_HUNDRED => "Fully Billed",
            _ => "Partly Billed",
        };
        set(&mut doc, "billing_status", word);
        if int(&doc, "docstatus") == 1 {
            set(&mut doc, "status", if word == "Fully Billed" { "To Deliver" } else { "To Deliver and Bill" });
        }
        site.touch("Sales Order", doc, now);
    }
}
