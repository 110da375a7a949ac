//! What is written is read back the same, or refused: for any text.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;

use super::super::cell::Cell;
use super::super::grid::Spot;
use super::super::package::Package;
use super::super::sheet_xml::Edit;
use super::super::stale::Spots;
use super::super::text::{Hints, Sheet};
use super::super::{workbook_xml, xlsx};
use super::data;

/// Text with what formats trip over.
fn any_text() -> impl Strategy<Value = String> {
    proptest::string::string_regex("([=+\\-@'\"; ,\t\r\n0-9a_xXé€<&>]|_x[0-9A-F]{4}_|[\u{0}-\u{1f}]|\\PC){1,12}")
        .unwrap()
}

proptest! {
    #[test]
    fn a_text_file_gives_back_what_was_written(text in any_text(), is_french in any::<bool>()) {
        let bytes: &[u8] = if is_french { b"code;nom\r\n1;\xe9\r\n2;2,5\r\n" } else { "\u{feff}code,nom\n1,é\n2,2.5\n".as_bytes() };
        let file = Sheet::open(Path::new("a.csv"), bytes, Hints::default()).unwrap();
        let spot = Spot { row: 1, column: 1 };
        let cell = Cell::Text(text);
        let edits = BTreeMap::from([(spot, Edit { cell: Some(cell.clone()), style_of: None })]);
        if let Ok(new) = file.with(&edits) {
            let hints = Hints { delimiter: Some(file.dialect.delimiter), encoding: Some(file.dialect.encoding), decimal: Some(file.dialect.decimal) };
            let grid = Sheet::open(Path::new("a.csv"), &new, hints).unwrap().grid().unwrap();
            prop_assert_eq!(grid.cell(spot).map(Cell::json), Some(cell.json()));
            prop_assert_eq!(grid.cells().count(), file.grid().unwrap().cells().count());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_workbook_gives_back_what_was_written(text in any_text()) {
        let path = data("types.xlsx");
        let bytes = std::fs::read(&path).unwrap();
        let sheet = "Types d’essai";
        let spot: Spot = "B5".parse().unwrap();
        let cell = Cell::Text(text);
        let edits = BTreeMap::from([(spot, Edit { cell: Some(cell.clone()), style_of: None })]);
        let mut package = Package::open(&path, &bytes).unwrap();
        let new = workbook_xml::edited(&mut package, sheet, &edits, &Spots::new()).unwrap();
        let grid = xlsx::Book::open(&path, &new).unwrap().grid(sheet).unwrap();
        prop_assert_eq!(grid.cell(spot), Some(&cell));
    }
}
