//! `passerelle check`: proves config and mappings, then systems.

use super::Context;
use super::output::CommandResult;
use crate::{Error, ErrorKind};

/// Prove config, mappings and, online, the systems.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`check` is not part of this version").into())
}
