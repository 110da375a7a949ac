//! Countries by name. The names are those of Unicode CLDR; spellings after the first are only read.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::Value;

use super::Pair;
use crate::mapping::kind::text;

/// Code, English spellings, French spellings; tabs between, `|` between spellings.
const TABLE: &str = include_str!("countries.tsv");

struct Names {
    codes: Vec<&'static str>,
    english: HashMap<&'static str, &'static str>,
    french: HashMap<&'static str, &'static str>,
    /// As they are written in the table: most records spell them so, which saves folding.
    exact: HashMap<&'static str, &'static str>,
    folded: HashMap<String, &'static str>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names {
        codes: Vec::new(),
        english: HashMap::new(),
        french: HashMap::new(),
        exact: HashMap::new(),
        folded: HashMap::new(),
    };
    for line in TABLE.lines() {
        let mut cells = line.split('\t');
        let (Some(code), Some(english), Some(french)) = (cells.next(), cells.next(), cells.next()) else { continue };
        names.codes.push(code);
        names.english.insert(code, english.split('|').next().unwrap_or(english));
        names.french.insert(code, french.split('|').next().unwrap_or(french));
        for spelling in english.split('|').chain(french.split('|')) {
            names.exact.insert(spelling, code);
            names.folded.insert(folded(spelling), code);
        }
    }
    names
});

/// Every ISO 3166 alpha-2 code.
pub(in crate::mapping) fn codes() -> impl Iterator<Item = &'static str> {
    NAMES.codes.iter().copied()
}

/// Whether `code` is an ISO 3166 alpha-2 code.
pub(in crate::mapping) fn is_country(code: &str) -> bool {
    NAMES.english.contains_key(code)
}

/// The code of a country that is named by its code, or in English or French.
pub(in crate::mapping) fn iso_country(name: &str) -> Option<&'static str> {
    if let Some(code) = NAMES.exact.get(name) {
        return Some(code);
    }
    let upper = name.trim().to_ascii_uppercase();
    let by_code = NAMES.english.get_key_value(upper.as_str()).map(|(code, _)| *code);
    by_code.or_else(|| NAMES.folded.get(&folded(name)).copied())
}

/// A country's name in `en` or `fr`; names in the other language, and codes, are read too.
pub(super) fn country_name(language: &str) -> Result<Pair, String> {
    let spellings = match language.trim() {
        "en" => &NAMES.english,
        "fr" => &NAMES.french,
        _ => return Err("wants a language: country_name:en or country_name:fr".into()),
    };
    let read = |value: &Value| {
        let code = iso_country(&text(value)?);
        code.map(Value::from).ok_or_else(|| "is not a country whose name the hub knows".to_owned())
    };
    Ok(Pair::new(read, move |value| {
        let name = spellings.get(text(value)?.as_str());
        name.map(|name| Value::from(*name)).ok_or_else(|| "is not a country code".into())
    }))
}

/// Letters and digits only, without case and accents.
fn folded(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .map(|c| match c {
            'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' => 'a',
            'ç' => 'c',
            'è' | 'é' | 'ê' | 'ë' => 'e',
            'ì' | 'í' | 'î' | 'ï' => 'i',
            'ñ' => 'n',
            'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' => 'o',
            'ù' | 'ú' | 'û' | 'ü' => 'u',
            other => other,
        })
        .filter(|c| c.is_alphanumeric())
        .collect()
}
