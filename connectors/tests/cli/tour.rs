//! The README's tour: a price list made with LibreOffice becomes the articles of an emulated Dolibarr.

use std::fs;

use crate::Shell;

const PRICES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/tarif.xlsx");

/// A hub between the price list, copied so that it may be written, and an empty Dolibarr.
fn tour() -> (Shell, crate::Emulators) {
    let shell = Shell::new();
    let emulators = shell.emulate("dolibarr --seed empty");
    fs::copy(PRICES, shell.path().join("tarif.xlsx")).unwrap();
    shell.ok(&format!("init --systems prices=spreadsheet@tarif.xlsx,erp=dolibarr@{}", emulators.address("dolibarr")));
    let fast = "connector = \"dolibarr\"\nrequests_per_second = 1000\nburst = 1000";
    shell.edit("config.toml", "connector = \"dolibarr\"", fast);
    let shell = shell.set("DOLIBARR_KEY", emulators.key("dolibarr"));
    (shell, emulators)
}

#[test]
fn a_price_list_becomes_the_articles_of_an_erp_and_a_second_run_changes_nothing() {
    let (shell, _emulators) = tour();
    let plan = shell.fails("plan", 4, &["+ create erp/products \"0012 ", "unit_price: \"0.385\"", "25 to create"]);
    assert!(!plan.out.contains("parked"), "{}", plan.out);
    shell.ok("sync");
    let verified = shell.ok("verify");
    assert!(verified.out.contains("0 differences over 25 records"), "{}", verified.out);
    let again = shell.ok("sync");
    assert!(again.out.contains("Nothing to change."), "{}", again.out);
    shell.ok("plan");
}

#[test]
fn a_saved_plan_is_applied_as_it_was_shown_and_only_once() {
    let (shell, _emulators) = tour();
    shell.fails("plan --out first.json", 4, &["Saved."]);
    let applied = shell.ok("--json apply first.json").json();
    assert_eq!(applied["flows"][0]["counts"]["created"], 25, "{applied}");
    let refused = shell.fails("apply first.json", 3, &["refused", "plan again"]);
    assert!(!refused.out.contains("Nothing to change."), "{refused:?}");
    let verified = shell.ok("verify");
    assert!(verified.out.contains("0 differences over 25 records"), "{}", verified.out);
}

#[test]
fn a_price_list_cut_in_the_middle_stops_its_flow_and_loses_nothing() {
    let (shell, _emulators) = tour();
    shell.ok("sync");
    let whole = fs::read(shell.path().join("tarif.xlsx")).unwrap();
    fs::write(shell.path().join("tarif.xlsx"), &whole[..whole.len() / 2]).unwrap();
    shell.fails("sync", 1, &["tarif.xlsx"]);
    fs::write(shell.path().join("tarif.xlsx"), &whole).unwrap();
    shell.ok("sync");
    let verified = shell.ok("verify");
    assert!(verified.out.contains("0 differences over 25 records"), "{}", verified.out);
}
