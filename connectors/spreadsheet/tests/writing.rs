//! What is written: only the meant cells change, and nothing is ever lost.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use passerelle_core::connector::{Connector, Lookup, Prepare, State};
use passerelle_core::model::{Need, Outcome, Record, Write};
use passerelle_core::{ErrorKind, Result};
use serde_json::{Value, json};

use super::{Desk, all};

fn update(record: &Record, fields: Value) -> Write {
    let fields = fields.as_object().unwrap().clone();
    Write::Update { id: record.id.clone(), fields, expect: record.version.clone(), then: Vec::new() }
}

fn create(key: &str, fields: Value) -> Write {
    Write::Create { key: key.into(), fields: fields.as_object().unwrap().clone(), then: Vec::new() }
}

async fn write_one(connector: &Arc<dyn Connector>, write: Write) -> Outcome {
    connector.write(&"rows".into(), &[write]).await.unwrap().remove(0)
}

async fn prepare(connector: &Arc<dyn Connector>, how: Prepare) -> Result<Vec<State>> {
    let need = |path: &str| Need {
        path: path.into(),
        kind: "key".into(),
        label: path.into(),
        options: Vec::new(),
        refers: None,
    };
    let needs = [need("hub_external_id"), need("Couleur"), need("row")];
    Ok(connector.prepare(&"rows".into(), &needs, how).await?.into_iter().map(|done| done.state).collect())
}

fn parts(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut parts = BTreeMap::new();
    for index in 0..zip.len() {
        let mut part = zip.by_index(index).unwrap();
        let mut text = String::new();
        part.read_to_string(&mut text).unwrap();
        parts.insert(part.name().unwrap().into_owned(), text);
    }
    parts
}

#[tokio::test]
async fn an_update_in_a_workbook_changes_one_cell_and_asks_for_formulas_to_be_computed() {
    let desk = Desk::with(&["tarif.xlsx"]);
    let connector = desk.open(json!({"path": "tarif.xlsx"})).unwrap();
    let (before, _) = all(&connector, "rows").await.unwrap();
    let old = parts(&desk.bytes("tarif.xlsx"));
    let written = write_one(&connector, update(&before[0], json!({"Prix HT": "499.90"}))).await.unwrap();
    let record = written.record.unwrap();
    assert_eq!((&record.fields["Prix HT"], &record.fields["Prix TTC"]), (&json!("499.9"), &json!("#CALC?")));
    let (after, _) = all(&connector, "rows").await.unwrap();
    assert_eq!(after[0], record);
    assert_eq!(after[1..], before[1..]);
    let mut new = parts(&desk.bytes("tarif.xlsx"));
    let sheet = new.get_mut("xl/worksheets/sheet1.xml").unwrap();
    let changed = "<c r=\"D7\" s=\"6\"><v>499.9</v></c>";
    assert!(sheet.contains(changed));
    *sheet = sheet.replace(changed, "<c r=\"D7\" s=\"6\" t=\"n\"><v>489</v></c>");
    *sheet = sheet.replacen("</f></c>", "</f><v>586.8</v></c>", 1);
    let notes = new.get_mut("xl/worksheets/sheet2.xml").unwrap();
    assert!(!notes.contains("528.5558"), "an average of what was edited is computed again");
    *notes = notes.replacen("</f></c>", "</f><v>528.5558</v></c>", 1);
    let book = new.get_mut("xl/workbook.xml").unwrap();
    assert!(book.contains(" fullCalcOnLoad=\"1\""));
    *book = book.replace(" fullCalcOnLoad=\"1\"", "");
    assert_eq!(new, old, "every other byte of every part is as it was");
}

#[tokio::test]
async fn types_and_formats_follow_the_column() {
    let desk = Desk::with(&["tarif.xlsx"]);
    let connector = desk.open(json!({"path": "tarif.xlsx"})).unwrap();
    let (before, _) = all(&connector, "rows").await.unwrap();
    let fields = json!({"Désignation": "=HYPERLINK(\"x\") & <a>\r\n_x0041_ é", "TVA": "5.5", "Disponible": false,
        "Au tarif depuis": "2026-12-24", "Type": null});
    let record = write_one(&connector, update(&before[0], fields.clone())).await.unwrap().record.unwrap();
    for (name, value) in fields.as_object().unwrap() {
        assert_eq!(&record.fields[name], value, "{name}");
    }
    let sheet = parts(&desk.bytes("tarif.xlsx")).remove("xl/worksheets/sheet1.xml").unwrap();
    assert!(!sheet.contains("<f>=HYPERLINK") && sheet.contains("<c r=\"C7\" s=\"0\"/>"));
}

