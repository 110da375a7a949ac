//! The connectors: a folder per vendor, and the registry that lists them.

mod dolibarr;
pub mod registry;
#[allow(dead_code)]
mod spreadsheet;
