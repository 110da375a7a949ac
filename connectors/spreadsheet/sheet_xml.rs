//! A worksheet's XML, edited in place: the bytes of changed cells are replaced, all others stay.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use passerelle_core::{Error, ErrorKind, Result};
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::cell::Cell;
use super::cell_xml::Ink;
use super::grid::{Area, Spot};

/// What to put into a cell.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Edit {
    /// `None` empties it.
    pub(super) cell: Option<Cell>,
    /// The cell whose formatting it takes; `None` keeps its own.
    pub(super) style_of: Option<Spot>,
}

/// Where things are in the XML.
#[derive(Debug, Default)]
struct Layout {
    /// Prefix of the sheet's elements, such as `x:`.
    prefix: String,
    dimension: Option<(Range<usize>, String)>,
    /// The tag `<sheetData>` or `<sheetData/>`.
    data: Range<usize>,
    data_is_empty: bool,
    /// Where `</sheetData>` begins.
    data_end: usize,
    rows: BTreeMap<u32, Row>,
    has_tables: bool,
    is_protected: bool,
}

#[derive(Debug, Default)]
struct Row {
    tag: Range<usize>,
    is_empty: bool,
    /// Where `</row>` begins.
    close: usize,
    cells: BTreeMap<u32, CellAt>,
}

#[derive(Debug, Default)]
struct CellAt {
    span: Range<usize>,
    style: Option<String>,
    /// The computed value of a formula.
    computed: Option<Range<usize>>,
    is_formula: bool,
}

/// The sheet with its cells edited, and without the computed values of stale formulas.
///
/// # Errors
/// `Unsupported` for sheets that cannot be edited so, `Rejected` for protected ones and for text that XML cannot hold.
pub(super) fn edited(xml: &str, edits: &BTreeMap<Spot, Edit>, stale: &BTreeSet<Spot>, ink: &Ink) -> Result<String> {
    let layout = scan(xml)?;
    if layout.is_protected && !edits.is_empty() {
        return Err(Error::new(ErrorKind::Rejected, "the sheet is protected against changes"));
    }
    let mut patches: Vec<(Range<usize>, String)> = Vec::new();
    let mut rows: BTreeMap<u32, Vec<(&Spot, &Edit)>> = BTreeMap::new();
    for (spot, edit) in edits {
        rows.entry(spot.row).or_default().push((spot, edit));
    }
    for (number, edits) in &rows {
        match layout.rows.get(number) {
            Some(row) => layout.patch_row(xml, row, edits, ink, &mut patches)?,
            None => patches.push(layout.new_row(*number, edits, ink)?),
        }
    }
    let computed = |spot: &Spot| layout.rows.get(&spot.row)?.cells.get(&spot.column)?.computed.clone();
    patches.extend(stale.iter().filter_map(computed).map(|value| (value, String::new())));
    if layout.data_is_empty {
        let rows: String = patches.drain(..).map(|(_, row)| row).collect();
        let name = format!("{}sheetData", layout.prefix);
        patches.push((layout.data.clone(), format!("<{name}>{rows}</{name}>")));
    }
    patches.extend(layout.wider(edits));
    Ok(patched(xml, patches))
}

/// Replaces ranges of a text; what is inserted at one place keeps its order.
pub(super) fn patched(text: &str, mut patches: Vec<(Range<usize>, String)>) -> String {
    patches.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + 256);
    let mut copied = 0;
    for (range, new) in patches {
        out.push_str(text.get(copied..range.start).unwrap_or_default());
        out.push_str(&new);
        copied = range.end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    out
}

impl Layout {
    fn patch_row(
        &self,
        xml: &str,
        row: &Row,
        edits: &[(&Spot, &Edit)],
        ink: &Ink,
        patches: &mut Vec<(Range<usize>, String)>,
    ) -> Result<()> {
        let mut inside = String::new();
        for (spot, edit) in edits {
            let old = row.cells.get(&spot.column);
            let style = edit.style_of.map_or_else(|| old.and_then(|old| old.style.clone()), |like| self.style(like));
            let new = ink.cell(&self.prefix, **spot, style.as_deref(), edit.cell.as_ref())?;
            match old {
                Some(old) if old.is_formula => {
                    return Err(Error::new(ErrorKind::Rejected, format!("{spot} holds a formula, which stays")));
                }
                Some(old) => patches.push((old.span.clone(), new)),
                None if row.is_empty => inside.push_str(&new),
                None => {
                    let next = row.cells.range(spot.column..).next().map_or(row.close, |(_, cell)| cell.span.start);
                    patches.push((next..next, new));
                }
            }
        }
        let tag = xml.get(row.tag.clone()).unwrap_or_default();
        let open = without_attribute(tag, "spans");
        if row.is_empty {
            let open = open.trim_end_matches('>').trim_end_matches('/').trim_end();
            patches.push((row.tag.clone(), format!("{open}>{inside}</{}row>", self.prefix)));
        } else if open != tag {
            patches.push((row.tag.clone(), open));
        }
        Ok(())
    }

