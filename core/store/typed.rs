//! The store's front: facts in, facts out, over any engine room.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::spaces::{HELD, JOBS, LINKS, MATCHES, PARKED, PREPARED, READ_TO, REVISITS, SEEN, WAITING};
use super::{At, Backend, Batch, Held, Job, Link, Parked, ReadTo, Seen};
use crate::model::{EntityName, FlowName, LinkId, RemoteId, SystemName};
use crate::{Error, ErrorKind, Result};

/// What the hub remembers.
#[derive(Clone, Debug)]
pub struct Store {
    pub(super) backend: Arc<dyn Backend>,
}

/// Facts that become true together, or not at all.
#[derive(Debug, Default)]
pub struct Facts {
    pub(super) batch: Batch,
}

impl Store {
    /// Facts kept in `backend`.
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { backend }
    }

    /// A view whose changes are forgotten with it.
    pub fn forgetful(&self) -> Self {
        Self { backend: Arc::new(super::Memory::over(self.backend.clone())) }
    }

    /// Makes facts true; durable when it returns.
    pub fn commit(&self, facts: Facts) -> Result<()> {
        if facts.batch.is_empty() { Ok(()) } else { self.backend.commit(facts.batch) }
    }

    /// The link `id`, or the one that it became part of.
    pub fn link(&self, id: &LinkId) -> Result<Option<Link>> {
        let found = self.read(&key(LINKS, &[id.as_str()]))?;
        match found {
            None => self.heir(id)?.map_or(Ok(None), |heir| self.read(&key(LINKS, &[heir.as_str()]))),
            found => Ok(found),
        }
    }

    /// What was last seen of a record.
    pub fn seen(&self, entity: &EntityName, system: &SystemName, id: &RemoteId) -> Result<Option<Seen>> {
        let found = self.backend.get(&key(SEEN, &[entity.as_str(), system.as_str(), id.as_str()]))?;
        let Some(seen) = found.map(|bytes| decode_seen(&bytes)).transpose()? else { return Ok(None) };
        Ok(Some(Seen { link: self.heir(&seen.link)?.unwrap_or(seen.link), hash: seen.hash }))
    }

    /// The link whose match key hashes to `hash`.
    pub fn matched(&self, entity: &EntityName, hash: u64) -> Result<Option<LinkId>> {
        let found = self.backend.get(&key(MATCHES, &[entity.as_str(), &format!("{hash:016x}")]))?;
        let Some(link) = found.map(|bytes| LinkId::new(String::from_utf8_lossy(&bytes))) else { return Ok(None) };
        Ok(Some(self.heir(&link)?.unwrap_or(link)))
    }

    /// How far a flow has read a system.
    pub fn read_to(&self, flow: &FlowName, system: &SystemName) -> Result<Option<ReadTo>> {
        self.read(&key(READ_TO, &[flow.as_str(), system.as_str()]))
    }

    /// The digest of the column for which an account was last made ready.
    pub fn prepared(&self, entity: &EntityName, system: &SystemName) -> Result<Option<u64>> {
        self.read(&key(PREPARED, &[entity.as_str(), system.as_str()]))
    }

    /// At most `limit` links of an entity, those after `after` only.
    pub fn links(&self, entity: &EntityName, after: Option<&LinkId>, limit: usize) -> Result<Vec<Link>> {
        let prefix = key(LINKS, &[&format!("{entity}:")]);
        self.page(&prefix[..prefix.len() - 1], after.map(|id| key(LINKS, &[id.as_str()])), limit)
    }

    /// All jobs whose outcome is not known.
    pub fn jobs(&self) -> Result<Vec<Job>> {
        self.page(&[JOBS], None, usize::MAX)
    }

    /// The job of one create.
    pub fn job_at(&self, link: &LinkId, target: &SystemName) -> Result<Option<Job>> {
        self.read(&key(JOBS, &[link.as_str(), target.as_str()]))
    }

    /// What is parked, at most `limit`.
    pub fn parked(&self, limit: usize) -> Result<Vec<Parked>> {
        self.page(&[PARKED], None, limit)
    }

    /// At most `limit` of what is parked, those after `after` only.
    pub fn parked_after(&self, after: Option<&At>, limit: usize) -> Result<Vec<Parked>> {
        self.page(&[PARKED], after.map(|at| at_key(PARKED, at)), limit)
    }

    /// What is parked of one record.
    pub fn parked_at(&self, at: &At) -> Result<Option<Parked>> {
        self.read(&at_key(PARKED, at))
    }

    /// What is held, whatever was said of it.
    pub fn held(&self) -> Result<Vec<Held>> {
        self.page(&[HELD], None, usize::MAX)
    }

    /// The hold on one create.
    pub fn held_at(&self, link: &LinkId, target: &SystemName) -> Result<Option<Held>> {
        self.read(&key(HELD, &[link.as_str(), target.as_str()]))
    }

    /// The holds on creates of a link, whatever was said of them.
    pub fn held_of(&self, link: &LinkId) -> Result<Vec<Held>> {
        self.page(&key(HELD, &[link.as_str()]), None, usize::MAX)
    }

    /// The unfinished creates of a link.
    pub fn jobs_of(&self, link: &LinkId) -> Result<Vec<Job>> {
        self.page(&key(JOBS, &[link.as_str()]), None, usize::MAX)
    }

    /// Records that wait for `link` to be in a system, with that system.
    pub fn waiting_for(&self, link: &LinkId) -> Result<Vec<(SystemName, At)>> {
        self.page(&key(WAITING, &[link.as_str()]), None, usize::MAX)
    }

    /// What a record waits for, and in which system; looks through all that wait, `limit` at a time.
    pub fn waits_of(&self, at: &At, limit: usize) -> Result<Vec<(LinkId, SystemName)>> {
        let mut found = Vec::new();
        let mut after: Option<Vec<u8>> = None;
        loop {
            let pairs = self.backend.scan(&[WAITING], after.as_deref(), limit)?;
            let Some((last, _)) = pairs.last() else { return Ok(found) };
            after = Some(last.clone());
            for (key, value) in &pairs {
                let (target, waiter): (SystemName, At) = decode(value)?;
                if waiter == *at {
                    let link = key[1..].split(|byte| *byte == 0).next().unwrap_or_default();
                    found.push((LinkId::new(String::from_utf8_lossy(link)), target));
                }
            }
        }
    }

    /// Whether the next run decides a record again.
    pub fn is_due(&self, at: &At) -> Result<bool> {
        Ok(self.backend.get(&at_key(REVISITS, at))?.is_some())
    }

    /// At most `limit` ids of records of an entity that were seen in a system.
    pub fn seen_ids(&self, entity: &EntityName, system: &SystemName, limit: usize) -> Result<Vec<RemoteId>> {
        let prefix = key(SEEN, &[entity.as_str(), system.as_str()]);
        let pairs = self.backend.scan(&prefix, None, limit)?;
        Ok(pairs
            .iter()
            .map(|(key, _)| String::from_utf8_lossy(&key[prefix.len()..key.len() - 1]).into())
            .map(|id: String| id.into())
            .collect())
    }

    /// Records to decide again, because what they waited for is there.
    pub fn revisits(&self) -> Result<Vec<At>> {
        self.page(&[REVISITS], None, usize::MAX)
    }

    pub(super) fn read<T: DeserializeOwned>(&self, key: &[u8]) -> Result<Option<T>> {
        self.backend.get(key)?.map(|bytes| decode(&bytes)).transpose()
    }

    pub(super) fn page<T: DeserializeOwned>(
        &self,
        prefix: &[u8],
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<Vec<T>> {
        let pairs = self.backend.scan(prefix, after.as_deref(), limit)?;
        pairs.iter().map(|(_, value)| decode(value)).collect()
    }
}

