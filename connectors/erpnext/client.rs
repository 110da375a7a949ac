//! Calls: lists, documents and methods of a Frappe site.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use passerelle_core::http::{Api, Request};
use passerelle_core::model::Fields;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::wire;

/// Rows of one page of a list.
pub(super) const PAGE: usize = 100;

/// A site's web server refuses addresses of more than 4094 bytes by default; filters are kept well below.
const LONGEST_FILTER: usize = 2_000;

/// A Frappe site, typed.
#[derive(Debug)]
pub(super) struct Client {
    pub api: Api,
    /// The zone that the site's datetimes are in; none where it cannot be told.
    zone: OnceCell<Option<TimeZone>>,
}

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Ask {
    pub fields: Vec<String>,
    pub filters: Vec<Value>,
    /// One of these must hold as well, where there are any.
    pub any: Vec<Value>,
    /// By name where it is empty: without an order a site has none at all.
    pub order: &'static str,
    /// 0 for all.
    pub limit: usize,
}

impl Ask {
    /// All rows of these fields.
    pub fn of(fields: &[&str]) -> Self {
        Self { fields: fields.iter().map(|field| (*field).to_owned()).collect(), ..Self::default() }
    }

    pub fn with(mut self, filters: impl IntoIterator<Item = Value>) -> Self {
        self.filters.extend(filters);
        self
    }
}

impl Client {
    /// A site at the API's address; `zone` as config.toml names it.
    pub fn new(api: Api, zone: Option<String>) -> Result<Self> {
        let named = zone.map(|name| {
            TimeZone::get(&name).map_err(|cause| {
                Error::new(ErrorKind::Config, format!("there is no time zone `{name}`"))
                    .at("option", "time_zone")
                    .because(cause)
            })
        });
        let zone = named.transpose()?.map_or_else(OnceCell::new, |zone| OnceCell::from(Some(zone)));
        Ok(Self { api, zone })
    }

    /// One page of a list, or all of it.
    pub async fn list(&self, doctype: &str, ask: Ask) -> Result<Vec<Value>> {
        let mut fields = ask.fields;
        // Where a table is joined there are two columns `name` to order by, and the database takes the one it answers.
        if ask.order.is_empty() && !fields.iter().any(|field| field == "name" || field == "*") {
            fields.insert(0, "name".to_owned());
        }
        let mut request = Request::get(path(doctype, None))
            .query("fields", json!(fields).to_string())
            .query("order_by", if ask.order.is_empty() { "name asc" } else { ask.order })
            .query("limit_page_length", ask.limit.to_string());
        if !ask.filters.is_empty() {
            request = request.query("filters", json!(ask.filters).to_string());
        }
        if !ask.any.is_empty() {
            request = request.query("or_filters", json!(ask.any).to_string());
        }
        let body: Value = self.api.call(request).await?.parse()?;
        match body.get("data").and_then(Value::as_array) {
            Some(rows) => Ok(rows.clone()),
            None => {
                Err(Error::new(ErrorKind::Bug, "ERPNext answered a list with something else").at("doctype", doctype))
            }
        }
    }

    /// The rows whose field is one of `values`, in as many calls as the address's length asks for.
    ///
    /// `place` is the field, or the child's document type and its field.
    pub async fn among(&self, doctype: &str, ask: Ask, place: &[&str], values: &[String]) -> Result<Vec<Value>> {
        let mut found = Vec::new();
        for some in chunks(values) {
            let mut filter: Vec<Value> = place.iter().map(|part| json!(part)).collect();
            filter.extend([json!("in"), json!(some)]);
            found.extend(self.list(doctype, ask.clone().with([Value::Array(filter)])).await?);
        }
        Ok(found)
    }

