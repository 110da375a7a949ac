//! A field's column, checked and compiled; its laws are tried here.

use std::sync::Arc;

use serde_json::Value;
use toml::Spanned;

use super::entities::expression;
use super::findings::Findings;
use super::spec::{At, CellSpec, FieldSpec, FileSpec, TableSpec};
use super::world::{World, kind_of};
use crate::mapping::cell::{By, Cell, Way, shown};
use crate::mapping::convert::Converter;
use crate::mapping::entity::Required;
use crate::mapping::expr::{Scope, Shapes};
use crate::mapping::kind::Kind;
use crate::mapping::laws;
use crate::mapping::path::Path;
use crate::mapping::table::Table;
use crate::model::FieldName;

/// What compiling a cell needs to know.
pub(super) struct Compiler<'a> {
    pub(super) file: &'a FileSpec,
    pub(super) world: &'a World<'a>,
    pub(super) shapes: &'a Shapes,
}

impl Compiler<'_> {
    /// The cell of `field` in `column`, whose line cells are those of the first layer that has one.
    pub(super) fn cell(
        &self,
        field: &FieldSpec,
        spec: &CellSpec,
        layers: &[&str],
        findings: &mut Findings<'_>,
    ) -> Arc<Cell> {
        let kind = kind_of(field);
        check_use(spec, &kind, findings);
        let way = match (&spec.read, &spec.write) {
            (Some(_), None) => Way::ReadOnly,
            (None, Some(_)) => Way::WriteOnly,
            _ => Way::Both,
        };
        let shapes = Scope::Canonical(self.shapes);
        let cell = Cell {
            way,
            path: Path::parse(spec.path.as_ref().unwrap_or(&field.name).get_ref()),
            steps: spec.steps.iter().filter_map(|step| step_of(step, findings)).collect(),
            table: spec.table.as_ref().and_then(|table| self.table(table, &kind, way, findings)),
            by: spec.by.as_ref().and_then(|by| self.by(by, &kind, findings)),
            read: spec.read.as_ref().and_then(|read| expression(read, &Scope::Native, findings)),
            write: spec.write.as_ref().and_then(|write| expression(write, &shapes, findings)),
            each: self.each(field, layers, findings),
            field: FieldName::new(field.name.get_ref().as_str()),
            kind,
        };
        let complete = cell.steps.len() == spec.steps.len()
            && cell.table.is_some() == spec.table.is_some()
            && cell.by.is_some() == spec.by.is_some()
            && cell.read.is_some() == spec.read.is_some()
            && cell.write.is_some() == spec.write.is_some();
        if let Some(example) = laws::broken(&cell, field.required == Required::Always).filter(|_| complete) {
            let message = format!("this column would change records to and fro: {example}");
            let help =
                "choose a converter that keeps the value, or make it one-way with read = \"..\" or write = \"..\"";
            findings.error_with_help("P0140", spec.place.clone(), message, help);
        }
        Arc::new(cell)
    }

    fn each(&self, field: &FieldSpec, layers: &[&str], findings: &mut Findings<'_>) -> Vec<Arc<Cell>> {
        let shapes = super::entities::shapes_of(&field.each);
        let inside = Compiler { shapes: &shapes, ..*self };
        let cells = field.each.iter().filter_map(|inner| {
            let spec = chosen(inner, layers)?;
            Some(inside.cell(inner, spec, layers, findings))
        });
        cells.collect()
    }

    fn table(&self, name: &At, kind: &Kind, way: Way, findings: &mut Findings<'_>) -> Option<Table> {
        let Some(spec) = self.file.tables.iter().find(|table| table.name.get_ref() == name.get_ref()) else {
            let known = self.file.tables.iter().map(|table| table.name.get_ref().as_str());
            findings.unknown("P0113", "table", name, known);
            return None;
        };
        let table = Table::new(name.get_ref(), spec.rows.iter().filter_map(|row| normal_row(row, kind, findings)));
        if way == Way::Both {
            report_ambiguous(&table, spec, findings);
            report_unwritable(&table, name, kind, findings);
        }
        Some(table)
    }

    fn by(&self, by: &At, kind: &Kind, findings: &mut Findings<'_>) -> Option<By> {
        let Kind::Ref(entity) = kind else {
            findings.error("P0104", by.span(), "only a reference is found `by` another field");
            return None;
        };
        let fields = self.world.fields_of(entity.as_str())?;
        let Some(kind) = fields.get(by.get_ref()) else {
            findings.unknown("P0114", &format!("field of {entity}"), by, fields.keys().map(String::as_str));
            return None;
        };
        Some(By { field: FieldName::new(by.get_ref().as_str()), kind: kind.clone() })
    }
}

/// The cell of a field in the first layer that has one.
pub(super) fn chosen<'a>(field: &'a FieldSpec, layers: &[&str]) -> Option<&'a CellSpec> {
    layers.iter().find_map(|layer| field.cells.iter().find(|cell| cell.column.get_ref() == layer))
}

/// What a cell says in vain.
fn check_use(spec: &CellSpec, kind: &Kind, findings: &mut Findings<'_>) {
    if let Some(path) = spec.path.as_ref().filter(|path| path.get_ref().trim().is_empty()) {
        findings.error("P0104", path.span(), "this should be a native path");
    }
    let whole = spec.steps.first().or(spec.table.as_ref());
    if let Some(said) = whole.filter(|_| *kind == Kind::Lines) {
        findings.error("P0104", said.span(), "lines as a whole are not converted; their fields are");
    }
}

fn step_of(step: &At, findings: &mut Findings<'_>) -> Option<Converter> {
    match Converter::parse(step.get_ref()) {
        Ok(converter) => Some(converter),
        Err((message, None)) => {
            findings.error("P0111", step.span(), message);
            None
        }
        Err((message, Some(help))) => {
            findings.error_with_help("P0111", step.span(), message, help);
            None
        }
    }
}

fn normal_row(row: &(At, Spanned<Value>), kind: &Kind, findings: &mut Findings<'_>) -> Option<(String, Value)> {
    let (native, value) = row;
    match kind.normal(value.get_ref()) {
        Ok(normal) => Some((native.get_ref().clone(), normal)),
        Err(why) => {
            findings.error("P0117", value.span(), format!("{} {why}", shown(value.get_ref())));
            None
        }
    }
}

fn report_ambiguous(table: &Table, spec: &TableSpec, findings: &mut Findings<'_>) {
    let Some((one, other, value)) = table.ambiguous() else { return };
    let at =
        spec.rows.iter().find(|(native, _)| native.get_ref() == other).map_or(spec.name.span(), |row| row.0.span());
    let value = shown(value);
    let message = format!(
        "table `{}` is not one to one: `{one}` and `{other}` both mean {value}, so which is written for {value}?",
        table.name()
    );
    findings.error_with_help("P0118", at, message, "keep the one to write, and read the others with the row \"*\"");
}

fn report_unwritable(table: &Table, name: &At, kind: &Kind, findings: &mut Findings<'_>) {
    let Kind::Enum(values) = kind else { return };
    let without_row = |value: &&String| !table.values().any(|known| known.as_str() == Some(value.as_str()));
    let missing: Vec<&str> = values.iter().filter(without_row).map(String::as_str).collect();
    if missing.is_empty() {
        return;
    }
    let message = format!("table `{}` has no row for {}", table.name(), missing.join(", "));
    findings.warning("P0141", name.span(), message, "a record with such a value cannot be written here and is parked");
}