impl Facts {
    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.batch.delete(key);
    }

    /// No facts yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there is nothing to commit.
    pub fn is_empty(&self) -> bool {
        self.batch.is_empty()
    }

    /// A link as it is now.
    pub fn link(&mut self, link: &Link) {
        self.put(key(LINKS, &[link.id.as_str()]), link);
    }

    /// What was seen of a record.
    pub fn seen(&mut self, entity: &EntityName, system: &SystemName, id: &RemoteId, seen: &Seen) {
        let mut value = seen.hash.to_le_bytes().to_vec();
        value.extend_from_slice(seen.link.as_str().as_bytes());
        self.batch.put(key(SEEN, &[entity.as_str(), system.as_str(), id.as_str()]), value);
    }

    /// A link is what this match key means.
    pub fn matches(&mut self, entity: &EntityName, hash: u64, link: &LinkId) {
        let key = key(MATCHES, &[entity.as_str(), &format!("{hash:016x}")]);
        self.batch.put(key, link.as_str().as_bytes().to_vec());
    }

    /// A flow has read a system this far.
    pub fn read_to(&mut self, flow: &FlowName, system: &SystemName, read_to: &ReadTo) {
        self.put(key(READ_TO, &[flow.as_str(), system.as_str()]), read_to);
    }

    /// An account has what a column needs.
    pub fn prepared(&mut self, entity: &EntityName, system: &SystemName, digest: u64) {
        self.put(key(PREPARED, &[entity.as_str(), system.as_str()]), &digest);
    }

    /// A create is about to be sent.
    pub fn start(&mut self, job: &Job) {
        self.put(key(JOBS, &[job.link.as_str(), job.target.as_str()]), job);
    }

    /// A create's outcome is known.
    pub fn finish(&mut self, link: &LinkId, target: &SystemName) {
        self.batch.delete(key(JOBS, &[link.as_str(), target.as_str()]));
    }

    /// A record waits for a cure.
    pub fn park(&mut self, parked: &Parked) {
        self.put(at_key(PARKED, &parked.at), parked);
    }

    /// A record no longer waits.
    pub fn unpark(&mut self, at: &At) {
        self.batch.delete(at_key(PARKED, at));
    }

    /// A create waits for a person.
    pub fn hold(&mut self, held: &Held) {
        self.put(key(HELD, &[held.link.as_str(), held.target.as_str()]), held);
    }

    /// A create no longer waits for a person.
    pub fn release(&mut self, link: &LinkId, target: &SystemName) {
        self.batch.delete(key(HELD, &[link.as_str(), target.as_str()]));
    }

    /// A record waits for `link` to be in `target`.
    pub fn wait_for(&mut self, link: &LinkId, target: &SystemName, at: &At) {
        self.put(waiting_key(link, target, at), &(target, at));
    }

    /// What a record waited for is there: the next run of its flow decides it again.
    pub fn revisit(&mut self, link: &LinkId, target: &SystemName, at: &At) {
        self.batch.delete(waiting_key(link, target, at));
        self.again(at);
    }

    /// A record is to be decided again by the next run of its flow.
    pub fn again(&mut self, at: &At) {
        self.put(at_key(REVISITS, at), at);
    }

    /// A record was decided again.
    pub fn revisited(&mut self, at: &At) {
        self.batch.delete(at_key(REVISITS, at));
    }

    pub(super) fn into_batch(self) -> Batch {
        self.batch
    }

    pub(super) fn put(&mut self, key: Vec<u8>, value: &impl Serialize) {
        // Our own types always serialise: maps have string keys and nothing fails by itself.
        self.batch.put(key, serde_json::to_vec(value).unwrap_or_default());
    }
}

