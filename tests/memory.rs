//! A system in memory that behaves like a vendor: ids of its own, a feed, a unique key, and troubles on demand.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use passerelle_core::connector::{
    Batch, Capabilities, Connector, Delivery, Effect, Feed, Hint, Identity, Lookup, Page, Resource, Schema,
};
use passerelle_core::model::{
    Cursor, ExternalKey, Fields, Outcome, Presence, Record, RemoteId, ResourceName, Write, Written,
};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// What happens to the next write instead of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing: this one goes well.
    None,
    /// It is done, and no answer comes.
    LostAnswer,
    /// It is not done, and no answer comes.
    LostRequest,
    /// The vendor refuses it for good.
    Refused,
    /// It is done, and then the system is down.
    CutAfter,
    /// The system is down.
    Down,
    /// The key is wrong.
    Denied,
}

#[derive(Clone, Debug)]
struct Kept {
    fields: Fields,
    key: Option<ExternalKey>,
    moved: u64,
    presence: Presence,
    aliases: Vec<RemoteId>,
}

#[derive(Debug, Default)]
struct State {
    kept: BTreeMap<(String, String), Kept>,
    clock: u64,
    issued: usize,
    troubles: VecDeque<Trouble>,
    calls: u64,
    finds: u64,
    written: Vec<String>,
    /// Set over the fields of every record that is created here.
    added: Fields,
    /// The vendor's search does not know yet what was just created.
    lags: bool,
}

/// A system in memory; clones share it.
#[derive(Clone, Debug)]
pub struct Memory {
    state: Arc<Mutex<State>>,
    resources: Vec<Resource>,
    create: Effect,
    /// Whether a look-up by a field finds nothing, as a search whose index is behind.
    pub search_finds_nothing: bool,
    /// Whether its feed tells every record twice, within a page.
    pub feed_repeats: bool,
}

