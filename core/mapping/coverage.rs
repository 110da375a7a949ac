//! Which columns of fields and rows of tables no example exercised.

use std::collections::BTreeSet;

use serde_json::Value;

use super::cell::{Cell, Way};
use super::expr::Expr;
use super::path::Path;
use super::{Column, Entity};
use crate::model::Fields;

/// `name/hubspot`, `lines.quantity/hubspot`, `tables.stage: lead`; sorted.
pub(super) fn unexercised(entity: &Entity) -> Vec<String> {
    let (mut all, mut done) = (BTreeSet::new(), BTreeSet::new());
    for (name, column) in &entity.columns {
        for cell in &column.cells {
            expect(cell, "", name, &mut all);
        }
        for example in &entity.examples {
            if let Some(native) = example.natives.get(name) {
                exercise(column, name, native, &mut done);
            }
        }
    }
    all.difference(&done).cloned().collect()
}

fn expect(cell: &Cell, before: &str, column: &str, all: &mut BTreeSet<String>) {
    all.insert(format!("{before}{}/{column}", cell.field));
    if let Some(table) = &cell.table {
        let rows = table.natives().chain(table.has_otherwise().then_some("*"));
        all.extend(rows.map(|row| format!("tables.{}: {row}", table.name())));
    }
    for inner in &cell.each {
        expect(inner, &format!("{before}{}.", cell.field), column, all);
    }
}

fn exercise(column: &Column, name: &str, native: &Fields, done: &mut BTreeSet<String>) {
    for cell in &column.cells {
        touch(cell, "", name, native, done);
    }
}

fn touch(cell: &Cell, before: &str, column: &str, native: &Fields, done: &mut BTreeSet<String>) {
    let there = cell.path.get(native);
    let read = match &cell.read {
        Some(expr) => reads_something(expr, native),
        None => there.is_some_and(|value| !value.is_null()),
    };
    let written = cell.way == Way::WriteOnly && there.is_some();
    if (cell.reads() && read) || written {
        done.insert(format!("{before}{}/{column}", cell.field));
    }
    if let (Some(table), Some(row)) = (&cell.table, cell.row(native)) {
        done.insert(format!("tables.{}: {row}", table.name()));
    }
    if cell.each.is_empty() {
        return;
    }
    let path = cell.read.as_ref().and_then(Expr::path).map_or_else(|| cell.path.clone(), Path::parse);
    let lines = path.get(native).and_then(Value::as_array);
    for line in lines.into_iter().flatten().filter_map(Value::as_object) {
        for inner in &cell.each {
            touch(inner, &format!("{before}{}.", cell.field), column, line, done);
        }
    }
}

/// A constant reads nothing, and any example shows it.
fn reads_something(expr: &Expr, native: &Fields) -> bool {
    let paths = expr.paths();
    paths.is_empty() || paths.iter().any(|path| Path::parse(path).get(native).is_some_and(|value| !value.is_null()))
}
