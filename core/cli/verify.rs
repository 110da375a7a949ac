//! `passerelle verify`: all sides compared, ids and mapped fields.

use serde_json::json;

use super::Context;
use super::hub::Hub;
use super::output::{CommandResult, Exit, Report};
use crate::model::FlowName;

/// Compare all sides of every record: ids and mapped fields.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these flows.
    #[arg(value_name = "FLOW")]
    flows: Vec<FlowName>,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let hub = Hub::open(context, &args.flows, "comparing")?;
    let mut verified = Vec::new();
    for flow in &hub.flows {
        verified.push(hub.engine.verify(flow).await.map_err(|error| hub.advised(error))?);
    }
    let records: u64 = verified.iter().map(|flow| flow.records).sum();
    let mut text = String::new();
    for flow in &verified {
        for difference in &flow.differences {
            let (link, label, field) = (&difference.link, &difference.label, &difference.field);
            text.push_str(&format!("{}: {link} \"{label}\" {field}: {}\n", flow.flow, difference.values));
        }
    }
    let differences: usize = verified.iter().map(|flow| flow.differences.len()).sum();
    text.push_str(&format!("{differences} differences over {records} records\n"));
    let exit = if differences == 0 { Exit::Done } else { Exit::PersonNeeded };
    let json = json!({ "differences": differences, "records": records, "flows": verified });
    Ok(Report::done(json, text).exit(exit))
}
