//! The signals by which a person or a service manager ends the program.

use crate::Result;
#[cfg(unix)]
use crate::{Error, ErrorKind};

/// SIGTERM and Ctrl-C, heard from the moment this is made.
#[derive(Debug)]
pub(super) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub(super) fn heard() -> Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let terminate = signal(SignalKind::terminate()).map_err(unheard)?;
        Ok(Self { terminate, interrupt: signal(SignalKind::interrupt()).map_err(unheard)? })
    }

    /// Returns with the next of them.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub(super) fn heard() -> Result<Self> {
        Ok(Self {})
    }

    /// Returns with the next of them.
    pub(super) async fn next(&mut self) {
        // Where it cannot be heard, the program is ended from outside.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
fn unheard(cause: std::io::Error) -> Error {
    Error::new(ErrorKind::Bug, "cannot listen for signals").because(cause)
}
