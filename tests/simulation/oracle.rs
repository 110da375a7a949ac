//! The oracle: what must be true once faults have stopped and the flows have settled.

mod customers;
mod journal;
mod money;
mod sales;
mod told;
mod waiting;

use std::collections::BTreeSet;

use passerelle_core::Result;
use passerelle_core::engine::{Difference, link_id};
use passerelle_core::model::{LinkId, SystemName};
use passerelle_core::store::{At, Store};

use super::books::Books;
use super::story::Ending;
use super::tally::Tally;

/// What is not as promised, sentence by sentence.
#[derive(Debug, Default)]
pub struct Findings {
    /// The sentences.
    pub said: Vec<String>,
    /// Duplicates, losses and unequal cents among them.
    pub tally: Tally,
}

impl Findings {
    fn say(&mut self, what: impl Into<String>) {
        self.said.push(what.into());
    }

    fn duplicate(&mut self, what: impl Into<String>) {
        self.tally.duplicates += 1;
        self.say(what);
    }

    fn loss(&mut self, what: impl Into<String>) {
        self.tally.losses += 1;
        self.say(what);
    }

    fn cent(&mut self, what: impl Into<String>) {
        self.tally.cents += 1;
        self.say(what);
    }
}

/// Looks at how a story ended.
///
/// # Errors
/// When a system cannot be read, which is the stage's fault.
pub async fn judge(ending: &Ending) -> Result<Findings> {
    let mut findings = Findings::default();
    let books = Books::read(&ending.ground.host).await?;
    if !ending.is_quiet {
        findings.say("the flows do not come to rest");
    }
    let wishes = sales::judge(ending, &books, &mut findings);
    customers::judge(ending, &books, &mut findings)?;
    told::judge(ending, &books, &mut findings)?;
    waiting::judge(ending, &books, &wishes, &mut findings)?;
    journal::judge(ending, &books, &mut findings)?;
    differences(ending, &mut findings).await?;
    Ok(findings)
}

/// `verify` says 0 differences, but of what is parked for a reason.
async fn differences(ending: &Ending, findings: &mut Findings) -> Result<()> {
    for flow in &ending.hub.flows {
        let waiting = waiting(&ending.hub.store)?;
        for found in ending.hub.verify(flow).await?.differences {
            let is_known = waiting.contains(&found.link) || is_deleted(ending, &found);
            if !is_known {
                findings.say(format!("verify: {} \"{}\" {} {}", found.link, found.label, found.field, found.values));
            }
        }
    }
    Ok(())
}

/// The links that somebody must look at.
fn waiting(store: &Store) -> Result<BTreeSet<LinkId>> {
    let mut links = BTreeSet::new();
    for parked in store.parked(usize::MAX)? {
        let At { entity, system, id } = &parked.at;
        links.insert(link_id(entity, system, id));
        links.extend(store.seen(entity, system, id)?.map(|seen| seen.link));
        links.extend(parked.link);
    }
    Ok(links)
}

/// Whether a difference is that a record is not there any more that people did delete.
fn is_deleted(ending: &Ending, found: &Difference) -> bool {
    let world = &ending.world;
    let Ok(Some(link)) = ending.hub.store.link(&found.link) else { return false };
    let Some(card) = link.sides.get(&SystemName::from("crm")).map(|side| side.id.as_str()) else { return false };
    found.values.get("deleted").is_some()
        && (world.sales.iter().any(|sale| sale.was_deleted && sale.id == card)
            || world.customers.iter().any(|customer| customer.was_deleted && customer.id == card))
}
