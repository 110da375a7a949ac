//! Cases of `decide`, written as one line of sides and one line of what to do.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::*;

/// The hub's own time in these cases, in seconds.
const NOW: i64 = 1_000_000;

/// `owners`: `field=crm`, `field=latest`, `field=review`, `field=review<crm:2` where a person took crm's value 2.
///
/// `sides`: `agreed a=1 b=2 | crm@10 a=1 | erp a=2`, where `@10` is the second of the last modification, `@10^9` one that
/// the hub's own write left at second 9, `-` is null, `!a` says that the field cannot be written there, and `~a` that it
/// holds what the hub sent.
fn decided(owners: &str, sides: &str) -> Decision {
    let owners: Vec<Given> = owners.split_whitespace().map(owner).collect();
    let rules: Vec<Rule<'_>> = owners
        .iter()
        .map(|(field, owner, taken)| Rule {
            field,
            owner,
            taken: taken.as_ref().map(|(system, value)| (system, value)),
        })
        .collect();
    let mut agreed = None;
    let mut parsed = Vec::new();
    for side in sides.split('|') {
        let mut words = side.split_whitespace();
        let name = words.next().unwrap();
        let (name, times) = name.split_once('@').unwrap_or((name, ""));
        let (modified, touched) = times.split_once('^').unwrap_or((times, ""));
        let at =
            |text: &str| text.parse::<f64>().ok().map(|s| Timestamp::from_millisecond((s * 1000.0) as i64).unwrap());
        let (modified, touched) = (at(modified), at(touched));
        let mut fields = Map::new();
        let mut writable: BTreeSet<FieldName> = owners.iter().map(|(field, ..)| field.clone()).collect();
        let mut echoes = BTreeSet::new();
        for word in words {
            if let Some(locked) = word.strip_prefix('!') {
                writable.remove(locked);
            } else if let Some(echo) = word.strip_prefix('~') {
                echoes.insert(FieldName::from(echo));
            } else {
                let (field, value) = word.split_once('=').unwrap();
                fields.insert(field.to_owned(), if value == "-" { Value::Null } else { json!(value) });
            }
        }
        if name == "agreed" {
            agreed = Some(Canonical(fields));
        } else {
            parsed.push((SystemName::from(name), Canonical(fields), modified, touched, echoes, writable));
        }
    }
    let views: Vec<Side<'_>> = parsed
        .iter()
        .map(|(system, now, modified, touched, echoes, writable)| Side {
            system,
            now,
            modified: *modified,
            touched: *touched,
            echoes,
            writable,
        })
        .collect();
    decide(agreed.as_ref(), &views, &rules, Timestamp::from_second(NOW).unwrap())
}

/// A field, its owner, and what a person took of it.
type Given = (FieldName, Owner, Option<(SystemName, Value)>);

fn owner(pair: &str) -> Given {
    let (field, owner) = pair.split_once('=').unwrap();
    let (owner, taken) = owner.split_once('<').map_or((owner, None), |(owner, taken)| (owner, Some(taken)));
    let taken = taken.map(|taken| {
        let (system, value) = taken.split_once(':').unwrap();
        (SystemName::from(system), json!(value))
    });
    let owner = match owner {
        "latest" => Owner::Latest,
        "review" => Owner::Review,
        system => Owner::System(system.into()),
    };
    (field.into(), owner, taken)
}

/// The answer: writes in order of systems, then conflicts.
fn check(owners: &str, sides: &str, wanted: &str) {
    let decision = decided(owners, sides);
    let mut said: Vec<String> = Vec::new();
    let by_system: BTreeMap<_, _> = decision.writes.iter().collect();
    for (system, fields) in by_system {
        for field in fields {
            let value = decision.merged.get(field.as_str()).and_then(Value::as_str).unwrap_or("-");
            said.push(format!("{system}.{field}={value}"));
        }
    }
    for conflict in &decision.conflicts {
        let moved = conflict.moved.as_ref().map(|system| format!(" ({system} moved)")).unwrap_or_default();
        said.push(format!("conflict {}{moved}", conflict.field));
    }
    assert_eq!(said.join(" "), wanted, "{sides}");
}

/// Why `a` has its value.
fn says(owners: &str, sides: &str, rule: &str) {
    let decision = decided(owners, sides);
    let why = decision.reasons.get("a").map(|reason| reason.rule.as_str());
    assert_eq!(why, Some(rule), "{sides}");
}

#[test]
fn what_is_known_from_the_hub_alone_is_emptied_with_its_owner() {
    check("a=erp", "crm ~a a=1 | erp !a a=-", "crm.a=-");
    check("a=erp", "crm ~a a=1 | shop a=2 | erp !a a=-", "");
    check("a=erp", "crm a=1 | erp !a a=-", "");
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
    check("a=crm", "crm a=- !a | erp a=3", "");
    assert!(decided("a=crm", "crm a=- !a | erp a=3").merged.is_empty());
    check("a=latest", "crm a=1 | erp a=-", "erp.a=1");
    check("a=review", "crm a=1 | erp a=2", "conflict a");
}

#[test]
fn a_side_that_cannot_be_written_is_left_alone() {
    check("a=crm", "agreed a=1 | crm a=2 | erp a=1 !a", "");
}

#[test]
fn what_can_only_be_read_somewhere_is_followed_unless_it_is_owned_elsewhere_or_empty() {
    check("a=latest", "agreed a=1 | crm a=2 | erp a=1 !a", "crm.a=1");
    check("a=latest", "agreed a=1 | crm a=1 | erp a=3 !a | web a=1", "crm.a=3 web.a=3");
    check("a=latest", "agreed a=1 | crm a=2 | erp a=- !a | web a=1", "web.a=2");
    check("a=crm", "agreed a=1 | crm a=2 | erp a=1 !a | web a=1", "web.a=2");
    says("a=latest", "agreed a=1 | crm a=2 | erp a=1 !a", "only read in erp");
}

