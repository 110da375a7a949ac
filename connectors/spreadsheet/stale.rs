//! Which formulas of a workbook may compute to something else once some cells are edited.

use std::collections::{BTreeMap, BTreeSet};

use super::grid::{Area, Spot};

/// Cells by the lower-case name of their sheet.
pub(super) type Spots = BTreeMap<String, BTreeSet<Spot>>;

/// Areas and the lower-case names of their sheets.
type References = Vec<(String, Area)>;

/// A formula and where it is.
#[derive(Clone, Debug)]
pub(super) struct Formula {
    pub(super) sheet: String,
    pub(super) spot: Spot,
    pub(super) text: String,
}

/// After so many rounds all that is left counts as stale.
const MOST_ROUNDS: usize = 100;
/// How deep names may stand for names.
const MOST_NAMES: usize = 8;

/// The formulas that depend on edited cells, directly or through other formulas; one that cannot be told counts too.
pub(super) fn stale(formulas: &[Formula], names: &[(String, String)], sheet: &str, edited: BTreeSet<Spot>) -> Spots {
    let sheet = sheet.to_lowercase();
    let mut dirty: Spots = BTreeMap::from([(sheet, edited)]);
    let mut found: Spots = BTreeMap::new();
    let mut open: Vec<(&Formula, Option<References>)> = formulas
        .iter()
        .map(|formula| (formula, references(&formula.text, &formula.sheet.to_lowercase(), names, 0)))
        .collect();
    for round in 0.. {
        let before = open.len();
        open.retain(|(formula, references)| {
            let is_stale = round >= MOST_ROUNDS
                || references
                    .as_ref()
                    .is_none_or(|references| references.iter().any(|(at, area)| touches(&dirty, at, *area)));
            if is_stale {
                let at = formula.sheet.to_lowercase();
                dirty.entry(at.clone()).or_default().insert(formula.spot);
                found.entry(at).or_default().insert(formula.spot);
            }
            !is_stale
        });
        if open.len() == before {
            break;
        }
    }
    found
}

fn touches(dirty: &Spots, sheet: &str, area: Area) -> bool {
    let rows = Spot { row: area.first.row, column: 0 }..=Spot { row: area.last.row, column: u32::MAX };
    dirty.get(sheet).is_some_and(|spots| spots.range(rows).any(|spot| area.contains(*spot)))
}

/// What a formula refers to; `None` when only a spreadsheet program could tell.
fn references(text: &str, home: &str, names: &[(String, String)], depth: usize) -> Option<References> {
    let mut found = Vec::new();
    let mut sheet: Option<String> = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        match c {
            '"' => rest = after_quoted(rest, '"')?.1,
            '\'' => {
                let (name, after) = after_quoted(rest, '\'')?;
                sheet = Some(name.to_lowercase());
                rest = after.strip_prefix('!')?;
            }
            '[' | '#' => return None,
            c if is_word(c) => {
                let (word, after) = word(rest);
                rest = after;
                if let Some(after) = rest.strip_prefix('!') {
                    sheet = Some(word.to_lowercase());
                    rest = after;
                    continue;
                }
                if rest.starts_with('(') {
                    if ["INDIRECT", "OFFSET"].contains(&word.to_uppercase().as_str()) {
                        return None;
                    }
                    continue;
                }
                let at = sheet.take().unwrap_or_else(|| home.to_owned());
                let (end, after) = match rest.strip_prefix(':').map(self::word) {
                    Some((end, after)) => (Some(end), after),
                    None => (None, rest),
                };
                if let Some(area) = area(word, end) {
                    found.push((at, area));
                    rest = after;
                } else if !is_constant(word) {
                    let (_, meant) = names.iter().find(|(name, _)| name.to_lowercase() == word.to_lowercase())?;
                    if depth == MOST_NAMES {
                        return None;
                    }
                    found.extend(references(meant, home, names, depth + 1)?);
                }
            }
            c => rest = rest.get(c.len_utf8()..)?,
        }
    }
    Some(found)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '\\' | '?')
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()))
}

