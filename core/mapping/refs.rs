//! References inside a record, handed out one by one.

use serde_json::Value;

use super::entity::{Entity, Field, RefAt, Unresolved};
use super::kind::{self, Kind};
use crate::model::{Canonical, FieldName, Fields};

type Resolve<'a> = &'a mut dyn FnMut(RefAt<'_>) -> Option<String>;

impl Entity {
    /// Hands every reference, of header and lines, to `resolve`, which gives the value to put there.
    ///
    /// Where it gives `None` the value is left and reported.
    pub fn map_refs(&self, canonical: &mut Canonical, resolve: Resolve<'_>) -> Vec<Unresolved> {
        let mut unresolved = Vec::new();
        for (name, field) in &self.fields {
            match &field.kind {
                Kind::Ref(_) => replace(canonical, name, name, field, resolve, &mut unresolved),
                Kind::Lines => {
                    let lines = canonical.get_mut(name.as_str()).and_then(Value::as_array_mut);
                    for line in lines.into_iter().flatten().filter_map(Value::as_object_mut) {
                        for (inner, field) in &field.each {
                            let at = FieldName::new(format!("{name}.{inner}"));
                            replace(line, inner, &at, field, resolve, &mut unresolved);
                        }
                    }
                }
                _ => {}
            }
        }
        unresolved
    }

    /// Whether any field refers to another record.
    pub fn has_refs(&self) -> bool {
        let is_ref = |field: &Field| matches!(field.kind, Kind::Ref(_));
        self.fields.values().any(|field| is_ref(field) || field.each.values().any(is_ref))
    }
}

fn replace(
    fields: &mut Fields,
    name: &FieldName,
    at: &FieldName,
    field: &Field,
    resolve: Resolve<'_>,
    unresolved: &mut Vec<Unresolved>,
) {
    let (Kind::Ref(entity), Some(there)) = (&field.kind, fields.get_mut(name.as_str())) else { return };
    let by = there.get("by").and_then(Value::as_str).filter(|_| kind::is_by(there)).map(FieldName::new);
    let value = if by.is_some() { there.get("value") } else { Some(&*there) };
    let Some(value) = value.and_then(Value::as_str).map(str::to_owned) else { return };
    match resolve(RefAt { field: at, entity, by: by.as_ref(), value: &value }) {
        Some(id) => *there = Value::String(id),
        None => unresolved.push(Unresolved { field: at.clone(), entity: entity.clone(), value }),
    }
}
