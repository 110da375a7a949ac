//! What the program is made of: a connector is one row, and so is a shipped mapping.

use passerelle_core::connector::Plugin;
use passerelle_core::registry::Registry;

/// All connectors, in the order of `passerelle connectors`.
pub const PLUGINS: &[Plugin] = &[
    crate::dolibarr::PLUGIN,
    crate::erpnext::PLUGIN,
    crate::hubspot::PLUGIN,
    crate::salesforce::PLUGIN,
    crate::spreadsheet::PLUGIN,
];

/// The mapping files that `passerelle init` writes.
pub const MAPPINGS: &[(&str, &str)] = &[
    ("company.toml", include_str!("../mappings/company.toml")),
    ("contact.toml", include_str!("../mappings/contact.toml")),
    ("product.toml", include_str!("../mappings/product.toml")),
    ("sale.toml", include_str!("../mappings/sale.toml")),
];

/// The program's registry.
pub static REGISTRY: Registry = Registry { plugins: PLUGINS, mappings: MAPPINGS, sample: crate::sample::seed };
