//! `passerelle check`: proves config and mappings without a network, then the systems themselves.

mod offline;
mod online;

use serde_json::json;

use super::hub::open_store;
use super::output::{CommandResult, Exit, Failure, Report, count, findings_text};
use super::{Context, Paint};
use crate::config::Config;
use crate::connector::State;
use crate::diagnostic::Diagnostic;
use crate::mapping::Mappings;
pub(super) use offline::flowing;
use online::SystemCheck;
pub(super) use online::takes_writes;

/// Prove config and mappings, then the systems: credentials, fields, options, and what an account lacks.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ask no system; needs no secrets.
    #[arg(long, conflicts_with = "prepare")]
    offline: bool,
    /// Create what an account lacks, where the connector can: the hub's key field and fields that mappings write.
    #[arg(long)]
    prepare: bool,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let config = context.config()?;
    let (mappings, mut findings) = context.mappings(&config)?;
    findings.extend(offline::findings(context, &config, &mappings));
    if findings.iter().any(Diagnostic::is_error) {
        return Err(Failure::Findings(findings));
    }
    let store = args.prepare.then(|| open_store(context, &config)).transpose()?;
    let checks = match args.offline {
        true => Vec::new(),
        false => online::check(context, &config, &mappings, store.as_ref()).await,
    };
    let notes = offline::notes(context, &config, &mappings);
    let json = json!({ "diagnostics": findings, "notes": notes, "systems": checks });
    let mut text = to_text(context.paint, &config, &mappings, &findings, &checks);
    notes.iter().for_each(|note| text.push_str(&format!("{} {note}\n", context.paint.yellow("note:"))));
    Ok(Report::done(json, text).exit(exit(&checks)))
}

fn exit(checks: &[SystemCheck]) -> Exit {
    let wrong = |check: &SystemCheck| check.findings.iter().any(Diagnostic::is_error);
    let waits = |check: &SystemCheck| check.preparations.iter().any(|todo| todo.preparation.state != State::Created);
    match checks {
        _ if checks.iter().any(|check| check.error.is_some()) => Exit::Failed,
        _ if checks.iter().any(wrong) => Exit::Usage,
        _ if checks.iter().any(waits) => Exit::PersonNeeded,
        _ => Exit::Done,
    }
}

fn to_text(
    paint: Paint,
    config: &Config,
    mappings: &Mappings,
    findings: &[Diagnostic],
    checks: &[SystemCheck],
) -> String {
    let mut text = String::new();
    if !findings.is_empty() {
        text.push_str(&findings_text(findings, paint));
    }
    let entities = mappings.entities().count();
    text.push_str(&format!(
        "{} config and mappings: {}, {}, {}\n",
        paint.green("ok"),
        count(config.systems.len(), "system"),
        count(config.flows.len(), "flow"),
        count(entities, "mapping"),
    ));
    for check in checks {
        text.push_str(&system_text(paint, check));
    }
    text
}

fn system_text(paint: Paint, check: &SystemCheck) -> String {
    let mut text = match (&check.identity, &check.error) {
        (Some(identity), None) => {
            let version = identity.version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
            format!("{} {}: {}{version}\n", paint.green("ok"), check.system, identity.account)
        }
        (_, Some(error)) => {
            let help = check.help.as_ref().map(|help| format!("  = help: {help}\n")).unwrap_or_default();
            format!("{} {}: {error}\n{help}", paint.red("failed"), check.system)
        }
        (None, None) => format!("{} {}\n", paint.red("failed"), check.system),
    };
    if !check.findings.is_empty() {
        text.push_str(&findings_text(&check.findings, paint));
    }
    for todo in &check.preparations {
        let what = match todo.preparation.state {
            State::WouldCreate => paint.yellow("`passerelle check --prepare` creates"),
            State::Created => paint.green("created"),
            State::Manual => paint.yellow("to do by hand:"),
            State::There | State::Unseen => continue,
        };
        let (resource, path, how) = (&todo.resource, &todo.preparation.path, &todo.preparation.how);
        text.push_str(&format!("  {what} {resource}.{path}: {how}\n"));
    }
    text
}
