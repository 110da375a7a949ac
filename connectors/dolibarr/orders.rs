//! Orders as documents: an order joined with its lines, invoices, credit notes and payments.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::Result;
use passerelle_core::model::Record;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

use super::client::{Ask, Client, among};
use super::sums::{Invoice, sums};
use super::wire::{self, decimal, money, own, plain, text, unescaped};

/// What the hub needs of an invoice; Dolibarr sends its lines otherwise, at 4 kB each.
pub(super) const INVOICE: (&str, &str) = (
    "properties",
    "id,ref,type,statut,paye,close_code,date,date_lim_reglement,total_ht,total_tva,total_ttc,multicurrency_code,\
     multicurrency_total_ht,multicurrency_total_tva,multicurrency_total_ttc,totalpaid,sumpayed,totalcreditnotes,totaldeposits,remaintopay,\
     fk_facture_source,linkedObjectsIds,date_modification",
);

/// Asks a list for the links between documents; they are null otherwise.
pub(super) const LINKS: (&str, &str) = ("loadlinkedobjects", "1");

/// The documents of orders that exist.
pub(super) async fn read(client: &Client, ids: impl Iterator<Item = &str>) -> Result<Vec<Record>> {
    let Some(filter) = among("t.rowid", ids) else { return Ok(Vec::new()) };
    let raw = client.all("orders", Ask::filtered(filter).with(LINKS.0, LINKS.1)).await?;
    join(client, raw).await
}

/// Joins raw orders with what hangs on them: two calls for all, and one per invoice with payments.
pub(super) async fn join(client: &Client, mut orders: Vec<Value>) -> Result<Vec<Record>> {
    for order in &mut orders {
        // A list of an older Dolibarr leaves the links out; the document itself always has them.
        let left_out = order.get("linkedObjectsIds").is_none_or(Value::is_null);
        if left_out && let Some(whole) = client.get(&format!("/orders/{}", wire::id(order)?)).await? {
            *order = whole;
        }
    }
    let linked: BTreeSet<String> = orders.iter().flat_map(|order| links(order, "facture")).collect();
    let invoices = family(client, linked).await?;
    let now = client.api.now();
    let mut records = Vec::with_capacity(orders.len());
    for order in orders {
        let mut invoices: Vec<Invoice> =
            belonging(&order, &invoices).map(|raw| Invoice::of(raw, &order, now)).collect();
        invoices.sort_by_key(|invoice| invoice.id.parse::<u64>().unwrap_or(u64::MAX));
        let mut payments = Vec::new();
        for invoice in invoices.iter().filter(|invoice| invoice.has_payments()) {
            let rows = client.rows(&format!("/invoices/{}/payments", invoice.id)).await?;
            payments.extend(rows.iter().filter_map(|row| invoice.payment(row)));
        }
        records.push(document(&order, &invoices, payments)?);
    }
    Ok(records)
}

/// Ids of the documents of a type that are linked to this one: `{"<type>": {"<link row>": "<id>"}}`.
pub(super) fn links(document: &Value, kind: &str) -> Vec<String> {
    let linked = document.get("linkedObjectsIds").and_then(|links| links.get(kind)).and_then(Value::as_object);
    linked.map(|ids| ids.values().filter_map(id_text).collect()).unwrap_or_default()
}

fn id_text(id: &Value) -> Option<String> {
    match id {
        Value::String(id) => Some(id.clone()),
        Value::Number(id) => Some(id.to_string()),
        _ => None,
    }
}

/// Invoices by id, with the credit notes and replacements that name one of them as their source.
async fn family(client: &Client, linked: BTreeSet<String>) -> Result<BTreeMap<String, Value>> {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    let mut wanted = linked;
    let mut column = "t.rowid";
    // Invoice, its replacement, a credit note of that: no chain is longer in practice, and none is endless.
    for _ in 0..4 {
        let Some(filter) = among(column, wanted.iter().map(String::as_str)) else { break };
        let found = client.all("invoices", Ask::filtered(filter).with(INVOICE.0, INVOICE.1)).await?;
        let first = column == "t.rowid";
        wanted.clear();
        for invoice in found {
            let id = wire::id(&invoice)?;
            let is_source = first || text(&invoice, "type").as_deref() != Some("2");
            if !known.contains_key(&id) && is_source {
                wanted.insert(id.clone());
            }
            known.insert(id, invoice);
        }
        column = "t.fk_facture_source";
    }
    Ok(known)
}

