//! Whether the story ended as told: claims, each met or with what was found instead.

use std::collections::BTreeMap;
use std::fmt::Display;

use passerelle_core::cli::Paint;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::ledger::{Ledger, Order, Sale};

/// Won deals of the sample.
const WON: usize = 25;

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
    /// A claim that is met by one value only.
    pub fn expect<T: PartialEq + Display>(&mut self, what: &str, wanted: T, found: T) {
        let found = if found == wanted { Vec::new() } else { vec![format!("{wanted} expected, {found} found")] };
        self.claim(what, found);
    }

    /// Holds the books of both systems against each other.
    pub fn weigh(&mut self, ledger: &Ledger) {
        let ordered = || ledger.sales.iter().filter_map(|sale| Some((sale, sale.order.as_ref()?)));
        self.expect("all won deals but one held and one parked have their order", WON - 2, ordered().count());
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

#[cfg(test)]
mod tests {
    use super::super::ledger::Told;
    use super::*;

    fn sale(agreed: &str, ordered: &str, told_paid: &str, paid: &str) -> (Sale, Order) {
        let amount = |text: &str| text.parse::<Decimal>().unwrap();
        let order = Order {
            number: "CO1".into(),
            total: amount(ordered),
            invoices: vec!["FA1".into()],
            paid: amount(paid),
            ..Order::default()
        };
        let told = Told {
            order: Some("CO1".into()),
            invoices: Some("FA1".into()),
            status: None,
            invoiced: Some(Decimal::ZERO),
            paid: Some(amount(told_paid)),
            due: None,
        };
        let sale = Sale {
            deal: "Forge".into(),
            currency: "EUR".into(),
            agreed: Some(amount(agreed)),
            told,
            order: Some(order.clone()),
        };
        (sale, order)
    }

    #[test]
    fn a_cent_apart_is_found_in_totals_and_in_payments() {
        let (one, order) = sale("100.00", "100.00", "40", "40.00");
        assert_eq!((unequal_total((&one, &order)), untold((&one, &order))), (None, None));
        let (one, order) = sale("100.00", "100.01", "40.00", "40.01");
        assert_eq!(unequal_total((&one, &order)).unwrap(), "Forge: 100.00 agreed, 100.01 ordered");
        assert_eq!(
            untold((&one, &order)).unwrap(),
            "Forge: the CRM says 0.00 / 40.00 / 0.00, the ERP 0.00 / 40.01 / 0.00"
        );
    }

    #[test]
    fn an_order_of_two_deals_or_of_none_is_found() {
        let (one, order) = sale("1", "1", "0", "0");
        let (two, _) = sale("1", "1", "0", "0");
        let stray = Order { number: "CO2".into(), ..Order::default() };
        let ledger = Ledger { sales: vec![one, two], orders: vec![order, stray] };
        assert_eq!(one_order_each(&ledger), ["CO1 has 2 deals", "CO2 has 0 deals"]);
    }

    #[test]
    fn one_unmet_claim_is_enough_and_says_what_was_found() {
        let mut verdict = Verdict::default();
        verdict.expect("two", 2, 2);
        assert!(verdict.is_met());
        verdict.expect("three", 3, 2);
        assert!(!verdict.is_met());
        assert!(verdict.text(Paint::none()).contains("no three\n   3 expected, 2 found\n"));
    }
}
