//! What a plan counts, and what it says of limits at which a run stops.

use crate::{Shell, TWO_LISTS};

const MAPPING: &str = r#"entity = "customer"
label  = "code"
match  = ["code"]
[on.spreadsheet]
resource = "rows"
[fields.code]
spreadsheet = "code"
[fields.city]
required = true
spreadsheet = "city"
[create.spreadsheet]
hold = "city == 'Nice'"
"#;

fn lists(left: &str) -> Shell {
    let shell = Shell::new();
    shell.write("config.toml", &format!("{TWO_LISTS}max_changes = 1\n"));
    shell.write("mappings/customer.toml", MAPPING);
    shell.write("left.csv", &format!("code;city\n{left}"));
    shell.write("right.csv", "code;city;hub_external_id\n");
    shell
}

#[test]
fn a_plan_over_max_changes_says_so_and_can_be_applied_as_it_is() {
    let shell = lists("C1;Lille\nC2;Lyon\n");
    let words = ["a run would change 2 records, more than max_changes = 1", "raise max_changes of [flows.customers]"];
    shell.fails("plan --out p.json", 4, &words);
    shell.fails("sync", 3, &["this run would change 2 records, more than max_changes = 1; nothing was written"]);
    assert_eq!(shell.read("right.csv"), "code;city;hub_external_id\n");
    shell.ok("apply p.json");
    assert!(shell.read("right.csv").contains("C2;Lyon"));
    shell.ok("plan");
}

#[test]
fn a_plan_counts_what_waits_as_status_does_once_it_is_carried_out() {
    let shell = lists("C1;\nC2;\nC3;Nice\n");
    let counted = "2 parked, 1 held, 0 in conflict";
    for _ in 0..2 {
        let plan = shell.fails("plan", 0, &["nothing to change, 1 held, 2 parked", "C1", "C2", "C3"]);
        assert_eq!(plan.out.matches("is parked:").count(), 2, "{plan:?}");
        shell.fails("sync", 3, &["3 wait for a person"]);
        shell.fails("status", 0, &[counted]);
    }
    // What is mended and what is approved waits no more, in the plan as in the run.
    shell.edit("left.csv", "C1;", "C1;Brest");
    shell.fails("plan", 4, &["1 to create", "1 held, 1 parked"]);
    shell.fails("sync", 3, &["1 created", "2 wait for a person"]);
    shell.fails("status", 0, &["1 parked, 1 held"]);
    shell.ok("held approve customer:left:C3");
    shell.fails("plan", 4, &["1 to create", "API calls, 1 parked"]);
}
