//! A table in a grid: which row holds the headers, which column the key, which rows are records.

use std::collections::HashMap;

use passerelle_core::diagnostic::suggestion;
use passerelle_core::model::{ExternalKey, Fields, Record, RemoteId, Version, content_hash};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::cell::Cell;
use super::grid::{Area, Grid, Spot, column_letters};

/// The column that keeps the hub's key of the rows it created.
pub(super) const HUB_KEY: &str = "hub_external_id";

/// Headers are looked for in this many rows.
const HEADER_ROWS: u32 = 20;

/// Headers that name a key column when config.toml does not.
const KEY_NAMES: [&str; 12] = [
    "id",
    "identifiant",
    "référence",
    "reference",
    "réf",
    "ref",
    "code",
    "sku",
    "numéro",
    "code client",
    "code article",
    "n°",
];

/// What config.toml says of the table.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// Header of the key column.
    pub(super) key: Option<String>,
    /// Row of the headers, from 1.
    pub(super) header_row: Option<u32>,
}

/// A column with a header.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Column {
    /// The header's text, with single spaces and without full stops, which separate the parts of a mapping's path.
    pub(super) name: String,
    pub(super) index: u32,
}

/// A table.
#[derive(Debug)]
pub(super) struct Table<'a> {
    pub(super) grid: &'a Grid,
    pub(super) header_row: u32,
    pub(super) columns: Vec<Column>,
    key: u32,
    /// Key and row of each record, top down.
    pub(super) rows: Vec<(String, u32)>,
    by_key: HashMap<String, u32>,
}

impl<'a> Table<'a> {
    /// Finds the table in `grid`, or in a part of it.
    ///
    /// # Errors
    /// `Config` when there is no key column, two headers are the same, a row has no key, or two rows have the same.
    pub(super) fn find(grid: &'a Grid, area: Option<Area>, layout: &Layout) -> Result<Self> {
        let header_row = header_row(grid, area, layout)?;
        let columns = columns(grid, area, header_row)?;
        let key = columns.iter().find(|column| is_key(&column.name, layout)).ok_or_else(|| no_key(&columns, layout))?;
        let key = key.index;
        let mut table = Self { grid, header_row, columns, key, rows: Vec::new(), by_key: HashMap::new() };
        for row in grid.row_numbers().filter(|row| *row > header_row && area.is_none_or(|a| *row <= a.last.row)) {
            table.add(row)?;
        }
        Ok(table)
    }

    fn add(&mut self, row: u32) -> Result<()> {
        if !self.columns.iter().any(|c| self.at(row, c).is_some_and(|cell| !cell.is_blank())) {
            return Ok(());
        }
        let people_row = row + 1;
        let key = self.grid.cell(Spot { row, column: self.key }).map(Cell::text).unwrap_or_default();
        if key.is_empty() {
            let text = format!("row {people_row} has no value in the key column {:?}", self.key_name());
            return Err(Error::new(ErrorKind::Config, text).at("row", people_row));
        }
        if let Some(first) = self.by_key.insert(key.clone(), row) {
            let text = format!(
                "rows {} and {people_row} both have {key:?} in the key column {:?}; make them differ",
                first + 1,
                self.key_name()
            );
            return Err(Error::new(ErrorKind::Config, text).at("row", people_row));
        }
        self.rows.push((key, row));
        Ok(())
    }

    /// Header of the key column.
    pub(super) fn key_name(&self) -> &str {
        self.columns.iter().find(|c| c.index == self.key).map_or("", |c| c.name.as_str())
    }

    /// The row of a record.
    pub(super) fn row_of(&self, id: &str) -> Option<u32> {
        self.by_key.get(id).copied()
    }

    /// The cell of a row under a column.
    pub(super) fn at(&self, row: u32, column: &Column) -> Option<&'a Cell> {
        self.grid.cell(Spot { row, column: column.index })
    }

    /// The column with this header.
    ///
    /// # Errors
    /// `Config` with the headers there are.
    pub(super) fn column(&self, name: &str) -> Result<&Column> {
        let wanted = header_text(name);
        self.columns.iter().find(|column| column.name == wanted).ok_or_else(|| {
            let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            Error::new(ErrorKind::Config, format!("there is no column {name:?}{}", options(name, &names)))
        })
    }

    /// The record in a row.
    pub(super) fn record(&self, id: &str, row: u32) -> Record {
        let mut fields = Fields::new();
        for column in &self.columns {
            fields.insert(column.name.clone(), self.at(row, column).map_or(Value::Null, Cell::json));
        }
        let version = Version::new(format!("{:016x}", content_hash(&fields, 0)));
        let key = fields.get(HUB_KEY).and_then(Value::as_str).map(ExternalKey::from);
        fields.entry("row").or_insert_with(|| Value::from(row + 1));
        Record { version: Some(version), key, ..Record::new(RemoteId::new(id), fields) }
    }
}

