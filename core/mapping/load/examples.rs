//! The examples of a file: known columns, known fields, values in normal form.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use serde_json::{Map, Value};

use super::findings::Findings;
use super::spec::{ExampleSpec, FileSpec};
use crate::mapping::cell::shown;
use crate::mapping::entity::Field;
use crate::mapping::example::Example;
use crate::mapping::kind::Kind;
use crate::model::{Canonical, FieldName, Fields};

pub(super) fn compile(
    spec: &FileSpec,
    fields: &IndexMap<FieldName, Field>,
    columns: &BTreeSet<&str>,
    findings: &mut Findings<'_>,
) -> Vec<Example> {
    spec.examples.iter().enumerate().map(|(place, example)| one(place, example, fields, columns, findings)).collect()
}

fn one(
    place: usize,
    spec: &ExampleSpec,
    fields: &IndexMap<FieldName, Field>,
    columns: &BTreeSet<&str>,
    findings: &mut Findings<'_>,
) -> Example {
    for (column, _) in spec.natives.iter().filter(|(column, _)| !columns.contains(column.get_ref().as_str())) {
        findings.unknown("P0150", "column", column, columns.iter().copied());
    }
    let mut canonical = Canonical::default();
    for (name, value) in &spec.canonical {
        let Some(field) = fields.get(name.get_ref().as_str()) else {
            findings.unknown("P0114", "field", name, fields.keys().map(FieldName::as_str));
            continue;
        };
        match normal(field, value.get_ref()) {
            Ok(normal) => drop(canonical.insert(name.get_ref().clone(), normal)),
            Err(why) => findings.error("P0150", value.span(), why),
        }
    }
    let name = spec.name.as_ref().map_or_else(|| format!("example {}", place + 1), |name| name.get_ref().clone());
    let natives = spec.natives.iter().map(|(column, record)| (column.get_ref().clone(), record.clone()));
    Example { name, line: findings.line(spec.place.start), canonical, natives: natives.collect() }
}

fn normal(field: &Field, value: &Value) -> Result<Value, String> {
    let said = |why: String| format!("{} {why}", shown(value));
    match (&field.kind, value) {
        (Kind::Lines, Value::Array(lines)) => lines.iter().map(|line| normal_line(field, line)).collect(),
        (Kind::Lines, _) => Err("this should be a list of lines".into()),
        (kind, value) => kind.normal(value).map_err(said),
    }
}

fn normal_line(field: &Field, line: &Value) -> Result<Value, String> {
    let line: &Fields = line.as_object().ok_or("this should be a line")?;
    let mut normal_fields = Map::new();
    for (name, value) in line {
        let inner = field.each.get(name.as_str()).ok_or_else(|| format!("lines have no field `{name}`"))?;
        normal_fields.insert(name.clone(), normal(inner, value)?);
    }
    Ok(Value::Object(normal_fields))
}
