//! Salesforce: accounts, contacts, products with prices, opportunities with the quote that counts, custom objects.

mod archive;
mod assertion;
mod bulk;
mod calls;
mod config;
mod dialect;
mod documents;
mod emulator;
mod feed;
mod graph;
mod ingest;
mod job;
mod kind;
mod opportunities;
mod package;
mod products;
mod schema;
mod setup;
mod soql;
#[cfg(test)]
mod tests;
mod webhook;
mod wire;
mod writes;

use std::collections::BTreeMap;
use std::path::PathBuf;

use async_trait::async_trait;
use passerelle_core::connector::{
    Connector, Delivery, Hint, Identity, Lookup, Page, Plugin, Preparation, Prepare, Resource, Schema,
};
use passerelle_core::http::Secret;
use passerelle_core::model::{Cursor, Need, Outcome, Record, RemoteId, ResourceName, Write};
use passerelle_core::{Error, ErrorKind, Result};

use calls::{Calls, Scope};
use config::Config;
use documents::{Documents, Rules};
use feed::Margins;
use kind::{Asked, Kind};

/// Salesforce, in the registry.
pub(crate) const PLUGIN: Plugin = Plugin::of::<Config>().with_emulator(emulator::Salesforce::boxed);

/// A Salesforce org.
#[derive(Debug)]
struct Salesforce {
    calls: Calls,
    resources: Vec<Resource>,
    /// What to read of each object.
    asked: BTreeMap<String, Asked>,
    rules: Rules,
    margins: Margins,
    /// Where a metadata package is written.
    folder: PathBuf,
    organization: Option<String>,
    webhook_secret: Option<Secret>,
}

impl Salesforce {
    fn documents(&self, resource: &ResourceName) -> Result<Documents<'_>> {
        let Some((object, asked)) = self.asked.get_key_value(resource.as_str()) else {
            let message = "salesforce has no such resource; list custom objects in `objects`";
            return Err(Error::new(ErrorKind::Config, message).at("resource", resource));
        };
        Ok(Documents { calls: &self.calls, object, kind: Kind::of(object), asked, rules: &self.rules })
    }
}

#[async_trait]
impl Connector for Salesforce {
    fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Asks for the org's own record.
    async fn check(&self) -> Result<Identity> {
        let soql = "SELECT Id, Name, OrganizationType, IsSandbox FROM Organization";
        let rows = self.calls.rows(soql, Scope::Live).await?;
        let org = rows.first().ok_or_else(|| Error::new(ErrorKind::Denied, "the org does not show its own record"))?;
        let name = org.text("Name").unwrap_or("an org without a name");
        let kind = if org.says("IsSandbox") { "sandbox" } else { org.text("OrganizationType").unwrap_or("org") };
        Ok(Identity { account: format!("{name} ({kind}, {})", org.id()), version: Some(self.calls.version.clone()) })
    }

    async fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        self.calls.forget().await;
        schema::describe(&self.documents(resource)?).await
    }

    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        feed::changes(&self.documents(resource)?, self.margins, since).await
    }

    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        let ids: Vec<&str> = ids.iter().map(RemoteId::as_str).collect();
        self.documents(resource)?.read(&ids).await
    }

    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        let documents = self.documents(resource)?;
        let (field, values): (&str, Vec<&str>) = match by {
            Lookup::Key(keys) => (&self.rules.key, keys.iter().map(|key| key.as_str()).collect()),
            Lookup::Field { path, values } => (path, values.iter().map(String::as_str).collect()),
        };
        if documents.kind.joined().iter().any(|joined| field.starts_with(joined)) {
            let message = "salesforce cannot be searched by this field";
            return Err(Error::new(ErrorKind::Unsupported, message).at("field", field));
        }
        documents.find(field, &values).await
    }

    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        writes::write(&self.documents(resource)?, writes).await
    }

    async fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        self.calls.forget().await;
        setup::prepare(&self.documents(resource)?, needs, how, &self.folder).await
    }

    async fn hook(&self, resources: &[ResourceName], address: &str, _: Prepare) -> Result<Vec<Preparation>> {
        let is_set = self.organization.is_some() && self.webhook_secret.is_some();
        let lacks = (!is_set).then_some("set `organization_id` and `webhook_secret`; ");
        Ok(vec![setup::hook(resources, address, lacks)])
    }

    fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        let (Some(organization), Some(secret)) = (&self.organization, &self.webhook_secret) else {
            let message = "set `organization_id` and `webhook_secret` to receive outbound messages of salesforce";
            return Err(Error::new(ErrorKind::Config, message));
        };
        webhook::decode(delivery, organization, secret)
    }
    fn webhook_receipt(&self) -> Option<(&'static str, &'static str)> {
        Some(webhook::RECEIPT)
    }
}
