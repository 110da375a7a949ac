//! Documents: an object with everything that is scattered over others.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::Result;
use passerelle_core::model::{Record, RemoteId};
use serde_json::Value;

use super::calls::{Calls, Scope};
use super::ingest::Jobs;
use super::kind::{Asked, CURRENCY, ENTRY, Kind};
use super::wire::Row;
use super::{opportunities, products, soql};

/// Ids of one query: longer addresses are refused at 16,384 bytes [documented].
pub(super) const IDS: usize = 200;

/// What an org is told to be like.
#[derive(Clone, Debug)]
pub(super) struct Rules {
    /// The external id field of the hub's key.
    pub key: String,
    /// The price book; none is the standard one.
    pub book: Option<String>,
    /// The currency of prices, in an org that has several.
    pub currency: Option<String>,
    /// Statuses of a quote that the customer accepted.
    pub accepted: Vec<String>,
    /// When rows are written as a bulk job.
    pub jobs: Jobs,
}

/// One object's documents.
#[derive(Clone, Copy, Debug)]
pub(super) struct Documents<'a> {
    pub calls: &'a Calls,
    pub object: &'a str,
    pub kind: Kind,
    pub asked: &'a Asked,
    pub rules: &'a Rules,
}

impl Documents<'_> {
    /// The beginning of a query of the object itself. What an org with one currency lacks is not asked for.
    pub(super) async fn select(&self) -> Result<String> {
        let asks_currency = self.asked.own.contains(CURRENCY);
        let lacks_currency = asks_currency && self.calls.describe(self.object).await?.field(CURRENCY).is_none();
        let mut fields = vec!["Id", "IsDeleted", "SystemModstamp"];
        if self.kind == Kind::Person {
            fields.push("MasterRecordId");
        }
        let own = self.asked.own.iter().map(String::as_str).filter(|name| !fields.contains(name));
        let own: Vec<&str> = own.filter(|name| !lacks_currency || *name != CURRENCY).collect();
        fields.extend(own);
        Ok(format!("SELECT {} FROM {}", fields.join(","), self.object))
    }

    /// Which price book entries count: those of one price book, in one currency.
    pub(super) async fn entries(&self) -> Result<String> {
        let book = match &self.rules.book {
            Some(id) => format!("Pricebook2Id = {}", soql::quoted(id)),
            None => "Pricebook2.IsStandard = true".to_owned(),
        };
        Ok(match self.price_currency().await? {
            Some(currency) => format!("{book} AND {CURRENCY} = {}", soql::quoted(currency)),
            None => book,
        })
    }

    /// The currency that prices have to name; none in an org with one.
    pub(super) async fn price_currency(&self) -> Result<Option<&str>> {
        let Some(currency) = &self.rules.currency else { return Ok(None) };
        let named = self.calls.describe(ENTRY).await?.field(CURRENCY).is_some();
        Ok(named.then_some(currency.as_str()))
    }

    /// The documents of some ids; what is not there is left out, what was merged comes as what it became.
    pub(super) async fn read(&self, ids: &[&str]) -> Result<Vec<Record>> {
        let rows = self.rows_of(ids).await?;
        let mut records = self.join(rows).await?;
        for record in &mut records {
            // An id of 15 characters names the record as well.
            let short = ids.iter().find(|id| id.len() == 15 && record.id.as_str().starts_with(**id));
            record.aliases.extend(short.map(|id| RemoteId::new(*id)));
        }
        Ok(records)
    }

    async fn rows_of(&self, ids: &[&str]) -> Result<Vec<Row>> {
        let ids: BTreeSet<&str> = ids.iter().copied().filter(|id| soql::is_id(id)).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let mut rows = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS) {
            let query = format!("{} WHERE Id IN ({})", self.select().await?, soql::list(ids.iter().copied()));
            rows.extend(self.calls.rows(&query, Scope::All).await?);
        }
        Ok(rows)
    }

    /// The documents in use whose field is one of some values.
    pub(super) async fn find(&self, field: &str, values: &[&str]) -> Result<Vec<Record>> {
        let literals = match self.calls.describe(self.object).await?.field(field).map(|known| known.kind.clone()) {
            Some(kind) if matches!(kind.as_str(), "id" | "reference") => {
                soql::list(values.iter().copied().filter(|value| soql::is_id(value)))
            }
            Some(kind) if matches!(kind.as_str(), "currency" | "double" | "percent" | "int") => {
                let numbers = values.iter().filter(|value| value.parse::<rust_decimal::Decimal>().is_ok());
                numbers.copied().collect::<Vec<_>>().join(",")
            }
            _ => soql::list(values.iter().copied()),
        };
        if literals.is_empty() {
            return Ok(Vec::new());
        }
        let query = format!("{} WHERE {field} IN ({literals})", self.select().await?);
        let rows = self.calls.rows(&query, Scope::Live).await?;
        self.join(rows).await
    }

    /// Rows as documents. A row that was merged away comes as the one that it was merged into.
    pub(super) async fn join(&self, rows: Vec<Row>) -> Result<Vec<Record>> {
        let (rows, lost) = self.merged(rows).await?;
        let mut records = match self.kind {
            Kind::Person | Kind::Plain => rows.into_iter().map(|row| self.record(row)).collect(),
            Kind::Product => products::join(self, rows).await?,
            Kind::Opportunity => opportunities::join(self, rows).await?,
        };
        for record in &mut records {
            record.aliases.extend(lost.get(record.id.as_str()).into_iter().flatten().map(RemoteId::new));
        }
        Ok(records)
    }

    /// One row as a record.
    pub(super) fn record(&self, row: Row) -> Record {
        let mut record = row.record(&self.rules.key, |name| self.asked.own.contains(name));
        if self.asked.own.contains(CURRENCY) {
            record.fields.entry(CURRENCY).or_insert(Value::Null);
        }
        record
    }

    /// The rows without those that were merged away, with what these became; and the lost ids by what they became.
    async fn merged(&self, rows: Vec<Row>) -> Result<(Vec<Row>, BTreeMap<String, Vec<String>>)> {
        let mut lost: BTreeMap<String, Vec<String>> = BTreeMap::new();
        if self.kind != Kind::Person {
            return Ok((rows, lost));
        }
        let (mut kept, mut gone) = (Vec::new(), rows);
        // A winner may have been merged again.
        for _ in 0..4 {
            let mut winners = BTreeSet::new();
            for row in gone {
                match row.text("MasterRecordId").filter(|_| row.says("IsDeleted")) {
                    Some(winner) => {
                        let mut ids = lost.remove(row.id()).unwrap_or_default();
                        ids.push(row.id().to_owned());
                        lost.entry(winner.to_owned()).or_default().extend(ids);
                        winners.insert(winner.to_owned());
                    }
                    None => kept.push(row),
                }
            }
            let missing: Vec<&str> =
                winners.iter().map(String::as_str).filter(|id| !kept.iter().any(|row: &Row| row.id() == *id)).collect();
            if missing.is_empty() {
                break;
            }
            gone = self.rows_of(&missing).await?;
        }
        Ok((kept, lost))
    }
}
