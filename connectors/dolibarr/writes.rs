//! Writes: creates under the hub's key, partial updates, state moves; one at a time.

use passerelle_core::connector::Lookup;
use passerelle_core::model::{Action, ExternalKey, Fields, Outcome, Record, Write, Written};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::client::{Client, is_id};
use super::dialect::is_duplicate;
use super::table::{ORDERS, PRODUCTS, THIRDPARTIES, Table};
use super::wire::{self, KEY, text};
use super::{find, lines, orders, sales};

/// What a write needs to know of the configuration.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer<'a> {
    pub client: &'a Client,
    pub table: &'static Table,
    /// Whether a sale first becomes a signed proposal.
    pub proposals: bool,
    /// The currency of the company's own accounts.
    pub currency: &'a str,
}

impl Writer<'_> {
    /// Makes one write.
    pub async fn write(&self, write: &Write) -> Outcome {
        if let Write::Update { id, .. } | Write::Archive { id, .. } = write
            && !is_id(id.as_str())
        {
            return Err(Error::new(ErrorKind::NotFound, "this is no id of Dolibarr's").at("id", id));
        }
        match write {
            Write::Create { key, fields, then } => {
                let id = self.create(key, fields).await?;
                self.moves(&id, then).await?;
                self.told(&id, Some(key)).await
            }
            Write::Update { id, fields, then, .. } => {
                if !fields.is_empty() {
                    self.update(id.as_str(), fields).await?;
                }
                self.moves(id.as_str(), then).await?;
                self.told(id.as_str(), None).await
            }
            Write::Archive { id, .. } if self.table.name == THIRDPARTIES.name => {
                self.client
                    .put(&self.table.path(id.as_str()), Map::from_iter([("status".to_owned(), json!("0"))]))
                    .await?;
                self.told(id.as_str(), None).await
            }
            Write::Archive { .. } => {
                Err(Error::new(ErrorKind::Unsupported, format!("Dolibarr cannot put {} away", self.table.name)))
            }
        }
    }

    async fn create(&self, key: &ExternalKey, fields: &Fields) -> Result<String> {
        // What is not there is not sent: an empty text would stand in the way of Dolibarr's own defaults.
        let fields = fields.iter().filter(|(_, value)| !value.is_null());
        let fields: &Fields = &fields.map(|(name, value)| (name.clone(), value.clone())).collect();
        if self.table.name == ORDERS.name {
            return sales::create(self, key, fields).await;
        }
        if self.table.name == PRODUCTS.name {
            plain_ref(text(&Value::Object(fields.clone()), "ref").as_deref().unwrap_or_default())?;
        }
        let mut body = self.body(fields).await?;
        bear(&mut body, key);
        let is_customer = matches!(body.get("client").and_then(Value::as_str), Some("1" | "3"));
        if self.table.name == THIRDPARTIES.name && is_customer && !body.contains_key("code_client") {
            body.insert("code_client".to_owned(), json!("auto"));
        }
        self.create_or_adopt(self.table, key, body).await
    }

    /// Posts; when the key exists already, the record that bears it is the one that was wanted.
    pub async fn create_or_adopt(&self, table: &Table, key: &ExternalKey, body: Map<String, Value>) -> Result<String> {
        match self.client.create(&format!("/{}", table.name), body).await {
            Err(error) if is_duplicate(&error) => match self.bearer(table, key).await? {
                Some(id) => Ok(id),
                // A generated customer code met one that a person made at the same moment; nothing was written.
                None if error.fact("dolibarr").is_some_and(|words| words.contains("Duplicate value")) => {
                    Err(error.with_kind(ErrorKind::Unavailable))
                }
                None => Err(error),
            },
            created => created,
        }
    }

    /// The id of the record that bears `key`.
    pub async fn bearer(&self, table: &Table, key: &ExternalKey) -> Result<Option<String>> {
        let found = find::find(self.client, table, &Lookup::Key(vec![key.clone()])).await?;
        found.first().map(wire::id).transpose()
    }

    async fn update(&self, id: &str, fields: &Fields) -> Result<()> {
        if self.table.name == ORDERS.name {
            return sales::update(self, id, fields).await;
        }
        if let (true, Some(reference)) = (self.table.name == PRODUCTS.name, fields.get("ref")) {
            plain_ref(reference.as_str().unwrap_or_default())?;
        }
        let mut body = self.body(fields).await?;
        let becomes_customer = matches!(body.get("client").and_then(Value::as_str), Some("1" | "3"));
        if self.table.name == THIRDPARTIES.name && becomes_customer && !body.contains_key("code_client") {
            let now = self.client.get(&self.table.path(id)).await?;
            if now.is_some_and(|party| text(&party, "code_client").is_none()) {
                body.insert("code_client".to_owned(), json!("-1"));
            }
        }
        // A net price sent to a product whose price is kept with VAT would be ignored.
        if self.table.name == PRODUCTS.name && body.contains_key("price") {
            body.entry("price_base_type").or_insert_with(|| json!("HT"));
        }
        self.client.put(&self.table.path(id), body).await
    }

    /// Native fields as Dolibarr takes them: a country by its id, null as the empty text that clears.
    pub async fn body(&self, fields: &Fields) -> Result<Map<String, Value>> {
        if let Some(price) = wire::decimal(&Value::Object(fields.clone()), "price") {
            lines::places(price)?;
        }
        let mut body = Map::new();
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("id", _) => {}
                // An empty id alone is ignored: Dolibarr then takes the country from the code that is there.
                ("country_code", Value::Null) => {
                    body.insert("country_id".to_owned(), json!("0"));
                    body.insert("country_code".to_owned(), json!(""));
                }
                ("country_code", Value::String(code)) => {
                    body.insert("country_id".to_owned(), self.country(code).await?);
                }
                (_, Value::Null) => _ = body.insert(name.clone(), json!("")),
                ("lines", _) => _ = body.insert(name.clone(), value.clone()),
                _ => _ = body.insert(name.clone(), wire::kept(name, value)?),
            }
        }
        Ok(body)
    }

    async fn country(&self, code: &str) -> Result<Value> {
        let valid = !code.is_empty() && code.bytes().all(|letter| letter.is_ascii_alphanumeric());
        let refused = || {
            Error::new(ErrorKind::Rejected, format!("Dolibarr's dictionary of countries does not hold `{code}`"))
                .at("field", "country_code")
        };
        if !valid {
            return Err(refused());
        }
        let country = self.client.get(&format!("/setup/dictionary/countries/byCode/{code}")).await?;
        country.as_ref().and_then(|country| text(country, "id")).map(|id| json!(id)).ok_or_else(refused)
    }

    async fn moves(&self, id: &str, then: &[Action]) -> Result<()> {
        for action in then {
            if self.table.name != ORDERS.name || action.0 != "validate" {
                return Err(Error::new(ErrorKind::Unsupported, format!("{} cannot be moved by this", self.table.name))
                    .at("action", &action.0));
            }
            sales::validate(self.client, id).await?;
        }
        Ok(())
    }

    /// The record as it is now: answers of writes echo fields that were never stored.
    async fn told(&self, id: &str, key: Option<&ExternalKey>) -> Outcome {
        let record = read_one(self.client, self.table, id).await?.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "Dolibarr does not show the record that was written").at("id", id)
        })?;
        if key.is_some() && record.key.as_ref() != key {
            return Err(Error::new(ErrorKind::Config, "Dolibarr did not store the hub's key with this record")
                .at("id", id)
                .at("remedy", format!("the extrafield `{KEY}` of {} must exist and be editable", self.table.name)));
        }
        Ok(Written { id: id.into(), record: Some(record) })
    }
}

