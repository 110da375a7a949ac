//! What is wrong with one record, and what a create may do.

use std::fmt;

use serde::Serialize;

/// A record that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The canonical field, such as `vat_number` or `lines[2].quantity`.
    pub field: String,
    /// Why, in words for a person.
    pub message: String,
}

impl Problem {
    /// A problem of `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.field, self.message)
    }
}

/// Whether a record may be created in a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    /// It may.
    Create,
    /// It is not created there; the reason quotes the rule.
    Skip(String),
    /// It waits for a person; the reason quotes the rule.
    Hold(String),
}
