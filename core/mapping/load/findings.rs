//! What is wrong with a file, gathered; nothing stops at the first.

use std::ops::Range;

use super::super::expr::Fault;
use super::spec::At;
use crate::diagnostic::{Diagnostic, suggestion};

/// The findings in one file.
pub(super) struct Findings<'a> {
    file: &'a str,
    text: &'a str,
    pub(super) list: Vec<Diagnostic>,
}

impl<'a> Findings<'a> {
    pub(super) fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text, list: Vec::new() }
    }

    pub(super) fn error(&mut self, code: &'static str, at: Range<usize>, message: impl Into<String>) {
        self.add(Diagnostic::error(code, self.file, self.text, at, message));
    }

    pub(super) fn error_with_help(
        &mut self,
        code: &'static str,
        at: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.add(Diagnostic::error(code, self.file, self.text, at, message).help(help));
    }

    pub(super) fn warning(&mut self, code: &'static str, at: Range<usize>, message: String, help: &str) {
        self.add(Diagnostic::error(code, self.file, self.text, at, message).help(help).warning());
    }

    pub(super) fn whole(&mut self, code: &'static str, message: &str, help: &str) {
        self.add(Diagnostic::whole(code, self.file, message).help(help));
    }

    /// A name that is none of `known`.
    pub(super) fn unknown<'b>(
        &mut self,
        code: &'static str,
        what: &str,
        name: &At,
        known: impl IntoIterator<Item = &'b str> + Clone,
    ) {
        let help = match suggestion(name.get_ref(), known.clone()) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known are {}", known.into_iter().collect::<Vec<_>>().join(", ")),
        };
        self.error_with_help(code, name.span(), format!("there is no {what} `{}`", name.get_ref()), help);
    }

    /// Faults inside an expression, each at its own place in the file.
    pub(super) fn faults(&mut self, expression: &At, faults: Vec<Fault>) {
        for fault in faults {
            let at = self.inside(expression, &fault.at);
            let found = Diagnostic::error(fault.code, self.file, self.text, at, fault.message);
            self.add(match fault.help {
                Some(help) => found.help(help),
                None => found,
            });
        }
    }

    /// Where a part of a text is in the file; the whole text where escapes move it.
    fn inside(&self, text: &At, part: &Range<usize>) -> Range<usize> {
        let span = text.span();
        let raw = self.text.get(span.clone()).unwrap_or_default();
        match raw.find(text.get_ref().as_str()) {
            Some(offset) => span.start + offset + part.start..span.start + offset + part.end,
            None => span,
        }
    }

    /// The line, from 1, of a byte.
    pub(super) fn line(&self, at: usize) -> usize {
        1 + self.text.bytes().take(at).filter(|b| *b == b'\n').count()
    }

    fn add(&mut self, found: Diagnostic) {
        if !self.list.contains(&found) {
            self.list.push(found);
        }
    }
}
