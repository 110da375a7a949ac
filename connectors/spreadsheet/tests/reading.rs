//! What is read from real files.

use passerelle_core::ErrorKind;
use passerelle_core::connector::Lookup;
use serde_json::{Value, json};

use super::{Desk, all, refusal};

fn first_article() -> Value {
    json!({
        "Référence": "0012",
        "Désignation": "Établi bois massif 1 500 × 700 mm",
        "Type": "Bien",
        "Prix HT": "489",
        "TVA": "20",
        "Prix TTC": "586.8",
        "Au tarif depuis": "2019-03-04",
        "Disponible": true,
        "row": 7,
    })
}

#[tokio::test]
async fn a_price_list_reads_the_same_from_xlsx_and_ods() {
    let desk = Desk::with(&["tarif.xlsx", "tarif.ods"]);
    let (xlsx, _) = all(&desk.open(json!({"path": "tarif.xlsx"})).unwrap(), "rows").await.unwrap();
    let (ods, _) = all(&desk.open(json!({"path": "tarif.ods"})).unwrap(), "rows").await.unwrap();
    assert_eq!(xlsx.len(), 25);
    assert_eq!(xlsx, ods);
    assert_eq!(xlsx[0].id.as_str(), "0012");
    assert_eq!(Value::Object(xlsx[0].fields.clone()), first_article());
    let repas = xlsx.iter().find(|record| record.id.as_str() == "FORM-REPAS").unwrap();
    assert_eq!((&repas.fields["Prix HT"], &repas.fields["Prix TTC"]), (&json!("17.27"), &json!("19")));
}

#[tokio::test]
async fn sheets_named_ranges_and_areas_are_resources() {
    let desk = Desk::with(&["tarif.xlsx"]);
    let connector = desk.open(json!({"path": "tarif.xlsx"})).unwrap();
    for name in ["Tarif", "articles", "rows"] {
        assert_eq!(all(&connector, name).await.unwrap().0.len(), 25, "{name}");
    }
    let part = desk.open(json!({"path": "tarif.xlsx", "range": "A5:F10"})).unwrap();
    let (records, _) = all(&part, "rows").await.unwrap();
    assert_eq!(records.len(), 4);
    assert!(!records[0].fields.contains_key("Disponible"));
    let error = all(&connector, "Tarfi").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Config);
    assert_eq!(
        error.message(),
        "there is no sheet or named range \"Tarfi\"; there are: Tarif, Notes, articles; did you mean \"Tarif\"?"
    );
}

#[tokio::test]
async fn french_csv_is_recognised_in_either_encoding() {
    let desk = Desk::with(&["clients-excel-fr.csv", "clients-utf8-bom.csv"]);
    let (ansi, _) = all(&desk.open(json!({"path": "clients-excel-fr.csv"})).unwrap(), "rows").await.unwrap();
    let (utf8, _) = all(&desk.open(json!({"path": "clients-utf8-bom.csv"})).unwrap(), "rows").await.unwrap();
    assert_eq!(ansi, utf8);
    assert_eq!(ansi.len(), 8);
    let fields = &ansi[0].fields;
    for (header, value) in [
        ("Code client", "C001"),
        ("Raison sociale", "Menuiserie Béraud & Fils"),
        ("N° TVA", "FR94802145375"),
        ("Téléphone", "+33 4 92 31 45 10"),
        ("Code postal", "04001"),
        ("Encours autorisé", "12500.00"),
        ("Client depuis", "12/02/2024"),
    ] {
        assert_eq!(fields[header], json!(value), "{header}");
    }
    assert_eq!(ansi[1].fields["Adresse"], json!("8 bis avenue Foch; bât. B"));
    assert_eq!(ansi[1].fields["Raison sociale"], json!("Garage de l’Étoile"));
}

