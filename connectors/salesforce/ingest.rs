//! Bulk API 2.0 ingest: very many rows as one job, with what became of each.
//!
//! Rows are upserted by the hub's key or updated by their id, so that a row that is sent again changes nothing more.
//! What a job tells nothing sure about is therefore left to collections, which tell it row by row.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::http::{Body, Request, Response};
use passerelle_core::model::{RemoteId, Written};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::dialect::{LOCKED, told};
use super::documents::Documents;
use super::job::{self, Job, Way};
use super::soql;
use super::wire::Described;
use super::writes::{Outcomes, Row, Verb};

/// Rows of one write: what Salesforce works on at once inside a job [documented].
pub(super) const ROWS: usize = 10_000;
/// Bytes of one upload; 100 MB are too many [documented].
const BYTES: usize = 90_000_000;
/// How often rows are uploaded anew, and a job is closed anew, after an answer was lost.
const TRIES: usize = 3;
/// A cell that empties a field; an empty cell leaves it as it is [documented].
const EMPTIED: &str = "#N/A";
/// Refusals that only a collection tells for sure: a lock passes, a twin has an id, a reference may be the row itself.
const UNSURE: [&str; 3] = [LOCKED, "INVALID_CROSS_REFERENCE_KEY", "DUPLICATES_DETECTED"];

/// When rows are written as a job.
#[derive(Clone, Copy, Debug)]
pub(super) struct Jobs {
    /// More rows than this are a job; 0 makes none.
    pub above: usize,
    /// Seconds that a job may take, of either way, before it is aborted.
    pub patience: i64,
}

/// Rows of one upload.
#[derive(Debug)]
struct Table<'r> {
    text: Vec<u8>,
    rows: Vec<&'r Row>,
}

/// Writes rows as jobs, and gives back the rows that are for collections.
///
/// # Errors
/// Those of a job that was never closed: nothing was written of the rows that have no outcome.
pub(super) async fn load<'r>(
    documents: &Documents<'_>,
    verb: Verb,
    rows: &'r [Row],
    outcomes: &mut Outcomes,
) -> Result<Vec<&'r Row>> {
    let described = documents.calls.describe(documents.object).await?;
    let (mut met, mut fit, mut left) = (BTreeSet::new(), Vec::new(), Vec::new());
    for row in rows {
        // Results name rows by their id, in an order of their own: of two rows with one id the second one waits.
        let fits = is_sayable(verb, row) && met.insert(row.id.as_str());
        if fits { fit.push(row) } else { left.push(row) }
    }
    // Rows of one parent lock it: side by side they are worked on one after the other.
    fit.sort_by_cached_key(|row| parents(&described, row));
    for table in tables(column(documents, verb), &fit)? {
        match begin(documents, verb, &table.text).await? {
            Some(job) => left.extend(follow(documents, verb, &job, &table.rows, outcomes).await),
            None => left.extend(table.rows),
        }
    }
    Ok(left)
}

/// The column that names a row.
fn column<'d>(documents: &Documents<'d>, verb: Verb) -> &'d str {
    match verb {
        Verb::Upsert => &documents.rules.key,
        Verb::Update => "Id",
    }
}

/// Whether a table can say a row.
fn is_sayable(verb: Verb, row: &Row) -> bool {
    let is_named = verb == Verb::Upsert || soql::is_id(&row.id);
    is_named && !row.fields.values().any(|value| value.as_str() == Some(EMPTIED))
}

fn parents(described: &Described, row: &Row) -> Vec<String> {
    let is_reference = |name: &str| described.field(name).is_some_and(|field| field.kind == "reference");
    let named = row.fields.iter().filter(|(name, _)| is_reference(name));
    named.map(|(_, value)| value.to_string()).collect()
}

/// Rows as tables that are small enough to be uploaded.
fn tables<'r>(column: &str, rows: &[&'r Row]) -> Result<Vec<Table<'r>>> {
    let names: BTreeSet<&str> = rows.iter().flat_map(|row| row.fields.keys().map(String::as_str)).collect();
    let header = std::iter::once(column.to_owned()).chain(names.iter().map(|name| (*name).to_owned()));
    let header = line(header)?;
    let mut tables: Vec<Table<'r>> = Vec::new();
    for row in rows {
        let cells = names.iter().map(|name| cell(row.fields.get(*name)));
        let line = line(std::iter::once(row.id.clone()).chain(cells))?;
        match tables.last_mut() {
            Some(table) if table.text.len() + line.len() <= BYTES => {
                table.text.extend(line);
                table.rows.push(row);
            }
            _ => tables.push(Table { text: [header.clone(), line].concat(), rows: vec![row] }),
        }
    }
    Ok(tables)
}

