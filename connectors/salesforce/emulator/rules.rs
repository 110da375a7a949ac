//! What the org does by itself: stages, price books, line totals, roll-ups.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Map, Value, json};

use super::currencies::{self, CURRENCY};
use super::field::{Values, decimal_of, number_of};
use super::org::{Moment, Org, STANDARD};
use super::refusal::Refusal;

/// Objects that go with their parent: child and the field that names the parent.
pub(super) fn parts(object: &str) -> &'static [(&'static str, &'static str)] {
    match object {
        "Opportunity" => &[("OpportunityLineItem", "OpportunityId"), ("Quote", "OpportunityId")],
        "Quote" => &[("QuoteLineItem", "QuoteId")],
        "Product2" => &[("PricebookEntry", "Product2Id")],
        _ => &[],
    }
}

/// Completes a row before it is stored, or refuses it.
pub(super) fn complete(org: &Org, object: &str, values: &mut Values) -> Result<(), Refusal> {
    match object {
        "Contact" => {
            let part = |name: &str| values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let name = format!("{} {}", part("FirstName"), part("LastName"));
            values.insert("Name".to_owned(), json!(name.trim()));
        }
        "Opportunity" => opportunity(org, values),
        "PricebookEntry" => return entry(org, values),
        "OpportunityLineItem" => return line(org, values, "Opportunity", "OpportunityId"),
        "QuoteLineItem" => return line(org, values, "Quote", "QuoteId"),
        "Quote" => {
            let deal = text(values, "OpportunityId");
            let account = org.value("Opportunity", &deal, "AccountId").clone();
            values.insert("AccountId".to_owned(), account);
            currencies::inherit(org, values, ("Opportunity", &deal), None)?;
            values.entry("Status").or_insert(json!("Draft"));
        }
        _ => {}
    }
    Ok(())
}