    fn new_row(&self, number: u32, edits: &[(&Spot, &Edit)], ink: &Ink) -> Result<(Range<usize>, String)> {
        if self.has_tables {
            let text = "the sheet has an Excel table, which does not grow by itself; add the row by hand";
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let mut cells = String::new();
        for (spot, edit) in edits {
            let style = edit.style_of.and_then(|like| self.style(like));
            cells.push_str(&ink.cell(&self.prefix, **spot, style.as_deref(), edit.cell.as_ref())?);
        }
        let at = self.rows.range(number..).next().map_or(self.data_end, |(_, row)| row.tag.start);
        let name = format!("{}row", self.prefix);
        Ok((at..at, format!("<{name} r=\"{}\">{cells}</{name}>", number + 1)))
    }

    fn style(&self, spot: Spot) -> Option<String> {
        self.rows.get(&spot.row)?.cells.get(&spot.column)?.style.clone()
    }

    /// The sheet's dimension, if the edits reach beyond it.
    fn wider(&self, edits: &BTreeMap<Spot, Edit>) -> Option<(Range<usize>, String)> {
        let (range, old) = self.dimension.as_ref()?;
        let mut area: Area = old.parse().ok()?;
        for spot in edits.keys() {
            area.first = Spot { row: area.first.row.min(spot.row), column: area.first.column.min(spot.column) };
            area.last = Spot { row: area.last.row.max(spot.row), column: area.last.column.max(spot.column) };
        }
        Some((range.clone(), format!("<{}dimension ref=\"{}:{}\"/>", self.prefix, area.first, area.last)))
    }
}

/// A tag without one of its attributes.
fn without_attribute(tag: &str, name: &str) -> String {
    let cut = || {
        let start = tag.find(&format!(" {name}=\""))?;
        let value = start + name.len() + 3;
        let end = value + tag.get(value..)?.find('"')? + 1;
        Some(format!("{}{}", tag.get(..start)?, tag.get(end..)?))
    };
    cut().unwrap_or_else(|| tag.to_owned())
}

/// An attribute's text, entities resolved.
pub(super) fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag.attributes().flatten().find(|attribute| attribute.key.as_ref() == name)?;
    Some(found.normalized_value(quick_xml::XmlVersion::Implicit1_0).ok()?.into_owned())
}

fn scan(xml: &str) -> Result<Layout> {
    let mut reader = Reader::from_str(xml);
    let mut layout = Layout::default();
    let mut row = 0;
    let mut column = 0;
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|cause| unreadable().because(cause))?;
        let span = start..reader.buffer_position() as usize;
        match event {
            Event::Start(tag) => layout.open(&tag, span, false, &mut row, &mut column)?,
            Event::Empty(tag) => layout.open(&tag, span, true, &mut row, &mut column)?,
            Event::End(tag) => {
                let at = layout.rows.get_mut(&row);
                match (tag.local_name().as_ref(), at) {
                    ("sheetData", _) => layout.data_end = start,
                    ("row", Some(row)) => row.close = start,
                    (name @ ("c" | "v"), Some(row)) => {
                        let Some(cell) = row.cells.get_mut(&column) else { continue };
                        if name == "c" {
                            cell.span.end = span.end;
                        } else if let Some(computed) = &mut cell.computed {
                            computed.end = span.end;
                        }
                    }
                    _ => {}
                }
            }
            Event::Eof => return Ok(layout),
            _ => {}
        }
    }
}

fn unreadable() -> Error {
    Error::new(ErrorKind::Unsupported, "the sheet's XML cannot be edited; save the file once with LibreOffice or Excel")
}

