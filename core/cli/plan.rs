//! `passerelle plan`: what a run would do, and why; writes nothing.

use std::path::PathBuf;

use super::Context;
use super::output::CommandResult;
use crate::model::FlowName;
use crate::{Error, ErrorKind};

/// Show what a run would do, and why; exits 4 when it holds changes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these flows.
    #[arg(value_name = "FLOW")]
    flows: Vec<FlowName>,
    /// Save the plan, for `passerelle apply`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`plan` is not part of this version").into())
}
