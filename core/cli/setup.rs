//! `passerelle setup`: makes in a system what the hub needs there, and takes it away again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::Context;
use super::check::{flowing, takes_writes};
use super::context::advice;
use super::hub::open_store;
use super::output::{CommandResult, Exit, Report, count, table};
use crate::config::Config;
use crate::connector::State;
use crate::engine::{Done, Fate, Setup, Step, Taken};
use crate::mapping::Mappings;
use crate::model::{Need, ResourceName, SystemName};
use crate::system::System;
use crate::{Error, ErrorKind, Result};

/// Make in a system what the hub needs there: its key field, fields that mappings write, webhooks.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A system of the config file.
    #[arg(value_name = "SYSTEM")]
    system: SystemName,
    /// Only show what is there, what would be made, what is left to a person; exits 4 when it holds changes.
    #[arg(long)]
    plan: bool,
    /// Take away what the hub made there, values included, and nothing else.
    #[arg(long)]
    remove: bool,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let config = context.config()?;
    context.known(&config, &args.system)?;
    let (mappings, _) = context.mappings(&config)?;
    let systems = context.systems(&config, Some(&mappings), [&args.system])?;
    let system = systems.get(&args.system)?;
    let setup = setup_of(&config, &mappings, system)?;
    let told = Told { context, config: &config, system: &args.system };
    let progress = context.progress(&format!("asking {system}"));
    let advised = |error: Error| match advice(&config, &args.system, &error) {
        Some(advice) => error.at("do", advice),
        None => error,
    };
    let now = context.clock.now();
    let report = match (args.remove, args.plan) {
        (false, true) => told.plan(&setup.look().await.map_err(advised)?),
        (false, false) => {
            let store = open_store(context, &config)?;
            told.made(&setup.make(&store, now).await.map_err(advised)?)
        }
        (true, true) => {
            let store = open_store(context, &config)?;
            told.removable(&setup.removable(&store).await.map_err(advised)?)
        }
        (true, false) => {
            let store = open_store(context, &config)?;
            told.removed(&setup.remove(&store).await.map_err(advised)?)
        }
    };
    progress.finish_and_clear();
    Ok(report)
}

/// What the hub needs in a system: the fields of all columns that flows bring there, its key where it writes.
fn setup_of<'s>(config: &Config, mappings: &Mappings, system: &'s System) -> Result<Setup<'s>> {
    let mut needs: BTreeMap<ResourceName, Vec<Need>> = BTreeMap::new();
    let mut entities = BTreeSet::new();
    for entity in flowing(config, mappings, system) {
        let Some(column) = entity.column(system.name()) else { continue };
        let known = needs.entry(column.resource().clone()).or_default();
        let key = column.creates() && takes_writes(system, column.resource())?;
        let key = key.then(|| Need::key("hub_external_id", "Passerelle id"));
        for need in key.into_iter().chain(mappings.needs(column, system.name())) {
            if !known.iter().any(|other| other.path == need.path) {
                known.push(need);
            }
        }
        entities.insert(entity.name().clone());
    }
    let public = config.serve.public_url.as_deref();
    let address = public.map(|url| format!("{}/hooks/{}", url.trim_end_matches('/'), system.name()));
    Ok(Setup { system, entities, needs, address })
}

/// How a setup is told.
struct Told<'a> {
    context: &'a Context,
    config: &'a Config,
    system: &'a SystemName,
}

