//! Records that are not there any more: those whose deletion a flow has still to follow, and the marks of full listings.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::typed::key;
use super::{Facts, Store};
use crate::Result;
use crate::model::{EntityName, FlowName, LinkId, RemoteId, SystemName};

const DEPARTED: u8 = b'D';
const LISTED: u8 = b'F';

/// A record that was deleted or put away, and that a flow has not told or followed yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departed {
    /// Its link.
    pub link: LinkId,
    /// The system that it is gone from.
    pub system: SystemName,
    /// When the hub saw it.
    pub since: Timestamp,
}

impl Store {
    /// At most `limit` departures that `flow` has still to follow, those after `after` only, link by link.
    pub fn departed(&self, flow: &FlowName, after: Option<&Departed>, limit: usize) -> Result<Vec<Departed>> {
        let after = after.map(|one| departed_key(flow, &one.link, &one.system));
        self.page(&key(DEPARTED, &[flow.as_str()]), after, limit)
    }

    /// Whether the listing `mark` has told a record.
    pub fn is_listed(&self, entity: &EntityName, system: &SystemName, id: &RemoteId, mark: &str) -> Result<bool> {
        let found = self.backend.get(&listed_key(entity, system, id))?;
        Ok(found.is_some_and(|there| there == mark.as_bytes()))
    }
}

impl Facts {
    /// A flow has to follow that a record is gone.
    pub fn depart(&mut self, flow: &FlowName, departed: &Departed) {
        self.put(departed_key(flow, &departed.link, &departed.system), departed);
    }

    /// A flow has followed, or the record is back.
    pub fn followed(&mut self, flow: &FlowName, link: &LinkId, system: &SystemName) {
        self.batch.delete(departed_key(flow, link, system));
    }

    /// The listing `mark` tells a record.
    pub fn listed(&mut self, entity: &EntityName, system: &SystemName, id: &RemoteId, mark: &str) {
        self.batch.put(listed_key(entity, system, id), mark.as_bytes().to_vec());
    }

    /// The mark is not needed any more.
    pub fn unlisted(&mut self, entity: &EntityName, system: &SystemName, id: &RemoteId) {
        self.batch.delete(listed_key(entity, system, id));
    }
}

fn departed_key(flow: &FlowName, link: &LinkId, system: &SystemName) -> Vec<u8> {
    key(DEPARTED, &[flow.as_str(), link.as_str(), system.as_str()])
}

fn listed_key(entity: &EntityName, system: &SystemName, id: &RemoteId) -> Vec<u8> {
    key(LISTED, &[entity.as_str(), system.as_str(), id.as_str()])
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::Memory;

    #[test]
    fn departures_are_paged_flow_by_flow_and_marks_belong_to_one_listing() {
        let store = Store::new(Arc::new(Memory::default()));
        let one = |link: &str| Departed { link: link.into(), system: "crm".into(), since: Timestamp::UNIX_EPOCH };
        let mut facts = Facts::new();
        facts.depart(&"customers".into(), &one("company:crm:1"));
        facts.depart(&"customers".into(), &one("company:crm:2"));
        facts.depart(&"customers2".into(), &one("company:crm:1"));
        facts.listed(&"company".into(), &"crm".into(), &"1".into(), "run 1");
        store.commit(facts).unwrap();
        let first = store.departed(&"customers".into(), None, 1).unwrap();
        assert_eq!(first, [one("company:crm:1")]);
        assert_eq!(store.departed(&"customers".into(), first.last(), 9).unwrap(), [one("company:crm:2")]);
        let is_listed = |mark: &str| store.is_listed(&"company".into(), &"crm".into(), &"1".into(), mark).unwrap();
        assert!(is_listed("run 1") && !is_listed("run 2"));
    }
}
