//! The files that `init` writes, made from what connectors say of their options.

use serde_json::Value;

use super::Chosen;
use crate::registry::Registry;

/// A commented config.toml.
pub(super) fn config(systems: &[Chosen], registry: &Registry) -> String {
    let mut text = String::from(
        "# Passerelle: systems, and what flows between them. `passerelle check --offline` proves this file.\n\n\
         [hub]\n\
         state    = \"state\"      # folder in which the hub remembers; back it up\n\
         mappings = \"mappings\"   # folder of the mapping files\n",
    );
    for system in systems {
        text.push_str(&self::system(system, systems));
    }
    for (name, mapping) in registry.mappings {
        text.push_str(&flow(name, mapping, systems));
    }
    text.push_str(
        "\n# [serve]                      # for `passerelle serve`\n\
         # listen = \"127.0.0.1:8088\"\n\
         # admin_token = \"${PASSERELLE_ADMIN_TOKEN}\"\n",
    );
    text
}

fn system(system: &Chosen, systems: &[Chosen]) -> String {
    let schema = (system.plugin.options)();
    let mut text = format!("\n# {}\n[systems.{}]\n", system.plugin.about, system.name);
    text.push_str(&format!("connector = \"{}\"\n", system.plugin.name));
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let options = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    for (name, option) in options {
        let about = option.get("description").and_then(Value::as_str).unwrap_or_default();
        let alone = systems.iter().filter(|other| other.plugin.name == system.plugin.name).count() == 1;
        let owner = if alone { system.plugin.name } else { &system.name };
        let value = value(option, about, owner, name);
        for line in about.lines().map(str::trim).filter(|line| !line.is_empty()) {
            text.push_str(&format!("# {line}\n"));
        }
        let mark = if required.contains(&name.as_str()) { "" } else { "# " };
        text.push_str(&format!("{mark}{name} = {value}\n"));
    }
    text.push_str("# base_url = \"https://...\"   # address of the API, where the vendor has no one address for all\n");
    text
}

/// What to type: the option's own example, else a variable for a text.
fn value(option: &Value, about: &str, owner: &str, name: &str) -> String {
    let example = option.get("examples").and_then(|examples| examples.get(0)).or_else(|| option.get("default"));
    if let Some(example) = example.filter(|example| !example.is_null()) {
        return example.to_string();
    }
    let kind = option.get("type").map(Value::to_string).unwrap_or_default();
    if kind.contains("boolean") {
        return "true".to_owned();
    }
    if kind.contains("integer") || kind.contains("number") {
        return "1".to_owned();
    }
    let named = about.find("${").and_then(|at| about[at..].find('}').map(|end| &about[at..=at + end]));
    match named {
        Some(variable) => format!("\"{variable}\""),
        None => format!("\"${{{}_{}}}\"", constant(owner), constant(name)),
    }
}

fn constant(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// The flow of a shipped mapping, where two or more of the systems have a column in it.
fn flow(file: &str, mapping: &str, systems: &[Chosen]) -> String {
    let table: toml::Table = mapping.parse().unwrap_or_default();
    let Some(entity) = table.get("entity").and_then(toml::Value::as_str) else { return String::new() };
    let columns = table.get("on").and_then(toml::Value::as_table);
    let sharing =
        systems.iter().filter(|system| columns.is_some_and(|columns| columns.contains_key(system.plugin.name)));
    let sharing: Vec<String> = sharing.map(|system| format!("\"{}\"", system.name)).collect();
    if sharing.len() < 2 {
        return format!(
            "\n# mappings/{file} has columns for less than two of these systems; add one to let `{entity}` flow.\n"
        );
    }
    format!(
        "\n[flows.{}]\nentity  = \"{entity}\"\nbetween = [{}]\nevery   = \"5m\"\n",
        plural(entity),
        sharing.join(", ")
    )
}

fn plural(entity: &str) -> String {
    match entity.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None => format!("{entity}s"),
    }
}

/// A shipped mapping whose owners `crm` and `erp` are the person's own systems.
pub(super) fn mapping(text: &str, systems: &[Chosen]) -> String {
    let named = |role: &str| systems.iter().find(|system| system.name == role);
    let crm = named("crm").or_else(|| systems.iter().find(|system| system.name != "erp"));
    let erp = named("erp").or_else(|| systems.iter().find(|system| crm.is_none_or(|crm| crm.name != system.name)));
    let mut lines = Vec::new();
    for line in text.lines() {
        lines.push(match (owner(line), crm, erp) {
            (Some("crm"), Some(system), _) => line.replacen("\"crm\"", &format!("\"{}\"", system.name), 1),
            (Some("erp"), _, Some(system)) => line.replacen("\"erp\"", &format!("\"{}\"", system.name), 1),
            _ => line.to_owned(),
        });
    }
    lines.join("\n") + "\n"
}

/// The value of a line `owner = "..."`.
fn owner(line: &str) -> Option<&str> {
    let value = line.trim().strip_prefix("owner")?.trim_start().strip_prefix('=')?;
    value.trim_start().strip_prefix('"')?.split('"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_is_found_and_nothing_else() {
        assert_eq!(owner("owner    = \"crm\"   # why"), Some("crm"));
        assert_eq!(owner("  owner=\"erp\""), Some("erp"));
        assert_eq!(owner("ownership = \"crm\""), None);
        assert_eq!(owner("hubspot = \"crm\""), None);
    }

    #[test]
    fn a_value_is_the_examples_or_the_variable_that_the_manual_names() {
        let text = serde_json::json!({ "type": "string" });
        assert_eq!(value(&text, "Token; write `${ACME_TOKEN}`.", "acme", "token"), "\"${ACME_TOKEN}\"");
        assert_eq!(value(&text, "Key.", "my-erp", "api_key"), "\"${MY_ERP_API_KEY}\"");
        assert_eq!(value(&serde_json::json!({ "examples": ["a.xlsx"] }), "", "s", "path"), "\"a.xlsx\"");
        assert_eq!(value(&serde_json::json!({ "type": ["integer", "null"] }), "", "s", "n"), "1");
    }
}
