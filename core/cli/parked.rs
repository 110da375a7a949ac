//! `passerelle parked`: records that did not fit, and what a person does about them.

use serde_json::{Value, json};

use super::Context;
use super::hub::open_store;
use super::output::{CommandResult, Report};
use crate::store::{Facts, Link, LinkSide, Parked, Seen, Store};
use crate::{Error, ErrorKind, Result};

/// Records that did not fit.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List what is parked.
    List,
    /// Show one with its reason and both sides.
    Show {
        /// As `list` shows it.
        id: String,
    },
    /// Try again at the next run.
    Retry {
        /// As `list` shows them; `all` for all of them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Forget it; the record is not brought into agreement until it changes.
    Drop {
        /// As `list` shows them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let store = open_store(context, &context.config()?)?;
    match &args.action {
        Action::List => list(&store),
        Action::Show { id } => show(&one(&store, id)?),
        Action::Retry { ids } => retry(&store, ids),
        Action::Drop { ids } => forget(&store, ids),
    }
}

fn list(store: &Store) -> CommandResult {
    let parked = store.parked(usize::MAX)?;
    let mut text = String::new();
    for one in &parked {
        text.push_str(&format!("{}  \"{}\"\n    {}\n", one.at, one.label, one.reason));
    }
    text.push_str(&match parked.len() {
        0 => "Nothing is parked.\n".to_owned(),
        count => {
            format!("{count} parked. Mend the record and run `passerelle sync`, or see `passerelle parked --help`.\n")
        }
    });
    let json: Vec<Value> = parked.iter().map(json_of).collect();
    Ok(Report::done(json!({ "parked": json }), text))
}

fn show(parked: &Parked) -> CommandResult {
    let mut text = format!("{} \"{}\"\n  {}\n", parked.at, parked.label, parked.reason);
    if let Some(field) = &parked.field {
        text.push_str(&format!("  field: {field}\n"));
    }
    if let Some(link) = &parked.link {
        text.push_str(&format!("  link: {link}\n"));
    }
    text.push_str(&format!("  since: {}, tried {} times\n", parked.since, parked.attempts));
    if !parked.detail.is_null() {
        text.push_str(&format!("{}\n", serde_json::to_string_pretty(&parked.detail).unwrap_or_default()));
    }
    Ok(Report::done(json_of(parked), text))
}

fn retry(store: &Store, ids: &[String]) -> CommandResult {
    let mut facts = Facts::new();
    let chosen = chosen(store, ids)?;
    for mut parked in chosen.iter().cloned() {
        parked.attempts = 0;
        facts.park(&parked);
    }
    store.commit(facts)?;
    Ok(Report::done(
        json!({ "retry": chosen.len() }),
        format!("{} tried again by the next `passerelle sync`.\n", chosen.len()),
    ))
}

fn forget(store: &Store, ids: &[String]) -> CommandResult {
    let mut facts = Facts::new();
    let chosen = chosen(store, ids)?;
    let jobs = store.jobs()?;
    for parked in &chosen {
        facts.unpark(&parked.at);
        // What was begun for it is left as it is.
        for job in jobs.iter().filter(|job| job.sources.contains(&parked.at) || parked.link.as_ref() == Some(&job.link))
        {
            facts.finish(&job.link, &job.target);
        }
        // Seen as it is now: only a change of the record brings it back.
        let link = match &parked.link {
            Some(link) => link.clone(),
            None => bare_link(parked, &mut facts),
        };
        facts.seen(&parked.at.entity, &parked.at.system, &parked.at.id, &Seen { link, hash: parked.hash });
    }
    store.commit(facts)?;
    Ok(Report::done(json!({ "dropped": chosen.len() }), format!("{} dropped.\n", chosen.len())))
}

fn bare_link(parked: &Parked, facts: &mut Facts) -> crate::model::LinkId {
    let id = crate::engine::link_id(&parked.at.entity, &parked.at.system, &parked.at.id);
    let side = LinkSide { resource: "".into(), id: parked.at.id.clone(), ..LinkSide::default() };
    facts.link(&Link {
        id: id.clone(),
        entity: parked.at.entity.clone(),
        label: parked.label.clone(),
        sides: [(parked.at.system.clone(), side)].into(),
        ..Link::default()
    });
    id
}

fn chosen(store: &Store, ids: &[String]) -> Result<Vec<Parked>> {
    if ids.iter().any(|id| id == "all") {
        return store.parked(usize::MAX);
    }
    ids.iter().map(|id| one(store, id)).collect()
}

fn one(store: &Store, id: &str) -> Result<Parked> {
    let all = store.parked(usize::MAX)?;
    let hit =
        |parked: &&Parked| parked.at.to_string() == id || parked.link.as_ref().is_some_and(|link| link.as_str() == id);
    all.iter().find(hit).cloned().ok_or_else(|| {
        Error::new(ErrorKind::Config, format!("nothing is parked under `{id}`; `passerelle parked list` shows what is"))
    })
}

fn json_of(parked: &Parked) -> Value {
    let mut json = serde_json::to_value(parked).unwrap_or_default();
    json["id"] = json!(parked.at.to_string());
    json
}
