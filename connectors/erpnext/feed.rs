//! The feed of customers, contacts, items and quotations: all by name first, then what moved since, in any part.

use std::collections::BTreeSet;

use passerelle_core::connector::Page;
use passerelle_core::model::{Cursor, Presence, Record};
use passerelle_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Ask, Client, PAGE};
use super::mark::{Mark, foreign};
use super::table::{Part, Table};
use super::wire::{self, text};
use super::{Config, parties};

#[derive(Serialize, Deserialize)]
struct Place {
    /// During the first read: the last name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan: Option<String>,
    own: Mark,
    parts: Vec<Mark>,
    gone: Gone,
}

/// One page of the feed.
pub(super) async fn changes(client: &Client, config: &Config, table: &Table, since: Option<&Cursor>) -> Result<Page> {
    let mut place = match since {
        Some(cursor) => read(cursor)?,
        None => begin(client, config, table).await?,
    };
    let (records, more) = match place.scan.take() {
        Some(after) => {
            let raw = scan(client, config, table, &after).await?;
            let more = raw.len() >= PAGE;
            place.scan = raw.last().map(wire::name).transpose()?.filter(|_| more);
            (parties::join(client, config, table, whole(client, table, raw).await?).await?, more)
        }
        None => follow(client, config, table, &mut place).await?,
    };
    Ok(Page { records, next: Cursor::new(json!(place).to_string()), more })
}

/// A cursor's place.
pub(super) fn read<P: serde::de::DeserializeOwned>(cursor: &Cursor) -> Result<P> {
    serde_json::from_str(cursor.as_str()).map_err(|cause| foreign().because(cause))
}

/// What moves during the first read is later than these marks, and comes again after it.
async fn begin(client: &Client, config: &Config, table: &Table) -> Result<Place> {
    let own = Mark::newest(client, table.doctype, config.scope(table)).await?;
    let mut parts = Vec::new();
    for part in table.parts {
        parts.push(Mark::newest(client, part.doctype(), Vec::new()).await?);
    }
    Ok(Place { scan: Some(String::new()), own, parts, gone: Gone::begin(client, table.doctype).await? })
}

/// A page of all documents, by name.
pub(super) async fn scan(client: &Client, config: &Config, table: &Table, after: &str) -> Result<Vec<Value>> {
    let fields: &[&str] = if table.whole { &["name"] } else { &["*"] };
    let mut ask = Ask { limit: PAGE, ..Ask::of(fields) }.with(config.scope(table));
    if !after.is_empty() {
        ask.filters.push(json!(["name", ">", after]));
    }
    client.list(table.doctype, ask).await
}

/// The documents of a list's rows; rows with all fields are documents already.
pub(super) async fn whole(client: &Client, table: &Table, rows: Vec<Value>) -> Result<Vec<Value>> {
    if !table.whole {
        return Ok(rows);
    }
    let mut documents = Vec::with_capacity(rows.len());
    for row in &rows {
        documents.extend(client.get(table.doctype, &wire::name(row)?).await?);
    }
    Ok(documents)
}

async fn follow(client: &Client, config: &Config, table: &Table, place: &mut Place) -> Result<(Vec<Record>, bool)> {
    let fields: &[&str] = if table.whole { &["name", "modified"] } else { &["*"] };
    let own = place.own.page(client, table.doctype, fields, config.scope(table)).await?;
    let mut more = own.more;
    let mut others: BTreeSet<String> = BTreeSet::new();
    for (part, mark) in table.parts.iter().zip(place.parts.iter_mut()) {
        let changed = mark.page(client, part.doctype(), &part_fields(*part), Vec::new()).await?;
        others.extend(owners(client, *part, &changed.rows).await?);
        (*mark, more) = (changed.next, more || changed.more);
    }
    let (gone, left) = place.gone.page(client, table.doctype).await?;
    for row in &own.rows {
        others.remove(&wire::name(row)?);
    }
    let documents = whole(client, table, own.rows).await?;
    let mut records = parties::join(client, config, table, documents).await?;
    let others: Vec<String> = others.into_iter().collect();
    records.extend(parties::read(client, config, table, &others).await?);
    records.extend(gone);
    place.own = own.next;
    Ok((records, more || left))
}

fn part_fields(part: Part) -> Vec<&'static str> {
    match part {
        Part::Linked(_) => vec!["name", "modified"],
        Part::Named(_, field) => vec!["name", "modified", field],
    }
}

/// The documents that changed parts belong to.
async fn owners(client: &Client, part: Part, rows: &[Value]) -> Result<Vec<String>> {
    match part {
        Part::Named(_, field) => Ok(rows.iter().filter_map(|row| text(row, field)).collect()),
        Part::Linked(doctype) => {
            let names: Vec<String> = rows.iter().map(wire::name).collect::<Result<_>>()?;
            let ask = Ask::of(&["links.link_name"]).with([json!(["Dynamic Link", "link_doctype", "=", "Customer"])]);
            let rows = client.among(doctype, ask, &["name"], &names).await?;
            Ok(rows.iter().filter_map(|row| text(row, "link_name")).collect())
        }
    }
}

/// Deletions, where the token may see them: a plain sales role may not.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Gone(Option<Mark>);

const GRAVES: &str = "Deleted Document";

impl Gone {
    pub async fn begin(client: &Client, doctype: &str) -> Result<Self> {
        Ok(Self(allowed(Mark::newest(client, GRAVES, scope(doctype)).await)?))
    }

    /// Documents that are gone, and whether more are waiting.
    pub async fn page(&mut self, client: &Client, doctype: &str) -> Result<(Vec<Record>, bool)> {
        let (names, more) = self.names(client, doctype).await?;
        // A name that is used again is no deletion.
        let back = client.among(doctype, Ask::of(&["name"]), &["name"], &names).await?;
        let back: BTreeSet<String> = back.iter().map(wire::name).collect::<Result<_>>()?;
        let gone = names.into_iter().filter(|name| !back.contains(name));
        Ok((gone.map(|name| Record { id: name.into(), presence: Presence::Gone, ..Record::default() }).collect(), more))
    }

    async fn names(&mut self, client: &Client, doctype: &str) -> Result<(Vec<String>, bool)> {
        let Some(mark) = &self.0 else { return Ok((Vec::new(), false)) };
        let fields = ["name", "modified", "deleted_name"];
        let Some(page) = allowed(mark.page(client, GRAVES, &fields, scope(doctype)).await)? else {
            return Ok((Vec::new(), false));
        };
        self.0 = Some(page.next);
        Ok((page.rows.iter().filter_map(|row| text(row, "deleted_name")).collect(), page.more))
    }
}

fn scope(doctype: &str) -> Vec<Value> {
    vec![json!(["deleted_doctype", "=", doctype])]
}

/// None where the token lacks the right; a token that is not known at all is an error.
fn allowed<T>(answer: Result<T>) -> Result<Option<T>> {
    let lacks_right = |error: &Error| error.kind() == ErrorKind::Denied && error.fact("status") == Some("403");
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if lacks_right(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
