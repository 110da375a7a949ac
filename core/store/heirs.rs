//! Links that became one: whoever names the one that went is led to the one that stays.

use super::spaces::{HEIRS, LINKS};
use super::typed::key;
use super::{Facts, Store};
use crate::Result;
use crate::model::LinkId;

/// Longer chains of merges than this are not followed: they would be a circle.
const GENERATIONS: usize = 32;

impl Store {
    /// The link that `id` became part of, where it did.
    pub fn heir(&self, id: &LinkId) -> Result<Option<LinkId>> {
        let mut heir = None;
        for _ in 0..GENERATIONS {
            let asked = heir.as_ref().unwrap_or(id);
            let Some(found) = self.backend.get(&key(HEIRS, &[asked.as_str()]))? else { break };
            heir = Some(LinkId::new(String::from_utf8_lossy(&found)));
        }
        Ok(heir)
    }

    /// The links that became part of `id`; looks through all that were ever united, `limit` at a time.
    pub fn united_into(&self, id: &LinkId, limit: usize) -> Result<Vec<LinkId>> {
        let mut found = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let pairs = self.backend.scan(&[HEIRS], after.as_deref(), limit)?;
            let Some((last, _)) = pairs.last() else { return Ok(found) };
            after = Some(last.clone());
            for (key, _) in &pairs {
                let dead = key.strip_prefix(&[HEIRS]).and_then(|key| key.strip_suffix(&[0])).unwrap_or_default();
                let dead = LinkId::new(String::from_utf8_lossy(dead));
                if self.heir(&dead)?.as_ref() == Some(id) {
                    found.push(dead);
                }
            }
        }
    }
}

impl Facts {
    /// The link `dead` is `heir` from now on.
    pub fn unite(&mut self, dead: &LinkId, heir: &LinkId) {
        self.batch.delete(key(LINKS, &[dead.as_str()]));
        self.batch.put(key(HEIRS, &[dead.as_str()]), heir.as_str().as_bytes().to_vec());
        // Whoever was united before is one again where it stays.
        self.batch.delete(key(HEIRS, &[heir.as_str()]));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::{Link, Memory, Seen};

    #[test]
    fn whoever_names_a_link_that_went_finds_the_one_that_stays() {
        let store = Store::new(Arc::new(Memory::default()));
        let link = |id: &str| Link { id: id.into(), entity: "company".into(), ..Link::default() };
        let mut facts = Facts::new();
        ["company:crm:1", "company:crm:2", "company:crm:3"].iter().for_each(|id| facts.link(&link(id)));
        let seen = Seen { link: "company:crm:3".into(), hash: 7 };
        facts.seen(&"company".into(), &"crm".into(), &"3".into(), &seen);
        facts.matches(&"company".into(), 5, &"company:crm:3".into());
        store.commit(facts).unwrap();
        for (dead, heir) in [("company:crm:3", "company:crm:2"), ("company:crm:2", "company:crm:1")] {
            let mut facts = Facts::new();
            facts.unite(&dead.into(), &heir.into());
            store.commit(facts).unwrap();
        }
        assert_eq!(store.link(&"company:crm:3".into()).unwrap(), Some(link("company:crm:1")));
        assert_eq!(
            store.seen(&"company".into(), &"crm".into(), &"3".into()).unwrap().unwrap().link,
            "company:crm:1".into()
        );
        assert_eq!(store.matched(&"company".into(), 5).unwrap(), Some("company:crm:1".into()));
        assert_eq!(store.links(&"company".into(), None, 9).unwrap(), [link("company:crm:1")]);
        let united: [LinkId; 2] = ["company:crm:2".into(), "company:crm:3".into()];
        assert_eq!(store.united_into(&"company:crm:1".into(), 1).unwrap(), united);
        assert!(store.united_into(&"company:crm:2".into(), 9).unwrap().is_empty(), "it is none any more itself");
    }
}
