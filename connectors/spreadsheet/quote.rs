//! Quote workbooks: one file is one record, with its header cells and its lines.

use std::collections::BTreeMap;
use std::path::PathBuf;

use passerelle_core::connector::{FieldSchema, Page, Schema};
use passerelle_core::model::{Cursor, Fields, Record, RemoteId};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::cell::Cell;
use super::config::{LinesConfig, QuoteConfig};
use super::disk::{self, Snapshot};
use super::files;
use super::grid::{Area, Grid, Spot};
use super::source::Source;
use super::table::{header_text, options};
use super::text::Hints;

/// Files of one page.
const PAGE: usize = 200;
/// Rows below which a table of lines is not looked for further.
const MOST_LINES: u32 = 10_000;
/// A row without any of these ends the table.
const ENDING: [&str; 3] = ["sku", "description", "quantity"];

/// The configured workbooks.
#[derive(Debug)]
pub(super) struct Quotes {
    path: PathBuf,
    sheet: Option<String>,
    /// Field and place, the number first.
    cells: Vec<(String, String)>,
    lines: LinesConfig,
}

impl Quotes {
    pub(super) fn new(config: &QuoteConfig, sheet: Option<String>, path: PathBuf) -> Self {
        let named = [
            ("customer_name", &config.customer_name),
            ("customer_vat", &config.customer_vat),
            ("date", &config.date),
            ("currency", &config.currency),
            ("status", &config.status),
        ];
        let mut cells = vec![("number".to_owned(), config.number.clone())];
        cells.extend(named.iter().filter_map(|(name, place)| Some(((*name).to_owned(), place.as_ref()?.clone()))));
        cells.extend(config.cells.iter().map(|(name, place)| (name.clone(), place.clone())));
        Self { path, sheet, cells, lines: config.lines.clone() }
    }

    /// How many workbooks there are.
    pub(super) fn summary(&self) -> Result<String> {
        Ok(format!("{}: {} quotes", self.path.display(), self.all()?.len()))
    }

    pub(super) fn describe(&self) -> Schema {
        let scalars = self.cells.iter().map(|(name, _)| FieldSchema::new(name.clone(), "string"));
        let lines = self.lines.columns.keys().map(|name| FieldSchema::new(format!("lines[].{name}"), "string"));
        let others = ["file", "lines[].row"].map(|name| FieldSchema::new(name, "string"));
        let list = FieldSchema::new("lines", "array");
        Schema { fields: scalars.chain([list]).chain(lines).chain(others).map(FieldSchema::read_only).collect() }
    }

    /// A page of all quotes; nothing while no file changed.
    pub(super) fn changes(&self, since: Option<&Cursor>, salt: &str) -> Result<Page> {
        let snapshots = self.snapshots()?;
        let hashes: Vec<String> = snapshots.iter().map(|s| format!("{} {}", s.path.display(), s.hash)).collect();
        let mark = disk::hash(format!("{salt}\n{}", hashes.join("\n")).as_bytes());
        files::page(&mark, since, PAGE, |from| {
            let records = self.records(&snapshots)?;
            let total = records.len();
            Ok((records.into_iter().skip(from).take(PAGE).collect(), total))
        })
    }

    /// All quotes.
    pub(super) fn all(&self) -> Result<Vec<Record>> {
        self.records(&self.snapshots()?)
    }

    fn snapshots(&self) -> Result<Vec<Snapshot>> {
        disk::workbooks(&self.path)?.iter().map(|path| disk::read(path)).collect()
    }

    fn records(&self, snapshots: &[Snapshot]) -> Result<Vec<Record>> {
        let mut records: Vec<Record> = Vec::new();
        for snapshot in snapshots {
            let record = self.record(snapshot).map_err(|error| error.at("file", snapshot.path.display()))?;
            if let Some(first) = records.iter().find(|other| other.id == record.id) {
                let file = |record: &Record| record.fields.get("file").and_then(Value::as_str).unwrap_or("").to_owned();
                let text = format!("{} and {} are both quote {}", file(first), file(&record), record.id);
                return Err(Error::new(ErrorKind::Config, text));
            }
            records.push(record);
        }
        Ok(records)
    }

