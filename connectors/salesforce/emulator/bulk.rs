//! Bulk API 2.0: jobs that take their time, both ways.

use std::collections::BTreeMap;

use jiff::Timestamp;
use passerelle_core::http::Response;
use serde_json::{Map, Value, json};

use super::call::Call;
use super::csv;
use super::field::stamp;
use super::id;
use super::org::Org;
use super::refusal::{Refusal, Reply};
use super::soql::{self, Found, Scope};

/// Jobs that were made.
#[derive(Clone, Debug, Default)]
pub(super) struct Jobs {
    jobs: BTreeMap<String, Job>,
}

/// A job, of either direction.
#[derive(Clone, Debug)]
pub(super) struct Job {
    id: String,
    is_query: bool,
    operation: String,
    object: String,
    key: Option<String>,
    query: String,
    state: &'static str,
    version: String,
    made: Timestamp,
    /// When its work is done.
    due: Option<Timestamp>,
    data: Option<String>,
    header: Vec<String>,
    good: Vec<Vec<String>>,
    bad: Vec<Vec<String>>,
    untried: Vec<Vec<String>>,
    /// Why it failed.
    error: Option<&'static str>,
}

impl Jobs {
    /// Answers `/jobs/query/...` and `/jobs/ingest/...`.
    pub(super) fn answer(&mut self, org: &mut Org, call: &Call<'_>, rest: &[&str]) -> Reply {
        self.work(org, call.now);
        match (call.method, rest) {
            ("POST", ["query"]) => self.create_query(org, call),
            ("POST", ["ingest"]) => self.create_ingest(org, call),
            ("GET", [_]) => {
                let records: Vec<Value> = self.jobs.values().map(Job::told).collect();
                Ok(Response::json(200, &json!({"done": true, "nextRecordsUrl": null, "records": records})))
            }
            (_, [direction @ ("query" | "ingest"), id, more @ ..]) => {
                let job = id::long(id).and_then(|id| self.jobs.get_mut(&id));
                let job = job.filter(|job| job.is_query == (*direction == "query")).ok_or_else(Refusal::not_found)?;
                if job.version != call.version {
                    return Err(Refusal::new(409, "API_VERSION_MISMATCH", "the job was made with another version"));
                }
                match (call.method, more) {
                    ("GET", []) => Ok(Response::json(200, &job.told())),
                    ("PATCH", []) => job.turn(org, call),
                    ("DELETE", []) => {
                        let id = job.id.clone();
                        self.jobs.remove(&id);
                        Ok(Response::empty(204))
                    }
                    ("PUT", ["batches"]) => job.take(call),
                    ("GET", ["results"]) => job.results(call),
                    ("GET", ["successfulResults"]) => Ok(job.table(&["sf__Id", "sf__Created"], &job.good)),
                    ("GET", ["failedResults"]) => Ok(job.table(&["sf__Id", "sf__Error"], &job.bad)),
                    ("GET", ["unprocessedrecords"]) => Ok(job.table(&[], &job.untried)),
                    _ => Err(Refusal::not_found()),
                }
            }
            (method, _) => Err(Refusal::method(method)),
        }
    }

    fn create_query(&mut self, org: &Org, call: &Call<'_>) -> Reply {
        let body = call.object()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let query = text("query");
        let operation = text("operation");
        if !matches!(operation.as_str(), "query" | "queryAll") {
            return Err(Refusal::bad("INVALIDJOB", format!("InvalidJob : Unknown operation {operation}")));
        }
        let parsed = soql::parse(&query)?;
        if !soql::is_flat(&parsed) {
            let message = "Aggregate Relationships not supported in Bulk Query";
            return Err(Refusal::bad("API_ERROR", message));
        }
        let object = org.name(&parsed.from)?;
        // What it names is looked at now, what it finds later.
        soql::run(org, &soql::Query { limit: Some(0), ..parsed }, Scope::All, call.version, call.now)?;
        let job = self.make(call, true, operation, object, None, query);
        job.state = "UploadComplete";
        job.due = Some(call.now + org.settings.bulk_delay);
        Ok(Response::json(200, &job.told()))
    }

    fn create_ingest(&mut self, org: &Org, call: &Call<'_>) -> Reply {
        let body = call.object()?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let object = org.name(&text("object")).map_err(|_| {
            Refusal::bad(
                "INVALIDENTITY",
                format!("InvalidEntity : Entity '{}' is not supported by the Bulk API.", text("object")),
            )
        })?;
        let operation = text("operation");
        if !matches!(operation.as_str(), "insert" | "update" | "upsert" | "delete" | "hardDelete") {
            return Err(Refusal::bad("INVALIDJOB", format!("InvalidJob : Unknown operation {operation}")));
        }
        let key = if operation == "upsert" {
            let name = text("externalIdFieldName");
            let known = org.external(&object, &name).ok().or_else(|| (name == "Id").then(|| name.clone()));
            let message = format!(
                "InvalidJob : Field name provided, {name} does not match an External ID, Salesforce Id, or indexed field for {object}"
            );
            Some(known.ok_or_else(|| Refusal::bad("INVALIDJOB", message))?)
        } else {
            None
        };
        let job = self.make(call, false, operation, object, key, String::new());
        Ok(Response::json(200, &job.told()))
    }

