//! `passerelle connectors`: what each connector serves, can do, and takes as options.

use serde_json::{Value, json};

use super::output::{CommandResult, Report, table};
use super::{Context, Paint};
use crate::connector::{Capabilities, Effect, Feed, Plugin};
use crate::{Error, ErrorKind};

/// List the connectors: resources, capabilities, effect class, options.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this one.
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

pub fn run(context: &Context, args: &Args) -> CommandResult {
    let plugins = context.registry.plugins;
    let shown: Vec<&Plugin> =
        plugins.iter().filter(|plugin| args.name.as_deref().is_none_or(|name| name == plugin.name)).collect();
    if let (Some(name), true) = (&args.name, shown.is_empty()) {
        let known: Vec<&str> = plugins.iter().map(|plugin| plugin.name).collect();
        let message = format!("there is no connector `{name}`; there are {}", known.join(", "));
        return Err(Error::new(ErrorKind::Config, message).into());
    }
    let json = json!({ "connectors": shown.iter().map(|plugin| to_json(plugin)).collect::<Vec<_>>() });
    let text: Vec<String> = shown.iter().map(|plugin| to_text(plugin, context.paint)).collect();
    Ok(Report::done(json, text.join("\n")))
}

fn to_json(plugin: &Plugin) -> Value {
    json!({
        "name": plugin.name,
        "about": plugin.about,
        "resources": (plugin.resources)(),
        "options": (plugin.options)(),
        "emulator": plugin.emulator.is_some(),
    })
}

fn to_text(plugin: &Plugin, paint: Paint) -> String {
    let mut text = format!("{}  {}\n", paint.bold(plugin.name), plugin.about);
    let schema = (plugin.options)();
    let manual = schema.get("description").and_then(Value::as_str).unwrap_or_default();
    for line in manual.lines().filter(|line| !line.trim().is_empty()) {
        text.push_str(&format!("  {}\n", paint.dim(line.trim())));
    }
    let resources = (plugin.resources)();
    text.push_str("  resources\n");
    let rows: Vec<Vec<String>> = resources
        .iter()
        .map(|resource| {
            let can = &resource.capabilities;
            vec![resource.name.to_string(), feed(can.feed).into(), create(can.create).into(), rest(can)]
        })
        .collect();
    text.push_str(&table("    ", &rows));
    text.push_str("  options\n");
    text.push_str(&table("    ", &options(&schema)));
    text
}

fn feed(feed: Feed) -> &'static str {
    match feed {
        Feed::None => "no changes",
        Feed::FullScan => "changes by reading everything, deletions by `sync --full`",
        Feed::Cursor => "changes since a cursor, deletions by `sync --full`",
        Feed::CursorWithDeletes => "changes and deletions since a cursor",
    }
}

fn create(effect: Effect) -> &'static str {
    match effect {
        Effect::Keyed => "create: keyed",
        Effect::Searchable => "create: searchable",
        Effect::SearchableLater => "create: searchable later",
        Effect::Blind => "create: blind",
        Effect::None => "no create",
    }
}

fn rest(can: &Capabilities) -> String {
    let mut words: Vec<&str> = Vec::new();
    words.extend(can.update.then_some("update"));
    words.extend(can.archive.then_some("archive"));
    words.extend(can.actions);
    words.join(", ")
}

fn options(schema: &Value) -> Vec<Vec<String>> {
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    properties
        .map(|(name, option)| {
            let about = option.get("description").and_then(Value::as_str).unwrap_or_default().replace('\n', " ");
            let need = if required.contains(&name.as_str()) { "required" } else { "optional" };
            vec![name.clone(), need.to_owned(), about]
        })
        .collect()
}
