//! Mistakes in config.toml and mappings, as the person who made them reads of them.

use crate::Shell;

#[test]
fn without_a_config_the_way_to_one_is_shown() {
    let shell = Shell::new();
    for command in ["check --offline", "plan", "sync", "status", "verify", "test", "describe crm", "parked list"] {
        shell.fails(command, 2, &["error[C0101]", "config.toml", "passerelle init"]);
    }
    let run = shell.run("--json plan");
    assert_eq!((run.code, &run.json()["diagnostics"][0]["code"]), (2, &"C0101".into()));
}

#[test]
fn every_mistake_is_shown_at_its_place() {
    let shell = Shell::with_hub();
    shell.edit("config.toml", "connector = \"hubspot\"", "connector = \"hubspt\"");
    shell.edit("config.toml", "every   = \"5m\"", "evry   = \"5m\"");
    let run = shell.fails("check --offline", 2, &["did you mean `hubspot`?", "did you mean `every`?", "2 errors"]);
    assert!(run.err.contains("--> config.toml:") && run.err.contains("| connector = \"hubspt\""), "{}", run.err);
    let json = shell.run("--json check --offline").json();
    assert_eq!(json["diagnostics"].as_array().unwrap().len(), 2);
    assert_eq!(json["diagnostics"][0]["severity"], "error");
}

#[test]
fn a_flow_without_a_mapping_or_a_column_is_pointed_at() {
    let shell = Shell::with_hub();
    shell.edit("config.toml", "entity  = \"company\"", "entity  = \"compny\"");
    shell.fails("check --offline", 2, &["C0121", "there is no mapping of the entity `compny`", "company"]);
    let shell = Shell::with_hub();
    let lead = "entity = \"lead\"\nlabel = \"name\"\nmatch = [\"name\"]\n[on.hubspot]\nresource = \"companies\"\n";
    shell.write("mappings/lead.toml", &format!("{lead}[fields.name]\nhubspot = \"name\"\n"));
    shell.edit("config.toml", "entity  = \"contact\"", "entity  = \"lead\"");
    shell.fails("check --offline", 2, &["C0122", "`lead` has no column for `erp`", "[on.erp]", "mappings/lead.toml"]);
}

#[test]
fn a_missing_mappings_folder_is_named() {
    let shell = Shell::with_hub();
    shell.edit("config.toml", "mappings = \"mappings\"", "mappings = \"mapings\"");
    shell.fails("check --offline", 2, &["C0120", "mapings", "hub.mappings"]);
}

#[test]
fn a_resource_that_the_connector_does_not_know_is_named() {
    let shell = Shell::with_hub();
    shell.edit("mappings/company.toml", "resource = \"companies\"", "resource = \"compnies\"");
    shell.fails("check --offline", 2, &["C0123", "`crm` has no resource `compnies`", "did you mean `companies`?"]);
}

#[test]
fn an_unset_variable_is_named_with_its_key() {
    let shell = Shell::with_hub();
    for command in ["plan", "sync", "verify", "describe crm"] {
        let words = ["C0111", "HUBSPOT_TOKEN is not set", "`systems.crm.token`"];
        shell.fails(command, 2, &words);
    }
    shell.fails("check", 2, &["HUBSPOT_TOKEN is not set", "DOLIBARR_KEY is not set"]);
}

#[test]
fn an_option_that_the_connector_refuses_is_pointed_at() {
    let shell = Shell::with_hub();
    shell.edit("config.toml", "base_url = \"https://erp", "# base_url = \"https://erp");
    shell.fails("check --offline", 2, &["C0113", "`erp`", "`base_url` is missing", "| [systems.erp]"]);
    shell.edit("config.toml", "# base_url = \"https://erp", "base_url = \"ftp://erp");
    let run = shell.fails("check --offline", 2, &["C0105", "must begin with https://", "| base_url = \"ftp://"]);
    assert!(!run.err.contains("C0113"), "{run:?}");
}

#[test]
fn an_unknown_flow_or_system_is_answered_with_those_there_are() {
    let shell = Shell::with_hub().set("HUBSPOT_TOKEN", "t").set("DOLIBARR_KEY", "k");
    for command in ["plan", "sync", "verify"] {
        shell.fails(&format!("{command} nope"), 2, &["there is no flow `nope`", "sales"]);
    }
    shell.fails("describe nope", 2, &["there is no system `nope`", "crm, erp"]);
    shell.fails("describe crm nope", 2, &["there is no resource `nope`", "companies"]);
}
