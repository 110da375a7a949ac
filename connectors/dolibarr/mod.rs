//! Dolibarr 22, over its REST API: third parties, contacts, products, and orders with their invoices and payments.

mod client;
mod dialect;
mod emulator;
mod feed;
mod fields;
mod find;
mod lines;
mod orders;
mod proposals;
mod record_feed;
mod sales;
mod sales_feed;
mod setup;
mod sums;
mod table;
mod target;
#[cfg(test)]
mod tests;
mod webhook;
mod wire;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use passerelle_core::connector::{
    Connector, Delivery, Hint, Identity, Lookup, May, Page, Plug, Plugin, Preparation, Prepare, Removal, Resource,
    Schema, Tools,
};
use passerelle_core::http::{Api, Auth, Limits, Request, Secret};
use passerelle_core::model::{Cursor, Need, Outcome, Record, RemoteId, ResourceName, Write};
use passerelle_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use client::{Ask, Client, among};
use table::{ORDERS, Table};
use writes::Writer;

/// Dolibarr in the registry.
pub(crate) const PLUGIN: Plugin = Plugin::of::<Config>().with_emulator(|| Box::new(emulator::Emulator::new()));

/// Reads and writes a Dolibarr 22. `base_url` is the address of its API, such as
/// `https://erp.example.com/api/index.php`; the module "API / Web services REST" must be enabled.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// API key of the Dolibarr user that the hub works as: write `${DOLIBARR_KEY}`. Found in the user's card under
    /// "API key" (a user with the right to see all third parties; see the connector's README for the other rights).
    api_key: Secret,
    /// Whether `passerelle check --prepare` may create the extrafield `passerelle_id`, which holds the hub's key; that
    /// takes the API key of an administrator. With `false` it only tells what a person must click.
    #[serde(default = "yes")]
    create_extrafields: bool,
    /// Whether a won sale first becomes a proposal that is validated and signed, and that the order is made from.
    /// Sales in a currency other than `currency` become orders directly. Needs the module Commercial Proposals.
    #[serde(default)]
    proposals: bool,
    /// The currency of the company's own accounts in Dolibarr. A sale in another one needs Dolibarr's module
    /// Multi-currency, and costs a few calls more.
    #[serde(default = "euro")]
    currency: String,
    /// A secret of your own, at least 20 random letters and digits. The target in Dolibarr's module Webhook is then
    /// `https://<hub>/hooks/<system>?secret=<webhook_secret>`, of the type "non-blocking": Dolibarr signs nothing.
    #[serde(default)]
    webhook_secret: Option<Secret>,
}

fn yes() -> bool {
    true
}

fn euro() -> String {
    "EUR".to_owned()
}

/// Dolibarr publishes no limit and was seen to answer 8 clients at once; 4 leave room for the people who work in it.
const LIMITS: Limits = Limits { per_second: 20.0, burst: 20, concurrency: 4 };

impl Plug for Config {
    const NAME: &'static str = "dolibarr";
    const ABOUT: &'static str = "Dolibarr 22 ERP: customers, contacts, products, orders with invoices and payments";

    fn resources() -> Vec<Resource> {
        table::resources().to_vec()
    }

    fn build(self, tools: Tools) -> Result<Arc<dyn Connector>> {
        if tools.transport.base_url.is_none() {
            return Err(Error::new(ErrorKind::Config, "`base_url` is missing: the address of Dolibarr's API")
                .at("option", "base_url")
                .at("example", "https://erp.example.com/api/index.php"));
        }
        let auth = Auth::Header("DOLAPIKEY", self.api_key.clone());
        let api = Api::new(tools, "", auth, LIMITS, Arc::new(dialect::Dolibarr));
        Ok(Arc::new(Dolibarr {
            client: Client { api },
            config: self,
            writer: Mutex::new(()),
            proven: table::resources().iter().map(|_| AtomicBool::new(false)).collect(),
        }))
    }
}

/// A configured Dolibarr.
struct Dolibarr {
    client: Client,
    config: Config,
    /// Numbering in Dolibarr is read-then-write and deadlocks under two writers, so there is one.
    writer: Mutex<()>,
    /// For each resource, whether its key field was seen to exist since the start.
    proven: Vec<AtomicBool>,
}

