//! Every connector of the registry keeps every promise that it claims, and a liar is found out.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::path::Path;
use std::thread;

use passerelle::registry::PLUGINS;
use passerelle_tests::conformance::fixtures::memory::Lie;
use passerelle_tests::conformance::fixtures::shop::{self, Slip};
use passerelle_tests::conformance::fixtures::{self, Fixture, Open, memory};
use passerelle_tests::conformance::{PROMISES, Verdicts, broken, hold};

/// What one resource was held to, and what came of it.
type Held = (&'static Fixture, &'static str, Verdicts);

/// Holds every resource of every connector to its promises, each on a thread of its own.
fn held() -> Vec<Held> {
    let mut threads = Vec::new();
    for plugin in PLUGINS {
        let fixtures = fixtures::of(plugin);
        assert!(!fixtures.is_empty(), "{} has no fixture", plugin.name);
        for (fixture, resource) in fixtures.iter().flat_map(|one| one.resources.iter().map(move |name| (one, *name))) {
            threads.push(thread::spawn(move || (fixture, resource, verdicts(fixture, resource))));
        }
    }
    threads.into_iter().map(|thread| thread.join().unwrap()).collect()
}

fn verdicts(fixture: &Fixture, resource: &str) -> Verdicts {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(hold(fixture, resource)).unwrap_or_else(|why| panic!("{} {resource}: {why}", fixture.name))
}

#[test]
fn every_connector_keeps_every_promise_that_it_claims() {
    let held = held();
    let mut wrong = Vec::new();
    for (fixture, resource, verdicts) in &held {
        for (says, why) in broken(verdicts) {
            wrong.push(format!("{} {resource}: {says}\n    {why}", fixture.name));
        }
    }
    assert!(wrong.is_empty(), "{} promises are broken:\n{}", wrong.len(), wrong.join("\n"));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let text = page(&held);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/conformance.md is out of date: UPDATE_EXPECT=1 writes it anew");
}

/// The documentation's page: who claims what. All of it was kept, or the test failed before.
fn page(held: &[Held]) -> String {
    let fixtures: Vec<&str> =
        held.iter().map(|(fixture, ..)| fixture.name).collect::<BTreeSet<_>>().into_iter().collect();
    let mut page = String::from(
        "# What connectors promise\n\n\
         Every row was held by every connector named in it, against the vendor's stand-in or real files: `cargo test -p\n\
         passerelle-tests --test conformance`. A dash: not claimed, so not promised. Written by that test.\n\n",
    );
    page.push_str(&format!("| promise | {} |\n|---|{}\n", fixtures.join(" | "), "---|".repeat(fixtures.len())));
    for (row, promise) in PROMISES.iter().enumerate() {
        let cells = fixtures.iter().map(|name| {
            let of = held.iter().filter(|(fixture, ..)| fixture.name == *name);
            let claims: Vec<(&str, bool)> = of.map(|(_, resource, v)| (*resource, v[row].1.is_some())).collect();
            let claimed: Vec<&str> = claims.iter().filter(|(_, claimed)| *claimed).map(|(name, _)| *name).collect();
            match claimed.len() {
                0 => "–".to_owned(),
                all if all == claims.len() => "all".to_owned(),
                _ => claimed.join(", "),
            }
        });
        page.push_str(&format!("| {} | {} |\n", promise.says, cells.collect::<Vec<_>>().join(" | ")));
    }
    page
}

#[test]
fn every_resource_of_the_registry_is_held_to_its_promises() {
    for plugin in PLUGINS {
        let held: Vec<&str> = fixtures::of(plugin).iter().flat_map(|one| one.resources.iter().copied()).collect();
        for resource in (plugin.resources)() {
            let name = resource.name.as_str();
            let any_other = name == "*" && held.len() > 1;
            assert!(any_other || held.contains(&name), "{} {name} is held to nothing", plugin.name);
        }
    }
}

fn broken_by(open: Open) -> BTreeMap<&'static str, String> {
    let fixture = Fixture { name: "a liar", resources: &[memory::RESOURCE], open };
    broken(&verdicts(&fixture, memory::RESOURCE))
}

/// The world of each lie; a constructor is a plain function, so each has its own.
macro_rules! worlds {
    ($room:ident, $kind:ident: $($lie:ident),*) => {
        [$(($kind::$lie, (|| Box::pin(async { $room::open($kind::$lie) })) as Open)),*]
    };
}

#[test]
fn an_honest_connector_breaks_no_promise() {
    let [(_, in_memory)] = worlds!(memory, Lie: None);
    let [(_, over_a_network)] = worlds!(shop, Slip: None);
    assert_eq!(broken_by(in_memory).into_iter().collect::<Vec<_>>(), []);
    assert_eq!(broken_by(over_a_network).into_iter().collect::<Vec<_>>(), []);
}

#[test]
fn every_lie_is_found_out() {
    let worlds = worlds!(
        memory,
        Lie: MakesDoubles,
        SkipsARecord,
        HurriesOn,
        FindsTooMuch,
        InventsRecords,
        ClearsTheRest,
        MixesOutcomes,
        SpoilsTheBatch,
        OnlySaysArchived,
        IgnoresMoves,
        HidesAField,
        NeverReady,
        OnlySaysTakenAway
    );
    finds_out(Lie::ALL, &worlds);
}

#[test]
fn every_slip_over_a_network_is_found_out() {
    let worlds = worlds!(
        shop,
        Slip: RepeatsCreates,
        SaysDone,
        SaysRefused,
        TellsTheKey,
        GivesUpOnQuotas,
        ReadsNothingWhenDown
    );
    finds_out(Slip::ALL, &worlds);
}

fn finds_out<T: Copy + PartialEq + Debug>(all: &[(T, &str)], worlds: &[(T, Open)]) {
    for (lie, says) in all {
        assert!(PROMISES.iter().any(|promise| promise.says == *says), "there is no promise: {says}");
        let (_, open) = worlds.iter().find(|(told, _)| told == lie).unwrap();
        let found = broken_by(*open);
        assert!(
            found.contains_key(says),
            "{lie:?} does not break `{says}`, but {:?}",
            found.keys().collect::<Vec<_>>()
        );
    }
}
