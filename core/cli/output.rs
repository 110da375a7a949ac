//! What a command says: text for a person or one JSON document, and an exit code.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::diagnostic::Diagnostic;
use crate::{Error, ErrorKind};

/// What a command came to.
pub type CommandResult = Result<Report, Failure>;

/// Exit codes; scripts rely on them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Usage, config or mapping error.
    Usage = 2,
    /// Done, but something was parked, held or in conflict.
    PersonNeeded = 3,
    /// `plan` holds changes.
    Changes = 4,
}

/// A command that ran.
#[derive(Clone, Debug)]
pub struct Report {
    /// Its exit code.
    pub exit: Exit,
    /// The JSON document; null prints nothing.
    pub json: Value,
    /// The text for a person; empty prints nothing.
    pub text: String,
}

impl Report {
    /// A command that is done.
    pub fn done(json: Value, text: impl Into<String>) -> Self {
        Self { exit: Exit::Done, json, text: text.into() }
    }

    /// A command that has said everything already.
    pub fn said() -> Self {
        Self::done(Value::Null, "")
    }

    /// The same report with another exit code.
    #[must_use]
    pub fn exit(mut self, exit: Exit) -> Self {
        self.exit = exit;
        self
    }
}

/// A command that could not run, or not to its end.
#[derive(Debug)]
pub enum Failure {
    /// One reason.
    Error(Error),
    /// Findings in files that a person wrote.
    Findings(Vec<Diagnostic>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl From<Vec<Diagnostic>> for Failure {
    fn from(findings: Vec<Diagnostic>) -> Self {
        Self::Findings(findings)
    }
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Self::Error(error) if error.kind() != ErrorKind::Config => Exit::Failed,
            _ => Exit::Usage,
        }
    }

    /// What its reader would see.
    pub(super) fn report(&self, paint: Paint) -> Report {
        Report { exit: self.exit(), json: self.json(), text: self.text(paint) }
    }

    fn json(&self) -> Value {
        match self {
            Self::Error(error) => error_json(error),
            Self::Findings(findings) => json!({ "diagnostics": findings }),
        }
    }

    fn text(&self, paint: Paint) -> String {
        match self {
            Self::Error(error) => format!("{} {error}\n", paint.red("error:")),
            Self::Findings(findings) => findings_text(findings, paint),
        }
    }
}

/// An error as `--json` tells it.
pub fn error_json(error: &Error) -> Value {
    json!({ "error": { "kind": error.kind(), "message": error.to_string() } })
}

/// Findings for a person, and how many there are.
pub fn findings_text(findings: &[Diagnostic], paint: Paint) -> String {
    let mut text = String::new();
    for finding in findings {
        let shown = finding.to_string();
        let (head, rest) = shown.split_once('\n').unwrap_or((&shown, ""));
        let head = if finding.is_error() { paint.red(head) } else { paint.yellow(head) };
        text.push_str(&format!("{head}\n{rest}\n"));
    }
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    text.push_str(&format!("{}, {}\n", count(errors, "error"), count(findings.len() - errors, "warning")));
    text
}

/// `1 error`, `2 errors`.
pub fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// For whom a command speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A person.
    Human,
    /// A program.
    Json,
}

/// Colours, where the reader is a terminal that wants them.
#[derive(Clone, Copy, Debug)]
pub struct Paint(bool);

impl Paint {
    /// For text on stdout.
    pub fn stdout() -> Self {
        Self(io::stdout().is_terminal() && wanted())
    }

    /// For text on stderr.
    pub fn stderr() -> Self {
        Self(io::stderr().is_terminal() && wanted())
    }

    /// Never colours.
    pub fn none() -> Self {
        Self(false)
    }

    /// What is wrong.
    pub fn red(self, text: &str) -> String {
        self.paint("31", text)
    }

    /// What is well.
    pub fn green(self, text: &str) -> String {
        self.paint("32", text)
    }

    /// What waits for a person.
    pub fn yellow(self, text: &str) -> String {
        self.paint("33", text)
    }

    /// A heading.
    pub fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    /// What matters less.
    pub fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.0 { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// <https://no-color.org>
fn wanted() -> bool {
    std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Rows in aligned columns, two spaces apart, each line indented by `indent`.
pub fn table(indent: &str, rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(&format!("{indent}{}\n", line.trim_end()));
    }
    text
}

/// Says a report at once, for a command that goes on.
pub fn say(format: Format, report: &Report) -> io::Result<()> {
    match format {
        Format::Json if report.json.is_null() => Ok(()),
        Format::Json => put(&format!("{:#}\n", report.json)),
        Format::Human => put(&report.text),
    }
}

/// Says what a command came to, and ends with its exit code.
pub(super) fn finish(format: Format, result: CommandResult) -> ExitCode {
    let (exit, said) = match result {
        Ok(report) => (report.exit, say(format, &report)),
        Err(failure) if format == Format::Json => (failure.exit(), put(&format!("{:#}\n", failure.json()))),
        Err(failure) => (failure.exit(), put_aside(&failure.text(Paint::stderr()))),
    };
    match said {
        Ok(()) => ExitCode::from(exit as u8),
        Err(cause) => {
            // Stderr is the last place to say it; when it is gone too, the exit code must do.
            let _ = put_aside(&format!("error: cannot write the output: {cause}\n"));
            ExitCode::from(Exit::Failed as u8)
        }
    }
}

/// Says what clap has to say: help and version are no errors.
pub(super) fn usage(error: &clap::Error, json: bool) -> ExitCode {
    if json && error.use_stderr() {
        let message = error.to_string();
        let document = json!({ "error": { "kind": "usage", "message": message.trim_end() } });
        return finish(Format::Json, Ok(Report::done(document, "").exit(Exit::Usage)));
    }
    // A reader that went away is no reason to fail.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { Exit::Usage } else { Exit::Done } as u8)
}

fn put(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    forgive_a_closed_pipe(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

fn put_aside(text: &str) -> io::Result<()> {
    forgive_a_closed_pipe(io::stderr().lock().write_all(text.as_bytes()))
}

/// `passerelle ... | head` reads what it wants and leaves.
fn forgive_a_closed_pipe(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(cause) if cause.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_end_without_spaces() {
        let rows = [vec!["a".to_owned(), "é".to_owned(), "c".to_owned()], vec!["long".to_owned(), "b".to_owned()]];
        assert_eq!(table("  ", &rows), "  a     é  c\n  long  b\n");
    }

    #[test]
    fn a_config_error_exits_2_and_any_other_1() {
        let exit = |kind| Failure::from(Error::new(kind, "no")).exit();
        assert_eq!((exit(ErrorKind::Config), exit(ErrorKind::Denied)), (Exit::Usage, Exit::Failed));
        assert_eq!(Failure::Findings(Vec::new()).exit(), Exit::Usage);
    }
}
