//! Who decides a field's value.

use serde::{Deserialize, Serialize};

use super::SystemName;

/// Who decides when sides differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owner {
    /// This system; what others say is put right.
    System(SystemName),
    /// The side that was modified last.
    #[default]
    Latest,
    /// A person.
    Review,
}
