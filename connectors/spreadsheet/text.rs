//! CSV as spreadsheets save it: its dialect recognised, its rows kept as they are until one is written.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::Path;

use encoding_rs::{Encoding, UTF_16BE, UTF_16LE};
use passerelle_core::{Error, ErrorKind, Result};

use super::cell::Cell;
use super::dialect::{Dialect, Row, delimiter, encoding, number, split};
use super::disk;
use super::grid::{Grid, Spot};
use super::sheet_xml::Edit;

const BOM: &[u8] = &[0xEF, 0xBB, 0xBF];

/// What config.toml says of the file; `None` is recognised.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hints {
    pub(super) delimiter: Option<u8>,
    pub(super) encoding: Option<&'static Encoding>,
    pub(super) decimal: Option<u8>,
}

/// A read file: its bytes, and where in them rows and cells are.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    bytes: &'a [u8],
    /// Where the text begins, after a byte order mark.
    start: usize,
    pub(super) dialect: Dialect,
    rows: Vec<Row>,
}

impl<'a> Sheet<'a> {
    /// Recognises the dialect and finds the rows.
    ///
    /// # Errors
    /// `Unavailable` when the last row is cut short, `Unsupported` for UTF-16.
    pub(super) fn open(path: &Path, bytes: &'a [u8], hints: Hints) -> Result<Self> {
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) || is_wide(hints.encoding) {
            let text = format!("{} is UTF-16 text; save it as CSV UTF-8", path.display());
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let start = if bytes.starts_with(BOM) { BOM.len() } else { 0 };
        let delimiter = hints.delimiter.unwrap_or_else(|| delimiter(bytes, start));
        let rows = split(bytes, start, delimiter).ok_or_else(|| disk::being_written(path))?;
        let is_cut = match rows.as_slice() {
            [.., before, last] => !bytes.ends_with(b"\n") && last.cells.len() < before.cells.len(),
            _ => false,
        };
        if is_cut {
            return Err(disk::being_written(path));
        }
        let dialect = Dialect {
            encoding: hints.encoding.unwrap_or_else(|| encoding(bytes)),
            is_guess: hints.encoding.is_none() && start == 0 && bytes.is_ascii(),
            delimiter,
            decimal: b'.',
            line_end: if bytes.windows(2).any(|pair| pair == b"\r\n") { "\r\n" } else { "\n" },
        };
        let mut sheet = Self { bytes, start, dialect, rows };
        sheet.dialect.decimal = hints.decimal.unwrap_or_else(|| sheet.decimal());
        Ok(sheet)
    }

    /// Whether the last row has its line end, as every row has in a file that was written to its end.
    pub(super) fn ends_its_last_row(&self) -> bool {
        self.bytes.ends_with(b"\n")
    }

    /// The cells.
    ///
    /// # Errors
    /// `Config` when there are too many, or the file is not in its encoding.
    pub(super) fn grid(&self) -> Result<Grid> {
        let mut grid = Grid::default();
        for (row, cells) in (0..).zip(&self.rows) {
            for (column, cell) in (0..).zip(&cells.cells) {
                let text = self.text(cell.clone())?;
                if !text.is_empty() {
                    grid.set(Spot { row, column }, Some(self.dialect.read(&text)))?;
                }
            }
        }
        Ok(grid)
    }

    /// The file with some cells replaced or added; every other byte stays.
    ///
    /// # Errors
    /// `Rejected` for what the file cannot hold.
    pub(super) fn with(&self, edits: &BTreeMap<Spot, Edit>) -> Result<Vec<u8>> {
        let mut out = self.bytes.get(..self.start).unwrap_or_default().to_vec();
        let mut from = self.start;
        for (number, row) in (0..).zip(&self.rows) {
            let whole = self.bytes.get(from..row.end).unwrap_or_default();
            match edits_of(edits, number) {
                edited if edited.is_empty() => out.extend_from_slice(whole),
                edited => out.extend(self.edited(row, &edited)?),
            }
            from = row.end;
        }
        let width = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(1);
        let below = edits.keys().map(|spot| spot.row).filter(|row| *row as usize >= self.rows.len());
        for number in below.collect::<BTreeSet<u32>>() {
            if !out.ends_with(b"\n") {
                out.extend_from_slice(self.dialect.line_end.as_bytes());
            }
            let blank = Row { cells: vec![0..0; width], end: 0 };
            out.extend(self.edited(&blank, &edits_of(edits, number))?);
            out.extend_from_slice(self.dialect.line_end.as_bytes());
        }
        Ok(out)
    }

    /// A row with the bytes of its untouched cells and its own line end.
    fn edited(&self, row: &Row, edits: &[(u32, Option<&Cell>)]) -> Result<Vec<u8>> {
        let raw = |range: Range<usize>| self.bytes.get(range).unwrap_or_default();
        let mut cells: Vec<Vec<u8>> = row.cells.iter().map(|cell| raw(cell.clone()).to_vec()).collect();
        for (column, cell) in edits {
            let column = *column as usize;
            if cells.len() <= column {
                cells.resize(column + 1, Vec::new());
            }
            if let Some(place) = cells.get_mut(column) {
                *place = self.dialect.write(*cell)?;
            }
        }
        let mut bytes = cells.join(&self.dialect.delimiter);
        bytes.extend_from_slice(raw(row.cells.last().map_or(0, |cell| cell.end)..row.end));
        Ok(bytes)
    }

    fn text(&self, cell: Range<usize>) -> Result<String> {
        let raw = self.bytes.get(cell).unwrap_or_default();
        let raw = match raw.strip_prefix(b"\"") {
            Some(quoted) => unquoted(quoted),
            None => raw.to_vec(),
        };
        let wrong = || Error::new(ErrorKind::Config, format!("the file is not {}", self.dialect.encoding.name()));
        let text = self.dialect.encoding.decode_without_bom_handling_and_without_replacement(&raw).ok_or_else(wrong)?;
        Ok(text.into_owned())
    }

    /// `,` where cells are numbers with a comma, `.` where they have a point; else as the delimiter suggests.
    fn decimal(&self) -> u8 {
        let cells = self.rows.iter().take(1000).flat_map(|row| row.cells.clone());
        let texts: Vec<String> = cells.filter_map(|cell| self.text(cell).ok()).collect();
        let has = |decimal| texts.iter().any(|text| number(text, decimal).is_some_and(|number| number.contains('.')));
        match (has(b','), has(b'.')) {
            (true, _) if self.dialect.delimiter != b',' => b',',
            (false, true) => b'.',
            _ if self.dialect.delimiter == b';' => b',',
            _ => b'.',
        }
    }
}

fn edits_of(edits: &BTreeMap<Spot, Edit>, row: u32) -> Vec<(u32, Option<&Cell>)> {
    let row = Spot { row, column: 0 }..=Spot { row, column: u32::MAX };
    edits.range(row).map(|(spot, edit)| (spot.column, edit.cell.as_ref())).collect()
}

fn unquoted(quoted: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(quoted.len());
    let mut bytes = quoted.iter().copied().peekable();
    let mut is_inside = true;
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' if is_inside && bytes.peek() == Some(&b'"') => {
                bytes.next();
                out.push(b'"');
            }
            b'"' if is_inside => is_inside = false,
            other => out.push(other),
        }
    }
    out
}

fn is_wide(encoding: Option<&'static Encoding>) -> bool {
    encoding.is_some_and(|encoding| encoding == UTF_16LE || encoding == UTF_16BE)
}
