//! To the cent: an order's own sums and lines against the sale's, made anew from what people entered.

use rust_decimal::Decimal;

use super::Findings;
use crate::simulation::books::Order;
use crate::simulation::world::{Line, Sale, Sums};

/// Says where an order is not the sale.
pub fn compare(what: &str, sale: &Sale, order: &Order, findings: &mut Findings) {
    let Some(sums) = sale.sums() else { return };
    for (name, agreed, ordered) in
        [("net", sums.net, order.net), ("VAT", sums.vat, order.vat), ("gross", sums.gross, order.gross)]
    {
        // Rounded once per document, the ERP's VAT may be equal by another way; the sums must be all the same.
        if agreed != ordered {
            findings.cent(format!("{what}: {name} {agreed} agreed, {ordered} ordered"));
        }
    }
    let (wanted, there) = (sorted(spelled(&sale.lines)), sorted(order.lines.clone()));
    if wanted != there {
        findings.cent(format!("{what}: lines {wanted:?} agreed, {there:?} ordered"));
    }
    if order.reference != sale.reference {
        findings.say(format!("{what}: reference {:?}, the ERP has {:?}", sale.reference, order.reference));
    }
}

/// Whether an order is, to the cent and line by line, what was sold at some time.
pub fn is_one_of(sale: &Sale, order: &Order) -> bool {
    let there = sorted(order.lines.clone());
    let ordered = Sums { net: order.net, vat: order.vat, gross: order.gross };
    sale.before
        .iter()
        .chain([&sale.lines])
        .any(|lines| Sale::sums_of(lines) == Some(ordered) && sorted(spelled(lines)) == there)
}

fn spelled(lines: &[Line]) -> Vec<[Decimal; 4]> {
    let of = |line: &Line| [line.quantity, line.price - line.discount, line.percent, line.vat.unwrap_or_default()];
    lines.iter().map(of).collect()
}

fn sorted(mut lines: Vec<[Decimal; 4]>) -> Vec<[Decimal; 4]> {
    lines.sort();
    lines
}
