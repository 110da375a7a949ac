//! Whether the story ended as told: claims, each met or with what was found instead.

use std::collections::BTreeMap;

use passerelle_core::cli::Paint;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::ledger::{Ledger, Order, Sale};

/// Claims about what happened.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    claims: Vec<Claim>,
}

#[derive(Debug)]
struct Claim {
    what: String,
    /// Empty where it is met.
    found: Vec<String>,
}

impl Verdict {
    /// A claim that is met or not.
    pub fn expect(&mut self, what: &str, met: bool) {
        let found = if met { Vec::new() } else { vec!["it was otherwise; see above".to_owned()] };
        self.claims.push(Claim { what: what.to_owned(), found });
    }

    /// Holds the books of both systems against each other.
    pub fn weigh(&mut self, ledger: &Ledger) {
        let ordered = || ledger.sales.iter().filter_map(|sale| Some((sale, sale.order.as_ref()?)));
        self.claim("no order without its deal, none twice", one_order_each(ledger));
        self.claim("order totals are the agreed ones, to the cent", ordered().filter_map(unequal_total).collect());
        self.claim(
            "the CRM knows what was invoiced, paid and is due, to the cent",
            ordered().filter_map(untold).collect(),
        );
        let statuses: Vec<&str> = ledger.sales.iter().filter_map(|sale| sale.told.status.as_deref()).collect();
        let missing = ["none", "unpaid", "partly_paid", "paid", "overdue", "credited"].into_iter();
        let missing = missing.filter(|status| !statuses.contains(status)).map(|status| format!("none is {status}"));
        self.claim("sales are unpaid, partly paid, paid, overdue and credited", missing.collect());
    }

    fn claim(&mut self, what: &str, found: Vec<String>) {
        self.claims.push(Claim { what: what.to_owned(), found });
    }

    /// Whether every claim is met.
    pub fn is_met(&self) -> bool {
        self.claims.iter().all(|claim| claim.found.is_empty())
    }

    /// Each claim, and what was found instead where it is not met.
    pub fn text(&self, paint: Paint) -> String {
        let mut text = String::from("\n");
        for claim in &self.claims {
            let mark = if claim.found.is_empty() { paint.green("ok") } else { paint.red("no") };
            text.push_str(&format!("{mark} {}\n", claim.what));
            for found in &claim.found {
                text.push_str(&format!("   {found}\n"));
            }
        }
        text
    }

    /// The same for programs.
    pub fn json(&self) -> Value {
        let one = |claim: &Claim| json!({ "claim": claim.what, "met": claim.found.is_empty(), "found": claim.found });
        self.claims.iter().map(one).collect()
    }
}

fn one_order_each(ledger: &Ledger) -> Vec<String> {
    let mut count: BTreeMap<&str, usize> = BTreeMap::new();
    for order in &ledger.orders {
        count.entry(&order.number).or_default();
    }
    for number in ledger.sales.iter().filter_map(|sale| sale.told.order.as_deref()) {
        *count.entry(number).or_default() += 1;
    }
    count.iter().filter(|(_, deals)| **deals != 1).map(|(order, deals)| format!("{order} has {deals} deals")).collect()
}

fn unequal_total((sale, order): (&Sale, &Order)) -> Option<String> {
    let agreed = sale.agreed.unwrap_or_default();
    (agreed != order.total).then(|| format!("{}: {agreed} agreed, {} ordered", sale.deal, order.total))
}

fn untold((sale, order): (&Sale, &Order)) -> Option<String> {
    let told = [sale.told.invoiced, sale.told.paid, sale.told.due].map(Option::unwrap_or_default);
    let is = [order.invoiced, order.paid, order.due];
    let shown = |sums: &[Decimal]| sums.iter().map(|sum| format!("{sum:.2}")).collect::<Vec<_>>().join(" / ");
    let numbers = sale.told.invoices.as_deref().unwrap_or_default().split(", ").filter(|number| !number.is_empty());
    let same = told == is && numbers.eq(order.invoices.iter().map(String::as_str));
    (!same).then(|| format!("{}: the CRM says {}, the ERP {}", sale.deal, shown(&told), shown(&is)))
}
