//! Everything that can be wrong in config.toml without asking a mapping, a secret or a system.

use serde_json::{Map, Value};

use super::resolve;
use super::schema;
use super::shape::{Shape, meant};
use super::source::{Source, escape};
use crate::connector::Plugin;
use crate::diagnostic::Diagnostic;
use crate::http::Transport;

/// Everything that is wrong.
pub(super) fn findings(source: &Source, value: &Value, plugins: &[Plugin]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let tables = schema::tables();
    Shape { source, root: &tables }.check(&without_systems(&tables), value, "", &mut found);
    for (name, system) in entries(value, "systems") {
        check_system(source, name, system, plugins, &mut found);
    }
    let systems: Vec<&str> = entries(value, "systems").map(|(name, _)| name).collect();
    for (name, flow) in entries(value, "flows") {
        check_flow(source, name, flow, &systems, &mut found);
    }
    check_listen(source, value, &mut found);
    check_public_url(source, value, &mut found);
    resolve::check_placeholders(source, value, &mut found);
    found.sort_by_key(|finding| (finding.line, finding.column));
    found
}

/// Systems are checked one by one, each against its connector.
fn without_systems(tables: &Value) -> Value {
    let mut tables = tables.clone();
    tables["properties"]["systems"] = serde_json::json!({ "type": "object" });
    tables
}

fn entries<'a>(value: &'a Value, table: &str) -> impl Iterator<Item = (&'a str, &'a Map<String, Value>)> {
    let entries = value.get(table).and_then(Value::as_object).into_iter().flatten();
    entries.filter_map(|(name, entry)| entry.as_object().map(|entry| (name.as_str(), entry)))
}

fn check_system(
    source: &Source,
    name: &str,
    system: &Map<String, Value>,
    plugins: &[Plugin],
    found: &mut Vec<Diagnostic>,
) {
    let table = format!("/systems/{}", escape(name));
    found.extend(bad_name(source, name, &table, plugins, system));
    let Some(connector) = system.get("connector").and_then(Value::as_str) else {
        found.push(
            source
                .finding_at_key("C0104", &table, format!("`{name}` does not say what it speaks"))
                .help("add `connector = \"...\"`; `passerelle connectors` lists them"),
        );
        return;
    };
    let Some(plugin) = plugins.iter().find(|plugin| plugin.name == connector) else {
        let finding =
            source.finding("C0106", &format!("{table}/connector"), format!("there is no connector `{connector}`"));
        found.push(finding.help(meant(connector, plugins.iter().map(|plugin| plugin.name))));
        return;
    };
    let schema = schema::system(plugin);
    Shape { source, root: &schema }.check(&schema, &Value::Object(system.clone()), &table, found);
    found.extend(bad_transport(source, &table, system));
}

/// Limits out of range and addresses that are none; an address that waits for its variable is left for later.
fn bad_transport(source: &Source, table: &str, system: &Map<String, Value>) -> Option<Diagnostic> {
    let mut transport: Transport = serde_json::from_value(Value::Object(system.clone())).ok()?;
    transport.base_url = transport.base_url.filter(|address| !address.contains("${"));
    let error = transport.check().err()?;
    let pointer = error.fact("option").map_or_else(|| table.to_owned(), |option| format!("{table}/{option}"));
    Some(source.finding("C0105", &pointer, error.message()))
}

fn bad_name(
    source: &Source,
    name: &str,
    table: &str,
    plugins: &[Plugin],
    system: &Map<String, Value>,
) -> Option<Diagnostic> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let connector = system.get("connector").and_then(Value::as_str);
    let why = if name.is_empty() || !name.chars().all(plain) {
        "a system's name takes letters, digits, _ and -"
    } else if matches!(name, "latest" | "review") {
        "`latest` and `review` say in mappings who owns a field; a system cannot be called so"
    } else if connector != Some(name) && plugins.iter().any(|plugin| plugin.name == name) {
        "a system cannot bear the name of another connector: mappings could not tell them apart"
    } else {
        return None;
    };
    Some(source.finding_at_key("C0107", table, why))
}

fn check_flow(source: &Source, name: &str, flow: &Map<String, Value>, systems: &[&str], found: &mut Vec<Diagnostic>) {
    let table = format!("/flows/{}", escape(name));
    let between: Vec<&str> =
        flow.get("between").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (index, system) in between.iter().enumerate() {
        let pointer = format!("{table}/between/{index}");
        if !systems.contains(system) {
            let finding = source.finding("C0108", &pointer, format!("there is no system `{system}`"));
            found.push(finding.help(meant(system, systems.iter().copied())));
        } else if between[..index].contains(system) {
            found.push(source.finding("C0109", &pointer, format!("`{system}` is named twice")));
        }
    }
    if flow.get("between").is_some_and(Value::is_array) && between.len() < 2 {
        let pointer = format!("{table}/between");
        found.push(source.finding("C0109", &pointer, "a flow keeps two or more systems in agreement"));
    }
    if flow.contains_key("every") && flow.contains_key("cron") {
        found.push(source.finding_at_key("C0110", &format!("{table}/cron"), "say `every` or `cron`, not both"));
    }
    if let Some(zone) = flow.get("time_zone").and_then(Value::as_str) {
        let pointer = format!("{table}/time_zone");
        if jiff::tz::TimeZone::get(zone).is_err() {
            let finding = source.finding("C0105", &pointer, format!("`{zone}` is not a time zone"));
            found.push(finding.help("such as \"Europe/Paris\""));
        } else if !flow.contains_key("cron") {
            found.push(source.finding_at_key("C0110", &pointer, "`time_zone` is for `cron`, and there is none"));
        }
    }
}

fn check_public_url(source: &Source, value: &Value, found: &mut Vec<Diagnostic>) {
    let Some(address) = value.pointer("/serve/public_url").and_then(Value::as_str) else { return };
    let is_web =
        url::Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.query().is_none());
    if !is_web {
        let finding = source.finding("C0105", "/serve/public_url", format!("`{address}` is not an address of the web"));
        found.push(finding.help("such as \"https://hub.example.com\", to which `/hooks/<system>` is added"));
    }
}

fn check_listen(source: &Source, value: &Value, found: &mut Vec<Diagnostic>) {
    let Some(listen) = value.pointer("/serve/listen").and_then(Value::as_str) else { return };
    if listen.parse::<std::net::SocketAddr>().is_err() {
        let finding = source.finding("C0105", "/serve/listen", format!("`{listen}` is not an address and a port"));
        found.push(finding.help("such as \"127.0.0.1:8088\", or \"0.0.0.0:8088\" to listen on every interface"));
    }
}
