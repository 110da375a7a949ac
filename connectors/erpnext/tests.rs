//! The connector against its stand-in, in process and in virtual time; and both against recorded exchanges.

/// A recorded exchange: `{"request": {..}, "response": {"status", "headers", "body"}}`.
macro_rules! recorded {
    ($name:literal) => {
        serde_json::from_str::<serde_json::Value>(include_str!(concat!("../recorded/", $name, ".json"))).unwrap()
    };
}

mod errors;
mod feed;
mod hooks;
mod parsing;
mod reading;
mod recordings;
mod stand_in;
mod story;
mod writing;

use std::sync::Arc;
use std::time::Duration;

use passerelle_core::Result;
use passerelle_core::clock::Timestamp;
use passerelle_core::connector::{Connector, Page, Prepare, Tools};
use passerelle_core::emulator::{EmulatedTime, Host, InProcess};
use passerelle_core::http::Transport;
use passerelle_core::model::{Action, Cursor, Fields, Outcome, Record, RemoteId, Write};
use serde_json::{Value, json};

use super::PLUGIN;

/// A stand-in and the connector to it.
struct World {
    host: Arc<Host>,
    erpnext: Arc<dyn Connector>,
}

impl World {
    /// A site with the hub's fields, one customer, three items, and VAT of 20 and 5.5 %.
    async fn new() -> Self {
        Self::with(json!({})).await
    }

    async fn with(options: Value) -> Self {
        let start: Timestamp = "2026-11-23T09:30:00Z".parse().unwrap();
        let host = Arc::new(Host::new(vec![PLUGIN.emulator.unwrap()()], EmulatedTime::standing_at(start)));
        host.control("erpnext", "seed", &json!({ "docs": site() })).unwrap();
        let world = Self { erpnext: connect(&host, options), host };
        for resource in ["customers", "contacts", "items", "quotations", "orders"] {
            world.erpnext.prepare(&resource.into(), &[], Prepare::Create).await.unwrap();
        }
        world
    }

    fn control(&self, command: &str, arguments: Value) -> Value {
        self.host.control("erpnext", command, &arguments).unwrap()
    }

    fn advance(&self, seconds: u64) {
        self.host.time().advance(Duration::from_secs(seconds));
    }

    fn calls(&self) -> u64 {
        self.host.calls("erpnext").unwrap().values().sum()
    }

    async fn write(&self, resource: &str, write: Write) -> Outcome {
        self.erpnext.write(&resource.into(), &[write]).await?.pop().unwrap()
    }

    async fn create(&self, resource: &str, key: &str, fields: Value) -> Result<Record> {
        let write = Write::Create { key: key.into(), fields: object(fields), then: Vec::new() };
        Ok(self.write(resource, write).await?.record.unwrap())
    }

    async fn update(&self, resource: &str, id: &RemoteId, fields: Value) -> Result<Record> {
        let write = Write::Update { id: id.clone(), fields: object(fields), expect: None, then: Vec::new() };
        Ok(self.write(resource, write).await?.record.unwrap())
    }

    async fn submit(&self, id: &RemoteId) -> Result<Record> {
        let then = vec![Action("submit".to_owned())];
        let write = Write::Update { id: id.clone(), fields: Fields::new(), expect: None, then };
        Ok(self.write("orders", write).await?.record.unwrap())
    }

    /// A submitted order of the sale.
    async fn order(&self, key: &str) -> RemoteId {
        let made = self.create("orders", key, sale(key)).await.unwrap();
        self.submit(&made.id).await.unwrap().id
    }

    async fn read(&self, resource: &str, id: &str) -> Option<Record> {
        self.erpnext.read(&resource.into(), &[id.into()]).await.unwrap().pop()
    }

    async fn page(&self, resource: &str, since: Option<&Cursor>) -> Page {
        self.erpnext.changes(&resource.into(), since).await.unwrap()
    }

