//! `passerelle test`: runs the mappings' own examples, both ways.

use serde_json::{Value, json};

use super::output::{CommandResult, Exit, Report, count};
use super::{Context, Paint};
use crate::mapping::{Difference, ExampleReport};
use crate::model::EntityName;
use crate::{Error, ErrorKind};

/// Run the mappings' own examples, both ways; needs no account.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only the mappings of these entities.
    #[arg(value_name = "MAPPING")]
    mappings: Vec<EntityName>,
}

pub fn run(context: &Context, args: &Args) -> CommandResult {
    let config = context.config()?;
    let (mappings, _) = context.mappings(&config)?;
    let known: Vec<&EntityName> = mappings.entities().map(|entity| entity.name()).collect();
    if let Some(unknown) = args.mappings.iter().find(|name| !known.contains(name)) {
        let known: Vec<&str> = known.iter().map(|name| name.as_str()).collect();
        let message = format!("there is no mapping `{unknown}`; there are {}", known.join(", "));
        return Err(Error::new(ErrorKind::Config, message).into());
    }
    let asked = mappings.entities().filter(|entity| args.mappings.is_empty() || args.mappings.contains(entity.name()));
    let reports: Vec<ExampleReport> = asked.map(|entity| entity.run_examples()).collect();
    let failed = reports.iter().any(|report| !report.differences.is_empty());
    let text: String = reports.iter().map(|report| to_text(report, context.paint)).collect();
    let report = Report::done(json!({ "mappings": reports }), text);
    Ok(if failed { report.exit(Exit::Failed) } else { report })
}

fn to_text(report: &ExampleReport, paint: Paint) -> String {
    let verdict = match report.differences.len() {
        0 => paint.green("ok"),
        some => paint.red(&count(some, "difference")),
    };
    let mut text = format!("{}: {}, {verdict}\n", paint.bold(&report.file), count(report.ran, "example run"));
    for difference in &report.differences {
        text.push_str(&difference_text(&report.file, difference));
    }
    if !report.unexercised.is_empty() {
        text.push_str(&format!("  no example exercises {}\n", paint.yellow(&report.unexercised.join(", "))));
    }
    text
}

fn difference_text(file: &str, difference: &Difference) -> String {
    let Difference { example, line, column, direction, field, expected, got } = difference;
    format!(
        "  {file}:{line}: \"{example}\", {direction} {column}: {field}\n    expected {}\n    got      {}\n",
        shown(expected),
        shown(got)
    )
}

fn shown(value: &Value) -> String {
    if value.is_null() { "nothing".to_owned() } else { value.to_string() }
}
