//! Words that the program does not know, and readers that leave.

use std::process::Stdio;

use crate::Shell;

#[test]
fn an_unknown_command_is_answered_with_the_nearest() {
    Shell::new().fails("snyc", 2, &["unrecognized subcommand 'snyc'", "'sync'"]);
}

#[test]
fn a_usage_error_is_a_json_document_too() {
    let run = Shell::new().run("--json snyc");
    assert_eq!(run.code, 2);
    assert_eq!(run.json()["error"]["kind"], "usage");
}

#[test]
fn help_and_version_are_no_errors() {
    let shell = Shell::new();
    for command in ["init", "connectors", "check", "describe", "plan", "apply", "sync", "status", "verify", "test"] {
        assert!(shell.ok("--help").out.contains(command), "{command}");
        assert!(shell.ok(&format!("{command} --help")).out.contains("Usage: passerelle"), "{command}");
    }
    assert!(shell.ok("--version").out.starts_with("passerelle 0."));
}

#[test]
fn quiet_and_verbose_do_not_go_together() {
    Shell::new().fails("-q -v connectors", 2, &["cannot be used with"]);
}

#[test]
fn a_reader_that_leaves_is_no_failure() {
    let shell = Shell::new();
    let mut child = shell.command("connectors").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn no_colour_goes_into_a_pipe() {
    assert!(!Shell::new().ok("connectors").out.contains('\x1b'));
}

#[test]
fn connectors_tell_their_resources_effects_and_options() {
    let shell = Shell::new();
    let text = shell.ok("connectors").out;
    for word in ["hubspot", "companies", "create: keyed", "dolibarr", "orders", "api_key", "spreadsheet", "path"] {
        assert!(text.contains(word), "{word}: {text}");
    }
    let json = shell.ok("--json connectors dolibarr").json();
    assert_eq!(json["connectors"].as_array().unwrap().len(), 1);
    assert_eq!(json["connectors"][0]["resources"][0]["name"], "thirdparties");
    shell.fails("connectors dolibar", 2, &["there is no connector `dolibar`", "dolibarr"]);
}
