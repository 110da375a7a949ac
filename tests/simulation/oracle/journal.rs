//! Every write that a vendor made for the hub has its line in the journal.

use std::collections::BTreeMap;

use passerelle_core::Result;

use super::Findings;
use crate::simulation::books::Books;
use crate::simulation::story::Ending;

type Place = (String, String, String);

/// Holds what the vendors did for the hub against what the hub tells of it.
///
/// A call that says the same as the one before is that one, repeated.
///
/// # Errors
/// The store's.
pub fn judge(ending: &Ending, books: &Books, findings: &mut Findings) -> Result<()> {
    let mut told: BTreeMap<Place, usize> = BTreeMap::new();
    for entry in ending.hub.store.journal(None)? {
        *told.entry((entry.system.to_string(), entry.resource.to_string(), entry.id.to_string())).or_default() += 1;
    }
    let mut made: BTreeMap<Place, Vec<(&'static str, u64)>> = BTreeMap::new();
    for effect in ending.ground.fate.effects() {
        let writes = made.entry((effect.system.to_owned(), effect.resource, effect.id)).or_default();
        if effect.op == "part" && !writes.is_empty() || writes.last() == Some(&(effect.op, effect.sent)) {
            continue;
        }
        writes.push((effect.op, effect.sent));
    }
    // Of what somebody deleted before the hub looked whether it was created, nothing can be told.
    let is_there = |resource: &str, id: &String| match resource {
        "orders" => books.orders.iter().any(|order| order.id == *id),
        "thirdparties" => books.parties.iter().any(|party| party.id == *id),
        _ => true,
    };
    for ((system, resource, id), writes) in made {
        if system == "erp" && !is_there(&resource, &id) {
            continue;
        }
        let told = told.get(&(system.clone(), resource.clone(), id.clone())).copied().unwrap_or_default();
        if told < writes.len() {
            let ops: Vec<&str> = writes.iter().map(|(op, _)| *op).collect();
            findings.say(format!("{told} lines in the journal of {system}/{resource}/{id}: {}", ops.join(", ")));
        }
    }
    Ok(())
}
