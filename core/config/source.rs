//! The text of config.toml, and where in it every value stands.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::diagnostic::Diagnostic;

/// A TOML text with the places of its values, by JSON pointer.
#[derive(Clone, Debug)]
pub(super) struct Source {
    file: String,
    text: String,
    places: BTreeMap<String, Place>,
}

#[derive(Clone, Debug)]
struct Place {
    key: Range<usize>,
    value: Range<usize>,
}

impl Source {
    /// Reads a text into JSON; the errors are all syntax errors.
    pub(super) fn read(file: &str, text: &str) -> Result<(Self, Value), Vec<Diagnostic>> {
        let (table, errors) = DeTable::parse_recoverable(text);
        if !errors.is_empty() {
            return Err(errors.iter().map(|error| syntax(file, text, error)).collect());
        }
        let mut source = Self { file: file.to_owned(), text: text.to_owned(), places: BTreeMap::new() };
        let value = source.table("", table.get_ref());
        Ok((source, Value::Object(value)))
    }

    /// Whether the text says something at `pointer`.
    pub(super) fn knows(&self, pointer: &str) -> bool {
        self.places.contains_key(pointer)
    }

    /// A finding at the value of `pointer`, or at the nearest table above it.
    pub(super) fn finding(&self, code: &'static str, pointer: &str, message: impl Into<String>) -> Diagnostic {
        match self.places.get(pointer) {
            Some(place) => Diagnostic::error(code, &self.file, &self.text, place.value.clone(), message),
            None => self.finding_at_key(code, pointer, message),
        }
    }

    /// A finding at the key of `pointer`, or at the nearest table above it.
    pub(super) fn finding_at_key(&self, code: &'static str, pointer: &str, message: impl Into<String>) -> Diagnostic {
        let mut pointer = pointer;
        loop {
            if let Some(place) = self.places.get(pointer) {
                return Diagnostic::error(code, &self.file, &self.text, place.key.clone(), message);
            }
            match pointer.rfind('/') {
                Some(cut) => pointer = &pointer[..cut],
                None => return Diagnostic::whole(code, &self.file, message),
            }
        }
    }

    fn table(&mut self, pointer: &str, table: &DeTable<'_>) -> Map<String, Value> {
        let mut out = Map::new();
        for (key, value) in table.iter() {
            let here = format!("{pointer}/{}", escape(key.get_ref()));
            self.places.insert(here.clone(), Place { key: key.span(), value: value.span() });
            out.insert(key.get_ref().clone().into_owned(), self.value(&here, value));
        }
        out
    }

    fn value(&mut self, pointer: &str, value: &Spanned<DeValue<'_>>) -> Value {
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.clone().into_owned()),
            DeValue::Integer(number) => whole(number.as_str(), number.radix()),
            DeValue::Float(number) => {
                number.as_str().parse().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
            }
            DeValue::Boolean(truth) => Value::Bool(*truth),
            DeValue::Datetime(instant) => Value::String(instant.to_string()),
            DeValue::Array(items) => {
                let mut out = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let here = format!("{pointer}/{index}");
                    self.places.insert(here.clone(), Place { key: item.span(), value: item.span() });
                    out.push(self.value(&here, item));
                }
                Value::Array(out)
            }
            DeValue::Table(table) => Value::Object(self.table(pointer, table)),
        }
    }
}

fn whole(digits: &str, radix: u32) -> Value {
    i64::from_str_radix(digits, radix).map_or(Value::Null, |number| Value::Number(number.into()))
}

/// A key as a segment of a JSON pointer.
pub(super) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn syntax(file: &str, text: &str, error: &toml::de::Error) -> Diagnostic {
    let message = error.message().replace('\n', ", ");
    match error.span() {
        Some(span) => Diagnostic::error("C0101", file, text, span, message),
        None => Diagnostic::whole("C0101", file, message),
    }
}