/// The invoices of one order: those linked to it, and those that correct them.
fn belonging<'a>(order: &Value, invoices: &'a BTreeMap<String, Value>) -> impl Iterator<Item = &'a Value> {
    let mut mine: BTreeSet<String> = links(order, "facture").into_iter().collect();
    loop {
        let before = mine.len();
        for (id, invoice) in invoices {
            if text(invoice, "fk_facture_source").is_some_and(|source| mine.contains(&source)) {
                mine.insert(id.clone());
            }
        }
        if mine.len() == before {
            break;
        }
    }
    invoices.iter().filter(move |(id, _)| mine.contains(*id)).map(|(_, invoice)| invoice)
}

fn document(order: &Value, invoices: &[Invoice], payments: Vec<Value>) -> Result<Record> {
    let mut record = wire::record(order)?;
    let fields = &mut record.fields;
    for total in ["total_ht", "total_tva", "total_ttc"] {
        let amount = own(order, total).map_or(Value::Null, |amount| json!(money(amount)));
        fields.insert(total.to_owned(), amount);
    }
    fields.insert("lines".to_owned(), Value::Array(lines(order)));
    fields.insert("invoices".to_owned(), invoices.iter().map(Invoice::document).collect());
    for (name, value) in sums(invoices, &payments) {
        fields.insert(name.to_owned(), value);
    }
    fields.insert("payments".to_owned(), Value::Array(payments));
    Ok(record)
}

/// Lines in the order of their `rang`.
pub(super) fn lines(order: &Value) -> Vec<Value> {
    let mut lines: Vec<&Value> = order.get("lines").and_then(Value::as_array).into_iter().flatten().collect();
    lines.sort_by_key(|line| (number(line, "rang"), number(line, "id")));
    let rate = rate(order);
    lines.into_iter().map(|raw| line(raw, rate)).collect()
}

/// One unit of the company's currency in the order's.
pub(super) fn rate(order: &Value) -> Decimal {
    decimal(order, "multicurrency_tx").filter(|rate| !rate.is_zero()).unwrap_or(Decimal::ONE)
}

/// A price in the company's currency, to the 5 decimals that Dolibarr keeps.
pub(super) fn company_price(price: Decimal, rate: Decimal) -> Decimal {
    (price / rate).round_dp_with_strategy(5, RoundingStrategy::MidpointAwayFromZero)
}

/// A line's price in the order's currency. Dolibarr keeps the company's price, and what it makes of that again is a
/// little off; the roundest price that is stored the same way is the one that was meant.
fn price(raw: &Value, rate: Decimal) -> Option<Decimal> {
    let shown = own(raw, "subprice")?;
    let stored = decimal(raw, "subprice")?;
    let rounded = |places| shown.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    Some((2..=5).map(rounded).find(|price| company_price(*price, rate) == stored).unwrap_or(shown))
}

fn number(line: &Value, field: &str) -> u64 {
    text(line, field).and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn line(raw: &Value, rate: Decimal) -> Value {
    let mut line = Map::new();
    let mut put = |name: &str, value: Option<String>| line.insert(name.to_owned(), json!(value));
    put("id", text(raw, "id"));
    put("fk_product", text(raw, "fk_product").filter(|id| id != "0"));
    for name in ["product_ref", "product_label", "product_type", "rang"] {
        put(name, text(raw, name));
    }
    put("desc", text(raw, "desc").map(|desc| unescaped(&desc)));
    for name in ["qty", "remise_percent", "tva_tx"] {
        put(name, decimal(raw, name).map(|amount| plain(amount, 0)));
    }
    put("subprice", price(raw, rate).map(|price| plain(price, 2)));
    for name in ["total_ht", "total_tva", "total_ttc"] {
        put(name, own(raw, name).map(money));
    }
    Value::Object(line)
}
