//! Writes: looked up by the hub's key first, then made under it; partial updates; state moves.

use std::collections::BTreeMap;

use passerelle_core::model::{Action, ExternalKey, Fields, Outcome, Record, Write, Written};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::client::{Ask, Client};
use super::dialect::{lacks_field, may_be_there};
use super::parties::{self, ADDRESS, NOTHING};
use super::table::{CONTACTS, CUSTOMERS, ITEMS, ORDERS, Table};
use super::taxes::Templates;
use super::wire::{self, KEY, name, text};
use super::{Config, contacts, lines, sales};

/// One batch of writes.
pub(super) struct Writer<'a> {
    pub client: &'a Client,
    pub config: &'a Config,
    pub table: &'static Table,
    /// Names of documents that bear one of the batch's keys.
    known: BTreeMap<String, String>,
    /// The site's templates, loaded once for the batch.
    templates: OnceCell<Templates>,
}

/// Whether what comes after this error in a batch would meet the same.
pub(super) fn ends_a_batch(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::RateLimited | ErrorKind::Unavailable | ErrorKind::OutcomeUnknown)
}

/// What is said of a write that was not tried.
pub(super) fn not_sent() -> Error {
    Error::new(ErrorKind::Unavailable, "not sent, because ERPNext failed at an earlier record of the batch")
}

impl<'a> Writer<'a> {
    /// Looks the batch's keys up, which also proves that the site would store them.
    pub async fn begin(
        client: &'a Client,
        config: &'a Config,
        table: &'static Table,
        writes: &[Write],
    ) -> Result<Self> {
        let keys = writes.iter().filter_map(|write| match write {
            Write::Create { key, .. } => Some(key.as_str().to_owned()),
            _ => None,
        });
        let keys: Vec<String> = keys.collect();
        let known = bearers(client, table, &keys).await?;
        Ok(Self { client, config, table, known, templates: OnceCell::new() })
    }

