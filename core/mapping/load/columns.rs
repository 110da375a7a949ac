//! The columns of an entity: a layer for the system, one for its connector, merged field by field.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use xxhash_rust::xxh3::xxh3_64;

use super::cells::{Compiler, chosen};
use super::entities::expression;
use super::findings::Findings;
use super::spec::{At, FieldSpec, FileSpec, OnSpec, Place};
use super::world::World;
use crate::mapping::cell::{Cell, Way};
use crate::mapping::column::{Column, Create};
use crate::mapping::entity::{Field, Required};
use crate::mapping::expr::{Expr, Scope, Shapes};
use crate::model::{Action, FieldName, Fields, ResourceName, SystemName};

type Columns = (BTreeMap<String, Column>, BTreeMap<SystemName, String>);

/// Every column by its name in the file, and which one each system has.
pub(super) fn compile(
    spec: &FileSpec,
    fields: &IndexMap<FieldName, Field>,
    shapes: &Shapes,
    world: &World<'_>,
    findings: &mut Findings<'_>,
) -> Columns {
    let named = named(spec, world, findings);
    let compiler = Compiler { file: spec, world, shapes };
    let mut columns = BTreeMap::new();
    for (name, place) in &named {
        let layers = layers(name, world);
        if let Some(column) = column(&compiler, &layers, fields, place, findings) {
            columns.insert((*name).to_owned(), column);
        }
    }
    let mut by_system = BTreeMap::new();
    for (system, connector) in world.systems {
        let own = [system.as_str(), connector.as_str()].into_iter().find(|name| columns.contains_key(*name));
        by_system.extend(own.map(|name| (system.clone(), name.to_owned())));
    }
    (columns, by_system)
}

/// The columns that the file names, each with the place where it first does.
fn named<'a>(spec: &'a FileSpec, world: &World<'_>, findings: &mut Findings<'_>) -> BTreeMap<&'a str, Place> {
    let known = world.columns();
    let mut named: BTreeMap<&str, Place> = BTreeMap::new();
    for column in every(spec) {
        if known.contains(column.get_ref().as_str()) {
            named.entry(column.get_ref()).or_insert_with(|| column.span());
        } else {
            unknown_column(column, &known, findings);
        }
    }
    named
}

/// The columns of a file, known or not.
pub(super) fn written(spec: &FileSpec) -> BTreeSet<&str> {
    every(spec).map(|column| column.get_ref().as_str()).collect()
}

fn every(spec: &FileSpec) -> impl Iterator<Item = &At> {
    let of_lines = spec.fields.iter().flat_map(|field| &field.each);
    let cells = spec.fields.iter().chain(of_lines).flat_map(|field| &field.cells).map(|cell| &cell.column);
    spec.on.iter().map(|on| &on.column).chain(spec.create.iter().map(|create| &create.column)).chain(cells)
}

fn unknown_column(column: &At, known: &BTreeSet<&str>, findings: &mut Findings<'_>) {
    let keys = super::raw::keys::<super::raw::Field>();
    let names: Vec<&str> = known.iter().copied().chain(keys.iter().map(String::as_str)).collect();
    findings.unknown("P0116", "connector, system or key", column, names);
}

/// The system's own name first, then its connector's.
fn layers<'a>(name: &'a str, world: &'a World<'_>) -> Vec<&'a str> {
    match world.connector(name) {
        Some(connector) if connector != name => vec![name, connector],
        _ => vec![name],
    }
}

