//! What a mapping needs of an account.

use serde::Serialize;

use super::ResourceName;

/// A field that the hub would write or look up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The native path, as in a mapping.
    pub path: String,
    /// The canonical type, such as `money`; `key` for the field that holds the hub's own key; `any` where the mapping
    /// gives the value another form.
    pub kind: String,
    /// What to call it.
    pub label: String,
    /// The values it must take, for an enumeration.
    pub options: Vec<String>,
    /// The resource whose ids it holds, for a reference by id.
    pub refers: Option<ResourceName>,
}

impl Need {
    /// The field that holds the hub's own key.
    pub fn key(path: &str, label: &str) -> Self {
        Self {
            path: path.to_owned(),
            kind: "key".to_owned(),
            label: label.to_owned(),
            options: Vec::new(),
            refers: None,
        }
    }

    /// Whether a field of a schema's `kind` takes its values. Only what surely does not is told: a text takes all.
    pub fn fits(&self, kind: &str) -> bool {
        let among =
            |all: &[&str]| !self.options.is_empty() && self.options.iter().all(|option| all.contains(&option.as_str()));
        let counts = |option: &String| option.bytes().all(|byte| byte.is_ascii_digit());
        match (kind, self.kind.as_str()) {
            (_, "any" | "ref" | "lines") => true,
            ("number" | "integer", "integer" | "decimal" | "money") => true,
            ("number" | "integer", _) => !self.options.is_empty() && self.options.iter().all(counts),
            ("date" | "datetime", mine) => matches!(mine, "date" | "datetime"),
            ("boolean", mine) => mine == "boolean" || among(&["0", "1"]) || among(&["false", "true"]),
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_fits_where_it_can_hold_the_values() {
        let need = |kind: &str, options: &[&str]| Need {
            kind: kind.to_owned(),
            options: options.iter().map(|option| (*option).to_owned()).collect(),
            ..Need::key("x", "X")
        };
        for (kind, options, takes, refuses) in [
            ("money", &[][..], &["number", "string", "array"][..], &["date", "datetime", "boolean"][..]),
            ("date", &[], &["date", "datetime", "string"], &["number", "boolean"]),
            ("key", &[], &["string"], &["number", "integer", "date", "boolean"]),
            ("boolean", &[], &["boolean", "string"], &["number", "date"]),
            ("any", &[], &["boolean", "number", "string", "date"], &[]),
            ("enum", &["1", "0"], &["boolean", "number", "string"], &["date"]),
            ("enum", &["paid"], &["string"], &["boolean", "number"]),
        ] {
            for other in takes {
                assert!(need(kind, options).fits(other), "{kind} {options:?} in {other}");
            }
            for other in refuses {
                assert!(!need(kind, options).fits(other), "{kind} {options:?} in {other}");
            }
        }
    }
}
