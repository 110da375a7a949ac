//! What the program is made of: connectors, the mappings it ships, sample data.

use serde_json::Value;

use crate::connector::Plugin;

/// Everything the command line is given; the only thing it knows of vendors.
#[derive(Clone, Copy, Debug)]
pub struct Registry {
    /// The connectors.
    pub plugins: &'static [Plugin],
    /// Shipped mapping files: name, such as `company.toml`, and text.
    pub mappings: &'static [(&'static str, &'static str)],
    /// Sample data for a vendor's stand-in, where there is some.
    pub sample: fn(vendor: &str) -> Option<Value>,
}

impl Registry {
    /// A connector by its name.
    pub fn plugin(&self, name: &str) -> Option<&'static Plugin> {
        self.plugins.iter().find(|plugin| plugin.name == name)
    }
}
