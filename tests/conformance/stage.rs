//! Where promises are played: a fresh world, one of its resources, and the engine's own door to it.

use std::collections::BTreeMap;

use passerelle_core::connector::{Capabilities, Connector, Page, Prepare, Resource};
use passerelle_core::emulator::Faults;
use passerelle_core::model::{Cursor, ExternalKey, Need, Outcome, Record, RemoteId, ResourceName, Write, Written};
use passerelle_core::system::System;
use passerelle_core::{Error, ErrorKind, Result as Answer};
use serde_json::{Value, json};

use super::fixtures::{Fixture, Kit, World};
use super::{Broken, Kept, ensure};

/// A feed with more pages than this does not end.
const MOST_PAGES: usize = 1000;

/// The longest cursor that the store takes.
const LONGEST_CURSOR: usize = 16 << 10;

/// A resource in a fresh world.
pub struct Stage {
    /// The system and its people.
    pub world: Box<dyn World>,
    /// The engine's door to it: it cuts lists into the claimed batches.
    pub system: System,
    /// What is claimed.
    pub resource: Resource,
    /// How to make its records.
    pub kit: Kit,
}

impl Stage {
    /// A fresh world, prepared for the hub.
    pub(super) async fn set(fixture: &Fixture, resource: &str) -> Result<Self, Broken> {
        let stage = Self::bare(fixture, resource).await?;
        if stage.can().create != passerelle_core::connector::Effect::None {
            stage.connector().prepare(stage.name(), &[key_need()], Prepare::Create).await?;
        }
        Ok(stage)
    }

    /// A fresh world that the hub never saw.
    pub(super) async fn bare(fixture: &Fixture, resource: &str) -> Result<Self, Broken> {
        let world = (fixture.open)().await?;
        let system = System::new("it".into(), world.connector());
        let resource = system.resource(&resource.into())?.clone();
        let kit = world.kit(resource.name.as_str());
        Ok(Self { world, system, resource, kit })
    }

    /// What the resource claims.
    pub fn can(&self) -> &Capabilities {
        &self.resource.capabilities
    }

    pub(super) fn name(&self) -> &ResourceName {
        &self.resource.name
    }

    pub(super) fn connector(&self) -> std::sync::Arc<dyn Connector> {
        self.world.connector()
    }

    /// A person makes records with these labels; their ids.
    pub(super) async fn people_make(&self, labels: impl Iterator<Item = String>) -> Result<Vec<RemoteId>, Broken> {
        let mut ids = Vec::new();
        for label in labels {
            ids.push(self.world.person_creates(self.name().as_str(), &(self.kit.fields)(&label)).await?);
        }
        Ok(ids)
    }

    /// A person edits a record.
    pub(super) async fn person_edits(&self, id: &RemoteId, value: &str) -> Kept {
        Ok(self.world.person_edits(self.name().as_str(), id, self.kit.edited, value).await?)
    }

    /// How many records there are, told by the system itself.
    pub(super) async fn count(&self) -> Result<usize, Broken> {
        Ok(self.world.count(self.name().as_str()).await?)
    }

    /// One page; its cursor fits the store.
    pub(super) async fn page(&self, since: Option<&Cursor>) -> Result<Page, Broken> {
        let page = self.system.changes(self.name(), since).await?;
        let length = page.next.as_str().len();
        ensure(length <= LONGEST_CURSOR, || format!("a cursor takes {length} bytes"))?;
        Ok(page)
    }

    /// Everything that waits, and the cursor after it.
    pub(super) async fn drain(&self, since: Option<&Cursor>) -> Result<(Vec<Record>, Cursor), Broken> {
        let mut page = self.page(since).await?;
        let mut records = std::mem::take(&mut page.records);
        for _ in 0..MOST_PAGES {
            if !page.more {
                return Ok((records, page.next));
            }
            page = self.page(Some(&page.next)).await?;
            records.append(&mut page.records);
        }
        Err(Broken(format!("the feed has more than {MOST_PAGES} pages of {} records", records.len())))
    }

    /// One record as it is now.
    pub(super) async fn read(&self, id: &RemoteId) -> Result<Record, Broken> {
        let found = self.system.read(self.name(), std::slice::from_ref(id)).await?;
        found.into_iter().next().ok_or_else(|| Broken(format!("{id} is not there when it is read")))
    }

