//! The connectors: a folder per vendor, and the registry that lists them.

mod dolibarr;
mod hubspot;
pub mod registry;
pub mod sample;
mod spreadsheet;
