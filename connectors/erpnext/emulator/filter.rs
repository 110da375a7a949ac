//! Filters: `[["field", "op", value]]`, `{"field": value}`, and fields of child tables.

use std::cmp::Ordering;

use serde_json::{Value, json};

use super::query::{compared, has};
use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::values::folded;

/// One condition.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    /// The child's type, where it is about a child.
    pub table: Option<String>,
    pub field: String,
    operator: String,
    value: Value,
}

/// The conditions of a filter.
pub(super) fn read(site: &Site, doctype: &str, filters: &Value) -> Reply<Vec<Condition>> {
    let mut conditions = Vec::new();
    match filters {
        Value::Array(list) => {
            for one in list {
                let parts = one.as_array().cloned().unwrap_or_default();
                let (of, parts) = match parts.as_slice() {
                    [of, rest @ ..] if rest.len() >= 3 => (of.as_str(), rest),
                    all => (None, all),
                };
                let [field, operator, value, ..] = parts else {
                    return Err(Refusal::invalid("Filter must have 4 values (doctype, fieldname, operator, value)"));
                };
                let field = field.as_str().unwrap_or_default();
                let path = of.filter(|of| *of != doctype).map_or(field.to_owned(), |of| format!("`tab{of}`.{field}"));
                conditions.push(one_of(site, doctype, &path, operator.as_str().unwrap_or_default(), value)?);
            }
        }
        Value::Object(fields) => {
            for (field, value) in fields {
                let (operator, value) = match value.as_array().map(Vec::as_slice) {
                    Some([operator, value]) => (operator.as_str().unwrap_or("=").to_owned(), value.clone()),
                    _ => ("=".to_owned(), value.clone()),
                };
                conditions.push(one_of(site, doctype, field, &operator, &value)?);
            }
        }
        _ => {}
    }
    Ok(conditions)
}

fn one_of(site: &Site, doctype: &str, path: &str, operator: &str, value: &Value) -> Reply<Condition> {
    let (table, field) = place(site, doctype, path)?;
    let operator = operator.to_lowercase();
    let known = ["=", "!=", ">", "<", ">=", "<=", "like", "not like", "in", "not in", "between", "is"];
    if !known.contains(&operator.as_str()) {
        return Err(Refusal::invalid(format!("Operator must be one of {}", known.join(", "))));
    }
    Ok(Condition { table, field, operator, value: value.clone() })
}

/// The table and field of `name`, `items.item_code` or `` `tabSales Invoice Item`.item_code ``.
pub(super) fn place(site: &Site, doctype: &str, path: &str) -> Reply<(Option<String>, String)> {
    let unknown = |field: &str| Refusal::new(417, "DataError", format!("Field not permitted in query: {field}"));
    let Some((table, field)) = path.rsplit_once('.') else {
        let field = path.trim_matches('`');
        return if has(site, doctype, field) { Ok((None, field.to_owned())) } else { Err(unknown(field)) };
    };
    let (table, field) = (table.trim_matches('`'), field.trim_matches('`'));
    let of = match table.strip_prefix("tab") {
        Some(of) if of == doctype => {
            return if has(site, doctype, field) { Ok((None, field.to_owned())) } else { Err(unknown(field)) };
        }
        Some(of) => Some(of.to_owned()),
        None => site.fields(doctype).into_iter().find(|known| known.name == table).and_then(|known| known.rows),
    };
    match of {
        Some(of) if has(site, &of, field) => Ok((Some(of), field.to_owned())),
        _ => Err(unknown(path)),
    }
}

impl Condition {
    /// Whether a value meets it; texts are compared without case, nothing meets only `is not set` and `!=`.
    pub fn holds(&self, value: Option<&Value>) -> bool {
        let nothing = matches!(value, None | Some(Value::Null)) || value == Some(&json!(""));
        if self.operator == "is" {
            return nothing == (self.value == json!("not set"));
        }
        if nothing && !matches!(self.operator.as_str(), "=" | "!=" | "not in" | "not like") {
            return false;
        }
        let text = said(value);
        let order = |wanted: &Value| match (
            value.and_then(Value::as_f64),
            wanted.as_f64().or_else(|| said(Some(wanted)).parse().ok()),
        ) {
            (Some(one), Some(other)) => one.total_cmp(&other),
            _ => compared(Some(&json!(text)), Some(&json!(stamp(&self.field, &said(Some(wanted)))))),
        };
        let same = |wanted: &Value| {
            if nothing { said(Some(wanted)).is_empty() } else { order(wanted) == Ordering::Equal }
        };
        match self.operator.as_str() {
            "=" => same(&self.value),
            "!=" => !same(&self.value),
            ">" => order(&self.value) == Ordering::Greater,
            "<" => order(&self.value) == Ordering::Less,
            ">=" => order(&self.value) != Ordering::Less,
            "<=" => order(&self.value) != Ordering::Greater,
            "like" => like(&folded(&text), &folded(&said(Some(&self.value)))),
            "not like" => !like(&folded(&text), &folded(&said(Some(&self.value)))),
            "in" => listed(&self.value).iter().any(same),
            "not in" => !listed(&self.value).iter().any(same),
            _ => {
                let ends = listed(&self.value);
                let end = |at: usize| ends.get(at).cloned().unwrap_or_default();
                order(&end(0)) != Ordering::Less && order(&end(1)) != Ordering::Greater
            }
        }
    }
}

/// Suffixes of a zone are ignored: the rest is read as the site's own time (observed).
fn stamp(field: &str, text: &str) -> String {
    if !matches!(field, "modified" | "creation") {
        return text.to_owned();
    }
    let text = text.replace('T', " ");
    text.trim_end_matches('Z').trim_end_matches("+00:00").to_owned()
}

fn said(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

fn listed(value: &Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values.clone(),
        Value::String(text) => text.split(',').map(|part| json!(part.trim())).collect(),
        other => vec![other.clone()],
    }
}

fn like(text: &str, pattern: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('%') else { return text == pattern };
    let Some(mut left) = text.strip_prefix(head) else { return false };
    let mut parts: Vec<&str> = rest.split('%').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.ends_with(last)
}