fn line(cells: impl Iterator<Item = String>) -> Result<Vec<u8>> {
    let broken = |cause| Error::new(ErrorKind::Bug, "a row cannot be written as a table").because(cause);
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(cells.collect::<Vec<_>>()).map_err(broken)?;
    writer.into_inner().map_err(|_| Error::new(ErrorKind::Bug, "a row cannot be written as a table"))
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None => String::new(),
        Some(Value::Null) => EMPTIED.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Opens a job and uploads its rows; none where Salesforce takes no such job. Nothing is written before it is closed.
async fn begin(documents: &Documents<'_>, verb: Verb, table: &[u8]) -> Result<Option<String>> {
    let mut lost = Error::new(ErrorKind::Unavailable, "the rows of a bulk job could not be uploaded");
    for _ in 0..TRIES {
        let Some(job) = taken(open(documents, verb).await)? else { return Ok(None) };
        match upload(documents, &job, table).await {
            Ok(_) => return Ok(Some(job.id)),
            Err(error) => {
                // Rows that were uploaded twice would be written twice: the job is given up, and never closed.
                let _ = job::turn(documents.calls, Way::Ingest, &job.id, "Aborted").await;
                if error.kind() != ErrorKind::OutcomeUnknown {
                    return taken(Err(error));
                }
                lost = error.with_kind(ErrorKind::Unavailable);
            }
        }
    }
    Err(lost)
}

/// What was answered; none where the answer is that there are no such jobs.
fn taken<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if matches!(error.kind(), ErrorKind::Rejected | ErrorKind::Config) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn open(documents: &Documents<'_>, verb: Verb) -> Result<Job> {
    let mut body = json!({
        "object": documents.object, "operation": "update", "contentType": "CSV", "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    });
    if verb == Verb::Upsert {
        body["operation"] = json!("upsert");
        body["externalIdFieldName"] = json!(documents.rules.key);
    }
    // A second job without rows does nothing.
    documents.calls.call(Request::post(documents.calls.path("jobs/ingest"), body).harmless()).await?.parse()
}

async fn upload(documents: &Documents<'_>, job: &Job, table: &[u8]) -> Result<Response> {
    let request = Request { body: Body::Bytes(table.to_vec()), ..Request::new("PUT", &job.content_url) };
    documents.calls.call(request.header("Content-Type", "text/csv")).await
}

/// Closes a job, waits for it and finds what became of its rows; the rows that are for collections.
async fn follow<'r>(
    documents: &Documents<'_>,
    verb: Verb,
    id: &str,
    rows: &[&'r Row],
    outcomes: &mut Outcomes,
) -> Vec<&'r Row> {
    let mut waiting: BTreeMap<&str, &'r Row> = rows.iter().map(|row| (row.id.as_str(), *row)).collect();
    let mut left = Vec::new();
    let found = match end(documents, id).await {
        Ok(()) => results(documents, verb, id, &mut waiting, &mut left, outcomes).await,
        Err(error) => Err(error),
    };
    match found {
        // A job that is not there any more writes nothing any more either.
        Err(error) if error.kind() == ErrorKind::NotFound => left.extend(waiting.into_values()),
        Err(error) => outcomes.extend(waiting.into_values().map(|row| (row.at, Err(unknown(verb, &error))))),
        Ok(()) if verb == Verb::Upsert => left.extend(waiting.into_values()),
        Ok(()) => {
            let silent = || Error::new(ErrorKind::OutcomeUnknown, "a bulk job says nothing about this row");
            outcomes.extend(waiting.into_values().map(|row| (row.at, Err(silent()))));
        }
    }
    left
}

/// A job that is perhaps still at work. A row with a key may be sent again: it makes no second record.
fn unknown(verb: Verb, error: &Error) -> Error {
    let kind = if verb == Verb::Upsert { ErrorKind::Unavailable } else { ErrorKind::OutcomeUnknown };
    Error::new(kind, format!("what a bulk job did is not known: {error}"))
}

/// Brings a job to its end: done, failed, or aborted because it took too long.
async fn end(documents: &Documents<'_>, id: &str) -> Result<()> {
    let api = &documents.calls.api;
    let until = api.now().as_second().saturating_add(documents.rules.jobs.patience);
    for _ in 0..TRIES {
        // A lost answer of this call is no matter: the job's state tells.
        let _ = job::turn(documents.calls, Way::Ingest, id, "UploadComplete").await;
        match job::watch(documents.calls, Way::Ingest, id, until).await {
            Ok(state) if state == "Open" => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(error),
            Err(_) => break,
        }
    }
    // Whatever it still has to do must not come after what is written next.
    let _ = job::turn(documents.calls, Way::Ingest, id, "Aborted").await;
    let state = job::watch(documents.calls, Way::Ingest, id, api.now().as_second()).await?;
    if state == "Open" {
        return Err(Error::new(ErrorKind::Unavailable, "a bulk job could neither be closed nor aborted"));
    }
    Ok(())
}

/// Takes the rows that a job's tables tell about out of those that wait.
async fn results<'r>(
    documents: &Documents<'_>,
    verb: Verb,
    id: &str,
    waiting: &mut BTreeMap<&str, &'r Row>,
    left: &mut Vec<&'r Row>,
    outcomes: &mut Outcomes,
) -> Result<()> {
    let column = column(documents, verb);
    for told in table(documents, id, "successfulResults/", column, "sf__Id").await? {
        if let Some(row) = waiting.remove(told.name.as_str()) {
            outcomes.insert(row.at, Ok(Written { id: RemoteId::new(told.says), record: None }));
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    for told in table(documents, id, "failedResults/", column, "sf__Error").await? {
        let Some(row) = waiting.remove(told.name.as_str()) else { continue };
        let error = refusal(&told.says);
        if error.fact("code").is_some_and(|code| UNSURE.contains(&code)) {
            left.push(row);
        } else {
            outcomes.insert(row.at, Err(error));
        }
    }
    if waiting.is_empty() {
        return Ok(());
    }
    let untried = table(documents, id, "unprocessedrecords/", column, column).await?;
    left.extend(untried.iter().filter_map(|told| waiting.remove(told.name.as_str())));
    Ok(())
}

/// A row of a table of results.
#[derive(Debug)]
struct Told {
    /// The cell that names the row.
    name: String,
    /// The cell that was asked for.
    says: String,
}

async fn table(documents: &Documents<'_>, id: &str, which: &str, column: &str, says: &str) -> Result<Vec<Told>> {
    let path = documents.calls.path(&format!("jobs/ingest/{id}/{which}"));
    let answer = documents.calls.call(Request::get(path).header("Accept", "text/csv")).await?;
    read(&answer.body, column, says)
}

fn read(table: &[u8], column: &str, says: &str) -> Result<Vec<Told>> {
    let broken = |cause| Error::new(ErrorKind::Bug, "the result of a bulk job is no table").because(cause);
    let mut reader = csv::Reader::from_reader(table);
    let header = reader.headers().map_err(broken)?.clone();
    let place = |wanted: &str| header.iter().position(|name| name.eq_ignore_ascii_case(wanted));
    let (Some(name), Some(says)) = (place(column), place(says)) else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let cell = |at: usize| record.get(at).unwrap_or_default().to_owned();
        rows.push(Told { name: cell(name), says: cell(says) });
    }
    Ok(rows)
}

/// `CODE:message:fields --`, as a collection would tell it.
fn refusal(cell: &str) -> Error {
    let (code, rest) = cell.split_once(':').unwrap_or(("", cell));
    let (message, fields) = match rest.trim_end().strip_suffix("--") {
        Some(rest) => rest.trim_end().rsplit_once(':').unwrap_or((rest.trim_end(), "")),
        None => (rest, ""),
    };
    let fields: Vec<&str> = fields.split(',').map(str::trim).filter(|field| !field.is_empty()).collect();
    told(&json!({"statusCode": code, "message": message, "fields": fields}), 200)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_row_tells_its_code_its_words_and_its_fields() {
        let told = refusal("REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --");
        assert_eq!((told.kind(), told.fact("code")), (ErrorKind::Rejected, Some("REQUIRED_FIELD_MISSING")));
        let words = "salesforce says: Required fields are missing: [Name]";
        assert_eq!((told.message(), told.fact("field")), (words, Some("Name")));
        let told =
            refusal("DUPLICATE_VALUE:duplicate value found: X duplicates value on record with id: 001xx000003DGb2:--");
        assert_eq!((told.fact("twin"), told.fact("field")), (Some("001xx000003DGb2"), None));
        assert_eq!(refusal("UNABLE_TO_LOCK_ROW").message(), "salesforce says: UNABLE_TO_LOCK_ROW");
    }

    fn row(id: &str, fields: Value) -> Row {
        Row { at: 0, id: id.to_owned(), fields: fields.as_object().unwrap().clone(), parts: Default::default() }
    }

    #[test]
    fn an_absent_value_is_an_empty_cell_and_an_emptied_one_says_so() {
        let rows = [
            row("1", json!({"Name": "a \"b\",\nc", "Phone": null})),
            row("2", json!({"Paid__c": 1593.7, "Is__c": true})),
        ];
        let tables = tables("Key__c", &rows.iter().collect::<Vec<_>>()).unwrap();
        let text = "Key__c,Is__c,Name,Paid__c,Phone\n1,,\"a \"\"b\"\",\nc\",,#N/A\n2,true,,1593.7,\n";
        assert_eq!(String::from_utf8(tables[0].text.clone()).unwrap(), text);
    }

    #[test]
    fn a_text_that_would_empty_a_field_is_not_for_a_table() {
        assert!(!is_sayable(Verb::Upsert, &row("1", json!({"Name": "#N/A"}))));
        assert!(is_sayable(Verb::Upsert, &row("1", json!({"Name": "N/A"}))));
        assert!(!is_sayable(Verb::Update, &row("no id", json!({"Name": "a"}))));
    }
}
