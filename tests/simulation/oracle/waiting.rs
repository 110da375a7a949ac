//! What waits for a person waits for a reason that people know; nothing is left half done.

use passerelle_core::Result;
use passerelle_core::store::{Parked, Verdict};

use super::Findings;
use super::sales::Wish;
use crate::simulation::books::Books;
use crate::simulation::story::Ending;

/// Looks at parked and held records and at jobs.
pub fn judge(ending: &Ending, books: &Books, wishes: &[Wish], findings: &mut Findings) -> Result<()> {
    let store = &ending.hub.store;
    let parked = store.parked(usize::MAX)?;
    for one in parked.iter().filter(|one| !is_expected(ending, books, wishes, one)) {
        findings.say(format!("parked without a reason: {} \"{}\" {:?}: {}", one.at, one.label, one.why, one.reason));
    }
    for held in store.held()?.iter().filter(|held| held.verdict == Verdict::Waiting) {
        let sale = ending.world.sales.iter().find(|sale| held.source.id.as_str() == sale.id);
        if sale.is_none_or(|sale| sale.is_welcome || !sale.is_won()) {
            findings.say(format!("held without a reason: {} \"{}\"", held.source, held.label));
        }
    }
    for job in store.jobs()? {
        if !parked.iter().any(|one| one.link.as_ref() == Some(&job.link) || job.sources.contains(&one.at)) {
            let sale = ending.world.sales.iter().find(|sale| job.link.as_str() == format!("sale:crm:{}", sale.id));
            let link = store.link(&job.link)?.map(|link| link.sides);
            findings.say(format!("a job is left: {} in {}; {sale:?}; {link:?}", job.link, job.target));
        }
    }
    // What waits is decided again each time, with its counterpart; records in the bin are told, and left alone.
    let away = ending.world.sales.iter().filter(|sale| sale.is_archived).count();
    // A merge gives the deals of both entries another customer without a word in the CRM's feed: the full run sees it.
    let world = &ending.world;
    let merged = |at: usize| {
        world.customer(at) != at || (0..world.customers.len()).any(|one| one != at && world.customer(one) == at)
    };
    let moved = world.sales.iter().filter(|sale| merged(sale.customer)).count();
    // That a record was deleted in the ERP may be seen by the full run only.
    let deleted = world.sales.iter().filter(|sale| sale.was_deleted).count()
        + world.customers.iter().filter(|customer| customer.was_deleted).count();
    if ending.decided_again > (2 * (parked.len() + deleted) + away + moved) as u64 {
        findings.say(format!("{} records were decided again although nothing had changed", ending.decided_again));
    }
    Ok(())
}

/// Whether people know why a record is parked.
fn is_expected(ending: &Ending, books: &Books, wishes: &[Wish], parked: &Parked) -> bool {
    let world = &ending.world;
    let id = parked.at.id.as_str();
    match (parked.at.entity.as_str(), parked.at.system.as_str()) {
        ("sale", "crm") => {
            let sale = world.sales.iter().zip(wishes).find(|(sale, _)| sale.id == id);
            sale.is_some_and(|(sale, wish)| *wish != Wish::Order || sale.was_withdrawn)
        }
        ("sale", _) => {
            let order = books.orders.iter().find(|order| order.id == id);
            let sale = order.and_then(|order| {
                world.sales.iter().zip(wishes).find(|(sale, _)| order.key == format!("sale:crm:{}", sale.id))
            });
            sale.is_some_and(|(sale, wish)| *wish != Wish::Order || sale.was_withdrawn)
        }
        ("company", "crm") => {
            let at = world.customers.iter().position(|customer| customer.id == id);
            at.is_some_and(|at| {
                let group = |other: usize| world.is_double(other) && world.customers[other].double_of.is_some();
                let is_first = (0..world.customers.len()).any(|other| {
                    group(other) && world.customers[other].double_of.map(|of| world.customer(of)) == Some(at)
                });
                let customer = &world.customers[at];
                !customer.is_storable || customer.was_deleted || world.is_double(at) || is_first
            })
        }
        _ => false,
    }
}
