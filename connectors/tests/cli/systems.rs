//! `emulate`, and the commands that ask a system.

use crate::{Emulators, Shell};

/// A hub whose systems are emulated.
fn emulated(hubspot_key: &str) -> (Shell, Emulators) {
    let shell = Shell::with_hub();
    let emulators = shell.emulate("hubspot dolibarr");
    let crm = format!("connector = \"hubspot\"\nbase_url = \"{}\"", emulators.address("hubspot"));
    shell.edit("config.toml", "connector = \"hubspot\"", &crm);
    shell.edit(
        "config.toml",
        "https://erp.example.com/api/index.php\"",
        &format!("{}\"", emulators.address("dolibarr")),
    );
    let hubspot_key = if hubspot_key.is_empty() { emulators.key("hubspot") } else { hubspot_key };
    let shell = shell.set("HUBSPOT_TOKEN", hubspot_key).set("DOLIBARR_KEY", emulators.key("dolibarr"));
    (shell, emulators)
}

#[test]
fn check_says_what_the_accounts_lack_and_prepare_creates_it() {
    let (shell, _emulators) = emulated("");
    shell.fails("check", 3, &["ok crm", "ok erp", "check --prepare", "hub_external_id"]);
    shell.ok("check --prepare");
    let run = shell.ok("check");
    assert!(run.out.contains("ok crm") && run.out.contains("ok erp"), "{run:?}");
}

#[test]
fn a_wrong_key_names_its_variable_and_the_other_systems_are_asked_all_the_same() {
    let (shell, _emulators) = emulated("s3cret-but-wrong");
    let run = shell.fails("check", 1, &["failed crm", "`systems.crm.token` (from HUBSPOT_TOKEN)", "ok erp"]);
    assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
    let json = shell.run("--json check").json();
    assert!(json["systems"][0]["error"].is_string() && json["systems"][1]["error"].is_null(), "{json}");
}

#[test]
fn a_field_that_is_not_there_is_named() {
    let (shell, _emulators) = emulated("");
    shell.edit("mappings/company.toml", "\"town\"", "\"twon\"");
    shell.fails("check", 2, &["C0130", "`erp` has no field `twon`", "did you mean `town`?"]);
}

#[test]
fn the_live_schema_is_described() {
    let (shell, _emulators) = emulated("");
    let text = shell.ok("describe erp thirdparties").out;
    assert!(text.contains("name") && text.contains("writable"), "{text}");
    let json = shell.ok("--json describe crm").json();
    assert_eq!(json["resources"]["companies"]["properties"]["name"]["type"], "string");
}

#[test]
fn a_system_that_is_down_is_named() {
    let (shell, emulators) = emulated("");
    drop(emulators);
    shell.edit("config.toml", "[systems.crm]", "[systems.crm]\ntimeout = 0.1");
    shell.edit("config.toml", "[systems.erp]", "[systems.erp]\ntimeout = 0.1");
    shell.fails("check", 1, &["failed crm", "failed erp", "systems.erp.base_url"]);
}

#[test]
fn what_cannot_be_emulated_is_refused() {
    let shell = Shell::new();
    shell.fails("emulate sap", 2, &["there is no stand-in of `sap`", "hubspot"]);
    shell.fails("emulate", 2, &["<VENDOR>"]);
    shell.fails("emulate hubspot --listen 0.0.0.0:0", 2, &["loopback only"]);
    shell.fails("emulate hubspot --listen here", 2, &["--listen"]);
    shell.fails("emulate hubspot --fault hubspot:500=1", 2, &["there is no fault `500`", "5xx-before"]);
    shell.fails("emulate hubspot --fault dolibarr:429=1", 2, &["dolibarr"]);
    let emulators = shell.emulate("hubspot");
    let taken = emulators.address("hubspot").split('/').nth(2).unwrap().to_owned();
    shell.fails(&format!("emulate hubspot --listen {taken}"), 2, &["cannot listen here", &taken]);
}

#[test]
fn whatever_meets_a_wrong_key_says_which_variable_to_check() {
    let (shell, _emulators) = emulated("s3cret-but-wrong");
    for command in ["plan", "sync"] {
        let run = shell.fails(command, 1, &["`systems.crm.token` (from HUBSPOT_TOKEN)"]);
        assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
    }
}
