//! Exactly one order per won sale, none for others, each equal to the cent.

use passerelle_core::engine::OnDelete;
use passerelle_core::model::SystemName;

use super::Findings;
use super::money::{compare, is_one_of};
use crate::simulation::books::Books;
use crate::simulation::genesis::LIMIT;
use crate::simulation::story::Ending;
use crate::simulation::world::{Sale, World};

/// What must have become of a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// One validated order.
    Order,
    /// One draft: the ERP's own totals are not the quote's.
    Draft,
    /// No order: it was never won, or waits for a person.
    None,
    /// One order or none: it was won for a while, its customer was entered twice, or somebody deleted one of the two in the ERP.
    Perhaps,
    /// One order that is what was sold at some time since it was won, or something that waits: its lines were changed.
    Either,
}

/// What must have become of a sale, from what people know alone.
pub fn wish(world: &World, sale: &Sale) -> Wish {
    let customer = world.customer(sale.customer);
    let has_double =
        |at: usize| (0..world.customers.len()).any(|other| world.is_double(other) && of(world, other) == at);
    if !sale.is_won() {
        return if sale.was_won { Wish::Perhaps } else { Wish::None };
    }
    let Some(sums) = sale.sums() else { return Wish::None };
    if !world.customers[customer].is_storable {
        return Wish::None;
    }
    let was_deleted = sale.was_deleted || world.customers[customer].was_deleted;
    if world.is_double(customer) || has_double(customer) || was_deleted {
        return Wish::Perhaps;
    }
    // What was put away with its deal does not come back with it.
    if sale.was_withdrawn && world.rules.on_delete == OnDelete::Archive {
        return Wish::Perhaps;
    }
    if !sale.before.is_empty() {
        return Wish::Either;
    }
    if sums.gross > LIMIT.into() && !sale.is_welcome {
        return Wish::None;
    }
    if world.vat_of_total && sale.vat_of_total() != sums.vat {
        return Wish::Draft;
    }
    Wish::Order
}

fn of(world: &World, double: usize) -> usize {
    world.customers[double].double_of.map_or(double, |of| world.customer(of))
}

/// Holds every sale against the orders that bear its key, and every order against the sales.
pub fn judge(ending: &Ending, books: &Books, findings: &mut Findings) -> Vec<Wish> {
    let world = &ending.world;
    let wishes: Vec<Wish> = world.sales.iter().map(|sale| wish(world, sale)).collect();
    for (sale, wish) in world.sales.iter().zip(&wishes) {
        let orders: Vec<_> = books.orders_of(&sale.id).collect();
        findings.tally.sales += 1;
        findings.tally.won += u64::from(sale.is_won());
        let what = format!("deal {} \"{}\" ({wish:?})", sale.id, sale.title);
        match (wish, orders.as_slice()) {
            (Wish::None, []) | (Wish::Perhaps, [] | [_]) => {}
            (Wish::Order | Wish::Draft, []) => findings.loss(format!("{what} has no order: {}", why(ending, sale))),
            (Wish::Order, [order]) if order.is_draft => {
                findings.loss(format!("{what}: its order {} is still a draft: {}", order.id, why(ending, sale)));
            }
            (Wish::Draft, [order]) if !order.is_draft => findings.cent(format!("{what}: unequal and validated")),
            (Wish::Order | Wish::Draft, [_]) => {}
            (Wish::Either, []) if !waits(ending, sale) => {
                findings.loss(format!("{what} has no order and waits for nobody"))
            }
            (Wish::Either, [order]) if order.is_draft && !waits(ending, sale) => {
                findings.loss(format!("{what}: its order {} is a draft and waits for nobody", order.id));
            }
            (Wish::Either, [order]) if !order.is_draft && !is_one_of(sale, order) => {
                findings.cent(format!("{what}: its order {} is not what was sold at any time", order.id));
            }
            (Wish::Either, [] | [_]) => {}
            (Wish::None, [order, ..]) => findings.duplicate(format!("{what} has an order: {}", order.id)),
            (_, several) => findings.duplicate(format!("{what} has {} orders", several.len())),
        }
        if *wish == Wish::Order
            && let [order] = orders.as_slice()
        {
            compare(&what, sale, order, findings);
        }
    }
    let known = |key: &str| world.sales.iter().any(|sale| key == format!("sale:crm:{}", sale.id));
    for order in books.orders.iter().filter(|order| !known(&order.key)) {
        findings.duplicate(format!("order {} of no deal, key {:?}", order.id, order.key));
    }
    wishes
}

/// Whether a person is asked about a sale.
fn waits(ending: &Ending, sale: &Sale) -> bool {
    let why = why(ending, sale);
    why.starts_with("parked") || why == "held"
}

/// What the hub says of a sale, for whoever looks into a finding.
fn why(ending: &Ending, sale: &Sale) -> String {
    let store = &ending.hub.store;
    let crm: SystemName = "crm".into();
    let parked = store.parked(usize::MAX).unwrap_or_default();
    let link = format!("sale:crm:{}", sale.id);
    let parked = parked.iter().find(|parked| {
        parked.at.system == crm && parked.at.id.as_str() == sale.id
            || parked.link.as_ref().is_some_and(|known| known.as_str() == link)
    });
    let held = store.held().unwrap_or_default().iter().any(|held| held.source.id.as_str() == sale.id);
    match parked {
        Some(parked) => format!("parked, {}", parked.reason),
        None if held => "held".to_owned(),
        None => "the hub says nothing".to_owned(),
    }
}
