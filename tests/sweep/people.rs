//! What people do: sales that were won, and later invoices, payments and edits on both sides.

use passerelle_core::emulator::Host;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::Done;
use crate::books::{rows, text};

/// With fewer sales the company is small too: the customers of these sales.
const SMALL: usize = 10;

/// The sample company with `sales` won sales, each with a name and a reference of its own; other deals stay few.
pub fn sample(sales: usize) -> Done<Vec<(&'static str, Value)>> {
    let mut crm = passerelle::sample::seed("hubspot").ok_or("no sample")?;
    let deals: Vec<Value> = rows(&crm["deals"]).cloned().collect();
    let (won, others): (Vec<Value>, Vec<Value>) =
        deals.into_iter().partition(|deal| deal["properties"]["dealstage"] == "closedwon");
    let named = |(number, deal): (usize, &Value)| {
        let mut deal = deal.clone();
        let name = format!("{} ({number})", text(&deal["properties"], "dealname"));
        deal["properties"]["dealname"] = json!(name);
        deal["properties"]["customer_reference"] = json!(format!("REF {number}"));
        deal
    };
    let mut deals: Vec<Value> = won.iter().cycle().take(sales).enumerate().map(named).collect();
    deals.extend(others.into_iter().take(5));
    crm["deals"] = json!(deals);
    let mut erp = passerelle::sample::seed("dolibarr").ok_or("no sample")?;
    if sales < SMALL {
        shorten(&mut crm, sales);
        erp["thirdparties"].as_array_mut().into_iter().for_each(|parties| parties.truncate(4));
        erp["contacts"] = json!([]);
    }
    Ok(vec![("hubspot", crm), ("dolibarr", erp)])
}

fn shorten(crm: &mut Value, sales: usize) {
    let cut = |list: &mut Value, to: usize| list.as_array_mut().into_iter().for_each(|list| list.truncate(to));
    cut(&mut crm["deals"], sales);
    let places = |deal: &Value| [&deal["company"], &deal["contacts"][0]].map(|place| place.as_u64().unwrap_or(0));
    let [companies, contacts] = rows(&crm["deals"]).map(places).fold([0, 0], |[a, b], [c, d]| [a.max(c), b.max(d)]);
    cut(&mut crm["companies"], companies as usize + 1);
    cut(&mut crm["contacts"], contacts as usize + 1);
}

/// A day at the accountant's and the sellers': most orders are invoiced, many are paid in whole or in part, some are
/// credited; customers are edited on both sides; a deal is won that was open.
pub fn a_day(host: &Host, orders: &[Value]) -> Done<()> {
    for (number, order) in orders.iter().enumerate().filter(|(number, _)| number % 7 != 6) {
        bill(host, order, number)?;
    }
    for number in (0..40).step_by(9) {
        edit_customer(host, number)?;
    }
    win_a_deal(host, "one more")
}

/// Invoices an order, and books what was paid.
pub fn bill(host: &Host, order: &Value, number: usize) -> Done<()> {
    let share = if number.is_multiple_of(5) { "0.5" } else { "1" };
    let made = host.control("dolibarr", "invoice_order", &json!({"order": text(order, "id"), "share": share}))?;
    let total: Decimal = text(order, "total_ttc").parse()?;
    let amount = match number % 3 {
        0 => Value::Null,
        1 => json!((total * Decimal::new(4, 1)).round_dp(2).to_string()),
        _ => return Ok(()),
    };
    host.control("dolibarr", "pay", &json!({"invoice": made["invoice"], "amount": amount}))?;
    Ok(())
}

/// A new telephone number of a customer, in the ERP or in the CRM.
pub fn edit_customer(host: &Host, number: usize) -> Done<()> {
    let phone = format!("+33 3 20 {:02} {:02} 07", number / 90 % 90, number % 90);
    if number.is_multiple_of(2) {
        let id = (number % 4 + 1).to_string();
        host.control("dolibarr", "edit", &json!({"type": "thirdparty", "id": id, "fields": {"phone": phone}}))?;
        return Ok(());
    }
    let customers = json!({"type": "companies", "property": "lifecyclestage", "value": "customer"});
    let customers = host.control("hubspot", "find", &customers)?;
    let id = rows(&customers).cycle().nth(number).ok_or("no customers")?;
    host.control("hubspot", "edit", &json!({"type": "companies", "id": id, "properties": {"phone": phone}}))?;
    Ok(())
}

/// A deal that was just won: two articles of the sample, for a customer of the CRM.
pub fn win_a_deal(host: &Host, name: &str) -> Done<()> {
    let find = |kind: &str, property: &str, value: &str| -> Done<String> {
        let found = host.control("hubspot", "find", &json!({"type": kind, "property": property, "value": value}))?;
        Ok(found[0].as_str().ok_or(format!("no {kind} with {property} {value}"))?.to_owned())
    };
    let company = find("companies", "name", BUYER)?;
    let sample = passerelle::sample::seed("hubspot").ok_or("no sample")?;
    let mut deal = rows(&sample["deals"]).next().cloned().ok_or("no deal")?;
    let products: Vec<Value> = rows(&sample["products"]).cloned().collect();
    for line in deal["line_items"].as_array_mut().into_iter().flatten() {
        let place = line["product"].as_u64().and_then(|place| products.get(place as usize)).ok_or("no article")?;
        line["product"] = json!(find("products", "hs_sku", &text(&place["properties"], "hs_sku"))?);
    }
    deal["properties"]["dealname"] = json!(format!("Won on the way, {name}"));
    deal["company"] = json!(company);
    deal["contacts"] = json!([]);
    host.control("hubspot", "create_deal", &deal)?;
    Ok(())
}

/// The customer of the sample's first deal.
pub const BUYER: &str = "Menuiserie Béraud & Fils";
