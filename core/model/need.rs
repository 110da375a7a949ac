//! What a mapping needs of an account.

use serde::Serialize;

/// A field that the hub would write or look up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The native path, as in a mapping.
    pub path: String,
    /// The canonical type, such as `money`, or `key` for the field that holds the hub's own key.
    pub kind: String,
    /// What to call it.
    pub label: String,
    /// The values it must take, for an enumeration.
    pub options: Vec<String>,
}