    /// One document; none where there is no such name.
    pub async fn get(&self, doctype: &str, name: &str) -> Result<Option<Value>> {
        match self.api.call(Request::get(path(doctype, Some(name)))).await {
            Ok(response) => Ok(Some(document(response.parse()?)?)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Creates a document that bears the hub's unique key, so that a repeat is refused; gives it back.
    pub async fn create_keyed(&self, doctype: &str, body: Fields) -> Result<Value> {
        let request = Request::post(path(doctype, None), Value::Object(body)).harmless();
        document(self.api.call(request).await?.parse()?)
    }

    /// Creates a document that nothing keeps from being doubled.
    pub async fn create(&self, doctype: &str, body: Fields) -> Result<Value> {
        document(self.api.call(Request::post(path(doctype, None), Value::Object(body))).await?.parse()?)
    }

    /// Changes a document, or moves its state; sending the same again changes nothing. Gives the whole document.
    pub async fn put(&self, doctype: &str, name: &str, mut body: Fields) -> Result<Value> {
        // A `name` in the body would win over the address (observed).
        body.shift_remove("name");
        let request = Request { method: "PUT", ..Request::post(path(doctype, Some(name)), Value::Object(body)) };
        document(self.api.call(request.harmless()).await?.parse()?)
    }

    /// Deletes a document that nothing refers to.
    pub async fn delete(&self, doctype: &str, name: &str) -> Result<()> {
        self.api.call(Request::new("DELETE", path(doctype, Some(name))).harmless()).await.map(drop)
    }

    /// A method that only reads; what stands under `message`.
    pub async fn method(&self, method: &str, parameters: &[(&str, &str)]) -> Result<Value> {
        let request = Request::get(format!("/api/method/{method}"));
        let request = parameters.iter().fold(request, |request, (name, value)| request.query(name, *value));
        let mut body: Value = self.api.call(request).await?.parse()?;
        Ok(body["message"].take())
    }

    /// The zone of the site's datetimes, asked once.
    pub async fn zone(&self) -> Result<Option<&TimeZone>> {
        let asked = async || match self.method("frappe.client.get_time_zone", &[]).await {
            Ok(answer) => Ok(wire::text(&answer, "time_zone").and_then(|name| TimeZone::get(&name).ok())),
            // A site without this method: its datetimes cannot be placed, which costs no record.
            Err(error) if matches!(error.kind(), ErrorKind::Rejected | ErrorKind::NotFound) => Ok(None),
            Err(error) => Err(error),
        };
        self.zone.get_or_try_init(asked).await.map(Option::as_ref)
    }

    /// The instant of a site's datetime, such as `2026-11-23 10:42:49.443025`.
    pub async fn instant(&self, text: &str) -> Result<Option<Timestamp>> {
        let Some(zone) = self.zone().await? else { return Ok(None) };
        let at = text.replacen(' ', "T", 1).parse::<DateTime>().ok();
        Ok(at.and_then(|at| at.to_zoned(zone.clone()).ok()).map(|at| at.timestamp()))
    }

    /// The site's day.
    pub async fn today(&self) -> Result<Option<Date>> {
        Ok(self.zone().await?.map(|zone| self.api.now().to_zoned(zone.clone()).date()))
    }
}

fn document(mut body: Value) -> Result<Value> {
    match body.get_mut("data").map(Value::take) {
        Some(document @ Value::Object(_)) => Ok(document),
        _ => Err(Error::new(ErrorKind::Bug, "ERPNext answered with something else than a document")),
    }
}

/// `/api/resource/<doctype>[/<name>]`, each part encoded.
pub(super) fn path(doctype: &str, name: Option<&str>) -> String {
    let encoded = |part: &str| {
        let text: String = url::form_urlencoded::byte_serialize(part.as_bytes()).collect();
        text.replace('+', "%20")
    };
    let name = name.map(|name| format!("/{}", encoded(name))).unwrap_or_default();
    format!("/api/resource/{}{name}", encoded(doctype))
}

fn chunks(values: &[String]) -> Vec<Vec<&str>> {
    let mut chunks: Vec<Vec<&str>> = Vec::new();
    let mut room = 0;
    for value in values {
        let cost: usize =
            value.bytes().map(|byte| if byte.is_ascii_alphanumeric() { 1 } else { 3 }).sum::<usize>() + 12;
        if room < cost || chunks.is_empty() {
            chunks.push(Vec::new());
            room = LONGEST_FILTER;
        }
        room = room.saturating_sub(cost);
        if let Some(last) = chunks.last_mut() {
            last.push(value);
        }
    }
    chunks
}
