//! Every connector, a row each.

use passerelle_core::connector::Plugin;

/// The connectors, in the order people see them.
pub const PLUGINS: &[Plugin] = &[crate::dolibarr::PLUGIN];
