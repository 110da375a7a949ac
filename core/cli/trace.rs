//! `passerelle trace`: the record's life, from what the hub remembers of it.

use serde_json::Value;

use super::Context;
use super::hub::open_store;
use super::output::{CommandResult, Exit, Report, table};
use crate::clock::Timestamp;
use crate::config::Config;
use crate::diagnostic::suggestion;
use crate::engine::{Line, Trace, TracedValue, Waiting, entities_of, trace};
use crate::mapping::{Entity, Mappings};
use crate::model::{LinkId, Presence, RemoteId, ResourceName, SystemName};
use crate::store::{Known, Store, Verdict};
use crate::{Error, ErrorKind, Result};

/// Show a record's life: its records in all systems, where every value is from, every write, what waits.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A system of the config file.
    #[arg(value_name = "SYSTEM")]
    system: SystemName,
    /// The vendor's resource, such as `companies`, or the entity, such as `company`.
    #[arg(value_name = "RESOURCE")]
    resource: ResourceName,
    /// The record's id in that system.
    #[arg(value_name = "ID")]
    id: RemoteId,
}

/// Ids looked through for one that a person may have meant.
const LOOKED_THROUGH: usize = 10_000;

/// Ids named as examples.
const EXAMPLES: usize = 5;

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let config = context.config()?;
    let (mappings, _) = context.mappings(&config)?;
    let entities = entities(&config, &mappings, args)?;
    let store = open_store(context, &config)?;
    let Some(trace) = trace(&store, &entities, &args.system, &args.id)? else {
        return Err(never_seen(&store, &entities, args)?.into());
    };
    let json = serde_json::to_value(&trace).unwrap_or_default();
    Ok(Report::done(json, text_of(&trace)).exit(Exit::Done))
}

/// What the record may be seen as.
fn entities<'m>(config: &Config, mappings: &'m Mappings, args: &Args) -> Result<Vec<&'m Entity>> {
    let wrong = |what: &str, word: &str, known: Vec<&str>, named: &str| {
        let near = suggestion(word, known.iter().copied());
        let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
        Error::new(ErrorKind::Config, format!("{what} `{word}`; {near}{named} {}", known.join(", ")))
    };
    if !config.systems.contains_key(&args.system) {
        let known = config.systems.keys().map(SystemName::as_str).collect();
        return Err(wrong("there is no system", args.system.as_str(), known, "there are"));
    }
    let entities = entities_of(mappings, &args.system, &args.resource);
    if entities.is_empty() {
        let mut known: Vec<&str> = mappings
            .entities()
            .filter_map(|entity| Some([entity.column(&args.system)?.resource().as_str(), entity.name().as_str()]))
            .flatten()
            .collect();
        known.sort_unstable();
        known.dedup();
        let what = format!("no mapping reads from {} a resource", args.system);
        return Err(wrong(&what, args.resource.as_str(), known, "mapped are"));
    }
    Ok(entities)
}

fn never_seen(store: &Store, entities: &[&Entity], args: &Args) -> Result<Error> {
    let mut ids: Vec<RemoteId> = Vec::new();
    for entity in entities {
        ids.extend(store.seen_ids(entity.name(), &args.system, LOOKED_THROUGH)?);
    }
    // Of ids as short as `7` all are alike.
    let near = suggestion(args.id.as_str(), ids.iter().map(RemoteId::as_str)).filter(|near| near.len() > 2);
    let place = format!("{}/{}", args.system, args.resource);
    let examples: Vec<&str> = ids.iter().take(EXAMPLES).map(RemoteId::as_str).collect();
    let known = match (near, ids.len()) {
        (_, 0) => format!("and nothing else of {place}; `passerelle sync` reads it"),
        (Some(near), _) => format!("did you mean `{near}`? known of {place} are {}, ...", examples.join(", ")),
        (None, LOOKED_THROUGH..) => {
            format!("known of {place} are more than {LOOKED_THROUGH}: {}, ...", examples.join(", "))
        }
        (None, count) => format!("known of {place} are {count}: {}", examples.join(", ")),
    };
    Ok(Error::new(ErrorKind::Config, format!("the hub has never seen {place}/{}; {known}", args.id)))
}