#[tokio::test]
async fn utf8_without_a_mark_commas_and_points_are_recognised() {
    let desk = Desk::with(&[]);
    desk.put("a.csv", "code,nom,prix\n0012,Été,12.50\n");
    let (records, _) = all(&desk.open(json!({"path": "a.csv"})).unwrap(), "a").await.unwrap();
    let expected = json!({"code": "0012", "nom": "Été", "prix": "12.50", "row": 2});
    assert_eq!(Value::Object(records[0].fields.clone()), expected);
}

#[tokio::test]
async fn records_are_found_by_key_and_by_field() {
    let desk = Desk::with(&["tarif.xlsx"]);
    let connector = desk.open(json!({"path": "tarif.xlsx"})).unwrap();
    let ids = ["0012".into(), "gone".into(), "LIV-FR".into()];
    assert_eq!(connector.read(&"rows".into(), &ids).await.unwrap().len(), 2);
    let by = Lookup::Field { path: "Type".into(), values: vec!["Service".into()] };
    assert_eq!(connector.find(&"rows".into(), &by).await.unwrap().len(), 4);
    let by = Lookup::Field { path: "Prix".into(), values: vec!["1".into()] };
    assert_eq!(connector.find(&"rows".into(), &by).await.unwrap_err().kind(), ErrorKind::Config);
    assert!(connector.find(&"rows".into(), &Lookup::Key(vec!["x".into()])).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_unchanged_file_has_no_changes_and_a_changed_one_is_read_again() {
    let desk = Desk::with(&[]);
    desk.put("a.csv", "code;prix\n1;2,5\n");
    let connector = desk.open(json!({"path": "a.csv"})).unwrap();
    let (_, end) = all(&connector, "rows").await.unwrap();
    let page = connector.changes(&"rows".into(), Some(&end)).await.unwrap();
    assert!(page.records.is_empty() && !page.more && page.next == end);
    desk.put("a.csv", "code;prix\n1;2,6\n");
    assert_eq!(connector.changes(&"rows".into(), Some(&end)).await.unwrap().records.len(), 1);
    let other = desk.open(json!({"path": "a.csv", "key": "prix"})).unwrap();
    assert_eq!(other.changes(&"rows".into(), Some(&end)).await.unwrap().records.len(), 1);
}

#[tokio::test]
async fn a_long_file_comes_in_pages_and_starts_again_when_it_changes_between_two() {
    let desk = Desk::with(&[]);
    let rows = |count: usize| (0..count).fold("code;n\n".to_owned(), |text, i| format!("{text}c{i};{i}\n"));
    desk.put("a.csv", rows(4500));
    let connector = desk.open(json!({"path": "a.csv"})).unwrap();
    assert_eq!(all(&connector, "rows").await.unwrap().0.len(), 4500);
    let first = connector.changes(&"rows".into(), None).await.unwrap();
    assert!(first.more);
    desk.put("a.csv", rows(4501));
    let again = connector.changes(&"rows".into(), Some(&first.next)).await.unwrap();
    assert_eq!(again.records[0].id.as_str(), "c0");
}

#[tokio::test]
async fn a_key_that_is_missing_or_twice_is_an_error_that_names_the_rows() {
    for (text, message) in [
        ("code;nom\nA;x\nB;y\nA;z\n", "rows 2 and 4 both have \"A\" in the key column \"code\"; make them differ"),
        ("code;nom\nA;x\n;y\n", "row 3 has no value in the key column \"code\""),
        ("nom;ville\nA;x\n", "name the key column with `key = \"...\"`; the headers are: nom, ville"),
        ("code;nom;nom\nA;x;y\n", "columns B and C have the same header \"nom\"; make them differ"),
    ] {
        let error = refusal(text).await;
        assert_eq!((error.kind(), error.message()), (ErrorKind::Config, message));
    }
    let desk = Desk::with(&[]);
    desk.put("a.csv", "nom;ville\nA;x\n;\n\nB;y\n");
    let connector = desk.open(json!({"path": "a.csv", "key": "Nom"})).unwrap();
    assert_eq!(all(&connector, "rows").await.unwrap().0.len(), 2, "empty rows are no records");
    let error = all(&desk.open(json!({"path": "a.csv", "key": "nmo"})).unwrap(), "rows").await.unwrap_err();
    assert!(error.message().ends_with("did you mean \"nom\"?"), "{error}");
}

#[tokio::test]
async fn a_quote_workbook_is_one_record_with_its_lines() {
    let desk = Desk::with(&["devis-2026-118.xlsx"]);
    let columns = json!({"sku": "Référence", "description": "Désignation", "quantity": "Quantité",
        "unit_price": "Prix unitaire HT", "discount": "Remise %", "vat": "TVA %"});
    for at in ["A10", "lignes"] {
        let quote = json!({"number": "E2", "customer_name": "B3", "customer_vat": "B4", "date": "B6", "status": "E3",
            "currency": "=EUR", "cells": {"customer_email": "B5"}, "lines": {"at": at, "columns": columns}});
        let connector = desk.open(json!({"path": "*.xlsx", "quote": quote})).unwrap();
        let (records, end) = all(&connector, "quotes").await.unwrap();
        assert_eq!(records.len(), 1);
        assert_eq!(records[0].id.as_str(), "D-2026-118");
        let fields = &records[0].fields;
        assert_eq!(fields["customer_vat"], json!("FR94802145375"));
        assert_eq!((&fields["date"], &fields["status"]), (&json!("2026-11-16"), &json!("Accepté")));
        assert_eq!((&fields["currency"], &fields["file"]), (&json!("EUR"), &json!("devis-2026-118.xlsx")));
        let lines = fields["lines"].as_array().unwrap();
        assert_eq!(lines.len(), 5, "the totals below are no lines");
        let line = json!({"sku": "MONT-H", "description": "Montage sur site, l’heure", "quantity": "6.5",
            "unit_price": "58", "discount": "0", "vat": "20", "row": 15});
        assert_eq!(lines[4], line);
        assert!(connector.changes(&"quotes".into(), Some(&end)).await.unwrap().records.is_empty());
        std::fs::copy(desk.path("devis-2026-118.xlsx"), desk.path("copie.xlsx")).unwrap();
        let error = connector.changes(&"quotes".into(), Some(&end)).await.unwrap_err();
        assert_eq!(error.message(), "copie.xlsx and devis-2026-118.xlsx are both quote D-2026-118");
        std::fs::remove_file(desk.path("copie.xlsx")).unwrap();
    }
}

#[tokio::test]
async fn every_kind_of_cell_reads_the_same_from_xlsx_and_ods() {
    let desk = Desk::with(&["types.xlsx", "types.ods"]);
    for name in ["types.xlsx", "types.ods"] {
        let (records, _) = all(&desk.open(json!({ "path": name })).unwrap(), "Types d’essai").await.unwrap();
        let value = |id: &str| records.iter().find(|record| record.id.as_str() == id).unwrap().fields["Valeur"].clone();
        for (id, expected) in [
            ("binaire", json!("0.3")),
            ("prix", json!("19.9")),
            ("entier", json!("123456789012")),
            ("instant", json!("2026-11-24T10:30:00")),
            ("heure", json!("08:05:00")),
            ("pourcent", json!("0.055")),
            ("absent", json!("#N/A")),
            ("division", json!("#DIV/0!")),
            ("vide", json!(null)),
            ("texte", json!("0012")),
            ("vrai", json!(true)),
            ("lignes", json!("un\ndeux  &   trois")),
            ("riche", json!("gras et maigre")),
            ("annoté", json!("valeur")),
            ("dernier", json!("2026-11-24")),
        ] {
            assert_eq!(value(id), expected, "{id} in {name}");
        }
        assert_eq!(records[0].fields["Particuliers HT"], json!("1"));
        assert_eq!(records[0].fields["Professionnels TTC"], json!("4"));
    }
}
