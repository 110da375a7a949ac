//! How runs are told: a line for each flow, what waits for a person, an exit code.

use serde_json::{Value, json};

use super::hub::Hub;
use super::output::Exit;
use crate::ErrorKind;
use crate::engine::Report as Ran;
use crate::store::Counts;

/// Runs, told for a person.
pub(super) fn text_of(hub: &Hub, reports: &[Ran]) -> String {
    let mut text = lines_of(hub, reports);
    if reports.iter().all(|report| report.error.is_none() && !is_news(&report.counts)) {
        text.push_str("Nothing to change.\n");
    }
    text
}

/// What each run did.
pub(super) fn lines_of(hub: &Hub, reports: &[Ran]) -> String {
    let mut text = String::new();
    for report in reports {
        text.push_str(&format!("{}: {}\n", report.flow, counts_text(&report.counts)));
        if has_written(&report.counts) {
            text.push_str(&format!("  run {}\n", report.run));
        }
        if let Some(error) = &report.error {
            text.push_str(&format!("  error: {error}\n"));
            if let Some(advice) = hub.advice(error) {
                text.push_str(&format!("  {advice}\n"));
            }
        }
        if report.waiting > 0 {
            text.push_str(&format!(
                "  {} wait for a person: passerelle parked list, held list, conflicts list\n",
                report.waiting
            ));
        }
    }
    text
}

/// Runs, told in JSON.
pub(super) fn json_of(hub: &Hub, reports: &[Ran]) -> Value {
    let one = |report: &Ran| {
        json!({
            "flow": report.flow,
            "run": report.run,
            "counts": report.counts,
            "waiting": report.waiting,
            "error": report.error.as_ref().map(|error| json!({
                "kind": error.kind(), "message": error.to_string(), "advice": hub.advice(error),
            })),
        })
    };
    reports.iter().map(one).collect()
}

/// 1 when a flow stopped early, 2 when config or a mapping is to blame, 3 when a person is needed, else 0.
pub(super) fn exit_of(reports: &[Ran]) -> Exit {
    let mut errors = reports.iter().filter_map(|report| report.error.as_ref()).peekable();
    if errors.peek().is_some() {
        let needs_a_person = errors.clone().all(|error| error.kind() == ErrorKind::Rejected);
        let config = errors.any(|error| error.kind() == ErrorKind::Config);
        return match (needs_a_person, config) {
            (true, _) => Exit::PersonNeeded,
            (_, true) => Exit::Usage,
            _ => Exit::Failed,
        };
    }
    if reports.iter().any(|report| report.waiting > 0) { Exit::PersonNeeded } else { Exit::Done }
}

fn has_written(counts: &Counts) -> bool {
    counts.created + counts.updated + counts.archived > 0
}

/// Whether there is more to say than that all is as it was.
fn is_news(counts: &Counts) -> bool {
    has_written(counts) || counts.parked + counts.held + counts.conflicts > 0
}

fn counts_text(counts: &Counts) -> String {
    let mut parts = vec![format!("{} read", counts.read)];
    for (count, word) in [
        (counts.unchanged, "unchanged"),
        (counts.linked, "linked"),
        (counts.created, "created"),
        (counts.updated, "updated"),
        (counts.archived, "archived"),
        (counts.parked, "parked"),
        (counts.held, "held"),
        (counts.conflicts, "in conflict"),
    ] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts.join(", ")
}
