//! The connectors: a folder per vendor, and the registry that lists them.

pub mod registry;
mod spreadsheet;
