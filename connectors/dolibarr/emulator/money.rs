//! Totals: per line to the cent, then the document; in the company's currency and in the document's.

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::store::{Fields, Kind, Row, Store};
use super::values::{amount, decimal, rate, rich, rounded, short, text};

/// A line as it is stored; nothing is defaulted from its product, and a price is kept to 5 decimals.
pub(super) fn line(store: &mut Store, kind: Kind, body: &Value, currency_rate: Decimal) -> Fields {
    let mut line = Fields::new();
    let id = text(body.get("id_kept")).parse::<u64>().map_or_else(|_| store.next_line(), |id| id.to_string());
    let product = text(body.get("fk_product")).parse::<u64>().ok().filter(|id| *id > 0);
    let found = product.and_then(|id| store.row(Kind::Product, id));
    let product_text = |field: &str| found.map_or(Value::Null, |row| json!(row.text(field)));
    let price = rounded(decimal(body.get("subprice")), 5);
    let foreign_price = rounded(price * currency_rate, 5);
    let description = rich(&text(body.get("desc").filter(|desc| !desc.is_null()).or(body.get("description"))));
    let number = |name: &str, otherwise: &str| match text(body.get(name)) {
        value if value.is_empty() => json!(otherwise),
        value => json!(value),
    };
    let fields = [
        ("id", json!(id)),
        ("rowid", json!(id)),
        ("fk_product", product.map_or(Value::Null, |id| json!(id.to_string()))),
        ("ref", product_text("ref")),
        ("product_ref", product_text("ref")),
        ("product_label", product_text("label")),
        ("libelle", product_text("label")),
        ("product_desc", product_text("description")),
        ("fk_product_type", product_text("type")),
        ("product_type", number("product_type", "0")),
        ("desc", json!(description)),
        ("description", json!(description)),
        ("qty", short(decimal(body.get("qty")))),
        ("remise_percent", short(decimal(body.get("remise_percent")))),
        ("subprice", amount(price)),
        ("multicurrency_subprice", amount(foreign_price)),
        ("tva_tx", rate(decimal(body.get("tva_tx")))),
        ("rang", number("rang", "0")),
    ];
    line.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    if kind == Kind::Order {
        let net_price = price * (Decimal::ONE - decimal(body.get("remise_percent")) / Decimal::ONE_HUNDRED);
        // Binary arithmetic of PHP: 114.475 was shown as 114.47.
        line.insert(
            "price".to_owned(),
            short(net_price.round_dp_with_strategy(2, RoundingStrategy::MidpointTowardZero)),
        );
    }
    totals(&mut line, price, "");
    totals(&mut line, foreign_price, "multicurrency_");
    line
}

fn totals(line: &mut Fields, price: Decimal, prefix: &str) {
    let kept = Decimal::ONE - decimal(line.get("remise_percent")) / Decimal::ONE_HUNDRED;
    let net = rounded(price * decimal(line.get("qty")) * kept, 2);
    let vat = rounded(net * decimal(line.get("tva_tx")) / Decimal::ONE_HUNDRED, 2);
    for (name, value) in [("total_ht", net), ("total_tva", vat), ("total_ttc", net + vat)] {
        line.insert(format!("{prefix}{name}"), amount(value));
    }
}

/// Sums a document's lines; whether its totals changed, which is what moves `tms`.
pub(super) fn sum(row: &mut Row, vat_of_total: bool) -> bool {
    let before = (row.fields.get("total_ht").cloned(), row.fields.get("total_ttc").cloned());
    for prefix in ["", "multicurrency_"] {
        let (net, vat) = sums(row, prefix, vat_of_total);
        for (name, value) in [("total_ht", net), ("total_tva", vat), ("total_ttc", net + vat)] {
            row.fields.insert(format!("{prefix}{name}"), amount(value));
        }
    }
    before != (row.fields.get("total_ht").cloned(), row.fields.get("total_ttc").cloned())
}

fn sums(row: &Row, prefix: &str, vat_of_total: bool) -> (Decimal, Decimal) {
    let of = |line: &Fields, name: &str| decimal(line.get(&format!("{prefix}{name}")));
    let net = row.lines.iter().map(|line| of(line, "total_ht")).sum();
    if !vat_of_total {
        return (net, row.lines.iter().map(|line| of(line, "total_tva")).sum());
    }
    let exact = |line: &Fields| of(line, "total_ht") * decimal(line.get("tva_tx")) / Decimal::ONE_HUNDRED;
    (net, rounded(row.lines.iter().map(exact).sum(), 2))
}

/// What was paid on an invoice, and what credit notes took off it.
pub(super) fn settled(store: &Store, invoice: u64) -> (Decimal, Decimal) {
    let paid = store.payments.iter().filter(|payment| payment.invoice == invoice).map(|payment| payment.amount).sum();
    let used = store.discounts.iter().filter(|discount| discount.used_on == Some(invoice));
    (paid, used.map(|discount| discount.amount).sum())
}

/// What is left to pay.
pub(super) fn rest(store: &Store, invoice: u64) -> Decimal {
    let total = store.row(Kind::Invoice, invoice).map(|row| decimal(row.fields.get("total_ttc"))).unwrap_or_default();
    let (paid, credited) = settled(store, invoice);
    total - paid - credited
}
