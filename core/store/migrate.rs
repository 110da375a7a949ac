//! From one format of the facts to the next, so that an upgrade of the program loses nothing.
//!
//! Each step may be cut anywhere and made again: the format is only told once all of it is done.

use super::history::JOURNAL;
use super::typed::{decode, key};
use super::{Backend, Entry, Facts, Link};
use crate::Result;
use crate::model::EntityName;

/// The format of the facts that this version writes: 1 had no index of the journal and no intents.
pub(super) const FORMAT: u32 = 2;

/// Lines rewritten in one commit.
const PAGE: usize = 200;

/// Brings the facts of `store` from format `from` to the present one; `told` hears how many of them were rewritten.
pub(super) fn migrate(store: &dyn Backend, from: u32, told: &mut dyn FnMut(u64)) -> Result<()> {
    if from < 2 { index_the_journal(store, told) } else { Ok(()) }
}

/// Each line gets its entity, and a place in the index of its link.
fn index_the_journal(store: &dyn Backend, told: &mut dyn FnMut(u64)) -> Result<()> {
    let (mut done, mut after) = (0, None);
    loop {
        let page = store.scan(&[JOURNAL], after.as_deref(), PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(last.clone());
        let mut facts = Facts::new();
        for pair in &page {
            let (place, mut entry) = super::history::placed(pair)?;
            entry.entity = entity_of(store, &entry)?;
            facts.journal(place.number, &entry);
        }
        done += page.len() as u64;
        store.commit(facts.into_batch())?;
        told(done);
    }
}

/// What a line of the first format is of, as its link says.
fn entity_of(store: &dyn Backend, entry: &Entry) -> Result<EntityName> {
    match store.get(&key(super::typed::LINKS, &[entry.link.as_str()]))? {
        Some(link) => Ok(decode::<Link>(&link)?.entity),
        None => Ok(entry.link.as_str().split(':').next().unwrap_or_default().into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;
    use crate::store::history::tests::entry;
    use crate::store::{Batch, Memory, Pair, Store};
    use crate::{Error, ErrorKind};

    /// Dies before the commit of this number.
    #[derive(Debug)]
    struct Cut(Arc<Memory>, AtomicI64);

    impl Backend for Cut {
        fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
            self.0.get(key)
        }

        fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>> {
            self.0.scan(prefix, after, limit)
        }

        fn commit(&self, batch: Batch) -> Result<()> {
            let is_cut = self.1.fetch_sub(1, Ordering::SeqCst) <= 0;
            if is_cut { Err(Error::new(ErrorKind::Unavailable, "cut")) } else { self.0.commit(batch) }
        }
    }

    /// A journal of the first format: no entity, no index.
    fn old(lines: u64) -> Arc<Memory> {
        let disk = Arc::new(Memory::default());
        let mut batch = Batch::default();
        for number in 1..=lines {
            let mut line = serde_json::to_value(entry("r1", number)).unwrap();
            line.as_object_mut().unwrap().remove("entity");
            batch.put(key(JOURNAL, &["r1", &format!("{number:012}")]), serde_json::to_vec(&line).unwrap());
        }
        disk.commit(batch).unwrap();
        disk
    }

    fn all(disk: &Memory) -> Vec<Pair> {
        disk.scan(&[], None, usize::MAX).unwrap()
    }

    #[test]
    fn every_line_of_the_first_format_is_found_by_its_link_and_knows_its_entity() {
        let disk = old(650);
        let mut told = Vec::new();
        migrate(disk.as_ref(), 1, &mut |done| told.push(done)).unwrap();
        assert_eq!(told, [200, 400, 600, 650]);
        let lines = Store::new(disk).lines_of(&"sale:crm:1".into()).unwrap();
        assert_eq!(lines.len(), 217);
        assert!(lines.iter().all(|(place, line)| *line == entry("r1", place.number)));
    }

    #[test]
    fn a_cut_at_any_commit_leaves_what_the_next_opening_finishes() {
        let whole = old(650);
        migrate(whole.as_ref(), 1, &mut |_| {}).unwrap();
        for moment in 0..4 {
            let disk = old(650);
            assert!(migrate(&Cut(disk.clone(), AtomicI64::new(moment)), 1, &mut |_| {}).is_err());
            migrate(disk.as_ref(), 1, &mut |_| {}).unwrap();
            assert_eq!(all(&disk), all(&whole), "cut at commit {moment}");
        }
    }
}
