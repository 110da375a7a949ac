//! A workbook's parts: where a sheet is, and the request to compute all formulas when it is opened.

use std::collections::BTreeMap;

use passerelle_core::{Error, ErrorKind, Result};
use quick_xml::events::Event;
use quick_xml::reader::Reader;

use super::cell_xml::Ink;
use super::grid::Spot;
use super::package::Package;
use super::sheet_xml::{self, Edit, attribute, patched};
use super::stale::Spots;

/// What to look up in an element: its name, and two attributes.
type Pairs = Vec<(String, String)>;

/// The workbook with cells of one sheet edited and stale computed values removed; other parts stay as they are packed.
///
/// # Errors
/// `Unsupported` for workbooks that cannot be edited so.
pub(super) fn edited(
    package: &mut Package<'_>,
    sheet: &str,
    edits: &BTreeMap<Spot, Edit>,
    stale: &Spots,
) -> Result<Vec<u8>> {
    if package.has_folder("_xmlsignatures/") {
        let text = "the workbook is signed, and the signature would no longer hold";
        return Err(Error::new(ErrorKind::Unsupported, text));
    }
    let root = root(package)?;
    let workbook = package.text(&root)?;
    let dates = pairs(&workbook, "workbookPr", "date1904", "date1904")?;
    let ink = Ink { is_1904: dates.iter().any(|(on, _)| on == "1" || on == "true") };
    let mut replaced = BTreeMap::new();
    for (name, part) in sheets(package, &root, &workbook)? {
        let stale = stale.get(&name.to_lowercase()).cloned().unwrap_or_default();
        let none = BTreeMap::new();
        let edits = if name == sheet { edits } else { &none };
        if !edits.is_empty() || !stale.is_empty() {
            let xml = sheet_xml::edited(&package.text(&part)?, edits, &stale, &ink)?;
            replaced.insert(part, xml);
        }
    }
    replaced.insert(root, computed_when_opened(&workbook)?);
    package.with(&replaced)
}

/// The part that lists the sheets.
fn root(package: &mut Package<'_>) -> Result<String> {
    let roots = pairs(&package.text("_rels/.rels")?, "Relationship", "Type", "Target")?;
    let root = roots.iter().find(|(kind, _)| kind.ends_with("/officeDocument")).ok_or_else(unreadable)?;
    Ok(root.1.trim_start_matches('/').to_owned())
}

/// The sheets' names and parts.
fn sheets(package: &mut Package<'_>, root: &str, workbook: &str) -> Result<Pairs> {
    let (folder, file) = root.rsplit_once('/').unwrap_or(("", root));
    let targets = pairs(&package.text(&format!("{folder}/_rels/{file}.rels"))?, "Relationship", "Id", "Target")?;
    let mut sheets = Vec::new();
    for (name, id) in pairs(workbook, "sheet", "name", "r:id")? {
        let (_, target) = targets.iter().find(|(known, _)| *known == id).ok_or_else(unreadable)?;
        let part = target.strip_prefix('/').map_or_else(|| format!("{folder}/{target}"), str::to_owned);
        sheets.push((name, part));
    }
    Ok(sheets)
}

/// The values of two attributes of every element of a name that has both.
fn pairs(xml: &str, element: &str, one: &str, other: &str) -> Result<Pairs> {
    let mut reader = Reader::from_str(xml);
    let mut found = Vec::new();
    loop {
        match reader.read_event().map_err(|cause| unreadable().because(cause))? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == element => {
                found.extend(attribute(&tag, one).zip(attribute(&tag, other)));
            }
            Event::Eof => return Ok(found),
            _ => {}
        }
    }
}

fn unreadable() -> Error {
    Error::new(
        ErrorKind::Unsupported,
        "the workbook's XML cannot be edited; save the file once with LibreOffice or Excel",
    )
}

/// Asks for all formulas to be computed when the workbook is opened: some depend on what was edited.
fn computed_when_opened(xml: &str) -> Result<String> {
    const ASK: &str = " fullCalcOnLoad=\"1\"";
    let mut reader = Reader::from_str(xml);
    let mut place = None;
    loop {
        let start = reader.buffer_position() as usize;
        let event = reader.read_event().map_err(|cause| unreadable().because(cause))?;
        let end = reader.buffer_position() as usize;
        match event {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "calcPr" => {
                if attribute(&tag, "fullCalcOnLoad").is_some_and(|on| on == "1" || on == "true") {
                    return Ok(xml.to_owned());
                }
                let name = start + 1 + tag.name().as_ref().len();
                let without = xml
                    .get(start..end)
                    .unwrap_or_default()
                    .replace(" fullCalcOnLoad=\"0\"", "")
                    .replace(" fullCalcOnLoad=\"false\"", "");
                let (head, tail) = without.split_at_checked(name - start).ok_or_else(unreadable)?;
                return Ok(patched(xml, vec![(start..end, format!("{head}{ASK}{tail}"))]));
            }
            Event::End(tag) => match tag.local_name().as_ref() {
                "sheets" | "functionGroups" | "externalReferences" | "definedNames" => {
                    let prefix = tag.name().as_ref().rsplit_once(':').map(|(prefix, _)| format!("{prefix}:"));
                    place = Some((end, prefix.unwrap_or_default()));
                }
                _ => {}
            },
            Event::Eof => {
                let (at, prefix) = place.ok_or_else(unreadable)?;
                return Ok(patched(xml, vec![(at..at, format!("<{prefix}calcPr{ASK}/>"))]));
            }
            _ => {}
        }
    }
}
