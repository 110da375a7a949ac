//! Converters: pairs of functions between a native spelling and the canonical one.

mod country;
mod html;
mod number;
mod time;
mod words;

use std::fmt;

use serde_json::Value;

pub(super) use country::{codes as country_codes, is_country, iso_country};

use crate::diagnostic::suggestion;

/// One direction; it never sees `null`, and what it cannot convert it refuses in words that follow the value.
type Convert = Box<dyn Fn(&Value) -> Result<Value, String> + Send + Sync>;
/// Makes a converter from what follows its colon, or says what should follow.
type Build = fn(&str) -> Result<Pair, String>;

/// The two directions of a converter.
struct Pair {
    read: Convert,
    write: Convert,
}

impl Pair {
    fn new(
        read: impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static,
        write: impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static,
    ) -> Self {
        Self { read: Box::new(read), write: Box::new(write) }
    }
}

/// Every converter by name.
const ALL: &[(&str, Build)] = &[
    ("bool_text", words::bool_text),
    ("cents", number::cents),
    ("country_name", country::country_name),
    ("date", time::date),
    ("decimal_comma", number::decimal_comma),
    ("digits", words::digits),
    ("epoch_millis", time::epoch_millis),
    ("epoch_seconds", time::epoch_seconds),
    ("flag", words::flag),
    ("html_text", html::html_text),
    ("integer_text", words::text),
    ("list", words::list),
    ("local_datetime", time::local_datetime),
    ("lower", words::lower),
    ("number", number::number),
    ("percent", number::percent),
    ("text", words::text),
    ("trim", words::trim),
    ("upper", words::upper),
    ("whole_seconds", time::whole_seconds),
    ("yes_no", words::yes_no),
];

/// A converter as a mapping names it, such as `yes_no:Oui/Non`.
pub(super) struct Converter {
    text: String,
    pair: Pair,
}

impl Converter {
    /// The converter that `text` names, or what is wrong with it and what was probably meant.
    pub(super) fn parse(text: &str) -> Result<Self, (String, Option<String>)> {
        let text = text.trim();
        let (name, argument) = text.split_once(':').unwrap_or((text, ""));
        let Some((_, build)) = ALL.iter().find(|(known, _)| *known == name) else {
            let names = ALL.iter().map(|(name, _)| *name);
            let help = match suggestion(name, names.clone()) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("known are {}", names.collect::<Vec<_>>().join(", ")),
            };
            return Err((format!("there is no converter `{name}`"), Some(help)));
        };
        let pair = build(argument).map_err(|problem| (format!("converter `{name}` {problem}"), None))?;
        Ok(Self { text: text.to_owned(), pair })
    }

    /// From the native spelling towards the canonical one.
    pub(super) fn read(&self, value: &Value) -> Result<Value, String> {
        (self.pair.read)(value)
    }

    /// From the canonical spelling towards the native one.
    pub(super) fn write(&self, value: &Value) -> Result<Value, String> {
        (self.pair.write)(value)
    }
}

impl fmt::Debug for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests;
