//! Writes: batches in which one bad row harms no other.

use std::collections::BTreeMap;

use passerelle_core::model::{Action, ExternalKey, Fields, Outcome, RemoteId, Write, Written};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::calls::Calls;
use super::companies::{Company, set_companies};
use super::dialect::{plain, twin};
use super::kind::{KEY, Kind};
use super::wire::{Batch, ItemError, Object, written};

/// What came of each write, by its place.
type Outcomes = BTreeMap<usize, Outcome>;

/// A write as an input of a batch.
#[derive(Debug)]
struct Row {
    /// Its place among the writes.
    at: usize,
    /// The id, or the hub's key of a create.
    id: String,
    input: Value,
    company: Company,
}

/// Makes the writes; one outcome per write, in the same order.
pub(super) async fn write(calls: &Calls, kind: Kind, writes: &[Write]) -> Result<Vec<Outcome>> {
    let mut outcomes = Outcomes::new();
    let (mut creates, mut updates, mut archives) = (Vec::new(), Vec::new(), Vec::new());
    for (at, write) in writes.iter().enumerate() {
        match write {
            Write::Create { key, fields, then } => match create_row(kind, at, key, fields, then) {
                Ok(row) => creates.push(row),
                Err(error) => drop(outcomes.insert(at, Err(error))),
            },
            Write::Update { id, fields, then, .. } => match update_row(kind, at, id, fields, then) {
                Ok(row) => updates.push(row),
                Err(error) => drop(outcomes.insert(at, Err(error))),
            },
            Write::Archive { id, .. } => archives.push((at, id)),
        }
    }
    submit(calls, kind, "upsert", creates, &mut outcomes).await?;
    submit(calls, kind, "update", updates, &mut outcomes).await?;
    archive(calls, kind, &archives, &mut outcomes).await?;
    let silent = || Err(Error::new(ErrorKind::OutcomeUnknown, "hubspot's answer says nothing about this write"));
    Ok((0..writes.len()).map(|at| outcomes.remove(&at).unwrap_or_else(silent)).collect())
}

fn create_row(kind: Kind, at: usize, key: &ExternalKey, fields: &Fields, then: &[Action]) -> Result<Row> {
    let (mut properties, company) = split(kind, fields, then)?;
    properties.insert(KEY.to_owned(), json!(key.as_str()));
    let input = json!({
        "idProperty": KEY, "id": key.as_str(), "objectWriteTraceId": trace(at), "properties": properties,
    });
    Ok(Row { at, id: key.as_str().to_owned(), input, company })
}

fn update_row(kind: Kind, at: usize, id: &RemoteId, fields: &Fields, then: &[Action]) -> Result<Row> {
    let (properties, company) = split(kind, fields, then)?;
    let input = json!({"id": id.as_str(), "objectWriteTraceId": trace(at), "properties": properties});
    Ok(Row { at, id: id.as_str().to_owned(), input, company })
}

fn trace(at: usize) -> String {
    format!("row-{at}")
}

/// The properties to write, and the company to associate.
fn split(kind: Kind, fields: &Fields, then: &[Action]) -> Result<(Map<String, Value>, Company)> {
    if let Some(Action(name)) = then.first() {
        return Err(Error::new(ErrorKind::Unsupported, "hubspot has no state moves").at("action", name));
    }
    let (mut properties, mut company) = (Map::new(), Company::Keep);
    for (name, value) in fields {
        match name.as_str() {
            "associated_company" if kind.joined().contains(&"associated_company") => company = Company::of(value)?,
            joined if joined == "id" || joined.contains('.') || kind.joined().contains(&joined) => {
                return Err(Error::new(ErrorKind::Rejected, "this field can only be read").at("field", name));
            }
            name => {
                properties.insert(name.to_owned(), json!(written(name, value)?));
            }
        }
    }
    Ok((properties, company))
}

