//! `conflicts`: what is listed, what a person takes, and what the next run makes of it.

use std::sync::Arc;

use passerelle_core::store::{At, Conflict, Facts, Parked, Sled, Store, Why};
use serde_json::{Map, json};

use crate::{Shell, TWO_LISTS};

const MAPPING: &str = r#"entity = "customer"
label  = "code"
match  = ["code"]
[on.spreadsheet]
resource = "rows"
[fields.code]
spreadsheet = "code"
[fields.stage]
owner = "review"
spreadsheet = "stage"
[fields.city]
owner = "review"
spreadsheet = "city"
[create.spreadsheet]
when = "false"
"#;

const ID: &str = "customer:right:C1";

/// Two price lists that know each other and disagree about stage and city of one customer.
fn in_conflict() -> Shell {
    let shell = Shell::new();
    shell.write("config.toml", TWO_LISTS);
    shell.write("mappings/customer.toml", MAPPING);
    rows(&shell, "left", "client", "Lille");
    rows(&shell, "right", "client", "Lille");
    shell.ok("sync");
    rows(&shell, "left", "gold", "Lyon");
    rows(&shell, "right", "silver", "Brest");
    shell
}

fn rows(shell: &Shell, file: &str, stage: &str, city: &str) {
    shell.write(&format!("{file}.csv"), &format!("code;stage;city\nC1;{stage};{city}\nC2;lead;Nice\n"));
}

#[test]
fn a_conflict_is_counted_by_itself_and_listed_with_every_value() {
    let shell = in_conflict();
    shell.fails("plan", 0, &["is in conflict over stage", &format!("conflicts resolve {ID} stage --take left")]);
    let ran = shell.fails("sync", 3, &["2 in conflict", "2 wait for a person", "conflicts list"]);
    assert!(!ran.out.contains("Nothing to change."), "{ran:?}");
    shell.fails("status", 0, &["0 parked, 0 held, 2 in conflict"]);
    let status = shell.run("--json status").json();
    assert_eq!(status["waiting"]["conflicts"], 2);
    assert_eq!(status["waiting"]["parked"], 0);
    let said = ["agreed: \"client\"", "left: \"gold\"", "right: \"silver\"", "no time told", "2 in conflict"];
    shell.fails("conflicts list", 0, &said);
    let json = shell.run("--json conflicts list").json();
    assert_eq!(json["conflicts"][1]["id"], ID);
    assert_eq!(json["conflicts"][1]["sides"]["right"]["value"], "silver");
    assert!(shell.ok("parked list").out.contains("Nothing is parked"));
}

#[test]
fn what_a_person_takes_is_planned_and_written_and_the_conflict_is_over() {
    let shell = in_conflict();
    shell.fails("sync", 3, &[]);
    shell.ok(&format!("conflicts resolve {ID} stage --take right"));
    shell.fails("conflicts list", 0, &["taken: right, written by the next `passerelle sync`", "1 in conflict"]);
    shell.fails("plan", 4, &["stage: \"gold\" -> \"silver\"  (resolved by a person: right)"]);
    shell.fails("sync", 3, &["1 updated"]);
    assert!(shell.read("left.csv").contains("C1;silver;Lyon"), "{}", shell.read("left.csv"));
    shell.ok("conflicts resolve --all --take left");
    shell.ok("sync");
    assert!(shell.read("right.csv").contains("C1;silver;Lyon"), "{}", shell.read("right.csv"));
    shell.fails("conflicts list", 0, &["Nothing is in conflict."]);
    shell.ok("verify");
}

#[test]
fn a_value_that_moved_since_it_was_taken_is_asked_again() {
    let shell = in_conflict();
    shell.fails("sync", 3, &[]);
    shell.ok(&format!("conflicts resolve {ID} --take right"));
    rows(&shell, "right", "bronze", "Brest");
    shell.fails("sync", 3, &["1 updated"]);
    let said = ["right was taken and moved before it was written; choose again", "right: \"bronze\"", "1 in conflict"];
    shell.fails("conflicts list", 0, &said);
}

#[test]
fn a_conflict_ends_by_itself_once_the_sides_say_the_same() {
    let shell = in_conflict();
    shell.fails("sync", 3, &[]);
    rows(&shell, "right", "gold", "Lyon");
    shell.ok("sync");
    shell.fails("conflicts list", 0, &["Nothing is in conflict."]);
}

#[test]
fn a_wrong_id_field_or_system_is_answered_with_what_was_meant() {
    let shell = in_conflict();
    shell.fails("sync", 3, &[]);
    let resolve = |rest: &str| format!("conflicts resolve {rest}");
    let nearly = "did you mean `customer:right:C1`?";
    shell.fails(
        &resolve("customer:right:C9 --take left"),
        2,
        &["nothing is in conflict under `customer:right:C9`", nearly],
    );
    let field =
        ["`stge` of customer:right:C1 is not in conflict", "did you mean `stage`?", "in conflict is city, stage"];
    shell.fails(&resolve(&format!("{ID} stge --take left")), 2, &field);
    let system = ["`lft` has no say in", "did you mean `left`?", "its systems are left, right"];
    shell.fails(&resolve(&format!("{ID} --take lft")), 2, &system);
    shell.fails(&resolve(ID), 2, &["--take"]);
    shell.fails(&resolve("--take left"), 2, &["<ID>"]);
    shell.fails(&resolve("--all --take lft"), 0, &["lft has a say in no conflict; nothing was resolved"]);
}