    fn record(&self, snapshot: &Snapshot) -> Result<Record> {
        let mut source = Source::open(snapshot, Hints::default())?;
        let home = match &self.sheet {
            Some(sheet) => source.place(sheet)?.sheet,
            None => source.first()?.sheet,
        };
        let mut grids = BTreeMap::new();
        let mut fields = Fields::new();
        for (name, place) in &self.cells {
            fields.insert(name.clone(), scalar(&mut source, &mut grids, place, &home)?);
        }
        let id = match fields.get("number") {
            Some(Value::String(number)) if !number.trim().is_empty() => RemoteId::new(number.trim()),
            _ => {
                let place = self.cells.first().map_or("", |(_, place)| place.as_str());
                return Err(Error::new(ErrorKind::Config, format!("the quote has no number in {place}")));
            }
        };
        fields.insert("lines".to_owned(), Value::Array(self.lines(&mut source, &home)?));
        let file = snapshot.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        fields.insert("file".to_owned(), Value::from(file));
        Ok(Record::new(id, fields))
    }

    fn lines(&self, source: &mut Source<'_>, home: &str) -> Result<Vec<Value>> {
        let (sheet, area) = match self.lines.at.parse::<Spot>() {
            Ok(first) => {
                (home.to_owned(), Area { first, last: Spot { row: first.row + MOST_LINES, column: u32::MAX } })
            }
            Err(_) => {
                let place = source.place(&self.lines.at)?;
                let whole =
                    Area { first: Spot { row: 0, column: 0 }, last: Spot { row: MOST_LINES, column: u32::MAX } };
                (place.sheet, place.area.unwrap_or(whole))
            }
        };
        let grid = source.grid(&sheet)?;
        let columns = self.columns(&grid, area)?;
        let mut lines = Vec::new();
        for row in area.first.row + 1..=area.last.row {
            let line: Fields = columns
                .iter()
                .map(|(name, column)| {
                    (name.clone(), grid.cell(Spot { row, column: *column }).map_or(Value::Null, Cell::json))
                })
                .collect();
            let is_blank = |name: &&str| {
                line.get(*name).is_none_or(|v| v.is_null() || v.as_str().is_some_and(|t| t.trim().is_empty()))
            };
            if ENDING.iter().all(is_blank) {
                break;
            }
            let mut line = line;
            line.entry("row").or_insert_with(|| Value::from(row + 1));
            lines.push(Value::Object(line));
        }
        Ok(lines)
    }

    /// The columns of the lines' fields.
    fn columns(&self, grid: &Grid, area: Area) -> Result<Vec<(String, u32)>> {
        let row = area.first.row;
        let headers: Vec<(u32, String)> = grid
            .row(row)
            .filter(|(column, _)| (area.first.column..=area.last.column).contains(column))
            .map(|(column, cell)| (column, header_text(&cell.text())))
            .collect();
        let find = |(name, header): (&String, &String)| {
            let wanted = header_text(header);
            let found = headers.iter().find(|(_, text)| *text == wanted);
            found.map(|(column, _)| (name.clone(), *column)).ok_or_else(|| {
                let texts: Vec<&str> = headers.iter().map(|(_, text)| text.as_str()).collect();
                let text = format!("the lines have no column {header:?} in row {}{}", row + 1, options(header, &texts));
                Error::new(ErrorKind::Config, text)
            })
        };
        self.lines.columns.iter().map(find).collect()
    }
}

/// A header value: the constant after `=`, or what the cell holds.
fn scalar(source: &mut Source<'_>, grids: &mut BTreeMap<String, Grid>, place: &str, home: &str) -> Result<Value> {
    if let Some(constant) = place.strip_prefix('=') {
        return Ok(Value::from(constant));
    }
    let (sheet, spot) = source.spot(place, home)?;
    if !grids.contains_key(&sheet) {
        grids.insert(sheet.clone(), source.grid(&sheet)?);
    }
    Ok(grids.get(&sheet).and_then(|grid| grid.cell(spot)).map_or(Value::Null, Cell::json))
}
