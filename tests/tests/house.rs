//! The house keeps its own rules: arrows between rooms, short files, no loose ends.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use passerelle_core::config::config_schema;

/// Which rooms of core a room may use. A new arrow is argued for in review.
const ARROWS: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("diagnostic", &[]),
    ("dice", &[]),
    ("clock", &[]),
    ("model", &["error"]),
    ("mutant", &[]),
    ("http", &["error", "clock", "connector", "dice"]),
    ("emulator", &["error", "clock", "dice", "http"]),
    ("connector", &["error", "clock", "emulator", "http", "model"]),
    ("registry", &["connector"]),
    ("config", &["error", "connector", "diagnostic", "http", "model"]),
    ("mapping", &["error", "diagnostic", "model"]),
    ("reconcile", &["model"]),
    ("store", &["error", "model"]),
    ("plan", &["error", "model", "store"]),
    ("system", &["error", "clock", "config", "connector", "diagnostic", "http", "mapping", "model", "registry"]),
    ("engine", &["error", "clock", "connector", "mapping", "model", "mutant", "plan", "reconcile", "store", "system"]),
    ("serve", &["error", "clock", "config", "connector", "dice", "engine", "model", "store", "system"]),
    (
        "cli",
        &[
            "error",
            "clock",
            "config",
            "connector",
            "diagnostic",
            "emulator",
            "engine",
            "http",
            "mapping",
            "model",
            "plan",
            "registry",
            "serve",
            "store",
            "system",
        ],
    ),
];

/// What a connector may use of core.
const CONNECTOR_ARROWS: &[&str] = &["error", "diagnostic", "clock", "connector", "emulator", "http", "model", "mutant"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file that git keeps or would keep, relative to the root, with its text where it is one.
fn files() -> Vec<(PathBuf, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let texts = names.lines().map(PathBuf::from).filter_map(|path| {
        let text = fs::read_to_string(root().join(&path)).ok()?;
        Some((path, text))
    });
    texts.collect()
}

fn rust_files() -> Vec<(PathBuf, String)> {
    let rust = files().into_iter().filter(|(path, _)| path.extension().is_some_and(|extension| extension == "rs"));
    let rust: Vec<_> = rust.collect();
    assert!(rust.len() > 50, "the walk over the tree found {} files only", rust.len());
    rust
}

fn none(broken: Vec<String>) {
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// The room of a file of core: `http` for `core/http/api.rs` and for `core/http.rs`.
fn room(path: &Path) -> Option<String> {
    let inside = path.strip_prefix("core").ok()?;
    let first = inside.components().next()?.as_os_str().to_str()?;
    Some(first.trim_end_matches(".rs").to_owned())
}

/// The rooms that a text names behind `prefix`, in paths and in `use` trees; `Error`, `ErrorKind`, `Result` are `error`.
fn rooms_named(text: &str, prefix: &str) -> BTreeSet<String> {
    let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        let heads = match rest.strip_prefix('{') {
            Some(tree) => heads(tree),
            None => vec![word(rest)],
        };
        for head in heads.into_iter().filter(|head| !head.is_empty()) {
            let is_error = matches!(head.as_str(), "Error" | "ErrorKind" | "Result");
            rooms.insert(if is_error { "error".to_owned() } else { head });
        }
    }
    rooms
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// The first words of the branches of a `use` tree, whose opening brace was taken off.
fn heads(tree: &str) -> Vec<String> {
    let (mut depth, mut start, mut heads) = (0, true, Vec::new());
    for (at, c) in tree.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => start = true,
            c if depth == 0 && start && !c.is_whitespace() => {
                heads.push(word(&tree[at..]));
                start = false;
            }
            _ => {}
        }
    }
    heads
}

/// Tests may reach further than the room they test.
fn is_test(path: &Path) -> bool {
    path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "tests.rs")))
}

/// A file up to its tests.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

#[test]
fn use_trees_are_read_to_their_rooms() {
    let text = "use crate::{Error, http::{Api, Wire}, model};\nlet x = crate::clock::now();\n// crate::store\n";
    let rooms: Vec<String> = rooms_named(text, "crate::").into_iter().collect();
    assert_eq!(rooms, ["clock", "error", "http", "model"]);
}

#[test]
fn arrows_between_the_rooms_go_one_way() {
    let mut broken = Vec::new();
    for (path, text) in rust_files().iter().filter(|(path, _)| !is_test(path)) {
        let Some(room) = room(path).filter(|room| room != "lib") else { continue };
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            broken.push(format!("{}: the room `{room}` has no row in the table of arrows", path.display()));
            continue;
        };
        let named = rooms_named(without_tests(text), "crate::");
        for other in named.iter().filter(|other| **other != room && !allowed.contains(&other.as_str())) {
            broken.push(format!("{}: {room} -> {other}", path.display()));
        }
    }
    none(broken);
}

#[test]
fn a_connector_knows_neither_the_hub_nor_another_vendor() {
    let mut broken = Vec::new();
    for (path, text) in rust_files().iter().filter(|(path, _)| path.starts_with("connectors") && !is_test(path)) {
        let Some(vendor) = path.strip_prefix("connectors").ok().and_then(|inside| inside.parent()?.to_str()) else {
            continue;
        };
        // The demo is no connector: it is the program's own story, and plays two vendors through the command line.
        let is_vendor = |name: &&str| !name.is_empty() && *name != "demo";
        let Some(vendor) = vendor.split('/').next().filter(is_vendor) else { continue };
        let text = without_tests(text);
        let of_core = rooms_named(text, "passerelle_core::");
        for room in of_core.iter().filter(|room| !CONNECTOR_ARROWS.contains(&room.as_str())) {
            broken.push(format!("{}: {vendor} -> core::{room}", path.display()));
        }
        for other in rooms_named(text, "crate::").iter().filter(|other| *other != vendor) {
            broken.push(format!("{}: {vendor} -> {other}", path.display()));
        }
    }
    none(broken);
}

