//! Writes: collections of rows or a bulk job, each row with an outcome of its own.

use std::collections::BTreeMap;

use passerelle_core::model::{Action, Fields, Outcome, RemoteId, Write, Written};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::calls::COLLECTION;
use super::dialect::{is_locked, told};
use super::documents::Documents;
use super::graph::{self, Family};
use super::kind::{ENTRY, LINES};
use super::wire::{Described, RowResult, typed};
use super::{archive, ingest, products, soql};

/// What came of each write, by its place.
pub(super) type Outcomes = BTreeMap<usize, Outcome>;

/// A write as a row.
#[derive(Debug)]
pub(super) struct Row {
    /// Its place among the writes.
    pub at: usize,
    /// The id, or the hub's key of a create.
    pub id: String,
    pub fields: Map<String, Value>,
    pub parts: Parts,
}

/// What a write says of records that are not the row itself.
#[derive(Debug, Default)]
pub(super) struct Parts {
    /// Of the product's price.
    price: Option<Map<String, Value>>,
    /// The lines of a new opportunity.
    lines: Vec<Map<String, Value>>,
}

/// Creates or updates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Upsert,
    Update,
}

/// Makes the writes; one outcome per write, in the same order.
pub(super) async fn write(documents: &Documents<'_>, writes: &[Write]) -> Result<Vec<Outcome>> {
    let described = documents.calls.describe(documents.object).await?;
    let mut outcomes = Outcomes::new();
    let (mut creates, mut updates, mut archives) = (Vec::new(), Vec::new(), Vec::new());
    for (at, write) in writes.iter().enumerate() {
        let (id, row, rows) = match write {
            Write::Create { key, fields, then } => {
                (key.as_str(), split(documents, &described, Verb::Upsert, fields, then), &mut creates)
            }
            Write::Update { id, fields, then, .. } => {
                (id.as_str(), split(documents, &described, Verb::Update, fields, then), &mut updates)
            }
            Write::Archive { id, .. } => {
                archives.push((at, id.as_str()));
                continue;
            }
        };
        match row {
            Ok((fields, parts)) => rows.push(Row { at, id: id.to_owned(), fields, parts }),
            Err(error) => drop(outcomes.insert(at, Err(error))),
        }
    }
    if !creates.is_empty() {
        documents.calls.spare()?;
        if described.field(&documents.rules.key).is_none_or(|field| !field.external_id) {
            let message = "the object lacks the external id field of the hub, or the user does not see it: \
                           `passerelle check` writes a package to deploy";
            return Err(Error::new(ErrorKind::Config, message).at("field", &documents.rules.key));
        }
    }
    let (families, creates): (Vec<Row>, Vec<Row>) = creates.into_iter().partition(|row| !row.parts.lines.is_empty());
    submit(documents, Verb::Upsert, creates, &mut outcomes).await?;
    join(documents, families, &mut outcomes).await?;
    submit(documents, Verb::Update, updates, &mut outcomes).await?;
    archive::archive(documents, &archives, &mut outcomes).await?;
    let silent = || Err(Error::new(ErrorKind::OutcomeUnknown, "salesforce's answer says nothing about this write"));
    Ok((0..writes.len()).map(|at| outcomes.remove(&at).unwrap_or_else(silent)).collect())
}

type Split = (Map<String, Value>, Parts);

