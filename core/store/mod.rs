//! What the hub remembers.

mod backend;
mod facts;
mod memory;
mod typed;

pub use backend::{Backend, Batch, Pair};
pub use facts::{At, Counts, Entry, FieldEntry, Held, Job, Link, LinkSide, Parked, ReadTo, Run, Seen, Verdict, Why};
pub use memory::Memory;
pub use typed::{Facts, Store};
