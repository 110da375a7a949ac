//! ERPNext 15, over Frappe's REST resources: customers, contacts, items, quotations, and orders with invoices and payments.

mod client;
mod contacts;
mod dialect;
mod emulator;
mod feed;
mod fields;
mod find;
mod hooks;
mod lines;
mod mark;
mod orders;
mod orders_feed;
mod parties;
mod sales;
mod setup;
mod sums;
mod table;
mod taxes;
#[cfg(test)]
mod tests;
mod webhook;
mod wire;
mod writes;

use std::sync::Arc;

use async_trait::async_trait;
use passerelle_core::connector::{
    Connector, Delivery, Hint, Identity, Lookup, May, Page, Plug, Plugin, Preparation, Prepare, Removal, Resource,
    Schema, Tools,
};
use passerelle_core::http::{Api, Auth, Limits, Secret};
use passerelle_core::model::{Cursor, Need, Outcome, Record, RemoteId, ResourceName, Write};
use passerelle_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use client::{Ask, Client};
use table::Table;

/// ERPNext in the registry.
pub(crate) const PLUGIN: Plugin = Plugin::of::<Config>().with_emulator(|| Box::new(emulator::Emulator::new()));

/// Reads and writes an ERPNext 15. `base_url` is the address of the site, such as `https://erp.example.com`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    /// API key and API secret of the user that the hub works as, joined by a colon: write `${ERPNEXT_TOKEN}`.
    /// Both are made in the user's card under "API Access" (see the connector's README for the roles).
    token: Secret,
    /// The company whose orders, invoices and payments take part, such as `Atelier Demo SAS`. Needed where the site has
    /// several.
    #[serde(default)]
    company: Option<String>,
    /// The price list that holds the prices of items, such as `Standard Selling`.
    #[serde(default = "standard_selling")]
    price_list: String,
    /// The Sales Taxes and Charges Templates that VAT rows are taken from. Needed where several have the same rate;
    /// without it, all of the company's.
    #[serde(default)]
    tax_templates: Vec<String>,
    /// The item that stands for lines without a product, such as `DIVERS`; ERPNext takes no line without an item.
    #[serde(default)]
    free_text_item: Option<String>,
    /// Decimals that the site keeps of a unit price (System Settings > Currency Precision, or the precision of the
    /// field Rate). A price with more is refused.
    #[serde(default = "two")]
    price_decimals: u32,
    /// Whether `passerelle check --prepare` may create custom fields, such as the unique `hub_external_id` that holds
    /// the hub's key; that takes the token of a System Manager. With `false` it only tells what a person must click.
    #[serde(default = "yes")]
    create_custom_fields: bool,
    /// The site's time zone, such as `Europe/Paris`; without it the site is asked.
    #[serde(default)]
    time_zone: Option<String>,
    /// The Webhook Secret that the site's webhooks to the hub are signed with.
    #[serde(default)]
    webhook_secret: Option<Secret>,
}

fn standard_selling() -> String {
    "Standard Selling".to_owned()
}

fn two() -> u32 {
    2
}

fn yes() -> bool {
    true
}

/// Frappe's own limit is of server time, and off by default; 4 at once leave room for the people who work in it.
const LIMITS: Limits = Limits { per_second: 20.0, burst: 20, concurrency: 4 };

impl Plug for Config {
    const NAME: &'static str = "erpnext";
    const ABOUT: &'static str =
        "ERPNext 15 ERP: customers, contacts, items, quotations, orders with invoices and payments";

    fn resources() -> Vec<Resource> {
        table::resources().to_vec()
    }

    fn build(self, tools: Tools) -> Result<Arc<dyn Connector>> {
        if tools.transport.base_url.is_none() {
            return Err(Error::new(ErrorKind::Config, "`base_url` is missing: the address of the ERPNext site")
                .at("option", "base_url")
                .at("example", "https://erp.example.com"));
        }
        let auth = Auth::Header("Authorization", Secret::new(format!("token {}", self.token.reveal())));
        let api = Api::new(tools, "", auth, LIMITS, Arc::new(dialect::Frappe));
        Ok(Arc::new(ErpNext {
            client: Client::new(api, self.time_zone.clone())?,
            config: self,
            writer: Mutex::new(()),
        }))
    }
}

