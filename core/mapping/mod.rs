//! Mappings: a vendor's document made canonical, and back. Pure: no clock, network, store, async.

#![allow(clippy::todo)] // bodies follow
mod column;
mod entity;
mod example;
mod problem;

use std::collections::BTreeSet;

pub use column::Column;
pub use entity::{Entity, RefAt, Totals, Unresolved};
pub use example::{Difference, Example, ExampleReport};
pub use problem::{Gate, Problem};

use crate::diagnostic::Diagnostic;
use crate::model::{EntityName, SystemName};

/// One mapping file.
#[derive(Clone, Debug)]
pub struct Source {
    /// The file, as the person named it.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// All entities.
#[derive(Debug)]
pub struct Mappings {
    entities: Vec<Entity>,
}

impl Mappings {
    /// Reads mapping files for `systems`: (system name, connector name) of config.toml.
    ///
    /// All findings come at once; `Err` when any is an error, while warnings ride along on `Ok`.
    pub fn load(
        sources: &[Source],
        systems: &[(SystemName, String)],
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let _ = (sources, systems);
        todo!()
    }

    /// The entity of this name.
    pub fn entity(&self, name: &EntityName) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.name() == name)
    }

    /// Every entity, in the order of the sources.
    pub fn entities(&self) -> impl Iterator<Item = &Entity> {
        self.entities.iter()
    }
}

/// The JSON Schema of a mapping file, for editors.
pub fn mapping_schema() -> serde_json::Value {
    let _ = BTreeSet::<u8>::new();
    todo!()
}
