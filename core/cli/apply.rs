//! `passerelle apply`: exactly the changes of a saved plan.

use std::path::PathBuf;

use super::Context;
use super::output::CommandResult;
use crate::{Error, ErrorKind};

/// Make exactly the changes of a saved plan; records that moved since are refused.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What `plan --out` saved.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`apply` is not part of this version").into())
}
