//! What files may name beyond themselves: systems, connectors, the fields of other entities.

use std::collections::{BTreeMap, BTreeSet};

use super::super::kind::Kind;
use super::spec::{FieldSpec, FileSpec};
use crate::model::SystemName;

/// The connectors that a column may be named after, whether or not config.toml uses them.
const CONNECTORS: &[&str] = &[
    "attio",
    "axonaut",
    "cegid",
    "dolibarr",
    "dynamics",
    "erpnext",
    "hubspot",
    "memory",
    "sage",
    "salesforce",
    "sap",
    "spreadsheet",
];

/// Everything outside of one file.
pub(super) struct World<'a> {
    pub(super) systems: &'a [(SystemName, String)],
    /// Entity to its fields' types.
    entities: BTreeMap<String, BTreeMap<String, Kind>>,
}

impl<'a> World<'a> {
    pub(super) fn new<'s>(systems: &'a [(SystemName, String)], files: impl Iterator<Item = &'s FileSpec>) -> Self {
        let mut entities = BTreeMap::new();
        for file in files {
            let Some(entity) = &file.entity else { continue };
            let fields = file.fields.iter().map(|field| (field.name.get_ref().clone(), kind_of(field)));
            entities.insert(entity.get_ref().clone(), fields.collect());
        }
        Self { systems, entities }
    }

    /// The names that a column may bear.
    pub(super) fn columns(&self) -> BTreeSet<&str> {
        let systems = self.systems.iter().flat_map(|(system, connector)| [system.as_str(), connector.as_str()]);
        CONNECTORS.iter().copied().chain(systems).collect()
    }

    /// The connector of a system.
    pub(super) fn connector(&self, column: &str) -> Option<&str> {
        self.systems.iter().find(|(system, _)| system.as_str() == column).map(|(_, connector)| connector.as_str())
    }

    pub(super) fn entities(&self) -> impl Iterator<Item = &str> + Clone {
        self.entities.keys().map(String::as_str)
    }

    pub(super) fn fields_of(&self, entity: &str) -> Option<&BTreeMap<String, Kind>> {
        self.entities.get(entity)
    }
}

/// A field's type; text where it has none or a wrong one, which is reported elsewhere.
pub(super) fn kind_of(field: &FieldSpec) -> Kind {
    let values = field.values.iter().map(|value| value.get_ref().clone()).collect();
    field.kind.as_ref().and_then(|kind| Kind::parse(kind.get_ref(), values)).unwrap_or(Kind::Text)
}
