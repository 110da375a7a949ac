//! Native paths: dots lead into objects, a quoted part is taken as it is.

use serde_json::{Map, Value};

use crate::model::Fields;

/// A compiled native path, such as `array_options.options_x` or `Prix HT`.
///
/// A dot separates only between letters, digits or `_`, so that the header `Réf. client` is one part; write
/// `'N.A.F'.x` to keep dots in a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Path {
    text: String,
    first: String,
    rest: Vec<String>,
}

impl Path {
    pub(super) fn parse(text: &str) -> Self {
        let mut parts = split(text).into_iter();
        let first = parts.next().unwrap_or_default();
        Self { text: text.to_owned(), first, rest: parts.collect() }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether writing both would write the same place twice.
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.first == other.first && self.rest.iter().zip(&other.rest).all(|(a, b)| a == b)
    }

    pub(super) fn get<'a>(&self, fields: &'a Fields) -> Option<&'a Value> {
        let first = fields.get(&self.first)?;
        self.rest.iter().try_fold(first, |value, part| value.as_object()?.get(part))
    }

    /// Whether a document holds the place, or at least what it is in: a vendor that leaves out empty fields of an
    /// object still gives the object.
    pub(super) fn is_known_in(&self, fields: &Fields) -> bool {
        fields.contains_key(&self.first)
    }

    pub(super) fn put(&self, fields: &mut Fields, value: Value) {
        put(fields, &self.first, &self.rest, value);
    }
}

fn put(fields: &mut Fields, part: &str, rest: &[String], value: Value) {
    let Some((next, rest)) = rest.split_first() else {
        fields.insert(part.to_owned(), value);
        return;
    };
    let inner = fields.entry(part).or_insert_with(|| Value::Object(Map::new()));
    if !inner.is_object() {
        *inner = Value::Object(Map::new());
    }
    if let Value::Object(inner) = inner {
        put(inner, next, rest, value);
    }
}

fn split(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut quote = None;
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let in_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "_'\"".contains(c));
        let starts_part = parts.last().is_some_and(String::is_empty);
        match (quote, c) {
            (None, '\'' | '"') if starts_part => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            (None, '.') if in_word(before) && in_word(chars.peek().copied()) => parts.push(String::new()),
            _ => parts.extend_last(c),
        }
        before = Some(c);
    }
    parts
}

trait ExtendLast {
    fn extend_last(&mut self, c: char);
}

impl ExtendLast for Vec<String> {
    fn extend_last(&mut self, c: char) {
        if let Some(last) = self.last_mut() {
            last.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_lead_into_objects_but_a_header_keeps_its_own() {
        for (text, parts) in [
            ("name", &["name"][..]),
            ("array_options.options_x", &["array_options", "options_x"]),
            ("Réf. client", &["Réf. client"]),
            ("'N.A.F'.x", &["N.A.F", "x"]),
            ("Qté.", &["Qté."]),
            ("l'unité", &["l'unité"]),
            ("", &[""]),
        ] {
            assert_eq!(split(text), parts, "{text}");
        }
    }

    #[test]
    fn a_value_is_put_where_it_is_got() {
        let path = Path::parse("quote.hs_title");
        let mut fields = Fields::new();
        path.put(&mut fields, "x".into());
        assert_eq!(Value::Object(fields.clone()), serde_json::json!({"quote": {"hs_title": "x"}}));
        assert_eq!(path.get(&fields), Some(&"x".into()));
        assert!(path.meets(&Path::parse("quote")) && !path.meets(&Path::parse("quote.id")));
    }
}
