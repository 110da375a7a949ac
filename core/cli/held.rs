//! `passerelle held`: creates that wait for a person's yes.

use serde_json::{Value, json};

use super::Context;
use super::hub::open_store;
use super::output::{CommandResult, Report};
use crate::store::{Facts, Held, Store, Verdict};
use crate::{Error, ErrorKind, Result};

/// What waits for a yes.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List what is held.
    List,
    /// Let it happen at the next run.
    Approve {
        /// As `list` shows them; `all` for all of them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Do not let it happen.
    Reject {
        /// As `list` shows them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let store = open_store(context, &context.config()?)?;
    match &args.action {
        Action::List => list(&store),
        Action::Approve { ids } => judge(&store, ids, Verdict::Approved),
        Action::Reject { ids } => judge(&store, ids, Verdict::Rejected),
    }
}

fn list(store: &Store) -> CommandResult {
    let held = store.held()?;
    let mut text = String::new();
    let mut waiting = 0;
    for one in &held {
        let verdict = match one.verdict {
            Verdict::Waiting => "waits",
            Verdict::Approved => "approved, created by the next run",
            Verdict::Rejected => "rejected",
        };
        waiting += usize::from(one.verdict == Verdict::Waiting);
        text.push_str(&format!("{}  \"{}\" to {}: {verdict}\n    {}\n", one.link, one.label, one.target, one.rule));
    }
    text.push_str(&format!("{waiting} wait for `passerelle held approve ID` or `reject ID`.\n"));
    let json: Vec<Value> = held.iter().map(json_of).collect();
    Ok(Report::done(json!({ "held": json }), text))
}

fn judge(store: &Store, ids: &[String], verdict: Verdict) -> CommandResult {
    let chosen = chosen(store, ids)?;
    let mut facts = Facts::new();
    for mut held in chosen.iter().cloned() {
        held.verdict = verdict;
        facts.hold(&held);
    }
    store.commit(facts)?;
    let (word, what) = match verdict {
        Verdict::Approved => ("approved", "; the next `passerelle sync` creates them"),
        _ => ("rejected", ""),
    };
    let labels: Vec<&str> = chosen.iter().map(|held| held.link.as_str()).collect();
    Ok(Report::done(json!({ word: labels }), format!("{} {word}{what}.\n", chosen.len())))
}

fn chosen(store: &Store, ids: &[String]) -> Result<Vec<Held>> {
    let all = store.held()?;
    if ids.iter().any(|id| id == "all") {
        return Ok(all.into_iter().filter(|held| held.verdict == Verdict::Waiting).collect());
    }
    let mut chosen = Vec::new();
    for id in ids {
        let hits: Vec<&Held> = all.iter().filter(|held| held.link.as_str() == id).collect();
        if hits.is_empty() {
            let said = format!("nothing is held under `{id}`; `passerelle held list` shows what is");
            return Err(Error::new(ErrorKind::Config, said));
        }
        chosen.extend(hits.into_iter().cloned());
    }
    Ok(chosen)
}

fn json_of(held: &Held) -> Value {
    let mut json = serde_json::to_value(held).unwrap_or_default();
    json["id"] = json!(held.link);
    json
}