/// One record by its id.
pub(super) async fn read_one(client: &Client, table: &Table, id: &str) -> Result<Option<Record>> {
    // The third party 0 is a made-up specimen, answered with 200, as observed on 22.0.4.
    if !is_id(id) {
        return Ok(None);
    }
    if table.name == ORDERS.name {
        return Ok(orders::read(client, std::iter::once(id)).await?.pop());
    }
    client.get(&table.path(id)).await?.as_ref().map(wire::record).transpose()
}

/// Puts the hub's key into a body, and a reference that people see.
pub(super) fn bear(body: &mut Map<String, Value>, key: &ExternalKey) {
    let options = body.entry("array_options").or_insert_with(|| json!({}));
    if !options.is_object() {
        *options = json!({});
    }
    options[format!("options_{KEY}")] = json!(key.as_str());
    body.entry("ref_ext").or_insert_with(|| json!(key.as_str()));
}

/// Refuses a product reference that Dolibarr would change: `SVC 002/é` became `SVC_002_e`, as observed on 22.0.4.
fn plain_ref(reference: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+#@&".contains(c);
    // A row of dashes or dots becomes `_` as well (documented).
    let rows = ["--", ".."].iter().any(|row| reference.contains(row));
    if reference.is_empty() || rows || !reference.chars().all(plain) {
        return Err(Error::new(
            ErrorKind::Rejected,
            format!("Dolibarr would change the product reference `{reference}`: use letters without accents, digits, `-`, `_` and `.`"),
        )
        .at("field", "ref"));
    }
    Ok(())
}