impl Told<'_> {
    fn plan(&self, steps: &[Step]) -> Report {
        let mut text = self.steps_text(steps);
        let changes = counted(steps, State::WouldCreate);
        if changes > 0 {
            text.push_str(&format!("To make them: passerelle setup {}\n", self.system));
        }
        let exit = if changes > 0 { Exit::Changes } else { Exit::Done };
        Report::done(self.json(changes, json!(steps), None), text).exit(exit)
    }

    fn made(&self, done: &Done<Step>) -> Report {
        let mut text = self.steps_text(&done.steps);
        let made = counted(&done.steps, State::Created);
        if made > 0 {
            let to_remove = format!("passerelle setup {} --remove takes away what it made", self.system);
            text.push_str(&format!("{}\n", self.context.paint.dim(&to_remove)));
        }
        let exit = match &done.error {
            Some(error) => {
                let (more, exit) =
                    self.ended(error, "What was made stays. Run it again once this is mended: it goes on.");
                text.push_str(&more);
                exit
            }
            None if counted(&done.steps, State::Manual) > 0 => Exit::PersonNeeded,
            None => Exit::Done,
        };
        Report::done(self.json(made, json!(done.steps), done.error.as_ref()), text).exit(exit)
    }

    fn removable(&self, steps: &[Taken]) -> Report {
        let mut text = self.taken_text(steps);
        let changes = taken(steps, Fate::WouldRemove);
        if changes > 0 {
            let more = "The values in them go too. To take them away: passerelle setup";
            text.push_str(&format!("{more} {} --remove\n", self.system));
        }
        let exit = if changes > 0 { Exit::Changes } else { Exit::Done };
        Report::done(self.json(changes, json!(steps), None), text).exit(exit)
    }

    fn removed(&self, done: &Done<Taken>) -> Report {
        let mut text = self.taken_text(&done.steps);
        let exit = match &done.error {
            Some(error) => {
                let (more, exit) = self.ended(error, "Run it again once this is mended: it goes on.");
                text.push_str(&more);
                exit
            }
            None if taken(&done.steps, Fate::Manual) > 0 => Exit::PersonNeeded,
            None => Exit::Done,
        };
        let removed = taken(&done.steps, Fate::Removed);
        Report::done(self.json(removed, json!(done.steps), done.error.as_ref()), text).exit(exit)
    }

    /// Why it ended early, and how to go on.
    fn ended(&self, error: &Error, next: &str) -> (String, Exit) {
        let mut text = format!("{} {error}\n", self.context.paint.red("error:"));
        text.extend(advice(self.config, self.system, error).map(|advice| format!("  {advice}\n")));
        text.push_str(&format!("{next}\n"));
        (text, if error.kind() == ErrorKind::Config { Exit::Usage } else { Exit::Failed })
    }

    fn json(&self, changes: usize, things: Value, error: Option<&Error>) -> Value {
        let error = error.map(|error| {
            let advice = advice(self.config, self.system, error);
            json!({ "kind": error.kind(), "message": error.to_string(), "advice": advice })
        });
        json!({ "system": self.system, "changes": changes, "things": things, "error": error })
    }

    fn steps_text(&self, steps: &[Step]) -> String {
        if steps.is_empty() {
            return format!("{}: nothing to set up\n", self.system);
        }
        let row = |step: &Step| {
            let Step { resource, preparation: one } = step;
            let place = resource.as_ref().map_or_else(|| one.path.clone(), |of| format!("{of}.{}", one.path));
            let how = if one.state == State::There { String::new() } else { one.how.clone() };
            vec![state_word(one.state).to_owned(), place, how]
        };
        let rows: Vec<Vec<String>> = steps.iter().map(row).collect();
        let mut text = format!("{}\n{}", self.system, table("  ", &rows));
        let lacking = steps.iter().any(|step| step.preparation.was_lacking());
        if !lacking {
            text.push_str("Nothing to do.\n");
        }
        text
    }

    fn taken_text(&self, steps: &[Taken]) -> String {
        let row = |one: &Taken| vec![fate_word(one.state).to_owned(), one.thing.clone(), one.how.clone()];
        let rows: Vec<Vec<String>> = steps.iter().map(row).collect();
        let mut text = format!("{}\n{}", self.system, table("  ", &rows));
        let ours = steps.iter().filter(|one| one.state != Fate::Kept).count();
        match ours {
            0 if steps.is_empty() => text.push_str("Nothing to take away: the hub made nothing there.\n"),
            0 => text.push_str(&format!(
                "Nothing to take away: this state folder notes nothing that the hub made there.\n\
                 If an earlier state folder was lost, delete by hand in {} what looks like a hub's own, and what else of \
                 this list nobody uses; the values in it go too.\n",
                self.system
            )),
            ours => text.push_str(&format!("{} of the hub's own\n", count(ours, "thing"))),
        }
        text
    }
}

fn counted(steps: &[Step], state: State) -> usize {
    steps.iter().filter(|step| step.preparation.state == state).count()
}

fn taken(steps: &[Taken], state: Fate) -> usize {
    steps.iter().filter(|one| one.state == state).count()
}

fn state_word(state: State) -> &'static str {
    match state {
        State::There => "exists",
        State::WouldCreate => "to create",
        State::Created => "created",
        State::Manual => "by hand",
        State::Unseen => "make sure",
    }
}

fn fate_word(fate: Fate) -> &'static str {
    match fate {
        Fate::WouldRemove => "to take away",
        Fate::Removed => "taken away",
        Fate::Gone => "gone",
        Fate::Manual => "by hand",
        Fate::Kept => "kept",
    }
}
