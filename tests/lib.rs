//! What tests and benchmarks share: systems in memory, power cuts, stories as files.

pub mod conformance;
pub mod crash;
pub mod hooked;
pub mod memory;
pub mod office;
pub mod scenario;
pub mod simulation;
pub mod trade;
