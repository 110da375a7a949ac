//! `passerelle sync`: plan and apply in one pass.

use serde_json::json;

use super::Context;
use super::hub::Hub;
use super::outcome;
use super::output::{CommandResult, Report};
use crate::engine::Scope;
use crate::model::FlowName;

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
    let hub = Hub::open(context, &args.flows, "syncing")?;
    let scope = if args.full { Scope::Full } else { Scope::Changed };
    let reports = hub.engine.sync(&hub.flows, scope).await?;
    let json = json!({ "flows": outcome::json_of(&hub, &reports) });
    Ok(Report::done(json, outcome::text_of(&hub, &reports)).exit(outcome::exit_of(&reports)))
}
