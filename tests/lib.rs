//! What tests and benchmarks share: systems in memory, stories as files.

pub mod conformance;
pub mod memory;
pub mod scenario;
