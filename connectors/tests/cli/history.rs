//! What was, and how it is taken back: an old state, `trace`, `undo` and `journal`.

use std::fs::File;

use serde_json::Value;

use crate::Shell;
use crate::archive::prepared;
use crate::sheets::sheets;

/// A hub between two CSV files whose state the first format's program left: two runs that wrote a field each, and two
/// records parked. `tests/data/README.md` tells how it was made.
const STATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/state-1.zip");

fn old() -> Shell {
    let shell = Shell::new();
    zip::ZipArchive::new(File::open(STATE).unwrap()).unwrap().extract(shell.path()).unwrap();
    shell
}

/// The last run that wrote something.
fn last(shell: &Shell) -> String {
    shell.run("--json undo last").json()["run"].as_str().unwrap().to_owned()
}

#[test]
fn a_state_of_the_first_format_is_taken_over_whole_with_a_copy_beside_it() {
    let shell = old();
    let status = shell.ok("status");
    assert!(status.out.contains("2 parked"), "{status:?}");
    assert!(shell.path().join("state.backup-1/db/db").is_file());
    shell.fails("sync", 3, &["0 read", "Nothing to change."]);
    shell.edit("crm.csv", "03 20 00 00 01", "03 20 00 00 11");
    shell.fails("sync", 3, &["1 updated"]);
    assert!(shell.read("erp.csv").contains("A,Brasserie du Nord,03 20 00 00 11"));
    // The record without a code is the one difference, as it was before.
    shell.fails("verify", 3, &["1 differences over 4 records", "company:crm:4"]);
    assert!(!shell.path().join("state.backup-1-2").exists());
}

#[test]
fn trace_tells_where_every_value_is_from_also_of_what_an_older_version_wrote() {
    let shell = old();
    let words = [
        "company \"Cave Rouge\"  (company:erp:B)",
        "crm/rows/2",
        "erp/rows/B",
        "\"Roubaix\"         from crm/2; owned by crm; written to erp at 2026-11-24T11:57:14Z by run 20261124T115714457Z-00/1",
        "the same on all sides when they met",
        "city: \"Tourcoing\" -> \"Roubaix\"  (owned by crm)",
        "Nothing waits.",
    ];
    shell.fails("trace crm rows 2", 0, &words);
    shell.fails("trace erp company B", 0, &words);
    let told = shell.ok("--json trace crm rows 2").json();
    assert_eq!(told["sides"]["erp"]["id"], "B");
    assert_eq!(told["journal"].as_array().unwrap().len(), 1);
    let city = told["values"].as_array().unwrap().iter().find(|value| value["field"] == "city").unwrap();
    assert_eq!(city["origin"]["line"]["run"], "20261124T115714457Z-00");
    shell.fails("trace crm rows 5", 0, &["not linked", "parked company/crm/5", "name: is required, and empty"]);
    shell.fails("trace crm rows 4", 0, &["company:crm:4", "erp refuses the create: a new row needs \"code\""]);
}

#[test]
fn a_record_is_called_by_its_present_name() {
    let shell = old();
    shell.fails("sync", 3, &[]);
    shell.edit("crm.csv", "Cave Rouge", "Cave Verte");
    shell.fails("sync", 3, &["1 updated"]);
    shell.fails("trace erp rows B", 0, &["company \"Cave Verte\"  (company:erp:B)"]);
}

#[test]
fn a_new_write_is_traced_with_the_version_of_the_record_it_is_from() {
    let shell = old();
    shell.edit("crm.csv", "03 20 00 00 01", "03 20 00 00 11");
    shell.run("sync");
    let told = shell.ok("--json trace erp rows A").json();
    let phone = told["values"].as_array().unwrap().iter().find(|value| value["field"] == "phone").unwrap();
    assert_eq!(phone["origin"]["hash"], told["sides"]["crm"]["seen"], "{told:#}");
    assert_eq!((phone["origin"]["system"].as_str(), phone["origin"]["id"].as_str()), (Some("crm"), Some("1")));
}

#[test]
fn a_record_that_was_never_seen_is_an_error_that_says_what_is_known() {
    let shell = old();
    shell.fails("trace crm rows 9", 2, &["the hub has never seen crm/rows/9; known of crm/rows are 3: 1, 2, 3"]);
    shell.fails("trace cmr rows 2", 2, &["there is no system `cmr`; did you mean `crm`? there are crm, erp"]);
    let words = ["no mapping reads from crm a resource `row`; did you mean `rows`?", "company, rows"];
    shell.fails("trace crm row 2", 2, &words);
}

