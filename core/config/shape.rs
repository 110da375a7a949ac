//! Checks a value against the JSON Schema of our structs: every unknown key, wrong type and missing key at once.

use serde_json::{Map, Value};

use super::cron::Cron;
use super::period::Period;
use super::source::{Source, escape};
use crate::diagnostic::{Diagnostic, suggestion};

/// A walk over one value; `root` holds the `$defs`.
pub(super) struct Shape<'a> {
    pub(super) source: &'a Source,
    pub(super) root: &'a Value,
}

impl Shape<'_> {
    /// Adds what is wrong with the value at `pointer`.
    pub(super) fn check(&self, schema: &Value, value: &Value, pointer: &str, found: &mut Vec<Diagnostic>) {
        let schema = self.follow(schema);
        if let Some(branches) = schema.get("anyOf").or_else(|| schema.get("oneOf")).and_then(Value::as_array) {
            return self.check_branches(branches, value, pointer, found);
        }
        if let Some(wrong) = wrong_type(schema, value) {
            found.push(self.source.finding("C0103", pointer, wrong));
            return;
        }
        match value {
            Value::Object(fields) => self.check_object(schema, fields, pointer, found),
            Value::Array(items) => {
                let Some(each) = schema.get("items") else { return };
                for (index, item) in items.iter().enumerate() {
                    self.check(each, item, &format!("{pointer}/{index}"), found);
                }
            }
            Value::String(text) => found.extend(self.check_text(schema, text, pointer)),
            Value::Number(_) => found.extend(self.check_number(schema, value, pointer)),
            Value::Bool(_) | Value::Null => {}
        }
    }

    fn follow<'s>(&'s self, schema: &'s Value) -> &'s Value {
        let name = schema.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix('#'));
        name.and_then(|pointer| self.root.pointer(pointer)).unwrap_or(schema)
    }

    fn check_branches(&self, branches: &[Value], value: &Value, pointer: &str, found: &mut Vec<Diagnostic>) {
        let known: Vec<&str> =
            branches.iter().filter_map(|branch| self.follow(branch).get("const").and_then(Value::as_str)).collect();
        if let (Value::String(text), false) = (value, known.is_empty()) {
            found.extend(self.check_choice(&known, text, pointer));
            return;
        }
        let attempts = branches.iter().map(|branch| {
            let mut found = Vec::new();
            self.check(branch, value, pointer, &mut found);
            (wrong_type(self.follow(branch), value).is_some(), found)
        });
        // The branch of the right type says best what is wrong.
        if let Some((_, best)) = attempts.min_by_key(|(wrong, found)| (*wrong, found.len())) {
            found.extend(best);
        }
    }

    fn check_object(&self, schema: &Value, fields: &Map<String, Value>, pointer: &str, found: &mut Vec<Diagnostic>) {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let others = schema.get("additionalProperties");
        for (key, value) in fields {
            let here = format!("{pointer}/{}", escape(key));
            match (properties.get(key), others) {
                (Some(schema), _) => self.check(schema, value, &here, found),
                (None, Some(Value::Bool(false))) => {
                    let known = properties.keys().map(String::as_str);
                    let finding = self.source.finding_at_key("C0102", &here, format!("unknown key `{key}`"));
                    found.push(finding.help(meant(key, known)));
                }
                (None, Some(schema)) => self.check(schema, value, &here, found),
                (None, None) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for key in required.filter_map(Value::as_str).filter(|key| !fields.contains_key(*key)) {
            let finding = self.source.finding_at_key("C0104", pointer, format!("`{key}` is missing"));
            let about = properties.get(key).and_then(|schema| schema.get("description")).and_then(Value::as_str);
            found.push(match about {
                Some(about) => finding.help(format!("{key}: {about}")),
                None => finding,
            });
        }
    }

    fn check_text(&self, schema: &Value, text: &str, pointer: &str) -> Option<Diagnostic> {
        if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
            let known: Vec<&str> = choices.iter().filter_map(Value::as_str).collect();
            return self.check_choice(&known, text, pointer);
        }
        if let Some(known) = schema.get("const").and_then(Value::as_str) {
            return self.check_choice(&[known], text, pointer);
        }
        let wrong = match schema.get("format").and_then(Value::as_str) {
            Some("period") => text.parse::<Period>().err(),
            Some("cron") => text.parse::<Cron>().err(),
            _ => None,
        }?;
        Some(self.source.finding("C0105", pointer, wrong))
    }

    fn check_choice(&self, known: &[&str], text: &str, pointer: &str) -> Option<Diagnostic> {
        if known.contains(&text) {
            return None;
        }
        let finding = self.source.finding("C0105", pointer, format!("`{text}` is not one of the choices"));
        Some(finding.help(meant(text, known.iter().copied())))
    }

    fn check_number(&self, schema: &Value, value: &Value, pointer: &str) -> Option<Diagnostic> {
        let number = value.as_f64()?;
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        if let Some(least) = bound("minimum").filter(|least| number < *least) {
            return Some(self.source.finding("C0105", pointer, format!("{value} is less than {least}")));
        }
        let most = bound("maximum").filter(|most| number > *most)?;
        Some(self.source.finding("C0105", pointer, format!("{value} is more than {most}")))
    }
}

/// What was probably meant, or everything that can be said here.
pub(super) fn meant<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    match suggestion(word, known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}

fn wrong_type(schema: &Value, value: &Value) -> Option<String> {
    let wanted: Vec<&str> = match schema.get("type")? {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).filter(|name| *name != "null").collect(),
        _ => return None,
    };
    let is = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let fits = wanted.iter().any(|name| *name == is || *name == "number" && is == "integer");
    let wanted: Vec<&str> = wanted.into_iter().map(spoken).collect();
    (!fits).then(|| format!("expected {}, found {}", wanted.join(" or "), spoken(is)))
}

fn spoken(kind: &str) -> &str {
    match kind {
        "null" => "a number out of range",
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        "string" => "a text in quotes",
        "array" => "a list in [ ]",
        "object" => "a table",
        other => other,
    }
}
