//! Writes of rows: insert, update, upsert, delete, each with the vendor's refusals.

use serde_json::{Map, Value, json};

use super::duplicates;
use super::field::{Values, stamp};
use super::id;
use super::org::{Changed, Moment, Org};
use super::refusal::Refusal;
use super::rules;

/// What an upsert came to.
#[derive(Debug)]
pub(super) struct Upserted {
    pub id: String,
    pub created: bool,
}

/// How a write uses a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Insert,
    Update,
}

impl Org {
    /// Makes a row.
    pub(super) fn insert(
        &mut self,
        object: &str,
        given: &Map<String, Value>,
        moment: Moment<'_>,
    ) -> Result<String, Refusal> {
        let object = self.name(object)?;
        let mut values = self.resolved(&object, given, Verb::Insert)?;
        for field in self.object(&object)?.fields.values() {
            if !field.default.is_null() && !values.contains_key(&field.name) {
                values.insert(field.name.clone(), field.default.clone());
            }
        }
        rules::complete(self, &object, &mut values)?;
        let missing: Vec<&str> = self
            .object(&object)?
            .fields
            .values()
            .filter(|field| field.required && values.get(&field.name).is_none_or(Value::is_null))
            .map(|field| field.name.as_str())
            .collect();
        if !missing.is_empty() {
            let message = format!("Required fields are missing: [{}]", missing.join(", "));
            return Err(Refusal::bad("REQUIRED_FIELD_MISSING", message).about(&missing));
        }
        self.may_write(&object, None, &values, moment)?;
        let id = self.next_id(&object);
        for (name, value) in [("Id", json!(id)), ("IsDeleted", json!(false)), ("CreatedById", json!(moment.user))] {
            values.insert(name.to_owned(), value);
        }
        values.insert("LastModifiedById".to_owned(), json!(moment.user));
        for name in ["CreatedDate", "LastModifiedDate", "SystemModstamp"] {
            values.insert(name.to_owned(), json!(stamp(moment.now)));
        }
        self.put(&object, &id, values);
        self.changed.push(Changed { object: object.clone(), id: id.clone() });
        rules::after(self, &object, &id, moment);
        Ok(id)
    }

    /// Changes a row.
    pub(super) fn update(
        &mut self,
        object: &str,
        id: &str,
        given: &Map<String, Value>,
        moment: Moment<'_>,
    ) -> Result<(), Refusal> {
        let object = self.name(object)?;
        let changes = self.resolved(&object, given, Verb::Update)?;
        let (id, row) = self.live(&object, id)?;
        let mut values = row.clone();
        values.extend(changes.clone());
        let emptied = self.object(&object)?.fields.values();
        let emptied: Vec<&str> = emptied
            .filter(|field| field.required && changes.get(&field.name).is_some_and(Value::is_null))
            .map(|field| field.name.as_str())
            .collect();
        if !emptied.is_empty() {
            let message = format!("Required fields are missing: [{}]", emptied.join(", "));
            return Err(Refusal::bad("REQUIRED_FIELD_MISSING", message).about(&emptied));
        }
        rules::complete(self, &object, &mut values)?;
        self.may_write(&object, Some(&id), &values, moment)?;
        self.touch(&object, &id, values, moment);
        rules::after(self, &object, &id, moment);
        Ok(())
    }

    /// Changes the row with this external id, or makes it.
    pub(super) fn upsert(
        &mut self,
        object: &str,
        field: &str,
        value: &Value,
        given: &Map<String, Value>,
        moment: Moment<'_>,
    ) -> Result<Upserted, Refusal> {
        let object = self.name(object)?;
        let field = self.external(&object, field)?;
        let value = self.object(&object)?.field(&field).map_or(Ok(value.clone()), |known| known.stored(value))?;
        if value.is_null() {
            let message = format!("{field} not specified");
            return Err(Refusal::bad("MISSING_ARGUMENT", message).about(&[&field]));
        }
        let found = self.having(&object, &field, &value);
        match found.as_slice() {
            [] => {
                let mut given = given.clone();
                given.insert(field, value);
                self.insert(&object, &given, moment).map(|id| Upserted { id, created: true })
            }
            [id] => self.update(&object, id, given, moment).map(|()| Upserted { id: id.clone(), created: false }),
            _ => Err(Refusal::new(300, "DUPLICATE_EXTERNAL_ID", format!("{} records match", found.len()))),
        }
    }