#[test]
fn mapping_and_reconcile_are_pure() {
    let mut broken = Vec::new();
    for (path, text) in rust_files() {
        if is_test(&path) || !matches!(room(&path).as_deref(), Some("mapping" | "reconcile")) {
            continue;
        }
        let text = without_tests(&text);
        for impure in ["async fn", ".await", "std::fs", "std::net", "std::time", "Timestamp::now", "tokio::"] {
            if text.contains(impure) {
                broken.push(format!("{}: {impure}", path.display()));
            }
        }
    }
    none(broken);
}

#[test]
fn only_the_clock_tells_the_time_and_only_the_wire_leaves_the_machine() {
    let mut broken = Vec::new();
    let doors = [
        ("Timestamp::now()", "core/clock.rs"),
        ("SystemTime::now()", "core/clock.rs"),
        ("Instant::now()", "core/clock.rs"),
        ("tokio::time::sleep", "core/clock.rs"),
        ("reqwest::", "core/http/wire.rs"),
        ("backoff::", "core/http/retry.rs"),
        ("sled::", "core/store"),
    ];
    for (path, text) in rust_files().iter().filter(|(path, _)| !path.starts_with("tests") && !is_test(path)) {
        for (word, door) in doors {
            if without_tests(text).contains(word) && !path.starts_with(door) {
                broken.push(format!("{}: `{word}` belongs to {door} alone", path.display()));
            }
        }
    }
    none(broken);
}

#[test]
fn every_file_says_its_idea_first_and_none_is_long() {
    let mut broken = Vec::new();
    for (path, text) in rust_files() {
        if !text.starts_with("//! ") {
            broken.push(format!("{}: its first line does not say what it is", path.display()));
        }
        let lines = text.lines().count();
        if lines > 500 {
            broken.push(format!("{}: {lines} lines", path.display()));
        }
    }
    none(broken);
}

#[test]
fn nothing_is_left_open_in_the_code() {
    // Put together here, so that this file does not break its own rule.
    let words =
        [["to", "do!("], ["unimple", "mented!("], ["#[ig", "nore"], ["FIX", "ME"], ["TO", "DO"]].map(|w| w.concat());
    let mut broken = Vec::new();
    for (path, text) in rust_files() {
        for word in words.iter().filter(|word| text.contains(word.as_str())) {
            broken.push(format!("{}: {word}", path.display()));
        }
    }
    none(broken);
}

#[test]
fn no_file_names_a_place_of_one_machine_or_a_package_host() {
    let words = [
        ["/wo", "rk/"],
        ["/ro", "ot/"],
        ["/ho", "me/"],
        ["index.cra", "tes.io"],
        ["static.cra", "tes.io"],
        ["py", "pi.org"],
    ]
    .map(|w| w.concat());
    let mut broken = Vec::new();
    for (path, text) in files() {
        if path.ends_with("Cargo.lock") {
            continue;
        }
        for word in words.iter().filter(|word| text.contains(word.as_str())) {
            broken.push(format!("{}: {word}", path.display()));
        }
    }
    none(broken);
}

#[test]
fn every_option_of_the_config_is_explained() {
    let schema = config_schema(passerelle::registry::PLUGINS);
    let mut broken = Vec::new();
    unexplained(&schema, "", &mut broken);
    none(broken);
}

fn unexplained(schema: &serde_json::Value, at: &str, broken: &mut Vec<String>) {
    let Some(fields) = schema.as_object() else { return };
    for (name, field) in fields.get("properties").and_then(serde_json::Value::as_object).into_iter().flatten() {
        let explained = field.get("description").and_then(serde_json::Value::as_str).is_some_and(|text| text.len() > 5);
        if !explained {
            broken.push(format!("{at}.{name}"));
        }
    }
    for (name, part) in fields.iter().filter(|(name, _)| *name != "properties") {
        unexplained(part, &format!("{at}/{name}"), broken);
    }
}

/// `UPDATE_EXPECT=1 cargo test -p passerelle-tests --test house` writes it anew; the mapping room keeps its own.
#[test]
fn the_schema_for_editors_is_up_to_date() {
    let path = root().join("docs/schemas/config.schema.json");
    let text = format!("{:#}\n", config_schema(passerelle::registry::PLUGINS));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{} is out of date: UPDATE_EXPECT=1 writes it anew", path.display());
}

#[test]
fn bugs_on_purpose_are_not_in_the_shipped_program() {
    let manifest = |path: &str| fs::read_to_string(root().join(path)).unwrap();
    for path in ["Cargo.toml", "connectors/Cargo.toml"] {
        assert!(!manifest(path).contains("mutants"), "{path} asks for mutants");
    }
    let core = manifest("core/Cargo.toml");
    assert!(core.contains("mutants = []") && !core.contains("default ="), "mutants are on by default");
    assert!(manifest("Cargo.toml").contains("default-members = [\"connectors\"]"), "a plain build builds more");
    let woken = |path: &Path, text: &str| {
        !path.starts_with("tests") && text.contains("mutant::") && text.contains("wake") && !path.ends_with("mutant.rs")
    };
    none(
        rust_files()
            .iter()
            .filter(|(path, text)| woken(path, text))
            .map(|(path, _)| path.display().to_string())
            .collect(),
    );
}
