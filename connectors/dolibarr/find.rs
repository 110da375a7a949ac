//! Looking up: filters in Dolibarr's grammar, and values that its filters cannot carry.

use passerelle_core::connector::Lookup;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::client::{Ask, Client};
use super::dialect::is_unknown_column;
use super::orders::LINKS;
use super::table::Table;
use super::wire::KEY;

/// Words that the injection filter reads as SQL or script when they meet; `_` stands in for one of their letters.
const SUSPECT: [&str; 16] = [
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
    let Some(column) = table.column(path) else {
        let known: Vec<&str> = table.columns.iter().map(|(field, _)| *field).collect();
        return Err(Error::new(ErrorKind::Unsupported, format!("Dolibarr cannot look {} up by {path}", table.name))
            .at("fields", known.join(", ")));
    };
    let values: Vec<String> =
        values.iter().map(|value| stored(path, value)).filter(|value| !value.is_empty()).collect();
    if values.is_empty() {
        return Ok(Vec::new());
    }
    let filter: Vec<String> = values.iter().map(|value| condition(&column, value)).collect();
    let ask = Ask::filtered(filter.join(" or ")).with(LINKS.0, LINKS.1);
    let found = client.all(table.name, ask).await.map_err(|error| missing_field(error, table))?;
    Ok(found.into_iter().filter(|one| values.iter().any(|value| bears(one, path, value))).collect())
}

/// How Dolibarr stores a value: third-party phones without spaces.
fn stored(path: &str, value: &str) -> String {
    if path == "phone" { value.split_whitespace().collect() } else { value.trim().to_owned() }
}

fn condition(column: &str, value: &str) -> String {
    let pattern = harmless(value);
    let operator = if pattern == value { "=" } else { "like" };
    format!("({column}:{operator}:'{pattern}')")
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
        Value::String(text) => text.trim().to_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return false,
    };
    text == value.to_lowercase()
}

/// Says what is missing when a filter names an extrafield that is not there.
pub(super) fn missing_field(error: Error, table: &Table) -> Error {
    if !is_unknown_column(&error) {
        return error;
    }
    Error::new(ErrorKind::Config, format!("Dolibarr lacks the extrafield `{KEY}` of {}", table.name))
        .at("remedy", "`passerelle check` creates it for an administrator's key and tells others what to click")
        .because(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_a_filter_refuses_is_looked_for_by_a_pattern() {
        for (value, expected) in [
            ("Quote's & co", "(t.nom:=:'Quote's & co')"),
            ("Alpha (Lyon)", "(t.nom:like:'Alpha _Lyon_')"),
            ("5\" tubes 100%", "(t.nom:like:'5_ tubes 100_')"),
            ("Union Select SARL", "(t.nom:like:'_nion _elect SARL')"),
        ] {
            assert_eq!(condition("t.nom", value), expected);
        }
    }
}
