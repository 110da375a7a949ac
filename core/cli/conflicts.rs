//! `passerelle conflicts`: fields that sides changed differently, and whose value a person takes.

use serde_json::{Value, json};

use super::Context;
use super::hub::open_store;
use super::output::{CommandResult, Report};
use crate::clock::Timestamp;
use crate::diagnostic::suggestion;
use crate::model::{FieldName, LinkId, SystemName};
use crate::store::{At, Conflict, Facts, Parked, Store, Taken};
use crate::{Error, ErrorKind, Result};

/// Fields that systems changed differently and that a person must decide.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List them, with what every system says.
    List,
    /// Take the value of one system; the next run writes it to the others, if it is still what was shown.
    Resolve {
        /// As `list` shows it.
        #[arg(value_name = "ID", required_unless_present = "all")]
        id: Option<String>,
        /// Only these fields of it; all that are in conflict otherwise.
        #[arg(value_name = "FIELD")]
        fields: Vec<String>,
        /// Whose value holds.
        #[arg(long, value_name = "SYSTEM")]
        take: SystemName,
        /// Every conflict in which that system has a say.
        #[arg(long, conflicts_with = "id")]
        all: bool,
    },
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let store = open_store(context, &context.config()?)?;
    match &args.action {
        Action::List => list(&store),
        Action::Resolve { id, fields, take, .. } => {
            let all = every(&store)?;
            let chosen = match id {
                Some(id) => chosen(&all, id, fields)?,
                None => all.iter().filter(|conflict| conflict.sides.contains_key(take)).collect(),
            };
            resolve(&store, &chosen, take, context.clock.now())
        }
    }
}

/// Every field in conflict.
pub(super) fn every(store: &Store) -> Result<Vec<Conflict>> {
    store.conflicts_after(None, usize::MAX)
}

fn list(store: &Store) -> CommandResult {
    let conflicts = every(store)?;
    let mut text = String::new();
    for conflict in &conflicts {
        text.push_str(&told(conflict));
    }
    let waiting = conflicts.iter().filter(|conflict| conflict.waits()).count();
    text.push_str(&match waiting {
        0 if conflicts.is_empty() => "Nothing is in conflict.\n".to_owned(),
        0 => "All are resolved; run `passerelle sync`, or `passerelle plan` to see what it will write.\n".to_owned(),
        count => {
            format!("{count} in conflict. Choose with `passerelle conflicts resolve ID [FIELD..] --take SYSTEM`.\n")
        }
    });
    let old = store.parked(usize::MAX)?.iter().filter(|parked| Parked::is_conflict(parked)).count();
    if old > 0 {
        text.push_str(&format!(
            "{old} more, found by an older version, are under `passerelle parked list` until the next `passerelle sync`.\n"
        ));
    }
    let json: Vec<Value> = conflicts.iter().map(json_of).collect();
    Ok(Report::done(json!({ "conflicts": json, "parked_by_an_older_version": old }), text))
}

fn told(conflict: &Conflict) -> String {
    let Conflict { link, label, field, since, .. } = conflict;
    let mut text = format!("{link}  \"{label}\"  {field}\n    agreed: {}\n", shown(&conflict.agreed));
    for (system, said) in &conflict.sides {
        let modified = said.modified.map_or_else(|| "no time told".to_owned(), |at| format!("record modified {at}"));
        text.push_str(&format!("    {system}: {}  ({}, {modified})\n", shown(&said.value), said.id));
    }
    text.push_str(&format!("    since {since}\n"));
    if let (Some(taken), Some(refused)) = (&conflict.taken, &conflict.refused) {
        let others = others(conflict, &taken.system);
        text.push_str(&format!(
            "    taken: {}, but not written: {refused}\n    mend that in {others} and run `passerelle parked retry \
             {link}`, or take another value\n",
            taken.system
        ));
    } else if let Some(taken) = &conflict.taken {
        text.push_str(&format!("    taken: {}, written by the next `passerelle sync`\n", taken.system));
    } else if let Some(moved) = &conflict.moved {
        text.push_str(&format!("    {moved} was taken and moved before it was written; choose again\n"));
    }
    text
}

