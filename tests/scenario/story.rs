//! What a story's file can say.

use std::collections::BTreeMap;

use passerelle_core::connector::Effect;
use passerelle_core::engine::OnDelete;
use passerelle_core::model::Fields;
use serde::Deserialize;

use crate::memory::Trouble;

/// One story.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Story {
    /// Mapping files of `tests/scenarios/mappings`, each a flow of its own in this order.
    pub(super) mappings: Vec<String>,
    /// Systems in the order of the flows; `crm` and `erp` by default.
    #[serde(default = "crm_and_erp")]
    pub(super) systems: Vec<String>,
    /// What a create promises in every system: `keyed` by default.
    #[serde(default)]
    pub(super) creates: Creates,
    /// Flows, where they are not one per mapping between all systems.
    #[serde(default)]
    pub(super) flows: Vec<Between>,
    #[serde(default)]
    pub(super) max_changes: Option<u64>,
    /// `keep` by default.
    #[serde(default)]
    pub(super) on_delete: Deletion,
    #[serde(default)]
    pub(super) max_deletes_percent: Option<u8>,
    /// The systems' search is behind for as long as the story lasts; keys and ids are found.
    #[serde(default)]
    pub(super) search_finds_nothing: bool,
    /// The feeds tell every record twice.
    #[serde(default)]
    pub(super) feeds_repeat: bool,
    /// Systems that can put nothing away.
    #[serde(default)]
    pub(super) cannot_archive: Vec<String>,
    #[serde(default)]
    pub(super) given: Tables,
    #[serde(default)]
    pub(super) when: Vec<Event>,
    pub(super) then: Then,
}

pub(super) type Tables = BTreeMap<String, BTreeMap<String, BTreeMap<String, Fields>>>;

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Creates {
    #[default]
    Keyed,
    Searchable,
    SearchableLater,
    Blind,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Between {
    pub(super) entity: String,
    pub(super) between: Vec<String>,
    /// The story's own by default.
    #[serde(default)]
    pub(super) on_delete: Option<Deletion>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deletion {
    #[default]
    Keep,
    Review,
    Archive,
}

impl Deletion {
    pub(super) fn policy(self) -> OnDelete {
        match self {
            Self::Keep => OnDelete::Keep,
            Self::Review => OnDelete::Review,
            Self::Archive => OnDelete::Archive,
        }
    }
}

/// What happens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Event {
    /// A person edits `at = "crm/contacts/1"`.
    Edit(Edit),
    /// A person deletes a record.
    Delete(String),
    /// A person puts a record away.
    Archive(String),
    /// A person merges the record `at` into another.
    Merge(Pair),
    /// A person copies the record `at`, the hub's key included, to another id.
    Copy(Pair),
    /// Records created in a system get these fields over their own: `erp = { total = "10.01" }`.
    Adds(BTreeMap<String, Fields>),
    /// A system is taken out of every flow.
    Leaves(String),
    /// Every flow runs so many times, an hour apart.
    Sync(usize),
    /// The same, at once.
    SyncSoon(usize),
    /// The same, an hour apart, reading everything whatever was read before.
    SyncFull(usize),
    /// Every flow is planned, and the plan applied as it is.
    Apply(Gap),
    /// The next writes of a system go wrong: `erp = ["lost_answer"]`.
    Trouble(BTreeMap<String, Vec<String>>),
    /// Something else happens.
    Happens(Deed),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Deed {
    /// A person says yes to everything that is held.
    HeldIsApproved,
    /// A person says no to everything that is held.
    HeldIsRejected,
    /// A person wants everything that is parked to be tried again.
    ParkedIsRetried,
    /// The vendors' search does not know yet what was just created.
    SearchLags,
    /// It knows it now.
    SearchCatchesUp,
    /// The hub's state is lost.
    StateIsLost,
    /// The last run that wrote something is undone, as its reverse plan says.
    LastRunIsUndone,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pair {
    pub(super) at: String,
    pub(super) to: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Edit {
    pub(super) at: String,
    #[serde(flatten)]
    pub(super) fields: Fields,
}

/// What happens between a plan and its application.
#[derive(Debug, Deserialize)]
pub(super) struct Gap {
    #[serde(default)]
    pub(super) edit: Option<Edit>,
}

/// What must be so in the end.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Then {
    /// Fields that records must have; others may be there.
    #[serde(default)]
    pub(super) records: Tables,
    /// How many records a resource must have: `"erp/orders" = 1`.
    #[serde(default)]
    pub(super) count: BTreeMap<String, usize>,
    /// Lines of the plan that was made before the first run.
    #[serde(default)]
    pub(super) first_plan: Vec<String>,
    /// Every record that is put away, such as `erp/companies/n1`; by default the hub put none away.
    #[serde(default)]
    pub(super) archived: Option<Vec<String>>,
    /// Every write that took effect, in order.
    #[serde(default)]
    pub(super) journal: Option<Vec<String>>,
    /// Why things are parked, each a part of the reason.
    #[serde(default)]
    pub(super) parked: Vec<String>,
    /// Labels of what is held.
    #[serde(default)]
    pub(super) held: Vec<String>,
    /// How many creates have an outcome that is not known.
    #[serde(default)]
    pub(super) jobs: usize,
    /// A part of the error that the last run ended with.
    #[serde(default)]
    pub(super) error: Option<String>,
    /// How many differences `verify` finds.
    #[serde(default)]
    pub(super) differences: usize,
}

fn crm_and_erp() -> Vec<String> {
    vec!["crm".to_owned(), "erp".to_owned()]
}

impl Creates {
    pub(super) fn effect(self) -> Effect {
        match self {
            Self::Keyed => Effect::Keyed,
            Self::Searchable => Effect::Searchable,
            Self::SearchableLater => Effect::SearchableLater,
            Self::Blind => Effect::Blind,
        }
    }
}

/// A trouble by its word.
pub(super) fn trouble(word: &str) -> Result<Trouble, String> {
    Ok(match word {
        "none" => Trouble::None,
        "lost_answer" => Trouble::LostAnswer,
        "lost_request" => Trouble::LostRequest,
        "refused" => Trouble::Refused,
        "cut_after" => Trouble::CutAfter,
        "down" => Trouble::Down,
        "denied" => Trouble::Denied,
        _ => return Err(format!("no trouble {word}")),
    })
}
