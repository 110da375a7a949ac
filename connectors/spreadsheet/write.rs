//! Writing: a plan becomes a new file, which is read back and compared before it takes the old one's place.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::connector::{Preparation, Prepare, Removal, State};
use passerelle_core::model::{Need, Outcome, RemoteId, ResourceName, Write, Written};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::cell::{Cell, NOT_COMPUTED};
use super::cell_xml::Ink;
use super::disk::{self, Snapshot};
use super::files::Files;
use super::grid::{Grid, Spot};
use super::package::Package;
use super::plan::Plan;
use super::sheet_xml::Edit;
use super::source::{Format, Place, Source};
use super::table::{HUB_KEY, Table, header_text};
use super::workbook_xml;

const ONLY_READ: &str = "an .ods file is only read; save it as .xlsx to have it written";
const RANGE_IS_FIXED: &str = "a named range does not grow by itself; use its sheet as the resource to add rows";

impl Files {
    /// Makes the writes in one new file.
    pub(super) fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        if self.quotes(resource)?.is_some() {
            return Err(Error::new(ErrorKind::Unsupported, "quote workbooks are only read"));
        }
        if Format::of(&self.path)? == Format::Ods {
            return Err(Error::new(ErrorKind::Unsupported, ONLY_READ));
        }
        let _one = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let snapshot = disk::read(&self.path)?;
        let mut source = Source::open(&snapshot, self.hints)?;
        let place = self.place(&source, resource)?;
        let grid = source.grid(&place.sheet)?;
        let table = Table::find(&grid, place.area, &self.layout)?;
        let check = |spot: Spot, cell: &Option<Cell>| check(&source, spot, cell.as_ref());
        let mut plan = Plan::new(&table, &check, place.area.map(|_| RANGE_IS_FIXED));
        let planned: Vec<Result<RemoteId>> = writes.iter().map(|write| plan.add(write)).collect();
        let edits = plan.edits;
        if edits.is_empty() {
            return Ok(outcomes(planned, &table));
        }
        let new = self.edited(&snapshot, &mut source, &place, &grid, &edits)?;
        if let Err(error) = disk::replace(&snapshot, &new.bytes) {
            if error.kind() != ErrorKind::OutcomeUnknown {
                return Err(error);
            }
            let unknown = || Error::new(ErrorKind::OutcomeUnknown, error.message());
            return Ok(planned.into_iter().map(|planned| planned.and_then(|_| Err(unknown()))).collect());
        }
        self.with_table(&new, resource, |table, _| Ok(outcomes(planned, table)))
    }

    /// Adds the column of the hub's key; tells which other columns are missing.
    pub(super) fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        if self.quotes(resource)?.is_some() {
            return Ok(Vec::new());
        }
        let _one = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let snapshot = disk::read(&self.path)?;
        let mut source = Source::open(&snapshot, self.hints)?;
        let place = self.place(&source, resource)?;
        let grid = source.grid(&place.sheet)?;
        let table = Table::find(&grid, place.area, &self.layout)?;
        let can_add = place.area.is_none() && Format::of(&self.path)? != Format::Ods;
        let mut done = Vec::new();
        for need in needs.iter().filter(|need| need.path != "row") {
            let header = header_text(&need.path);
            let (state, how) = match (how, can_add && header == HUB_KEY) {
                _ if table.column(&need.path).is_ok() => (State::There, format!("the column {header:?}")),
                (_, false) => (State::Manual, format!("add a column with the header {header:?} to {}", place.sheet)),
                (Prepare::Tell | Prepare::Pack, true) => {
                    (State::WouldCreate, format!("a column {header:?} after the last one"))
                }
                (Prepare::Create, true) => {
                    let new = self.edited(&snapshot, &mut source, &place, &grid, &header_edits(&table))?;
                    disk::replace(&snapshot, &new.bytes)?;
                    (State::Created, format!("a column {header:?} after the last one"))
                }
            };
            done.push(Preparation { path: need.path.clone(), thing: format!("{resource}/{header}"), state, how });
        }
        Ok(done)
    }

    /// Empties the column of the hub's key, header included; nothing else of a sheet is the hub's.
    pub(super) fn remove(&self, thing: &str) -> Result<Removal> {
        let Some(resource) = thing.strip_suffix(HUB_KEY).and_then(|rest| rest.strip_suffix('/')) else {
            return Err(Error::new(ErrorKind::Bug, "the hub made no such column").at("thing", thing));
        };
        let _one = self.writing.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let snapshot = disk::read(&self.path)?;
        let mut source = Source::open(&snapshot, self.hints)?;
        let place = self.place(&source, &resource.into())?;
        let grid = source.grid(&place.sheet)?;
        let table = Table::find(&grid, place.area, &self.layout)?;
        let Ok(column) = table.column(HUB_KEY) else { return Ok(Removal::Gone) };
        let below = |spot: &Spot| spot.column == column.index && spot.row >= table.header_row;
        let spots = grid.cells().map(|(spot, _)| spot).filter(below);
        let edits = spots.map(|spot| (spot, Edit { cell: None, style_of: None })).collect();
        let new = self.edited(&snapshot, &mut source, &place, &grid, &edits)?;
        disk::replace(&snapshot, &new.bytes)?;
        Ok(Removal::Removed("the column is empty, with its header".to_owned()))
    }

    /// The file with cells edited, read back and compared cell by cell.
    fn edited(
        &self,
        old: &Snapshot,
        source: &mut Source<'_>,
        place: &Place,
        grid: &Grid,
        edits: &BTreeMap<Spot, Edit>,
    ) -> Result<Snapshot> {
        let stale = source.stale(&place.sheet, edits.keys().copied().collect())?;
        let bytes = match (source.text(), Format::of(&old.path)?) {
            (Some(file), _) => file.with(edits)?,
            (None, Format::Xlsx) => {
                let mut package = Package::open(&old.path, &old.bytes)?;
                workbook_xml::edited(&mut package, &place.sheet, edits, &stale)?
            }
            (None, _) => return Err(Error::new(ErrorKind::Unsupported, ONLY_READ)),
        };
        let new = Snapshot { path: old.path.clone(), hash: disk::hash(&bytes), bytes, modified: None };
        let read_back = Source::open(&new, self.hints)?.grid(&place.sheet)?;
        let stale = stale.get(&place.sheet.to_lowercase()).cloned().unwrap_or_default();
        compare(grid, edits, &stale, &read_back)?;
        Ok(new)
    }
}

