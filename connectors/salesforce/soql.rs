//! Queries as text.

use passerelle_core::clock::Timestamp;

/// A text in quotes.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\r', "\\r"))
}

/// A list of texts in quotes.
pub(super) fn list<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(quoted).collect::<Vec<_>>().join(",")
}

/// An instant, to the second.
pub(super) fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Whether a text has the form of an id; anything else in its place would spoil the whole query.
pub(super) fn is_id(text: &str) -> bool {
    matches!(text.len(), 15 | 18) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_leave_its_quotes() {
        assert_eq!(quoted("L'Étoile \\ d'or"), "'L\\'Étoile \\\\ d\\'or'");
        assert_eq!(list(["a", "b'"]), "'a','b\\''");
    }

    #[test]
    fn ids_have_fifteen_or_eighteen_letters_and_digits() {
        assert!(is_id("001D000000IqhSL") && is_id("001D000000IqhSLIAZ"));
        assert!(!is_id("001D000000IqhS'") && !is_id("42"));
    }
}