#[test]
fn undo_writes_the_old_values_back_and_says_what_the_next_run_makes_of_it() {
    let shell = old();
    let words = [
        "undo of 20261124T115714711Z-00",
        "phone: \"03 20 00 00 33\" -> \"03 20 00 00 03\"",
        "crm says \"03 20 00 00 33\"; the next run takes \"03 20 00 00 03\" there",
        "passerelle apply u.json",
    ];
    shell.fails("undo last --out u.json", 4, &words);
    shell.fails("apply u.json", 3, &["1 updated"]);
    assert!(shell.read("erp.csv").contains("C,Menuiserie Loiseau,03 20 00 00 03"));
    shell.fails("apply u.json", 3, &["refused", "moved since"]);
    // Nobody owns the phone: the undo is the last change of it, and is not undone by an echo.
    shell.fails("sync", 3, &["1 updated"]);
    assert!(shell.read("crm.csv").contains("3,Menuiserie Loiseau,03 20 00 00 03"));
    shell.fails("sync", 3, &["Nothing to change."]);
}

#[test]
fn what_its_owner_still_says_is_told_to_be_written_again_and_is_unless_it_is_mended_first() {
    let shell = old();
    let words = ["crm owns it and still says \"Roubaix\": the next run writes it again; mend it in crm first"];
    shell.fails("undo 20261124T115714457 --out u.json", 4, &words);
    shell.fails("apply u.json", 3, &["1 updated"]);
    shell.run("sync");
    assert!(shell.read("erp.csv").contains("B,Cave Rouge,03 20 00 00 02,Roubaix"));
    shell.edit("crm.csv", "Roubaix", "Tourcoing");
    shell.run("sync");
    shell.fails("undo 20261124T115714457", 0, &["nothing to change"]);
}

#[test]
fn an_undo_is_a_run_that_can_be_undone() {
    let shell = old();
    shell.fails("undo last --out u.json", 4, &[]);
    let told = shell.run("--json apply u.json").json();
    let run = told["flows"][0]["run"].as_str().unwrap().to_owned();
    assert_eq!(last(&shell), run);
    shell.fails("undo last --out again.json", 4, &["\"03 20 00 00 03\" -> \"03 20 00 00 33\""]);
    shell.fails("apply again.json", 3, &["1 updated"]);
    assert!(shell.read("erp.csv").contains("C,Menuiserie Loiseau,03 20 00 00 33"));
    shell.fails("sync", 3, &["Nothing to change."]);
}

#[test]
fn what_moved_since_is_left_alone_and_told_with_both_values() {
    let shell = old();
    shell.edit("erp.csv", "03 20 00 00 33", "03 20 99 99 99");
    let words = ["Moved since, and left alone", "the run wrote \"03 20 00 00 33\", now it is \"03 20 99 99 99\""];
    shell.fails("undo last", 0, &words);
}

#[test]
fn a_run_that_is_not_known_is_an_error_that_lists_the_last_ones() {
    let shell = old();
    let words = ["there is no run `2025`", "20261124T115714711Z-00 (customers, 0 created, 1 updated)"];
    shell.fails("undo 2025", 2, &words);
    shell.fails("undo 20261124", 2, &["runs begin with `20261124`", "write more of it"]);
}

#[test]
fn customers_that_a_run_made_are_put_away_and_not_made_again_and_a_validated_order_is_left_to_a_person() {
    let (shell, _emulators) = sheets();
    shell.edit("config.toml", "connector = \"dolibarr\"", "connector = \"dolibarr\"\nrequests_per_second = 1000");
    shell.edit("mappings/company.toml", "when = \"stage == 'client'\"", "when = true");
    shell.ok("sync customers");
    let made = last(&shell);
    shell.ok("sync products sales");
    let sales = shell.run("--json undo last").json();
    let by_hand = sales["by_hand"].as_array().unwrap();
    let order = by_hand.iter().find(|left| left["link"].as_str().unwrap().starts_with("sale:")).unwrap();
    assert!(order["reason"].as_str().unwrap().contains("its state was moved on (validate)"), "{order}");
    assert!(sales["plan"]["flows"][0]["changes"].as_array().unwrap().iter().all(|change| change["entity"] != "sale"));
    shell.fails(&format!("undo {made} --out u.json"), 4, &["- archive erp/thirdparties/", "8 to archive"]);
    shell.fails("apply u.json", 0, &["8 archived"]);
    let again = shell.ok("sync customers");
    assert!(again.out.contains("Nothing to change."), "{again:?}");
    shell.fails("undo last", 0, &["archive of erp/", "brought back by a person, in erp"]);
    let line = shell.ok("journal export").out.lines().last().unwrap().to_owned();
    assert!(line.contains("\"op\":\"archive\""), "{line}");
}