impl Memory {
    /// An empty system with these resources, each with the state move `validate`.
    pub fn new(resources: &[&str], create: Effect) -> Self {
        let resource = |name: &&str| Resource {
            name: (*name).into(),
            about: "records in memory",
            capabilities: Capabilities {
                feed: Feed::Cursor,
                create,
                update: true,
                archive: true,
                batch: Batch { read: 50, find: 50, write: 10 },
                actions: &["validate"],
            },
        };
        Self {
            state: Arc::default(),
            resources: resources.iter().map(resource).collect(),
            create,
            search_finds_nothing: false,
            feed_repeats: false,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record there, as a person would.
    pub fn put(&self, resource: &str, id: &str, fields: Fields) {
        let mut state = self.state();
        state.clock += 1;
        let moved = state.clock;
        let at = (resource.to_owned(), id.to_owned());
        let kept = state.kept.entry(at).or_insert(Kept {
            fields: Fields::new(),
            key: None,
            moved,
            presence: Presence::Present,
            aliases: Vec::new(),
        });
        kept.fields.extend(fields);
        kept.presence = Presence::Present;
        kept.moved = moved;
    }

    /// Puts a record away, as a person would; an edit brings it back.
    pub fn archive(&self, resource: &str, id: &str) {
        let mut state = self.state();
        state.clock += 1;
        let moved = state.clock;
        if let Some(kept) = state.kept.get_mut(&(resource.to_owned(), id.to_owned())) {
            kept.presence = Presence::Archived;
            kept.moved = moved;
        }
    }

    /// Merges a record into another, whose id then answers for both.
    pub fn merge(&self, resource: &str, id: &str, into: &str) {
        let mut state = self.state();
        state.clock += 1;
        let moved = state.clock;
        let lost = state.kept.remove(&(resource.to_owned(), id.to_owned()));
        if let Some(kept) = state.kept.get_mut(&(resource.to_owned(), into.to_owned())) {
            kept.aliases.push(id.into());
            kept.aliases.extend(lost.into_iter().flat_map(|lost| lost.aliases));
            kept.moved = moved;
        }
    }

    /// Copies a record, the hub's key included, as a careless vendor does.
    pub fn copy(&self, resource: &str, id: &str, to: &str) {
        let mut state = self.state();
        state.clock += 1;
        let moved = state.clock;
        if let Some(kept) = state.kept.get(&(resource.to_owned(), id.to_owned())).cloned() {
            state.kept.insert((resource.to_owned(), to.to_owned()), Kept { moved, ..kept });
        }
    }

    /// From now on every record that is created here gets these fields over its own.
    pub fn adds(&self, fields: Fields) {
        self.state().added = fields;
    }

    /// Whether the vendor's search still lacks what was just created.
    pub fn search_lags(&self, lags: bool) {
        self.state().lags = lags;
    }

    /// From now on nothing can be put away here.
    pub fn cannot_archive(&mut self) {
        self.resources.iter_mut().for_each(|resource| resource.capabilities.archive = false);
    }

    /// The records that are put away, by resource and id.
    pub fn archived(&self) -> Vec<(String, String)> {
        let state = self.state();
        let away = state.kept.iter().filter(|(_, kept)| kept.presence == Presence::Archived);
        away.map(|(at, _)| at.clone()).collect()
    }

    /// Whether a trouble is still to come.
    pub fn is_troubled(&self) -> bool {
        !self.state().troubles.is_empty()
    }

    /// Deletes a record, as a person would.
    pub fn delete(&self, resource: &str, id: &str) {
        self.state().kept.remove(&(resource.to_owned(), id.to_owned()));
    }

    /// What a record holds.
    pub fn get(&self, resource: &str, id: &str) -> Option<Fields> {
        self.state().kept.get(&(resource.to_owned(), id.to_owned())).map(|kept| kept.fields.clone())
    }

    /// Every record, by resource and id.
    pub fn all(&self) -> BTreeMap<(String, String), Fields> {
        self.state().kept.iter().map(|(at, kept)| (at.clone(), kept.fields.clone())).collect()
    }

    /// Lets something go wrong with the next writes, one each.
    pub fn trouble(&self, trouble: Trouble) {
        self.state().troubles.push_back(trouble);
    }

    /// Calls made so far.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Look-ups made so far, by key or by field.
    pub fn finds(&self) -> u64 {
        self.state().finds
    }

    /// The writes that took effect, such as `create Order/1` or `update Order/1 paid=5`.
    pub fn written(&self) -> Vec<String> {
        self.state().written.clone()
    }

    fn one(&self, resource: &ResourceName, write: &Write) -> Outcome {
        let trouble = self.state().troubles.pop_front();
        match trouble {
            Some(Trouble::LostRequest) => return Err(Error::new(ErrorKind::OutcomeUnknown, "no answer in time")),
            Some(Trouble::Refused) => return Err(Error::new(ErrorKind::Rejected, "the vendor says: no")),
            Some(Trouble::Down) => return Err(Error::new(ErrorKind::Unavailable, "the connection failed")),
            Some(Trouble::Denied) => return Err(Error::new(ErrorKind::Denied, "the key is not valid")),
            Some(Trouble::LostAnswer | Trouble::CutAfter | Trouble::None) | None => {}
        }
        let done = self.state().write(resource.as_str(), write, self.create);
        if trouble == Some(Trouble::CutAfter) {
            return Err(Error::new(ErrorKind::Unavailable, "the connection failed"));
        }
        if trouble == Some(Trouble::LostAnswer) {
            return Err(Error::new(ErrorKind::OutcomeUnknown, "no answer in time"));
        }
        done
    }
}

impl State {
    fn record(&self, at: &(String, String)) -> Option<Record> {
        let kept = self.kept.get(at)?;
        let mut record = Record::new(at.1.as_str(), kept.fields.clone());
        record.key = kept.key.clone();
        record.presence = kept.presence;
        record.aliases = kept.aliases.clone();
        Some(record)
    }

    fn write(&mut self, resource: &str, write: &Write, effect: Effect) -> Outcome {
        self.clock += 1;
        let moved = self.clock;
        match write {
            Write::Create { key, fields, then } => {
                let bears = |((there, _), kept): (&(String, String), &Kept)| {
                    there == resource && kept.key.as_ref() == Some(key)
                };
                if effect == Effect::Keyed && self.kept.iter().any(bears) {
                    return Err(Error::new(ErrorKind::Rejected, format!("duplicate key {key}")));
                }
                // No id is given twice, whatever was deleted meanwhile.
                self.issued = self.issued.max(self.kept.len()) + 1;
                let id = format!("n{}", self.issued);
                let at = (resource.to_owned(), id.clone());
                let key = Some(key.clone()).filter(|_| effect != Effect::Blind);
                let mut fields = fields.clone();
                fields.extend(self.added.clone());
                let kept = Kept { fields, key, moved, presence: Presence::Present, aliases: Vec::new() };
                self.kept.insert(at.clone(), kept);
                self.move_state(&at, then);
                self.written.push(format!("create {resource}/{id}"));
                Ok(Written { id: id.into(), record: self.record(&at) })
            }
            Write::Update { id, fields, then, .. } => {
                let at = (resource.to_owned(), id.to_string());
                let Some(kept) = self.kept.get_mut(&at) else {
                    return Err(Error::new(ErrorKind::NotFound, format!("there is no {resource}/{id}")));
                };
                kept.fields.extend(fields.clone());
                kept.moved = moved;
                self.move_state(&at, then);
                let said: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", plain(value))).collect();
                let moves: Vec<String> = then.iter().map(|action| action.0.clone()).collect();
                self.written.push(format!("update {resource}/{id} {}", [said, moves].concat().join(" ")));
                Ok(Written { id: id.clone(), record: self.record(&at) })
            }
            Write::Archive { id, .. } => {
                let Some(kept) = self.kept.get_mut(&(resource.to_owned(), id.to_string())) else {
                    return Err(Error::new(ErrorKind::NotFound, format!("there is no {resource}/{id}")));
                };
                kept.presence = Presence::Archived;
                kept.moved = moved;
                self.written.push(format!("archive {resource}/{id}"));
                Ok(Written { id: id.clone(), record: None })
            }
        }
    }

    fn move_state(&mut self, at: &(String, String), then: &[passerelle_core::model::Action]) {
        if let Some(kept) = self.kept.get_mut(at) {
            for action in then {
                kept.fields.insert("state".to_owned(), format!("{}d", action.0).into());
                kept.fields.insert("number".to_owned(), format!("SO-{}", at.1).into());
            }
        }
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// A delivery of a system in memory about these records, each a resource and an id: its headers and its body.
pub fn delivery(named: &[(&str, &str)]) -> (Vec<(String, String)>, Vec<u8>) {
    let body = serde_json::to_vec(named).unwrap_or_default();
    (vec![("Signature".to_owned(), signature(&body))], body)
}

/// Only the system and the hub can sign: here, by a hash that nobody else knows.
fn signature(body: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    ("a secret", body).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

#[async_trait]
impl Connector for Memory {
    fn resources(&self) -> &[Resource] {
        &self.resources
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity { account: "memory".to_owned(), version: None })
    }

    async fn describe(&self, _: &ResourceName) -> Result<Schema> {
        Ok(Schema::default())
    }

    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        let mut state = self.state();
        state.calls += 1;
        let from: u64 = since.and_then(|cursor| cursor.as_str().parse().ok()).unwrap_or(0);
        let mut moved: Vec<(u64, (String, String))> = state
            .kept
            .iter()
            .filter(|((there, _), kept)| there == resource.as_str() && kept.moved > from)
            .map(|(at, kept)| (kept.moved, at.clone()))
            .collect();
        moved.sort();
        let more = moved.len() > 50;
        moved.truncate(50);
        let next = moved.last().map_or(from, |(moved, _)| *moved);
        let mut records: Vec<Record> = moved.iter().filter_map(|(_, at)| state.record(at)).collect();
        if self.feed_repeats {
            records.extend(records.clone());
        }
        Ok(Page { records, next: Cursor::new(next.to_string()), more })
    }

    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        let mut state = self.state();
        state.calls += 1;
        let answers_for = |id: &RemoteId| {
            let at = (resource.to_string(), id.to_string());
            let heir = || state.kept.iter().find(|((there, _), kept)| *there == at.0 && kept.aliases.contains(id));
            state.record(&at).or_else(|| heir().and_then(|(at, _)| state.record(at)))
        };
        Ok(ids.iter().filter_map(answers_for).collect())
    }

    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        let mut state = self.state();
        state.calls += 1;
        state.finds += 1;
        let hit = |kept: &Kept| match by {
            Lookup::Key(_) if state.lags => false,
            Lookup::Key(keys) => kept.key.as_ref().is_some_and(|key| keys.contains(key)),
            Lookup::Field { .. } if self.search_finds_nothing => false,
            Lookup::Field { path, values } => kept.fields.get(path).is_some_and(|value| values.contains(&plain(value))),
        };
        let found: Vec<(String, String)> = state
            .kept
            .iter()
            .filter(|((there, _), kept)| there == resource.as_str() && hit(kept))
            .map(|(at, _)| at.clone())
            .collect();
        Ok(found.iter().filter_map(|at| state.record(at)).collect())
    }

    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        self.state().calls += 1;
        Ok(writes.iter().map(|write| self.one(resource, write)).collect())
    }

    fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        let given = delivery.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("signature"));
        if given.is_none_or(|(_, value)| *value != signature(delivery.body)) {
            return Err(Error::new(ErrorKind::Denied, "the signature is wrong"));
        }
        let named: Vec<(String, String)> = serde_json::from_slice(delivery.body)
            .map_err(|cause| Error::new(ErrorKind::Rejected, "the delivery names no records").because(cause))?;
        let hint = |(resource, id): (String, String)| Hint { resource: resource.into(), id: id.into() };
        Ok(named.into_iter().map(hint).collect())
    }
}
