//! Orders as documents: an order joined with its lines, invoices, credit notes and payments.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use passerelle_core::Result;
use passerelle_core::model::Record;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::client::{Ask, Client};
use super::sums::{Invoice, sums};
use super::table::{ORDERS, QUOTATIONS, Table};
use super::wire::{self, amount, decimal, money, plain, text};
use super::{Config, dialect, taxes};

/// What the hub needs of an invoice.
pub(super) const INVOICE: [&str; 15] = [
    "name",
    "status",
    "docstatus",
    "posting_date",
    "due_date",
    "currency",
    "party_account_currency",
    "conversion_rate",
    "net_total",
    "total_taxes_and_charges",
    "grand_total",
    "rounded_total",
    "outstanding_amount",
    "is_return",
    "return_against",
];

/// Joins whole orders with what hangs on them: three calls for all.
pub(super) async fn join(client: &Client, config: &Config, orders: Vec<Value>) -> Result<Vec<Record>> {
    let names: Vec<String> = orders.iter().map(wire::name).collect::<Result<_>>()?;
    let invoices = family(client, &names).await?;
    let billed: Vec<String> = invoices.values().map(|(_, raw)| wire::name(raw)).collect::<Result<_>>()?;
    let payments = payments(client, &billed).await?;
    let today = client.today().await?;
    let mut records = Vec::with_capacity(orders.len());
    for order in &orders {
        let name = wire::name(order)?;
        let mine = invoices.values().filter(|(of, _)| of.contains(&name)).map(|(_, raw)| raw);
        let mine: Vec<&Value> = mine.collect();
        records.push(document(client, config, order, (&mine, &payments), today).await?);
    }
    Ok(records)
}

/// An order that cannot have invoices yet, as its write was answered.
pub(super) async fn fresh(client: &Client, config: &Config, order: &Value) -> Result<Record> {
    document(client, config, order, (&[], &[]), None).await
}

/// Quotations with their lines.
pub(super) async fn quotations(client: &Client, config: &Config, raw: Vec<Value>) -> Result<Vec<Record>> {
    let mut records = Vec::with_capacity(raw.len());
    for quotation in &raw {
        records.push(trade(client, config, &QUOTATIONS, quotation).await?);
    }
    Ok(records)
}

/// Invoices by name, each with the orders it belongs to: by its lines, or by the invoice that it corrects.
async fn family(client: &Client, orders: &[String]) -> Result<BTreeMap<String, (BTreeSet<String>, Value)>> {
    let mut known: BTreeMap<String, (BTreeSet<String>, Value)> = BTreeMap::new();
    let ask = Ask::of(&INVOICE);
    let joined =
        Ask { fields: ask.fields.iter().cloned().chain(["items.sales_order".to_owned()]).collect(), ..ask.clone() };
    for row in client.among("Sales Invoice", joined, &["Sales Invoice Item", "sales_order"], orders).await? {
        let entry = known.entry(wire::name(&row)?).or_insert_with(|| (BTreeSet::new(), row.clone()));
        entry.0.extend(text(&row, "sales_order"));
    }
    let names: Vec<String> = known.keys().cloned().collect();
    for row in client.among("Sales Invoice", ask, &["return_against"], &names).await? {
        let source = text(&row, "return_against").unwrap_or_default();
        let of = known.get(&source).map(|(of, _)| of.clone()).unwrap_or_default();
        known.entry(wire::name(&row)?).or_insert_with(|| (BTreeSet::new(), row)).0.extend(of);
    }
    Ok(known)
}

/// Submitted payments, one row for each part of one on an invoice.
async fn payments(client: &Client, invoices: &[String]) -> Result<Vec<Value>> {
    let fields = [
        "name",
        "posting_date",
        "mode_of_payment",
        "reference_no",
        "references.reference_name",
        "references.allocated_amount",
    ];
    let ask = Ask::of(&fields).with([json!(["docstatus", "=", 1])]);
    client.among("Payment Entry", ask, &["Payment Entry Reference", "reference_name"], invoices).await
}

