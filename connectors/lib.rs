//! The connectors.

mod dolibarr;
pub mod registry;
