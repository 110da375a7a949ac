//! To the cent: an order's own sums and lines against the sale's, made anew from what people entered.

use rust_decimal::Decimal;

use super::Findings;
use crate::simulation::books::Order;
use crate::simulation::world::Sale;

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
    let mut wanted: Vec<[Decimal; 4]> = sale
        .lines
        .iter()
        .map(|line| [line.quantity, line.price - line.discount, line.percent, line.vat.unwrap_or_default()])
        .collect();
    let mut there = order.lines.clone();
    wanted.sort();
    there.sort();
    if wanted != there {
        findings.cent(format!("{what}: lines {wanted:?} agreed, {there:?} ordered"));
    }
    if order.reference != sale.reference {
        findings.say(format!("{what}: reference {:?}, the ERP has {:?}", sale.reference, order.reference));
    }
}
