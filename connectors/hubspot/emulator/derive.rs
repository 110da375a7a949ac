//! What HubSpot computes: whether a deal is won, a line's amount, a quote's numbers.

use rust_decimal::Decimal;
use serde_json::Value;

use super::account::{Account, Values};
use super::kind::Kind;
use super::property::decimal;

/// Fills the calculated properties of an object.
pub(super) fn compute(account: &Account, kind: Kind, values: &mut Values) {
    match kind {
        Kind::Deals => stage_of_deal(account, values),
        Kind::LineItems => amount_of_line(values),
        Kind::Quotes => {
            values.entry("hs_quote_status".to_owned()).or_insert_with(|| "DRAFT".to_owned());
            if values.get("hs_template_type").is_some_and(|kind| kind == "CPQ_QUOTE") {
                values.entry("hs_status".to_owned()).or_insert_with(|| "DRAFT".to_owned());
            }
        }
        Kind::Invoices => {
            values.entry("hs_invoice_status".to_owned()).or_insert_with(|| "draft".to_owned());
        }
        Kind::Contacts | Kind::Companies | Kind::Products | Kind::Payments => {}
    }
}

/// What a new object must have.
pub(super) fn needed(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Quotes => &["hs_title", "hs_expiration_date"],
        Kind::Invoices => &["hs_currency"],
        Kind::Payments => &["hs_initial_amount", "hs_initiated_date"],
        _ => &[],
    }
}

fn stage_of_deal(account: &Account, values: &mut Values) {
    let stage = values.get("dealstage").and_then(|stage| account.stage(Kind::Deals, stage));
    let (closed, probability) = stage.map_or((false, String::new()), |stage| (stage.closed, stage.probability.clone()));
    let won = closed && decimal(&probability) == Some(Decimal::ONE);
    values.insert("hs_is_closed".to_owned(), closed.to_string());
    values.insert("hs_is_closed_won".to_owned(), won.to_string());
    if !probability.is_empty() {
        values.insert("hs_deal_stage_probability".to_owned(), probability);
    }
    // The sample account has one rate for all its currencies.
    if let Some(amount) = values.get("amount").cloned() {
        values.insert("amount_in_home_currency".to_owned(), amount);
    }
}

fn amount_of_line(values: &mut Values) {
    let number = |name: &str| values.get(name).and_then(|text| decimal(text));
    let (Some(price), Some(quantity)) = (number("price"), number("quantity")) else { return };
    let share = Decimal::ONE - number("hs_discount_percentage").unwrap_or_default() / Decimal::ONE_HUNDRED;
    let amount = quantity * (price - number("discount").unwrap_or_default()) * share;
    values.insert("hs_total_discount".to_owned(), (price * quantity - amount).normalize().to_string());
    values.insert("amount".to_owned(), amount.normalize().to_string());
}

/// Copies a product's values into a new line item, once.
pub(super) fn copy_product(account: &Account, values: &mut Values) {
    let product = values.get("hs_product_id").and_then(|id| id.parse().ok());
    let Some(product) = product.and_then(|id| account.object(Kind::Products, id)) else { return };
    let own = ["hs_object_id", "hs_merged_object_ids", "hs_createdate", "hs_lastmodifieddate"];
    for (name, value) in &product.values {
        if !own.contains(&name.as_str()) && account.property(Kind::LineItems, name).is_some_and(|p| !p.unique) {
            values.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
}

/// Whether a quote went out to its buyer.
pub(super) fn is_published(values: &Values) -> bool {
    let status = values.get("hs_status").map(String::as_str);
    let lifecycle = values.get("hs_quote_status").map(String::as_str);
    matches!(status, Some("APPROVAL_NOT_NEEDED" | "APPROVED" | "ACCEPTED"))
        || matches!(lifecycle, Some("PUBLISHED" | "ACCEPTED" | "EXPIRED"))
}

/// Values of a quote that follow from what the buyer does, and that no write may set.
pub(super) fn only_hubspot_sets(name: &str, value: &Value) -> bool {
    name == "hs_status" && matches!(value.as_str(), Some("ACCEPTED" | "SIGNED"))
}
