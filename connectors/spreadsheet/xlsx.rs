//! Reading .xlsx and .xlsm: calamine's cells as ours.

use std::io::Cursor;
use std::path::Path;

use calamine::{DataRef, ExcelDateTime, Reader, SheetType, Xlsx, XlsxError};
use passerelle_core::{Error, ErrorKind, Result};

use super::cell::{Cell, NOT_COMPUTED, number_text};
use super::grid::{Area, Grid, Spot};
use super::stale::Formula;

/// An open workbook.
pub(super) struct Book<'a> {
    path: &'a Path,
    xlsx: Xlsx<Cursor<&'a [u8]>>,
}

impl<'a> Book<'a> {
    /// Opens it; `bytes` were proven by [`super::package::Package`].
    ///
    /// # Errors
    /// `Config` when it is no workbook.
    pub(super) fn open(path: &'a Path, bytes: &'a [u8]) -> Result<Self> {
        let xlsx = Xlsx::new(Cursor::new(bytes)).map_err(|cause| unreadable(path, cause))?;
        Ok(Self { path, xlsx })
    }

    /// The sheets, in the order of their tabs.
    pub(super) fn sheets(&self) -> Vec<String> {
        self.xlsx.sheet_names()
    }

    /// The named ranges, as `(name, "Tarif!$A$5:$H$31")`.
    pub(super) fn names(&self) -> Vec<(String, String)> {
        self.xlsx.defined_names().to_vec()
    }

    /// All formulas of all sheets.
    ///
    /// # Errors
    /// `Config` when the XML cannot be read.
    pub(super) fn formulas(&mut self) -> Result<Vec<Formula>> {
        let path = self.path;
        let unreadable = |cause| unreadable(path, cause);
        let sheets = self.xlsx.sheets_metadata().iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
        let sheets: Vec<String> = sheets.map(|sheet| sheet.name.clone()).collect();
        let mut found = Vec::new();
        for sheet in sheets {
            let mut cells = self.xlsx.worksheet_cells_reader(&sheet).map_err(unreadable)?;
            while let Some(cell) = cells.next_cell_with_formula().map_err(unreadable)? {
                let Some(text) = cell.formula else { continue };
                let spot = Spot { row: cell.pos.0, column: cell.pos.1 };
                found.push(Formula { sheet: sheet.clone(), spot, text });
            }
        }
        Ok(found)
    }

    /// A sheet's cells.
    ///
    /// # Errors
    /// `Config` when its XML cannot be read or it has too many cells.
    pub(super) fn grid(&mut self, sheet: &str) -> Result<Grid> {
        let path = self.path;
        let unreadable = |cause| unreadable(path, cause);
        let mut grid = Grid::default();
        for area in self.xlsx.merge_cells_by_sheet_name(sheet).map_err(unreadable)? {
            let spot = |(row, column)| Spot { row, column };
            grid.merged.push(Area { first: spot(area.start), last: spot(area.end) });
        }
        let mut cells = self.xlsx.worksheet_cells_reader(sheet).map_err(unreadable)?;
        while let Some(found) = cells.next_cell_with_formula_metadata().map_err(unreadable)? {
            let spot = Spot { row: found.pos.0, column: found.pos.1 };
            let mut cell = cell(found.value);
            if found.formula.is_some() {
                grid.formulas.insert(spot);
                cell = cell.or_else(|| Some(Cell::Error(NOT_COMPUTED.to_owned())));
            }
            grid.set(spot, cell)?;
        }
        Ok(grid)
    }
}

fn unreadable(path: &Path, cause: XlsxError) -> Error {
    Error::new(ErrorKind::Config, format!("{} cannot be read as a workbook", path.display())).because(cause)
}

fn cell(value: DataRef<'_>) -> Option<Cell> {
    Some(match value {
        DataRef::Empty => return None,
        DataRef::Int(number) => Cell::Number(number.to_string()),
        DataRef::Float(number) => Cell::Number(number_text(number)),
        DataRef::String(text) => Cell::Text(text),
        DataRef::SharedString(text) => Cell::Text(text.to_owned()),
        DataRef::Bool(yes) => Cell::Bool(yes),
        DataRef::DateTime(instant) => date(instant),
        DataRef::DateTimeIso(text) => Cell::Date(text.strip_suffix("T00:00:00").unwrap_or(&text).to_owned()),
        DataRef::DurationIso(text) => Cell::Text(text),
        DataRef::Error(error) => Cell::Error(error.to_string()),
    })
}

/// A date, a date with a time, or a time of day; a duration stays its number of days.
fn date(instant: ExcelDateTime) -> Cell {
    if instant.is_duration() {
        return Cell::Number(number_text(instant.as_f64()));
    }
    let (year, month, day, hour, minute, second, _) = instant.to_ymd_hms_milli();
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    if instant.as_f64() < 1.0 {
        return Cell::Text(time);
    }
    let day = format!("{year:04}-{month:02}-{day:02}");
    Cell::Date(if time == "00:00:00" { day } else { format!("{day}T{time}") })
}