#[test]
fn a_side_that_cannot_tell_the_field_is_written_when_the_value_moved() {
    check("a=crm", "agreed a=1 | crm a=2 | erp", "erp.a=2");
    check("a=crm", "agreed a=1 | crm a=1 | erp", "");
    check("a=crm", "agreed a=1 | crm a=- | erp", "erp.a=-");
    check("a=crm", "crm a=- | erp", "");
}

#[test]
fn three_systems_are_brought_to_the_one_that_changed() {
    check("a=latest", "agreed a=1 | crm a=1 | erp a=1 | prices a=9", "crm.a=9 erp.a=9");
}

#[test]
fn of_three_systems_those_that_differ_from_the_winner_are_written() {
    check("a=latest", "agreed a=1 | crm a=2 | erp a=2 | web a=1", "web.a=2");
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@30 a=3 | web@20 a=4", "crm.a=3 web.a=3");
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@20 a=3 | web@20 a=3", "crm.a=3");
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@20 a=3 | web a=1", "crm.a=3 web.a=3");
    check("a=web", "agreed a=1 | crm a=2 | erp a=3 | web a=4", "crm.a=4 erp.a=4");
    check("a=review", "agreed a=1 | crm a=2 | erp a=2 | web a=1", "web.a=2");
    check("a=review", "agreed a=1 | crm a=2 | erp a=3 | web a=1", "conflict a");
    check(
        "a=review b=latest",
        "agreed a=1 b=1 | crm a=2 b=5 | erp a=3 b=1 | web a=4 b=1",
        "erp.b=5 web.b=5 conflict a",
    );
    check("a=latest", "crm a=- | erp a=3 | web a=-", "crm.a=3 web.a=3");
    check("a=latest", "crm@10 a=1 | erp@20 a=2 | web@30 a=3 | shop a=-", "crm.a=3 erp.a=3 shop.a=3");
}

#[test]
fn what_a_person_took_holds_as_long_as_it_is_what_was_shown() {
    check("a=review<crm:2", "agreed a=1 | crm a=2 | erp a=3", "erp.a=2");
    check("a=review<erp:3", "agreed a=1 | crm a=2 | erp a=3 | web a=4", "crm.a=3 web.a=3");
    check("a=review<web:1", "agreed a=1 | crm a=2 | erp a=3 | web a=1", "crm.a=1 erp.a=1");
    check("a=review<crm:2", "crm a=2 | erp a=3", "erp.a=2");
    check("a=review<crm:2", "agreed a=1 | crm a=5 | erp a=3", "conflict a (crm moved)");
    check("a=review<crm:2", "agreed a=1 | crm a=3 | erp a=3", "");
    says("a=review<crm:2", "agreed a=1 | crm a=2 | erp a=3", "resolved by a person: crm");
}

#[test]
fn the_rule_says_which_time_decided_or_why_none_could() {
    let last = "changed last in erp (1970-01-01T00:00:20.5Z; crm 1970-01-01T00:00:10.5Z)";
    says("a=latest", "agreed a=1 | crm@10.5 a=2 | erp@20.5 a=3", last);
    let first = |why: &str| format!("first of the flow's systems is crm, as no time decides: {why}");
    for (sides, why) in [
        ("crm a=2 | erp@20 a=3", "crm does not say when it changed"),
        ("crm@20 a=2 | erp a=3", "erp does not say when it changed"),
        (
            "crm@10 a=2 | erp@10 a=3",
            "they changed at the same time, crm 1970-01-01T00:00:10Z, erp 1970-01-01T00:00:10Z",
        ),
        (
            "crm@10.3 a=2 | erp@10 a=3",
            "they changed at the same time, crm 1970-01-01T00:00:10.3Z, erp 1970-01-01T00:00:10Z",
        ),
        ("crm@10 a=2 | erp@1000900 a=3", "erp says 1970-01-12T14:01:40Z, which is still to come"),
        ("crm@86410 a=2 | erp@86400 a=3", "erp tells only the day"),
        ("crm@10 a=2 | erp@20^20 a=3", "erp was modified last by the hub itself"),
    ] {
        says("a=latest", &format!("agreed a=1 | {sides}"), &first(why));
    }
}

#[test]
fn a_time_that_cannot_be_believed_does_not_win() {
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@1000900 a=3", "erp.a=2");
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@1000200 a=3", "crm.a=3");
    check("a=latest", "agreed a=1 | crm@86410 a=2 | erp@86400 a=3", "erp.a=2");
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@86400 a=3", "crm.a=3");
    check("a=latest", "agreed a=1 | crm@172810 a=2 | erp@86400 a=3", "erp.a=2");
}

#[test]
fn the_hubs_own_write_makes_no_side_the_latest() {
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@20^20 a=3", "erp.a=2");
    check("a=latest", "agreed a=1 | erp@20^20 a=3 | crm@30 a=2", "erp.a=2");
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@21^20 a=3", "crm.a=3");
    check("a=latest", "agreed a=1 | crm@10 a=3 | erp@20 a=2 ~a", "erp.a=3");
    check("a=latest", "agreed a=1 | crm@10 a=2 | erp@20 a=2 ~a", "");
    check("a=latest", "agreed a=1 | crm@10 a=1 | erp@20 a=2 ~a", "erp.a=1");
    check("a=review", "agreed a=1 | crm a=3 | erp a=2 ~a", "erp.a=3");
    says("a=latest", "agreed a=1 | crm a=1 | erp a=2 ~a", "changed back in crm");
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