/// The text within quotes, and what comes after; a doubled quote is a quote.
fn after_quoted(text: &str, quote: char) -> Option<(String, &str)> {
    let mut inside = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c != quote {
            inside.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
            chars.next();
            inside.push(quote);
        } else {
            return Some((inside, text.get(at + 1..)?));
        }
    }
    None
}

fn is_constant(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        || ["TRUE", "FALSE"].contains(&word.to_uppercase().as_str())
}

/// A cell or cells, whole columns (`A:C`) or whole rows (`3:5`).
fn area(first: &str, last: Option<&str>) -> Option<Area> {
    if let (Ok(first), Ok(last)) = (first.parse::<Spot>(), last.unwrap_or(first).parse::<Spot>()) {
        return Some(between(first, last));
    }
    let last = last?;
    let column = |word: &str| format!("{word}1").parse::<Spot>().ok();
    if let (Some(first), Some(last)) = (column(first), column(last))
        && first.row == 0
        && last.row == 0
    {
        let area = between(first, last);
        return Some(Area { last: Spot { row: u32::MAX, ..area.last }, ..area });
    }
    let row = |word: &str| format!("A{}", word.replace('$', "")).parse::<Spot>().ok();
    let area = between(row(first)?, row(last)?);
    Some(Area { last: Spot { column: u32::MAX, ..area.last }, ..area })
}

fn between(one: Spot, other: Spot) -> Area {
    Area {
        first: Spot { row: one.row.min(other.row), column: one.column.min(other.column) },
        last: Spot { row: one.row.max(other.row), column: one.column.max(other.column) },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a formula in Tarif!F9 depends on Tarif!D7.
    fn check(text: &str) -> bool {
        let names = [("prix".to_owned(), "Tarif!$D$5:$D$9".to_owned()), ("taux".to_owned(), "Autre!$A$1".to_owned())];
        let formula = Formula { sheet: "Tarif".into(), spot: "F9".parse().unwrap(), text: text.into() };
        !stale(&[formula], &names, "Tarif", BTreeSet::from(["D7".parse().unwrap()])).is_empty()
    }

    #[test]
    fn a_formula_is_stale_when_it_refers_to_an_edited_cell_or_cannot_be_told() {
        for text in [
            "D7*2",
            "$D$7",
            "SUM(D1:D99)",
            "SUM(E9:A1)",
            "tarif!D7",
            "'Tarif'!d7",
            "SUM(D:D)",
            "SUM($A:$D)",
            "SUM(7:7)",
            "SUM(5:9)",
            "SUM(Prix)",
            "INDIRECT(\"D\"&7)",
            "OFFSET(A1,1,1)",
            "Tableau1[Prix]",
            "[1]Tarif!D7",
            "inconnu+1",
            "A1#",
            "IF(A1=\"it's\",D7,0)",
        ] {
            assert!(check(text), "{text}");
        }
        for text in [
            "D8*2",
            "ROUND(D6*(1+E6/100),2)",
            "\"D7\"",
            "Autre!D7",
            "'L''autre'!D7",
            "taux",
            "LOG10(3)+1.5E3",
            "SUM(8:9)",
            "SUM(E:F)",
            "TRUE",
            "A1&\"\"\"D7\"",
        ] {
            assert!(!check(text), "{text}");
        }
    }

    #[test]
    fn what_depends_on_a_stale_formula_is_stale_too() {
        let formula = |sheet: &str, spot: &str, text: &str| Formula {
            sheet: sheet.into(),
            spot: spot.parse().unwrap(),
            text: text.into(),
        };
        let formulas =
            [formula("Notes", "B1", "Tarif!F1"), formula("Tarif", "F1", "E1+1"), formula("Tarif", "F2", "E2+1")];
        let found = stale(&formulas, &[], "Tarif", BTreeSet::from(["E1".parse().unwrap()]));
        let expected =
            [("notes", "B1"), ("tarif", "F1")].map(|(s, at)| (s.to_owned(), BTreeSet::from([at.parse().unwrap()])));
        assert_eq!(found, BTreeMap::from(expected));
    }
}
