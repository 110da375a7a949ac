//! The connectors.

pub mod registry;
mod spreadsheet;
