//! The org: its objects, rows and settings, and how rows are looked up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::catalog::{self, Object};
use super::field::{Values, stamp};
use super::id;
use super::outbound::Notice;
use super::refusal::Refusal;
use super::rules;
use super::settings::Settings;

/// The id of the org.
pub(super) const ORGANIZATION: &str = "00D5g000004XyZqEAK";
/// The integration's user.
pub(super) const INTEGRATION: &str = "0055g00000AbCdEAAV";
/// A person.
pub(super) const PERSON: &str = "0055g00000AbCdFAAV";
/// The standard price book.
pub(super) const STANDARD: &str = "01s5g00000000STAAY";

/// A row that changed: for outbound messages.
#[derive(Clone, Debug)]
pub(super) struct Changed {
    pub object: String,
    pub id: String,
}

/// Who writes, when, and what they allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub now: Timestamp,
    pub user: &'a str,
    /// The caller saves in spite of a duplicate rule that only warns.
    pub saves_duplicates: bool,
}

/// Everything that one org holds.
#[derive(Clone, Debug)]
pub(super) struct Org {
    pub objects: IndexMap<String, Object>,
    pub rows: HashMap<String, BTreeMap<String, Values>>,
    index: HashMap<(String, String, String), BTreeSet<String>>,
    pub settings: Settings,
    pub changed: Vec<Changed>,
    /// Notifications that nobody acknowledged yet.
    pub outbox: Vec<Notice>,
    numbers: HashMap<String, u64>,
    /// Writes of rows so far, by which locks are dealt out.
    pub writes: u64,
}

/// Label, name, closed, won, probability.
const STAGES: [(&str, bool, bool, u32); 7] = [
    ("Prospecting", false, false, 10),
    ("Qualification", false, false, 20),
    ("Needs Analysis", false, false, 20),
    ("Proposal/Price Quote", false, false, 75),
    ("Negotiation/Review", false, false, 90),
    ("Closed Won", true, true, 100),
    ("Closed Lost", true, false, 0),
];

impl Org {
    /// An org without records.
    pub(super) fn new() -> Self {
        let mut org = Self {
            objects: catalog::objects(),
            rows: HashMap::new(),
            index: HashMap::new(),
            settings: Settings::default(),
            changed: Vec::new(),
            outbox: Vec::new(),
            numbers: HashMap::new(),
            writes: 0,
        };
        let row = |value: Value| value.as_object().cloned().unwrap_or_default();
        let company = json!({"Name": "Ateliers Vauclin", "InstanceName": "EU42", "IsSandbox": false,
            "OrganizationType": "Enterprise Edition"});
        org.place("Organization", ORGANIZATION, row(company));
        for (id, name) in [(INTEGRATION, "integration"), (PERSON, "person")] {
            let username = format!("{name}@vauclin.example");
            let user = json!({"Username": username, "Name": name, "LastName": name, "IsActive": true});
            org.place("User", id, row(user));
        }
        let book = json!({"Name": "Standard Price Book", "IsActive": true, "IsStandard": true});
        org.place("Pricebook2", STANDARD, row(book));
        for (at, (label, closed, won, probability)) in STAGES.into_iter().enumerate() {
            let stage = json!({"MasterLabel": label, "ApiName": label, "IsActive": true, "IsClosed": closed,
                "IsWon": won, "DefaultProbability": probability, "SortOrder": at + 1});
            let id = org.next_id("OpportunityStage");
            org.place("OpportunityStage", &id, row(stage));
        }
        let stages = STAGES.iter().map(|(label, ..)| (*label).to_owned()).collect();
        if let Some(field) = org.objects.get_mut("opportunity").and_then(|known| known.fields.get_mut("stagename")) {
            field.options = stages;
        }
        org
    }

    /// Puts a row of the system's own in its place.
    fn place(&mut self, object: &str, id: &str, mut values: Values) {
        let at = json!("2020-01-01T00:00:00.000+0000");
        for name in ["CreatedDate", "LastModifiedDate", "SystemModstamp"] {
            values.insert(name.to_owned(), at.clone());
        }
        values.insert("Id".to_owned(), json!(id));
        values.insert("IsDeleted".to_owned(), json!(false));
        self.put(object, id, values);
    }

    /// An object, in any case; `INVALID_TYPE` for one that is not there or hidden.
    pub(super) fn object(&self, name: &str) -> Result<&Object, Refusal> {
        let lower = name.to_lowercase();
        let hidden = self.settings.without.iter().any(|without| without.eq_ignore_ascii_case(name));
        self.objects
            .get(&lower)
            .filter(|_| !hidden)
            .ok_or_else(|| Refusal::bad("INVALID_TYPE", format!("sObject type '{name}' is not supported.")))
    }

    /// The name of an object as it is spelt.
    pub(super) fn name(&self, name: &str) -> Result<String, Refusal> {
        self.object(name).map(|object| object.name.clone())
    }

    /// The object that an id belongs to, by its prefix.
    pub(super) fn object_of(&self, id: &str) -> Option<&Object> {
        let prefix = id.get(..3)?;
        self.objects.values().find(|object| object.prefix == prefix)
    }

