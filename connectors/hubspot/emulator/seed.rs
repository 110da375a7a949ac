//! Sample data: companies, contacts, products, and deals with their lines and quotes.

use jiff::Timestamp;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::account::Account;
use super::control::{refused, screens};
use super::kind::Kind;
use super::links;
use super::property::Property;

/// The ids of what a sample named by its place in a list.
#[derive(Debug, Default)]
pub(super) struct Known {
    companies: Vec<u64>,
    contacts: Vec<u64>,
    products: Vec<u64>,
}

/// Fills an account: `{"properties": {"companies": [definition, ..]}, "companies": [{"properties"}], "contacts":
/// [{"properties", "company": 0}], "products": [{"properties"}], "deals": [{"properties", "company": 0, "contacts":
/// [0], "line_items": [{"properties", "product": 0}], "quote": {"properties", "state": "published", "line_items": [..]}}]}`;
/// a quote without lines of its own gets copies of its deal's when it is published.
///
/// # Errors
/// `Config` when the sample is not of this shape, or is what HubSpot refuses.
pub(super) fn fill(account: &mut Account, sample: &Value, now: Timestamp) -> Result<()> {
    for (name, definitions) in sample["properties"].as_object().into_iter().flatten() {
        let kind = Kind::parse(name).ok_or_else(|| wrong(format!("`{name}` is not an object type")))?;
        for definition in definitions.as_array().into_iter().flatten() {
            let property = Property::from_body(definition).map_err(refused)?;
            account.properties.entry(kind).or_default().insert(property.name.clone(), property);
        }
    }
    let mut known = Known::default();
    for company in list(sample, "companies") {
        known.companies.push(create(account, Kind::Companies, company, now)?);
    }
    for contact in list(sample, "contacts") {
        let id = create(account, Kind::Contacts, contact, now)?;
        if let Some(company) = place(contact, "company", &known.companies)? {
            join(account, (Kind::Contacts, id), (Kind::Companies, company), 1);
        }
        known.contacts.push(id);
    }
    for product in list(sample, "products") {
        known.products.push(create(account, Kind::Products, product, now)?);
    }
    for sample in list(sample, "deals") {
        deal(account, sample, &known, now)?;
    }
    Ok(())
}

/// Creates a deal of a sample; its `company`, `contacts` and `product`s are places in lists, or ids as texts.
pub(super) fn deal(account: &mut Account, sample: &Value, known: &Known, now: Timestamp) -> Result<u64> {
    let id = create(account, Kind::Deals, sample, now)?;
    let deal = (Kind::Deals, id);
    if let Some(company) = place(sample, "company", &known.companies)? {
        join(account, deal, (Kind::Companies, company), 5);
    }
    for contact in list(sample, "contacts") {
        if let Some(contact) = placed(contact, &known.contacts)? {
            join(account, deal, (Kind::Contacts, contact), 3);
        }
    }
    lines(account, deal, (sample, 19), known, now)?;
    if sample["quote"].is_object() {
        quote(account, id, &sample["quote"], known, now)?;
    }
    Ok(id)
}

fn lines(
    account: &mut Account,
    of: (Kind, u64),
    (sample, link): (&Value, u32),
    known: &Known,
    now: Timestamp,
) -> Result<()> {
    for line in list(sample, "line_items") {
        let mut line = line.clone();
        if let Some(product) = place(&line, "product", &known.products)? {
            line["properties"]["hs_product_id"] = json!(product.to_string());
        }
        let line = create(account, Kind::LineItems, &line, now)?;
        join(account, of, (Kind::LineItems, line), link);
    }
    Ok(())
}

fn quote(account: &mut Account, deal: u64, sample: &Value, known: &Known, now: Timestamp) -> Result<()> {
    let id = create(account, Kind::Quotes, sample, now)?;
    join(account, (Kind::Deals, deal), (Kind::Quotes, id), 63);
    lines(account, (Kind::Quotes, id), (sample, 67), known, now)?;
    match sample["state"].as_str() {
        None | Some("draft") => Ok(()),
        Some("published") => account.publish(id, now),
        Some("accepted" | "signed") => {
            account.publish(id, now)?;
            account.accept_quote(id, now)
        }
        Some(other) => Err(wrong(format!("a quote's state is draft, published, accepted or signed, not `{other}`"))),
    }
}

fn create(account: &mut Account, kind: Kind, sample: &Value, now: Timestamp) -> Result<u64> {
    let none = Map::new();
    let properties = sample["properties"].as_object().unwrap_or(&none);
    account.create(kind, properties, screens(now)).map_err(refused)
}

fn join(account: &mut Account, from: (Kind, u64), to: (Kind, u64), type_id: u32) {
    if let Some(link) = links::type_of(from.0, to.0, type_id) {
        account.links.add(from, to, link);
    }
}

fn list<'a>(sample: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    sample[name].as_array().into_iter().flatten()
}

fn place(sample: &Value, name: &str, known: &[u64]) -> Result<Option<u64>> {
    match sample.get(name) {
        Some(place) => placed(place, known),
        None => Ok(None),
    }
}

fn placed(place: &Value, known: &[u64]) -> Result<Option<u64>> {
    match place {
        Value::Null => Ok(None),
        Value::String(id) => id.parse().map(Some).map_err(|_| wrong(format!("`{id}` is not an id"))),
        place => {
            let found = place.as_u64().and_then(|at| known.get(at as usize)).copied();
            found.map(Some).ok_or_else(|| wrong(format!("{place} is not a place in the list")))
        }
    }
}

fn wrong(message: String) -> Error {
    Error::new(ErrorKind::Config, message)
}
