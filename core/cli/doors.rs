//! The program's doors to the machine that it runs on: the network and the disk.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use indicatif::{ProgressBar, ProgressDrawTarget};

use crate::Result;
use crate::clock::Timestamp;
use crate::http::{HttpWire, Transport, Wire};
use crate::store::{Backend, Sled};

/// Opens the way out for a system with these options; `Config` names the option at fault.
pub type OpenWire = Box<dyn Fn(&Transport) -> Result<Arc<dyn Wire>> + Send + Sync>;

/// Opens the store in a folder, or makes it; the time is told to others who try meanwhile. Errors are [`Sled::open`]'s.
pub type OpenStore = Box<dyn Fn(&Path, Timestamp) -> Result<Arc<dyn Backend>> + Send + Sync>;

/// How commands reach the network and the disk; a test may stand in the door and count who passes.
pub struct Doors {
    /// The network.
    pub wire: OpenWire,
    /// The disk.
    pub store: OpenStore,
}

impl Doors {
    /// The machine's own network and disk.
    pub fn of_this_machine() -> Self {
        Self { wire: Box::new(open_wire), store: Box::new(open_store) }
    }
}

fn open_wire(transport: &Transport) -> Result<Arc<dyn Wire>> {
    transport.check()?;
    Ok(Arc::new(HttpWire::new(transport.patience())?))
}

fn open_store(folder: &Path, now: Timestamp) -> Result<Arc<dyn Backend>> {
    let mut bar = None;
    let opened = Sled::open_told(folder, now, &mut |done| {
        let bar = bar.get_or_insert_with(progress);
        bar.set_message(format!("bringing the state folder to this version's format: {done} lines of the journal"));
    });
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    Ok(Arc::new(opened?))
}

/// A sign of life on stderr; hidden where that is no terminal, and with `-q`.
fn progress() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if !tracing::enabled!(tracing::Level::WARN) {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar
}

impl fmt::Debug for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Doors").finish_non_exhaustive()
    }
}
