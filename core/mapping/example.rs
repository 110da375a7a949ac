//! A mapping file's own examples, run both ways.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use super::cell::{Cell, Way};
use super::kind::Kind;
use super::{Column, Entity, Problem};
use crate::model::{Canonical, Fields};

/// One `[[example]]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// What it shows.
    pub name: String,
    /// The line it starts on.
    pub line: usize,
    /// The canonical record.
    pub canonical: Canonical,
    /// Column name to native record.
    pub natives: BTreeMap<String, Fields>,
}

/// What the examples of one entity showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExampleReport {
    /// The entity.
    pub entity: String,
    /// The file.
    pub file: String,
    /// How many directions of how many examples were run.
    pub ran: usize,
    /// What came out differently.
    pub differences: Vec<Difference>,
    /// Columns of fields and rows of tables that no example exercised, such as `name/hubspot` or `tables.stage: lead`.
    pub unexercised: Vec<String>,
}

/// One value that an example promised and the mapping did not give.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The example's name.
    pub example: String,
    /// The line it starts on.
    pub line: usize,
    /// The column.
    pub column: String,
    /// `read` or `write`.
    pub direction: &'static str,
    /// The canonical field, or native path.
    pub field: String,
    /// What the example says.
    pub expected: Value,
    /// What the mapping gave; an error as its words.
    pub got: Value,
}

impl Entity {
    /// Runs the examples both ways.
    ///
    /// Reading a native record must give the canonical fields that the column carries; writing the canonical record,
    /// with the column's constants, must give what the native record says of written fields, up to its normal form.
    /// A reference's ids differ from system to system: of them only that they are there is compared.
    pub fn run_examples(&self) -> ExampleReport {
        let mut report =
            ExampleReport { entity: self.name.to_string(), file: self.file.clone(), ..ExampleReport::default() };
        for example in &self.examples {
            for (name, native) in &example.natives {
                let Some(column) = self.columns.get(name) else { continue };
                let run = Run { example, column, native };
                report.ran += 2;
                report.differences.extend(run.reading());
                report.differences.extend(run.writing());
            }
        }
        report.unexercised = super::coverage::unexercised(self);
        report
    }
}

/// One example in one column.
struct Run<'a> {
    example: &'a Example,
    column: &'a Column,
    native: &'a Fields,
}

impl Run<'_> {
    fn reading(&self) -> Vec<Difference> {
        let read = match self.column.read(self.native) {
            Ok(read) => read,
            Err(problems) => return self.failed("read", problems),
        };
        let mut differences = Vec::new();
        for cell in self.column.cells.iter().filter(|cell| cell.reads()) {
            let field = cell.field.as_str();
            let Some(expected) = self.example.canonical.get(field) else { continue };
            let got = read.get(field).unwrap_or(&Value::Null);
            if !agree(cell, expected, got) {
                differences.push(self.difference("read", field, expected, got.clone()));
            }
        }
        differences
    }

    fn writing(&self) -> Vec<Difference> {
        let canonical = with_own_ids(self.column, &self.example.canonical, self.native);
        let written = self.column.write(&canonical, None).and_then(|written| {
            let derived = self.column.derived(&canonical, None)?;
            Ok(self.column.set.clone().into_iter().chain(written).chain(derived).collect::<Fields>())
        });
        let written = match written {
            Ok(written) => written,
            Err(problems) => return self.failed("write", problems),
        };
        let mut differences = Vec::new();
        for cell in self.column.cells.iter().filter(|cell| cell.way != Way::ReadOnly) {
            let known = cell.way == Way::WriteOnly || canonical.contains_key(cell.field.as_str());
            let Some(expected) = cell.path.get(self.native).filter(|_| known) else { continue };
            let got = cell.path.get(&written).unwrap_or(&Value::Null);
            if !contains(got, expected) && !same_meaning(cell, expected, got) {
                differences.push(self.difference("write", cell.path.text(), expected, got.clone()));
            }
        }
        for (path, constant) in &self.column.set {
            let expected = self.native.get(path).unwrap_or(constant);
            let own = self.column.cells.iter().any(|cell| cell.path.text() == path);
            if expected != constant && !own {
                differences.push(self.difference("write", path, expected, constant.clone()));
            }
        }
        differences
    }

    fn failed(&self, direction: &'static str, problems: Vec<Problem>) -> Vec<Difference> {
        let says = |field: &str| self.example.canonical.get(field).cloned().unwrap_or_default();
        problems
            .into_iter()
            .map(|problem| {
                let expected = says(&problem.field);
                self.difference(direction, &problem.field, &expected, Value::String(problem.message))
            })
            .collect()
    }

    fn difference(&self, direction: &'static str, field: &str, expected: &Value, got: Value) -> Difference {
        Difference {
            example: self.example.name.clone(),
            line: self.example.line,
            column: self.column.key.clone(),
            direction,
            field: field.to_owned(),
            expected: expected.clone(),
            got,
        }
    }
}