/// The header of the hub's key after the last column; the last row grows with it, so that no row seems cut.
fn header_edits(table: &Table<'_>) -> BTreeMap<Spot, Edit> {
    let last = table.columns.last().map_or(0, |column| column.index);
    let rightmost = table.grid.row(table.header_row).map(|(column, _)| column).max().unwrap_or(last).max(last);
    let spot = |row| Spot { row, column: rightmost + 1 };
    let style_of = Some(Spot { row: table.header_row, column: last });
    let header = Edit { cell: Some(Cell::Text(HUB_KEY.to_owned())), style_of };
    let mut edits = BTreeMap::from([(spot(table.header_row), header)]);
    if let Some((_, row)) = table.rows.last() {
        edits.insert(spot(*row), Edit { cell: None, style_of: None });
    }
    edits
}

fn outcomes(planned: Vec<Result<RemoteId>>, table: &Table<'_>) -> Vec<Outcome> {
    let written = |id: RemoteId| {
        let record = table.row_of(id.as_str()).map(|row| table.record(id.as_str(), row));
        Written { id, record }
    };
    planned.into_iter().map(|planned| planned.map(written)).collect()
}

/// Refuses a cell that the format cannot hold, so that one bad value does not spoil the whole batch.
fn check(source: &Source<'_>, spot: Spot, cell: Option<&Cell>) -> Result<()> {
    match source.text() {
        Some(file) => file.dialect.write(cell).map(drop),
        None => Ink { is_1904: false }.cell("", spot, None, cell).map(drop),
    }
}

/// Refuses a new file that differs from the old one in any but the edited cells.
fn compare(old: &Grid, edits: &BTreeMap<Spot, Edit>, stale: &BTreeSet<Spot>, new: &Grid) -> Result<()> {
    let wrong = |spot: Spot| {
        let text = format!("the edited file would read differently in {spot}, so the file was left as it is");
        Error::new(ErrorKind::Bug, text)
    };
    let is_computed_later =
        |spot: Spot| stale.contains(&spot) && new.cell(spot) == Some(&Cell::Error(NOT_COMPUTED.to_owned()));
    let json = |cell: Option<&Cell>| cell.filter(|cell| !cell.is_blank()).map_or(Value::Null, Cell::json);
    for (spot, edit) in edits {
        if json(new.cell(*spot)) != json(edit.cell.as_ref()) {
            return Err(wrong(*spot));
        }
    }
    let both = old.cells().chain(new.cells()).map(|(spot, _)| spot).filter(|spot| !edits.contains_key(spot));
    for spot in both {
        if json(old.cell(spot)) != json(new.cell(spot)) && !is_computed_later(spot) {
            return Err(wrong(spot));
        }
    }
    if old.formulas != new.formulas || old.merged != new.merged {
        return Err(wrong(Spot { row: 0, column: 0 }));
    }
    Ok(())
}