/// Sends rows as batches; a batch that is refused as a whole is taken apart until the bad row stands alone.
async fn submit(calls: &Calls, kind: Kind, operation: &str, rows: Vec<Row>, outcomes: &mut Outcomes) -> Result<()> {
    let is_idle = |row: &Row| operation == "update" && row.input["properties"].as_object().is_none_or(Map::is_empty);
    let (mut done, rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(is_idle);
    outcomes.extend(done.iter().map(|row| (row.at, Ok(Written { id: RemoteId::new(&row.id), record: None }))));
    let mut waiting = vec![rows];
    while let Some(mut rows) = waiting.pop() {
        if rows.is_empty() {
            continue;
        }
        let inputs: Vec<&Value> = rows.iter().map(|row| &row.input).collect();
        let refused = match calls.write(kind.path(), operation, &inputs).await {
            Ok(batch) => {
                settle(&rows, &batch, outcomes);
                done.extend(rows);
                continue;
            }
            Err(error) => error,
        };
        match refused.kind() {
            ErrorKind::Rejected | ErrorKind::NotFound if rows.len() > 1 => {
                let (named, innocent) = apart(rows, &refused);
                outcomes.extend(named.iter().map(|row| (row.at, Err(copy(&refused)))));
                waiting.extend(innocent);
            }
            ErrorKind::Rejected | ErrorKind::NotFound => {
                outcomes.extend(rows.pop().map(|row| (row.at, Err(refused))));
            }
            _ if done.is_empty() && outcomes.values().all(Result::is_err) => return Err(refused),
            _ => {
                let rest = rows.iter().chain(waiting.iter().flatten());
                outcomes.extend(rest.map(|row| (row.at, Err(copy(&refused)))));
                break;
            }
        }
    }
    associate(calls, kind, &done, outcomes).await;
    Ok(())
}

/// The rows that a refusal names, and the others in batches; when it names none, two halves.
fn apart(rows: Vec<Row>, refused: &Error) -> (Vec<Row>, Vec<Vec<Row>>) {
    let named: Vec<&str> = refused.fact("rows").unwrap_or_default().split_whitespace().collect();
    let (bad, mut good): (Vec<Row>, Vec<Row>) =
        rows.into_iter().partition(|row| named.contains(&trace(row.at).as_str()));
    if !bad.is_empty() {
        return (bad, vec![good]);
    }
    let other = good.split_off(good.len() / 2);
    (bad, vec![other, good])
}

/// Finds each row's own result in an answer that has them in any order.
fn settle(rows: &[Row], batch: &Batch<Object>, outcomes: &mut Outcomes) {
    for row in rows {
        let trace = trace(row.at);
        let traced = |object: &&Object| object.object_write_trace_id.as_deref() == Some(&trace);
        let named = |object: &&Object| {
            object.id == row.id
                || object.value(KEY) == Some(&row.id)
                || object.merged_ids().any(|merged| merged == row.id)
        };
        let found = batch.results.iter().find(traced).or_else(|| batch.results.iter().find(named));
        if let Some(object) = found {
            outcomes.insert(row.at, Ok(Written { id: RemoteId::new(&object.id), record: None }));
        } else if let Some(error) = batch.errors.iter().find(|error| error.names(&[&trace, &row.id])) {
            outcomes.insert(row.at, Err(error.judge()));
        }
    }
}

impl ItemError {
    fn names(&self, any: &[&str]) -> bool {
        let named = self.context.values().filter_map(Value::as_array).flatten().filter_map(Value::as_str);
        named.into_iter().any(|name| any.contains(&name))
    }

    fn judge(&self) -> Error {
        let kind = match self.category.as_str() {
            "OBJECT_NOT_FOUND" => ErrorKind::NotFound,
            "RATE_LIMITS" => ErrorKind::RateLimited,
            _ => ErrorKind::Rejected,
        };
        let error = Error::new(kind, format!("hubspot says: {}", plain(&self.message))).at("category", &self.category);
        match twin(&self.message) {
            Some(id) => error.at("twin", id),
            None => error,
        }
    }
}

/// Associates what was written; a row whose association fails has failed, and may be repeated.
async fn associate(calls: &Calls, kind: Kind, rows: &[Row], outcomes: &mut Outcomes) {
    let mut wanted = Vec::new();
    for row in rows {
        if let (Some(Ok(done)), true) = (outcomes.get(&row.at), row.company != Company::Keep) {
            wanted.push((row.at, done.id.clone(), &row.company));
        }
    }
    for (at, error) in set_companies(calls, kind, &wanted).await {
        outcomes.insert(at, Err(error));
    }
}

async fn archive(calls: &Calls, kind: Kind, rows: &[(usize, &RemoteId)], outcomes: &mut Outcomes) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let ids: Vec<&str> = rows.iter().map(|(_, id)| id.as_str()).collect();
    let done = match calls.archive(kind.path(), &ids).await {
        Err(error) if outcomes.values().all(Result::is_err) => return Err(error),
        done => done,
    };
    for (at, id) in rows {
        let outcome = match &done {
            Ok(()) => Ok(Written { id: (*id).clone(), record: None }),
            Err(error) => Err(copy(error)),
        };
        outcomes.insert(*at, outcome);
    }
    Ok(())
}

/// The error of a batch, for one of its rows.
pub(super) fn copy(error: &Error) -> Error {
    let copied = Error::new(error.kind(), error.to_string());
    match error.wait() {
        Some(wait) => copied.retry_after(wait),
        None => copied,
    }
}
