//! `passerelle sync`: plan and apply in one pass.

use super::Context;
use super::output::CommandResult;
use crate::model::FlowName;
use crate::{Error, ErrorKind};

/// Plan and apply in one pass.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these flows.
    #[arg(value_name = "FLOW")]
    flows: Vec<FlowName>,
    /// Read everything, whatever was read before.
    #[arg(long)]
    full: bool,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`sync` is not part of this version").into())
}
