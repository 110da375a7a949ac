//! `init`, and what works right after it.

use crate::Shell;

#[test]
fn a_new_hub_proves_itself_without_an_account() {
    let shell = Shell::new();
    let run = shell.ok("init hub");
    assert!(run.out.contains("passerelle check --offline"), "{}", run.out);
    let check = shell.ok("--config hub/config.toml check --offline");
    assert!(check.out.contains("2 systems, 4 flows, 4 mappings"), "{}", check.out);
    let test = shell.ok("--config hub/config.toml test");
    assert!(test.out.contains("ok"), "{}", test.out);
}

#[test]
fn nothing_is_overwritten_unasked() {
    let shell = Shell::with_hub();
    shell.write("config.toml", "# mine\n");
    shell.fails("init", 2, &["nothing was written", "config.toml", "--force"]);
    assert_eq!(shell.read("config.toml"), "# mine\n");
    shell.ok("init --force");
    assert!(shell.read("config.toml").contains("[systems.crm]"));
}

#[test]
fn systems_bear_the_names_that_they_are_given() {
    let shell = Shell::new();
    shell.ok("init --systems sales=hubspot,books=dolibarr");
    assert!(shell.read("config.toml").contains("between = [\"sales\", \"books\"]"));
    let sale = shell.read("mappings/sale.toml");
    assert!(sale.contains("\"sales\"") && sale.contains("\"books\"") && !sale.contains("= \"crm\""), "{sale}");
    shell.ok("check --offline");
}

#[test]
fn a_wrong_system_is_refused_before_anything_is_written() {
    let shell = Shell::new();
    shell.fails("init --systems crm", 2, &["`crm` is not a system; write NAME=CONNECTOR"]);
    shell.fails("init --systems crm=hubspt,erp=dolibarr", 2, &["there is no connector `hubspt`", "hubspot"]);
    shell.fails("init --systems crm=hubspot", 2, &["two systems or more"]);
    shell.fails("init --systems a=hubspot,a=dolibarr", 2, &["each with a name of its own"]);
    assert_eq!(shell.path().read_dir().unwrap().count(), 0);
}

#[test]
fn an_example_that_fails_is_told_field_by_field() {
    let shell = Shell::with_hub();
    let company = shell.read("mappings/company.toml");
    let wrong =
        "\n[[example]]\nname = \"a wrong one\"\nhubspot = { name = \"Durand\" }\ncanonical = { name = \"Dupont\" }\n";
    shell.write("mappings/company.toml", &(company + wrong));
    let run = shell.fails("test company", 1, &["a wrong one", "name", "\"Dupont\"", "\"Durand\""]);
    assert!(run.out.contains("mappings/company.toml:"), "{}", run.out);
    shell.ok("test contact");
    shell.fails("test compny", 2, &["there is no mapping `compny`", "company"]);
}
