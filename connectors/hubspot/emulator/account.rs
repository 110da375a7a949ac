//! The account: its objects, definitions and settings, and how they are looked up.

use std::collections::{BTreeMap, HashMap, VecDeque};

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::catalog;
use super::kind::Kind;
use super::links::Links;
use super::pipelines::Pipeline;
use super::property::{Property, iso};
use super::refusal::Refusal;
use super::settings::Settings;

/// Property values by name; an empty one is absent.
pub(super) type Values = BTreeMap<String, String>;

/// One object.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub id: u64,
    pub values: Values,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub archived: Option<Timestamp>,
    /// What the object was and when, oldest first, for the search index that lags behind.
    pub past: VecDeque<(Timestamp, Option<Values>)>,
}

/// Who writes: it is told in events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Actor {
    Integration,
    Person,
}

/// Everything that one HubSpot account holds.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub objects: BTreeMap<Kind, BTreeMap<u64, Object>>,
    /// Ids that were merged away, and what they resolve to.
    pub aliases: BTreeMap<(Kind, u64), u64>,
    pub held: HashMap<(Kind, String, String), u64>,
    pub properties: BTreeMap<Kind, IndexMap<String, Property>>,
    pub groups: BTreeMap<Kind, IndexMap<String, String>>,
    pub links: Links,
    pub pipelines: BTreeMap<Kind, Vec<Pipeline>>,
    pub settings: Settings,
    pub events: Vec<Value>,
    pub actor: Actor,
    pub last_id: u64,
}

impl Account {
    /// An empty account.
    pub(super) fn new() -> Self {
        let properties =
            Kind::all().map(|kind| (kind, catalog::of(kind).into_iter().map(|p| (p.name.clone(), p)).collect()));
        let groups = Kind::all().map(|kind| {
            let name = format!("{}information", kind.singular());
            (kind, IndexMap::from([(name, format!("About this {}", kind.singular()))]))
        });
        let mut account = Self {
            objects: Kind::all().map(|kind| (kind, BTreeMap::new())).collect(),
            aliases: BTreeMap::new(),
            held: HashMap::new(),
            properties: properties.collect(),
            groups: groups.collect(),
            links: Links::default(),
            pipelines: BTreeMap::from([(Kind::Deals, vec![Pipeline::default_of_deals()])]),
            settings: Settings::default(),
            events: Vec::new(),
            actor: Actor::Integration,
            // Past 2^31, as real ids are.
            last_id: 44_446_244_000,
        };
        account.refresh_options();
        account
    }

    /// An id that no object had yet.
    pub(super) fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// The definition of a property in use.
    pub(super) fn property(&self, kind: Kind, name: &str) -> Option<&Property> {
        self.properties.get(&kind)?.get(name).filter(|property| !property.archived)
    }

    /// The present id of an object, through merges.
    pub(super) fn resolve(&self, kind: Kind, id: u64) -> u64 {
        self.aliases.get(&(kind, id)).copied().unwrap_or(id)
    }

    /// The object of an id, through merges; archived ones only when asked for.
    pub(super) fn object(&self, kind: Kind, id: u64) -> Option<&Object> {
        self.objects.get(&kind)?.get(&self.resolve(kind, id))
    }

    /// The same, to change it.
    pub(super) fn object_mut(&mut self, kind: Kind, id: u64) -> Option<&mut Object> {
        let id = self.resolve(kind, id);
        self.objects.get_mut(&kind)?.get_mut(&id)
    }

    /// The id that `text` means: an id, or a value of the unique property `by`.
    pub(super) fn locate(&self, kind: Kind, text: &str, by: Option<&str>) -> Result<Option<u64>, Refusal> {
        match by {
            None | Some("hs_object_id") => Ok(text.parse().ok().filter(|id| self.object(kind, *id).is_some())),
            Some(name) => match self.property(kind, name) {
                Some(property) if property.unique => {
                    Ok(self.held.get(&(kind, name.to_owned(), folded(name, text))).copied())
                }
                _ => Err(Refusal::invalid(format!("{name} is not a unique property of {}", kind.plural()))),
            },
        }
    }

    /// An object in use, or 404.
    pub(super) fn present(&self, kind: Kind, text: &str, by: Option<&str>) -> Result<u64, Refusal> {
        self.locate(kind, text, by)?
            .map(|id| self.resolve(kind, id))
            .filter(|id| self.object(kind, *id).is_some_and(|object| object.archived.is_none()))
            .ok_or_else(|| Refusal::not_found("resource not found").about("id", &[text]))
    }

    /// An object as the API shows it, with the named properties.
    pub(super) fn show(&self, kind: Kind, object: &Object, wanted: &[String]) -> Value {
        let mut shown = Map::new();
        let always = ["hs_object_id", kind.created_property(), kind.modified_property()];
        let defaults = if wanted.is_empty() { kind.default_properties() } else { &[] };
        let names = always.into_iter().chain(defaults.iter().copied()).chain(wanted.iter().map(String::as_str));
        for name in names {
            if self.property(kind, name).is_some() {
                shown.insert(name.to_owned(), object.values.get(name).map_or(Value::Null, |value| json!(value)));
            }
        }
        let mut body = json!({
            "id": object.id.to_string(), "properties": shown, "createdAt": iso(object.created),
            "updatedAt": iso(object.updated), "archived": object.archived.is_some(),
        });
        if let Some(at) = object.archived {
            body["archivedAt"] = json!(iso(at));
        }
        body
    }

    /// Puts the pipelines, stages and currencies of the account into the options of the properties that hold them.
    pub(super) fn refresh_options(&mut self) {
        let currencies: Vec<_> = self.settings.currencies.iter().map(|code| (code.clone(), code.clone())).collect();
        let pipelines = self.pipelines.get(&Kind::Deals).cloned().unwrap_or_default();
        let stages = pipelines.iter().flat_map(|pipeline| &pipeline.stages);
        let stages: Vec<_> = stages.map(|stage| (stage.id.clone(), stage.label.clone())).collect();
        let names: Vec<_> = pipelines.iter().map(|pipeline| (pipeline.id.clone(), pipeline.label.clone())).collect();
        for (kind, name, options) in [
            (Kind::Deals, "pipeline", names),
            (Kind::Deals, "dealstage", stages),
            (Kind::Deals, "deal_currency_code", currencies.clone()),
            (Kind::Quotes, "hs_currency", currencies.clone()),
            (Kind::Invoices, "hs_currency", currencies),
        ] {
            if let Some(property) = self.properties.get_mut(&kind).and_then(|all| all.get_mut(name)) {
                property.options = options;
            }
        }
    }
}

impl Object {
    /// What the search index knows of the object at `now`, being `lag` behind.
    pub(super) fn indexed(&self, now: Timestamp, lag: SignedDuration) -> Option<&Values> {
        self.past.iter().rev().find(|(at, _)| *at + lag <= now).and_then(|(_, values)| values.as_ref())
    }

    /// Remembers the present state for the search index.
    pub(super) fn remember(&mut self, now: Timestamp, lag: SignedDuration) {
        let state = self.archived.is_none().then(|| self.values.clone());
        while self.past.len() > 1 && self.past.get(1).is_some_and(|(at, _)| *at + lag <= now) {
            self.past.pop_front();
        }
        self.past.push_back((now, state));
    }
}

/// A unique value as it is compared: an e-mail address in lower case.
pub(super) fn folded(name: &str, value: &str) -> String {
    if name == "email" { value.trim().to_lowercase() } else { value.to_owned() }
}