    /// Everything that waits, and the cursor after it.
    async fn drain(&self, resource: &str, since: Option<&Cursor>) -> (Vec<Record>, Cursor) {
        let mut page = self.page(resource, since).await;
        let mut records = std::mem::take(&mut page.records);
        while page.more {
            page = self.page(resource, Some(&page.next)).await;
            records.append(&mut page.records);
        }
        (records, page.next)
    }
}

fn connect(host: &Arc<Host>, mut options: Value) -> Arc<dyn Connector> {
    options["token"] = json!(host.key("erpnext").unwrap());
    (PLUGIN.build)(options, tools(host)).unwrap()
}

fn tools(host: &Arc<Host>) -> Tools {
    let wire = InProcess::new(host.clone());
    let transport = Transport { base_url: Some(wire.base_url("erpnext").unwrap()), ..Transport::default() };
    let clock = Arc::new(host.time().clone());
    Tools { wire: Arc::new(wire), clock, transport, folder: ".".into(), wanted: Arc::default() }
}

/// The site of the recordings: company, VAT, a customer, items.
fn site() -> Value {
    let vat = |rate: &str| {
        let account = format!("TVA collectee {rate}% - ADS");
        let rate: f64 = rate.parse().unwrap();
        (
            json!([{ "charge_type": "On Net Total", "account_head": account, "description": format!("TVA {rate}%"), "rate": rate }]),
            json!([{ "tax_type": account, "tax_rate": rate }]),
        )
    };
    let company = "Atelier Demo SAS";
    let mut docs = vec![
        json!({ "doctype": "Currency", "currency_name": "EUR" }),
        json!({ "doctype": "Currency", "currency_name": "USD" }),
        json!({ "doctype": "Country", "country_name": "France" }),
        json!({ "doctype": "Company", "company_name": company, "abbr": "ADS", "default_currency": "EUR", "country": "France" }),
        json!({ "doctype": "UOM", "uom_name": "Unit" }),
        json!({ "doctype": "UOM", "uom_name": "Nos", "must_be_whole_number": 1 }),
        json!({ "doctype": "Item Group", "item_group_name": "Services" }),
        json!({ "doctype": "Customer Group", "customer_group_name": "Commercial" }),
        json!({ "doctype": "Territory", "territory_name": "All Territories" }),
        json!({ "doctype": "Price List", "price_list_name": "Standard Selling", "currency": "EUR" }),
    ];
    for rate in ["20", "5.5"] {
        let (rows, own) = vat(rate);
        let title = format!("TVA {rate}%");
        docs.push(
            json!({ "doctype": "Sales Taxes and Charges Template", "title": title, "company": company, "taxes": rows }),
        );
        docs.push(json!({ "doctype": "Item Tax Template", "title": title, "company": company, "taxes": own }));
    }
    docs.push(json!({ "doctype": "Customer", "customer_name": "Boulangerie Éclair SARL" }));
    for (code, name, unit) in [
        ("HUB-SVC-01", "Conseil (jour)", "Unit"),
        ("HUB-SVC-02", "Maintenance annuelle", "Unit"),
        ("HUB-STK-01", "Boîtier", "Nos"),
    ] {
        docs.push(json!({ "doctype": "Item", "item_code": code, "item_name": name, "item_group": "Services", "stock_uom": unit }));
    }
    json!(docs)
}

fn object(value: Value) -> Fields {
    value.as_object().cloned().unwrap()
}

fn ids(records: &[Record]) -> Vec<&str> {
    records.iter().map(|record| record.id.as_str()).collect()
}

/// A sale of one rate: 1144.75 + 800.00 net.
fn sale(reference: &str) -> Value {
    json!({
        "customer": "Boulangerie Éclair SARL", "transaction_date": "2026-11-20", "po_no": reference, "currency": "EUR",
        "items": [
            line("HUB-STK-01", "10", "120.50", "5", "20"),
            line("HUB-SVC-01", "2.5", "320.00", "0", "20"),
        ],
    })
}

fn line(item: &str, qty: &str, price: &str, discount: &str, vat: &str) -> Value {
    json!({ "item_code": item, "description": "As agreed", "qty": qty, "unit_price": price, "discount_percentage": discount, "vat_rate": vat })
}
