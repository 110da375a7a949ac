//! A hub between emulated systems, as a config.toml says it, in process and in virtual time, whose calls are counted.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use passerelle::registry::{PLUGINS, REGISTRY};
use passerelle_core::clock::{Clock, ManualClock, Timestamp};
use passerelle_core::config::Config;
use passerelle_core::emulator::{EmulatedTime, Host, InProcess};
use passerelle_core::engine::{Engine, Flow, Scope, Unwatched, Verified};
use passerelle_core::http::{Transport, Wire};
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::model::Record;
use passerelle_core::store::{Counts, Memory, Store};
use passerelle_core::system::{Parts, Systems};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// The systems and the hub between them.
pub struct Office {
    host: Arc<Host>,
    engine: Engine,
    vendors: Vec<&'static str>,
}

/// Calls by vendor and route.
pub type Calls = BTreeMap<&'static str, BTreeMap<String, u64>>;

impl Office {
    /// Emulated HubSpot and Dolibarr, empty.
    pub fn open() -> Result<Self> {
        Self::between(&["hubspot"], "dolibarr", "")
    }

    /// CRMs and an ERP, empty, with the shipped mappings as they are: the first CRM is the system `crm`, another one bears
    /// its vendor's name. `more` are lines of the first CRM's table.
    pub fn between(crms: &[&'static str], erp: &'static str, more: &str) -> Result<Self> {
        let start: Timestamp = "2026-11-24T09:00:00Z".parse().map_err(|_| Error::new(ErrorKind::Bug, "no time"))?;
        let vendors: Vec<&'static str> = crms.iter().copied().chain([erp]).collect();
        let emulators = vendors.iter().filter_map(|vendor| Some(REGISTRY.plugin(vendor)?.emulator?()));
        let time = EmulatedTime::of(Arc::new(ManualClock::at(start)));
        let host = Arc::new(Host::new(emulators.collect(), time));
        let config = Config::parse("config.toml", &config(&host, crms, erp, more)?, Path::new("."), PLUGINS);
        let config = config.map_err(found)?;
        let sources = REGISTRY.mappings.iter();
        let sources: Vec<Source> =
            sources.map(|(file, text)| Source { file: (*file).to_owned(), text: (*text).to_owned() }).collect();
        let (mappings, _) = Mappings::load(&sources, &config.columns()).map_err(found)?;
        let clock: Arc<dyn Clock> = Arc::new(host.time().clone());
        let open = |_: &Transport| -> Result<Arc<dyn Wire>> { Ok(Arc::new(InProcess::new(Arc::clone(&host)))) };
        let key = |vendor: &str| host.key(vendor).ok().map(str::to_owned);
        let parts = Parts {
            config: &config,
            registry: &REGISTRY,
            mappings: Some(&mappings),
            clock: Arc::clone(&clock),
            env: &key,
            open: &open,
        };
        let systems = Systems::build(&parts, config.systems.keys()).map_err(found)?;
        let flow = |(name, flow): (_, &passerelle_core::config::Flow)| Flow {
            name,
            entity: flow.entity.clone(),
            between: flow.between.clone(),
            ..Flow::default()
        };
        let flows: Vec<Flow> = config.flows.iter().map(|(name, known)| flow((name.clone(), known))).collect();
        let engine = Engine {
            systems: Arc::new(systems),
            mappings: Arc::new(mappings),
            store: Store::new(Arc::new(Memory::default())),
            clock,
            flows,
            watch: Arc::new(Unwatched),
            proven: Arc::default(),
        };
        Ok(Self { host, engine, vendors })
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

    /// The present instant over there.
    pub fn now(&self) -> Timestamp {
        self.host.time().now()
    }

    /// Runs one flow, and tells what it did and each system's calls by route.
    pub async fn sync(&self, flow: &str) -> Result<(Counts, Calls)> {
        for vendor in &self.vendors {
            self.host.control(vendor, "reset_calls", &json!({}))?;
        }
        let report = self.engine.sync(&[self.flow(flow)?], Scope::Changed).await?.pop();
        let report = report.ok_or_else(|| Error::new(ErrorKind::Bug, "there is no such flow"))?;
        if let Some(error) = report.error {
            return Err(error);
        }
        let calls = self.vendors.iter().map(|vendor| Ok((*vendor, self.host.calls(vendor)?)));
        Ok((report.counts, calls.collect::<Result<_>>()?))
    }

    /// Compares both sides of everything that a flow keeps in agreement.
    pub async fn verify(&self, flow: &str) -> Result<Verified> {
        self.engine.verify(&self.flow(flow)?).await
    }

    /// A record as a system tells it now.
    pub async fn record(&self, system: &str, resource: &str, id: &str) -> Result<Option<Record>> {
        let found = self.engine.systems.get(&system.into())?.read(&resource.into(), &[id.into()]).await?;
        Ok(found.into_iter().next())
    }

    /// Why records wait for a person.
    pub fn parked(&self) -> Result<Vec<String>> {
        let parked = self.engine.store.parked(usize::MAX)?;
        Ok(parked.into_iter().map(|parked| parked.reason).collect())
    }

    fn flow(&self, name: &str) -> Result<Flow> {
        let known = self.engine.flows.iter().find(|known| known.name == name.into());
        known.cloned().ok_or_else(|| Error::new(ErrorKind::Bug, format!("there is no flow {name}")))
    }
}

/// The config.toml of such a hub; nothing else tells one pair of systems from another.
fn config(host: &Arc<Host>, crms: &[&'static str], erp: &'static str, more: &str) -> Result<String> {
    let mut text = String::new();
    let mut names = Vec::new();
    for (at, vendor) in crms.iter().chain([&erp]).enumerate() {
        let (name, more) = match at {
            0 => ("crm", more),
            _ if *vendor == erp => ("erp", ""),
            _ => (*vendor, ""),
        };
        let address = InProcess::new(Arc::clone(host)).base_url(vendor)?;
        text +=
            &format!("[systems.{name}]\nconnector = \"{vendor}\"\nbase_url = \"{address}\"\n{}{more}\n", keys(vendor));
        names.push(format!("\"{name}\""));
    }
    for (flow, entity) in [("customers", "company"), ("catalogue", "product"), ("sales", "sale")] {
        text += &format!("[flows.{flow}]\nentity = \"{entity}\"\nbetween = [{}]\n", names.join(", "));
    }
    Ok(text)
}

/// The options that let the hub in; a variable bears the vendor's name.
fn keys(vendor: &str) -> &'static str {
    match vendor {
        "hubspot" => "token = \"${hubspot}\"\n",
        "salesforce" => "client_id = \"salesforce-demo-client\"\nclient_secret = \"${salesforce}\"\n",
        "erpnext" => "token = \"${erpnext}\"\n",
        _ => "api_key = \"${dolibarr}\"\n",
    }
}

fn found(findings: Vec<passerelle_core::diagnostic::Diagnostic>) -> Error {
    Error::new(ErrorKind::Config, format!("{findings:?}"))
}
