//! Merging: a new record with a new id, to which both old ids resolve.

use jiff::Timestamp;
use serde_json::json;

use super::account::{Account, Object};
use super::kind::Kind;
use super::property::iso;
use super::refusal::Refusal;

impl Account {
    /// Merges `other` into `primary` and gives the new record's id.
    pub(super) fn merge(&mut self, kind: Kind, primary: u64, other: u64, now: Timestamp) -> Result<u64, Refusal> {
        if primary == other {
            return Err(Refusal::invalid("cannot merge an object with itself"));
        }
        let of = |id: u64| self.object(kind, id).map(|object| object.values.clone());
        let (Some(kept), Some(lost)) = (of(primary), of(other)) else {
            return Err(Refusal::not_found("resource not found"));
        };
        for id in [primary, other] {
            self.release(kind, id);
            if let Some(objects) = self.objects.get_mut(&kind) {
                objects.remove(&id);
            }
        }
        let id = self.next_id();
        for old in self.aliases.iter_mut().filter(|(at, to)| at.0 == kind && [primary, other].contains(to)) {
            *old.1 = id;
        }
        self.aliases.extend([((kind, primary), id), ((kind, other), id)]);

        let olds: Vec<String> =
            self.aliases.iter().filter(|(at, to)| at.0 == kind && **to == id).map(|(at, _)| at.1.to_string()).collect();
        let mut values = lost;
        values.retain(|name, _| !self.property(kind, name).is_some_and(|property| property.unique));
        values.extend(kept);
        values.insert("hs_object_id".to_owned(), id.to_string());
        values.insert("hs_merged_object_ids".to_owned(), olds.join(";"));
        values.insert(kind.created_property().to_owned(), iso(now));
        let object = Object { id, values, created: now, updated: now, archived: None, past: Default::default() };
        self.objects.entry(kind).or_default().insert(id, object);
        for old in [primary, other] {
            self.links.hand_over((kind, old), (kind, id));
        }
        self.settle(kind, id, now);
        let told = json!({
            "primaryObjectId": primary, "mergedObjectIds": [other], "newObjectId": id, "numberOfPropertiesMoved": 0,
        });
        self.tell(kind, "merge", primary, told, now);
        Ok(id)
    }
}