impl std::fmt::Debug for Dolibarr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dolibarr").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Dolibarr {
    async fn records(&self, table: &Table, raw: Vec<Value>) -> Result<Vec<Record>> {
        if table.name == ORDERS.name {
            return orders::join(&self.client, raw).await;
        }
        raw.iter().map(wire::record).collect()
    }

    /// Proves once that the hub's key would be stored: without its extrafield Dolibarr drops the key in silence, and a
    /// repeated create would make a second record.
    async fn prove_key(&self, table: &Table) -> Result<()> {
        let place = table::resources().iter().position(|resource| resource.name.as_str() == table.name);
        let Some(proven) = place.and_then(|place| self.proven.get(place)) else { return Ok(()) };
        if !proven.load(Ordering::Relaxed) {
            find::prove(&self.client, table.name, table.extra, wire::KEY).await?;
            proven.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

#[async_trait]
impl Connector for Dolibarr {
    fn resources(&self) -> &[Resource] {
        table::resources()
    }

    async fn check(&self) -> Result<Identity> {
        let status: Value = self.client.api.call(Request::get("/status")).await?.parse()?;
        let version = wire::text(&status["success"], "dolibarr_version");
        // A missing right or a module that is off shows here, and not in the middle of a run.
        let lists = ["thirdparties", "contacts", "products", "orders", "invoices", "proposals"];
        for list in lists.iter().filter(|list| **list != "proposals" || self.config.proposals) {
            self.client.list(list, Ask { limit: 1, ..Ask::filtered("") }.with("properties", "id")).await?;
        }
        let address =
            self.client.api.tools().transport.base_url.as_deref().and_then(|address| url::Url::parse(address).ok());
        let host = address.as_ref().and_then(url::Url::host_str).unwrap_or("Dolibarr");
        Ok(Identity { account: host.to_owned(), version })
    }

    async fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        setup::describe(&self.client, Table::of(resource)?).await
    }

    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        let table = Table::of(resource)?;
        if table.name == ORDERS.name {
            return sales_feed::changes(&self.client, since).await;
        }
        record_feed::changes(&self.client, table, since).await
    }

    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        let table = Table::of(resource)?;
        if let ([id], false) = (ids, table.name == ORDERS.name) {
            return Ok(writes::read_one(&self.client, table, id.as_str()).await?.into_iter().collect());
        }
        let Some(filter) = among("t.rowid", ids.iter().map(RemoteId::as_str)) else { return Ok(Vec::new()) };
        let raw = self.client.all(table.name, Ask::whole(table, filter)).await?;
        self.records(table, raw).await
    }

    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        let table = Table::of(resource)?;
        let raw = find::find(&self.client, table, by).await?;
        self.records(table, raw).await
    }

    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        let table = Table::of(resource)?;
        let writer =
            Writer { client: &self.client, table, proposals: self.config.proposals, currency: &self.config.currency };
        let _one_at_a_time = self.writer.lock().await;
        if writes.iter().any(|write| matches!(write, Write::Create { .. })) {
            self.prove_key(table).await?;
        }
        let mut outcomes = Vec::with_capacity(writes.len());
        for write in writes {
            outcomes.push(writer.write(write).await);
        }
        Ok(outcomes)
    }

    async fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        let may = if self.config.create_extrafields { May::Create } else { May::OnlyTell };
        setup::prepare(&self.client, Table::of(resource)?, needs, (how, may), self.config.proposals).await
    }

    async fn hook(&self, resources: &[ResourceName], address: &str, how: Prepare) -> Result<Vec<Preparation>> {
        let secret = self.config.webhook_secret.as_ref();
        Ok(vec![target::prepare(&self.client, resources, address, secret, how).await?])
    }

    async fn remove(&self, thing: &str) -> Result<Removal> {
        match (thing.strip_prefix(target::THING), thing.split_once('/')) {
            (Some(address), _) => target::remove(&self.client, address).await,
            (None, Some((element, code))) => setup::remove(&self.client, element, code).await,
            (None, None) => Err(Error::new(ErrorKind::Bug, "dolibarr made no such thing").at("thing", thing)),
        }
    }

    fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        let Some(secret) = &self.config.webhook_secret else {
            return Err(Error::new(ErrorKind::Config, "set `webhook_secret` to receive webhooks of dolibarr"));
        };
        webhook::decode(delivery, secret)
    }
}