/// A configured ERPNext.
struct ErpNext {
    client: Client,
    config: Config,
    /// A look-up before a create is only worth something while nobody else creates.
    writer: Mutex<()>,
}

impl std::fmt::Debug for ErpNext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ErpNext").field("client", &self.client).finish_non_exhaustive()
    }
}

#[async_trait]
impl Connector for ErpNext {
    fn resources(&self) -> &[Resource] {
        table::resources()
    }

    async fn check(&self) -> Result<Identity> {
        let user = self.client.method("frappe.auth.get_logged_user", &[]).await?;
        // A missing role shows here, and not in the middle of a run.
        for doctype in
            ["Customer", "Address", "Contact", "Item", "Item Price", "Sales Order", "Sales Invoice", "Payment Entry"]
        {
            self.client.list(doctype, Ask { limit: 1, ..Ask::of(&["name"]) }).await?;
        }
        let versions = self.client.method("frappe.utils.change_log.get_versions", &[]).await.ok();
        let version = versions.and_then(|versions| wire::text(&versions["erpnext"], "version"));
        let address =
            self.client.api.tools().transport.base_url.as_deref().and_then(|address| url::Url::parse(address).ok());
        let host = address.as_ref().and_then(url::Url::host_str).unwrap_or("ERPNext").to_owned();
        let account = user.as_str().map_or(host.clone(), |user| format!("{user} on {host}"));
        Ok(Identity { account, version })
    }

    async fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        setup::describe(&self.client, Table::of(resource)?).await
    }

    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        let table = Table::of(resource)?;
        if table.name == table::ORDERS.name {
            return orders_feed::changes(&self.client, &self.config, since).await;
        }
        feed::changes(&self.client, &self.config, table, since).await
    }

    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        let names: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        parties::read(&self.client, &self.config, Table::of(resource)?, &names).await
    }

    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        find::find(&self.client, &self.config, Table::of(resource)?, by).await
    }

    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        let table = Table::of(resource)?;
        let _one_at_a_time = self.writer.lock().await;
        let writer = writes::Writer::begin(&self.client, &self.config, table, writes).await?;
        let mut outcomes: Vec<Outcome> = Vec::with_capacity(writes.len());
        for write in writes {
            let broken = outcomes.last().is_some_and(|last| last.as_ref().is_err_and(writes::ends_a_batch));
            outcomes.push(if broken { Err(writes::not_sent()) } else { writer.write(write).await });
        }
        Ok(outcomes)
    }

    async fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        let may = if self.config.create_custom_fields { May::Create } else { May::OnlyTell };
        setup::prepare(&self.client, Table::of(resource)?, needs, how, may).await
    }

    async fn hook(&self, resources: &[ResourceName], address: &str, how: Prepare) -> Result<Vec<Preparation>> {
        let tables = resources.iter().map(Table::of).collect::<Result<Vec<_>>>()?;
        hooks::prepare(&self.client, &tables, address, self.config.webhook_secret.as_ref(), how).await
    }

    async fn remove(&self, thing: &str) -> Result<Removal> {
        setup::remove(&self.client, thing).await
    }

    fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        let Some(secret) = &self.config.webhook_secret else {
            return Err(Error::new(ErrorKind::Config, "set `webhook_secret` to receive webhooks of erpnext"));
        };
        webhook::decode(delivery, secret)
    }
}

impl Config {
    /// Keeps lists of orders, invoices and payments to the company.
    fn scope(&self, table: &Table) -> Vec<Value> {
        let of = self.company.as_ref().filter(|_| table.of_company);
        of.map(|company| serde_json::json!(["company", "=", company])).into_iter().collect()
    }
}
