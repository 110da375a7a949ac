//! The connectors: a folder per vendor, and the registry that lists them.

mod hubspot;
pub mod registry;
mod spreadsheet;