    /// An id that no row had yet.
    pub(super) fn next_id(&mut self, object: &str) -> String {
        let prefix = self.objects.get(&object.to_lowercase()).map_or("000", |known| &known.prefix).to_owned();
        self.numbered(&prefix)
    }

    /// An id that nothing with this prefix had yet.
    pub(super) fn numbered(&mut self, prefix: &str) -> String {
        let number = self.numbers.entry(prefix.to_owned()).or_insert(0);
        *number += 1;
        id::make(prefix, *number)
    }

    /// A row, deleted or not.
    pub(super) fn row(&self, object: &str, id: &str) -> Option<&Values> {
        self.rows.get(&object.to_lowercase())?.get(id)
    }

    /// A value of a row; null where there is none.
    pub(super) fn value(&self, object: &str, id: &str, field: &str) -> &Value {
        self.row(object, id).and_then(|row| row.get(field)).unwrap_or(&Value::Null)
    }

    /// A row in use, or 404.
    pub(super) fn live(&self, object: &str, text: &str) -> Result<(String, &Values), Refusal> {
        let id = id::long(text).ok_or_else(|| {
            Refusal::new(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: Id")
        })?;
        match self.row(object, &id) {
            Some(row) if row.get("IsDeleted") == Some(&json!(true)) => {
                Err(Refusal::new(404, "ENTITY_IS_DELETED", "entity is deleted"))
            }
            Some(row) => Ok((id, row)),
            None => Err(Refusal::not_found()),
        }
    }

    /// Rows in use whose field has a value, as an index knows them.
    pub(super) fn having(&self, object: &str, field: &str, value: &Value) -> Vec<String> {
        let mut ids = self.indexed(object, field, value);
        ids.retain(|id| self.value(object, id, "IsDeleted") != &json!(true));
        ids
    }

    /// The same, deleted ones among them.
    pub(super) fn indexed(&self, object: &str, field: &str, value: &Value) -> Vec<String> {
        let key = (object.to_lowercase(), field.to_lowercase(), folded(value));
        self.index.get(&key).into_iter().flatten().cloned().collect()
    }

    /// Stores a row, and keeps the index of external ids, unique fields and references.
    pub(super) fn put(&mut self, object: &str, id: &str, values: Values) {
        let lower = object.to_lowercase();
        let indexed: Vec<String> = self.objects.get(&lower).map_or_else(Vec::new, |known| {
            let keyed =
                known.fields.values().filter(|field| field.external_id || field.unique || field.refers.is_some());
            keyed.map(|field| field.name.clone()).collect()
        });
        let rows = self.rows.entry(lower.clone()).or_default();
        let before = rows.insert(id.to_owned(), values.clone());
        for name in indexed {
            let old = before.as_ref().and_then(|row| row.get(&name)).unwrap_or(&Value::Null);
            let new = values.get(&name).unwrap_or(&Value::Null);
            if !old.is_null() && old != new {
                let key = (lower.clone(), name.to_lowercase(), folded(old));
                if let Some(ids) = self.index.get_mut(&key) {
                    ids.remove(id);
                }
            }
            if !new.is_null() {
                let key = (lower.clone(), name.to_lowercase(), folded(new));
                self.index.entry(key).or_default().insert(id.to_owned());
            }
        }
    }

    /// Takes a row and its parts out of the recycle bin for good: no query finds them any more.
    pub(super) fn purge(&mut self, object: &str, id: &str) {
        for (child, field) in rules::parts(object) {
            for part in self.indexed(child, field, &json!(id)) {
                self.purge(child, &part);
            }
        }
        let lower = object.to_lowercase();
        let Some(rows) = self.rows.get_mut(&lower) else { return };
        rows.remove(id);
        for (_, ids) in self.index.iter_mut().filter(|((known, ..), _)| *known == lower) {
            ids.remove(id);
        }
    }

    /// Changes some values of a row and its stamps.
    pub(super) fn touch(&mut self, object: &str, id: &str, changes: Values, moment: Moment<'_>) {
        let Some(mut row) = self.row(object, id).cloned() else { return };
        row.extend(changes);
        row.insert("SystemModstamp".to_owned(), json!(stamp(moment.now)));
        row.insert("LastModifiedDate".to_owned(), json!(stamp(moment.now)));
        row.insert("LastModifiedById".to_owned(), json!(moment.user));
        self.put(object, id, row);
        self.changed.push(Changed { object: object.to_owned(), id: id.to_owned() });
    }

    /// Back to what was before a transaction. Locks that were met stay met.
    pub(super) fn roll_back(&mut self, before: Self) {
        let (locks, writes) = (self.settings.locks, self.writes);
        *self = before;
        (self.settings.locks, self.writes) = (locks, writes);
    }

    /// The index of a custom field that was just made.
    pub(super) fn reindex(&mut self, object: &str) {
        let rows: Vec<(String, Values)> = self
            .rows
            .get(&object.to_lowercase())
            .into_iter()
            .flatten()
            .map(|(id, row)| (id.clone(), row.clone()))
            .collect();
        for (id, row) in rows {
            self.put(object, &id, row);
        }
    }
}

/// A value as indexes and comparisons know it: text in lower case.
pub(super) fn folded(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_lowercase)
}
