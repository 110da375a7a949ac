//! `passerelle init`: a commented config.toml and mappings to start from.

use super::Context;
use super::output::CommandResult;
use crate::{Error, ErrorKind};

/// Write a commented config.toml and the mappings to start from.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`init` is not part of this version").into())
}
