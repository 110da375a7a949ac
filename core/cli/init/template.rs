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
         mappings = \"mappings\"   # folder of the mapping files\n\n\
         # Every system also takes base_url, requests_per_second, burst, concurrency and timeout (in seconds).\n\
         # ${VAR} is taken from the environment: secrets never belong in this file.\n",
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
         # public_url = \"https://hub.example.com\"   # as vendors call it, where a proxy stands in front\n\
         # admin_token = \"${PASSERELLE_ADMIN_TOKEN}\"\n",
    );
    text
}

fn system(system: &Chosen, systems: &[Chosen]) -> String {
    let schema = (system.plugin.options)();
    let manual = described(&schema);
    let mut text = format!("\n{}[systems.{}]\n", comment(system.plugin.about), system.name);
    text.push_str(&format!("connector = \"{}\"\n", system.plugin.name));
    let has_path = schema.pointer("/properties/path").is_some();
    let given = system.address.as_deref().map(|address| Value::String(address.to_owned()).to_string());
    if manual.contains("`base_url`") || given.is_some() && !has_path {
        let example = || format!("\"{}\"", such_as(manual).unwrap_or("https://..."));
        let address = given.clone().unwrap_or_else(example);
        text.push_str(&format!("{}base_url = {address}\n", comment(manual)));
    }
    let alone = systems.iter().filter(|other| other.plugin.name == system.plugin.name).count() == 1;
    let owner = if alone { system.plugin.name } else { &system.name };
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, option) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        // An option that is a secret and names its variable is what nearly everybody sets.
        let usual = variable(described(option)).is_some() && name != "webhook_secret";
        let mark = if usual || required.contains(&name.as_str()) { "" } else { "# " };
        let value = given.clone().filter(|_| name == "path").unwrap_or_else(|| value(option, owner, name));
        text.push_str(&format!("{}{mark}{name} = {value}\n", comment(described(option))));
    }
    text
}

fn described(schema: &Value) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

fn comment(text: &str) -> String {
    text.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("# {}\n", line.trim())).collect()
}

/// What to type: the option's default, else a variable for a secret, else the example of its manual.
fn value(option: &Value, owner: &str, name: &str) -> String {
    if let Some(default) = option.get("default").filter(|default| !default.is_null()) {
        return default.to_string();
    }
    let about = described(option);
    let shape = option.to_string();
    if shape.contains("/Secret\"") {
        let own = format!("${{{}_{}}}", constant(owner), constant(name));
        return format!("\"{}\"", variable(about).unwrap_or(&own));
    }
    let kind = option.get("type").map(Value::to_string).unwrap_or_default();
    match kind {
        kind if kind.contains("boolean") => "true".to_owned(),
        kind if kind.contains("integer") || kind.contains("number") => "1".to_owned(),
        kind if kind.contains("string") => format!("\"{}\"", such_as(about).unwrap_or("...")),
        _ if shape.contains("$ref") => "{}".to_owned(),
        _ => "\"...\"".to_owned(),
    }
}

/// The first `${VAR}` of a manual.
fn variable(about: &str) -> Option<&str> {
    let start = about.find("${")?;
    about[start..].find('}').map(|end| &about[start..=start + end])
}

/// The example of a manual: what stands behind "such as", in backticks.
fn such_as(about: &str) -> Option<&str> {
    let (_, rest) = about.split_once("such as")?;
    rest.trim_start().strip_prefix('`')?.split('`').next()
}

fn constant(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}

/// The flow of a shipped mapping, where two or more of the systems have a column in it.
fn flow(file: &str, mapping: &str, systems: &[Chosen]) -> String {
    let table: toml::Table = mapping.parse().unwrap_or_default();
    let Some(entity) = table.get("entity").and_then(toml::Value::as_str) else { return String::new() };
    let columns = table.get("on").and_then(toml::Value::as_table);
    // One workbook holds one kind of rows, and most people's first one is a price list.
    let holds = |system: &&Chosen| system.plugin.name != "spreadsheet" || entity == "product";
    let sharing =
        systems.iter().filter(|system| columns.is_some_and(|columns| columns.contains_key(system.plugin.name)));
    let all = sharing.clone().count();
    let sharing: Vec<String> = sharing.filter(holds).map(|system| format!("\"{}\"", system.name)).collect();
    if sharing.len() < 2 && all >= 2 {
        return format!(
            "\n# For a workbook of {}, give it a system of its own and let it flow:\n# [flows.{}]\n# entity  = \"{entity}\"\n",
            plural(entity),
            plural(entity)
        );
    }
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
    use serde_json::json;

    use super::*;

    #[test]
    fn an_owner_is_found_and_nothing_else() {
        assert_eq!(owner("owner    = \"crm\"   # why"), Some("crm"));
        assert_eq!(owner("  owner=\"erp\""), Some("erp"));
        assert_eq!(owner("ownership = \"crm\""), None);
        assert_eq!(owner("hubspot = \"crm\""), None);
    }

    #[test]
    fn a_value_is_the_default_or_what_the_manual_names() {
        let shown = |option: Value| value(&option, "my-erp", "api_key");
        let secret = "#/$defs/Secret";
        assert_eq!(
            shown(json!({ "$ref": secret, "description": "Token; write `${ACME_TOKEN}`." })),
            "\"${ACME_TOKEN}\""
        );
        assert_eq!(shown(json!({ "anyOf": [{ "$ref": secret }], "description": "Key." })), "\"${MY_ERP_API_KEY}\"");
        assert_eq!(shown(json!({ "type": "string", "description": "File,\nsuch as\n`a.xlsx`." })), "\"a.xlsx\"");
        assert_eq!(shown(json!({ "type": ["integer", "null"] })), "1");
        assert_eq!(shown(json!({ "type": "integer", "default": 60 })), "60");
    }
}