fn at_key(space: u8, at: &At) -> Vec<u8> {
    key(space, &[at.entity.as_str(), at.system.as_str(), at.id.as_str()])
}

fn waiting_key(link: &LinkId, target: &SystemName, at: &At) -> Vec<u8> {
    key(WAITING, &[link.as_str(), target.as_str(), at.entity.as_str(), at.system.as_str(), at.id.as_str()])
}

/// Parts end with a zero byte, which no name and no id contains, so that one part's end is not another's middle.
pub(super) fn key(space: u8, parts: &[&str]) -> Vec<u8> {
    let mut key = vec![space];
    for part in parts {
        key.extend(part.bytes().filter(|byte| *byte != 0));
        key.push(0);
    }
    key
}

pub(super) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    serde_json::from_slice(bytes)
        .map_err(|cause| Error::new(ErrorKind::Bug, "the store holds a value this version cannot read").because(cause))
}

fn decode_seen(bytes: &[u8]) -> Result<Seen> {
    let Some((hash, link)) = bytes.split_first_chunk::<8>() else {
        return Err(Error::new(ErrorKind::Bug, "the store holds a value this version cannot read"));
    };
    Ok(Seen { hash: u64::from_le_bytes(*hash), link: LinkId::new(String::from_utf8_lossy(link)) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{LinkSide, Memory};

    #[test]
    fn facts_come_back_as_they_were_told() {
        let store = Store::new(Arc::new(Memory::default()));
        let side = LinkSide { resource: "deals".into(), id: "1".into(), ..LinkSide::default() };
        let link = Link {
            id: "sale:crm:1".into(),
            entity: "sale".into(),
            label: "Été".into(),
            sides: [("crm".into(), side)].into(),
            ..Link::default()
        };
        let seen = Seen { link: link.id.clone(), hash: 7 };
        let mut facts = Facts::new();
        facts.link(&link);
        facts.seen(&"sale".into(), &"crm".into(), &"1".into(), &seen);
        store.commit(facts).unwrap();
        assert_eq!(store.link(&link.id).unwrap(), Some(link.clone()));
        assert_eq!(store.seen(&"sale".into(), &"crm".into(), &"1".into()).unwrap(), Some(seen));
        assert_eq!(store.links(&"sale".into(), None, 10).unwrap(), vec![link.clone()]);
        assert!(store.links(&"sale".into(), Some(&link.id), 10).unwrap().is_empty());
        assert!(store.links(&"sales".into(), None, 10).unwrap().is_empty());
    }
}
