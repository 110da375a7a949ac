//! `passerelle apply`: exactly a saved plan.

use std::path::PathBuf;

use serde_json::json;

use super::Context;
use super::hub::Hub;
use super::outcome;
use super::output::{CommandResult, Exit, Report};
use crate::model::FlowName;
use crate::plan::Plan;
use crate::{Error, ErrorKind};

/// Make exactly the changes of a saved plan; records that moved since are refused.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What `plan --out` saved.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let text = std::fs::read_to_string(&args.file).map_err(|cause| {
        Error::new(ErrorKind::Config, "cannot read the plan").at("file", args.file.display()).because(cause)
    })?;
    let plan = Plan::from_text(&text, &args.file)?;
    let flows: Vec<FlowName> = plan.flows.iter().map(|flow| flow.flow.clone()).collect();
    let hub = Hub::open(context, &flows, "applying")?;
    let applied = hub.engine.apply(&plan).await?;
    let mut said = match applied.refused.is_empty() {
        true => outcome::text_of(&hub, &applied.reports),
        false => outcome::lines_of(&hub, &applied.reports),
    };
    for refused in &applied.refused {
        said.push_str(&format!("  refused {} \"{}\": {}\n", refused.link, refused.label, refused.reason));
    }
    let json = json!({ "flows": outcome::json_of(&hub, &applied.reports), "refused": applied.refused });
    let exit = match outcome::exit_of(&applied.reports) {
        Exit::Done if !applied.refused.is_empty() => Exit::PersonNeeded,
        exit => exit,
    };
    Ok(Report::done(json, said).exit(exit))
}
