//! Everything that the program is made of: a connector is one line here.

use passerelle_core::connector::Plugin;
use passerelle_core::registry::Registry;
use serde_json::Value;

/// The connectors.
pub const PLUGINS: &[Plugin] = &[];

/// The mapping files that `passerelle init` writes.
pub const MAPPINGS: &[(&str, &str)] = &[];

/// What the program knows of vendors.
pub static REGISTRY: Registry = Registry { plugins: PLUGINS, mappings: MAPPINGS, sample };

fn sample(_vendor: &str) -> Option<Value> {
    None
}