/// A header's text as a field name.
pub(super) fn header_text(text: &str) -> String {
    text.replace('.', "").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `; the choices are a, b; did you mean a?`
pub(super) fn options(word: &str, candidates: &[&str]) -> String {
    let meant = suggestion(word, candidates.iter().copied()).map(|near| format!("; did you mean {near:?}?"));
    format!("; there are: {}{}", candidates.join(", "), meant.unwrap_or_default())
}

fn is_key(header: &str, layout: &Layout) -> bool {
    match &layout.key {
        Some(key) => header_text(key).to_lowercase() == header.to_lowercase(),
        None => KEY_NAMES.contains(&header.to_lowercase().as_str()),
    }
}

fn no_key(columns: &[Column], layout: &Layout) -> Error {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let text = match &layout.key {
        Some(key) => format!("no header in the first {HEADER_ROWS} rows is the key {key:?}{}", options(key, &names)),
        None => format!("name the key column with `key = \"...\"`; the headers are: {}", names.join(", ")),
    };
    Error::new(ErrorKind::Config, text)
}

/// The row of the headers: the configured one, or the fullest of the first rows that holds the key's header.
fn header_row(grid: &Grid, area: Option<Area>, layout: &Layout) -> Result<u32> {
    if let Some(row) = layout.header_row {
        return row.checked_sub(1).ok_or_else(|| Error::new(ErrorKind::Config, "header_row counts from 1"));
    }
    let top = area.map_or(0, |area| area.first.row);
    let candidates = grid.row_numbers().filter(|row| (top..top + HEADER_ROWS).contains(row));
    let mut best: Option<(usize, u32)> = None;
    let mut fullest: (usize, u32) = (0, top);
    for row in candidates {
        let texts = || grid.row(row).filter(|(column, cell)| is_within(area, *column) && !cell.is_blank());
        let filled = texts().count();
        if filled > fullest.0 {
            fullest = (filled, row);
        }
        let key = texts().find(|(_, cell)| matches!(cell, Cell::Text(text) if is_key(&header_text(text), layout)));
        if let Some((column, _)) = key
            && best.is_none_or(|(most, _)| filled > most)
        {
            let bottom = grid.merged_at(Spot { row, column }).map_or(row, |merged| merged.last.row);
            best = Some((filled, bottom));
        }
    }
    best.map(|(_, row)| row).ok_or_else(|| no_key(&columns(grid, area, fullest.1).unwrap_or_default(), layout))
}

fn is_within(area: Option<Area>, column: u32) -> bool {
    area.is_none_or(|area| (area.first.column..=area.last.column).contains(&column))
}

/// The columns that have a header; one name twice is told apart by the merged header above it.
fn columns(grid: &Grid, area: Option<Area>, header_row: u32) -> Result<Vec<Column>> {
    let mut indexes: Vec<u32> = grid.row(header_row).map(|(column, _)| column).collect();
    let reaching = grid.merged.iter().filter(|a| (a.first.row..=a.last.row).contains(&header_row));
    indexes.extend(reaching.map(|area| area.first.column));
    indexes.sort_unstable();
    indexes.dedup();
    indexes.retain(|column| is_within(area, *column));
    let named = |row: u32, column: u32| {
        let spot = Spot { row, column };
        let spot = grid.merged_at(spot).map_or(spot, |merged| merged.first);
        grid.cell(spot).map(|cell| header_text(&cell.text())).filter(|name| !name.is_empty())
    };
    let columns: Vec<Column> =
        indexes.iter().filter_map(|&index| Some(Column { name: named(header_row, index)?, index })).collect();
    let twice = |column: &Column| columns.iter().filter(|other| other.name == column.name).count() > 1;
    let told_apart: Vec<Column> = columns
        .iter()
        .map(|column| match header_row.checked_sub(1).and_then(|above| named(above, column.index)) {
            Some(group) if twice(column) => Column { name: format!("{group} {}", column.name), index: column.index },
            _ => column.clone(),
        })
        .collect();
    for (i, column) in told_apart.iter().enumerate() {
        if let Some(first) = told_apart.iter().take(i).find(|other| other.name == column.name) {
            let (a, b) = (column_letters(first.index), column_letters(column.index));
            let text = format!("columns {a} and {b} have the same header {:?}; make them differ", column.name);
            return Err(Error::new(ErrorKind::Config, text).at("row", header_row + 1));
        }
    }
    Ok(told_apart)
}
