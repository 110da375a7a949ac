//! `passerelle describe`: the live schema of a system, to write mappings from.

use serde_json::{Map, Value, json};

use super::Context;
use super::output::{CommandResult, Report, table};
use crate::connector::{FieldSchema, Schema};
use crate::model::{ResourceName, SystemName};

/// Show the live schema of a system, to write mappings from.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A system of the config file.
    #[arg(value_name = "SYSTEM")]
    system: SystemName,
    /// One of its resources; all by default.
    #[arg(value_name = "RESOURCE")]
    resource: Option<ResourceName>,
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let config = context.config()?;
    context.known(&config, &args.system)?;
    let systems = context.systems(&config, None, [&args.system])?;
    let system = systems.get(&args.system)?;
    let names: Vec<ResourceName> = match &args.resource {
        Some(name) => vec![system.resource(name)?.name.clone()],
        None => system.resources().iter().map(|resource| resource.name.clone()).collect(),
    };
    let mut schemas = Map::new();
    let mut text = String::new();
    let progress = context.progress("reading schemas");
    for name in names {
        let schema = system.describe(&name).await?;
        text.push_str(&format!("{} {}\n{}\n", args.system, context.paint.bold(name.as_str()), to_text(&schema)));
        schemas.insert(name.to_string(), schema.to_json_schema());
    }
    progress.finish_and_clear();
    let json = json!({ "system": args.system, "resources": Value::Object(schemas) });
    Ok(Report::done(json, text))
}

fn to_text(schema: &Schema) -> String {
    let rows: Vec<Vec<String>> = schema.fields.iter().map(row).collect();
    table("  ", &rows)
}

fn row(field: &FieldSchema) -> Vec<String> {
    let mut words = vec![if field.writable { "writable" } else { "read only" }];
    words.extend(field.required.then_some("required"));
    words.extend(field.unique.then_some("unique"));
    let options: Vec<&str> = field.options.iter().map(|choice| choice.value.as_str()).collect();
    let mut label = if field.label == field.path { String::new() } else { field.label.clone() };
    if !options.is_empty() {
        label.push_str(&format!(" ({})", options.join(", ")));
    }
    vec![field.path.clone(), field.kind.clone(), words.join(", "), label]
}
