//! A store in memory, for tests and, laid over another, for plans that must change nothing.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock};

use super::{Backend, Batch, Pair};
use crate::{Error, ErrorKind, Result};

/// Keeps commits in memory; reads fall through to `below`, which is never written.
#[derive(Debug, Default)]
pub struct Memory {
    above: RwLock<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
    below: Option<Arc<dyn Backend>>,
}

impl Memory {
    /// A view of `below` whose changes are forgotten with it.
    pub fn over(below: Arc<dyn Backend>) -> Self {
        Self { above: RwLock::default(), below: Some(below) }
    }

    fn seen(&self, above: &BTreeMap<Vec<u8>, Option<Vec<u8>>>, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match (above.get(key), &self.below) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(below)) => below.get(key),
            (None, None) => Ok(None),
        }
    }
}

impl Backend for Memory {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.seen(&self.above.read().unwrap_or_else(PoisonError::into_inner), key)
    }

    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>> {
        let above = self.above.read().unwrap_or_else(PoisonError::into_inner);
        let start = after.map_or(Bound::Included(prefix), Bound::Excluded);
        let hidden = above
            .range::<[u8], _>((start, Bound::Unbounded))
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(_, value)| value.is_none())
            .count();
        let mut found: BTreeMap<Vec<u8>, Option<Vec<u8>>> = BTreeMap::new();
        if let Some(below) = &self.below {
            found.extend(
                below.scan(prefix, after, limit.saturating_add(hidden))?.into_iter().map(|(k, v)| (k, Some(v))),
            );
        }
        let own = above.range::<[u8], _>((start, Bound::Unbounded)).take_while(|(key, _)| key.starts_with(prefix));
        found.extend(own.map(|(key, value)| (key.clone(), value.clone())));
        Ok(found.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).take(limit).collect())
    }

    fn commit(&self, batch: Batch) -> Result<()> {
        let mut above = self.above.write().unwrap_or_else(PoisonError::into_inner);
        for (key, expected) in &batch.expect {
            if self.seen(&above, key)? != *expected {
                return Err(Error::new(ErrorKind::Stale, "the store moved under this commit"));
            }
        }
        for (key, value) in batch.writes {
            if value.is_none() && self.below.is_none() {
                above.remove(&key);
            } else {
                above.insert(key, value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(store: &dyn Backend, key: &str, value: Option<&str>) {
        let writes = vec![(key.as_bytes().to_vec(), value.map(|v| v.as_bytes().to_vec()))];
        store.commit(Batch { expect: vec![], writes }).unwrap();
    }

    #[test]
    fn a_view_hides_what_it_deleted_and_leaves_the_store_below_alone() {
        let below = Arc::new(Memory::default());
        for key in ["a1", "a2", "a3", "b1"] {
            put(below.as_ref(), key, Some("old"));
        }
        let view = Memory::over(below.clone());
        put(&view, "a1", None);
        put(&view, "a2", Some("new"));
        let seen = view.scan(b"a", None, 2).unwrap();
        assert_eq!(seen, vec![(b"a2".to_vec(), b"new".to_vec()), (b"a3".to_vec(), b"old".to_vec())]);
        assert_eq!(below.scan(b"a", None, 9).unwrap().len(), 3);
    }

    #[test]
    fn a_commit_whose_expectation_fails_writes_nothing() {
        let store = Memory::default();
        put(&store, "a", Some("1"));
        let mut batch = Batch::default();
        batch.expect(b"a".to_vec(), None);
        batch.put(b"b".to_vec(), b"2".to_vec());
        assert_eq!(store.commit(batch).unwrap_err().kind(), ErrorKind::Stale);
        assert_eq!(store.get(b"b").unwrap(), None);
    }
}