impl Layout {
    fn open(
        &mut self,
        tag: &BytesStart<'_>,
        span: Range<usize>,
        is_empty: bool,
        row: &mut u32,
        column: &mut u32,
    ) -> Result<()> {
        match tag.local_name().as_ref() {
            "dimension" => self.dimension = Some((span, attribute(tag, "ref").unwrap_or_default())),
            "sheetData" => {
                let name = tag.name();
                self.prefix = name.as_ref().strip_suffix("sheetData").unwrap_or_default().to_owned();
                (self.data, self.data_is_empty) = (span, is_empty);
            }
            "row" => {
                let number: u32 = attribute(tag, "r").and_then(|r| r.parse().ok()).ok_or_else(unreadable)?;
                *row = number.checked_sub(1).ok_or_else(unreadable)?;
                self.rows.insert(*row, Row { tag: span, is_empty, ..Row::default() });
            }
            "c" => {
                let spot: Spot = attribute(tag, "r").and_then(|r| r.parse().ok()).ok_or_else(unreadable)?;
                *column = spot.column;
                let cell = CellAt { span, style: attribute(tag, "s"), ..CellAt::default() };
                self.rows.get_mut(row).ok_or_else(unreadable)?.cells.insert(spot.column, cell);
            }
            "f" | "v" => {
                let cell = self.rows.get_mut(row).and_then(|row| row.cells.get_mut(column));
                match cell {
                    Some(cell) if tag.local_name().as_ref() == "f" => cell.is_formula = true,
                    Some(cell) if cell.is_formula => cell.computed = Some(span),
                    _ => {}
                }
            }
            "tablePart" => self.has_tables = true,
            "sheetProtection" if attribute(tag, "sheet").is_some_and(|on| on == "1" || on == "true") => {
                self.is_protected = true;
            }
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `data` becomes when these cells are written.
    fn check(data: &str, edits: &[(&str, &str)], stale: &[&str]) -> Result<String> {
        let edit = |text: &str| Edit { cell: Some(Cell::Number(text.to_owned())), style_of: None };
        let edits = edits.iter().map(|(spot, text)| (spot.parse().unwrap(), edit(text))).collect();
        let stale = stale.iter().map(|spot| spot.parse().unwrap()).collect();
        edited(data, &edits, &stale, &Ink { is_1904: false })
    }

    #[test]
    fn cells_and_rows_are_put_where_they_belong() {
        let new = "<c r=\"B2\"><v>5</v></c>";
        for (before, after) in [
            ("<sheetData/>", format!("<sheetData><row r=\"2\">{new}</row></sheetData>")),
            ("<sheetData></sheetData>", format!("<sheetData><row r=\"2\">{new}</row></sheetData>")),
            (
                "<sheetData><row r=\"1\"/><row r=\"3\"/></sheetData>",
                format!("<sheetData><row r=\"1\"/><row r=\"2\">{new}</row><row r=\"3\"/></sheetData>"),
            ),
            (
                "<sheetData><row r=\"2\" spans=\"1:1\" ht=\"9\"/></sheetData>",
                format!("<sheetData><row r=\"2\" ht=\"9\">{new}</row></sheetData>"),
            ),
            (
                "<sheetData><row r=\"2\"><c r=\"A2\"/><c r=\"C2\"/></row></sheetData>",
                format!("<sheetData><row r=\"2\"><c r=\"A2\"/>{new}<c r=\"C2\"/></row></sheetData>"),
            ),
            (
                "<sheetData><row r=\"2\"><c r=\"B2\" s=\"4\" t=\"s\"><v>1</v></c></row></sheetData>",
                "<sheetData><row r=\"2\"><c r=\"B2\" s=\"4\"><v>5</v></c></row></sheetData>".to_owned(),
            ),
            (
                "<dimension ref=\"A1\"/><x:sheetData><x:row r=\"2\"><x:c r=\"A2\"/></x:row></x:sheetData>",
                "<x:dimension ref=\"A1:B2\"/><x:sheetData><x:row r=\"2\"><x:c r=\"A2\"/><x:c r=\"B2\"><x:v>5</x:v></x:c></x:row></x:sheetData>"
                    .to_owned(),
            ),
        ] {
            assert_eq!(check(before, &[("B2", "5")], &[]).unwrap(), after);
        }
    }

    #[test]
    fn only_stale_formulas_lose_their_value() {
        let row = |a: &str| {
            format!(
                "<sheetData><row r=\"1\"><c r=\"A1\"><f>B1</f>{a}</c><c r=\"C1\"><f>D1</f><v>3</v></c></row></sheetData>"
            )
        };
        assert_eq!(check(&row("<v>2</v>"), &[], &["A1"]).unwrap(), row(""));
    }

    #[test]
    fn what_cannot_be_edited_safely_is_refused() {
        for (data, kind) in [
            ("<sheetData><row><c><v>1</v></c></row></sheetData>", ErrorKind::Unsupported),
            (
                "<sheetData><row r=\"1\"/></sheetData><tableParts><tablePart r:id=\"rId1\"/></tableParts>",
                ErrorKind::Unsupported,
            ),
            ("<sheetData/><sheetProtection sheet=\"1\"/>", ErrorKind::Rejected),
            ("<sheetData><row r=\"2\"><c r=\"B2\"><f>A1</f><v>1</v></c></row></sheetData>", ErrorKind::Rejected),
        ] {
            assert_eq!(check(data, &[("B2", "5")], &[]).unwrap_err().kind(), kind, "{data}");
        }
    }
}
