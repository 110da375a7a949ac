//! The connectors.