    /// Puts a row into the recycle bin.
    pub(super) fn delete(&mut self, object: &str, id: &str, moment: Moment<'_>) -> Result<(), Refusal> {
        let object = self.name(object)?;
        let (id, _) = self.live(&object, id)?;
        self.lock(&object, &id)?;
        let gone = Map::from_iter([("IsDeleted".to_owned(), json!(true))]);
        self.touch(&object, &id, gone, moment);
        for (child, field) in rules::parts(&object) {
            for part in self.having(child, field, &json!(id)) {
                let gone = Map::from_iter([("IsDeleted".to_owned(), json!(true))]);
                self.touch(child, &part, gone, moment);
            }
        }
        rules::after(self, &object, &id, moment);
        Ok(())
    }

    /// The field of an upsert's address: an external id or an id look-up.
    pub(super) fn external(&self, object: &str, field: &str) -> Result<String, Refusal> {
        let known =
            self.object(object)?.field(field).filter(|known| known.external_id && !self.is_hidden(object, &known.name));
        known.map(|known| known.name.clone()).ok_or_else(|| {
            let message = format!("Provided external ID field does not exist or is not accessible: {field}");
            Refusal::new(404, "NOT_FOUND", message)
        })
    }

    /// Whether the integration user does not see a field.
    pub(super) fn is_hidden(&self, object: &str, field: &str) -> bool {
        let full = format!("{object}.{field}");
        self.settings.hidden.iter().any(|hidden| hidden.eq_ignore_ascii_case(&full))
    }

    /// The values of a write, by the names of fields as they are spelt.
    fn resolved(&self, object: &str, given: &Map<String, Value>, verb: Verb) -> Result<Values, Refusal> {
        let known = self.object(object)?;
        let mut values = Values::new();
        for (name, value) in given.iter().filter(|(name, _)| *name != "attributes") {
            if name.eq_ignore_ascii_case("id") {
                let message = "The Id field should not be specified in the sobject data.";
                return Err(Refusal::bad("INVALID_FIELD", message));
            }
            let visible = known.field(name).filter(|field| !self.is_hidden(object, &field.name));
            let Some(field) = visible else {
                let relation = known.relation(name).filter(|_| value.is_object());
                let field = relation.ok_or_else(|| Refusal::no_field(object, name))?;
                values.insert(field.name.clone(), json!(self.parent(field, value)?));
                continue;
            };
            let may = match verb {
                Verb::Insert => field.createable,
                Verb::Update => field.updateable,
            };
            if !may {
                let message = format!(
                    "Unable to create/update fields: {}. Please check the security settings of this field and verify \
                     that it is read/write for your profile or permission set.",
                    field.name
                );
                return Err(Refusal::bad("INVALID_FIELD_FOR_INSERT_UPDATE", message).about(&[&field.name]));
            }
            let stored = field.stored(value)?;
            if let (Some((to, _)), Some(target)) = (&field.refers, stored.as_str())
                && (self.live(to, target).is_err())
            {
                let message = format!("invalid cross reference id: {target}");
                return Err(Refusal::bad("INVALID_CROSS_REFERENCE_KEY", message).about(&[&field.name]));
            }
            values.insert(field.name.clone(), stored);
        }
        Ok(values)
    }