fn column(
    compiler: &Compiler<'_>,
    layers: &[&str],
    fields: &IndexMap<FieldName, Field>,
    place: &Place,
    findings: &mut Findings<'_>,
) -> Option<Column> {
    let spec = compiler.file;
    let name = layers.first()?;
    let on = |part: fn(&OnSpec) -> bool| {
        layers.iter().find_map(|layer| spec.on.iter().find(|on| on.column.get_ref() == layer && part(on)))
    };
    let Some(resource) = on(|on| on.resource.is_some()).and_then(|on| on.resource.as_ref()) else {
        let help = format!("[on.{name}] wants resource = \"..\"");
        findings.error_with_help("P0131", place.clone(), format!("`{name}` has columns and no resource"), help);
        return None;
    };
    let filter = on(|on| on.filter.is_some()).and_then(|on| on.filter.as_ref());
    let archive = on(|on| on.archive.is_some()).and_then(|on| on.archive.as_ref());
    let set = on(|on| on.set.is_some()).and_then(|on| on.set.clone()).unwrap_or_default();
    let cells = cells(compiler, layers, findings);
    let places = cells.iter().enumerate().map(|(place, cell)| (cell.field.clone(), place)).collect();
    let mut column = Column {
        key: (*name).to_owned(),
        resource: ResourceName::new(resource.get_ref().as_str()),
        filter: filter.and_then(|filter| expression(filter, &Scope::Native, findings)),
        archive: archive.and_then(|archive| expression(archive, &Scope::Native, findings)),
        set,
        cells,
        places,
        create: create(compiler, layers, findings),
        required: required(fields),
        digest: 0,
    };
    column.digest = digest(&column);
    Some(column)
}

/// What must be there for a create: header fields, and line fields with their lines' name.
fn required(fields: &IndexMap<FieldName, Field>) -> Vec<(FieldName, Option<FieldName>)> {
    let mut all = Vec::new();
    for (name, field) in fields {
        all.extend((field.required != Required::No).then(|| (name.clone(), None)));
        let inner = field.each.iter().filter(|(_, inner)| inner.required != Required::No);
        all.extend(inner.map(|(inner, _)| (name.clone(), Some(inner.clone()))));
    }
    all
}

fn cells(compiler: &Compiler<'_>, layers: &[&str], findings: &mut Findings<'_>) -> Vec<Arc<Cell>> {
    let fields = &compiler.file.fields;
    let cells: Vec<Arc<Cell>> = fields
        .iter()
        .filter_map(|field| Some(compiler.cell(field, chosen(field, layers)?, layers, findings)))
        .collect();
    written_once(&cells, fields, layers, findings);
    for (field, cell) in fields
        .iter()
        .filter_map(|field| Some((field, cells.iter().find(|cell| cell.field.as_str() == field.name.get_ref())?)))
    {
        written_once(&cell.each, &field.each, layers, findings);
    }
    cells
}

/// Two fields that write one native path would overwrite each other for ever.
fn written_once(cells: &[Arc<Cell>], fields: &[FieldSpec], layers: &[&str], findings: &mut Findings<'_>) {
    let written: Vec<&Arc<Cell>> = cells.iter().filter(|cell| cell.way != Way::ReadOnly).collect();
    for (place, cell) in written.iter().enumerate() {
        let Some(earlier) = written.iter().take(place).find(|earlier| earlier.path.meets(&cell.path)) else { continue };
        let field = fields.iter().find(|field| field.name.get_ref() == cell.field.as_str());
        let at = field.and_then(|field| chosen(field, layers)).map_or(0..0, |spec| spec.place.clone());
        let message = format!("`{}` is written by `{}` already", cell.path.text(), earlier.field);
        findings.error_with_help("P0130", at, message, "make one of them one-way with read = \"..\"");
    }
}

fn create(compiler: &Compiler<'_>, layers: &[&str], findings: &mut Findings<'_>) -> Create {
    let specs: Vec<_> = layers
        .iter()
        .filter_map(|layer| compiler.file.create.iter().find(|create| create.column.get_ref() == layer))
        .collect();
    let scope = Scope::Canonical(compiler.shapes);
    let mut compiled = |text: Option<&At>| text.and_then(|text| expression(text, &scope, findings));
    let when = compiled(specs.iter().find_map(|spec| spec.when.as_ref()));
    let hold = compiled(specs.iter().find_map(|spec| spec.hold.as_ref()));
    let then = specs.iter().map(|spec| &spec.then).find(|then| !then.is_empty());
    let then = then.into_iter().flatten().map(|action| Action(action.get_ref().clone())).collect();
    Create { when, hold, then }
}

/// Of all that reading and writing depend on.
fn digest(column: &Column) -> u64 {
    let cells: Vec<String> = column.cells.iter().map(|cell| cell.fingerprint()).collect();
    let set: &Fields = &column.set;
    let filter = column.filter.as_ref().map(Expr::text);
    xxh3_64(format!("{} {filter:?} {set:?} {cells:?}", column.resource).as_bytes())
}
