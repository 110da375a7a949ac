//! The laws of a two-way column: what is written comes back, what is read stays.

use serde_json::Value;

use super::cell::{Cell, Way, shown};
use super::kind::{Kind, samples};
use crate::model::Fields;

/// The counter-example of a column that would ping-pong.
pub(super) fn broken(cell: &Cell, required: bool) -> Option<String> {
    if cell.way != Way::Both || cell.kind == Kind::Lines || !stands_alone(cell) {
        return None;
    }
    let values = values(cell, required);
    let mut written = 0;
    let mut refusal = None;
    for value in &values {
        match write_then_read(cell, value) {
            Ok(()) => written += usize::from(!value.is_null()),
            Err(Broken::Law(words)) => return Some(words),
            Err(Broken::NotWritten(words)) => refusal = refusal.or(Some(words)),
        }
    }
    match refusal {
        Some(words) if written == 0 => Some(format!("no value of the type can be written: {words}")),
        _ => values.iter().flat_map(natives).find_map(|native| read_then_write(cell, &native)),
    }
}

enum Broken {
    Law(String),
    NotWritten(String),
}

fn write_then_read(cell: &Cell, value: &Value) -> Result<(), Broken> {
    let canonical = Fields::from_iter([(cell.field.as_str().to_owned(), value.clone())]);
    let mut native = Fields::new();
    if let Err(problems) = cell.write(&canonical, &mut native) {
        return Err(Broken::NotWritten(problems.first().map(|problem| problem.message.clone()).unwrap_or_default()));
    }
    let spelled = cell.path.get(&native).cloned().unwrap_or_default();
    let came_back = cell.read(&native).map_err(|problems| {
        let why = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
        Broken::Law(format!(
            "the value {} is written as {}, which cannot be read: {why}",
            shown(value),
            shown(&spelled)
        ))
    })?;
    if came_back == *value {
        return Ok(());
    }
    let (value, spelled, came_back) = (shown(value), shown(&spelled), shown(&came_back));
    Err(Broken::Law(format!("the value {value} is written as {spelled} and comes back as {came_back}")))
}

/// A native value that was read must, once written, mean the same.
fn read_then_write(cell: &Cell, native: &Value) -> Option<String> {
    let mut document = Fields::new();
    cell.path.put(&mut document, native.clone());
    let value = cell.read(&document).ok()?;
    // The table's row `*` is meant to lose which value it was.
    if cell.table.is_some() || value.is_null() {
        return None;
    }
    match write_then_read(cell, &value) {
        Err(Broken::Law(words)) => Some(format!("{} is read as {}; then {words}", shown(native), shown(&value))),
        // A record that cannot be written is parked with its reason; it does not go to and fro.
        Ok(()) | Err(Broken::NotWritten(_)) => None,
    }
}

/// An expression that needs the rest of the record is proven by examples, not here.
fn stands_alone(cell: &Cell) -> bool {
    let own = |path: &String, name: &str| path == name;
    let reads = cell.read.iter().flat_map(|expr| expr.paths()).all(|path| own(path, cell.path.text()));
    reads && cell.write.iter().flat_map(|expr| expr.paths()).all(|path| own(path, cell.field.as_str()))
}

fn values(cell: &Cell, required: bool) -> Vec<Value> {
    let kind = cell.by.as_ref().map_or(&cell.kind, |by| &by.kind);
    let mut values = match &cell.table {
        Some(table) => table.values().cloned().collect(),
        None => samples(kind),
    };
    if !required {
        values.push(Value::Null);
    }
    values
}

/// Other spellings of a value that a vendor or a person may have left.
fn natives(value: &Value) -> Vec<Value> {
    let Ok(text) = super::kind::text(value) else { return Vec::new() };
    vec![value.clone(), Value::from(text.clone()), Value::from(format!(" {text} ")), Value::from(text.to_lowercase())]
}
