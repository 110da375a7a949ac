//! `passerelle held`: see and settle what waits for approval.

use super::Context;
use super::output::CommandResult;
use crate::{Error, ErrorKind};

/// See and settle what waits for approval.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// List what is held.
    List,
    /// Let it happen at the next run.
    Approve {
        /// As `list` shows them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Do not let it happen.
    Reject {
        /// As `list` shows them.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`held` is not part of this version").into())
}
