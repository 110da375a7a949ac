//! What a resource can do; claimed here, proven by conformance.

use serde::Serialize;

use crate::model::ResourceName;

/// A kind of native record that a connector serves.
#[derive(Clone, Debug, Serialize)]
pub struct Resource {
    /// As in `resource = "..."` of a mapping; `*` of an unbuilt connector stands for names only its system knows.
    pub name: ResourceName,
    /// One line for a person.
    pub about: &'static str,
    /// What it can do.
    pub capabilities: Capabilities,
}

/// What a resource can do.
#[derive(Clone, Debug, Serialize)]
pub struct Capabilities {
    /// How changes are seen.
    pub feed: Feed,
    /// What a create promises.
    pub create: Effect,
    /// Whether `Write::Update` works.
    pub update: bool,
    /// Whether `Write::Archive` works.
    pub archive: bool,
    /// Batch sizes.
    pub batch: Batch,
    /// State moves, such as `validate`; a resource with any has drafts.
    pub actions: &'static [&'static str],
}

/// How changes are seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Feed {
    /// Not at all.
    None,
    /// By reading everything each time; deletions need `sync --full`.
    FullScan,
    /// Since a cursor; deletions need `sync --full`.
    Cursor,
    /// Since a cursor, deletions included; what the vendor purged before it was read needs `sync --full`.
    CursorWithDeletes,
}

/// What a create promises when its answer is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// The vendor enforces the hub's key: a second create with it is refused or becomes an update.
    Keyed,
    /// The key can be looked up, at once.
    Searchable,
    /// The key can be looked up, some time later.
    SearchableLater,
    /// Nothing can be looked up: an unknown outcome asks a person.
    Blind,
    /// No creates.
    None,
}

/// Batch sizes; at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Batch {
    /// Ids of one `read`.
    pub read: usize,
    /// Values of one `find`.
    pub find: usize,
    /// Writes of one `write`.
    pub write: usize,
}
