//! What writes make of a table: the cells to edit, and an outcome for each write. Touches no file.

use std::collections::{BTreeMap, HashMap};

use passerelle_core::model::{ExternalKey, Fields, RemoteId, Version, Write};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::cell::Cell;
use super::grid::Spot;
use super::sheet_xml::Edit;
use super::table::{Column, HUB_KEY, Table};

/// Refuses a cell that the file's format cannot hold.
pub(super) type Check<'a> = dyn Fn(Spot, &Option<Cell>) -> Result<()> + 'a;

/// Edits in the making.
pub(super) struct Plan<'a> {
    table: &'a Table<'a>,
    check: &'a Check<'a>,
    /// Whether rows can be added; the reason why not.
    cannot_add: Option<&'static str>,
    pub(super) edits: BTreeMap<Spot, Edit>,
    next_row: u32,
    /// Keys and hub's keys of the rows that this plan adds.
    added: HashMap<String, ExternalKey>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(table: &'a Table<'a>, check: &'a Check<'a>, cannot_add: Option<&'static str>) -> Self {
        let next_row = table.grid.row_numbers().last().unwrap_or(table.header_row).max(table.header_row) + 1;
        Self { table, check, cannot_add, edits: BTreeMap::new(), next_row, added: HashMap::new() }
    }

    /// Adds one write; an error leaves the plan as it was.
    ///
    /// # Errors
    /// As in `Connector::write`, for this write alone.
    pub(super) fn add(&mut self, write: &Write) -> Result<RemoteId> {
        match write {
            Write::Archive { .. } => {
                Err(Error::new(ErrorKind::Unsupported, "a row is not put away; delete it by hand"))
            }
            Write::Update { then, .. } | Write::Create { then, .. } if !then.is_empty() => {
                Err(Error::new(ErrorKind::Unsupported, "a row has no state moves"))
            }
            Write::Update { id, fields, expect, .. } => self.update(id, fields, expect.as_ref()),
            Write::Create { key, fields, .. } => self.create(key, fields),
        }
    }

    fn update(&mut self, id: &RemoteId, fields: &Fields, expect: Option<&Version>) -> Result<RemoteId> {
        let gone = || Error::new(ErrorKind::NotFound, format!("no row has the key {id}"));
        let row = self.table.row_of(id.as_str()).ok_or_else(gone)?;
        if expect.is_some() && expect != self.table.record(id.as_str(), row).version.as_ref() {
            return Err(Error::new(ErrorKind::Stale, format!("row {} changed since it was read", row + 1)));
        }
        if let Some(key) = fields.get(self.table.key_name())
            && key.as_str().map(str::trim) != Some(id.as_str())
        {
            let text = format!("{:?} tells the rows apart and stays as it is", self.table.key_name());
            return Err(Error::new(ErrorKind::Rejected, text).at("field", self.table.key_name()));
        }
        let others: Fields = fields.iter().filter(|(name, _)| *name != self.table.key_name()).map(cloned).collect();
        let edits = self.edits_of(row, &others)?;
        self.edits.extend(edits);
        Ok(id.clone())
    }

    fn create(&mut self, key: &ExternalKey, fields: &Fields) -> Result<RemoteId> {
        if self.table.column(HUB_KEY).is_err() {
            let text = format!("rows are only added to a sheet with a column {HUB_KEY:?}; `passerelle setup` adds it");
            return Err(Error::new(ErrorKind::Config, text));
        }
        let bears = |(id, row): &&(String, u32)| self.table.record(id, *row).key.as_ref() == Some(key);
        if let Some((id, _)) = self.table.rows.iter().find(bears) {
            return self.update(&RemoteId::new(id.as_str()), fields, None);
        }
        let name = self.table.key_name();
        let id = fields.get(name).and_then(Value::as_str).map(str::trim).unwrap_or_default().to_owned();
        if id.is_empty() {
            return Err(Error::new(ErrorKind::Rejected, format!("a new row needs {name:?}")).at("field", name));
        }
        if self.added.get(&id) == Some(key) {
            return Ok(RemoteId::new(id));
        }
        if self.table.row_of(&id).is_some() || self.added.contains_key(&id) {
            let text = format!("there is already a row with {id:?} in {name:?}");
            return Err(Error::new(ErrorKind::Rejected, text).at("field", name));
        }
        if let Some(reason) = self.cannot_add {
            return Err(Error::new(ErrorKind::Unsupported, reason));
        }
        let mut fields = fields.clone();
        fields.insert(HUB_KEY.to_owned(), Value::from(key.as_str()));
        let edits = self.edits_of(self.next_row, &fields)?;
        self.edits.extend(edits);
        self.next_row += 1;
        self.added.insert(id.clone(), key.clone());
        Ok(RemoteId::new(id))
    }

    fn edits_of(&self, row: u32, fields: &Fields) -> Result<Vec<(Spot, Edit)>> {
        let mut edits = Vec::new();
        for (name, value) in fields {
            let column =
                self.table.column(name).map_err(|error| error.with_kind(ErrorKind::Rejected).at("field", name))?;
            edits.extend(self.edit(row, column, value).map_err(|error| error.at("field", name))?);
        }
        Ok(edits)
    }

    /// The edit that puts `value` under a column, if it changes anything.
    fn edit(&self, row: u32, column: &Column, value: &Value) -> Result<Option<(Spot, Edit)>> {
        let spot = Spot { row, column: column.index };
        let old = self.table.grid.cell(spot);
        let like = old.map(|cell| (spot, cell)).or_else(|| self.like(column));
        let cell = Cell::of(value, like.map(|(_, cell)| cell))?;
        if is_same(old, cell.as_ref()) {
            return Ok(None);
        }
        if self.table.grid.formulas.contains(&spot) {
            return Err(Error::new(ErrorKind::Rejected, format!("{spot} holds a formula, which stays")));
        }
        if self.table.grid.merged_at(spot).is_some_and(|area| area.first != spot) {
            return Err(Error::new(ErrorKind::Rejected, format!("{spot} is covered by a merged cell")));
        }
        (self.check)(spot, &cell)?;
        let style_of = if old.is_some() { None } else { like.map(|(like, _)| like) };
        Ok(Some((spot, Edit { cell, style_of })))
    }

    /// The lowest filled cell under a column that is no formula: what a new one looks like.
    fn like(&self, column: &Column) -> Option<(Spot, &'a Cell)> {
        self.table.rows.iter().rev().find_map(|(_, row)| {
            let spot = Spot { row: *row, column: column.index };
            let cell = self.table.grid.cell(spot)?;
            (!self.table.grid.formulas.contains(&spot)).then_some((spot, cell))
        })
    }
}

fn cloned((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// Whether two cells mean the same: `12.50` is `12.5`, and a blank text is an empty cell.
fn is_same(old: Option<&Cell>, new: Option<&Cell>) -> bool {
    match (old, new) {
        (Some(Cell::Number(old)), Some(Cell::Number(new))) => {
            let value = |text: &str| text.parse::<rust_decimal::Decimal>().ok();
            old == new || value(old).is_some_and(|old| Some(old) == value(new))
        }
        (old, new) => old.map(Cell::json) == new.map(Cell::json),
    }
}
