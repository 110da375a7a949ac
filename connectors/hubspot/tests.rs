//! The connector against its emulator, in one process and in virtual time.

mod feed;
mod records;
mod setup;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use passerelle_core::clock::{Clock, ManualClock};
use passerelle_core::connector::{Connector, Tools};
use passerelle_core::emulator::{EmulatedTime, Host, InProcess};
use passerelle_core::http::Transport;
use passerelle_core::model::{Cursor, ExternalKey, Fields, Record, RemoteId, Write};
use serde_json::{Value, json};

use super::PLUGIN;

/// An account, the connector to it, and the clock of both.
struct Bench {
    host: Arc<Host>,
    hubspot: Arc<dyn Connector>,
    clock: Arc<ManualClock>,
}

impl Bench {
    /// An empty account without limits, whose search is strict about requests and lags 5 seconds.
    fn new() -> Self {
        Self::with(json!({"token": "pat-eu1-emulator"}), &[("companies", &["name", "city"])])
    }

    /// The same, with options of the connector and the native paths that mappings want.
    fn with(options: Value, wanted: &[(&str, &[&str])]) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap()));
        let emulator = PLUGIN.emulator.unwrap()();
        let host = Arc::new(Host::new(vec![emulator], EmulatedTime::of(clock.clone())));
        let wire = InProcess::new(host.clone());
        let transport = Transport {
            base_url: Some(wire.base_url("hubspot").unwrap()),
            requests_per_second: Some(1000.0),
            burst: Some(1000),
            ..Transport::default()
        };
        let wanted: BTreeMap<_, BTreeSet<String>> = wanted
            .iter()
            .map(|(name, paths)| ((*name).into(), paths.iter().map(|path| path.to_string()).collect()))
            .collect();
        let tools = Tools {
            wire: Arc::new(wire),
            clock: clock.clone(),
            transport,
            folder: PathBuf::new(),
            wanted: Arc::new(wanted),
        };
        let hubspot = (PLUGIN.build)(options, tools).unwrap();
        let bench = Self { host, hubspot, clock };
        let free = json!({"strict": true, "ten_seconds": null, "daily": null, "searches_per_second": null});
        bench.control("settings", free);
        bench
    }

    fn control(&self, command: &str, arguments: Value) -> Value {
        self.host.control("hubspot", command, &arguments).unwrap()
    }

    /// Creates an object as a person would and gives its id.
    fn create(&self, kind: &str, properties: Value) -> String {
        let told = self.control("create", json!({"type": kind, "properties": properties}));
        told["id"].as_str().unwrap().to_owned()
    }

    fn edit(&self, kind: &str, id: &str, properties: Value) {
        self.control("edit", json!({"type": kind, "id": id, "properties": properties}));
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    /// Reads a feed until nothing more waits.
    async fn pull(&self, resource: &str, since: Option<Cursor>) -> (Vec<Record>, Cursor) {
        let (mut records, mut since) = (Vec::new(), since);
        loop {
            let page = self.hubspot.changes(&resource.into(), since.as_ref()).await.unwrap();
            records.extend(page.records);
            if !page.more {
                return (records, page.next);
            }
            since = Some(page.next);
        }
    }

    async fn read(&self, resource: &str, ids: &[&str]) -> Vec<Record> {
        let ids: Vec<RemoteId> = ids.iter().map(|id| RemoteId::new(*id)).collect();
        self.hubspot.read(&resource.into(), &ids).await.unwrap()
    }

    /// How many requests were made since `before`.
    fn calls(&self) -> u64 {
        self.host.calls("hubspot").unwrap().values().sum()
    }

    /// Makes the account have the key property, and what else `needs` name.
    async fn prepare(&self, resource: &str) {
        use passerelle_core::connector::Prepare;
        self.hubspot.prepare(&resource.into(), &[], Prepare::Create).await.unwrap();
    }

    fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}

fn fields(value: Value) -> Fields {
    value.as_object().unwrap().clone()
}

fn create(key: &str, value: Value) -> Write {
    Write::Create { key: ExternalKey::new(key), fields: fields(value), then: Vec::new() }
}

fn update(id: &str, value: Value) -> Write {
    Write::Update { id: id.into(), fields: fields(value), expect: None, then: Vec::new() }
}

fn ids(records: &[Record]) -> BTreeSet<String> {
    records.iter().map(|record| record.id.to_string()).collect()
}