    fn make(
        &mut self,
        call: &Call<'_>,
        is_query: bool,
        operation: String,
        object: String,
        key: Option<String>,
        query: String,
    ) -> &mut Job {
        let id = id::make("750", self.jobs.len() as u64 + 1);
        let job = Job {
            id: id.clone(),
            is_query,
            operation,
            object,
            key,
            query,
            state: "Open",
            version: call.version.to_owned(),
            made: call.now,
            due: None,
            data: None,
            header: Vec::new(),
            good: Vec::new(),
            bad: Vec::new(),
            untried: Vec::new(),
            error: None,
        };
        self.jobs.entry(id).or_insert(job)
    }

    /// Does what is due.
    fn work(&mut self, org: &mut Org, now: Timestamp) {
        for job in self.jobs.values_mut().filter(|job| job.due.is_some_and(|due| due <= now)) {
            job.due = None;
            job.state = match if job.is_query { job.find(org, now) } else { job.load(org, now) } {
                Ok(()) => "JobComplete",
                Err(_) => "Failed",
            };
        }
    }
}

impl Job {
    fn told(&self) -> Value {
        let direction = if self.is_query { "query" } else { "ingest" };
        let number: Value = serde_json::from_str(self.version.trim_start_matches('v')).unwrap_or(Value::Null);
        let state = if self.due.is_some() { "InProgress" } else { self.state };
        let mut told = json!({
            "id": self.id, "operation": self.operation, "object": self.object, "createdById": super::org::INTEGRATION,
            "createdDate": stamp(self.made), "systemModstamp": stamp(self.made), "state": state,
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": number, "lineEnding": "LF",
            "columnDelimiter": "COMMA", "jobType": if self.is_query { "V2Query" } else { "V2Ingest" },
        });
        if let Some(key) = &self.key {
            told["externalIdFieldName"] = json!(key);
        }
        if self.is_query {
            told["numberRecordsProcessed"] = json!(self.good.len());
        } else {
            // Without a leading slash, as the vendor has it.
            told["contentUrl"] = json!(format!("services/data/{}/jobs/{direction}/{}/batches", self.version, self.id));
            told["numberRecordsProcessed"] = json!(self.good.len() + self.bad.len());
            told["numberRecordsFailed"] = json!(self.bad.len());
            told["apexProcessingTime"] = json!(0);
        }
        if let Some(error) = self.error {
            told["errorMessage"] = json!(error);
        }
        told["retries"] = json!(0);
        told["totalProcessingTime"] = json!(100);
        told
    }

    /// `PATCH {"state": "UploadComplete" | "Aborted"}`.
    fn turn(&mut self, org: &Org, call: &Call<'_>) -> Reply {
        let body = call.object()?;
        match body.get("state").and_then(Value::as_str) {
            Some("UploadComplete") if self.state == "Open" && !self.is_query => {
                self.state = "UploadComplete";
                self.due = Some(call.now + org.settings.bulk_delay);
            }
            Some("Aborted") if self.state != "JobComplete" => {
                (self.state, self.due) = ("Aborted", None);
                let mut rows = csv::read(self.data.as_deref().unwrap_or_default()).unwrap_or_default().into_iter();
                self.header = rows.next().unwrap_or_default();
                self.untried = rows.collect();
            }
            state => {
                let message = format!("InvalidJobState : a job that is {} cannot become {state:?}", self.state);
                return Err(Refusal::bad("INVALIDJOBSTATE", message));
            }
        }
        Ok(Response::json(200, &self.told()))
    }

    fn take(&mut self, call: &Call<'_>) -> Reply {
        if self.state != "Open" || self.data.is_some() {
            return Err(Refusal::bad("INVALIDJOBSTATE", "InvalidJobState : data can be uploaded once, to an open job"));
        }
        self.data = Some(call.text());
        Ok(Response::empty(201))
    }

    fn find(&mut self, org: &Org, now: Timestamp) -> Result<(), Refusal> {
        let query = soql::parse(&self.query)?;
        self.header = soql::columns(&query);
        let scope = if self.operation == "queryAll" { Scope::All } else { Scope::Live };
        let Found::Rows(rows) = soql::run(org, &query, scope, &self.version, now)? else { return Ok(()) };
        self.good = rows.iter().map(|row| self.header.iter().map(|path| cell(row, path)).collect()).collect();
        Ok(())
    }