fn text_of(trace: &Trace) -> String {
    let link = trace.link.as_ref().map_or_else(|| "not linked".to_owned(), ToString::to_string);
    let mut text = format!("{} \"{}\"  ({link})\n", trace.at.entity, trace.label);
    if !trace.sides.is_empty() {
        let rows: Vec<Vec<String>> = trace
            .sides
            .iter()
            .map(|(system, side)| {
                let presence = match side.side.presence {
                    Presence::Present => "",
                    Presence::Archived => "put away",
                    Presence::Gone => "deleted",
                };
                let seen = side.seen.as_ref().map_or_else(String::new, |seen| format!("seen as {seen}"));
                vec![format!("{system}/{}/{}", side.side.resource, side.side.id), presence.to_owned(), seen]
            })
            .collect();
        text.push_str(&format!("Records\n{}", table("  ", &rows)));
    }
    if !trace.values.is_empty() {
        let rows: Vec<Vec<String>> = trace.values.iter().map(value_row).collect();
        text.push_str(&format!("Values, as all sides last agreed\n{}", table("  ", &rows)));
    }
    text.push_str("Journal\n");
    if trace.journal.is_empty() {
        text.push_str("  the hub has written nothing of it\n");
    }
    trace.journal.iter().for_each(|line| text.push_str(&line_text(line, trace.link.as_ref())));
    text.push_str(&waiting_text(&trace.waiting));
    text
}

fn value_row(value: &TracedValue) -> Vec<String> {
    let from = match &value.origin {
        None => "the same on all sides when they met".to_owned(),
        Some(origin) => {
            let record = origin.id.as_ref().map_or_else(String::new, |id| format!("/{id}"));
            let modified = origin.modified.map_or_else(String::new, |at| format!(", modified {}", instant(at)));
            let version = origin.hash.as_ref().map_or_else(String::new, |hash| format!(" as {hash}{modified}"));
            format!(
                "from {}{record}{version}; {}; written to {} at {} by run {}",
                origin.system,
                origin.rule,
                origin.to,
                instant(origin.at),
                origin.line
            )
        }
    };
    vec![value.field.to_string(), shown(&value.value), from]
}

fn line_text(Line { line, entry }: &Line, link: Option<&LinkId>) -> String {
    let was = if link == Some(&entry.link) { String::new() } else { format!("  (as {}, merged since)", entry.link) };
    let known = match entry.known {
        Known::Answered => "",
        Known::Found => "  (no answer came; found done)",
        Known::Unclear => "  (no answer came; whether it was done is not known)",
    };
    let moves: Vec<&str> = entry.moves.iter().map(|action| action.0.as_str()).collect();
    let moves = if moves.is_empty() { String::new() } else { format!(", then {}", moves.join(", ")) };
    let place = format!("{}/{}/{}", entry.system, entry.resource, entry.id);
    let mut text = format!("  {}  {} {place}{moves}  run {line}{was}{known}\n", instant(entry.at), entry.op);
    for field in &entry.fields {
        let old = if entry.op == "create" { String::new() } else { format!("{} -> ", shown(&field.old)) };
        text.push_str(&format!("      {}: {old}{}  ({})\n", field.field, shown(&field.new), field.rule));
    }
    text
}

fn waiting_text(waiting: &Waiting) -> String {
    if waiting.is_empty() {
        return "Nothing waits.\n".to_owned();
    }
    let mut text = "Waiting\n".to_owned();
    for parked in &waiting.parked {
        text.push_str(&format!("  parked {} since {}: {}\n", parked.at, instant(parked.since), parked.reason));
    }
    for held in &waiting.held {
        let verdict = match held.verdict {
            Verdict::Waiting => "waits for a yes",
            Verdict::Approved => "was approved, and is created by the next run",
            Verdict::Rejected => "was rejected",
        };
        text.push_str(&format!("  the create in {} {verdict}: {}\n", held.target, held.rule));
    }
    for job in &waiting.unfinished {
        text.push_str(&format!("  the create in {} is not finished; started {}\n", job.target, instant(job.started)));
    }
    for Line { line, entry } in &waiting.open {
        text.push_str(&format!(
            "  the {} in {} by run {line} has no answer; the next run looks\n",
            entry.op, entry.system
        ));
    }
    for (link, system) in &waiting.waits_for {
        text.push_str(&format!("  it waits for {link} to be in {system}\n"));
    }
    if waiting.is_due {
        text.push_str("  the next run decides it again\n");
    }
    text
}

/// To the second, in UTC.
fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A value on one line.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(empty)".to_owned(),
        Value::Array(items) => format!("[{} lines]", items.len()),
        other => other.to_string(),
    }
}