    /// Makes one write.
    pub async fn write(&self, write: &Write) -> Outcome {
        match write {
            Write::Create { key, fields, then } => {
                self.can(then)?;
                // What is not there is not sent: an empty value would stand in the way of the site's own defaults.
                let fields: Fields = fields
                    .iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(name, value)| (name.clone(), value.clone()))
                    .collect();
                if self.table.whole {
                    let document = sales::create(self, key, &fields).await?;
                    return self.moved(document, then).await;
                }
                let id = self.create(key, &fields).await?;
                self.told(&id).await
            }
            Write::Update { id, fields, expect, then } => {
                self.can(then)?;
                let expect = expect.as_ref().map(|version| version.as_str());
                if self.table.whole {
                    let document = sales::update(self, id.as_str(), fields, expect).await?;
                    return self.moved(document, then).await;
                }
                self.update(id.as_str(), fields, expect).await?;
                self.told(id.as_str()).await
            }
            Write::Archive { id, .. } => {
                let Some(field) = self.table.disabled else {
                    return Err(Error::new(
                        ErrorKind::Unsupported,
                        format!("ERPNext cannot put {} away", self.table.name),
                    ));
                };
                self.client
                    .put(self.table.doctype, id.as_str(), Fields::from_iter([(field.to_owned(), json!(1))]))
                    .await?;
                self.told(id.as_str()).await
            }
        }
    }

    /// The name of the document that bears `key`, as it was when the batch began.
    pub fn bearer(&self, key: &ExternalKey) -> Option<&str> {
        self.known.get(key.as_str()).map(String::as_str)
    }

    pub fn is_order(&self) -> bool {
        self.table.name == ORDERS.name
    }

    pub async fn templates(&self) -> Result<&Templates> {
        self.templates.get_or_try_init(|| Templates::load(self.client, self.config)).await
    }

    /// Posts; when the key exists already, the document that bears it is the one that was wanted.
    pub async fn create_or_adopt(&self, key: &ExternalKey, body: Fields) -> Result<Value> {
        let refusal = match self.client.create_keyed(self.table.doctype, body).await {
            Err(refusal) if may_be_there(&refusal) => refusal,
            created => return stored(created?, key),
        };
        let found = bearers(self.client, self.table, &[key.as_str().to_owned()]).await?;
        let Some(name) = found.get(key.as_str()) else { return Err(refusal) };
        self.client.get(self.table.doctype, name).await?.ok_or(refusal)
    }

    fn can(&self, then: &[Action]) -> Result<()> {
        match then.iter().find(|action| !self.table.whole || action.0 != "submit") {
            None => Ok(()),
            Some(action) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("{} of ERPNext cannot be moved by this", self.table.name),
            )
            .at("action", &action.0)),
        }
    }

    async fn moved(&self, mut document: Value, then: &[Action]) -> Outcome {
        for _ in then {
            document = sales::submit(self, document).await?;
        }
        let record = sales::told(self, document).await?;
        Ok(Written { id: record.id.clone(), record: Some(record) })
    }

    async fn create(&self, key: &ExternalKey, fields: &Fields) -> Result<String> {
        let parts = Parts::of(self, fields)?;
        let id = match self.bearer(key) {
            Some(id) => id.to_owned(),
            None => {
                let mut body = parts.own.clone();
                body.insert(KEY.to_owned(), json!(key.as_str()));
                if self.table.name == CONTACTS.name {
                    contacts::tabled(&mut body, None)?;
                }
                name(&self.create_or_adopt(key, body).await?)?
            }
        };
        self.parts(&id, &parts).await?;
        Ok(id)
    }

    async fn update(&self, id: &str, fields: &Fields, expect: Option<&str>) -> Result<()> {
        let parts = Parts::of(self, fields)?;
        let mut body = parts.own.clone();
        if self.table.name == CONTACTS.name && contacts::TABLES.iter().any(|field| body.contains_key(*field)) {
            let there = self.client.get(self.table.doctype, id).await?;
            let there =
                there.ok_or_else(|| Error::new(ErrorKind::NotFound, "the contact is no longer there").at("id", id))?;
            contacts::tabled(&mut body, Some(&there))?;
        }
        // Sent with a change of a part alone as well: the customer must be there, and be the one that was read.
        if let Some(seen) = expect {
            body.insert("modified".to_owned(), json!(seen));
        }
        if body.is_empty() {
            let there =
                self.client.list(self.table.doctype, Ask::of(&["name"]).with([json!(["name", "=", id])])).await?;
            if there.is_empty() {
                return Err(Error::new(ErrorKind::NotFound, "the document is no longer there").at("id", id));
            }
        } else {
            self.client.put(self.table.doctype, id, body).await?;
        }
        self.parts(id, &parts).await
    }

    /// The documents that hang on this one: an address, a price.
    async fn parts(&self, id: &str, parts: &Parts) -> Result<()> {
        if let Some(address) = &parts.address {
            self.address(id, address).await?;
        }
        match &parts.price {
            Some(price) => self.price(id, price).await,
            None => Ok(()),
        }
    }

    async fn address(&self, customer: &str, fields: &Fields) -> Result<()> {
        let found =
            parties::linked(self.client, "Address", &ADDRESS, "is_primary_address", &[customer.to_owned()]).await?;
        let mut body: Fields = fields.iter().filter(|(name, _)| ADDRESS.contains(&name.as_str())).map(lined).collect();
        if let Some(there) = found.get(customer) {
            body.retain(|name, value| text(there, name).map_or(Value::Null, |text| json!(text)) != *value);
            if body.is_empty() {
                return Ok(());
            }
            return self.client.put("Address", &name(there)?, body).await.map(drop);
        }
        body.retain(|_, value| !value.is_null() && value != NOTHING);
        if body.is_empty() {
            return Ok(());
        }
        if !body.contains_key("country") {
            let message =
                "ERPNext keeps an address, with its e-mail and phone, only with a country: give the company one";
            return Err(Error::new(ErrorKind::Rejected, message).at("field", "address.country"));
        }
        for (field, value) in [("address_type", "Billing"), ("address_line1", NOTHING), ("city", NOTHING)] {
            body.entry(field).or_insert_with(|| json!(value));
        }
        body.insert("address_title".to_owned(), json!(customer));
        body.insert("is_primary_address".to_owned(), json!(1));
        body.insert("links".to_owned(), json!([{ "link_doctype": "Customer", "link_name": customer }]));
        self.client.create("Address", body).await.map(drop)
    }

    async fn price(&self, item: &str, price: &Value) -> Result<()> {
        let found = parties::prices(self.client, self.config, &[item.to_owned()]).await?;
        let wanted = Value::Object(Fields::from_iter([("price".to_owned(), price.clone())]));
        let Some(amount) = wire::decimal(&wanted, "price") else { return Ok(()) };
        lines::places(amount, self.config.price_decimals)?;
        let body = Fields::from_iter([("price_list_rate".to_owned(), wire::number(amount))]);
        if let Some(there) = found.get(item) {
            if wire::amount(there, "price_list_rate") == amount {
                return Ok(());
            }
            return self.client.put("Item Price", &name(there)?, body).await.map(drop);
        }
        let mut body = body;
        body.insert("item_code".to_owned(), json!(item));
        body.insert("price_list".to_owned(), json!(self.config.price_list));
        // A second price of the same item, list and unit is refused (observed), so a repeat makes none.
        match self.client.create_keyed("Item Price", body).await {
            Err(error) if super::dialect::class_of(&error) == Some("ItemPriceDuplicateItem") => Ok(()),
            made => made.map(drop),
        }
    }

    /// The record as it is now, with its parts.
    async fn told(&self, id: &str) -> Outcome {
        let records = parties::read(self.client, self.config, self.table, &[id.to_owned()]).await?;
        let record: Option<Record> = records.into_iter().find(|record| record.id.as_str() == id);
        let record = record.ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "ERPNext does not show the document that was written").at("id", id)
        })?;
        Ok(Written { id: id.into(), record: Some(record) })
    }
}

