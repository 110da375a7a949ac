//! `passerelle demo`: a whole quote-to-cash round on emulated systems.

use std::path::PathBuf;

use super::Context;
use super::output::CommandResult;
use crate::{Error, ErrorKind};

/// Run a whole quote-to-cash round on emulated systems: no account, no network.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep config, mappings and state in this folder.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`demo` is not part of this version").into())
}
