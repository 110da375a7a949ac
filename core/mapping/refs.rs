//! References inside a record, handed out one by one.

use serde_json::Value;

use super::Column;
use super::cell::Cell;
use super::entity::{Entity, Field, RefAt, Unresolved};
use super::kind::Kind;
use crate::model::{Canonical, EntityName, FieldName, Fields};

type Resolve<'a> = &'a mut dyn FnMut(RefAt<'_>) -> Option<String>;

impl Entity {
    /// Hands every reference, of header and lines, to `resolve`, which gives the value to put there.
    ///
    /// Where it gives `None` the value is left and reported. `column` is the one that was read, or will be written: it
    /// says whether its values are ids, or `by` another field.
    pub fn map_refs(&self, column: &Column, canonical: &mut Canonical, resolve: Resolve<'_>) -> Vec<Unresolved> {
        let mut unresolved = Vec::new();
        for (name, field) in &self.fields {
            let cell = column.cell(name);
            match &field.kind {
                Kind::Ref(_) => replace(canonical, name, name, (field, cell), resolve, &mut unresolved),
                Kind::Lines => {
                    let lines = canonical.get_mut(name.as_str()).and_then(Value::as_array_mut);
                    for line in lines.into_iter().flatten().filter_map(Value::as_object_mut) {
                        for (inner, field) in &field.each {
                            let at = FieldName::new(format!("{name}.{inner}"));
                            let cell = cell.and_then(|cell| cell.each.iter().find(|cell| cell.field == *inner));
                            let seen = (field, cell.map(AsRef::as_ref));
                            replace(line, inner, &at, seen, resolve, &mut unresolved);
                        }
                    }
                }
                _ => {}
            }
        }
        unresolved
    }

    /// The entities that its fields refer to.
    pub fn refers_to(&self) -> impl Iterator<Item = &EntityName> {
        let fields = self.fields.values().flat_map(|field| std::iter::once(field).chain(field.each.values()));
        fields.filter_map(|field| match &field.kind {
            Kind::Ref(entity) => Some(entity),
            _ => None,
        })
    }

    /// Whether any field refers to another record.
    pub fn has_refs(&self) -> bool {
        self.refers_to().next().is_some()
    }
}

fn replace(
    fields: &mut Fields,
    name: &FieldName,
    at: &FieldName,
    (field, cell): (&Field, Option<&Cell>),
    resolve: Resolve<'_>,
    unresolved: &mut Vec<Unresolved>,
) {
    let Kind::Ref(entity) = &field.kind else { return };
    let Some(Value::String(there)) = fields.get_mut(name.as_str()) else { return };
    let by = cell.and_then(|cell| cell.by.as_ref()).map(|by| &by.field);
    match resolve(RefAt { field: at, entity, by, value: there }) {
        Some(id) => *there = id,
        None => unresolved.push(Unresolved { field: at.clone(), entity: entity.clone(), value: there.clone() }),
    }
}
