//! Writing objects: what is refused, what is computed, what is told.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::account::{Account, Actor, Object, Values, folded};
use super::derive;
use super::kind::Kind;
use super::property::iso;
use super::refusal::Refusal;

/// A write, with the instant and the API version that it is made under.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub now: Timestamp,
    /// Such as `2026-09` or `v3`; what an account's admins require binds only the newest.
    pub version: &'a str,
}

impl Account {
    /// Creates an object.
    pub(super) fn create(&mut self, kind: Kind, body: &Map<String, Value>, at: Moment<'_>) -> Result<u64, Refusal> {
        let mut values = self.accept(kind, &Values::new(), body)?;
        if kind == Kind::LineItems {
            derive::copy_product(self, &mut values);
        }
        if let Some(name) = derive::needed(kind).iter().find(|name| !values.contains_key(**name)) {
            let message = format!("a new {} needs it", kind.singular());
            return Err(Refusal::property(name, "REQUIRED_FIELD", &message));
        }
        let id = self.next_id();
        self.check(kind, id, &values, at)?;
        values.insert("hs_object_id".to_owned(), id.to_string());
        values.insert(kind.created_property().to_owned(), iso(at.now));
        let object = Object { id, values, created: at.now, updated: at.now, archived: None, past: Default::default() };
        self.objects.entry(kind).or_default().insert(id, object);
        self.settle(kind, id, at.now);
        self.tell(kind, "creation", id, json!({"changeFlag": "CREATED"}), at.now);
        Ok(id)
    }

    /// Changes the named properties of an object in use.
    pub(super) fn patch(
        &mut self,
        kind: Kind,
        id: u64,
        body: &Map<String, Value>,
        at: Moment<'_>,
    ) -> Result<(), Refusal> {
        let Some(object) = self.object(kind, id) else { return Err(Refusal::not_found("resource not found")) };
        let (id, before) = (object.id, object.values.clone());
        let values = self.accept(kind, &before, body)?;
        self.check(kind, id, &values, at)?;
        self.release(kind, id);
        if let Some(object) = self.object_mut(kind, id) {
            object.values = values;
        }
        self.settle(kind, id, at.now);
        for name in body.keys() {
            let now_is = self.object(kind, id).and_then(|object| object.values.get(name)).cloned();
            if before.get(name) != now_is.as_ref() {
                let told = json!({"propertyName": name, "propertyValue": now_is.unwrap_or_default()});
                self.tell(kind, "propertyChange", id, told, at.now);
            }
        }
        Ok(())
    }

    /// Archives an object; one that is not there is no error.
    pub(super) fn archive(&mut self, kind: Kind, id: u64, now: Timestamp) -> Result<(), Refusal> {
        let lag = self.settings.search_lag;
        let Some(object) = self.object(kind, id).filter(|object| object.archived.is_none()) else { return Ok(()) };
        let (id, values) = (object.id, &object.values);
        if kind == Kind::Quotes && derive::is_published(values) {
            return Err(Refusal::invalid("a published quote cannot be deleted"));
        }
        if kind == Kind::Invoices && values.get("hs_invoice_status").is_some_and(|status| status != "draft") {
            return Err(Refusal::invalid("only a draft invoice can be deleted"));
        }
        self.release(kind, id);
        if let Some(object) = self.object_mut(kind, id) {
            object.archived = Some(now);
            object.remember(now, lag);
        }
        self.tell(kind, "deletion", id, json!({"changeFlag": "DELETED"}), now);
        Ok(())
    }

    /// Sets properties that no API call may write; for what HubSpot itself or a person does.
    pub(super) fn force(&mut self, kind: Kind, id: u64, values: &[(&str, &str)], now: Timestamp) {
        self.release(kind, id);
        if let Some(object) = self.object_mut(kind, id) {
            for (name, value) in values {
                object.values.insert((*name).to_owned(), (*value).to_owned());
            }
        }
        self.settle(kind, id, now);
        for (name, value) in values {
            self.tell(kind, "propertyChange", id, json!({"propertyName": name, "propertyValue": value}), now);
        }
    }

    fn accept(&self, kind: Kind, before: &Values, body: &Map<String, Value>) -> Result<Values, Refusal> {
        let mut values = before.clone();
        for (name, value) in body {
            let Some(property) = self.property(kind, name) else {
                let message = format!("Property {name:?} does not exist");
                return Err(Refusal::property(name, "PROPERTY_DOESNT_EXIST", &message));
            };
            if property.read_only || (kind == Kind::Quotes && derive::only_hubspot_sets(name, value)) {
                let message = format!("{name:?} is a read only property; its value cannot be set");
                return Err(Refusal::property(name, "READ_ONLY_VALUE", &message));
            }
            match property.accept(value, before.get(name).map(String::as_str))? {
                Some(stored) => values.insert(name.clone(), stored),
                None => values.remove(name),
            };
        }
        Ok(values)
    }

    fn check(&self, kind: Kind, id: u64, values: &Values, at: Moment<'_>) -> Result<(), Refusal> {
        for (name, value) in values {
            if !self.property(kind, name).is_some_and(|property| property.unique) {
                continue;
            }
            let Some(other) = self.held.get(&(kind, name.clone(), folded(name, value))) else { continue };
            if *other != id && name == "email" {
                let message = format!("Contact already exists. Existing ID: {other}");
                return Err(Refusal::new(409, "CONFLICT", message));
            }
            if *other != id {
                let message = format!("{value} is already set on object {other}");
                return Err(Refusal::property(name, "CONFLICTING_UNIQUE_VALUE", &message));
            }
        }
        self.check_stage(kind, values)?;
        self.settings.check_required(kind, values, at.version)
    }

    /// Computes what follows from an object's properties, dates it, and shows it to the index.
    pub(super) fn settle(&mut self, kind: Kind, id: u64, now: Timestamp) {
        let id = self.resolve(kind, id);
        let Some(mut values) = self.object(kind, id).map(|object| object.values.clone()) else { return };
        derive::compute(self, kind, &mut values);
        values.insert(kind.modified_property().to_owned(), iso(now));
        for (name, value) in &values {
            if self.property(kind, name).is_some_and(|property| property.unique) {
                self.held.insert((kind, name.clone(), folded(name, value)), id);
            }
        }
        let lag = self.settings.search_lag;
        if let Some(object) = self.object_mut(kind, id) {
            object.values = values;
            object.updated = now;
            object.remember(now, lag);
        }
    }

    /// Lets go of the unique values that an object holds.
    pub(super) fn release(&mut self, kind: Kind, id: u64) {
        let id = self.resolve(kind, id);
        let Some(values) = self.object(kind, id).map(|object| object.values.clone()) else { return };
        for (name, value) in values {
            if self.property(kind, &name).is_some_and(|property| property.unique) {
                self.held.remove(&(kind, name.clone(), folded(&name, &value)));
            }
        }
    }

    /// Keeps an event for the webhook sender.
    pub(super) fn tell(&mut self, kind: Kind, what: &str, id: u64, members: Value, now: Timestamp) {
        if self.settings.subscriptions.is_empty() {
            return;
        }
        let source = match self.actor {
            Actor::Integration => ("INTEGRATION", "1160452"),
            Actor::Person => ("CRM_UI", "userId:77"),
        };
        let mut event = json!({
            "kind": kind.singular(), "objectTypeId": kind.type_id(), "what": what, "objectId": id,
            "occurredAt": now.as_millisecond(), "changeSource": source.0, "sourceId": source.1,
        });
        if let (Some(event), Some(members)) = (event.as_object_mut(), members.as_object()) {
            event.extend(members.clone());
        }
        self.events.push(event);
    }
}
