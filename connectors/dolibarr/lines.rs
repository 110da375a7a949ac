//! Lines of an order: sent complete, and brought into agreement one by one while it is a draft.

use std::str::FromStr;

use passerelle_core::model::Fields;
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::client::Client;
use super::orders::company_price;
use super::wire::{self, decimal, plain, text, unescaped};

/// A line that is wanted; nothing of it is defaulted from the product, so everything is always sent.
#[derive(Clone, Debug)]
pub(super) struct Line {
    id: Option<String>,
    product: Option<String>,
    kind: String,
    text: String,
    quantity: Decimal,
    /// In the order's currency.
    price: Decimal,
    discount: Decimal,
    vat: Decimal,
}

/// What people add to a line in Dolibarr, which a change through the API would otherwise blank.
const KEPT: [&str; 12] = [
    "label",
    "ref_ext",
    "localtax1_tx",
    "localtax2_tx",
    "info_bits",
    "date_start",
    "date_end",
    "special_code",
    "fk_parent_line",
    "fk_fournprice",
    "pa_ht",
    "fk_unit",
];

/// The lines of native `fields`.
pub(super) fn wanted(fields: &Fields) -> Result<Vec<Line>> {
    let lines = fields.get("lines").and_then(Value::as_array);
    lines.into_iter().flatten().enumerate().map(|(place, line)| read(place + 1, line)).collect()
}

fn read(place: usize, line: &Value) -> Result<Line> {
    let number = |name: &str, otherwise: Option<Decimal>| {
        let given = text(line, name);
        let missing = || {
            Error::new(ErrorKind::Rejected, format!("line {place} has no usable `{name}`"))
                .at("field", "lines")
                .at("value", given.clone().unwrap_or_default())
        };
        match &given {
            None => otherwise.ok_or_else(missing),
            Some(text) => Decimal::from_str(text).map_err(|_| missing()),
        }
    };
    let price = number("subprice", None)?;
    places(price).map_err(|refusal| refusal.at("line", place))?;
    Ok(Line {
        id: text(line, "id"),
        product: text(line, "fk_product").filter(|id| id != "0"),
        kind: text(line, "product_type").unwrap_or_else(|| "0".to_owned()),
        text: text(line, "desc").unwrap_or_default(),
        quantity: number("qty", None)?,
        price,
        discount: number("remise_percent", Some(Decimal::ZERO))?,
        vat: number("tva_tx", None)?,
    })
}

/// Refuses a unit price that Dolibarr would round.
pub(super) fn places(price: Decimal) -> Result<()> {
    if price.normalize().scale() <= 5 {
        return Ok(());
    }
    let message = format!("Dolibarr keeps 5 decimals of a unit price, and {price} has more: round it in the mapping");
    Err(Error::new(ErrorKind::Rejected, message).at("field", "price"))
}

/// All lines, for the body of a create.
pub(super) fn bodies(lines: &[Line], rate: Decimal) -> Value {
    lines.iter().enumerate().map(|(place, line)| Value::Object(line.body(place + 1, rate))).collect()
}

/// Whether an order's lines are not the wanted ones.
pub(super) fn differ(order: &Value, wanted: &[Line], rate: Decimal) -> bool {
    let there = raw(order);
    there.len() != wanted.len() || wanted.iter().zip(&there).any(|(line, raw)| !line.is(raw, rate))
}

/// Makes a draft's lines the wanted ones; calls nothing when they are.
pub(super) async fn settle(client: &Client, order: &Value, wanted: &[Line], rate: Decimal) -> Result<()> {
    if !differ(order, wanted, rate) {
        return Ok(());
    }
    let path = format!("/orders/{}/lines", wire::id(order)?);
    let mut there = raw(order);
    let places: Vec<Option<&Value>> = wanted.iter().map(|line| take(&mut there, line)).collect();
    for surplus in there {
        client.delete(&format!("{path}/{}", wire::id(surplus)?)).await?;
    }
    for (place, (line, old)) in wanted.iter().zip(places).enumerate() {
        let mut body = line.body(place + 1, rate);
        let Some(old) = old else {
            client.create(&path, body).await?;
            continue;
        };
        let in_place = text(old, "rang") == Some((place + 1).to_string());
        if line.is(old, rate) && in_place {
            continue;
        }
        keep(&mut body, old);
        client.put(&format!("{path}/{}", wire::id(old)?), body).await?;
    }
    Ok(())
}

/// Takes the line to change into `line`: the one it names, else the first of the same product. A change cannot give a
/// line another product.
fn take<'a>(there: &mut Vec<&'a Value>, line: &Line) -> Option<&'a Value> {
    let same_product = |raw: &Value| product(raw) == line.product;
    let named = there.iter().position(|raw| line.id.is_some() && text(raw, "id") == line.id && same_product(raw));
    let at = named.or_else(|| there.iter().position(|raw| same_product(raw)))?;
    Some(there.remove(at))
}

fn product(raw: &Value) -> Option<String> {
    text(raw, "fk_product").filter(|id| id != "0")
}

fn keep(body: &mut Map<String, Value>, old: &Value) {
    for name in KEPT {
        if let Some(value) = text(old, name) {
            body.entry(name).or_insert(json!(value));
        }
    }
    if let Some(options) = old.get("array_options").filter(|options| options.is_object()) {
        body.insert("array_options".to_owned(), options.clone());
    }
}

/// An order's raw lines by `rang`.
fn raw(order: &Value) -> Vec<&Value> {
    let mut lines: Vec<&Value> = order.get("lines").and_then(Value::as_array).into_iter().flatten().collect();
    let number = |line: &Value, field: &str| text(line, field).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    lines.sort_by_key(|line| (number(line, "rang"), number(line, "id")));
    lines
}

impl Line {
    /// Everything, as `POST` and `PUT` take it; the price goes in the company's currency, to 5 decimals.
    fn body(&self, place: usize, rate: Decimal) -> Map<String, Value> {
        let fields = [
            ("fk_product", json!(self.product)),
            ("desc", json!(self.text)),
            ("qty", json!(plain(self.quantity, 0))),
            ("subprice", json!(plain(company_price(self.price, rate), 0))),
            ("tva_tx", json!(plain(self.vat, 0))),
            ("remise_percent", json!(plain(self.discount, 0))),
            ("product_type", json!(self.kind)),
            ("rang", json!(place)),
        ];
        let set = |(name, value): (&str, Value)| (!value.is_null()).then(|| (name.to_owned(), value));
        fields.into_iter().filter_map(set).collect()
    }

    fn is(&self, raw: &Value, rate: Decimal) -> bool {
        let number = |name: &str| decimal(raw, name).unwrap_or_default();
        product(raw) == self.product
            && text(raw, "product_type").unwrap_or_else(|| "0".to_owned()) == self.kind
            && text(raw, "desc").map(|desc| unescaped(&desc)).unwrap_or_default() == self.text
            && number("qty") == self.quantity
            && number("remise_percent") == self.discount
            && number("tva_tx") == self.vat
            && number("subprice") == company_price(self.price, rate)
    }
}