#[tokio::test]
async fn a_created_row_bears_the_hubs_key_and_a_second_create_does_not_add_another() {
    for name in ["tarif.xlsx", "clients-excel-fr.csv"] {
        let desk = Desk::with(&[name]);
        let connector = desk.open(json!({ "path": name })).unwrap();
        let (before, _) = all(&connector, "rows").await.unwrap();
        let (key, label) =
            if name.ends_with("csv") { ("Code client", "Ville") } else { ("Référence", "Désignation") };
        let new = create("hub:1", json!({key: "0099", label: "Évry"}));
        let error = write_one(&connector, new.clone()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config, "no column for the hub's key yet: {error}");
        assert_eq!(prepare(&connector, Prepare::Tell).await.unwrap(), [State::WouldCreate, State::Manual]);
        assert_eq!(prepare(&connector, Prepare::Create).await.unwrap(), [State::Created, State::Manual]);
        assert_eq!(prepare(&connector, Prepare::Create).await.unwrap(), [State::There, State::Manual]);
        for _ in 0..2 {
            assert_eq!(write_one(&connector, new.clone()).await.unwrap().id.as_str(), "0099");
        }
        let (after, _) = all(&connector, "rows").await.unwrap();
        assert_eq!(after.len(), before.len() + 1);
        let found = connector.find(&"rows".into(), &Lookup::Key(vec!["hub:1".into()])).await.unwrap();
        assert_eq!((found.len(), found[0].id.as_str()), (1, "0099"));
        assert_eq!(found[0].key.as_ref().unwrap().as_str(), "hub:1");
        let twin = write_one(&connector, create("hub:2", json!({key: "0099"}))).await.unwrap_err();
        assert_eq!(twin.kind(), ErrorKind::Rejected, "{twin}");
    }
}

#[tokio::test]
async fn untouched_rows_of_a_text_file_stay_byte_for_byte() {
    let desk = Desk::with(&["clients-excel-fr.csv", "clients-utf8-bom.csv"]);
    for name in ["clients-excel-fr.csv", "clients-utf8-bom.csv"] {
        let connector = desk.open(json!({ "path": name })).unwrap();
        let old = desk.bytes(name);
        let (before, _) = all(&connector, "rows").await.unwrap();
        let fields = json!({"Encours autorisé": "13000.5", "Ville": "Sisteron; été"});
        let record = write_one(&connector, update(&before[0], fields)).await.unwrap().record.unwrap();
        assert_eq!(
            (&record.fields["Encours autorisé"], &record.fields["Ville"]),
            (&json!("13000.5"), &json!("Sisteron; été"))
        );
        let lines = |bytes: &[u8]| bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>();
        let (old, new) = (lines(&old), lines(&desk.bytes(name)));
        assert_eq!(old.len(), new.len());
        let differing: Vec<usize> = (0..old.len()).filter(|line| old[*line] != new[*line]).collect();
        assert_eq!(differing, [1], "{name}");
        assert!(new[1].windows(7).any(|w| w == b"13000,5") && new[1].ends_with(b"\r\n"));
    }
}

#[tokio::test]
async fn one_bad_write_does_not_spoil_the_others() {
    let desk = Desk::with(&["tarif.xlsx"]);
    let connector = desk.open(json!({"path": "tarif.xlsx"})).unwrap();
    let (before, _) = all(&connector, "rows").await.unwrap();
    let mut gone = before[1].clone();
    gone.id = "gone".into();
    let mut moved = before[2].clone();
    moved.version = Some("other".into());
    let writes = [
        update(&before[0], json!({"TVA": "10"})),
        update(&gone, json!({"TVA": "10"})),
        update(&moved, json!({"TVA": "10"})),
        update(&before[3], json!({"Prix TTC": "1"})),
        update(&before[4], json!({"Couleur": "rouge"})),
        update(&before[5], json!({"Référence": "neuf"})),
        update(&before[6], json!({"Type": ["a"]})),
        Write::Archive { id: before[7].id.clone(), expect: None },
        update(&before[8], json!({"TVA": "20.00"})),
    ];
    let outcomes = connector.write(&"rows".into(), &writes).await.unwrap();
    let kinds: Vec<Option<ErrorKind>> = outcomes.iter().map(|o| o.as_ref().err().map(|e| e.kind())).collect();
    use ErrorKind::{NotFound, Rejected, Stale, Unsupported};
    let expected = [
        None,
        Some(NotFound),
        Some(Stale),
        Some(Rejected),
        Some(Rejected),
        Some(Rejected),
        Some(Rejected),
        Some(Unsupported),
        None,
    ];
    assert_eq!(kinds, expected);
    let (after, _) = all(&connector, "rows").await.unwrap();
    assert_eq!(after[0].fields["TVA"], json!("10"));
    assert_eq!(after[1..], before[1..]);
}

