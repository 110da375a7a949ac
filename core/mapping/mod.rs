//! Mappings: a vendor's document made canonical, and back. Pure: no clock, network, store, async.
//!
//! A file of `mappings/` is read with places (`load/`), compiled to one [`Entity`] with a [`Column`] per system, and
//! every two-way column is tried on its laws before it touches a record. The codes of its findings are stable:
//!
//! | code | what is wrong |
//! |---|---|
//! | P0101 | the file is not TOML |
//! | P0102 | something that must be there is missing |
//! | P0103 | a key that is not known |
//! | P0104 | a value of the wrong shape, or where it has no meaning |
//! | P0105 | an entity with two files |
//! | P0110 | a type that is not known |
//! | P0111 | a converter that is not known, or its argument |
//! | P0112 | an owner that is no system, nor `latest` or `review` |
//! | P0113 | a table that is not there |
//! | P0114 | a field that is not there |
//! | P0115 | a reference to an entity that is not there |
//! | P0116 | a column that is neither a connector nor a system |
//! | P0117 | a table's value that does not fit the field's type |
//! | P0118 | a two-way table with two native values for one canonical value |
//! | P0120 | an expression that is not understood |
//! | P0121 | a field in an expression that is not there |
//! | P0122 | a function, filter or test that is not known |
//! | P0130 | a native path that two fields write |
//! | P0131 | a column without a resource |
//! | P0140 | a two-way column that would change records to and fro |
//! | P0141 | (warning) a value of an enum that a two-way table cannot write |
//! | P0142 | (warning) a table that no field uses |
//! | P0143 | columns of two systems, or fields that feed each other, that would change records to and fro |
//! | P0150 | an example that does not fit the file |

mod cell;
mod column;
mod convert;
mod coverage;
mod entity;
mod example;
mod expr;
mod kind;
mod laws;
mod load;
mod path;
mod problem;
mod refs;
mod rest;
mod schema;
mod table;

pub use column::Column;
pub use entity::{Entity, RefAt, Totals, Unresolved};
pub use example::{Difference, Example, ExampleReport};
pub use problem::{Gate, Problem};

use crate::diagnostic::Diagnostic;
use crate::model::{EntityName, Need, SystemName};

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
        let (entities, findings) = load::load(sources, systems);
        if findings.iter().any(Diagnostic::is_error) { Err(findings) } else { Ok((Self { entities }, findings)) }
    }

    /// The entity of this name.
    pub fn entity(&self, name: &EntityName) -> Option<&Entity> {
        self.entities.iter().find(|entity| entity.name() == name)
    }

    /// What a column of `system` writes there, references with the resource that they lead to.
    pub fn needs(&self, column: &Column, system: &SystemName) -> Vec<Need> {
        let resource = |entity: &EntityName| Some(self.entity(entity)?.column(system)?.resource().clone());
        column.needs_among(&resource)
    }

    /// Every entity, in the order of the sources.
    pub fn entities(&self) -> impl Iterator<Item = &Entity> {
        self.entities.iter()
    }
}

/// The JSON Schema of a mapping file, for editors.
pub fn mapping_schema() -> serde_json::Value {
    load::schema()
}

#[cfg(test)]
mod tests;
