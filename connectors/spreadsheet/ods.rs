//! Reading .ods: the cells of an OpenDocument's content.xml, with numbers as their exact text.

use std::path::Path;

use passerelle_core::{Error, ErrorKind, Result};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::cell::{Cell, NOT_COMPUTED, number_text};
use super::grid::{Area, Grid, Spot};
use super::package::Package;

/// Parts of the document that hold tables or texts which are not cells.
const SKIPPED: [&str; 6] =
    ["annotation", "shapes", "tracked-changes", "dde-links", "content-validations", "consolidation"];

/// A read document.
#[derive(Debug, Default)]
pub(super) struct Book {
    /// Sheets by name, in order.
    pub(super) sheets: Vec<(String, Grid)>,
    /// Named ranges, as `(name, "$Tarif.$A$5:.$H$31")`.
    pub(super) names: Vec<(String, String)>,
}

/// Reads the document.
///
/// # Errors
/// `Config` when it cannot be read, is encrypted, or has too many cells.
pub(super) fn read(path: &Path, package: &mut Package<'_>) -> Result<Book> {
    if package.text("META-INF/manifest.xml")?.contains("encryption-data") {
        return Err(Error::new(ErrorKind::Config, format!("{} is protected by a password", path.display())));
    }
    let content = package.text("content.xml")?;
    let mut walk = Walk { reader: Reader::from_str(&content), book: Book::default(), at: Spot { row: 0, column: 0 } };
    walk.run().map_err(|cause| match cause {
        Broken::Xml(cause) => unreadable(path).because(cause),
        Broken::Limit(error) => error,
    })?;
    Ok(walk.book)
}

fn unreadable(path: &Path) -> Error {
    Error::new(ErrorKind::Config, format!("{} cannot be read as an OpenDocument spreadsheet", path.display()))
}

enum Broken {
    Xml(quick_xml::Error),
    Limit(Error),
}

impl From<quick_xml::Error> for Broken {
    fn from(cause: quick_xml::Error) -> Self {
        Self::Xml(cause)
    }
}

impl From<Error> for Broken {
    fn from(error: Error) -> Self {
        Self::Limit(error)
    }
}

struct Walk<'a> {
    reader: Reader<&'a [u8]>,
    book: Book,
    at: Spot,
}

