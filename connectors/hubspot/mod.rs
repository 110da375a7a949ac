//! HubSpot's CRM: companies, contacts, products, and deals with the quote that counts.

mod calls;
mod companies;
mod config;
mod deals;
mod decision;
mod dialect;
mod documents;
mod emulator;
mod feed;
mod kind;
mod schema;
mod setup;
#[cfg(test)]
mod tests;
mod webhook;
mod wire;
mod writes;

use std::collections::BTreeSet;

use async_trait::async_trait;
use passerelle_core::connector::{
    Connector, Delivery, Hint, Identity, Lookup, Page, Plugin, Preparation, Prepare, Removal, Resource, Schema,
};
use passerelle_core::http::Secret;
use passerelle_core::model::{Cursor, Need, Outcome, Record, RemoteId, ResourceName, Write};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use calls::{Archived, Calls, SEARCH_PAGE};
use config::Config;
use documents::Documents;
use feed::Margins;
use kind::{Asked, KEY, Kind};
use setup::{Allowed, Signed};

/// HubSpot, in the registry.
pub(crate) const PLUGIN: Plugin = Plugin::of::<Config>().with_emulator(emulator::HubSpot::boxed);

/// A HubSpot account.
#[derive(Debug)]
struct HubSpot {
    calls: Calls,
    resources: Vec<Resource>,
    /// What to read, in the order of [`Kind::ALL`].
    asked: [Asked; 4],
    margins: Margins,
    allowed: Allowed,
    webhook_secret: Option<Secret>,
    webhook_url: Option<String>,
}

impl HubSpot {
    fn documents(&self, kind: Kind) -> Documents<'_> {
        let asked = &self.asked[kind as usize];
        Documents { calls: &self.calls, kind, asked }
    }

    /// The ids of records whose `property` is one of `values`, by the index of the search.
    async fn search(&self, kind: Kind, property: &str, values: &[String]) -> Result<Vec<String>> {
        let some = |values: &[Value]| json!({"propertyName": property, "operator": "IN", "values": values});
        let filters: Vec<Value> = match values {
            [value] => vec![json!({"propertyName": property, "operator": "EQ", "value": value})],
            values => spellings(values).chunks(OPERANDS).map(some).collect(),
        };
        // The spellings of one value may stand in two filters.
        let mut ids = BTreeSet::new();
        for filter in filters {
            let mut last = "0".to_owned();
            loop {
                let (found, _) = self.calls.search(kind.path(), vec![filter.clone()], &last).await?;
                let highest = found.iter().filter_map(|id| id.parse::<u64>().ok()).max();
                let is_full = found.len() >= SEARCH_PAGE;
                ids.extend(found);
                match highest {
                    Some(highest) if is_full => last = highest.to_string(),
                    _ => break,
                }
            }
        }
        Ok(ids.into_iter().collect())
    }
}

/// Values of one `IN`: how many HubSpot takes is not documented, and this many are a batch elsewhere.
const OPERANDS: usize = 100;

/// A look-up by a unique property is refused only where the property is not there, or not unique.
fn lacks_key(error: Error) -> Error {
    if error.kind() != ErrorKind::Rejected {
        return error;
    }
    let message = "the account lacks the unique property `hub_external_id`: run `passerelle check --prepare`";
    Error::new(ErrorKind::Config, message).because(error)
}

/// `IN` wants texts in lower case [documented], and options as they are.
fn spellings(values: &[String]) -> Vec<Value> {
    let mut all: Vec<String> = values.iter().flat_map(|value| [value.to_lowercase(), value.clone()]).collect();
    all.sort();
    all.dedup();
    all.into_iter().map(Value::String).collect()
}

#[async_trait]
impl Connector for HubSpot {
    fn resources(&self) -> &[Resource] {
        &self.resources
    }

    /// Asks for the account's details: the one small call that needs no scope [documented].
    async fn check(&self) -> Result<Identity> {
        let details = self.calls.details().await?;
        let kind = details.account_type.to_lowercase().replace('_', " ");
        let currency = details.company_currency.unwrap_or_default();
        let account = format!("account {} ({kind}, {currency})", details.portal_id);
        Ok(Identity { account, version: Some(self.calls.version.clone()) })
    }

    async fn describe(&self, resource: &ResourceName) -> Result<Schema> {
        schema::describe(&self.calls, Kind::named(resource)?).await
    }

    async fn changes(&self, resource: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        let documents = self.documents(Kind::named(resource)?);
        feed::changes(&self.calls, &documents, self.margins, since).await
    }

    async fn read(&self, resource: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        let ids: Vec<String> = ids.iter().map(|id| id.as_str().to_owned()).collect();
        self.documents(Kind::named(resource)?).read(&ids).await
    }

    async fn find(&self, resource: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        let kind = Kind::named(resource)?;
        let documents = self.documents(kind);
        let (property, values) = match by {
            Lookup::Key(keys) => (KEY, keys.iter().map(|key| key.as_str().to_owned()).collect()),
            Lookup::Field { path, values } => (path.as_str(), values.clone()),
        };
        if property.contains('.') || kind.joined().contains(&property) {
            return Err(
                Error::new(ErrorKind::Unsupported, "hubspot cannot be searched by this field").at("field", property)
            );
        }
        // Unique properties are looked up at once; the index of the search is behind by up to a minute.
        if property == KEY || (kind == Kind::Contacts && property == "email") {
            let names = &documents.asked.own;
            let found = self.calls.read(kind.path(), &values, names, Some(property), Archived::Not).await;
            let found = found.map_err(|error| if property == KEY { lacks_key(error) } else { error });
            return documents.join(found?).await;
        }
        let ids = self.search(kind, property, &values).await?;
        documents.read(&ids).await
    }

    async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        writes::write(&self.calls, Kind::named(resource)?, writes).await
    }

    async fn prepare(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Preparation>> {
        setup::prepare(&self.calls, Kind::named(resource)?, needs, how, &self.allowed).await
    }

    async fn hook(&self, resources: &[ResourceName], address: &str, _: Prepare) -> Result<Vec<Preparation>> {
        let kinds = resources.iter().map(Kind::named).collect::<Result<Vec<_>>>()?;
        let address = self.webhook_url.as_deref().unwrap_or(address);
        let signed = if self.webhook_secret.is_some() { Signed::Yes } else { Signed::No };
        Ok(vec![setup::hook(&kinds, address, signed)])
    }

    async fn remove(&self, thing: &str) -> Result<Removal> {
        setup::remove(&self.calls, thing).await
    }

    fn decode_webhook(&self, delivery: &Delivery<'_>) -> Result<Vec<Hint>> {
        let Some(secret) = &self.webhook_secret else {
            return Err(Error::new(ErrorKind::Config, "set `webhook_secret` to receive webhooks of hubspot"));
        };
        webhook::decode(delivery, self.webhook_url.as_deref().unwrap_or(delivery.url), secret)
    }
}
