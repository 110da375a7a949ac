//! What is wrong in a file that a person wrote: where, what, and what was probably meant.

use std::fmt;
use std::ops::Range;

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// The file cannot be used.
    Error,
    /// It can, but probably not as meant.
    Warning,
}

/// One finding in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable code, such as `P0102`.
    pub code: &'static str,
    /// The file, as the person named it.
    pub file: String,
    /// Line, from 1; 0 where no line can be named.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to do.
    pub help: Option<String>,
    /// The source line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How many characters of it are meant.
    #[serde(skip)]
    pub width: usize,
}

impl Diagnostic {
    /// An error at a byte range of `text`.
    pub fn error(code: &'static str, file: &str, text: &str, at: Range<usize>, message: impl Into<String>) -> Self {
        let start = at.start.min(text.len());
        let start = (0..=start).rev().find(|&i| text.is_char_boundary(i)).unwrap_or(0);
        let line_start = text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line_text = text[line_start..].lines().next().unwrap_or_default();
        let meant = text.get(start..at.end.min(text.len())).unwrap_or_default();
        Self {
            severity: Severity::Error,
            code,
            file: file.to_owned(),
            line: text[..line_start].matches('\n').count() + 1,
            column: text[line_start..start].chars().count() + 1,
            message: message.into(),
            help: None,
            source: Some(line_text.to_owned()),
            width: meant.lines().next().map_or(1, |first| first.chars().count().max(1)),
        }
    }

    /// An error about a whole file.
    pub fn whole(code: &'static str, file: &str, message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, source: None, width: 0, ..Self::error(code, file, "", 0..0, message) }
    }

    /// The same finding as a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Says what was probably meant, or what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.is_error() { "error" } else { "warning" };
        writeln!(f, "{word}[{}]: {}", self.code, self.message)?;
        if self.line == 0 {
            writeln!(f, "  --> {}", self.file)?;
        } else {
            writeln!(f, "  --> {}:{}:{}", self.file, self.line, self.column)?;
        }
        if let Some(source) = &self.source {
            let number = self.line.to_string();
            let gutter = " ".repeat(number.len());
            writeln!(f, "{gutter} |\n{number} | {source}")?;
            writeln!(f, "{gutter} | {}{}", " ".repeat(self.column.saturating_sub(1)), "^".repeat(self.width))?;
        }
        if let Some(help) = &self.help {
            writeln!(f, "  = help: {help}")?;
        }
        Ok(())
    }
}

/// The candidate that `word` was probably meant to be.
pub fn suggestion<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= 1 + candidate.chars().count() / 4)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_points_into_the_file_even_behind_accents() {
        let text = "a = 1\né = \"x\" # naïf\n";
        let at = text.find("\"x\"").unwrap();
        let found = Diagnostic::error("P0001", "m.toml", text, at..at + 3, "not this").help("that");
        assert_eq!((found.line, found.column), (2, 5));
        let shown = found.to_string();
        assert!(shown.contains("--> m.toml:2:5\n"), "{shown}");
        assert!(shown.contains("  |     ^^^\n"), "{shown}");
    }

    #[test]
    fn a_near_miss_is_suggested_and_a_far_one_is_not() {
        assert_eq!(suggestion("mapings", ["mappings", "state"]), Some("mappings"));
        assert_eq!(suggestion("colour", ["mappings", "state"]), None);
    }
}