    fn load(&mut self, org: &mut Org, now: Timestamp) -> Result<(), Refusal> {
        let mut rows = csv::read(self.data.as_deref().unwrap_or_default())?.into_iter();
        self.header = rows.next().unwrap_or_default();
        let moment = super::org::Moment { now, user: super::org::INTEGRATION, saves_duplicates: false };
        let most = org.settings.bulk_fails_after;
        while let Some(cells) = rows.next() {
            if most.is_some_and(|most| self.good.len() + self.bad.len() >= most) {
                self.untried = std::iter::once(cells).chain(rows).collect();
                self.error = Some("TooManyRetries : the batch took too long too often");
                break;
            }
            let mut fields = Map::new();
            for (name, text) in self.header.iter().zip(&cells) {
                // An empty cell says nothing; `#N/A` clears.
                let value = match text.as_str() {
                    "" => continue,
                    "#N/A" => Value::Null,
                    text => parsed(org, &self.object, name, text),
                };
                match name.split_once('.') {
                    Some((relation, key)) => drop(fields.insert(relation.to_owned(), json!({key: value}))),
                    None => drop(fields.insert(name.clone(), value)),
                }
            }
            match self.one(org, fields, moment) {
                Ok((id, created)) => self.good.push([vec![id, created.to_string()], cells].concat()),
                Err(refusal) => self.bad.push([vec![String::new(), refusal.cell()], cells].concat()),
            }
        }
        // Results come in an order of their own.
        self.good.reverse();
        if self.error.is_some() { Err(Refusal::bad("Failed", "")) } else { Ok(()) }
    }

    fn one(
        &self,
        org: &mut Org,
        mut fields: Map<String, Value>,
        moment: super::org::Moment<'_>,
    ) -> Result<(String, bool), Refusal> {
        match (self.operation.as_str(), &self.key) {
            ("insert", _) => org.insert(&self.object, &fields, moment).map(|id| (id, true)),
            ("upsert", Some(key)) => {
                let value = fields.shift_remove(key).unwrap_or(Value::Null);
                org.upsert(&self.object, key, &value, &fields, moment).map(|done| (done.id, done.created))
            }
            (operation, _) => {
                let id = super::dml::id_of(&fields)?;
                fields.retain(|name, _| !name.eq_ignore_ascii_case("id"));
                match operation {
                    "update" => org.update(&self.object, &id, &fields, moment)?,
                    _ => org.delete(&self.object, &id, moment)?,
                }
                if operation == "hardDelete" {
                    org.purge(&self.object, &id);
                }
                Ok((id, false))
            }
        }
    }

    /// A page of a query's rows; the locator of the last one is the text `null`.
    fn results(&self, call: &Call<'_>) -> Reply {
        if !self.is_query || self.state != "JobComplete" || self.due.is_some() {
            return Err(Refusal::bad("INVALIDJOBSTATE", "InvalidJobState : the job is not complete"));
        }
        let most = call.param("maxRecords").and_then(|most| most.parse::<usize>().ok()).unwrap_or(50_000).max(1);
        let from =
            call.param("locator").and_then(|locator| locator.strip_prefix("MTA")?.parse::<usize>().ok()).unwrap_or(0);
        let end = (from + most).min(self.good.len());
        let rows = self.good.get(from..end).unwrap_or_default();
        let mut text = csv::line(self.header.iter().map(String::as_str));
        for row in rows {
            text.push_str(&csv::line(row.iter().map(String::as_str)));
        }
        let locator = if end < self.good.len() { format!("MTA{end}") } else { "null".to_owned() };
        let response = Response::text(200, "text/csv; charset=UTF-8", text);
        Ok(response
            .with_header("Sforce-NumberOfRecords", rows.len().to_string())
            .with_header("Sforce-Locator", locator))
    }

    fn table(&self, own: &[&str], rows: &[Vec<String>]) -> Response {
        let mut text = csv::line(own.iter().copied().chain(self.header.iter().map(String::as_str)));
        for row in rows {
            text.push_str(&csv::line(row.iter().map(String::as_str)));
        }
        Response::text(200, "text/csv; charset=UTF-8", text)
    }
}

/// A value of a row as a cell; nothing and the empty text are the same.
fn cell(row: &Value, path: &str) -> String {
    let found = path.split('.').try_fold(row, |value, part| value.get(part)).unwrap_or(&Value::Null);
    match found {
        Value::Null => String::new(),
        Value::String(text) => text.replace("+0000", "Z"),
        other => other.to_string(),
    }
}

/// A cell as a value of its field.
fn parsed(org: &Org, object: &str, name: &str, text: &str) -> Value {
    let field = org.object(object).ok().and_then(|known| known.field(name));
    match field {
        Some(field) if field.kind == "boolean" => json!(matches!(text.to_lowercase().as_str(), "true" | "1")),
        _ => json!(text),
    }
}
