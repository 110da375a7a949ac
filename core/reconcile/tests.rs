//! Cases of `decide`, written as one line of sides and one line of what to do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::*;

/// `owners`: `field=crm`, `field=latest`, `field=review`. `sides`: `agreed a=1 b=2 | crm@10 a=1 | erp a=2`, where `@10` is the
/// second of the last modification, `-` is null and `!a` says that the field cannot be written there.
/// The answer: writes in order of systems, then conflicts.
fn check(owners: &str, sides: &str, wanted: &str) {
    let owners: Vec<(FieldName, Owner)> = owners
        .split_whitespace()
        .map(|pair| {
            let (field, owner) = pair.split_once('=').unwrap();
            let owner = match owner {
                "latest" => Owner::Latest,
                "review" => Owner::Review,
                system => Owner::System(system.into()),
            };
            (field.into(), owner)
        })
        .collect();
    let rules: Vec<Rule<'_>> = owners.iter().map(|(field, owner)| Rule { field, owner }).collect();
    let mut agreed = None;
    let mut parsed = Vec::new();
    for side in sides.split('|') {
        let mut words = side.split_whitespace();
        let name = words.next().unwrap();
        let (name, modified) = name.split_once('@').map_or((name, None), |(name, at)| (name, at.parse::<i64>().ok()));
        let mut fields = Map::new();
        let mut writable: BTreeSet<FieldName> = owners.iter().map(|(field, _)| field.clone()).collect();
        for word in words {
            if let Some(locked) = word.strip_prefix('!') {
                writable.remove(locked);
                continue;
            }
            let (field, value) = word.split_once('=').unwrap();
            fields.insert(field.to_owned(), if value == "-" { Value::Null } else { json!(value) });
        }
        if name == "agreed" {
            agreed = Some(Canonical(fields));
        } else {
            parsed.push((SystemName::from(name), Canonical(fields), modified, writable));
        }
    }
    let views: Vec<Side<'_>> = parsed
        .iter()
        .map(|(system, now, modified, writable)| Side {
            system,
            now,
            modified: modified.map(|second| Timestamp::from_second(second).unwrap()),
            writable,
        })
        .collect();
    let decision = decide(agreed.as_ref(), &views, &rules);
    let mut said: Vec<String> = Vec::new();
    let by_system: BTreeMap<_, _> = decision.writes.iter().collect();
    for (system, fields) in by_system {
        for field in fields {
            let value = decision.merged.get(field.as_str()).and_then(Value::as_str).unwrap_or("-");
            said.push(format!("{system}.{field}={value}"));
        }
    }
    said.extend(decision.conflicts.iter().map(|conflict| format!("conflict {}", conflict.field)));
    assert_eq!(said.join(" "), wanted, "{sides}");
}

#[test]
fn nothing_changed_means_nothing_to_do() {
    check("a=latest", "agreed a=1 | crm a=1 | erp a=1", "");
}

#[test]
fn a_change_on_one_side_goes_to_the_other() {
    check("a=latest", "agreed a=1 | crm a=2 | erp a=1", "erp.a=2");
    check("a=latest", "agreed a=1 | crm a=1 | erp a=2", "crm.a=2");
    check("a=review", "agreed a=1 | crm a=1 | erp a=2", "crm.a=2");
    check("a=latest", "agreed a=1 | crm a=- | erp a=1", "erp.a=-");
}

#[test]
fn the_owner_of_a_field_wins_even_when_only_the_other_side_changed_it() {
    check("a=crm", "agreed a=1 | crm a=2 | erp a=3", "erp.a=2");
    check("a=crm", "agreed a=1 | crm a=1 | erp a=3", "erp.a=1");
    check("a=erp", "agreed a=1 | crm a=1 | erp a=3", "crm.a=3");
}

#[test]
fn an_owner_outside_the_link_leaves_the_field_to_the_latest_change() {
    check("a=wiki", "agreed a=1 | crm a=1 | erp a=3", "crm.a=3");
}

#[test]
fn two_different_changes_are_settled_by_time_and_else_by_the_flows_order() {
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@20 a=3", "crm.a=3");
    check("a=latest", "agreed a=1 | crm@20 a=2 | erp@10 a=3", "erp.a=2");
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@10 a=3", "erp.a=2");
    check("a=latest", "agreed a=1 | crm a=2 | erp@10 a=3", "erp.a=2");
}

#[test]
fn two_different_changes_under_review_are_a_conflict_and_written_nowhere() {
    check("a=review", "agreed a=1 | crm@10 a=2 | erp@20 a=3", "conflict a");
    check("a=review", "agreed a=1 | crm@10 a=2 | erp@20 a=2", "");
}

#[test]
fn at_a_first_meeting_an_empty_field_erases_nothing() {
    check("a=crm", "crm a=- | erp a=3", "crm.a=3");
    check("a=crm", "crm a=1 | erp a=3", "erp.a=1");
    check("a=latest", "crm a=1 | erp a=-", "erp.a=1");
    check("a=review", "crm a=1 | erp a=2", "conflict a");
}

#[test]
fn a_side_that_cannot_be_written_is_left_alone() {
    check("a=crm", "agreed a=1 | crm a=2 | erp a=1 !a", "");
}

#[test]
fn a_side_that_cannot_tell_the_field_is_written_when_the_value_moved() {
    check("a=crm", "agreed a=1 | crm a=2 | erp", "erp.a=2");
    check("a=crm", "agreed a=1 | crm a=1 | erp", "");
}

#[test]
fn three_systems_are_brought_to_the_one_that_changed() {
    check("a=latest", "agreed a=1 | crm a=1 | erp a=1 | prices a=9", "crm.a=9 erp.a=9");
}

#[test]
fn lines_agree_when_what_both_sides_carry_agrees() {
    let crm = json!([{"sku": "A", "quantity": "2", "note": "gift"}]);
    assert!(agrees(&crm, &json!([{"sku": "A", "quantity": "2"}])));
    assert!(!agrees(&crm, &json!([{"sku": "A", "quantity": "3"}])));
    assert!(!agrees(&crm, &json!([])));
    let new = json!([{"sku": "A", "quantity": "3"}]);
    assert_eq!(overlay(Some(&crm), &new), json!([{"sku": "A", "quantity": "3", "note": "gift"}]));
}
