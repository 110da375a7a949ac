//! A hub between emulated HubSpot and Dolibarr, in process and in virtual time, whose calls are counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use passerelle::registry::{MAPPINGS, PLUGINS};
use passerelle_core::clock::Timestamp;
use passerelle_core::connector::{Plugin, Tools};
use passerelle_core::emulator::{EmulatedTime, Host, InProcess};
use passerelle_core::engine::{Engine, Flow, Scope, Unwatched};
use passerelle_core::http::Transport;
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::model::SystemName;
use passerelle_core::store::{Counts, Memory, Store};
use passerelle_core::system::{System, Systems};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// Systems, their vendors, and the option that holds the key.
const SYSTEMS: [(&str, &str, &str); 2] = [("crm", "hubspot", "token"), ("erp", "dolibarr", "api_key")];

/// Both systems and the hub between them.
pub struct Office {
    host: Arc<Host>,
    engine: Engine,
}

impl Office {
    /// Empty systems, and the shipped mappings.
    pub fn open() -> Result<Self> {
        let start: Timestamp = "2026-11-24T09:00:00Z".parse().map_err(|_| Error::new(ErrorKind::Bug, "no time"))?;
        let emulators = SYSTEMS.iter().filter_map(|(_, vendor, _)| Some(plugin(vendor).ok()?.emulator?()));
        let host = Arc::new(Host::new(emulators.collect(), EmulatedTime::standing_at(start)));
        let sources: Vec<Source> =
            MAPPINGS.iter().map(|(file, text)| Source { file: (*file).to_owned(), text: (*text).to_owned() }).collect();
        let kinds: Vec<(SystemName, String)> =
            SYSTEMS.iter().map(|(name, vendor, _)| ((*name).into(), (*vendor).to_owned())).collect();
        let told = |found: Vec<_>| Error::new(ErrorKind::Config, format!("{found:?}"));
        let (mappings, _) = Mappings::load(&sources, &kinds).map_err(told)?;
        let systems: Result<Systems> = SYSTEMS.iter().map(|system| connect(&host, &mappings, system)).collect();
        let flow = |name: &str, entity: &str| Flow {
            name: name.into(),
            entity: entity.into(),
            between: vec!["crm".into(), "erp".into()],
            ..Flow::default()
        };
        let flows = vec![flow("customers", "company"), flow("catalogue", "product"), flow("sales", "sale")];
        let clock = Arc::new(host.time().clone());
        let engine = Engine {
            systems: Arc::new(systems?),
            mappings: Arc::new(mappings),
            store: Store::new(Arc::new(Memory::default())),
            clock,
            flows,
            watch: Arc::new(Unwatched),
            proven: Arc::default(),
        };
        Ok(Self { host, engine })
    }

    /// Fills a system with a sample, and lets its indexes catch up.
    pub fn seed(&self, vendor: &str, sample: &Value) -> Result<()> {
        self.host.control(vendor, "seed", sample)?;
        self.host.time().advance(Duration::from_secs(600));
        Ok(())
    }

    /// What a person does.
    pub fn person(&self, vendor: &str, command: &str, arguments: &Value) -> Result<Value> {
        self.host.control(vendor, command, arguments)
    }

    /// Lets time pass.
    pub fn wait(&self, seconds: u64) {
        self.host.time().advance(Duration::from_secs(seconds));
    }

    /// Runs one flow, and tells what it did and each system's calls by route.
    pub async fn sync(&self, flow: &str) -> Result<(Counts, BTreeMap<&'static str, BTreeMap<String, u64>>)> {
        for (_, vendor, _) in SYSTEMS {
            self.host.control(vendor, "reset_calls", &json!({}))?;
        }
        let flows: Vec<Flow> = self.engine.flows.iter().filter(|known| known.name == flow.into()).cloned().collect();
        let report = self.engine.sync(&flows, Scope::Changed).await?.pop();
        let report = report.ok_or_else(|| Error::new(ErrorKind::Bug, "there is no such flow"))?;
        if let Some(error) = report.error {
            return Err(error);
        }
        let calls = SYSTEMS.iter().map(|(_, vendor, _)| Ok((*vendor, self.host.calls(vendor)?)));
        Ok((report.counts, calls.collect::<Result<_>>()?))
    }
}

fn plugin(name: &str) -> Result<&'static Plugin> {
    let known = PLUGINS.iter().find(|plugin| plugin.name == name);
    known.ok_or_else(|| Error::new(ErrorKind::Bug, format!("there is no connector {name}")))
}

fn connect(host: &Arc<Host>, mappings: &Mappings, system: &(&str, &str, &str)) -> Result<System> {
    let (name, vendor, key_option) = *system;
    let name = SystemName::from(name);
    let wire = InProcess::new(Arc::clone(host));
    let transport = Transport { base_url: Some(wire.base_url(vendor)?), ..Transport::default() };
    let mut wanted = BTreeMap::new();
    for column in mappings.entities().filter_map(|entity| entity.column(&name)) {
        wanted.insert(column.resource().clone(), column.wanted());
    }
    let clock = Arc::new(host.time().clone());
    let tools = Tools { wire: Arc::new(wire), clock, transport, folder: ".".into(), wanted: Arc::new(wanted) };
    let connector = (plugin(vendor)?.build)(json!({ key_option: host.key(vendor)? }), tools)?;
    Ok(System::new(name, connector))
}
