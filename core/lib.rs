//! The hub, without any vendor: see ARCHITECTURE.md for the rooms and the arrows between them.

pub mod cli;
pub mod clock;
pub mod config;
pub mod connector;
pub mod diagnostic;
pub mod dice;
pub mod emulator;
pub mod engine;
pub mod error;
pub mod http;
pub mod mapping;
pub mod model;
pub mod mutant;
pub mod plan;
pub mod reconcile;
pub mod registry;
pub mod serve;
pub mod store;
pub mod system;

pub use error::{Error, ErrorKind, Result};
