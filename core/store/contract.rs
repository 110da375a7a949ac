//! What every backend promises, run over all of them.

use std::sync::Arc;

use super::{Backend, Batch, Memory, Sled};
use crate::ErrorKind;

/// Runs `promise` over each kind of store, new and empty.
fn every(promise: impl Fn(&dyn Backend)) {
    promise(&Memory::default());
    promise(&Memory::over(Arc::new(Memory::default())));
    let folder = tempfile::tempdir().unwrap();
    promise(&Sled::open(folder.path(), "2026-11-24T08:00:00Z".parse().unwrap()).unwrap());
}

fn batch(expect: &[(&str, Option<&str>)], writes: &[(&str, Option<&str>)]) -> Batch {
    let owned = |pairs: &[(&str, Option<&str>)]| {
        pairs.iter().map(|(key, value)| (key.as_bytes().to_vec(), value.map(|v| v.as_bytes().to_vec()))).collect()
    };
    Batch { expect: owned(expect), writes: owned(writes) }
}

fn keys(store: &dyn Backend, prefix: &str, after: Option<&str>, limit: usize) -> Vec<String> {
    let found = store.scan(prefix.as_bytes(), after.map(str::as_bytes), limit).unwrap();
    found.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect()
}

#[test]
fn a_commit_is_seen_and_the_last_write_of_a_key_counts() {
    every(|store| {
        store.commit(batch(&[], &[("a", Some("1")), ("b", Some("2")), ("a", Some("3")), ("b", None)])).unwrap();
        assert_eq!((store.get(b"a").unwrap(), store.get(b"b").unwrap()), (Some(b"3".to_vec()), None));
    });
}

#[test]
fn a_commit_whose_expectation_fails_writes_nothing() {
    every(|store| {
        store.commit(batch(&[("a", None)], &[("a", Some("1"))])).unwrap();
        for expect in [("a", None), ("a", Some("2")), ("b", Some("1"))] {
            let refused = store.commit(batch(&[expect], &[("b", Some("2"))])).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Stale);
        }
        assert_eq!(store.get(b"b").unwrap(), None);
        store.commit(batch(&[("a", Some("1")), ("b", None)], &[("a", None)])).unwrap();
        assert_eq!(store.get(b"a").unwrap(), None);
    });
}

#[test]
fn a_scan_is_ordered_within_its_prefix_and_can_go_on_after_a_key() {
    every(|store| {
        let all = ["a", "b", "b1", "b2", "b3", "c"].map(|key| (key, Some("x")));
        store.commit(batch(&[], &all)).unwrap();
        assert_eq!(keys(store, "b", None, 9), ["b", "b1", "b2", "b3"]);
        assert_eq!(keys(store, "b", Some("b1"), 1), ["b2"]);
        assert_eq!(keys(store, "", Some("b3"), 9), ["c"]);
        assert_eq!(keys(store, "z", None, 9), [""; 0]);
        assert_eq!(keys(store, "b", None, 0), [""; 0]);
        assert_eq!(keys(store, "", None, 9).len(), 6);
    });
}

#[test]
fn large_values_come_back_whole_by_get_and_scan_and_leave_nothing_behind() {
    every(|store| {
        let size = |n: usize| "é".repeat(n);
        for text in [size(200_000), size(3), size(30_000), size(6_144), size(6_145)] {
            store.commit(batch(&[], &[("big", Some(&text)), ("other", Some("1"))])).unwrap();
            assert_eq!(store.get(b"big").unwrap(), Some(text.clone().into_bytes()));
            assert_eq!(store.scan(b"b", None, 9).unwrap(), [(b"big".to_vec(), text.clone().into_bytes())]);
            store.commit(batch(&[("big", Some(&text))], &[("other", Some("2"))])).unwrap();
        }
        store.commit(batch(&[], &[("big", None), ("other", None)])).unwrap();
        assert_eq!(keys(store, "", None, 9), [""; 0]);
    });
}

#[test]
fn of_many_who_expect_the_same_value_exactly_one_wins() {
    every(|store| {
        for round in 0..20 {
            let key = format!("r{round}");
            let wins = std::thread::scope(|scope| {
                let race = |n: usize| {
                    let (store, key) = (&store, key.as_str());
                    scope.spawn(move || store.commit(batch(&[(key, None)], &[(key, Some(&n.to_string()))])).is_ok())
                };
                let racers: Vec<_> = (0..8).map(race).collect();
                racers.into_iter().map(|racer| racer.join().unwrap()).filter(|won| *won).count()
            });
            assert_eq!(wins, 1);
        }
    });
}

#[test]
fn of_many_who_count_up_with_expectations_no_step_is_lost() {
    every(|store| {
        let read = || store.get(b"n").unwrap().map(|n| String::from_utf8(n).unwrap());
        let count_up = || {
            let old = read();
            let new = old.as_deref().map_or(0, |n| n.parse::<u32>().unwrap()) + 1;
            store.commit(batch(&[("n", old.as_deref())], &[("n", Some(&new.to_string()))])).is_ok()
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..25).for_each(|_| while !count_up() {}));
            }
        });
        assert_eq!(read().as_deref(), Some("100"));
    });
}
