//! `passerelle verify`: compares all sides, record by record and field by field.

use super::Context;
use super::output::CommandResult;
use crate::model::FlowName;
use crate::{Error, ErrorKind};

/// Compare all sides, record by record and field by field.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these flows.
    #[arg(value_name = "FLOW")]
    flows: Vec<FlowName>,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let _ = (context, args);
    Err(Error::new(ErrorKind::Unsupported, "`verify` is not part of this version").into())
}