/// The fields to write, in the kinds that their object has; and what is a record of its own.
fn split(
    documents: &Documents<'_>,
    described: &Described,
    verb: Verb,
    fields: &Fields,
    then: &[Action],
) -> Result<Split> {
    if let Some(Action(name)) = then.first() {
        return Err(Error::new(ErrorKind::Unsupported, "salesforce has no state moves").at("action", name));
    }
    let (mut own, mut parts) = (Map::new(), Parts::default());
    for (name, value) in fields {
        match (name.as_str(), value) {
            (ENTRY, Value::Object(given)) if documents.kind.joined().contains(&ENTRY) => {
                parts.price = Some(given.clone())
            }
            (ENTRY, Value::Null) if documents.kind.joined().contains(&ENTRY) => parts.price = Some(Map::new()),
            (LINES, Value::Array(given)) if verb == Verb::Upsert && documents.kind.joined().contains(&LINES) => {
                parts.lines = given.iter().filter_map(Value::as_object).cloned().collect();
            }
            (joined, _) if joined == "Id" || joined.contains('.') || documents.kind.joined().contains(&joined) => {
                return Err(Error::new(ErrorKind::Rejected, "this field can only be read").at("field", name));
            }
            (name, value) => {
                let field = described.field(name).ok_or_else(|| {
                    let message = "the field is missing, or not visible to the integration user";
                    Error::new(ErrorKind::Config, message).at("field", name)
                })?;
                own.insert(field.name.clone(), typed(field, value)?);
            }
        }
    }
    Ok((own, parts))
}

/// Sends rows as a bulk job where they are many, and in collections; then the prices of those that were written.
async fn submit(documents: &Documents<'_>, verb: Verb, rows: Vec<Row>, outcomes: &mut Outcomes) -> Result<()> {
    let is_idle = |row: &Row| verb == Verb::Update && row.fields.is_empty();
    let (idle, busy): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(is_idle);
    for row in &idle {
        outcomes.insert(row.at, Ok(Written { id: RemoteId::new(&row.id), record: None }));
    }
    let above = documents.rules.jobs.above;
    if above > 0 && busy.len() > above {
        match ingest::load(documents, verb, &busy, outcomes).await {
            Ok(left) => {
                // Rows were written: what fails here is told of each row that is left.
                let _ = gather(documents, verb, &left, outcomes).await;
            }
            Err(error) if outcomes.values().all(Result::is_err) => return Err(error),
            Err(error) => {
                for row in &busy {
                    outcomes.entry(row.at).or_insert_with(|| Err(copy(&error)));
                }
            }
        }
    } else {
        let rows: Vec<&Row> = busy.iter().collect();
        let told = outcomes.values().any(Result::is_ok);
        if let Err(error) = gather(documents, verb, &rows, outcomes).await
            && !told
        {
            return Err(error);
        }
    }
    price(documents, idle.into_iter().chain(busy).collect(), outcomes).await
}

/// Sends rows in collections. One that fails as a whole ends them: its rows and those after it share its outcome.
///
/// # Errors
/// That of the first collection: nothing was written.
async fn gather(documents: &Documents<'_>, verb: Verb, rows: &[&Row], outcomes: &mut Outcomes) -> Result<()> {
    for (sent, some) in rows.chunks(COLLECTION).enumerate() {
        // One address names one record: two rows of the same key in one call would meet each other.
        match collect(documents, verb, some).await {
            Ok(results) => settle(documents, verb, some, results, outcomes).await,
            Err(error) => {
                let rest = rows.iter().skip(sent * COLLECTION);
                outcomes.extend(rest.map(|row| (row.at, Err(copy(&error)))));
                return if sent == 0 { Err(error) } else { Ok(()) };
            }
        }
    }
    Ok(())
}

async fn collect(documents: &Documents<'_>, verb: Verb, rows: &[&Row]) -> Result<Vec<RowResult>> {
    let key = &documents.rules.key;
    let records = rows.iter().map(|row| {
        let mut record = Map::from_iter([("attributes".to_owned(), json!({"type": documents.object}))]);
        match verb {
            Verb::Upsert => record.insert(key.clone(), json!(row.id)),
            Verb::Update => record.insert("id".to_owned(), json!(row.id)),
        };
        record.extend(row.fields.clone());
        Value::Object(record)
    });
    let path = match verb {
        Verb::Upsert => format!("composite/sobjects/{}/{key}", documents.object),
        Verb::Update => "composite/sobjects".to_owned(),
    };
    documents.calls.collection(&path, &records.collect::<Vec<_>>()).await
}