    /// The parent that `{"ERP_Id__c": "C-9"}` names.
    fn parent(&self, field: &super::field::Field, by: &Value) -> Result<String, Refusal> {
        let Some((object, _)) = &field.refers else { return Err(Refusal::no_field("", &field.name)) };
        let mut named = by.as_object().into_iter().flatten().filter(|(name, _)| *name != "attributes");
        let (Some((name, value)), None) = (named.next(), named.next()) else {
            return Err(Refusal::bad("INVALID_FIELD", "a parent is named by one external id"));
        };
        let name = self.external(object, name)?;
        self.having(object, &name, value).into_iter().next().ok_or_else(|| {
            let message = format!(
                "Foreign key external ID: {} not found for field {name} in entity {object}",
                super::org::folded(value)
            );
            Refusal::bad("INVALID_FIELD", message)
        })
    }

    /// Unique fields, locks, validation rules and duplicate rules.
    fn may_write(
        &mut self,
        object: &str,
        id: Option<&str>,
        values: &Values,
        moment: Moment<'_>,
    ) -> Result<(), Refusal> {
        for field in self.object(object)?.fields.values().filter(|field| field.unique) {
            let value = values.get(&field.name).unwrap_or(&Value::Null);
            let holder = self.having(object, &field.name, value).into_iter().find(|other| Some(other.as_str()) != id);
            if let Some(holder) = holder.filter(|_| !value.is_null()) {
                let message =
                    format!("duplicate value found: {} duplicates value on record with id: {holder}", field.name);
                return Err(Refusal::bad("DUPLICATE_VALUE", message));
            }
        }
        let marker = self.settings.marker.as_deref();
        if marker.is_some_and(|marker| values.values().any(|value| value.as_str() == Some(marker))) {
            return Err(Refusal::bad(
                "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                "This value is refused by a validation rule",
            ));
        }
        duplicates::check(self, object, id, values, moment.saves_duplicates)?;
        self.lock(object, id.unwrap_or("a new record"))
    }

    fn lock(&mut self, object: &str, id: &str) -> Result<(), Refusal> {
        self.writes += 1;
        let locked = self.settings.locks > 0
            || self.settings.lock_every.is_some_and(|every| every > 0 && self.writes.is_multiple_of(every));
        if !locked {
            return Ok(());
        }
        self.settings.locks = self.settings.locks.saturating_sub(1);
        let message = format!("unable to obtain exclusive access to this record or 1 records: {id}");
        Err(Refusal::bad("UNABLE_TO_LOCK_ROW", message).about(&[object]))
    }

    /// The row that two records become: the loser is deleted and points to the winner.
    pub(super) fn merge(&mut self, object: &str, winner: &str, loser: &str, moment: Moment<'_>) -> Result<(), Refusal> {
        let (winner, _) = self.live(object, winner)?;
        let (loser, _) = self.live(object, loser)?;
        let children: Vec<(String, String)> = self
            .objects
            .values()
            .flat_map(|child| child.fields.values().map(move |field| (child, field)))
            .filter(|(_, field)| {
                field.refers.as_ref().is_some_and(|(to, _)| to == object) && field.name != "MasterRecordId"
            })
            .map(|(child, field)| (child.name.clone(), field.name.clone()))
            .collect();
        for (child, field) in children {
            for id in self.having(&child, &field, &json!(loser)) {
                self.touch(&child, &id, Map::from_iter([(field.clone(), json!(winner))]), moment);
            }
        }
        let lost = [("IsDeleted", json!(true)), ("MasterRecordId", json!(winner))];
        self.touch(object, &loser, lost.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(), moment);
        self.touch(object, &winner, Map::new(), moment);
        Ok(())
    }
}

/// The id of an update inside a collection.
pub(super) fn id_of(row: &Map<String, Value>) -> Result<String, Refusal> {
    let text = row.iter().find(|(name, _)| name.eq_ignore_ascii_case("id")).and_then(|(_, value)| value.as_str());
    let text = text.ok_or_else(|| Refusal::bad("MISSING_ARGUMENT", "Id not specified in an update call"))?;
    id::long(text).ok_or_else(|| Refusal::bad("MALFORMED_ID", format!("malformed id {text}")).about(&["Id"]))
}
