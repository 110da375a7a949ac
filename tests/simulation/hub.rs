//! The hub as it is started anew: real connectors, the shipped mappings, the real engine over what is on disk.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use passerelle::registry::{MAPPINGS, PLUGINS};
use passerelle_core::connector::{Plugin, Tools};
use passerelle_core::emulator::{EmulatedTime, Emulator, Host, InProcess};
use passerelle_core::engine::{Engine, Flow, Unwatched};
use passerelle_core::http::Transport;
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::model::SystemName;
use passerelle_core::store::{Memory, Store};
use passerelle_core::system::{System, Systems};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::chance::Chance;
use super::clock::WrongClock;
use super::disk::Disk;
use super::fate::Fate;
use super::office::Office;
use super::post::SECRET;
use super::wire::{FaultyWire, Stragglers};
use super::world::Rules;

/// Systems, and their vendors.
const SYSTEMS: [(&str, &str); 2] = [("crm", "hubspot"), ("erp", "dolibarr")];

/// What outlives the hub.
#[derive(Debug)]
pub struct Ground {
    /// The vendors.
    pub host: Arc<Host>,
    /// The hub's clock.
    pub clock: Arc<WrongClock>,
    /// What was synced.
    pub disk: Arc<Memory>,
    /// What goes wrong.
    pub fate: Fate,
    /// Who works there.
    pub office: Arc<Office>,
    /// Requests that are on their way still.
    pub stragglers: Stragglers,
    /// Whether the CRM is entered with tokens that expire.
    pub has_tokens: bool,
    /// What differs from the usual config and mappings.
    pub rules: Rules,
}

impl Ground {
    /// Two empty systems at the start of a day.
    ///
    /// # Errors
    /// None but a broken build.
    pub fn new(fate: Fate, people: Chance, has_tokens: bool, rules: Rules) -> Result<Self> {
        let start = "2026-11-24T06:00:00Z".parse().map_err(|_| Error::new(ErrorKind::Bug, "no time"))?;
        let time = EmulatedTime::standing_at(start);
        let emulators = SYSTEMS.iter().map(|(_, vendor)| stand_in(vendor)).collect::<Result<_>>()?;
        let host = Arc::new(Host::new(emulators, time.clone()));
        let office = Arc::new(Office::new(Arc::clone(&host), people));
        let (clock, disk, stragglers) = (Arc::new(WrongClock::of(time)), Arc::default(), Stragglers::default());
        Ok(Self { host, clock, disk, fate, office, stragglers, has_tokens, rules })
    }

    /// A hub over what is on disk.
    ///
    /// # Errors
    /// None but a broken build.
    pub fn start(&self) -> Result<Engine> {
        let mappings = mappings(self.rules.reviews)?;
        let systems: Result<Systems> = SYSTEMS.iter().map(|system| self.connect(&mappings, system)).collect();
        let flow = |name: &str, entity: &str| Flow {
            name: name.into(),
            entity: entity.into(),
            between: vec!["crm".into(), "erp".into()],
            on_delete: self.rules.on_delete,
            max_deletes_percent: 100,
            ..Flow::default()
        };
        Ok(Engine {
            systems: Arc::new(systems?),
            mappings,
            store: Store::new(Arc::new(Disk::new(self.disk.clone(), self.fate.clone()))),
            clock: self.clock.clone(),
            flows: vec![flow("customers", "company"), flow("catalogue", "product"), flow("sales", "sale")],
            watch: Arc::new(Unwatched),
            proven: Arc::default(),
        })
    }

    /// What the hub gave up and is under way still arrives.
    pub async fn arrive(&self) {
        FaultyWire::new(InProcess::new(Arc::clone(&self.host)), self).arrive(true).await;
    }

    fn connect(&self, mappings: &Mappings, (name, vendor): &(&str, &str)) -> Result<System> {
        let name = SystemName::from(*name);
        let wire = InProcess::new(Arc::clone(&self.host));
        let transport = Transport { base_url: Some(wire.base_url(vendor)?), ..Transport::default() };
        let mut wanted = BTreeMap::new();
        for column in mappings.entities().filter_map(|entity| entity.column(&name)) {
            wanted.insert(column.resource().clone(), column.wanted());
        }
        let wire = FaultyWire::new(wire, self);
        let clock = self.clock.clone();
        let tools = Tools { wire: Arc::new(wire), clock, transport, folder: ".".into(), wanted: Arc::new(wanted) };
        Ok(System::new(name, (plugin(vendor)?.build)(self.options(vendor)?, tools)?))
    }

    fn options(&self, vendor: &str) -> Result<Value> {
        let key = self.host.key(vendor)?;
        Ok(match (vendor, self.has_tokens) {
            ("dolibarr", _) => json!({ "api_key": key, "webhook_secret": SECRET }),
            (_, false) => json!({ "token": key, "webhook_secret": SECRET }),
            (_, true) => json!({
                "client_id": "client-emulator", "client_secret": "secret-emulator",
                "refresh_token": "refresh-emulator", "webhook_secret": SECRET,
            }),
        })
    }
}

/// The shipped mappings, or the same with phone numbers that a person decides about; loading tries their laws, which once
/// per process is enough.
fn mappings(reviews: bool) -> Result<Arc<Mappings>> {
    static LOADED: [OnceLock<Result<Arc<Mappings>, String>>; 2] = [OnceLock::new(), OnceLock::new()];
    let loaded = LOADED[usize::from(reviews)].get_or_init(|| {
        let source = |(file, text): &(&str, &str)| Source { file: (*file).to_owned(), text: ruled(text, reviews) };
        let sources: Vec<Source> = MAPPINGS.iter().map(source).collect();
        let kinds = SYSTEMS.map(|(name, vendor)| (name.into(), vendor.to_owned()));
        Mappings::load(&sources, &kinds).map(|(mappings, _)| Arc::new(mappings)).map_err(|found| format!("{found:?}"))
    });
    loaded.clone().map_err(|found| Error::new(ErrorKind::Config, found))
}

fn ruled(mapping: &str, reviews: bool) -> String {
    let phone = "[fields.phone]\n";
    if reviews { mapping.replace(phone, &format!("{phone}owner = \"review\"\n")) } else { mapping.to_owned() }
}

fn plugin(name: &str) -> Result<&'static Plugin> {
    let known = PLUGINS.iter().find(|plugin| plugin.name == name);
    known.ok_or_else(|| Error::new(ErrorKind::Bug, format!("there is no connector {name}")))
}

fn stand_in(vendor: &str) -> Result<Box<dyn Emulator>> {
    let make = plugin(vendor)?.emulator;
    Ok(make.ok_or_else(|| Error::new(ErrorKind::Bug, format!("there is no stand-in of {vendor}")))?())
}
