//! `passerelle status`: systems, cursors, last runs, and what waits for a person.

use super::Context;
use super::output::CommandResult;
use crate::{Error, ErrorKind};

/// Show systems, cursors, last runs, and what waits for a person.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`status` is not part of this version").into())
}
