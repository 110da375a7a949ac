//! A mapping file's own examples, run both ways.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Canonical, Fields};

/// One `[[example]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// The line it starts on.
    pub line: usize,
    /// The canonical record.
    pub canonical: Canonical,
    /// Column name to native record.
    pub natives: BTreeMap<String, Fields>,
}

/// What the examples of one entity showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExampleReport {
    /// The entity.
    pub entity: String,
    /// The file.
    pub file: String,
    /// How many directions of how many examples were run.
    pub ran: usize,
    /// What came out differently.
    pub differences: Vec<Difference>,
    /// Columns of fields and rows of tables that no example exercised, such as `name/hubspot` or `tables.stage: lead`.
    pub unexercised: Vec<String>,
}

/// One value that an example promised and the mapping did not give.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The example's name.
    pub example: String,
    /// The line it starts on.
    pub line: usize,
    /// The column.
    pub column: String,
    /// `read` or `write`.
    pub direction: &'static str,
    /// The canonical field, or native path.
    pub field: String,
    /// What the example says.
    pub expected: serde_json::Value,
    /// What the mapping gave; an error as its words.
    pub got: serde_json::Value,
}
