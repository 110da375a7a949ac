//! Duplicate rules: what is alike is refused, or warned of.

use serde_json::{Value, json};

use super::field::Values;
use super::org::{Org, folded};
use super::refusal::Refusal;

/// Refuses a row that a rule finds alike to another.
pub(super) fn check(org: &Org, object: &str, id: Option<&str>, values: &Values, saves: bool) -> Result<(), Refusal> {
    for rule in org.settings.duplicates.iter().filter(|rule| rule.object.eq_ignore_ascii_case(object)) {
        if rule.alerts && saves {
            continue;
        }
        let rows = org.rows.get(&object.to_lowercase());
        let alike = rows.into_iter().flatten().filter(|(other, row)| {
            Some(other.as_str()) != id
                && row.get("IsDeleted") != Some(&json!(true))
                && rule.fields.iter().any(|name| is_alike(row.get(name), values.get(name)))
        });
        let alike: Vec<&String> = alike.map(|(other, _)| other).collect();
        if !alike.is_empty() {
            let message = "Use one of these records?";
            return Err(Refusal::bad("DUPLICATES_DETECTED", message).with_duplicates(found(
                object,
                &alike,
                rule.alerts,
            )));
        }
    }
    Ok(())
}

fn is_alike(one: Option<&Value>, other: Option<&Value>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => !one.is_null() && folded(one) == folded(other),
        _ => false,
    }
}

fn found(object: &str, alike: &[&String], allow: bool) -> Value {
    let records: Vec<Value> = alike
        .iter()
        .map(|id| {
            let url = format!("/services/data/v66.0/sobjects/{object}/{id}");
            json!({
                "additionalInformation": [], "fieldDiffs": [], "matchConfidence": 100.0,
                "record": {"attributes": {"type": object, "url": url}, "Id": id},
            })
        })
        .collect();
    json!({
        "allowSave": allow, "duplicateRule": format!("Standard_{object}_Duplicate_Rule"),
        "duplicateRuleEntityType": object, "errorMessage": "Use one of these records?",
        "matchResults": [{
            "entityType": object, "errors": [], "matchEngine": "FuzzyMatchEngine", "matchRecords": records,
            "rule": format!("Std_{object}_Match"), "size": alike.len(), "success": true,
        }],
    })
}