#[tokio::test]
async fn nothing_is_written_while_a_person_has_the_file_open() {
    let desk = Desk::with(&["tarif.xlsx"]);
    let connector = desk.open(json!({"path": "tarif.xlsx"})).unwrap();
    let excel = [&[6], b"Ren\xe9e ".as_slice(), &[0; 40]].concat();
    for (lock, bytes) in
        [(".~lock.tarif.xlsx#", b",Ren\xc3\xa9e ,poste,24.11.2026 09:00,file:///;".to_vec()), ("~$tarif.xlsx", excel)]
    {
        desk.put(lock, bytes);
        let old = desk.bytes("tarif.xlsx");
        let (rows, _) = all(&connector, "rows").await.unwrap();
        let error = connector.write(&"rows".into(), &[update(&rows[0], json!({"TVA": "10"}))]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(error.message().contains("open at Renée's"), "{error}");
        assert_eq!(desk.bytes("tarif.xlsx"), old);
        std::fs::remove_file(desk.path(lock)).unwrap();
    }
}

#[tokio::test]
async fn an_ods_and_a_named_range_refuse_what_they_cannot() {
    let desk = Desk::with(&["tarif.xlsx", "tarif.ods"]);
    let ods = desk.open(json!({"path": "tarif.ods"})).unwrap();
    let (rows, _) = all(&ods, "rows").await.unwrap();
    let error = ods.write(&"rows".into(), &[update(&rows[0], json!({"TVA": "10"}))]).await.unwrap_err();
    assert_eq!(error.message(), "an .ods file is only read; save it as .xlsx to have it written");
    let range = desk.open(json!({"path": "tarif.xlsx", "range": "articles"})).unwrap();
    assert_eq!(prepare(&range, Prepare::Create).await.unwrap(), [State::Manual, State::Manual]);
    let (rows, _) = all(&range, "rows").await.unwrap();
    assert!(write_one(&range, update(&rows[0], json!({"TVA": "10"}))).await.is_ok());
}

#[tokio::test]
async fn a_file_that_another_program_replaced_meanwhile_is_stale_and_left_alone() {
    let desk = Desk::with(&["tarif.xlsx"]);
    let old = super::super::disk::read(&desk.path("tarif.xlsx")).unwrap();
    desk.put("tarif.xlsx", b"PK of somebody else");
    let error = super::super::disk::replace(&old, b"ours").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Stale);
    assert_eq!(desk.bytes("tarif.xlsx"), b"PK of somebody else");
    let left: Vec<_> = std::fs::read_dir(desk.path("")).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file is left");
}

#[cfg(unix)]
#[tokio::test]
async fn permissions_and_links_survive_a_write() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let desk = Desk::with(&["tarif.xlsx"]);
    std::fs::set_permissions(desk.path("tarif.xlsx"), std::fs::Permissions::from_mode(0o640)).unwrap();
    symlink(desk.path("tarif.xlsx"), desk.path("lien.xlsx")).unwrap();
    let connector = desk.open(json!({"path": "lien.xlsx"})).unwrap();
    let (rows, _) = all(&connector, "rows").await.unwrap();
    write_one(&connector, update(&rows[0], json!({"TVA": "10"}))).await.unwrap();
    assert!(std::fs::symlink_metadata(desk.path("lien.xlsx")).unwrap().is_symlink());
    let mode = std::fs::metadata(desk.path("tarif.xlsx")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
}

#[tokio::test]
async fn accents_are_not_written_into_a_file_of_unknown_encoding() {
    let desk = Desk::with(&[]);
    desk.put("a.csv", "code;nom\n1;x\n");
    let connector = desk.open(json!({"path": "a.csv"})).unwrap();
    let (rows, _) = all(&connector, "rows").await.unwrap();
    assert_eq!(
        write_one(&connector, update(&rows[0], json!({"nom": "é"}))).await.unwrap_err().kind(),
        ErrorKind::Config
    );
    let connector = desk.open(json!({"path": "a.csv", "encoding": "windows-1252"})).unwrap();
    write_one(&connector, update(&rows[0], json!({"nom": "é"}))).await.unwrap();
    assert_eq!(desk.bytes("a.csv"), b"code;nom\n1;\xe9\n");
}
