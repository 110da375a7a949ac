//! `passerelle status`: how far each flow has read, what it last did, what waits for a person.

use serde_json::{Value, json};

use super::Context;
use super::hub::open_store;
use super::output::{CommandResult, Report};
use crate::clock::Timestamp;
use crate::store::{Parked, Run, Store, Verdict};

/// Systems, cursors, lag, last runs, and what waits for a person.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(context: &Context, _: &Args) -> CommandResult {
    let config = context.config()?;
    let store = open_store(context, &config)?;
    let now = context.clock.now();
    let runs = store.runs()?;
    let mut text = String::from("Systems\n");
    let mut systems = Vec::new();
    for (name, system) in &config.systems {
        text.push_str(&format!("  {name}: {}\n", system.connector));
        systems.push(json!({ "name": name, "connector": system.connector }));
    }
    text.push_str("Flows\n");
    let mut flows = Vec::new();
    for (name, flow) in &config.flows {
        let last = runs.iter().rev().find(|run| run.flow == *name);
        let mut read = Vec::new();
        let mut spoken = Vec::new();
        for system in &flow.between {
            let at = store.read_to(name, system)?.map(|read| read.at);
            spoken.push(format!("{system} {}", at.map_or_else(|| "never read".to_owned(), |at| ago(now, at))));
            read.push(json!({ "system": system, "read_at": at, "lag_seconds": at.map(|at| lag(now, at)) }));
        }
        text.push_str(&format!("  {name} ({}): {}; {}\n", flow.entity, spoken.join(", "), last_run(now, last)));
        flows.push(json!({ "name": name, "entity": flow.entity, "systems": read, "last_run": last }));
    }
    let waiting = waiting(&store)?;
    let count = |name: &str| waiting.get(name).and_then(Value::as_u64).unwrap_or(0);
    let (parked, held, conflicts) = (count("parked"), count("held"), count("conflicts"));
    text.push_str(&format!("Waiting for a person: {parked} parked, {held} held, {conflicts} in conflict\n"));
    Ok(Report::done(json!({ "systems": systems, "flows": flows, "waiting": waiting }), text))
}

fn waiting(store: &Store) -> crate::Result<Value> {
    let parked: Vec<Parked> = store.parked(usize::MAX)?;
    // An older version parked them; the next run makes conflicts of them.
    let old = parked.iter().filter(|parked| parked.is_conflict()).count();
    let conflicts = super::conflicts::every(store)?.iter().filter(|conflict| conflict.waits()).count();
    let held = store.held()?.iter().filter(|held| held.verdict == Verdict::Waiting).count();
    Ok(json!({ "parked": parked.len() - old, "held": held, "conflicts": conflicts + old }))
}

fn last_run(now: Timestamp, run: Option<&Run>) -> String {
    let Some(run) = run else { return "never run".to_owned() };
    match (&run.ended, &run.error) {
        (None, _) => format!("began {} and did not end", ago(now, run.began)),
        (Some(_), Some(error)) => format!("failed {}: {error}", ago(now, run.began)),
        (Some(_), None) => format!(
            "ran {}: {} read, {} created, {} updated",
            ago(now, run.began),
            run.counts.read,
            run.counts.created,
            run.counts.updated
        ),
    }
}

fn lag(now: Timestamp, at: Timestamp) -> i64 {
    now.as_second() - at.as_second()
}

fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = lag(now, at).max(0);
    match seconds {
        0..=90 => format!("{seconds} s ago"),
        91..=5_400 => format!("{} min ago", seconds / 60),
        5_401..=172_800 => format!("{} h ago", seconds / 3_600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}
