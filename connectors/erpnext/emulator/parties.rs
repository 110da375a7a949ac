//! What a site's own code does with addresses, contacts, items, prices, custom fields and webhooks.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::meta;
use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::values::{Doc, amount, int, number, rows, set, text};

/// Fills in and refuses.
pub(super) fn validate(site: &Site, doctype: &str, doc: &mut Doc, now: Timestamp) -> Reply<()> {
    match doctype {
        "Address" => links(site, doc),
        "Contact" => contact(site, doc),
        "Item" => {
            for field in ["item_name", "description"] {
                if text(doc, field).is_empty() {
                    set(doc, field, text(doc, if field == "item_name" { "item_code" } else { "item_name" }).to_owned());
                }
            }
            Ok(())
        }
        "Item Price" => item_price(site, doc, now),
        "Custom Field" => custom_field(site, doc),
        "Webhook" => webhook(doc),
        "Sales Taxes and Charges Template" => {
            let company = text(doc, "company").to_owned();
            for row in doc.get_mut("taxes").and_then(Value::as_array_mut).into_iter().flatten() {
                row["account_currency"] =
                    json!(site.get("Company", &company).map(|company| text(company, "default_currency")));
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn links(site: &Site, doc: &mut Doc) -> Reply<()> {
    for link in doc.get_mut("links").and_then(Value::as_array_mut).into_iter().flatten() {
        let (kind, name) =
            (link["link_doctype"].as_str().unwrap_or_default(), link["link_name"].as_str().unwrap_or_default());
        if !name.is_empty() && site.get(kind, name).is_none() {
            return Err(Refusal::new(417, "LinkValidationError", format!("Could not find Row #1: Link Name: {name}")));
        }
        link["link_title"] = json!(name);
    }
    Ok(())
}

fn contact(site: &Site, doc: &mut Doc) -> Reply<()> {
    links(site, doc)?;
    let names = ["first_name", "middle_name", "last_name"].map(|field| text(doc, field).to_owned());
    let full = names.iter().filter(|name| !name.is_empty()).cloned().collect::<Vec<_>>().join(" ");
    let email = |doc: &Doc| {
        rows(doc, "email_ids").find(|row| int(row, "is_primary") == 1).map(|row| text(row, "email_id").to_owned())
    };
    let primary = email(doc).or_else(|| rows(doc, "email_ids").next().map(|row| text(row, "email_id").to_owned()));
    let numbered = |doc: &Doc, flag: &str| {
        rows(doc, "phone_nos").find(|row| int(row, flag) == 1).map(|row| text(row, "phone").to_owned())
    };
    let (phone, mobile) = (numbered(doc, "is_primary_phone"), numbered(doc, "is_primary_mobile_no"));
    for (field, value) in [("email_id", primary.clone()), ("phone", phone), ("mobile_no", mobile)] {
        match value {
            Some(value) => set(doc, field, value),
            None => _ = doc.shift_remove(field),
        }
    }
    let full = if full.is_empty() { primary.unwrap_or_else(|| text(doc, "company_name").to_owned()) } else { full };
    if full.is_empty() {
        return Err(Refusal::new(417, "MandatoryError", "Error: Value missing for Contact: First Name"));
    }
    set(doc, "full_name", full);
    Ok(())
}

fn item_price(site: &Site, doc: &mut Doc, now: Timestamp) -> Reply<()> {
    let Some(item) = site.get("Item", text(doc, "item_code")) else {
        let message = format!("Could not find Item Code: {}", text(doc, "item_code"));
        return Err(Refusal::new(417, "LinkValidationError", message));
    };
    if text(doc, "uom").is_empty() {
        set(doc, "uom", text(item, "stock_uom").to_owned());
    }
    if text(doc, "valid_from").is_empty() {
        set(doc, "valid_from", site.today(now));
    }
    set(doc, "item_name", text(item, "item_name").to_owned());
    set(doc, "item_description", text(item, "description").to_owned());
    let list = site.get("Price List", text(doc, "price_list"));
    set(doc, "currency", list.map(|list| text(list, "currency").to_owned()).unwrap_or_default());
    set(
        doc,
        "price_list_rate",
        number(site.settings.rounding.round(amount(doc, "price_list_rate"), site.settings.rate_places)),
    );
    let same = |other: &&Doc| {
        let fields = ["item_code", "price_list", "uom", "customer", "valid_from", "valid_upto"];
        fields.iter().all(|field| text(other, field) == text(doc, field)) && text(other, "name") != text(doc, "name")
    };
    if site.all("Item Price").any(|other| same(&other)) {
        let message = "Item Price appears multiple times based on Price List, Supplier/Customer, Currency, Item, Batch, UOM, Qty, and Dates.";
        return Err(Refusal::new(417, "ItemPriceDuplicateItem", message));
    }
    Ok(())
}

fn custom_field(site: &Site, doc: &mut Doc) -> Reply<()> {
    let of = text(doc, "dt").to_owned();
    if meta::of(&of).is_none() {
        return Err(Refusal::new(417, "LinkValidationError", format!("Could not find Document: {of}")));
    }
    if text(doc, "fieldname").is_empty() {
        set(doc, "fieldname", format!("custom_{}", text(doc, "label").to_lowercase().replace(' ', "_")));
    }
    let name = text(doc, "fieldname").to_owned();
    // The database's own rule for columns (documented by Frappe, not observed).
    let special: Vec<String> =
        name.chars().filter(|c| !c.is_alphanumeric() && *c != '_').map(|c| format!("\"{c}\"")).collect();
    if !special.is_empty() {
        let message =
            format!("Fieldname <strong>{name}</strong> cannot have special characters like {}", special.join(", "));
        return Err(Refusal::new(417, "InvalidColumnName", message));
    }
    let known = site.fields(&of).iter().any(|field| field.name == name);
    let own = text(doc, "name") == format!("{of}-{name}");
    if known && !own {
        return Err(Refusal::invalid(format!("A field with the name <strong>{name}</strong> already exists in {of}")));
    }
    Ok(())
}

fn webhook(doc: &mut Doc) -> Reply<()> {
    if !text(doc, "condition").is_empty() && text(doc, "condition").contains('>') {
        return Err(Refusal::invalid("Invalid Condition: '>' not supported between instances of 'NoneType' and 'int'"));
    }
    if !text(doc, "webhook_secret").is_empty() && !text(doc, "webhook_secret").starts_with('*') {
        set(doc, "secret_kept", text(doc, "webhook_secret").to_owned());
        set(doc, "webhook_secret", "*************");
    }
    Ok(())
}