/// Whether a value that was read is the canonical one.
fn agree(cell: &Cell, expected: &Value, got: &Value) -> bool {
    match (&cell.kind, expected, got) {
        (Kind::Ref(_), expected, got) => expected.is_null() == got.is_null(),
        (Kind::Lines, Value::Array(expected), Value::Array(got)) => {
            let fields = |line: &Value, inner: &Cell| line.get(inner.field.as_str()).cloned();
            let same = |(expected, got): (&Value, &Value)| {
                cell.each.iter().filter(|inner| inner.reads()).all(|inner| {
                    fields(expected, inner)
                        .is_none_or(|value| agree(inner, &value, &fields(got, inner).unwrap_or_default()))
                })
            };
            expected.len() == got.len() && expected.iter().zip(got).all(same)
        }
        (_, expected, got) => expected == got,
    }
}

/// Whether `got` has everything that `expected` has.
fn contains(got: &Value, expected: &Value) -> bool {
    match (got, expected) {
        (Value::Object(got), Value::Object(expected)) => {
            expected.iter().all(|(key, value)| got.get(key).is_some_and(|got| contains(got, value)))
        }
        (Value::Array(got), Value::Array(expected)) => {
            got.len() == expected.len() && got.iter().zip(expected).all(|(got, expected)| contains(got, expected))
        }
        (got, expected) => got == expected,
    }
}

/// Whether both native values read as the same canonical one; of lines, in the fields that are written.
fn same_meaning(cell: &Cell, one: &Value, other: &Value) -> bool {
    if let (Kind::Lines, Value::Array(one), Value::Array(other)) = (&cell.kind, one, other) {
        let empty = Map::new();
        return one.len() == other.len()
            && one.iter().zip(other).all(|(one, other)| {
                let (one, other) = (one.as_object().unwrap_or(&empty), other.as_object().unwrap_or(&empty));
                cell.each.iter().filter(|inner| inner.way != Way::ReadOnly).all(|inner| {
                    let Some(one) = inner.path.get(one) else { return true };
                    let other = inner.path.get(other).unwrap_or(&Value::Null);
                    one == other || same_meaning(inner, one, other)
                })
            });
    }
    let (one, other) = (cell.canonical_of(one), cell.canonical_of(other));
    one.is_ok() && one == other
}

/// The canonical record with the ids that this system has in the places of references.
fn with_own_ids(column: &Column, canonical: &Canonical, native: &Fields) -> Canonical {
    let mut own = canonical.clone();
    for cell in column.cells.iter().filter(|cell| cell.reads()) {
        let (Some(value), Ok(read)) = (own.get_mut(cell.field.as_str()), cell.read(native)) else { continue };
        match (&cell.kind, &mut *value, read) {
            (Kind::Ref(_), value, read) => *value = read,
            (Kind::Lines, Value::Array(lines), Value::Array(read)) => {
                for (line, read) in lines.iter_mut().zip(read) {
                    put_own_ids(cell, line, &read);
                }
            }
            _ => {}
        }
    }
    own
}

fn put_own_ids(lines: &Cell, line: &mut Value, read: &Value) {
    for inner in lines.each.iter().filter(|inner| matches!(inner.kind, Kind::Ref(_))) {
        let there = line.get_mut(inner.field.as_str());
        if let (Some(there), Some(id)) = (there, read.get(inner.field.as_str())) {
            *there = id.clone();
        }
    }
}
