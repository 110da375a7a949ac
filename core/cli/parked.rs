//! `passerelle parked`: see and settle what was parked: records that a run could not bring into agreement.

use super::Context;
use super::output::CommandResult;
use crate::{Error, ErrorKind};

/// See and settle what was parked: records that a run could not bring into agreement.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List what is parked.
    List,
    /// Show one with its reason and both sides.
    Show {
        /// As `list` shows it.
        id: String,
    },
    /// Try again at the next run.
    Retry {
        /// As `list` shows them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Forget it; the record is not brought into agreement until it changes.
    Drop {
        /// As `list` shows them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`parked` is not part of this version").into())
}
