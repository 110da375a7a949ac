//! The state folder: in use by another process, or not to be used at all.

use passerelle_core::store::Sled;

use crate::Shell;

#[test]
fn a_state_folder_in_use_fails_and_says_by_whom_and_what_to_do() {
    let shell = Shell::with_hub();
    let other = Sled::open(&shell.path().join("state"), "2026-11-24T08:00:00Z".parse().unwrap()).unwrap();
    let who = format!("process {} since 2026-11-24T08:00:00Z", std::process::id());
    let words = ["another hub uses this state folder", &who, "wait until it is done, or stop it first", "state"];
    shell.fails("status", 1, &words);
    let told = shell.run("--json status");
    assert_eq!((told.code, told.json()["error"]["kind"].as_str()), (1, Some("unavailable")));
    drop(other);
    shell.ok("status");
}

#[test]
fn a_file_where_the_state_folder_should_be_is_told_with_what_to_do() {
    let shell = Shell::with_hub();
    shell.write("state", "not a folder");
    let words = ["the state folder cannot be used", "move it away, or name another folder as `state` of [hub]"];
    shell.fails("status", 2, &words);
}
