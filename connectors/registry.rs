//! The vendors that the program knows, a row each.

use passerelle_core::connector::Plugin;

/// All connectors, in the order of `passerelle connectors`.
pub const PLUGINS: &[Plugin] = &[crate::spreadsheet::PLUGIN];
