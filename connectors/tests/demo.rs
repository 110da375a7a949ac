//! The demo as a program runs it, once: what it tells, that it ends well, and that a kept one goes on.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use rust_decimal::Decimal;
use serde_json::{Value, json};
use tempfile::TempDir;

fn command(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_passerelle"));
    command.args(words).current_dir(folder).env_clear();
    command
}

fn run(folder: &Path, words: &[&str]) -> Output {
    command(folder, words).output().unwrap()
}

/// Emulated systems that stop when dropped.
struct Emulated(Child);

impl Emulated {
    /// The systems of a kept demo, where its config looks for them.
    fn of(folder: &Path) -> Self {
        let config = std::fs::read_to_string(folder.join("config.toml")).unwrap();
        let address = config.split("http://").nth(1).unwrap().split('/').next().unwrap();
        let words = ["emulate", "hubspot", "dolibarr", "--listen", address, "--keep", "emulated.jsonl"];
        let mut child = command(folder, &words).stdout(Stdio::piped()).spawn().unwrap();
        // It listens once it has said where.
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        Self(child)
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn money(of: &Value, name: &str) -> Decimal {
    of[name].as_str().unwrap_or_else(|| panic!("{name} of {of}")).parse().unwrap()
}

#[test]
fn it_ends_as_told_to_the_cent_and_its_last_round_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let output = run(folder.path(), &["demo", "--json", "--keep", "kept"]);
    let story: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{:#}", story["claims"]);
    assert_eq!(story["as_told"], json!(true));

    let steps = story["steps"].as_array().unwrap();
    let last = |command: &str| &steps.iter().rev().find(|step| step["command"] == json!(command)).unwrap()["result"];
    assert_eq!(last("passerelle verify")["differences"], json!(0));
    assert!(last("passerelle verify")["records"].as_u64().unwrap() > 100);
    for flow in last("passerelle sync")["flows"].as_array().unwrap() {
        assert_eq!((&flow["counts"]["created"], &flow["counts"]["updated"]), (&json!(0), &json!(0)), "{flow}");
    }

    let sales: Vec<&Value> =
        story["sales"].as_array().unwrap().iter().filter(|sale| sale["order"].is_string()).collect();
    assert_eq!(sales.len(), 23);
    for sale in &sales {
        assert_eq!(money(sale, "agreed"), money(sale, "order_total"), "{sale}");
    }
    for status in ["partly_paid", "paid", "overdue", "credited"] {
        let found: Vec<_> = sales.iter().filter(|sale| sale["status"] == json!(status)).collect();
        assert!(!found.is_empty(), "no sale is {status}");
        for sale in found {
            let (invoiced, paid, due) = (money(sale, "invoiced"), money(sale, "paid"), money(sale, "due"));
            assert_eq!(invoiced - paid, due, "{sale}");
            assert_eq!(due.is_zero(), matches!(status, "paid" | "credited"), "{sale}");
        }
    }
    assert!(sales.iter().any(|sale| sale["currency"] == json!("CHF")));

    // A week or a year later: what is overdue by now moves, and nothing else.
    let kept = folder.path().join("kept");
    let _emulated = Emulated::of(&kept);
    let sync = run(&kept, &["sync", "--json"]);
    assert_eq!(sync.status.code(), Some(3), "{sync:?}");
    let verify = run(&kept, &["verify"]);
    assert_eq!(verify.status.code(), Some(0), "{verify:?}");
    assert!(String::from_utf8(verify.stdout).unwrap().contains("0 differences over 115 records"));
}

#[test]
fn a_folder_that_holds_something_is_refused() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let output = run(folder.path(), &["demo", "--keep", "."]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("is not empty"));
}
