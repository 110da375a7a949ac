//! Files that are cut, locked, hostile or absent.

use passerelle_core::clock::Timestamp;
use passerelle_core::{Error, ErrorKind};
use serde_json::json;

use super::super::config::Config;
use super::super::files::Files;
use super::{Desk, all};

async fn refused(desk: &Desk, path: &str) -> Error {
    match desk.open(json!({ "path": path })) {
        Ok(connector) => all(&connector, "rows").await.unwrap_err(),
        Err(error) => error,
    }
}

#[tokio::test]
async fn a_workbook_cut_anywhere_is_unavailable_and_never_fewer_rows() {
    for name in ["tarif.xlsx", "tarif.ods"] {
        let desk = Desk::with(&[name]);
        let whole = desk.bytes(name);
        for part in 0..20 {
            desk.put(name, &whole[..whole.len() * part / 20]);
            let error = refused(&desk, name).await;
            assert_eq!(error.kind(), ErrorKind::Unavailable, "{part}/20 of {name}: {error}");
        }
    }
}

#[tokio::test]
async fn a_text_file_cut_within_its_last_row_is_unavailable() {
    let desk = Desk::with(&["clients-excel-fr.csv"]);
    let whole = desk.bytes("clients-excel-fr.csv");
    for (i, cut) in [whole.len() - 20, whole.len() - 60].into_iter().enumerate() {
        desk.put("clients-excel-fr.csv", &whole[..cut]);
        assert_eq!(refused(&desk, "clients-excel-fr.csv").await.kind(), ErrorKind::Unavailable, "cut {i}");
    }
    desk.put("quote.csv", "code;nom\n1;\"a\n");
    assert_eq!(refused(&desk, "quote.csv").await.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn files_that_cannot_be_are_refused_by_name() {
    let desk = Desk::with(&[]);
    desk.put("old.xlsx", b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1");
    desk.put("text.xlsx", "code;nom\n");
    desk.put("a.pdf", "%PDF");
    for path in ["missing.xlsx", "old.xlsx", "text.xlsx", "a.pdf"] {
        let error = refused(&desk, path).await;
        assert_eq!(error.kind(), ErrorKind::Config, "{error}");
        assert!(error.message().contains(path), "{error}");
    }
    desk.put("wide.csv", b"\xFF\xFEa\0\n\0");
    assert_eq!(refused(&desk, "wide.csv").await.kind(), ErrorKind::Unsupported);
}

#[test]
fn unknown_options_and_options_that_cannot_be_are_config_errors() {
    let desk = Desk::with(&[]);
    for options in [
        json!({"path": "a.csv", "sheeet": "x"}),
        json!({"path": "a.csv", "delimiter": "x"}),
        json!({"path": "a.csv", "encoding": "klingon"}),
        json!({"path": "a.csv", "decimal": ";"}),
    ] {
        assert_eq!(desk.open(options).unwrap_err().kind(), ErrorKind::Config);
    }
}

#[test]
fn a_text_file_without_a_last_line_end_is_left_alone_until_it_settled() {
    let desk = Desk::with(&[]);
    desk.put("a.csv", "code;prix\n1;12,5");
    let config: Config = serde_json::from_value(json!({"path": "a.csv"})).unwrap();
    let files = Files::new(&config, &desk.path("")).unwrap();
    let modified = std::fs::metadata(desk.path("a.csv")).unwrap().modified().unwrap();
    let modified = Timestamp::try_from(modified).unwrap();
    let error = files.changes(&"rows".into(), None, modified).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let later = modified + std::time::Duration::from_secs(3);
    assert_eq!(files.changes(&"rows".into(), None, later).unwrap().records.len(), 1);
}
