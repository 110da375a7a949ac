//! `passerelle plan`: what a run would do, and why; writes nothing.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde_json::json;

use super::Context;
use super::hub::Hub;
use super::output::{CommandResult, Exit, Report};
use crate::engine::Scope;
use crate::model::FlowName;
use crate::{Error, ErrorKind};

/// Show what a run would do, and why; exits 4 when it holds changes, 3 when it holds none and a run would stop at a limit and ask.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these flows.
    #[arg(value_name = "FLOW")]
    flows: Vec<FlowName>,
    /// Save the plan, for `passerelle apply`.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Read everything, whatever was read before.
    #[arg(long)]
    full: bool,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let hub = Hub::open(context, &args.flows, "planning")?;
    let scope = if args.full { Scope::Full } else { Scope::Changed };
    let plan = hub.engine.plan(&hub.flows, scope).await?;
    let mut text = plan.to_string();
    for denied in plan.flows.iter().filter_map(|flow| flow.denied.as_ref()).collect::<BTreeSet<_>>() {
        let error = Error::new(ErrorKind::Denied, "").at("system", denied);
        text.extend(hub.advice(&error).map(|advice| format!("{advice}\n")));
    }
    if let Some(path) = &args.out {
        std::fs::write(path, plan.to_text()?).map_err(|cause| {
            Error::new(ErrorKind::Config, "cannot write the plan").at("file", path.display()).because(cause)
        })?;
        text.push_str(&format!("Saved. To make exactly these changes: passerelle apply {}\n", path.display()));
    } else if plan.changes().next().is_some() {
        text.push_str("To make them: passerelle sync, or passerelle plan --out FILE and passerelle apply FILE\n");
    }
    let failed = plan.flows.iter().any(|flow| flow.error.is_some());
    let exit = match (failed, plan.changes().next()) {
        (true, _) => Exit::Failed,
        (false, Some(_)) => Exit::Changes,
        _ if plan.is_over_limit() => Exit::PersonNeeded,
        (false, None) => Exit::Done,
    };
    let changes = plan.changes().count();
    Ok(Report::done(json!({ "changes": changes, "plan": plan }), text).exit(exit))
}
