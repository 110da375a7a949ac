//! Lines of a quotation or order: always sent complete, with prices that the site does not touch.

use std::str::FromStr;

use passerelle_core::model::Fields;
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::Config;
use super::wire::{cents, number, plain, text};

/// A line that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Line {
    pub item: String,
    pub description: Option<String>,
    pub quantity: Decimal,
    /// Before the line's discount.
    pub price: Decimal,
    /// In percent.
    pub discount: Decimal,
    /// In percent.
    pub vat: Decimal,
    delivery: Option<String>,
}

/// The lines of native `fields`.
pub(super) fn wanted(config: &Config, fields: &Fields) -> Result<Vec<Line>> {
    let lines = fields.get("items").and_then(Value::as_array);
    lines.into_iter().flatten().enumerate().map(|(place, line)| read(config, place + 1, line)).collect()
}

fn read(config: &Config, place: usize, line: &Value) -> Result<Line> {
    let refused = |message: String| Error::new(ErrorKind::Rejected, message).at("field", "items").at("line", place);
    let read = |name: &str| -> Result<Option<Decimal>> {
        let Some(text) = text(line, name) else { return Ok(None) };
        Decimal::from_str(&text).map(Some).map_err(|_| refused(format!("line {place} has no usable `{name}`")))
    };
    let need = |name: &str| read(name)?.ok_or_else(|| refused(format!("line {place} has no `{name}`")));
    let item = text(line, "item_code").or_else(|| config.free_text_item.clone()).ok_or_else(|| {
        refused(format!(
            "line {place} has no product, and ERPNext takes no line without an item: name one for such lines in `free_text_item`"
        ))
    })?;
    let price = match read("unit_price")? {
        Some(price) => price,
        None => need("rate").map_err(|_| refused(format!("line {place} has no `unit_price`")))?,
    };
    places(price, config.price_decimals).map_err(|refusal| refusal.at("line", place))?;
    Ok(Line {
        item,
        description: text(line, "description"),
        quantity: need("qty")?,
        price,
        discount: read("discount_percentage")?.unwrap_or_default(),
        vat: need("vat_rate")?,
        delivery: text(line, "delivery_date"),
    })
}

/// Refuses a unit price that the site would round before it multiplies.
pub(super) fn places(price: Decimal, most: u32) -> Result<()> {
    if price.normalize().scale() <= most {
        return Ok(());
    }
    let message = format!(
        "ERPNext would round the unit price {price} to {most} decimals: give the site more and say so in `price_decimals`, or \
         round it in the mapping"
    );
    Err(Error::new(ErrorKind::Rejected, message).at("field", "unit_price"))
}

impl Line {
    /// What the customer read: each line rounded to cents.
    pub fn net(&self) -> Decimal {
        cents(self.quantity * self.price * (Decimal::ONE - self.discount / Decimal::ONE_HUNDRED))
    }

    /// The line as ERPNext takes it. `rate` or a discount of the list price, never both (observed).
    pub fn body(&self, delivery: Option<&str>, template: Option<&str>) -> Value {
        let mut body = Map::new();
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        put("item_code", json!(self.item));
        if let Some(description) = &self.description {
            put("description", json!(description));
        }
        put("qty", number(self.quantity));
        if self.price.is_zero() {
            // A rate of nothing would be replaced by the list price (observed).
            put("price_list_rate", number(Decimal::ZERO));
            put("discount_percentage", number(Decimal::ONE_HUNDRED));
        } else if self.discount.is_zero() {
            put("rate", number(self.price));
        } else {
            put("price_list_rate", number(self.price));
            put("discount_percentage", number(self.discount));
        }
        if let Some(day) = self.delivery.as_deref().or(delivery) {
            put("delivery_date", json!(day));
        }
        if let Some(template) = template {
            put("item_tax_template", json!(template));
        }
        Value::Object(body)
    }

    /// Whether a line in its normal form says the same.
    fn is(&self, shown: &Value, config: &Config) -> bool {
        let free = self.price.is_zero();
        let same = |name: &str, wanted: Decimal| text(shown, name) == Some(plain(wanted, 0));
        let price = text(shown, "unit_price").and_then(|text| Decimal::from_str(&text).ok());
        text(shown, "item_code").or_else(|| config.free_text_item.clone()).as_deref() == Some(self.item.as_str())
            && same("qty", self.quantity)
            && price == Some(self.price)
            && (free || same("discount_percentage", self.discount))
            && same("vat_rate", self.vat)
            && (self.description.is_none()
                || text(shown, "description").map(|text| flat(&text)) == self.description.as_deref().map(flat))
    }
}

fn flat(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether an order's lines are not the wanted ones.
pub(super) fn differ(config: &Config, document: &Value, wanted: &[Line]) -> bool {
    let there = super::orders::lines(config, document);
    there.len() != wanted.len() || wanted.iter().zip(&there).any(|(line, shown)| !line.is(shown, config))
}
