//! Totals as ERPNext computes them: rates rounded first, then amounts, the discount spread, VAT of the whole.

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::values::{Doc, amount, int, number, set, text};

/// Decimals of an amount.
const CENTS: u32 = 2;

/// Computes every amount of a quotation, order or invoice.
pub(super) fn calculate(site: &Site, doc: &mut Doc) -> Reply<()> {
    let mut sums = Sums { site, rate: amount(doc, "conversion_rate") };
    let mut items = taken(doc, "items");
    for item in &mut items {
        sums.line(item);
    }
    let total: Decimal = items.iter().map(|item| amount(item, "amount")).sum();
    let mut taxes = taken(doc, "taxes");
    for (place, tax) in taxes.iter().enumerate() {
        if text(tax, "charge_type").starts_with("On Previous Row") && place == 0 {
            let message =
                "Row 1: Cannot select charge type as 'On Previous Row Amount' or 'On Previous Row Total' for first row";
            return Err(Refusal::invalid(message));
        }
    }
    sums.taxes(&items, &mut taxes, total);
    let discount = sums.discount(doc, total, &taxes);
    let mut net = total;
    if !discount.is_zero() {
        let whole = if text(doc, "apply_discount_on") == "Net Total" { total } else { grand(total, &taxes) };
        net = sums.spread(
            &mut items,
            if text(doc, "apply_discount_on") == "Net Total" { discount } else { net_share(discount, whole, total) },
            total,
        );
        sums.taxes(&items, &mut taxes, net);
    }
    let gross = sums.cents(grand(net, &taxes));
    set(doc, "discount_amount", number(discount));
    set(doc, "total_qty", number(items.iter().map(|item| amount(item, "qty")).sum()));
    let rounded = int(doc, "disable_rounded_total") == 0;
    for (field, value) in [
        ("total", total),
        ("net_total", net),
        ("total_taxes_and_charges", gross - net),
        ("grand_total", gross),
        ("rounded_total", if rounded { gross } else { Decimal::ZERO }),
        ("rounding_adjustment", Decimal::ZERO),
    ] {
        set(doc, field, number(value));
        set(doc, &format!("base_{field}"), number(sums.cents(value * sums.rate)));
    }
    set(doc, "base_discount_amount", number(sums.cents(discount * sums.rate)));
    set(doc, "items", Value::Array(items.into_iter().map(Value::Object).collect()));
    set(doc, "taxes", Value::Array(taxes.into_iter().map(Value::Object).collect()));
    Ok(())
}

fn taken(doc: &mut Doc, table: &str) -> Vec<Doc> {
    let rows = doc.get_mut(table).and_then(Value::as_array_mut).map(std::mem::take).unwrap_or_default();
    rows.into_iter().filter_map(|row| row.as_object().cloned()).collect()
}

/// A discount on the gross total, as its share of the net.
fn net_share(discount: Decimal, gross: Decimal, net: Decimal) -> Decimal {
    if gross.is_zero() { Decimal::ZERO } else { discount * net / gross }
}

fn grand(net: Decimal, taxes: &[Doc]) -> Decimal {
    net + taxes.iter().map(|tax| amount(tax, "tax_amount_after_discount_amount")).sum::<Decimal>()
}

struct Sums<'a> {
    site: &'a Site,
    /// One unit of the document's currency in the company's.
    rate: Decimal,
}

