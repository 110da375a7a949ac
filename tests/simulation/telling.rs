//! What the hub knows of one record at a story's end, for whoever looks into a finding.

use std::fmt::Write;

use passerelle_core::Result;

use super::story::Ending;

/// Everything in the store that names `id`, and what people know of it, a line each.
///
/// # Errors
/// The store's.
pub fn tell(ending: &Ending, id: &str) -> Result<String> {
    let store = &ending.hub.store;
    let mut lines = Vec::new();
    let world = &ending.world;
    lines.extend(world.sales.iter().map(|sale| format!("sale {sale:?}")));
    lines.extend(world.customers.iter().enumerate().map(|(at, customer)| format!("customer {at} {customer:?}")));
    for flow in &ending.hub.flows {
        lines.extend(store.links(&flow.entity, None, usize::MAX)?.iter().map(|link| format!("link {link:?}")));
    }
    lines.extend(store.parked(usize::MAX)?.iter().map(|parked| format!("parked {parked:?}")));
    lines.extend(store.held()?.iter().map(|held| format!("held {held:?}")));
    lines.extend(store.jobs()?.iter().map(|job| format!("job {job:?}")));
    lines.extend(store.conflicts_after(None, usize::MAX)?.iter().map(|conflict| format!("conflict {conflict:?}")));
    lines.extend(ending.ground.fate.effects().iter().map(|effect| format!("effect {effect:?}")));
    lines.extend(store.journal(None)?.iter().map(|entry| format!("journal {entry:?}")));
    let mut text = String::new();
    for line in lines.iter().filter(|line| line.contains(&format!("{id:?}")) || line.contains(&format!(":{id}\""))) {
        let _ = writeln!(text, "{line}");
    }
    Ok(text)
}
