//! What the hub remembers.

mod backend;
mod conflicts;
#[cfg(test)]
mod contract;
mod departed;
mod export;
mod facts;
mod heirs;
mod history;
mod inbox;
mod made;
mod memory;
mod migrate;
mod prune;
mod sled;
mod spaces;
mod trail;
mod turns;
mod typed;

pub use backend::{Backend, Batch, Pair};
pub use conflicts::{Conflict, Said, Taken};
pub use departed::Departed;
pub use export::{export, import};
pub use facts::{
    At, COMPUTED, Counts, Entry, FieldEntry, Held, Job, Link, LinkSide, Parked, ReadTo, Run, Seen, Verdict, Why,
};
pub use history::{Known, Origin, Place};
pub use inbox::{Hinted, Waiting};
pub use made::Made;
pub use memory::Memory;
pub use prune::{Pruned, Pruning};
pub use sled::Sled;
pub use trail::{Echo, Swing, Touched, Trail};
pub use turns::Turn;
pub use typed::{Facts, Store};

use migrate::migrate;