#[test]
fn columns_that_would_feed_each_other_for_ever_are_refused_before_any_account_is_asked() {
    let shell = in_conflict();
    let fields = "[fields.name]\nleft = \"name\"\nright = { read = \"full\" }\n\
                  [fields.full]\nright = { path = \"full\", write = \"name ~ '!'\" }\n[create.spreadsheet]";
    shell.edit("mappings/customer.toml", "[create.spreadsheet]", fields);
    shell.edit(
        "mappings/customer.toml",
        "[fields.code]",
        "[on.left]\nresource = \"rows\"\n[on.right]\nresource = \"rows\"\n[fields.code]",
    );
    let said = ["P0143", "customer.toml:", "never comes to rest", "left.name turns from", "right.full turns from"];
    shell.fails("check --offline", 2, &said);
}

#[test]
fn what_was_taken_and_then_refused_is_told_with_the_systems_words_and_can_be_taken_anew() {
    let shell = in_conflict();
    shell.edit("config.toml", "path      = \"right.csv\"", "path      = \"right.csv\"\nencoding  = \"windows-1252\"");
    rows(&shell, "left", "gold", "Łódź");
    shell.fails("sync", 3, &["2 in conflict"]);
    shell.ok(&format!("conflicts resolve {ID} city --take left"));
    shell.fails("conflicts list", 0, &["taken: left, written by the next `passerelle sync`"]);
    shell.fails("sync", 3, &["1 parked"]);
    let said = [
        "taken: left, but not written: right refuses the update",
        "windows-1252",
        "mend that in right and run `passerelle parked retry customer:right:C1`, or take another value",
        "2 in conflict",
    ];
    for _ in 0..2 {
        let list = shell.fails("conflicts list", 0, &said);
        assert!(!list.out.contains("written by the next"), "{list:?}");
        shell.fails("status", 0, &["1 parked, 0 held, 2 in conflict"]);
        shell.fails("sync", 3, &["3 wait for a person"]);
    }
    let json = shell.run("--json conflicts list").json();
    let refused = json["conflicts"][0]["refused"].as_str().unwrap();
    assert!(refused.contains("right refuses the update"), "{json}");
    shell.ok(&format!("parked retry {ID}"));
    shell.fails("sync", 3, &[]);
    shell.fails("conflicts list", 0, &said);
    shell.ok(&format!("conflicts resolve {ID} city --take right"));
    shell.fails("sync", 3, &["1 updated"]);
    assert!(shell.read("left.csv").contains("C1;gold;Brest"), "{}", shell.read("left.csv"));
    let list = shell.fails("conflicts list", 0, &["1 in conflict"]);
    assert!(!list.out.contains("refuses"), "{list:?}");
    shell.fails("status", 0, &["0 parked, 0 held, 1 in conflict"]);
}

#[test]
fn what_was_taken_and_refused_is_written_once_the_system_takes_it() {
    let shell = in_conflict();
    shell.edit("config.toml", "path      = \"right.csv\"", "path      = \"right.csv\"\nencoding  = \"windows-1252\"");
    rows(&shell, "left", "gold", "Łódź");
    shell.fails("sync", 3, &[]);
    shell.ok("conflicts resolve --all --take left");
    shell.fails("sync", 3, &["1 parked"]);
    shell.edit("config.toml", "encoding  = \"windows-1252\"", "encoding  = \"utf-8\"");
    shell.ok(&format!("parked retry {ID}"));
    shell.ok("sync");
    assert!(shell.read("right.csv").contains("C1;gold;Łódź"), "{}", shell.read("right.csv"));
    shell.fails("conflicts list", 0, &["Nothing is in conflict."]);
    shell.fails("status", 0, &["0 parked, 0 held, 0 in conflict"]);
}

#[test]
fn a_conflict_that_an_older_version_parked_becomes_one_of_its_own_and_outlives_the_process() {
    let shell = in_conflict();
    shell.fails("sync", 3, &[]);
    {
        // As the version before conflicts were facts left it: the record parked, each side's value in the detail.
        let folder = shell.path().join("state");
        let store = Store::new(Arc::new(Sled::open(&folder, "2026-11-24T08:00:00Z".parse().unwrap()).unwrap()));
        let mut facts = Facts::new();
        let known = store.conflicts_after(None, 9).unwrap();
        let told = |one: &Conflict| {
            let values = one.sides.iter().map(|(system, said)| (system.to_string(), said.value.clone()));
            json!({ "field": one.field, "agreed": one.agreed, "values": values.collect::<Map<_, _>>() })
        };
        let detail = known.iter().map(told).collect();
        for one in &known {
            facts.settled(&one.link, &one.field);
        }
        let at = At { entity: "customer".into(), system: "left".into(), id: "C1".into() };
        facts.park(&Parked {
            link: Some(ID.into()),
            label: "C1".to_owned(),
            why: Why::Conflict,
            reason: "city was changed differently: left says Lyon, right says Brest".to_owned(),
            field: Some("city".to_owned()),
            detail,
            hash: 7,
            since: "2026-11-24T08:00:00Z".parse().unwrap(),
            attempts: 1,
            at,
        });
        store.commit(facts).unwrap();
    }
    shell.fails("status", 0, &["0 parked, 0 held, 1 in conflict"]);
    shell.fails("conflicts list", 0, &["1 more, found by an older version", "until the next `passerelle sync`"]);
    shell.fails("plan", 0, &["is in conflict over stage", "is in conflict over city", "2 in conflict"]);
    shell.fails("sync", 3, &["2 in conflict"]);
    shell.fails("conflicts list", 0, &["left: \"gold\"", "right: \"silver\"", "left: \"Lyon\"", "2 in conflict"]);
    shell.fails("status", 0, &["0 parked, 0 held, 2 in conflict"]);
    assert!(shell.ok("parked list").out.contains("Nothing is parked"));
    shell.ok("conflicts resolve --all --take right");
    shell.ok("sync");
    assert!(shell.read("left.csv").contains("C1;silver;Brest"), "{}", shell.read("left.csv"));
}
