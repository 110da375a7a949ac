//! Documents: an object with what HubSpot keeps in other objects.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::Result;
use passerelle_core::model::{Record, RemoteId};
use serde_json::json;

use super::calls::{Archived, Associated, Calls};
use super::deals;
use super::kind::{Asked, Kind};
use super::wire::Object;

/// Reads documents of one resource.
#[derive(Debug)]
pub(super) struct Documents<'a> {
    pub calls: &'a Calls,
    pub kind: Kind,
    pub asked: &'a Asked,
}

impl Documents<'_> {
    /// The documents of these ids; archived ones are told as such, unknown ones are left out.
    pub(super) async fn read(&self, ids: &[String]) -> Result<Vec<Record>> {
        let names = &self.asked.own;
        let mut objects = self.calls.read(self.kind.path(), ids, names, None, Archived::Not).await?;
        let found: BTreeSet<&str> =
            objects.iter().flat_map(|object| object.merged_ids().chain([object.id.as_str()])).collect();
        let missing: Vec<String> = ids.iter().filter(|id| !found.contains(id.as_str())).cloned().collect();
        if !missing.is_empty() && objects.len() < ids.len() {
            let archived = self.calls.read(self.kind.path(), &missing, names, None, Archived::Only).await?;
            objects.extend(archived);
        }
        let mut records = self.join(objects).await?;
        alias(&mut records, ids);
        Ok(records)
    }

    /// The documents of these objects; two ids that were merged into one give one.
    pub(super) async fn join(&self, objects: Vec<Object>) -> Result<Vec<Record>> {
        let unique: BTreeMap<String, Object> = objects.into_iter().map(|object| (object.id.clone(), object)).collect();
        let (archived, present): (Vec<Object>, Vec<Object>) = unique.into_values().partition(|object| object.archived);
        let mut records: Vec<Record> =
            archived.iter().map(|object| object.record(object.document(&self.asked.own))).collect();
        records.extend(match self.kind {
            Kind::Companies | Kind::Products => self.plain(&present),
            Kind::Contacts => self.with_company(&present).await?,
            Kind::Deals => deals::join(self.calls, self.asked, &present).await?,
        });
        Ok(records)
    }

    fn plain(&self, objects: &[Object]) -> Vec<Record> {
        objects.iter().map(|object| object.record(object.document(&self.asked.own))).collect()
    }

    async fn with_company(&self, objects: &[Object]) -> Result<Vec<Record>> {
        let companies = self.calls.associated("contacts", "companies", &ids(objects)).await?;
        let mut records = self.plain(objects);
        for record in &mut records {
            let company = main_company(&companies, record.id.as_str(), Kind::Contacts);
            record.fields.insert("associated_company".to_owned(), json!(company));
        }
        Ok(records)
    }

    /// The deals that quotes hang on.
    pub(super) async fn deals_of_quotes(&self, quotes: &[String]) -> Result<Vec<String>> {
        Ok(targets(&self.calls.associated("quotes", "deals", quotes).await?))
    }

    /// The deals that line items hang on, be it over a quote.
    pub(super) async fn deals_of_lines(&self, lines: &[String]) -> Result<Vec<String>> {
        let mut deals: BTreeSet<String> =
            targets(&self.calls.associated("line_items", "deals", lines).await?).into_iter().collect();
        let quotes = targets(&self.calls.associated("line_items", "quotes", lines).await?);
        deals.extend(self.deals_of_quotes(&quotes).await?);
        Ok(deals.into_iter().collect())
    }
}

/// The ids of objects.
pub(super) fn ids(objects: &[Object]) -> Vec<String> {
    objects.iter().map(|object| object.id.clone()).collect()
}

/// Every id at the far end, once.
pub(super) fn targets(associated: &Associated) -> Vec<String> {
    let ends: BTreeSet<&String> = associated.values().flatten().map(|end| &end.to_object_id).collect();
    ends.into_iter().cloned().collect()
}

/// The primary company of an object, else its first.
pub(super) fn main_company<'a>(companies: &'a Associated, id: &str, kind: Kind) -> Option<&'a str> {
    let ends = companies.get(id)?;
    let primary = ends
        .iter()
        .find(|end| end.association_types.iter().any(|known| Some(known.type_id) == kind.primary_company_type()));
    primary.or_else(|| ends.first()).map(|end| end.to_object_id.as_str())
}

/// Names the asked id that came back under another one, where the record itself does not say that it was merged.
fn alias(records: &mut [Record], asked: &[String]) {
    let known: BTreeSet<RemoteId> =
        records.iter().flat_map(|record| record.aliases.iter().chain([&record.id])).cloned().collect();
    let mut lost = asked.iter().map(RemoteId::new).filter(|id| !known.contains(id));
    let mut strangers = records.iter_mut().filter(|record| {
        !asked.iter().any(|id| *id == record.id.as_str() || record.aliases.contains(&RemoteId::new(id)))
    });
    if let (Some(lost), None, Some(stranger), None) = (lost.next(), lost.next(), strangers.next(), strangers.next()) {
        stranger.aliases.push(lost);
    }
}