/// Native fields, by the document that holds them.
struct Parts {
    own: Fields,
    address: Option<Fields>,
    price: Option<Value>,
}

impl Parts {
    fn of(writer: &Writer<'_>, fields: &Fields) -> Result<Self> {
        let mut own = fields.clone();
        for computed in ["name", "contact", KEY] {
            own.shift_remove(computed);
        }
        let mut address = None;
        if writer.table.name == CUSTOMERS.name {
            address = own.shift_remove("address").and_then(|address| address.as_object().cloned());
        }
        let price = if writer.table.name == ITEMS.name { own.shift_remove("price_list_rate") } else { None };
        if let Some(price) = price.as_ref().and_then(|price| wire::decimal(&json!({ "price": price }), "price")) {
            lines::places(price, writer.config.price_decimals)?;
        }
        Ok(Self { own, address, price: price.filter(|price| !price.is_null()) })
    }
}

/// A line that ERPNext requires is never empty.
fn lined((name, value): (&String, &Value)) -> (String, Value) {
    let required = matches!(name.as_str(), "address_line1" | "city");
    (name.clone(), if required && value.is_null() { json!(NOTHING) } else { value.clone() })
}

/// Names by key, of those that are there.
async fn bearers(client: &Client, table: &Table, keys: &[String]) -> Result<BTreeMap<String, String>> {
    let found = client.among(table.doctype, Ask::of(&["name", KEY]), &[KEY], keys).await;
    let rows =
        found.map_err(|error| if lacks_field(&error) { super::find::missing(error, table, KEY) } else { error })?;
    Ok(rows.iter().filter_map(|row| Some((text(row, KEY)?, text(row, "name")?))).collect())
}

/// A document whose key the site did not keep would be doubled by a repeat.
fn stored(document: Value, key: &ExternalKey) -> Result<Value> {
    if text(&document, KEY).as_deref() == Some(key.as_str()) {
        return Ok(document);
    }
    Err(Error::new(ErrorKind::Config, "ERPNext did not store the hub's key with this document")
        .at("id", name(&document)?)
        .at("remedy", format!("the custom field `{KEY}` must exist and be editable")))
}
