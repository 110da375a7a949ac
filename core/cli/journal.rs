//! `passerelle journal`: what the hub wrote, as JSON lines, and the end of what is old.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Context;
use super::hub::open_store;
use super::output::{CommandResult, Format, Report};
use crate::clock::Timestamp;
use crate::config::Period;
use crate::model::RunId;
use crate::store::{Entry, Place, Pruned, Pruning, Store};
use crate::{Error, ErrorKind, Result};

/// What the hub wrote: a line for each write to a system.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Print the journal as JSON lines, oldest run first.
    Export {
        /// Only writes of this day and after, such as `2026-11-01` (UTC) or `2026-11-01T08:00:00Z`.
        #[arg(long, value_name = "DATE", value_parser = since)]
        since: Option<Timestamp>,
        /// Only this run's.
        #[arg(long, value_name = "RUN")]
        run: Option<RunId>,
        /// Into this file, not to stdout.
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Forget old runs and their lines; what is under way keeps its own, and each flow its last run.
    Prune {
        /// Runs that ended longer ago than this, such as `90d`.
        #[arg(long, value_name = "PERIOD")]
        older_than: Period,
        /// Do it; without this it is only told.
        #[arg(long)]
        yes: bool,
    },
}

/// Lines read from the store at a time.
const PAGE: usize = 200;

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    match &args.action {
        Action::Export { out: None, .. } if context.format == Format::Json => Err(Error::new(
            ErrorKind::Config,
            "the journal is JSON lines already; leave out --json, or give --out FILE",
        )
        .into()),
        Action::Export { since, run, out } => {
            export(&open_store(context, &context.config()?)?, *since, run.as_ref(), out.as_ref())
        }
        Action::Prune { older_than, yes } => {
            let store = open_store(context, &context.config()?)?;
            let pruning = if *yes { Pruning::Done } else { Pruning::Told };
            let age = older_than.duration();
            let before = context.clock.now().checked_sub(age).unwrap_or(Timestamp::MIN);
            Ok(pruned(store.prune(before, pruning)?, pruning, *older_than))
        }
    }
}

fn export(store: &Store, since: Option<Timestamp>, run: Option<&RunId>, out: Option<&PathBuf>) -> CommandResult {
    if let Some(run) = run.filter(|run| !matches!(store.has_run(run), Ok(true))) {
        let message = format!("there is no run `{run}`; `passerelle status --json` tells the last ones");
        return Err(Error::new(ErrorKind::Config, message).into());
    }
    let Some(path) = out else {
        let stdout = std::io::stdout();
        return match lines(store, since, run, &mut BufWriter::new(stdout.lock())) {
            Ok(_) => Ok(Report::said()),
            // A reader that went away is no reason to fail.
            Err(Stop::Written(cause)) if cause.kind() == std::io::ErrorKind::BrokenPipe => Ok(Report::said()),
            Err(stop) => Err(stop.error("stdout").into()),
        };
    };
    let shown = path.display().to_string();
    let mut file = File::create(path).map(BufWriter::new).map_err(|cause| Stop::Written(cause).error(&shown))?;
    let count = lines(store, since, run, &mut file).map_err(|stop| stop.error(&shown))?;
    Ok(Report::done(json!({ "lines": count, "file": shown }), format!("{count} lines in {shown}\n")))
}

/// Why an export ends early.
enum Stop {
    Read(Error),
    Written(std::io::Error),
}

impl Stop {
    fn error(self, file: &str) -> Error {
        match self {
            Self::Read(error) => error,
            Self::Written(cause) => {
                Error::new(ErrorKind::Config, "cannot write the journal").at("file", file).because(cause)
            }
        }
    }
}

/// Page by page, so that a journal of any length takes the memory of one page.
fn lines(store: &Store, since: Option<Timestamp>, run: Option<&RunId>, out: &mut dyn Write) -> Result<u64, Stop> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = store.lines(run, after.as_ref(), PAGE).map_err(Stop::Read)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        for (place, entry) in page.iter().filter(|(_, entry)| since.is_none_or(|since| entry.at >= since)) {
            writeln!(out, "{}", line(place, entry)).map_err(Stop::Written)?;
            count += 1;
        }
    }
    out.flush().map_err(Stop::Written)?;
    Ok(count)
}

/// A line as docs/journal.md describes it.
fn line(place: &Place, entry: &Entry) -> Value {
    let mut line = serde_json::to_value(entry).unwrap_or_default();
    line["number"] = json!(place.number);
    line["known"] = json!(entry.known);
    line
}

fn pruned(pruned: Pruned, pruning: Pruning, age: Period) -> Report {
    let Pruned { runs, lines, kept } = pruned;
    let kept = match kept {
        0 => String::new(),
        kept => format!(" {kept} as old are kept: a flow's last run, or with something of it under way."),
    };
    let text = match pruning {
        Pruning::Done => format!("Forgot {lines} lines of {runs} runs older than {age}.{kept}\n"),
        Pruning::Told if runs == 0 => format!("No runs are older than {age}; there is nothing to forget.{kept}\n"),
        Pruning::Told => format!(
            "{lines} lines of {runs} runs are older than {age}; nothing was forgotten.{kept}\n\
             To forget them: passerelle journal prune --older-than {age} --yes\n"
        ),
    };
    Report::done(json!({ "pruned": pruning == Pruning::Done, "runs": runs, "lines": lines, "kept": pruned.kept }), text)
}

/// A day, from its first moment in UTC, or an instant.
fn since(text: &str) -> Result<Timestamp, String> {
    let day = text.parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok()).map(|day| day.timestamp());
    text.parse::<Timestamp>()
        .ok()
        .or(day)
        .ok_or_else(|| format!("`{text}` is not a date; write it as 2026-11-01, or as 2026-11-01T08:00:00Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_the_first_moment_of_its_day_in_utc() {
        assert_eq!(since("2026-11-01").unwrap().to_string(), "2026-11-01T00:00:00Z");
        assert_eq!(since("2026-11-01T08:30:00+02:00").unwrap().to_string(), "2026-11-01T06:30:00Z");
        assert!(since("November").unwrap_err().contains("write it as 2026-11-01"));
    }
}
