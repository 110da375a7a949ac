//! Deals as documents: company, contacts, the quote that counts, and the lines.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::Result;
use passerelle_core::model::{Fields, Record};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::calls::{Archived, Associated, Calls};
use super::decision::{DealWon, Decision, decide};
use super::documents::{ids, main_company, targets};
use super::kind::{Asked, Kind};
use super::wire::Object;

/// Joins deals with what hangs on them; a page of 100 costs a fixed number of calls, and one more per 100 lines.
pub(super) async fn join(calls: &Calls, asked: &Asked, deals: &[Object]) -> Result<Vec<Record>> {
    if deals.is_empty() {
        return Ok(Vec::new());
    }
    let of_deals = ids(deals);
    let companies = calls.associated("deals", "companies", &of_deals).await?;
    let contacts = calls.associated("deals", "contacts", &of_deals).await?;
    let statuses = statuses(calls, deals).await?;
    let quotes = Quotes::read(calls, asked, &of_deals).await?;
    let chosen: Vec<Decision<'_>> =
        deals.iter().zip(&statuses).map(|(deal, status)| quotes.decide(deal, *status)).collect();
    let lines = Lines::read(calls, asked, deals, &chosen).await?;

    let joined = deals.iter().zip(&statuses).zip(&chosen).map(|((deal, status), decision)| {
        let mut fields = deal.document(&asked.own);
        let people = contacts.get(&deal.id).into_iter().flatten();
        let people: BTreeSet<&str> = people.map(|end| end.to_object_id.as_str()).collect();
        fields.insert("associated_company".to_owned(), json!(main_company(&companies, &deal.id, Kind::Deals)));
        fields.insert("associated_contacts".to_owned(), json!(people));
        fields.insert("deal_status".to_owned(), json!(status.word()));
        let quote = decision.quote.map(|quote| quote.document(&quotes.names));
        fields.insert("quote".to_owned(), quote.map_or(Value::Null, Value::Object));
        fields.insert("quote_conflict".to_owned(), json!(decision.conflict));
        fields.insert("line_items".to_owned(), json!(lines.of(deal, decision, asked)));
        deal.record(fields)
    });
    Ok(joined.collect())
}

/// Where a deal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    Open,
    Won,
    Lost,
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Won => "won",
            Self::Lost => "lost",
        }
    }
}

async fn statuses(calls: &Calls, deals: &[Object]) -> Result<Vec<Status>> {
    let told: Vec<Option<Status>> = deals.iter().map(told_status).collect();
    let pipelines = if told.contains(&None) { calls.pipelines().await? } else { Vec::new() };
    let statuses = deals.iter().zip(told).map(|(deal, told)| told.unwrap_or_else(|| status_by_stage(deal, &pipelines)));
    Ok(statuses.collect())
}

/// What HubSpot computed, where it did.
fn told_status(deal: &Object) -> Option<Status> {
    match (deal.value("hs_is_closed_won"), deal.value("hs_is_closed")) {
        (Some("true"), _) => Some(Status::Won),
        (Some(_), Some("true")) => Some(Status::Lost),
        (Some(_), Some(_)) => Some(Status::Open),
        _ => None,
    }
}

/// Won is a closed stage of probability 1; ids of stages mean nothing outside the default pipeline [documented].
fn status_by_stage(deal: &Object, pipelines: &[Value]) -> Status {
    let stages = pipelines.iter().flat_map(|pipeline| pipeline["stages"].as_array().into_iter().flatten());
    let stage = stages.into_iter().find(|stage| stage["id"].as_str() == deal.value("dealstage"));
    let Some(metadata) = stage.map(|stage| &stage["metadata"]) else { return Status::Open };
    let probability = metadata["probability"].as_str().and_then(|text| text.parse::<Decimal>().ok());
    match (metadata["isClosed"].as_str(), probability) {
        (Some("true"), Some(probability)) if probability == Decimal::ONE => Status::Won,
        (Some("true"), _) => Status::Lost,
        _ => Status::Open,
    }
}

/// The quotes of some deals.
struct Quotes {
    of_deals: Associated,
    by_id: BTreeMap<String, Object>,
    names: BTreeSet<String>,
}

impl Quotes {
    async fn read(calls: &Calls, asked: &Asked, deals: &[String]) -> Result<Self> {
        let of_deals = calls.associated("deals", "quotes", deals).await?;
        let quotes = targets(&of_deals);
        if quotes.is_empty() {
            return Ok(Self { of_deals, by_id: BTreeMap::new(), names: BTreeSet::new() });
        }
        // Accounts differ in which of these properties they have.
        let listed = calls.definitions("quotes").await?;
        let names: BTreeSet<String> =
            listed.into_iter().map(|property| property.name).filter(|name| asked.quote.contains(name)).collect();
        let read = calls.read("quotes", &quotes, &names, None, Archived::Not).await?;
        let by_id = read.into_iter().map(|quote| (quote.id.clone(), quote)).collect();
        Ok(Self { of_deals, by_id, names })
    }

    fn decide(&self, deal: &Object, status: Status) -> Decision<'_> {
        let ids: BTreeSet<&str> =
            self.of_deals.get(&deal.id).into_iter().flatten().map(|end| end.to_object_id.as_str()).collect();
        let won = if status == Status::Won { DealWon::Yes } else { DealWon::No };
        decide(ids.into_iter().filter_map(|id| self.by_id.get(id)), won)
    }
}

/// The lines of some deals and of the quotes that count.
struct Lines {
    of_deals: Associated,
    of_quotes: Associated,
    by_id: BTreeMap<String, Object>,
}

impl Lines {
    async fn read(calls: &Calls, asked: &Asked, deals: &[Object], chosen: &[Decision<'_>]) -> Result<Self> {
        let (mut without, mut quotes) = (Vec::new(), Vec::new());
        for (deal, decision) in deals.iter().zip(chosen) {
            match decision.quote {
                Some(quote) => quotes.push(quote.id.clone()),
                None => without.push(deal.id.clone()),
            }
        }
        let of_deals = calls.associated("deals", "line_items", &without).await?;
        let of_quotes = calls.associated("quotes", "line_items", &quotes).await?;
        let mut wanted = targets(&of_deals);
        wanted.extend(targets(&of_quotes));
        let read = calls.read("line_items", &wanted, &asked.line, None, Archived::Not).await?;
        let by_id = read.into_iter().map(|line| (line.id.clone(), line)).collect();
        Ok(Self { of_deals, of_quotes, by_id })
    }

    fn of(&self, deal: &Object, decision: &Decision<'_>, asked: &Asked) -> Vec<Fields> {
        let ends = match decision.quote {
            Some(quote) => self.of_quotes.get(&quote.id),
            None => self.of_deals.get(&deal.id),
        };
        let ids: BTreeSet<&str> = ends.into_iter().flatten().map(|end| end.to_object_id.as_str()).collect();
        let mut lines: Vec<&Object> = ids.into_iter().filter_map(|id| self.by_id.get(id)).collect();
        lines.sort_by_key(|line| (position(line), line.id.parse::<u64>().ok()));
        lines.into_iter().map(|line| line.document(&asked.line)).collect()
    }
}

/// A line's place on its quote; lines without one come last.
fn position(line: &Object) -> (bool, Option<Decimal>) {
    let place = line.value("hs_position_on_quote").and_then(|text| text.parse().ok());
    (place.is_none(), place)
}
