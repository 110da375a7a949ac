//! A file of any of the formats as sheets, named ranges and grids.

use std::collections::BTreeSet;
use std::path::Path;

use passerelle_core::{Error, ErrorKind, Result};

use super::disk::Snapshot;
use super::grid::{Area, Grid, Spot};
use super::package::Package;
use super::stale::{self, Spots};
use super::table::options;
use super::{ods, text, xlsx};

/// What a file is, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Xlsx,
    Ods,
    Csv,
}

impl Format {
    /// # Errors
    /// `Config` for a name that ends in none of the known ways.
    pub(super) fn of(path: &Path) -> Result<Self> {
        let end = path.extension().and_then(|end| end.to_str()).unwrap_or_default().to_lowercase();
        match end.as_str() {
            "xlsx" | "xlsm" => Ok(Self::Xlsx),
            "ods" => Ok(Self::Ods),
            "csv" | "txt" | "tsv" => Ok(Self::Csv),
            _ => {
                let text = format!("{} is no .xlsx, .xlsm, .ods or .csv file", path.display());
                Err(Error::new(ErrorKind::Config, text))
            }
        }
    }
}

/// An open file.
pub(super) struct Source<'a> {
    kind: Kind<'a>,
    /// The sheets; of a CSV file the name of the file.
    pub(super) sheets: Vec<String>,
    names: Vec<(String, String)>,
}

enum Kind<'a> {
    Xlsx(Box<xlsx::Book<'a>>),
    Ods(ods::Book),
    Csv(text::Sheet<'a>),
}

/// A part of a file: a sheet, or an area of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) sheet: String,
    pub(super) area: Option<Area>,
}

impl<'a> Source<'a> {
    /// Opens a file.
    ///
    /// # Errors
    /// `Unavailable` when it is cut short, `Config` when it is not what its name says.
    pub(super) fn open(snapshot: &'a Snapshot, hints: text::Hints) -> Result<Self> {
        let (path, bytes) = (snapshot.path.as_path(), snapshot.bytes.as_slice());
        match Format::of(path)? {
            Format::Xlsx => {
                Package::open(path, bytes)?;
                let book = xlsx::Book::open(path, bytes)?;
                Ok(Self { sheets: book.sheets(), names: book.names(), kind: Kind::Xlsx(Box::new(book)) })
            }
            Format::Ods => {
                let mut book = ods::read(path, &mut Package::open(path, bytes)?)?;
                let sheets = book.sheets.iter().map(|(name, _)| name.clone()).collect();
                Ok(Self { sheets, names: std::mem::take(&mut book.names), kind: Kind::Ods(book) })
            }
            Format::Csv => {
                let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
                let sheet = text::Sheet::open(path, bytes, hints)?;
                Ok(Self { sheets: vec![stem], names: Vec::new(), kind: Kind::Csv(sheet) })
            }
        }
    }

    /// The sheet or named range called `name`, or the area `Tarif!A5:H31`.
    ///
    /// # Errors
    /// `Config` with the names there are.
    pub(super) fn place(&self, name: &str) -> Result<Place> {
        if self.sheets.iter().any(|sheet| sheet == name) {
            return Ok(Place { sheet: name.to_owned(), area: None });
        }
        let named = self.names.iter().find(|(known, _)| known.to_lowercase() == name.to_lowercase());
        let reference = named.map_or(name, |(_, reference)| reference.as_str());
        if let Some(place) = self.reference(reference) {
            return Ok(place);
        }
        let known = self.sheets.iter().chain(self.names.iter().map(|(name, _)| name));
        let known: Vec<&str> = known.map(String::as_str).collect();
        let text = format!("there is no sheet or named range {name:?}{}", options(name, &known));
        Err(Error::new(ErrorKind::Config, text))
    }

    /// The first sheet.
    ///
    /// # Errors
    /// `Config` when there is none.
    pub(super) fn first(&self) -> Result<Place> {
        let first = self.sheets.first().ok_or_else(|| Error::new(ErrorKind::Config, "the workbook has no sheets"))?;
        Ok(Place { sheet: first.clone(), area: None })
    }

    /// One cell: `B4`, `Devis!B4` or a name.
    ///
    /// # Errors
    /// `Config` when it is none of these.
    pub(super) fn spot(&self, address: &str, sheet: &str) -> Result<(String, Spot)> {
        if let Ok(spot) = address.parse() {
            return Ok((sheet.to_owned(), spot));
        }
        let place = self.place(address)?;
        let area = place.area.ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("{address:?} is a sheet, where a cell such as B4 is meant"))
        })?;
        Ok((place.sheet, area.first))
    }

    /// The cells of a sheet.
    ///
    /// # Errors
    /// `Config` when they cannot be read.
    pub(super) fn grid(&mut self, sheet: &str) -> Result<Grid> {
        match &mut self.kind {
            Kind::Xlsx(book) => book.grid(sheet),
            Kind::Csv(file) => file.grid(),
            Kind::Ods(book) => {
                let found = book.sheets.iter_mut().find(|(name, _)| name == sheet);
                Ok(found.map(|(_, grid)| grid.clone()).unwrap_or_default())
            }
        }
    }

    /// The formulas that may compute to something else once these cells of a sheet are edited.
    ///
    /// # Errors
    /// `Config` when the formulas cannot be read.
    pub(super) fn stale(&mut self, sheet: &str, edited: BTreeSet<Spot>) -> Result<Spots> {
        match &mut self.kind {
            Kind::Xlsx(book) => Ok(stale::stale(&book.formulas()?, &self.names, sheet, edited)),
            Kind::Ods(_) | Kind::Csv(_) => Ok(Spots::new()),
        }
    }

    /// The text file, where it is one.
    pub(super) fn text(&self) -> Option<&text::Sheet<'a>> {
        match &self.kind {
            Kind::Csv(file) => Some(file),
            _ => None,
        }
    }

    /// `Tarif!$A$5:$H$31`, or LibreOffice's `$Tarif.$A$5:.$H$31`, where the sheet exists.
    fn reference(&self, text: &str) -> Option<Place> {
        let text = text.trim_start_matches(['=', '$']);
        let (sheet, area) = match text.strip_prefix('\'') {
            Some(quoted) => {
                let end = quoted.replace("''", "\0\0").find('\'')?;
                let (sheet, area) = quoted.split_at_checked(end)?;
                (sheet.replace("''", "'"), area.strip_prefix('\'')?.trim_start_matches(['!', '.']).to_owned())
            }
            None => {
                let (sheet, area) = text.split_once(['!', '.'])?;
                (sheet.to_owned(), area.to_owned())
            }
        };
        let area = area.replace(":.", ":");
        let area = area.split_once(':').map_or(area.clone(), |(first, last)| {
            format!("{first}:{}", last.rsplit(['!', '.']).next().unwrap_or(last))
        });
        let known = self.sheets.contains(&sheet);
        known.then(|| area.parse().ok().map(|area| Place { sheet, area: Some(area) }))?
    }
}
