//! Links: what they are called, and how their match keys are remembered.

use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use crate::mapping::Entity;
use crate::model::{Canonical, EntityName, FieldName, LinkId, RemoteId, SystemName};
use crate::reconcile::is_empty;
use crate::store::{Link, LinkSide};

/// The id of a thing first seen as this record; the same for every hub and every attempt, so that a hub whose state
/// was lost finds what it once created.
///
/// It is an external key too: letters, digits and `:_.-`, at most 64 bytes. It begins with the entity's name, which
/// mappings keep to 23 of these characters.
pub fn link_id(entity: &EntityName, system: &SystemName, id: &RemoteId) -> LinkId {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    let whole = format!("{entity}:{system}:{id}");
    if whole.len() <= 64 && [entity.as_str(), system.as_str(), id.as_str()].into_iter().all(plain) {
        return LinkId::new(whole);
    }
    let clean =
        |text: &str, most: usize| -> String { text.chars().filter(char::is_ascii_alphanumeric).take(most).collect() };
    let tail = xxh3_64(whole.as_bytes());
    LinkId::new(format!("{entity}:{}:{}.{tail:016x}", clean(system.as_str(), 8), clean(id.as_str(), 14)))
}

/// The first record of `one` in a system of which `other` has another record.
pub(super) fn rival<'l>(one: &'l Link, other: &Link) -> Option<(&'l SystemName, &'l LinkSide)> {
    one.sides.iter().find(|(name, side)| other.sides.get(*name).is_some_and(|there| there.id != side.id))
}

/// The records that `other` has and `one` lacks become records of `one`.
pub(super) fn add_sides(one: &mut Link, other: &Link) {
    for (name, side) in &other.sides {
        one.sides.entry(name.clone()).or_insert_with(|| side.clone());
    }
}

/// The hash of one match key, or `None` where a part of it is empty.
pub(super) fn match_hash(key: &[FieldName], values: &Canonical) -> Option<u64> {
    let mut text = String::new();
    for field in key {
        let value = values.get(field.as_str()).filter(|value| !is_empty(value))?;
        let said = value.as_str().map_or_else(|| value.to_string(), comparable);
        text.push_str(field.as_str());
        text.push('\u{1}');
        text.push_str(&said);
        text.push('\u{2}');
    }
    Some(xxh3_64(text.as_bytes()))
}

/// Whether two records have the same value in every field of a match key, none of them empty.
pub(super) fn same_key(key: &[FieldName], one: &Canonical, other: &Canonical) -> bool {
    match_hash(key, one).is_some_and(|hash| match_hash(key, other) == Some(hash))
}

/// Case and inner spaces do not make two names.
fn comparable(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// The hashes under which a record can be found again, best key first.
pub(super) fn match_hashes(entity: &Entity, values: &Canonical) -> Vec<u64> {
    entity.match_keys().iter().filter_map(|key| match_hash(key, values)).collect()
}

/// The first match key that both have and that says the same, for a person.
pub(super) fn shared_key(entity: &Entity, one: &Canonical, other: &Canonical) -> Option<String> {
    let key = entity.match_keys().iter().find(|key| same_key(key, one, other))?;
    let parts: Vec<String> = key
        .iter()
        .map(|field| format!("{field} {}", one.get(field.as_str()).map(spoken).unwrap_or_default()))
        .collect();
    Some(parts.join(", "))
}

/// A value as it is said in a sentence.
pub(super) fn spoken(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_link_id_is_a_valid_external_key_whatever_the_remote_id() {
        let id = |id: &str| link_id(&"sale".into(), &"crm".into(), &id.into()).to_string();
        assert_eq!(id("9001"), "sale:crm:9001");
        let odd = id("devis n° 12/é 'x'");
        assert!(odd.starts_with("sale:crm:devisn12x.") && odd.len() <= 64, "{odd}");
        assert_ne!(odd, id("devis n° 12/è 'x'"));
        assert!(id(&"9".repeat(200)).len() <= 64);
    }

    #[test]
    fn a_match_key_ignores_case_and_spaces_and_needs_every_part() {
        let values = |json: Value| Canonical(json.as_object().cloned().unwrap());
        let key: Vec<FieldName> = vec!["name".into(), "postal_code".into()];
        let one = values(json!({"name": "Brasserie  du Nord", "postal_code": "59000"}));
        assert!(same_key(&key, &one, &values(json!({"name": "brasserie du nord ", "postal_code": "59000"}))));
        assert!(!same_key(&key, &one, &values(json!({"name": "Brasserie du Nord", "postal_code": null}))));
        assert_eq!(match_hash(&key, &values(json!({"name": "x", "postal_code": ""}))), None);
    }
}
