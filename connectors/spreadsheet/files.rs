//! Reading: files as pages of records.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::SystemTime;

use passerelle_core::clock::Timestamp;
use passerelle_core::connector::{FieldSchema, Lookup, Page, Schema};
use passerelle_core::model::{Cursor, Record, RemoteId, ResourceName};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::cell::Cell;
use super::config::Config;
use super::disk::{self, Snapshot};
use super::grid::{Area, Spot};
use super::quote::Quotes;
use super::source::{Place, Source};
use super::table::{HUB_KEY, Layout, Table};
use super::text::Hints;

/// Records of one page.
const PAGE: usize = 2000;
/// A text file without a last line end is left alone for so many seconds after a change.
const SETTLING: i64 = 2;

/// The configured file or files.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) path: PathBuf,
    pub(super) hints: Hints,
    pub(super) layout: Layout,
    sheet: Option<String>,
    range: Option<String>,
    quotes: Option<Quotes>,
    /// One write of the hub's at a time; other programs are met by comparing hashes.
    pub(super) writing: Mutex<()>,
    /// Tells one configuration from another, so that a changed one reads everything again.
    salt: String,
}

impl Files {
    /// # Errors
    /// `Config` for options that cannot be.
    pub(super) fn new(config: &Config, folder: &Path) -> Result<Self> {
        let path = folder.join(&config.path);
        let quotes = config.quote.as_ref().map(|quote| Quotes::new(quote, config.sheet.clone(), path.clone()));
        Ok(Self {
            path,
            hints: config.hints()?,
            layout: Layout { key: config.key.clone(), header_row: config.header_row },
            sheet: config.sheet.clone(),
            range: config.range.clone(),
            quotes,
            writing: Mutex::new(()),
            salt: format!("{config:?}"),
        })
    }

    /// The file and its sheets in a few words.
    pub(super) fn summary(&self) -> Result<String> {
        if let Some(quotes) = &self.quotes {
            return quotes.summary();
        }
        let snapshot = disk::read(&self.path)?;
        self.with_table(&snapshot, &"rows".into(), |table, place| {
            Ok(format!("{}, {}: {} rows", self.path.display(), place.sheet, table.rows.len()))
        })
    }

