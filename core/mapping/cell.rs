//! One field seen through one system: where a row and a column of a mapping meet.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::Problem;
use super::convert::Converter;
use super::expr::Expr;
use super::kind::Kind;
use super::path::Path;
use super::table::Table;
use crate::model::{FieldName, Fields};

/// Which ways a cell goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Both,
    ReadOnly,
    WriteOnly,
}

/// A field's column, compiled.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) field: FieldName,
    pub(super) kind: Kind,
    pub(super) way: Way,
    pub(super) path: Path,
    pub(super) steps: Vec<Converter>,
    pub(super) table: Option<Table>,
    pub(super) by: Option<By>,
    pub(super) read: Option<Expr>,
    pub(super) write: Option<Expr>,
    /// The cells of a line, where the field is lines.
    pub(super) each: Vec<Arc<Cell>>,
}

/// A reference by another field than the id.
#[derive(Debug)]
pub(super) struct By {
    pub(super) field: FieldName,
    pub(super) kind: Kind,
}

impl Cell {
    pub(super) fn reads(&self) -> bool {
        self.way != Way::WriteOnly
    }

    /// The canonical value in a native document.
    pub(super) fn read(&self, native: &Fields) -> Result<Value, Vec<Problem>> {
        let raw = match &self.read {
            Some(expr) => Cow::Owned(expr.value(native).map_err(|why| self.problem(why))?),
            None => match self.path.get(native) {
                Some(value) => Cow::Borrowed(value),
                None => Cow::Owned(Value::Null),
            },
        };
        if self.kind == Kind::Lines {
            return self.read_lines(&raw);
        }
        self.canonical_of(&raw).map_err(|why| self.problem(format!("{} {why}", shown(&raw))))
    }

    /// The canonical value of a native one, or why there is none, in words that follow the value.
    pub(super) fn canonical_of(&self, raw: &Value) -> Result<Value, String> {
        if raw.is_null() || raw.as_str().is_some_and(|text| text.trim().is_empty()) {
            return Ok(self.table.as_ref().and_then(Table::nothing).cloned().unwrap_or_default());
        }
        let mut value = Cow::Borrowed(raw);
        for step in &self.steps {
            value = Cow::Owned(step.read(&value)?);
        }
        if let Some(table) = &self.table {
            value = Cow::Owned(table.read(&value)?);
        }
        self.by.as_ref().map_or(&self.kind, |by| &by.kind).normal(&value)
    }

    /// The row of its table that a document exercises.
    pub(super) fn row(&self, native: &Fields) -> Option<&str> {
        let raw = match &self.read {
            Some(expr) => expr.value(native).ok()?,
            None => self.path.get(native)?.clone(),
        };
        let value = self.steps.iter().try_fold(raw, |value, step| step.read(&value)).ok()?;
        self.table.as_ref()?.row(&value)
    }

    fn read_lines(&self, raw: &Value) -> Result<Value, Vec<Problem>> {
        let lines = match raw {
            Value::Null => return Ok(Value::Array(Vec::new())),
            Value::Array(lines) => lines,
            other => return Err(self.problem(format!("{} is not a list of lines", shown(other)))),
        };
        self.each_line(lines, |cell, line, to| {
            if cell.reads() {
                to.insert(cell.field.as_str().to_owned(), cell.read(line)?);
            }
            Ok(())
        })
    }

    /// Puts this field of a canonical record, where it has it, into a native document.
    pub(super) fn write(&self, canonical: &Fields, to: &mut Fields) -> Result<(), Vec<Problem>> {
        let value = match &self.write {
            Some(expr) => Cow::Owned(self.computed(expr, canonical)?),
            None => match canonical.get(self.field.as_str()) {
                Some(value) => Cow::Borrowed(value),
                None => return Ok(()),
            },
        };
        let native = match (&self.kind, value.as_ref()) {
            (Kind::Lines, Value::Array(lines)) => self.each_line(lines, |cell, line, to| match cell.way {
                Way::ReadOnly => Ok(()),
                Way::Both | Way::WriteOnly => cell.write(line, to),
            })?,
            (_, value) => self.native_of(value).map_err(|why| self.problem(format!("{} {why}", shown(value))))?,
        };
        self.path.put(to, native);
        Ok(())
    }

    /// What a write expression gives on a canonical record, in normal form.
    pub(super) fn computed(&self, expr: &Expr, canonical: &Fields) -> Result<Value, Vec<Problem>> {
        let value = expr.value(canonical).map_err(|why| self.problem(why))?;
        self.kind.normal(&value).map_err(|why| self.problem(format!("{} {why}", shown(&value))))
    }

    /// The native spelling of a canonical value, or why there is none, in words that follow the value.
    pub(super) fn native_of(&self, value: &Value) -> Result<Value, String> {
        if value.is_null() {
            return Ok(Value::Null);
        }
        let mut value = Cow::Borrowed(value);
        if let Some(table) = &self.table {
            value = Cow::Owned(table.write(&value)?);
        }
        for step in self.steps.iter().rev() {
            if value.is_null() {
                break;
            }
            value = Cow::Owned(step.write(&value)?);
        }
        Ok(value.into_owned())
    }

    fn each_line(
        &self,
        lines: &[Value],
        put: impl Fn(&Self, &Fields, &mut Fields) -> Result<(), Vec<Problem>>,
    ) -> Result<Value, Vec<Problem>> {
        let (mut all, mut problems) = (Vec::with_capacity(lines.len()), Vec::new());
        for (place, line) in lines.iter().enumerate() {
            let Some(line) = line.as_object() else {
                problems.extend(self.problem(format!("{} is not a line", shown(line))));
                continue;
            };
            let mut to = Fields::new();
            for cell in &self.each {
                let inside = |problem: Problem| {
                    Problem::new(format!("{}[{place}].{}", self.field, problem.field), problem.message)
                };
                problems.extend(put(cell, line, &mut to).err().into_iter().flatten().map(inside));
            }
            all.push(Value::Object(to));
        }
        if problems.is_empty() { Ok(Value::Array(all)) } else { Err(problems) }
    }

    fn problem(&self, message: impl Into<String>) -> Vec<Problem> {
        vec![Problem::new(self.field.as_str(), message)]
    }

    /// Everything that reading and writing depend on.
    pub(super) fn fingerprint(&self) -> String {
        let each: Vec<String> = self.each.iter().map(|cell| cell.fingerprint()).collect();
        let table = self.table.as_ref().map(Table::fingerprint);
        let texts = [&self.read, &self.write].map(|expr| expr.as_ref().map(Expr::text));
        let by = self.by.as_ref().map(|by| &by.field);
        let Self { field, kind, way, path, steps, .. } = self;
        format!("{field} {kind:?} {way:?} {path:?} {steps:?} {table:?} {by:?} {texts:?} {each:?}")
    }
}

/// A value in a message; long ones are cut.
pub(super) fn shown(value: &Value) -> String {
    let text = value.to_string();
    let cut: String = text.chars().take(60).collect();
    if cut.len() < text.len() { format!("`{cut}…`") } else { format!("`{cut}`") }
}