#[test]
fn the_journal_is_exported_as_json_lines_by_date_and_by_run() {
    let shell = old();
    let all = shell.ok("journal export");
    let lines: Vec<Value> = all.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!((lines[0]["entity"].as_str(), lines[0]["known"].as_str()), (Some("company"), Some("answered")));
    assert_eq!((lines[0]["number"].as_u64(), lines[0]["fields"][0]["new"].as_str()), (Some(1), Some("Roubaix")));
    let one = shell.ok("journal export --run 20261124T115714711Z-00 --out j.jsonl");
    assert!(one.out.contains("1 lines in j.jsonl"), "{one:?}");
    assert_eq!(shell.read("j.jsonl").trim_end(), all.out.lines().nth(1).unwrap());
    assert_eq!(shell.ok("journal export --since 2026-11-24T11:57:14.6Z").out.lines().count(), 1);
    assert_eq!(shell.ok("journal export --since 2026-11-25").out, "");
    assert_eq!(shell.ok("--json journal export --out j.jsonl").json()["lines"], 2);
    shell.fails("--json journal export", 2, &["leave out --json, or give --out FILE"]);
    shell.fails("journal export --run 2025", 2, &["there is no run `2025`"]);
    shell.fails("journal export --since november", 2, &["`november` is not a date; write it as 2026-11-01"]);
    shell.fails("journal export --out no/such.jsonl", 2, &["cannot write the journal", "no/such.jsonl"]);
}

#[test]
fn pruning_tells_first_and_forgets_only_when_told_so() {
    let shell = old();
    shell.fails("journal prune --older-than soon", 2, &["is not a period"]);
    shell.fails("journal prune --older-than 1000d", 0, &["No runs are older than 1000d; there is nothing to forget."]);
    let told = shell.ok("journal prune --older-than 1s");
    assert!(
        told.out.contains("2 lines of 3 runs are older than 1s; nothing was forgotten. 1 as old are kept"),
        "{told:?}"
    );
    let done = shell.ok("--json journal prune --older-than 1s --yes").json();
    assert_eq!((done["lines"].as_u64(), done["runs"].as_u64(), done["kept"].as_u64()), (Some(2), Some(3), Some(1)));
    assert_eq!(shell.ok("journal export").out, "");
    shell.fails("trace crm rows 2", 0, &["the hub has written nothing of it", "Roubaix"]);
    shell.fails("undo last", 2, &["no run has written anything yet"]);
    shell.fails("sync", 3, &["Nothing to change."]);
}

#[test]
fn trace_tells_also_what_was_written_to_a_record_that_was_merged_into_it() {
    let (shell, emulators) = prepared("hubspot", "dolibarr");
    shell.run("sync companies");
    let made: Vec<Value> =
        shell.ok("journal export").out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let parked = shell.ok("parked list").out;
    let of = |line: &Value| line["link"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let mut single = made
        .iter()
        .filter(|line| line["op"] == "create" && line["resource"] == "thirdparties" && !parked.contains(&of(line)));
    let (stays, goes) = (single.next().unwrap(), single.next().unwrap());
    let merge = serde_json::json!({ "type": "companies", "primary": of(stays), "other": of(goes) });
    let one = emulators.control("hubspot", "merge", &merge)["id"].as_str().unwrap().to_owned();
    let gone = serde_json::json!({ "type": "thirdparties", "id": goes["id"] });
    emulators.control("dolibarr", "delete", &gone);
    shell.run("sync companies --full");
    let told = shell.ok(&format!("trace crm companies {one}"));
    assert!(told.out.contains(&format!("(as company:crm:{}, merged since)", of(goes))), "{told:?}");
    let origin = format!("from crm/{} as", of(goes));
    assert!(!told.out.contains(&origin), "its values are those of the one that stayed: {told:?}");
    for line in [stays, goes] {
        let wrote = format!(
            "create erp/thirdparties/{}  run {}/{}",
            line["id"].as_str().unwrap(),
            line["run"].as_str().unwrap(),
            line["number"]
        );
        assert!(told.out.contains(&wrote), "{wrote}: {told:?}");
    }
}