    /// Makes one write.
    pub(super) async fn write(&self, write: &Write) -> Outcome {
        let mut outcomes = self.system.write(self.name(), std::slice::from_ref(write)).await;
        outcomes.pop().unwrap_or_else(|| Err(Error::new(ErrorKind::Bug, "a write without an outcome")))
    }

    /// Makes one write that must succeed.
    pub(super) async fn done(&self, write: &Write) -> Result<Written, Broken> {
        Ok(self.write(write).await?)
    }

    /// A create of a labelled record.
    pub(super) fn create(&self, key: &str, label: &str) -> Write {
        Write::Create { key: ExternalKey::new(key), fields: (self.kit.fields)(label), then: Vec::new() }
    }

    /// An update of one field.
    pub(super) fn update(&self, id: &RemoteId, field: &str, value: Value) -> Write {
        let fields = [(field.to_owned(), value)].into_iter().collect();
        Write::Update { id: id.clone(), fields, expect: None, then: Vec::new() }
    }

    /// Sets the faults of the network; none by default.
    pub(super) fn faults(&self, faults: Faults) -> Kept {
        match self.world.network() {
            Some((host, name)) => Ok(host.set_faults(name, faults)?),
            None => Err(Broken("there is no network to disturb".into())),
        }
    }

    /// How many calls the system was given.
    pub(super) fn calls(&self) -> Result<u64, Broken> {
        match self.world.network() {
            Some((host, name)) => Ok(host.calls(name)?.values().sum()),
            None => Ok(0),
        }
    }

    /// The kind of the error that must be there; its words hold no key.
    pub(super) fn refusal<T>(&self, what: &str, answer: Answer<T>) -> Result<ErrorKind, Broken> {
        match answer {
            Ok(_) => Err(Broken(format!("{what}: succeeds"))),
            Err(error) => {
                let words = format!("{error} {error:?} {:?}", std::error::Error::source(&error));
                let told = self.world.secrets().into_iter().find(|secret| words.contains(secret.as_str()));
                ensure(told.is_none(), || format!("{what}: the error holds the key: {words}"))?;
                Ok(error.kind())
            }
        }
    }

    /// Expects one of these kinds.
    pub(super) fn refuses<T>(&self, what: &str, answer: Answer<T>, kinds: &[ErrorKind]) -> Kept {
        let words = answer.as_ref().err().map(ToString::to_string).unwrap_or_default();
        let kind = self.refusal(what, answer)?;
        ensure(kinds.contains(&kind), || format!("{what}: {kind:?} instead of {kinds:?}: {words}"))
    }
}

/// The need of the hub's own key.
pub(super) fn key_need() -> Need {
    Need {
        path: "hub_external_id".into(),
        kind: "key".into(),
        label: "Passerelle id".into(),
        options: Vec::new(),
        refers: None,
    }
}

/// The last version of each record, as a reader of the feed has it in the end.
pub(super) fn newest(records: impl IntoIterator<Item = Record>) -> BTreeMap<RemoteId, Record> {
    records.into_iter().map(|record| (record.id.clone(), record)).collect()
}

/// A record's value at a path.
pub(super) fn at<'r>(record: &'r Record, path: &str) -> &'r Value {
    static NOTHING: Value = Value::Null;
    let mut parts = path.split('.');
    let first = parts.next().and_then(|part| record.fields.get(part)).unwrap_or(&NOTHING);
    parts.fold(first, |value, part| value.get(part).unwrap_or(&NOTHING))
}

/// Every one of these records is there, in its last version.
pub(super) fn all_there(
    what: &str,
    told: &BTreeMap<RemoteId, Record>,
    ids: &[RemoteId],
    edits: &BTreeMap<RemoteId, String>,
    edited: &str,
) -> Kept {
    let missing: Vec<&str> = ids.iter().filter(|id| !told.contains_key(*id)).map(RemoteId::as_str).collect();
    ensure(missing.is_empty(), || format!("{what}: {} of {} are missing: {missing:?}", missing.len(), ids.len()))?;
    for (id, value) in edits {
        let is = told.get(id).map_or(&Value::Null, |record| at(record, edited));
        ensure(*is == json!(value), || format!("{what}: {id} was told as {edited} {is} instead of {value:?}"))?;
    }
    Ok(())
}