async fn document(
    client: &Client,
    config: &Config,
    order: &Value,
    (invoices, payments): (&[&Value], &[Value]),
    today: Option<Date>,
) -> Result<Record> {
    let mut record = trade(client, config, &ORDERS, order).await?;
    let credited = |name: Option<String>| -> Decimal {
        let notes = invoices.iter().filter(|raw| text(raw, "return_against") == name && name.is_some());
        notes.filter(|raw| text(raw, "docstatus").as_deref() == Some("1")).map(|raw| Invoice::taken_off(raw)).sum()
    };
    let mut read: Vec<Invoice> =
        invoices.iter().map(|raw| Invoice::of(raw, credited(text(raw, "name")), today)).collect();
    read.sort_by(|one, other| one.number.cmp(&other.number));
    let mine = payments.iter().filter_map(|row| {
        let invoice = read.iter().find(|invoice| Some(&invoice.number) == text(row, "reference_name").as_ref())?;
        Some(json!({
            "payment": text(row, "name"), "invoice": invoice.number, "date": text(row, "posting_date"),
            "amount": money(invoice.own(amount(row, "allocated_amount"))), "mode": text(row, "mode_of_payment"),
            "number": text(row, "reference_no"),
        }))
    });
    let mine: Vec<Value> = mine.collect();
    for (name, value) in sums(&read, &mine) {
        record.fields.insert(name.to_owned(), value);
    }
    record.fields.insert("invoices".to_owned(), read.iter().map(Invoice::document).collect());
    record.fields.insert("payments".to_owned(), Value::Array(mine));
    Ok(record)
}

/// What quotations and orders share: the header, the totals as money, the lines, the rows of taxes.
async fn trade(client: &Client, config: &Config, table: &Table, document: &Value) -> Result<Record> {
    let mut record = wire::record(client, table, document).await?;
    for total in ["total", "net_total", "total_taxes_and_charges", "grand_total", "rounded_total", "discount_amount"] {
        record.fields.insert(total.to_owned(), json!(money(amount(document, total))));
    }
    // Long texts for print that the site makes of all else.
    for name in ["other_charges_calculation", "address_display", "contact_display", "in_words", "base_in_words"] {
        record.fields.shift_remove(name);
    }
    record.fields.insert("items".to_owned(), Value::Array(lines(config, document)));
    record.fields.insert("taxes".to_owned(), rows(document, "taxes").map(taxes::shown).collect());
    Ok(record)
}

/// The rows of a table, in their order.
pub(super) fn rows<'a>(document: &'a Value, table: &str) -> impl Iterator<Item = &'a Value> {
    document.get(table).and_then(Value::as_array).into_iter().flatten()
}

/// Its lines in their normal form; the item that stands for lines without a product is none.
pub(super) fn lines(config: &Config, document: &Value) -> Vec<Value> {
    let stands_in = |line: &Value| config.free_text_item.is_some() && text(line, "item_code") == config.free_text_item;
    let mut lines: Vec<Value> = rows(document, "items").map(|row| line(document, row)).collect();
    for line in lines.iter_mut().filter(|line| stands_in(line)) {
        line["item_code"] = Value::Null;
    }
    lines
}

/// A line in its normal form: the price before the line's discount, and what VAT it bears in all.
fn line(document: &Value, raw: &Value) -> Value {
    let (list, rate) = (amount(raw, "price_list_rate"), amount(raw, "rate"));
    let given = amount(raw, "discount_percentage");
    // A free line is sent as a price of nothing, all of it taken off.
    let discount = if list.is_zero() { Decimal::ZERO } else { given };
    let price = if discount.is_zero() { rate } else { list };
    let mut line = Map::new();
    let mut put = |name: &str, value: Option<String>| line.insert(name.to_owned(), json!(value));
    for name in ["name", "item_code", "item_name", "uom", "delivery_date", "item_tax_template"] {
        put(name, text(raw, name));
    }
    put("description", text(raw, "description").map(|html| dialect::plain(&html)));
    put("qty", decimal(raw, "qty").map(|qty| plain(qty, 0)));
    put("unit_price", Some(plain(price, 2)));
    put("discount_percentage", Some(plain(discount, 0)));
    put("vat_rate", Some(plain(taxes::rate_of(document, raw), 0)));
    for name in ["rate", "amount", "net_amount"] {
        put(name, decimal(raw, name).map(|amount| plain(amount, 2)));
    }
    Value::Object(line)
}
