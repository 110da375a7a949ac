//! The connectors: a folder per vendor, and the registry that lists them.

pub mod demo;
mod dolibarr;
mod erpnext;
mod hubspot;
pub mod registry;
mod salesforce;
pub mod sample;
mod spreadsheet;
