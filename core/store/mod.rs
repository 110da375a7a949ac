//! What the hub remembers.

mod backend;
mod memory;

pub use backend::{Backend, Batch, Pair};
pub use memory::Memory;
