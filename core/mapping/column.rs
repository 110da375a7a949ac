//! One entity seen through one system: read, write, and the rules of creating.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Gate, Problem};
use crate::model::{Action, Canonical, FieldName, Fields, Need, ResourceName};

/// One entity seen through one system.
#[derive(Debug)]
pub struct Column {
    resource: ResourceName,
}

impl Column {
    /// The native records it reads.
    pub fn resource(&self) -> &ResourceName {
        &self.resource
    }

    /// Changes when anything that reading or writing depends on changes.
    pub fn digest(&self) -> u64 {
        todo!()
    }

    /// Native paths read, by fields, `where` and expressions.
    pub fn wanted(&self) -> BTreeSet<String> {
        todo!()
    }

    /// Native fields written, for `check` and `prepare`.
    pub fn needs(&self) -> Vec<Need> {
        todo!()
    }

    /// Whether the record takes part: `where`.
    pub fn takes_part(&self, native: &Fields) -> Result<bool, Problem> {
        let _ = native;
        todo!()
    }

    /// The canonical fields this column carries; references come out as native ids.
    pub fn read(&self, native: &Fields) -> Result<Canonical, Vec<Problem>> {
        let _ = native;
        todo!()
    }

    /// Native fields for `fields` of `canonical`, all of them when `None`; references already native ids.
    ///
    /// Lines are whole arrays. A create also takes [`Self::set`].
    pub fn write(&self, canonical: &Canonical, fields: Option<&BTreeSet<FieldName>>) -> Result<Fields, Vec<Problem>> {
        let _ = (canonical, fields);
        todo!()
    }

    /// Constants when the hub creates one.
    pub fn set(&self) -> &Fields {
        todo!()
    }

    /// Whether `field` is read here.
    pub fn reads(&self, field: &FieldName) -> bool {
        let _ = field;
        todo!()
    }

    /// Whether `field` is written here.
    pub fn writes(&self, field: &FieldName) -> bool {
        let _ = field;
        todo!()
    }

    /// The native path of `field`.
    pub fn native_path(&self, field: &FieldName) -> Option<&str> {
        let _ = field;
        todo!()
    }

    /// The one-way `{ write = .. }` fields, computed from `canonical`: native path to wanted value, where `native` differs.
    pub fn derived(&self, canonical: &Canonical, native: Option<&Fields>) -> Result<Fields, Vec<Problem>> {
        let _ = (canonical, native);
        todo!()
    }

    /// Whether the record may be created here: `[create.<column>]`.
    pub fn may_create(&self, canonical: &Canonical) -> Result<Gate, Problem> {
        let _ = canonical;
        todo!()
    }

    /// State moves to make once it was created.
    pub fn then(&self) -> &[Action] {
        todo!()
    }

    /// How to look a canonical value up: native path and the spellings to try; `None` where it cannot be.
    pub fn lookup(&self, field: &FieldName, value: &Value) -> Option<(String, Vec<String>)> {
        let _ = (field, value);
        todo!()
    }
}