impl Sums<'_> {
    fn cents(&self, value: Decimal) -> Decimal {
        self.site.settings.rounding.round(value, CENTS)
    }

    fn line(&mut self, item: &mut Doc) {
        let places = self.site.settings.rate_places;
        let round = |value: Decimal| self.site.settings.rounding.round(value, places);
        let (list, percent) = (round(amount(item, "price_list_rate")), amount(item, "discount_percentage"));
        let mut rate = round(amount(item, "rate"));
        if percent == Decimal::ONE_HUNDRED {
            rate = Decimal::ZERO;
        } else if !list.is_zero() && rate.is_zero() {
            rate = round(list * (Decimal::ONE - percent / Decimal::ONE_HUNDRED));
        }
        let value = self.cents(rate * amount(item, "qty"));
        let off = if list.is_zero() { Decimal::ZERO } else { list - rate };
        for (field, value) in
            [("price_list_rate", list), ("rate", rate), ("net_rate", rate), ("amount", value), ("net_amount", value)]
        {
            set(item, field, number(value));
            set(item, &format!("base_{field}"), number(self.cents(value * self.rate)));
        }
        set(item, "discount_amount", number(off));
        set(item, "distributed_discount_amount", number(Decimal::ZERO));
    }

    /// The document's discount: of a percentage where there is one.
    fn discount(&self, doc: &Doc, total: Decimal, taxes: &[Doc]) -> Decimal {
        let percent = amount(doc, "additional_discount_percentage");
        if percent.is_zero() {
            return self.cents(amount(doc, "discount_amount"));
        }
        let of = if text(doc, "apply_discount_on") == "Net Total" { total } else { grand(total, taxes) };
        self.cents(of * percent / Decimal::ONE_HUNDRED)
    }

    /// Spreads a discount over the lines by their share; what rounding leaves over goes to the line at hand.
    fn spread(&self, items: &mut [Doc], discount: Decimal, total: Decimal) -> Decimal {
        let (mut expected, mut net) = (Decimal::ZERO, Decimal::ZERO);
        for item in items {
            let whole = amount(item, "net_amount");
            let share = if total.is_zero() { Decimal::ZERO } else { discount * whole / total };
            expected += whole - share;
            let mut left = self.cents(whole - share);
            net += left;
            let apart = self.cents(expected - net);
            left += apart;
            net += apart;
            set(item, "net_amount", number(left));
            set(item, "distributed_discount_amount", number(self.cents(whole - left)));
            let qty = amount(item, "qty");
            if !qty.is_zero() {
                set(item, "net_rate", number(self.cents(left / qty)));
            }
            set(item, "base_net_amount", number(self.cents(left * self.rate)));
        }
        net
    }

    fn taxes(&self, items: &[Doc], taxes: &mut [Doc], net: Decimal) {
        let mut running = net;
        for tax in taxes {
            let mut sum = Decimal::ZERO;
            let mut detail = Map::new();
            for item in items {
                let (rate, value) = self.tax_of(item, tax, net);
                sum += value;
                let before = detail.get(text(item, "item_code")).and_then(|one: &Value| one.get(1)).cloned();
                let value = value + super::values::decimal(before.as_ref());
                detail.insert(text(item, "item_code").to_owned(), json!([number(rate), number(value)]));
            }
            let sum = if text(tax, "charge_type") == "Actual" { amount(tax, "tax_amount") } else { self.cents(sum) };
            running = self.cents(running + sum);
            for (field, value) in [("tax_amount", sum), ("tax_amount_after_discount_amount", sum), ("total", running)] {
                set(tax, field, number(value));
                set(tax, &format!("base_{field}"), number(self.cents(value * self.rate)));
            }
            set(tax, "item_wise_tax_detail", Value::Object(detail).to_string());
        }
    }

    /// The rate and amount of one row of taxes on one line: the line's own template wins over the row.
    fn tax_of(&self, item: &Doc, tax: &Doc, net: Decimal) -> (Decimal, Decimal) {
        let own: Map<String, Value> = serde_json::from_str(text(item, "item_tax_rate")).unwrap_or_default();
        let rate = own
            .get(text(tax, "account_head"))
            .map_or_else(|| amount(tax, "rate"), |rate| super::values::decimal(Some(rate)));
        let value = amount(item, "net_amount");
        let tax = match text(tax, "charge_type") {
            "Actual" if net.is_zero() => Decimal::ZERO,
            "Actual" => amount(tax, "tax_amount") * value / net,
            "On Item Quantity" => rate * amount(item, "qty"),
            _ => rate * value / Decimal::ONE_HUNDRED,
        };
        (rate, if self.site.settings.round_row_wise_tax { self.cents(tax) } else { tax })
    }
}
