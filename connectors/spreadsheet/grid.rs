//! A sheet as a sparse grid, and the addresses of its cells.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use passerelle_core::{Error, ErrorKind, Result};

use super::cell::Cell;

/// Filled cells that one sheet may have; more is refused, as all of them are held in memory.
const MOST_CELLS: usize = 4_000_000;

/// A cell's place; rows and columns count from 0, people see `A1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    pub(super) row: u32,
    pub(super) column: u32,
}

/// A rectangle of cells, both corners included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) first: Spot,
    pub(super) last: Spot,
}

/// A sheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Grid {
    rows: BTreeMap<u32, BTreeMap<u32, Cell>>,
    /// Where formulas are.
    pub(super) formulas: BTreeSet<Spot>,
    /// Merged cells.
    pub(super) merged: Vec<Area>,
    filled: usize,
}

impl Grid {
    /// The cell at `spot`, if it is filled.
    pub(super) fn cell(&self, spot: Spot) -> Option<&Cell> {
        self.rows.get(&spot.row)?.get(&spot.column)
    }

    /// Fills or empties a cell.
    ///
    /// # Errors
    /// `Config` when the sheet has more cells than fit in memory.
    pub(super) fn set(&mut self, spot: Spot, cell: Option<Cell>) -> Result<()> {
        let Some(cell) = cell else {
            if let Some(row) = self.rows.get_mut(&spot.row)
                && row.remove(&spot.column).is_some()
            {
                self.filled -= 1;
            }
            return Ok(());
        };
        if self.rows.entry(spot.row).or_default().insert(spot.column, cell).is_none() {
            self.filled += 1;
        }
        if self.filled > MOST_CELLS {
            return Err(Error::new(ErrorKind::Config, format!("the sheet has more than {MOST_CELLS} filled cells")));
        }
        Ok(())
    }

    /// The filled cells of a row, left to right.
    pub(super) fn row(&self, row: u32) -> impl Iterator<Item = (u32, &Cell)> {
        self.rows.get(&row).into_iter().flatten().map(|(column, cell)| (*column, cell))
    }

    /// The rows that have filled cells, top down.
    pub(super) fn row_numbers(&self) -> impl Iterator<Item = u32> {
        self.rows.iter().filter(|(_, cells)| !cells.is_empty()).map(|(row, _)| *row)
    }

    /// All filled cells.
    pub(super) fn cells(&self) -> impl Iterator<Item = (Spot, &Cell)> {
        self.rows
            .iter()
            .flat_map(|(row, cells)| cells.iter().map(|(column, cell)| (Spot { row: *row, column: *column }, cell)))
    }

    /// The merged area that covers `spot`.
    pub(super) fn merged_at(&self, spot: Spot) -> Option<Area> {
        self.merged.iter().copied().find(|area| area.contains(spot))
    }
}

impl Area {
    pub(super) fn contains(&self, spot: Spot) -> bool {
        (self.first.row..=self.last.row).contains(&spot.row)
            && (self.first.column..=self.last.column).contains(&spot.column)
    }
}

impl fmt::Display for Spot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", column_letters(self.column), u64::from(self.row) + 1)
    }
}

/// `0` as `A`, `26` as `AA`.
pub(super) fn column_letters(column: u32) -> String {
    let mut rest = u64::from(column) + 1;
    let mut letters = Vec::new();
    while rest > 0 {
        letters.push(char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

impl FromStr for Spot {
    type Err = Error;

    /// Reads `B4` or `$B$4`.
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::new(ErrorKind::Config, format!("{text:?} is not the address of a cell, such as B4"));
        let plain = text.replace('$', "");
        let digits = plain.find(|c: char| c.is_ascii_digit()).ok_or_else(wrong)?;
        let (letters, number) = plain.split_at(digits);
        if letters.is_empty() || letters.len() > 3 || !letters.bytes().all(|b| b.is_ascii_alphabetic()) {
            return Err(wrong());
        }
        let column = letters.bytes().fold(0, |sum, b| sum * 26 + u32::from(b.to_ascii_uppercase() - b'A') + 1) - 1;
        let row = number.parse::<u32>().ok().and_then(|row| row.checked_sub(1)).ok_or_else(wrong)?;
        if row >= 1_048_576 || column >= 16_384 {
            return Err(wrong());
        }
        Ok(Self { row, column })
    }
}

impl FromStr for Area {
    type Err = Error;

    /// Reads `A5:H31`, or one cell.
    fn from_str(text: &str) -> Result<Self> {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        let (first, last): (Spot, Spot) = (first.parse()?, last.parse()?);
        if last.row < first.row || last.column < first.column {
            return Err(Error::new(ErrorKind::Config, format!("{text:?} is not an area, such as A5:H31")));
        }
        Ok(Self { first, last })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_shown_the_way_people_write_them() {
        for (text, row, column) in [("A1", 0, 0), ("$B$4", 3, 1), ("AA10", 9, 26), ("XFD1048576", 1_048_575, 16_383)] {
            let spot: Spot = text.parse().unwrap();
            assert_eq!((spot.row, spot.column), (row, column));
            assert_eq!(spot.to_string(), text.replace('$', ""));
        }
        for text in ["", "4", "B", "B0", "XFE1", "A1048577", "é4", "B4c"] {
            assert!(text.parse::<Spot>().is_err(), "{text}");
        }
        assert!("B2:A1".parse::<Area>().is_err());
    }
}