    /// The columns, and what they hold.
    pub(super) fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        if let Some(quotes) = self.quotes(resource)? {
            return Ok(quotes.describe());
        }
        let snapshot = disk::read(&self.path)?;
        self.with_table(&snapshot, resource, |table, _| Ok(schema(table)))
    }

    /// One page of all records; nothing while the file is the one that was read to its end.
    ///
    /// Rows that went away are not told.
    pub(super) fn changes(&self, resource: &ResourceName, since: Option<&Cursor>, now: Timestamp) -> Result<Page> {
        if let Some(quotes) = self.quotes(resource)? {
            return quotes.changes(since, &self.salt);
        }
        let snapshot = disk::read(&self.path)?;
        self.wait_until_settled(&snapshot, now)?;
        let mark = disk::hash(format!("{}\n{resource}\n{}", self.salt, snapshot.hash).as_bytes());
        page(&mark, since, PAGE, |from| {
            self.with_table(&snapshot, resource, |table, _| {
                let rows = table.rows.iter().skip(from).take(PAGE);
                let records = rows.map(|(id, row)| table.record(id, *row)).collect();
                Ok((records, table.rows.len()))
            })
        })
    }

    /// The rows with these keys.
    pub(super) fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        if let Some(quotes) = self.quotes(resource)? {
            return Ok(quotes.all()?.into_iter().filter(|record| ids.contains(&record.id)).collect());
        }
        let snapshot = disk::read(&self.path)?;
        self.with_table(&snapshot, resource, |table, _| {
            let found = ids.iter().filter_map(|id| Some((id, table.row_of(id.as_str())?)));
            Ok(found.map(|(id, row)| table.record(id.as_str(), row)).collect())
        })
    }

    /// The rows that have one of these values.
    pub(super) fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        let (path, values): (&str, Vec<&str>) = match by {
            Lookup::Key(keys) => (HUB_KEY, keys.iter().map(AsRef::as_ref).collect()),
            Lookup::Field { path, values } => (path, values.iter().map(String::as_str).collect()),
        };
        let has = |value: Option<&Value>| match value {
            Some(Value::String(text)) => values.contains(&text.as_str()),
            Some(Value::Bool(yes)) => values.contains(&yes.to_string().as_str()),
            Some(Value::Number(number)) => values.contains(&number.to_string().as_str()),
            _ => false,
        };
        if let Some(quotes) = self.quotes(resource)? {
            return Ok(quotes.all()?.into_iter().filter(|record| has(record.fields.get(path))).collect());
        }
        let snapshot = disk::read(&self.path)?;
        self.with_table(&snapshot, resource, |table, _| {
            if path == HUB_KEY && !table.columns.iter().any(|column| column.name == HUB_KEY) {
                return Ok(Vec::new());
            }
            let column = table.column(path)?;
            let found = table.rows.iter().filter(|(_, row)| has(table.at(*row, column).map(Cell::json).as_ref()));
            Ok(found.map(|(id, row)| table.record(id, *row)).collect())
        })
    }

    /// Finds a resource's table and works on it.
    pub(super) fn with_table<T>(
        &self,
        snapshot: &Snapshot,
        resource: &ResourceName,
        work: impl FnOnce(&Table<'_>, &Place) -> Result<T>,
    ) -> Result<T> {
        let mut source = Source::open(snapshot, self.hints)?;
        let place = self.place(&source, resource)?;
        let grid = source.grid(&place.sheet)?;
        let table = Table::find(&grid, place.area, &self.layout).map_err(|error| error.at("sheet", &place.sheet))?;
        work(&table, &place)
    }

    /// Where a resource is: `rows` is what config.toml says, any other is the name of a sheet or range.
    pub(super) fn place(&self, source: &Source<'_>, resource: &ResourceName) -> Result<Place> {
        let is_configured = self.range.as_deref() == Some(resource.as_str());
        if resource.as_str() != "rows" && !is_configured {
            return source.place(resource.as_str());
        }
        let sheet = match &self.sheet {
            Some(sheet) => source.place(sheet)?,
            None => source.first()?,
        };
        match self.range.as_deref() {
            None => Ok(sheet),
            Some(range) => match range.parse::<Area>() {
                Ok(area) => Ok(Place { area: Some(area), ..sheet }),
                Err(_) => source.place(range),
            },
        }
    }

    /// The quote workbooks, where the resource means them.
    pub(super) fn quotes(&self, resource: &ResourceName) -> Result<Option<&Quotes>> {
        match (&self.quotes, resource.as_str()) {
            (Some(quotes), "quotes") => Ok(Some(quotes)),
            (Some(_), other) => Err(Error::new(
                ErrorKind::Config,
                format!("quote workbooks have no resource {other:?}, only \"quotes\""),
            )),
            (None, _) => Ok(None),
        }
    }

    /// A text file may be cut in the middle of its last cell, which nothing but its age can tell.
    fn wait_until_settled(&self, snapshot: &Snapshot, now: Timestamp) -> Result<()> {
        let source = Source::open(snapshot, self.hints)?;
        if source.text().is_none_or(super::text::Sheet::ends_its_last_row) {
            return Ok(());
        }
        let modified = snapshot.modified.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let age = now.as_second() - modified.map_or(0, |at| at.as_secs() as i64);
        if (0..SETTLING).contains(&age) {
            return Err(disk::being_written(&snapshot.path));
        }
        Ok(())
    }
}

/// A page of `size` of a whole that `mark` names; the cursor is the mark and how far it was read.
pub(super) fn page(
    mark: &str,
    since: Option<&Cursor>,
    size: usize,
    read: impl FnOnce(usize) -> Result<(Vec<Record>, usize)>,
) -> Result<Page> {
    let read_to = since.and_then(|cursor| cursor.as_str().strip_prefix(mark)?.strip_prefix(':'));
    if read_to == Some("end") {
        return Ok(Page { records: Vec::new(), next: Cursor::new(format!("{mark}:end")), more: false });
    }
    let from = read_to.and_then(|from| from.parse().ok()).unwrap_or(0);
    let (records, total) = read(from)?;
    let to = from.saturating_add(size);
    let more = to < total;
    let next = if more { format!("{mark}:{to}") } else { format!("{mark}:end") };
    Ok(Page { records, next: Cursor::new(next), more })
}

fn schema(table: &Table<'_>) -> Schema {
    let fields = table.columns.iter().map(|column| {
        let cells = || table.rows.iter().filter_map(|(_, row)| table.at(*row, column));
        let all = |is: fn(&Cell) -> bool| cells().next().is_some() && cells().all(is);
        let kind = if all(|cell| matches!(cell, Cell::Number(_))) {
            "number"
        } else if all(|cell| matches!(cell, Cell::Bool(_))) {
            "boolean"
        } else if all(|cell| matches!(cell, Cell::Date(text) if text.len() == 10)) {
            "date"
        } else {
            "string"
        };
        let is_key = column.name == table.key_name();
        let spots = table.rows.iter().map(|(_, row)| Spot { row: *row, column: column.index });
        let is_formula = spots.into_iter().any(|spot| table.grid.formulas.contains(&spot));
        let field = FieldSchema::new(column.name.clone(), kind);
        FieldSchema { required: is_key, unique: is_key, writable: !is_formula, ..field }
    });
    Schema { fields: fields.chain([FieldSchema::new("row", "integer").read_only()]).collect() }
}
