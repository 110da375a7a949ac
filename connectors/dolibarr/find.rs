//! Looking up: filters in Dolibarr's grammar, and values that its filters cannot carry.

use passerelle_core::connector::Lookup;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::client::{Ask, Client};
use super::dialect::is_refused_by_database;
use super::table::Table;
use super::wire::{KEY, quoted};

/// Words that the injection filter reads as SQL or script when they meet; `_` stands in for one of their letters.
const SUSPECT: [&str; 17] = [
    "union",
    "select",
    "insert",
    "update",
    "delete",
    "create",
    "drop",
    "alter",
    "into",
    "from",
    "script",
    "javascript",
    "onload",
    "onerror",
    "sleep",
    "benchmark",
    "../",
];

/// Raw documents that a look-up finds.
///
/// The database compares without case or accents, so what it finds is compared again here, without case.
pub(super) async fn find(client: &Client, table: &Table, by: &Lookup) -> Result<Vec<Value>> {
    match by {
        Lookup::Key(keys) => {
            let keys: Vec<String> = keys.iter().map(|key| key.as_str().to_owned()).collect();
            matching(client, table, &format!("array_options.options_{KEY}"), &keys).await
        }
        Lookup::Field { path, values } => matching(client, table, path, values).await,
    }
}

async fn matching(client: &Client, table: &Table, path: &str, values: &[String]) -> Result<Vec<Value>> {
    let columns = table.columns_of(path);
    if columns.is_empty() {
        let known: Vec<&str> = table.columns.iter().map(|(field, _)| *field).collect();
        return Err(Error::new(ErrorKind::Unsupported, format!("Dolibarr cannot look {} up by {path}", table.name))
            .at("fields", known.join(", ")));
    }
    let values: Vec<String> =
        values.iter().map(|value| stored(path, value)).filter(|value| !value.is_empty()).collect();
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let found = filtered(client, table.name, &columns, |column| {
        let conditions: Vec<String> = values.iter().map(|value| condition(column, value)).collect();
        Ask::whole(table, conditions.join(" or "))
    })
    .await?;
    Ok(found.into_iter().filter(|one| values.iter().any(|value| bears(one, path, value))).collect())
}

/// A list filtered on the first of `columns` that the database has; an extrafield that it lacks is named.
pub(super) async fn filtered(
    client: &Client,
    list: &str,
    columns: &[String],
    ask: impl Fn(&str) -> Ask,
) -> Result<Vec<Value>> {
    let mut refused = None;
    for column in columns {
        match client.all(list, ask(column)).await {
            Err(error) if is_refused_by_database(&error) => refused = Some((column, error)),
            answer => return answer,
        }
    }
    let Some((column, error)) = refused else { return Ok(Vec::new()) };
    Err(match column.split_once('.') {
        Some(("ef" | "te", code)) => missing_field(error, list, code),
        _ => error,
    })
}

/// How Dolibarr stores a value: third-party phones without spaces.
fn stored(path: &str, value: &str) -> String {
    if path == "phone" { value.split_whitespace().collect() } else { value.trim().to_owned() }
}

/// A condition that finds at least the rows whose `column` is `value`.
pub(super) fn condition(column: &str, value: &str) -> String {
    let pattern = harmless(value);
    if pattern == value {
        return format!("({column}:=:'{value}')");
    }
    // An apostrophe was observed to work in `=`; a pattern with one is not known to.
    format!("({column}:like:'{}')", pattern.replace('\'', "_"))
}

/// The value, with `_` for what a filter refuses: parentheses (400), quotes and SQL words (403), and `%`.
fn harmless(value: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || " .,'&@:/_+-".contains(c);
    let mut pattern: Vec<char> = value.chars().map(|c| if plain(c) { c } else { '_' }).collect();
    for start in 0..pattern.len() {
        let rest = pattern.get(start..).unwrap_or_default();
        if SUSPECT.iter().any(|word| begins_with(rest, word)) {
            pattern[start] = '_';
        }
    }
    pattern.into_iter().collect()
}

fn begins_with(text: &[char], word: &str) -> bool {
    let mut letters = word.chars();
    let met = text.iter().zip(letters.by_ref()).all(|(c, letter)| c.eq_ignore_ascii_case(&letter));
    met && text.len() >= word.len()
}

fn bears(document: &Value, path: &str, value: &str) -> bool {
    let mut at = document;
    for part in path.split('.') {
        let Some(next) = at.get(part) else { return false };
        at = next;
    }
    let text = match at {
        Value::String(text) => quoted(text).trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return false,
    };
    text == value.to_lowercase()
}

fn missing_field(error: Error, list: &str, code: &str) -> Error {
    Error::new(ErrorKind::Config, format!("Dolibarr lacks the extrafield `{code}` of {list}"))
        .at("status", 503)
        .at(
            "remedy",
            "`passerelle check --prepare` creates it with an administrator's key, and tells others what to click",
        )
        .because(error)
}

/// Proves that the database has an extrafield, with one small call.
pub(super) async fn prove(client: &Client, list: &str, aliases: &[&str], code: &str) -> Result<()> {
    let columns: Vec<String> = aliases.iter().map(|alias| format!("{alias}.{code}")).collect();
    let ask = |column: &str| Ask { limit: 1, ..Ask::filtered(format!("({column}:=:'-')")) }.with("properties", "id");
    filtered(client, list, &columns, ask).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_a_filter_refuses_is_looked_for_by_a_pattern() {
        for (value, expected) in [
            ("Quote's & co", "(t.nom:=:'Quote's & co')"),
            ("L'Atelier (Lyon)", "(t.nom:like:'L_Atelier _Lyon_')"),
            ("Beta, Gamma: 1/2", "(t.nom:=:'Beta, Gamma: 1/2')"),
            ("5\" tubes 100%", "(t.nom:like:'5_ tubes 100_')"),
            ("Union Select SARL", "(t.nom:like:'_nion _elect SARL')"),
        ] {
            assert_eq!(condition("t.nom", value), expected);
        }
    }
}
