//! Every record that a vendor wrote for the hub has its line in the journal.

use std::collections::BTreeSet;

use passerelle_core::Result;

use super::Findings;
use crate::simulation::story::Ending;

/// Holds what the vendors did for the hub against what the hub tells of it.
///
/// # Errors
/// The store's.
pub fn judge(ending: &Ending, findings: &mut Findings) -> Result<()> {
    let journal: BTreeSet<(String, String, String)> = ending
        .hub
        .store
        .journal(None)?
        .into_iter()
        .map(|entry| (entry.system.to_string(), entry.resource.to_string(), entry.id.to_string()))
        .collect();
    let mut effects = ending.ground.fate.effects();
    effects.sort();
    effects.dedup();
    for effect in effects {
        let at = (effect.system.to_owned(), effect.resource.clone(), effect.id.clone());
        if !journal.contains(&at) {
            findings.say(format!("no line in the journal: {} {}/{}/{}", effect.op, at.0, at.1, at.2));
        }
    }
    Ok(())
}
