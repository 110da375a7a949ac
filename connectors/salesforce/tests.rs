//! The connector against its emulator, in one process and in virtual time.

mod access;
mod currencies;
mod feed;
mod ingest;
mod locks;
mod outbound;
mod records;
mod setup;
mod writes;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use passerelle_core::clock::ManualClock;
use passerelle_core::connector::{Connector, Tools};
use passerelle_core::emulator::{EmulatedTime, Host, InProcess};
use passerelle_core::http::Transport;
use passerelle_core::model::{Cursor, ExternalKey, Fields, Record, RemoteId, Write};
use serde_json::{Value, json};

use super::PLUGIN;

/// An org, the connector to it, and the clock of both.
struct Bench {
    host: Arc<Host>,
    salesforce: Arc<dyn Connector>,
    clock: Arc<ManualClock>,
    folder: PathBuf,
}

/// What mappings would want.
const WANTED: [(&str, &[&str]); 4] = [
    ("Account", &["Name", "BillingCity", "Phone"]),
    ("Contact", &["LastName", "Email", "AccountId"]),
    ("Product2", &["Name", "ProductCode", "PricebookEntry.UnitPrice"]),
    (
        "Opportunity",
        &["Name", "AccountId", "StageName", "Amount", "CurrencyIsoCode", "ERP_Paid__c", "lines[].Quantity"],
    ),
];

impl Bench {
    /// An org without records, with the fields of the hub.
    fn new() -> Self {
        let bench = Self::with(json!({"client_secret": "salesforce-demo-secret"}));
        bench.deploy();
        bench
    }

    /// An org as it is bought, and options of the connector besides the client's id.
    fn with(options: Value) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap()));
        let emulator = PLUGIN.emulator.unwrap()();
        let host = Arc::new(Host::new(vec![emulator], EmulatedTime::of(clock.clone())));
        let folder = PathBuf::from("no such folder");
        let salesforce = connect(&host, &clock, options, folder.clone());
        Self { host, salesforce, clock, folder }
    }

    fn deploy(&self) {
        let mut fields: Vec<String> = ["Account", "Contact", "Product2", "Opportunity"]
            .map(|name| format!("{name}.Hub_External_Id__c string 255 externalid unique"))
            .into();
        fields.push("Opportunity.ERP_Paid__c currency 18,2".to_owned());
        self.control("deploy", json!({"fields": fields}));
    }

    fn control(&self, command: &str, arguments: Value) -> Value {
        self.host.control("salesforce", command, &arguments).unwrap()
    }

    /// Creates a row as a person would and gives its id.
    fn create(&self, object: &str, fields: Value) -> String {
        let told = self.control("create", json!({"type": object, "fields": fields}));
        told["id"].as_str().unwrap().to_owned()
    }

    fn edit(&self, object: &str, id: &str, fields: Value) {
        self.control("edit", json!({"type": object, "id": id, "fields": fields}));
    }

    fn show(&self, object: &str, id: &str) -> Value {
        self.control("show", json!({"type": object, "id": id}))
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
    }

    /// Reads a feed until nothing more waits.
    async fn pull(&self, resource: &str, since: Option<Cursor>) -> (Vec<Record>, Cursor) {
        let (mut records, mut since) = (Vec::new(), since);
        loop {
            let page = self.salesforce.changes(&resource.into(), since.as_ref()).await.unwrap();
            records.extend(page.records);
            if !page.more {
                return (records, page.next);
            }
            since = Some(page.next);
        }
    }

    async fn read(&self, resource: &str, id: &str) -> Record {
        let found = self.salesforce.read(&resource.into(), &[RemoteId::new(id)]).await.unwrap();
        found.into_iter().next().unwrap()
    }

    /// How many requests of a route were made.
    fn calls(&self, route: &str) -> u64 {
        self.host.calls("salesforce").unwrap().iter().filter(|(name, _)| name.contains(route)).map(|(_, n)| n).sum()
    }
}

fn connect(host: &Arc<Host>, clock: &Arc<ManualClock>, mut options: Value, folder: PathBuf) -> Arc<dyn Connector> {
    let wire = InProcess::new(host.clone());
    let transport = Transport {
        base_url: Some(wire.base_url("salesforce").unwrap()),
        requests_per_second: Some(1000.0),
        burst: Some(1000),
        ..Transport::default()
    };
    let wanted: BTreeMap<_, BTreeSet<String>> = WANTED
        .iter()
        .map(|(name, paths)| ((*name).into(), paths.iter().map(|path| (*path).to_owned()).collect()))
        .collect();
    let tools = Tools { wire: Arc::new(wire), clock: clock.clone(), transport, folder, wanted: Arc::new(wanted) };
    options["client_id"] = json!("salesforce-demo-client");
    (PLUGIN.build)(options, tools).unwrap()
}

fn create(key: &str, fields: Value) -> Write {
    let fields: Fields = fields.as_object().unwrap().clone();
    Write::Create { key: ExternalKey::new(key), fields, then: Vec::new() }
}

fn update(id: &str, fields: Value) -> Write {
    let fields: Fields = fields.as_object().unwrap().clone();
    Write::Update { id: RemoteId::new(id), fields, expect: None, then: Vec::new() }
}
