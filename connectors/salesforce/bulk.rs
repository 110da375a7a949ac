//! Bulk API 2.0: a first read of very many rows, as one job whose result is a table.

use passerelle_core::http::Request;
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::dialect::AT_WORK;
use super::documents::Documents;
use super::job::{self, Job, Way};
use super::wire::{Described, Row};

/// Rows of one page of a result.
const PAGE: &str = "5000";

/// What became of a job.
#[derive(Debug)]
pub(super) enum Found {
    Part(Part),
    /// It is not done yet.
    AtWork,
    /// It failed, was aborted, or is no longer there.
    Nothing,
}

/// A page of a result.
#[derive(Debug)]
pub(super) struct Part {
    pub rows: Vec<Row>,
    /// Where the next page begins.
    pub locator: Option<String>,
}

/// Asks for every row of an object, deleted ones too; the job's id. None where bulk jobs refuse the query, which they do
/// for some kinds of fields.
pub(super) async fn begin(documents: &Documents<'_>) -> Result<Option<String>> {
    let body = json!({
        "operation": "queryAll", "query": documents.select().await?, "contentType": "CSV", "lineEnding": "LF",
        "columnDelimiter": "COMMA",
    });
    // A second job for the same question costs something, and changes nothing.
    let request = Request::post(documents.calls.path("jobs/query"), body).harmless();
    match documents.calls.call(request).await {
        Ok(answer) => Ok(Some(answer.parse::<Job>()?.id)),
        Err(error) if matches!(error.kind(), ErrorKind::Rejected | ErrorKind::Config) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Waits for a job, for as long as one call may wait, and reads a page of its result.
pub(super) async fn read(documents: &Documents<'_>, id: &str, locator: Option<&str>) -> Result<Found> {
    let calls = documents.calls;
    if locator.is_none() {
        match job::watch(calls, Way::Query, id, calls.api.now().as_second()).await {
            Ok(state) if state == "JobComplete" => {}
            Ok(_) => return Ok(Found::Nothing),
            Err(error) if error.fact(AT_WORK).is_some() => return Ok(Found::AtWork),
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
            Err(error) => return Err(error),
        }
    }
    let path = Way::Query.path(calls, id);
    let mut request = Request::get(format!("{path}/results")).query("maxRecords", PAGE).header("Accept", "text/csv");
    if let Some(locator) = locator {
        request = request.query("locator", locator);
    }
    let answer = match calls.call(request).await {
        Ok(answer) => answer,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error),
    };
    // The last page bears the text `null`.
    let locator = answer.header("Sforce-Locator").filter(|locator| *locator != "null").map(str::to_owned);
    let described = calls.describe(documents.object).await?;
    Ok(Found::Part(Part { rows: rows(&answer.body, &described)?, locator }))
}

/// Gives a job up. One that goes on all the same only reads.
pub(super) async fn abort(documents: &Documents<'_>, id: &str) {
    let _ = job::turn(documents.calls, Way::Query, id, "Aborted").await;
}

/// A table as rows, each value as a query would answer it.
fn rows(table: &[u8], described: &Described) -> Result<Vec<Row>> {
    let broken = |cause| Error::new(ErrorKind::Bug, "the result of a bulk job is no table").because(cause);
    let mut reader = csv::Reader::from_reader(table);
    let header = reader.headers().map_err(broken)?.clone();
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(broken)?;
        let mut row = Map::new();
        for (name, cell) in header.iter().zip(record.iter()) {
            let kind = described.field(name).map_or("string", |field| field.kind.as_str());
            put(&mut row, name, value(kind, cell));
        }
        rows.push(Row(row));
    }
    Ok(rows)
}

/// A cell as the value that a query answers; nothing and an empty text are the same there.
fn value(kind: &str, cell: &str) -> Value {
    match kind {
        "boolean" => json!(cell == "true"),
        _ if cell.is_empty() => Value::Null,
        "currency" | "double" | "percent" | "int" => {
            let number = cell.parse::<Decimal>().or_else(|_| Decimal::from_scientific(cell));
            json!(number.map_or_else(|_| cell.to_owned(), |number| number.normalize().to_string()))
        }
        "datetime" => json!(cell.strip_suffix('Z').map_or_else(|| cell.to_owned(), |start| format!("{start}+0000"))),
        _ => json!(cell),
    }
}

/// Puts a value at a path over parents.
fn put(row: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('.') {
        None => drop(row.insert(path.to_owned(), value)),
        Some((parent, rest)) => {
            let inner = row.entry(parent).or_insert_with(|| Value::Object(Map::new()));
            if let Some(inner) = inner.as_object_mut() {
                put(inner, rest, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_as_a_query_would_answer() {
        let fields = [
            ("Id", "id"),
            ("Amount", "currency"),
            ("IsWon", "boolean"),
            ("SystemModstamp", "datetime"),
            ("Name", "string"),
        ];
        let fields: Vec<Value> = fields.iter().map(|(name, kind)| json!({"name": name, "type": kind})).collect();
        let described: Described = serde_json::from_value(json!({"fields": fields})).unwrap();
        let table = "\"Id\",\"Amount\",\"IsWon\",\"SystemModstamp\",\"Name\",\"Account.Name\"\n\
                     \"006\",\"1.6147805824397E13\",\"true\",\"2026-11-23T09:00:00.000Z\",\"a \"\"b\"\",\nc\",\"\"\n";
        let row = json!({
            "Id": "006", "Amount": "16147805824397", "IsWon": true, "SystemModstamp": "2026-11-23T09:00:00.000+0000",
            "Name": "a \"b\",\nc", "Account": {"Name": null},
        });
        assert_eq!(Value::Object(rows(table.as_bytes(), &described).unwrap()[0].0.clone()), row);
    }
}
