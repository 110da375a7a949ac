//! The crash sweep, small: hubs that are killed end as one that is not, and a hub that could make doubles is found out.
#![allow(clippy::unwrap_used, reason = "a broken test tells where")]

use std::process::{Command, Output};

fn sweep(words: &str, blind: bool) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sweep"));
    command.args(words.split('|').flat_map(|word| word.split('=')));
    if blind {
        command.env("PASSERELLE_SWEEP_BLIND", "1");
    }
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.success(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn a_hub_killed_at_some_points_ends_as_one_that_was_not() {
    let (is_well, told) = sweep("--sales=2|--every=40", false);
    assert!(is_well && told.contains("  0 failed") && !told.contains("\n  0 kills"), "{told}");
}

#[test]
fn a_hub_that_does_not_look_before_it_creates_again_is_found_out() {
    let (is_well, told) = sweep("--sales=2|--behind=POST /orders", true);
    assert!(!is_well && told.contains("verdict: FAILED") && told.contains("--only day:"), "{told}");
}
