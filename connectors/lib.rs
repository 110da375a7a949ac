//! The connectors.

pub mod registry;
#[allow(dead_code)]
mod spreadsheet;
