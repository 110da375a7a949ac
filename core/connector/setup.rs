//! Setting an account up: what it has and lacks, what is made there, what is taken away again.

use serde::Serialize;

/// Whether `prepare` only tells or also creates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prepare {
    /// Changes nothing.
    Tell,
    /// Changes nothing over there. What a person must deploy is written beside config.toml, and nothing of a person's is
    /// written over.
    Pack,
    /// Creates what the connector may.
    Create,
}

/// Whether config.toml lets a connector create what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum May {
    /// It does.
    Create,
    /// It does not: a person is told what to click.
    OnlyTell,
}

/// One thing that an account must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Preparation {
    /// The native path; of a webhook `webhook`.
    pub path: String,
    /// The vendor's own name of it, by which `remove` finds it again: `deals/hub_external_id`. Never holds a secret.
    pub thing: String,
    /// What became of it.
    pub state: State,
    /// What was done, or how a person does it.
    pub how: String,
}

impl Preparation {
    /// Whether the account lacked it.
    pub fn was_lacking(&self) -> bool {
        matches!(self.state, State::WouldCreate | State::Created | State::Manual)
    }
}

/// What became of something that an account must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is there, and fit.
    There,
    /// `Prepare::Create` would create it.
    WouldCreate,
    /// It was created.
    Created,
    /// A person must do it; `how` says how.
    Manual,
    /// Whether it is there cannot be seen from here; `how` says what a person makes sure of.
    Unseen,
}

/// What became of something to be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Removal {
    /// It was taken away; what a person should know of it, or nothing.
    Removed(String),
    /// It was not there any more.
    Gone,
    /// A person must do it, as said.
    Manual(String),
}
