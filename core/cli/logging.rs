//! Logs go to stderr.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verbosity {
    /// Errors only, no progress.
    Quiet,
    /// Warnings too.
    Normal,
    /// What runs do.
    Verbose,
    /// Every call.
    Everything,
}

impl Verbosity {
    pub(super) fn of(verbose: u8, quiet: bool) -> Self {
        match (quiet, verbose) {
            (true, _) => Self::Quiet,
            (false, 0) => Self::Normal,
            (false, 1) => Self::Verbose,
            (false, _) => Self::Everything,
        }
    }

    fn filter(self) -> &'static str {
        match self {
            Self::Quiet => "error",
            Self::Normal => "warn",
            Self::Verbose => "warn,passerelle_core=info,passerelle=info",
            Self::Everything => "info,passerelle_core=debug,passerelle=debug",
        }
    }
}

/// Starts logging; RUST_LOG wins where it is set and can be read.
pub(super) fn start(verbosity: Verbosity) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(verbosity.filter()));
    let logger = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // A program that embeds the hub may log already.
    let _ = logger.try_init();
}
