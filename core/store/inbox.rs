//! The inbox: records that webhooks named, kept until each was looked at.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::typed::{INBOX, key};
use super::{Facts, Store};
use crate::Result;
use crate::model::{RemoteId, ResourceName, SystemName};

/// A record that a webhook named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hinted {
    /// The system that sent it.
    pub system: SystemName,
    /// Its resource.
    pub resource: ResourceName,
    /// Its id.
    pub id: RemoteId,
}

/// A named record that waits to be looked at; one for a record, however often it was named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// The record.
    pub hinted: Hinted,
    /// When it was named.
    pub received: Timestamp,
    /// Tells one naming from another of the same instant.
    pub mark: u64,
}

impl Store {
    /// At most `limit` of what waits of one resource, those after `after` only.
    pub fn hints(
        &self,
        system: &SystemName,
        resource: &ResourceName,
        after: Option<&Hinted>,
        limit: usize,
    ) -> Result<Vec<Waiting>> {
        let prefix = key(INBOX, &[system.as_str(), resource.as_str()]);
        self.page(&prefix, after.map(inbox_key), limit)
    }

    /// At most `limit` of what waits of all systems, those after `after` only.
    pub fn hints_after(&self, after: Option<&Hinted>, limit: usize) -> Result<Vec<Waiting>> {
        self.page(&[INBOX], after.map(inbox_key), limit)
    }

    /// A record that waits, if it does.
    pub fn hint(&self, hinted: &Hinted) -> Result<Option<Waiting>> {
        self.read(&inbox_key(hinted))
    }
}

impl Facts {
    /// A record waits to be looked at; refused as `Stale` unless `before` is what waited until now.
    pub fn hint(&mut self, waiting: &Waiting, before: Option<&Waiting>) {
        let key = inbox_key(&waiting.hinted);
        self.batch.expect(key.clone(), before.map(encoded));
        self.put(key, waiting);
    }

    /// A record was looked at; refused as `Stale` when it was named again meanwhile.
    pub fn looked_at(&mut self, waiting: &Waiting) {
        let key = inbox_key(&waiting.hinted);
        self.batch.expect(key.clone(), Some(encoded(waiting)));
        self.batch.delete(key);
    }
}

fn inbox_key(hinted: &Hinted) -> Vec<u8> {
    key(INBOX, &[hinted.system.as_str(), hinted.resource.as_str(), hinted.id.as_str()])
}

fn encoded(waiting: &Waiting) -> Vec<u8> {
    // As `Facts::put` writes it: our own types always serialise.
    serde_json::to_vec(waiting).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::ErrorKind;
    use crate::store::Memory;

    fn waiting(resource: &str, id: &str, mark: u64) -> Waiting {
        let hinted = Hinted { system: "crm".into(), resource: resource.into(), id: id.into() };
        Waiting { hinted, received: "2026-11-24T09:00:00.000000001Z".parse().unwrap(), mark }
    }

    #[test]
    fn what_was_named_again_meanwhile_is_not_taken_away() {
        let store = Store::new(Arc::new(Memory::default()));
        let told = |tell: &dyn Fn(&mut Facts)| {
            let mut facts = Facts::new();
            tell(&mut facts);
            store.commit(facts).map_err(|error| error.kind())
        };
        let (first, second) = (waiting("deals", "1", 1), waiting("deals", "1", 2));
        assert_eq!(told(&|facts| facts.hint(&first, None)), Ok(()));
        assert_eq!(told(&|facts| facts.hint(&second, None)), Err(ErrorKind::Stale));
        assert_eq!(told(&|facts| facts.hint(&second, Some(&first))), Ok(()));
        assert_eq!(told(&|facts| facts.looked_at(&first)), Err(ErrorKind::Stale));
        assert_eq!(store.hint(&first.hinted).unwrap(), Some(second.clone()));
        assert_eq!(told(&|facts| facts.looked_at(&second)), Ok(()));
        assert_eq!(store.hint(&first.hinted).unwrap(), None);
    }

    #[test]
    fn what_waits_is_found_by_resource_page_by_page() {
        let store = Store::new(Arc::new(Memory::default()));
        let all = [waiting("deals", "1", 1), waiting("deals", "2", 2), waiting("deals_old", "3", 3)];
        let mut facts = Facts::new();
        all.iter().for_each(|waiting| facts.hint(waiting, None));
        store.commit(facts).unwrap();
        let page = |after: Option<&Hinted>| store.hints(&"crm".into(), &"deals".into(), after, 1).unwrap();
        assert_eq!(page(None), all[..1]);
        assert_eq!(page(Some(&all[0].hinted)), all[1..2]);
        assert_eq!(page(Some(&all[1].hinted)), []);
        assert_eq!(store.hints_after(None, 10).unwrap(), all);
    }
}