fn text(values: &Values, name: &str) -> String {
    values.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn opportunity(org: &Org, values: &mut Values) {
    let stage = text(values, "StageName");
    let stages = org.rows.get("opportunitystage").into_iter().flatten();
    let known = stages.map(|(_, row)| row).find(|row| row.get("ApiName").and_then(Value::as_str) == Some(&stage));
    let flag = |name: &str| known.and_then(|row| row.get(name)).cloned().unwrap_or(json!(false));
    values.insert("IsClosed".to_owned(), flag("IsClosed"));
    values.insert("IsWon".to_owned(), flag("IsWon"));
    if let Some(row) = known {
        values.insert("Probability".to_owned(), row.get("DefaultProbability").cloned().unwrap_or(json!(0)));
    }
    // An amount that is given where there are lines is passed over [documented].
    if let Some(id) = values.get("Id").and_then(Value::as_str)
        && values.get("HasOpportunityLineItem") == Some(&json!(true))
    {
        let kept = org.value("Opportunity", id, "Amount").clone();
        values.insert("Amount".to_owned(), kept);
    }
    values.entry("HasOpportunityLineItem").or_insert(json!(false));
}

fn entry(org: &Org, values: &mut Values) -> Result<(), Refusal> {
    let (book, product) = (text(values, "Pricebook2Id"), text(values, "Product2Id"));
    let own = values.get("Id").and_then(Value::as_str);
    let entries = org.having("PricebookEntry", "Product2Id", &json!(product));
    let currency = values.get(CURRENCY).cloned().unwrap_or_default();
    let at = |book: &str| {
        entries.iter().find(|id| {
            org.value("PricebookEntry", id, "Pricebook2Id") == &json!(book)
                && org.value("PricebookEntry", id, CURRENCY) == &currency
                && Some(id.as_str()) != own
        })
    };
    if at(&book).is_some() {
        let message = "This price definition already exists in this price book";
        return Err(Refusal::bad("FIELD_INTEGRITY_EXCEPTION", message).about(&["Pricebook2Id"]));
    }
    if book != STANDARD && !book.is_empty() && at(STANDARD).is_none() && own.is_none() {
        return Err(Refusal::bad("STANDARD_PRICE_NOT_DEFINED", "No standard price defined for this product"));
    }
    for name in ["Name", "ProductCode"] {
        values.insert(name.to_owned(), org.value("Product2", &product, name).clone());
    }
    Ok(())
}

/// A line of an opportunity or a quote: its price book entry, and its total.
fn line(org: &Org, values: &mut Values, parent: &str, by: &str) -> Result<(), Refusal> {
    let integrity =
        |message: &str, field: &str| Err(Refusal::bad("FIELD_INTEGRITY_EXCEPTION", message).about(&[field]));
    let (owner, entry) = (text(values, by), text(values, "PricebookEntryId"));
    let is_new = !values.contains_key("Id");
    if is_new {
        if entry.is_empty() {
            return integrity(
                "field integrity exception: PricebookEntryId (pricebook entry must be specified)",
                "PricebookEntryId",
            );
        }
        let book = org.value(parent, &owner, "Pricebook2Id");
        let of_entry = org.value("PricebookEntry", &entry, "Pricebook2Id");
        let is_free = parent == "Opportunity" && book.is_null();
        if !is_free && book != of_entry {
            let message = "field integrity exception: PricebookEntryId (pricebook entry is not in the pricebook assigned to the parent)";
            return integrity(message, "PricebookEntryId");
        }
        if parent == "Opportunity" && values.contains_key("UnitPrice") && values.contains_key("TotalPrice") {
            let message = "field integrity exception: UnitPrice (cannot specify both unit price and total price)";
            return integrity(message, "UnitPrice");
        }
        currencies::inherit(org, values, (parent, &owner), Some(&entry))?;
        let product = org.value("PricebookEntry", &entry, "Product2Id").clone();
        for name in ["Name", "ProductCode"] {
            let of_product = org.value("Product2", product.as_str().unwrap_or_default(), name).clone();
            if name != "Name" || parent == "Opportunity" {
                values.insert(name.to_owned(), of_product);
            }
        }
        values.insert("Product2Id".to_owned(), product);
        values.insert("ListPrice".to_owned(), org.value("PricebookEntry", &entry, "UnitPrice").clone());
    }
    let number = |values: &Values, name: &str| values.get(name).and_then(decimal_of);
    let quantity = number(values, "Quantity").unwrap_or(Decimal::ONE);
    let total = number(values, "TotalPrice").filter(|_| is_new && !values.contains_key("UnitPrice"));
    if let Some(total) = total {
        let each = total.checked_div(quantity).unwrap_or_default();
        values.insert("UnitPrice".to_owned(), number_of(each.round_dp(5)));
    }
    let price = number(values, "UnitPrice").or_else(|| number(values, "ListPrice")).unwrap_or_default();
    values.insert("UnitPrice".to_owned(), number_of(price));
    let kept = Decimal::ONE_HUNDRED - number(values, "Discount").unwrap_or_default();
    let cents = |exact: Decimal| exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    values.insert("Subtotal".to_owned(), number_of(cents(quantity * price)));
    values.insert("TotalPrice".to_owned(), number_of(cents(quantity * price * kept / Decimal::ONE_HUNDRED)));
    Ok(())
}

/// What follows from a row that was stored.
pub(super) fn after(org: &mut Org, object: &str, id: &str, moment: Moment<'_>) {
    match object {
        "OpportunityLineItem" => {
            let owner = org.value(object, id, "OpportunityId").as_str().unwrap_or_default().to_owned();
            roll_up(org, "Opportunity", &owner, object, "OpportunityId", moment);
        }
        "QuoteLineItem" => {
            let owner = org.value(object, id, "QuoteId").as_str().unwrap_or_default().to_owned();
            roll_up(org, "Quote", &owner, object, "QuoteId", moment);
        }
        "Quote" if org.value(object, id, "QuoteNumber").is_null() => {
            let number = format!("{:08}", org.rows.get("quote").map_or(0, std::collections::BTreeMap::len));
            org.touch(object, id, Map::from_iter([("QuoteNumber".to_owned(), json!(number))]), moment);
        }
        "Opportunity" => sync(org, id, moment),
        _ => {}
    }
}

/// The sum of lines in their parent.
fn roll_up(org: &mut Org, parent: &str, id: &str, child: &str, by: &str, moment: Moment<'_>) {
    let lines = org.having(child, by, &json!(id));
    let total: Decimal = lines.iter().filter_map(|line| decimal_of(org.value(child, line, "TotalPrice"))).sum();
    let mut changes = Values::new();
    if parent == "Opportunity" {
        changes.insert("HasOpportunityLineItem".to_owned(), json!(!lines.is_empty()));
        changes.insert("Amount".to_owned(), number_of(total));
        let entry = lines.first().map(|line| org.value(child, line, "PricebookEntryId").clone());
        if let (true, Some(entry)) = (org.value(parent, id, "Pricebook2Id").is_null(), entry) {
            let book = org.value("PricebookEntry", entry.as_str().unwrap_or_default(), "Pricebook2Id").clone();
            changes.insert("Pricebook2Id".to_owned(), book);
        }
    } else {
        for name in ["Subtotal", "TotalPrice", "GrandTotal"] {
            changes.insert(name.to_owned(), number_of(total));
        }
        changes.insert("LineItemCount".to_owned(), json!(lines.len()));
    }
    org.touch(parent, id, changes, moment);
}

/// The synced quote of an opportunity says so; its lines become the opportunity's.
fn sync(org: &mut Org, id: &str, moment: Moment<'_>) {
    let synced = org.value("Opportunity", id, "SyncedQuoteId").clone();
    let quotes = org.having("Quote", "OpportunityId", &json!(id));
    let mut turned = None;
    for quote in quotes {
        let is = json!(synced == json!(quote));
        if *org.value("Quote", &quote, "IsSyncing") != is {
            if is == json!(true) {
                turned = Some(quote.clone());
            }
            org.touch("Quote", &quote, Map::from_iter([("IsSyncing".to_owned(), is)]), moment);
        }
    }
    let Some(quote) = turned else { return };
    for line in org.having("OpportunityLineItem", "OpportunityId", &json!(id)) {
        org.touch("OpportunityLineItem", &line, Map::from_iter([("IsDeleted".to_owned(), json!(true))]), moment);
    }
    for line in org.having("QuoteLineItem", "QuoteId", &json!(quote)) {
        let Some(mut copy) = org.row("QuoteLineItem", &line).cloned() else { continue };
        let new = org.next_id("OpportunityLineItem");
        copy.insert("Id".to_owned(), json!(new));
        copy.insert("OpportunityId".to_owned(), json!(id));
        copy.shift_remove("QuoteId");
        org.put("OpportunityLineItem", &new, copy);
    }
    roll_up(org, "Opportunity", id, "OpportunityLineItem", "OpportunityId", moment);
}