fn resolve(store: &Store, chosen: &[&Conflict], take: &SystemName, now: Timestamp) -> CommandResult {
    let mut facts = Facts::new();
    let mut text = String::new();
    for conflict in chosen {
        let said = conflict.sides.get(take).ok_or_else(|| no_such_side(conflict, take))?;
        let taken = Taken { system: take.clone(), value: said.value.clone(), at: now };
        facts.conflict(&Conflict { taken: Some(taken), moved: None, refused: None, ..(*conflict).clone() });
        facts.again(&At { entity: conflict.entity.clone(), system: take.clone(), id: said.id.clone() });
        let others = others(conflict, take);
        let Conflict { link, label, field, .. } = conflict;
        text.push_str(&format!("{link} \"{label}\" {field}: {} goes to {others}\n", shown(&said.value)));
    }
    store.commit(facts)?;
    text.push_str(&match chosen.len() {
        0 => format!("{take} has a say in no conflict; nothing was resolved.\n"),
        count => format!("{count} resolved; `passerelle plan` shows what the next `passerelle sync` will write.\n"),
    });
    let json: Vec<Value> =
        chosen.iter().map(|one| json!({ "id": one.link, "field": one.field, "take": take })).collect();
    Ok(Report::done(json!({ "resolved": json }), text))
}

/// The systems whose value was not taken, in words.
fn others(conflict: &Conflict, take: &SystemName) -> String {
    let others = conflict.sides.keys().filter(|system| *system != take).map(SystemName::as_str);
    others.collect::<Vec<_>>().join(" and ")
}

fn chosen<'a>(all: &'a [Conflict], id: &str, fields: &[String]) -> Result<Vec<&'a Conflict>> {
    let of_record: Vec<&Conflict> = all.iter().filter(|conflict| conflict.link.as_str() == id).collect();
    if of_record.is_empty() {
        let known = all.iter().map(|conflict| LinkId::as_str(&conflict.link));
        let meant = meant(suggestion(id, known));
        let said = format!("nothing is in conflict under `{id}`{meant}; `passerelle conflicts list` shows what is");
        return Err(Error::new(ErrorKind::Config, said));
    }
    if let Some(field) = fields.iter().find(|field| !of_record.iter().any(|one| one.field.as_str() == **field)) {
        let known = || of_record.iter().map(|conflict| FieldName::as_str(&conflict.field));
        let meant = meant(suggestion(field, known()));
        let in_conflict = known().collect::<Vec<_>>().join(", ");
        let said = format!("`{field}` of {id} is not in conflict{meant}; in conflict is {in_conflict}");
        return Err(Error::new(ErrorKind::Config, said));
    }
    let is_asked = |one: &&Conflict| fields.is_empty() || fields.iter().any(|field| one.field.as_str() == field);
    Ok(of_record.into_iter().filter(is_asked).collect())
}

fn no_such_side(conflict: &Conflict, take: &SystemName) -> Error {
    let known = || conflict.sides.keys().map(SystemName::as_str);
    let meant = meant(suggestion(take.as_str(), known()));
    let sides = known().collect::<Vec<_>>().join(", ");
    let said =
        format!("`{take}` has no say in {} of {}{meant}; its systems are {sides}", conflict.field, conflict.link);
    Error::new(ErrorKind::Config, said)
}

fn meant(suggestion: Option<&str>) -> String {
    suggestion.map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(empty)".to_owned(),
        Value::String(text) => format!("{text:?}"),
        other => other.to_string(),
    }
}

fn json_of(conflict: &Conflict) -> Value {
    let mut json = serde_json::to_value(conflict).unwrap_or_default();
    json["id"] = json!(conflict.link);
    json
}
