//! The connector against its stand-in, in process and in virtual time.

mod feed;
mod reading;
mod recordings;
mod shapes;
mod writing;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use passerelle_core::Result;
use passerelle_core::clock::Timestamp;
use passerelle_core::connector::{Connector, Page, Plugin, Prepare, Tools};
use passerelle_core::emulator::{EmulatedTime, Host, InProcess};
use passerelle_core::http::{Request, Response, Transport, Wire};
use passerelle_core::model::{Action, Cursor, Fields, Need, Outcome, Record, RemoteId, Write};
use serde_json::{Value, json};

use super::PLUGIN;

/// A wire on whose other end people act between two calls.
#[derive(Debug)]
struct Meanwhile {
    inner: InProcess,
    host: Arc<Host>,
    list: &'static str,
    deed: Mutex<Option<(&'static str, Value)>>,
}

#[async_trait]
impl Wire for Meanwhile {
    async fn call(&self, request: Request) -> Result<Response> {
        if request.path.ends_with(self.list)
            && let Some((command, arguments)) = self.deed.lock().unwrap().take()
        {
            self.host.control("dolibarr", command, &arguments)?;
        }
        self.inner.call(request).await
    }
}

/// A Dolibarr and a connector to it.
pub(super) struct World {
    pub host: Arc<Host>,
    pub dolibarr: Arc<dyn Connector>,
}

impl World {
    /// An installation with the hub's extrafields, one customer and two products.
    pub async fn new() -> Self {
        let world = Self::bare(json!({}));
        for resource in ["thirdparties", "contacts", "products", "orders"] {
            world.dolibarr.prepare(&resource.into(), &[], Prepare::Create).await.unwrap();
        }
        world.control(
            "seed",
            json!({
                "thirdparties": [{"name": "Alpha Pommes SARL", "client": "1", "code_client": "auto", "country_code": "FR"}],
                "products": [
                    {"ref": "APL-001", "label": "Golden apples, 20kg", "type": "0", "price": "120.50", "tva_tx": "20"},
                    {"ref": "SVC-001", "label": "Orchard advice", "type": "1", "price": "80", "tva_tx": "10"},
                ],
            }),
        );
        world
    }

    /// An empty installation, with further options of the connector.
    pub fn bare(options: Value) -> Self {
        let start: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        Self::at(start, options, PLUGIN)
    }

    fn at(start: Timestamp, mut options: Value, plugin: Plugin) -> Self {
        let time = EmulatedTime::standing_at(start);
        let host = Arc::new(Host::new(vec![plugin.emulator.unwrap()()], time.clone()));
        let wire = InProcess::new(host.clone());
        let transport = Transport { base_url: Some(wire.base_url("dolibarr").unwrap()), ..Transport::default() };
        options["api_key"] = json!(host.key("dolibarr").unwrap());
        let tools = Tools {
            wire: Arc::new(wire),
            clock: Arc::new(time),
            transport,
            folder: ".".into(),
            wanted: Arc::default(),
        };
        let dolibarr = (plugin.build)(options, tools).unwrap();
        Self { host, dolibarr }
    }

    /// Another connector to the same Dolibarr.
    pub fn with(self, options: Value) -> Self {
        let wire = Arc::new(InProcess::new(self.host.clone()));
        self.over(wire, options)
    }

    /// A connector to the same Dolibarr, where people do something right before the first call of a list.
    pub fn meanwhile(self, list: &'static str, command: &'static str, arguments: Value) -> Self {
        let inner = InProcess::new(self.host.clone());
        let deed = Mutex::new(Some((command, arguments)));
        let wire = Meanwhile { inner, host: self.host.clone(), list, deed };
        self.over(Arc::new(wire), json!({}))
    }

    fn over(mut self, wire: Arc<dyn Wire>, mut options: Value) -> Self {
        let base_url = InProcess::new(self.host.clone()).base_url("dolibarr").unwrap();
        let transport = Transport { base_url: Some(base_url), ..Transport::default() };
        options["api_key"] = json!(self.host.key("dolibarr").unwrap());
        let clock = Arc::new(self.host.time().clone());
        let tools = Tools { wire, clock, transport, folder: ".".into(), wanted: Arc::default() };
        self.dolibarr = (PLUGIN.build)(options, tools).unwrap();
        self
    }

    pub fn control(&self, command: &str, arguments: Value) -> Value {
        self.host.control("dolibarr", command, &arguments).unwrap()
    }

    pub fn advance(&self, seconds: u64) {
        self.host.time().advance(Duration::from_secs(seconds));
    }

    /// What is done, and how many calls it took.
    pub fn calls(&self) -> u64 {
        self.host.calls("dolibarr").unwrap().values().sum()
    }

    pub async fn write(&self, resource: &str, write: Write) -> Outcome {
        self.dolibarr.write(&resource.into(), &[write]).await?.pop().unwrap()
    }

    pub async fn create(&self, resource: &str, key: &str, fields: Value) -> Result<Record> {
        self.create_then(resource, key, fields, &[]).await
    }

    pub async fn create_then(&self, resource: &str, key: &str, fields: Value, then: &[&str]) -> Result<Record> {
        let then = then.iter().map(|action| Action((*action).to_owned())).collect();
        let write = Write::Create { key: key.into(), fields: object(fields), then };
        Ok(self.write(resource, write).await?.record.unwrap())
    }

    pub async fn update(&self, resource: &str, id: &RemoteId, fields: Value) -> Result<Record> {
        let write = Write::Update { id: id.clone(), fields: object(fields), expect: None, then: Vec::new() };
        Ok(self.write(resource, write).await?.record.unwrap())
    }

    pub async fn page(&self, resource: &str, since: Option<&Cursor>) -> Page {
        self.dolibarr.changes(&resource.into(), since).await.unwrap()
    }

    /// Everything that waits, and the cursor after it.
    pub async fn drain(&self, resource: &str, since: Option<&Cursor>) -> (Vec<Record>, Cursor) {
        let mut page = self.page(resource, since).await;
        let mut records = std::mem::take(&mut page.records);
        while page.more {
            page = self.page(resource, Some(&page.next)).await;
            records.append(&mut page.records);
        }
        assert!(page.next.as_str().len() <= 16 << 10, "a cursor takes at most 16 KiB");
        (records, page.next)
    }

    pub async fn order(&self, id: &str) -> Record {
        self.dolibarr.read(&"orders".into(), &[id.into()]).await.unwrap().pop().unwrap()
    }
}

pub(super) fn object(value: Value) -> Fields {
    value.as_object().cloned().unwrap()
}

pub(super) fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

/// The sale of the recorded order: 1374.72 net, 250.60 VAT.
pub(super) fn sale() -> Value {
    json!({
        "socid": "1", "date": "2026-11-20", "ref_client": "PO-90", "multicurrency_code": "EUR",
        "lines": [
            {"fk_product": "1", "desc": "Golden apples", "qty": "10", "subprice": "120.50", "tva_tx": "20", "remise_percent": "5", "product_type": "0"},
            {"fk_product": "2", "desc": "Advice", "qty": "2.5", "subprice": "80.00", "tva_tx": "10", "remise_percent": "0", "product_type": "1"},
            {"fk_product": null, "desc": "Noir & blanc", "qty": "3", "subprice": "9.99", "tva_tx": "5.5", "product_type": "0"},
        ],
    })
}

pub(super) fn need(path: &str, kind: &str) -> Need {
    Need {
        path: path.to_owned(),
        kind: kind.to_owned(),
        label: "A label".to_owned(),
        options: Vec::new(),
        refers: None,
    }
}
