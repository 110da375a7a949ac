//! `${VAR}`: secrets come from the environment, when they are needed and no earlier.

use serde_json::{Map, Value};

use super::Config;
use super::source::{Source, escape};
use crate::diagnostic::Diagnostic;
use crate::http::{Secret, Transport};
use crate::model::SystemName;

/// Looks up an environment variable.
pub type Env<'a> = &'a (dyn Fn(&str) -> Option<String> + Sync);

/// A system's options with their secrets.
pub struct Resolved {
    /// Address, limits and timeout.
    pub transport: Transport,
    /// Secret of its webhooks.
    pub webhook_secret: Option<Secret>,
    /// The connector's own options.
    pub options: Value,
    secrets: Vec<(String, String)>,
}

impl Resolved {
    /// `text` with every secret replaced by the `${VAR}` that it came from.
    pub fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, (secret, variable)| {
            if secret.len() < 4 { text } else { text.replace(secret.as_str(), &format!("${{{variable}}}")) }
        })
    }
}

impl Config {
    /// The options of `system` with `${VAR}` replaced.
    ///
    /// # Errors
    /// A finding per variable that is not set, at the key where it stands.
    pub fn resolve(&self, system: &SystemName, env: Env<'_>) -> Result<Resolved, Vec<Diagnostic>> {
        let table = format!("/systems/{system}");
        let Some(options) = self.systems.get(system) else {
            return Err(vec![self.finding("C0108", "", format!("there is no system `{system}`"))]);
        };
        let mut fill = Fill { source: &self.source, env, found: Vec::new(), secrets: Vec::new() };
        let own = fill.table(&table, &options.options);
        let webhook_secret = options.webhook_secret.as_ref();
        let webhook_secret = webhook_secret.map(|text| fill.text(&format!("{table}/webhook_secret"), text));
        let mut transport = options.transport.clone();
        transport.base_url = transport.base_url.map(|text| fill.text(&format!("{table}/base_url"), &text));
        let Fill { found, secrets, .. } = fill;
        if !found.is_empty() {
            return Err(found);
        }
        let webhook_secret = webhook_secret.map(Secret::new);
        Ok(Resolved { transport, webhook_secret, options: Value::Object(own), secrets })
    }

    /// The keys of `system` that take something from the environment, such as `systems.crm.token`, and what.
    pub fn variables(&self, system: &SystemName) -> Vec<(String, String)> {
        let mut found = Vec::new();
        let Some(options) = self.systems.get(system) else { return found };
        let own = Value::Object(options.options.clone());
        walk(&own, "", &mut |pointer, text| {
            let key = format!("systems.{system}{}", pointer.replace('/', "."));
            let names = pieces(text).unwrap_or_default().into_iter().filter_map(|piece| match piece {
                Piece::Variable(name) => Some((key.clone(), name.to_owned())),
                Piece::Plain(_) => None,
            });
            found.extend(names);
        });
        found
    }

    /// The admin token of `[serve]`, if it is set.
    ///
    /// # Errors
    /// A finding per variable that is not set.
    pub fn admin_token(&self, env: Env<'_>) -> Result<Option<Secret>, Vec<Diagnostic>> {
        let Some(text) = &self.serve.admin_token else { return Ok(None) };
        let mut fill = Fill { source: &self.source, env, found: Vec::new(), secrets: Vec::new() };
        let token = fill.text("/serve/admin_token", text);
        if fill.found.is_empty() { Ok(Some(Secret::new(token))) } else { Err(fill.found) }
    }
}

struct Fill<'a> {
    source: &'a Source,
    env: Env<'a>,
    found: Vec<Diagnostic>,
    secrets: Vec<(String, String)>,
}

impl Fill<'_> {
    fn table(&mut self, pointer: &str, table: &Map<String, Value>) -> Map<String, Value> {
        table
            .iter()
            .map(|(key, value)| (key.clone(), self.value(&format!("{pointer}/{}", escape(key)), value)))
            .collect()
    }

    fn value(&mut self, pointer: &str, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(pointer, text)),
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Value::Array(items.map(|(index, item)| self.value(&format!("{pointer}/{index}"), item)).collect())
            }
            Value::Object(table) => Value::Object(self.table(pointer, table)),
            other => other.clone(),
        }
    }

    fn text(&mut self, pointer: &str, text: &str) -> String {
        let mut out = String::new();
        for piece in pieces(text).unwrap_or_default() {
            match piece {
                Piece::Plain(plain) => out.push_str(plain),
                Piece::Variable(name) => match (self.env)(name) {
                    Some(value) if !value.is_empty() => {
                        out.push_str(&value);
                        self.secrets.push((value, name.to_owned()));
                    }
                    _ => self.found.push(self.missing(pointer, name)),
                },
            }
        }
        out
    }

    fn missing(&self, pointer: &str, name: &str) -> Diagnostic {
        let key = pointer.trim_start_matches('/').replace('/', ".");
        let message = format!("the environment variable {name} is not set; `{key}` needs it");
        self.source.finding("C0111", pointer, message).help(format!("export {name}=..."))
    }
}

enum Piece<'a> {
    Plain(&'a str),
    Variable(&'a str),
}

/// The text cut at its `${VAR}`s; `$${` stands for a literal `${`. The error says what is wrong with one.
fn pieces(text: &str) -> Result<Vec<Piece<'_>>, String> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            out.extend([Piece::Plain(&rest[..at - 1]), Piece::Plain("${")]);
            rest = &rest[at + 2..];
            continue;
        }
        out.push(Piece::Plain(&rest[..at]));
        let inside = &rest[at + 2..];
        let end = inside.find('}').ok_or("`${` without its `}`; write `$${` for the characters themselves")?;
        let name = &inside[..end];
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("`${{{name}}}` names no environment variable"));
        }
        out.push(Piece::Variable(name));
        rest = &inside[end + 1..];
    }
    out.push(Piece::Plain(rest));
    Ok(out)
}

/// Adds what is wrong with the `${VAR}`s of systems and server, and those that stand where none is replaced.
pub(super) fn check_placeholders(source: &Source, value: &Value, found: &mut Vec<Diagnostic>) {
    walk(value, "", &mut |pointer, text| {
        let replaced =
            pointer.starts_with("/systems/") && !pointer.ends_with("/connector") || pointer == "/serve/admin_token";
        let wrong = match pieces(text) {
            Err(wrong) => wrong,
            Ok(pieces) if !replaced && pieces.iter().any(|piece| matches!(piece, Piece::Variable(_))) => {
                "`${VAR}` is replaced in systems and in `serve.admin_token` only".to_owned()
            }
            Ok(_) => return,
        };
        found.push(source.finding("C0112", pointer, wrong));
    });
}

fn walk(value: &Value, pointer: &str, visit: &mut dyn FnMut(&str, &str)) {
    match value {
        Value::String(text) => visit(pointer, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                walk(item, &format!("{pointer}/{index}"), visit);
            }
        }
        Value::Object(table) => {
            for (key, value) in table {
                walk(value, &format!("{pointer}/{}", escape(key)), visit);
            }
        }
        _ => {}
    }
}