/// Finds each row's outcome. What only a call of its own tells for sure is sent again alone.
async fn settle(
    documents: &Documents<'_>,
    verb: Verb,
    rows: &[&Row],
    results: Vec<RowResult>,
    outcomes: &mut Outcomes,
) {
    for (row, result) in rows.iter().zip(results) {
        let outcome = match (result.success, result.id) {
            (true, Some(id)) => Ok(Written { id: RemoteId::new(id), record: None }),
            (true, None) => Err(Error::new(ErrorKind::OutcomeUnknown, "the answer has no id for this row")),
            (false, _) => {
                let error = told(result.errors.first().unwrap_or(&Value::Null), 200);
                if is_unsure(&error) { alone(documents, verb, row).await } else { Err(error) }
            }
        };
        outcomes.insert(row.at, outcome);
    }
}

/// Whether only a call of its own tells what becomes of a row: a lock passes, and a reference that is none may be the row
/// itself.
pub(super) fn is_unsure(error: &Error) -> bool {
    is_locked(error) || error.fact("code") == Some("INVALID_CROSS_REFERENCE_KEY")
}

async fn alone(documents: &Documents<'_>, verb: Verb, row: &Row) -> Outcome {
    let object = documents.object;
    let path = match verb {
        Verb::Upsert => format!("sobjects/{object}/{}/{}", documents.rules.key, segment(&row.id)),
        Verb::Update if !soql::is_id(&row.id) => {
            return Err(Error::new(ErrorKind::NotFound, "not the id of a record").at("id", &row.id));
        }
        Verb::Update => format!("sobjects/{object}/{}", row.id),
    };
    let answer = documents.calls.alone(&path, &Value::Object(row.fields.clone())).await?;
    match verb {
        Verb::Update => Ok(Written { id: RemoteId::new(&row.id), record: None }),
        Verb::Upsert => {
            let done: RowResult = answer.parse()?;
            let id = done.id.ok_or_else(|| Error::new(ErrorKind::OutcomeUnknown, "the answer has no id"))?;
            Ok(Written { id: RemoteId::new(id), record: None })
        }
    }
}

/// A value as one part of a path.
fn segment(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
}

/// Sets the prices of the products that were written; a product whose price fails has failed, and may be repeated.
async fn price(documents: &Documents<'_>, rows: Vec<Row>, outcomes: &mut Outcomes) -> Result<()> {
    let mut wanted = Vec::new();
    for row in rows {
        if let (Some(Ok(done)), Some(price)) = (outcomes.get(&row.at), row.parts.price) {
            wanted.push((row.at, done.id.as_str().to_owned(), price));
        }
    }
    if wanted.is_empty() {
        return Ok(());
    }
    match products::set_prices(documents, &wanted).await {
        Ok(failures) => outcomes.extend(failures.into_iter().map(|(at, error)| (at, Err(error)))),
        Err(error) => outcomes.extend(wanted.iter().map(|(at, ..)| (*at, Err(copy(&error))))),
    }
    Ok(())
}

/// Makes opportunities together with their lines.
async fn join(documents: &Documents<'_>, rows: Vec<Row>, outcomes: &mut Outcomes) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let places: Vec<usize> = rows.iter().map(|row| row.at).collect();
    let families =
        rows.into_iter().map(|row| Family { at: row.at, key: row.id, fields: row.fields, lines: row.parts.lines });
    match graph::create(documents, families.collect()).await {
        Ok(done) => outcomes.extend(done),
        Err(error) if outcomes.values().all(Result::is_err) => return Err(error),
        Err(error) => outcomes.extend(places.into_iter().map(|at| (at, Err(copy(&error))))),
    }
    Ok(())
}

/// The error of a call, for one of its rows.
pub(super) fn copy(error: &Error) -> Error {
    let copied = Error::new(error.kind(), error.to_string());
    match error.wait() {
        Some(wait) => copied.retry_after(wait),
        None => copied,
    }
}
