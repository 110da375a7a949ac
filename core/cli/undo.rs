//! `passerelle undo`: the reverse plan of a run; writes nothing.

use std::path::PathBuf;

use serde_json::json;

use super::Context;
use super::hub::{Hub, open_store};
use super::output::{CommandResult, Exit, Report};
use super::trace::shown;
use crate::engine::{Next, Target, Undo};
use crate::store::{Run, Store};
use crate::{Error, ErrorKind, Result};

/// Show how to take back what a run wrote, where the records still hold it; exits 4 when that holds changes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The run, as `sync` and `apply` tell it; its beginning is enough. `last` is the last one that wrote something.
    #[arg(value_name = "RUN")]
    run: String,
    /// Save the plan, for `passerelle apply`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Runs read from the store at a time.
const PAGE: usize = 200;

/// Runs named to a person whose run is not known.
const NAMED: usize = 5;

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let run = {
        let store = open_store(context, &context.config()?)?;
        chosen(&store, &args.run)?
    };
    let hub = Hub::open(context, std::slice::from_ref(&run.flow), "reading what the run wrote")?;
    let undo = hub.engine.undo(&run).await.map_err(|error| hub.advised(error))?;
    let mut text = text_of(&undo);
    let changes = undo.plan.changes().count();
    if let Some(path) = &args.out {
        std::fs::write(path, undo.plan.to_text()?).map_err(|cause| {
            Error::new(ErrorKind::Config, "cannot write the plan").at("file", path.display()).because(cause)
        })?;
        text.push_str(&format!("Saved. To make exactly these changes: passerelle apply {}\n", path.display()));
    } else if changes > 0 {
        text.push_str(&format!("To make them: passerelle undo {} --out FILE and passerelle apply FILE\n", undo.run));
    }
    let mut json = serde_json::to_value(&undo).unwrap_or_default();
    json["changes"] = json!(changes);
    Ok(Report::done(json, text).exit(if changes > 0 { Exit::Changes } else { Exit::Done }))
}

/// The run of this id, or the only one that begins so, or the last that wrote something.
fn chosen(store: &Store, asked: &str) -> Result<Run> {
    let (mut hits, mut wrote): (Vec<Run>, Vec<Run>) = (Vec::new(), Vec::new());
    let mut after: Option<Run> = None;
    loop {
        let page = store.runs_after(after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        for run in page {
            if run.id.as_str() == asked {
                return Ok(run);
            }
            if run.id.as_str().starts_with(asked) {
                hits.push(run.clone());
            }
            if !store.lines(Some(&run.id), None, 1)?.is_empty() {
                wrote.push(run);
            }
        }
        // Only the last ones are named.
        wrote.drain(..wrote.len().saturating_sub(NAMED));
    }
    let named = |runs: &[Run]| -> String {
        let one = |run: &Run| {
            format!("{} ({}, {} created, {} updated)", run.id, run.flow, run.counts.created, run.counts.updated)
        };
        runs.iter().rev().take(NAMED).map(one).collect::<Vec<_>>().join(", ")
    };
    match (asked, hits.as_slice(), wrote.last()) {
        ("last", _, Some(last)) => Ok(last.clone()),
        (_, [only], _) => Ok(only.clone()),
        (_, [], None) => {
            Err(Error::new(ErrorKind::Config, format!("there is no run `{asked}`; no run has written anything yet")))
        }
        (_, [], Some(_)) => {
            let message = format!("there is no run `{asked}`; the last that wrote something are {}", named(&wrote));
            Err(Error::new(ErrorKind::Config, message))
        }
        (_, several, _) => {
            let message = format!("{} runs begin with `{asked}`: {}; write more of it", several.len(), named(several));
            Err(Error::new(ErrorKind::Config, message))
        }
    }
}

fn text_of(undo: &Undo) -> String {
    let mut text = undo.plan.to_string();
    if !undo.next.is_empty() {
        text.push_str("After the undo\n");
        undo.next.iter().for_each(|next| text.push_str(&next_text(next)));
    }
    if !undo.moved.is_empty() {
        text.push_str("Moved since, and left alone\n");
    }
    for moved in &undo.moved {
        let (wrote, now) = (shown(&moved.wrote), shown(&moved.now));
        text.push_str(&format!("  {} {}: the run wrote {wrote}, now it is {now}\n", place(&moved.target), moved.field));
    }
    if !undo.by_hand.is_empty() {
        text.push_str("Cannot be undone here\n");
    }
    for left in &undo.by_hand {
        text.push_str(&format!("  {} of {}: {}\n", left.op, place(&left.target), left.reason));
    }
    if undo.open > 0 {
        text.push_str(&format!(
            "Of {} writes of this run it is not known yet whether they were made: `passerelle sync` looks them up; then \
             undo again\n",
            undo.open
        ));
    }
    text
}

fn next_text(next: &Next) -> String {
    let (place, field, other, says) = (place(&next.target), &next.field, &next.other, shown(&next.says));
    if next.is_owner {
        return format!(
            "  {place} {field}: {other} owns it and still says {says}: the next run writes it again; mend it in {other} first\n"
        );
    }
    format!("  {place} {field}: {other} says {says}; the next run takes {} there\n", shown(&next.restored))
}

fn place(target: &Target) -> String {
    format!("{}/{} \"{}\"", target.system, target.id, target.label)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::model::RunId;
    use crate::store::{Counts, Facts, Memory};

    fn check(asked: &str, wanted: &[&str]) {
        let store = Store::new(Arc::new(Memory::default()));
        let mut facts = Facts::new();
        for id in ["20261123T090000000Z-00", "20261124T090000000Z-00", "20261124T100000000Z-00"] {
            let began = "2026-11-24T09:00:00Z".parse().unwrap();
            let (flow, counts) = ("sales".into(), Counts::default());
            facts.run(&Run { id: RunId::from(id), flow, began, ended: None, counts, error: None });
        }
        store.commit(facts).unwrap();
        let said = match chosen(&store, asked) {
            Ok(run) => run.id.to_string(),
            Err(error) => error.to_string(),
        };
        wanted.iter().for_each(|word| assert!(said.contains(word), "{asked}: {said}"));
    }

    #[test]
    fn a_run_is_found_by_its_beginning_when_no_other_begins_so() {
        check("20261123", &["20261123T090000000Z-00"]);
        check("20261124T100000000Z-00", &["20261124T100000000Z-00"]);
        check("20261124", &["2 runs begin with `20261124`", "20261124T090000000Z-00", "write more of it"]);
        check("2025", &["there is no run `2025`"]);
    }
}
