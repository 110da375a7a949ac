//! The dictionary of countries, as far as the sample needs it: Dolibarr's own ids.

use serde_json::{Value, json};

/// Id, code, label.
const COUNTRIES: [(&str, &str, &str); 14] = [
    ("1", "FR", "France"),
    ("2", "BE", "Belgium"),
    ("3", "IT", "Italy"),
    ("4", "ES", "Spain"),
    ("5", "DE", "Germany"),
    ("6", "CH", "Switzerland"),
    ("7", "GB", "United Kingdom"),
    ("8", "IE", "Ireland"),
    ("11", "US", "United States"),
    ("14", "CA", "Canada"),
    ("17", "NL", "Netherlands"),
    ("25", "PT", "Portugal"),
    ("41", "AT", "Austria"),
    ("140", "LU", "Luxembourg"),
];

/// The id and code for a sent id; an empty one leaves the country in place.
pub(super) fn country(id: &str) -> Option<(Value, Value)> {
    COUNTRIES.iter().find(|(own, ..)| *own == id).map(|(id, code, _)| (json!(id), json!(code)))
}

/// `GET /setup/dictionary/countries/byCode/{code}`.
pub(super) fn by_code(code: &str) -> Option<Value> {
    COUNTRIES.iter().find(|(_, own, _)| own.eq_ignore_ascii_case(code)).map(|country| shown(*country))
}

/// `GET /setup/dictionary/countries`.
pub(super) fn all() -> Value {
    COUNTRIES.into_iter().map(shown).collect()
}

fn shown((id, code, label): (&str, &str, &str)) -> Value {
    json!({ "id": id, "code": code, "code_iso": null, "label": label, "eec": null, "active": "1", "favorite": "0" })
}