impl Walk<'_> {
    fn run(&mut self) -> Result<(), Broken> {
        let mut repeat = 1;
        loop {
            let event = self.reader.read_event()?;
            let (start, is_empty) = match &event {
                Event::Start(start) => (start, false),
                Event::Empty(start) => (start, true),
                Event::End(end) if end.local_name().as_ref() == "table-row" => {
                    self.end_row(repeat)?;
                    continue;
                }
                Event::Eof => return Ok(()),
                _ => continue,
            };
            match start.local_name().as_ref() {
                name if SKIPPED.contains(&name) && !is_empty => {
                    self.reader.read_to_end(start.name())?;
                }
                "table" => {
                    let name = attribute(start, "name").unwrap_or_default();
                    self.book.sheets.push((name, Grid::default()));
                    self.at = Spot { row: 0, column: 0 };
                }
                "table-row" => {
                    repeat = repeated(start, "number-rows-repeated");
                    self.at.column = 0;
                    if is_empty {
                        self.end_row(repeat)?;
                    }
                }
                "table-cell" | "covered-table-cell" => self.cell(start, is_empty)?,
                "named-range" => {
                    if let (Some(name), Some(place)) =
                        (attribute(start, "name"), attribute(start, "cell-range-address"))
                    {
                        self.book.names.push((name, place));
                    }
                }
                _ => {}
            }
        }
    }

    /// Repeats the row that was just read, and goes to the next.
    fn end_row(&mut self, repeat: u32) -> Result<(), Broken> {
        let row = self.at.row;
        self.at.row = row.saturating_add(repeat);
        let Some((_, grid)) = self.book.sheets.last_mut() else { return Ok(()) };
        let cells: Vec<(u32, Cell)> = grid.row(row).map(|(column, cell)| (column, cell.clone())).collect();
        if cells.is_empty() {
            return Ok(());
        }
        for copy in row.saturating_add(1)..self.at.row {
            for (column, cell) in &cells {
                grid.set(Spot { row: copy, column: *column }, Some(cell.clone()))?;
            }
        }
        Ok(())
    }

    fn cell(&mut self, start: &BytesStart<'_>, is_empty: bool) -> Result<(), Broken> {
        let repeat = repeated(start, "number-columns-repeated");
        let text = if is_empty { None } else { self.text(start)? };
        let is_formula = attribute(start, "formula").is_some();
        // LibreOffice gives no type to a formula that computed to an empty text, only its empty paragraph.
        let is_computed = text.is_some();
        let cell =
            value(start, text).or_else(|| (is_formula && !is_computed).then(|| Cell::Error(NOT_COMPUTED.to_owned())));
        let at = self.at;
        self.at.column = at.column.saturating_add(repeat);
        let Some((_, grid)) = self.book.sheets.last_mut() else { return Ok(()) };
        let (rows, columns) = (repeated(start, "number-rows-spanned"), repeated(start, "number-columns-spanned"));
        if rows > 1 || columns > 1 {
            let last = Spot { row: at.row + rows - 1, column: at.column + columns - 1 };
            grid.merged.push(Area { first: at, last });
        }
        let Some(cell) = cell else { return Ok(()) };
        for column in at.column..self.at.column {
            let spot = Spot { row: at.row, column };
            if is_formula {
                grid.formulas.insert(spot);
            }
            grid.set(spot, Some(cell.clone()))?;
        }
        Ok(())
    }

    /// The text of a cell's paragraphs, up to the cell's end.
    fn text(&mut self, cell: &BytesStart<'_>) -> Result<Option<String>, Broken> {
        let mut paragraphs: Vec<String> = Vec::new();
        let push = |paragraphs: &mut Vec<String>, text: &str| {
            if let Some(last) = paragraphs.last_mut() {
                last.push_str(text);
            }
        };
        loop {
            match self.reader.read_event()? {
                Event::Start(start) if SKIPPED.contains(&start.local_name().as_ref()) => {
                    self.reader.read_to_end(start.name())?;
                }
                Event::Start(start) | Event::Empty(start) => match start.local_name().as_ref() {
                    "p" => paragraphs.push(String::new()),
                    "s" => push(&mut paragraphs, &" ".repeat(repeated(&start, "c").min(1000) as usize)),
                    "tab" => push(&mut paragraphs, "\t"),
                    "line-break" => push(&mut paragraphs, "\n"),
                    _ => {}
                },
                Event::Text(text) => push(&mut paragraphs, &text.xml10_content()),
                Event::CData(text) => push(&mut paragraphs, &text.xml10_content()),
                Event::GeneralRef(entity) => {
                    let named = format!("&{};", entity.xml10_content());
                    push(&mut paragraphs, &quick_xml::escape::unescape(&named).map_err(quick_xml::Error::from)?);
                }
                Event::End(end) if end.name() == cell.name() => {
                    return Ok((!paragraphs.is_empty()).then(|| paragraphs.join("\n")));
                }
                Event::Eof => return Ok(None),
                _ => {}
            }
        }
    }
}

/// The typed value of a cell.
fn value(start: &BytesStart<'_>, text: Option<String>) -> Option<Cell> {
    if calcext_type(start).as_deref() == Some("error") {
        return Some(Cell::Error(text.unwrap_or_else(|| "#ERR!".to_owned())));
    }
    match attribute(start, "value-type")?.as_str() {
        "float" | "percentage" | "currency" => {
            let number: f64 = attribute(start, "value")?.parse().ok()?;
            Some(Cell::Number(number_text(number)))
        }
        "boolean" => Some(Cell::Bool(attribute(start, "boolean-value")? == "true")),
        "date" => {
            let whole = attribute(start, "date-value")?;
            let seconds = whole.get(..19).unwrap_or(&whole);
            Some(Cell::Date(seconds.strip_suffix("T00:00:00").unwrap_or(seconds).to_owned()))
        }
        "time" => Some(Cell::Text(time_of_day(&attribute(start, "time-value")?))),
        _ => Some(Cell::Text(attribute(start, "string-value").or(text).unwrap_or_default())),
    }
}

/// `PT10H30M00S` as `10:30:00`.
fn time_of_day(text: &str) -> String {
    let Ok(span) = text.parse::<jiff::Span>() else { return text.to_owned() };
    format!("{:02}:{:02}:{:02}", span.get_hours(), span.get_minutes(), span.get_seconds())
}

/// The value type that LibreOffice adds, which knows errors.
fn calcext_type(start: &BytesStart<'_>) -> Option<String> {
    let found = start.attributes().flatten().find(|a| a.key.as_ref() == "calcext:value-type")?;
    Some(found.value.into_owned())
}

/// An attribute of the document's own vocabulary, by its local name.
fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = start
        .attributes()
        .flatten()
        .find(|a| a.key.local_name().as_ref() == name && !a.key.as_ref().starts_with("calcext:"))?;
    Some(found.normalized_value(XmlVersion::Implicit1_0).ok()?.into_owned())
}

fn repeated(start: &BytesStart<'_>, name: &str) -> u32 {
    attribute(start, name).and_then(|count| count.parse().ok()).unwrap_or(1).clamp(1, 1_048_576)
}
