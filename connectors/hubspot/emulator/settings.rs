//! What a control call may set: lag, limits, scopes, required properties, subscriptions.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use passerelle_core::{Error, ErrorKind};
use serde_json::{Value, json};

use super::account::Values;
use super::kind::Kind;
use super::refusal::Refusal;

/// A property that the account's admins require when another has a value.
#[derive(Clone, Debug)]
pub(super) struct Required {
    kind: Kind,
    when: (String, String),
    property: String,
}

/// A webhook subscription.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub id: u64,
    pub event: String,
    pub property: Option<String>,
    pub type_id: Option<String>,
    pub active: bool,
}

/// The settings of an account.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// How far the search index is behind.
    pub search_lag: SignedDuration,
    /// Calls in any 10 seconds; `None` does not count.
    pub ten_seconds: Option<usize>,
    /// Calls of a day; `None` does not count.
    pub daily: Option<usize>,
    /// Searches in any second; `None` does not count.
    pub searches: Option<usize>,
    /// Whether bodies must have every member that the specification requires; the live API is lenient.
    pub strict: bool,
    /// Whether a batch with trace ids is written in part when some of it is refused.
    pub partial: bool,
    /// The currencies of the account; the first is its home currency.
    pub currencies: Vec<String>,
    pub required: Vec<Required>,
    /// The scopes of tokens that do not have them all.
    pub scopes: BTreeMap<String, Vec<String>>,
    pub subscriptions: Vec<Subscription>,
    /// Where webhooks go, and the secret that signs them.
    pub target: String,
    pub secret: String,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            search_lag: SignedDuration::from_secs(5),
            ten_seconds: Some(100),
            daily: Some(250_000),
            searches: Some(5),
            strict: false,
            partial: true,
            currencies: ["EUR", "USD", "GBP", "CHF"].map(str::to_owned).into(),
            required: Vec::new(),
            scopes: BTreeMap::new(),
            subscriptions: Vec::new(),
            target: "https://hub.example.com/hooks/hubspot".to_owned(),
            secret: "7d1b6f0e-0000-4000-8000-00000000c0de".to_owned(),
        }
    }
}

impl Settings {
    /// Takes the named settings.
    ///
    /// # Errors
    /// `Config` for a setting that there is not, or a value that it does not take.
    pub(super) fn set(&mut self, arguments: &Value) -> Result<(), Error> {
        let no_object = || Error::new(ErrorKind::Config, "`settings` takes an object");
        for (name, value) in arguments.as_object().ok_or_else(no_object)? {
            let wrong = || Error::new(ErrorKind::Config, format!("`{name}` does not take {value}"));
            match name.as_str() {
                "search_lag_seconds" => {
                    self.search_lag = SignedDuration::from_secs_f64(value.as_f64().ok_or_else(wrong)?);
                }
                "ten_seconds" => self.ten_seconds = count(value).ok_or_else(wrong)?,
                "daily" => self.daily = count(value).ok_or_else(wrong)?,
                "searches_per_second" => self.searches = count(value).ok_or_else(wrong)?,
                "strict" => self.strict = value.as_bool().ok_or_else(wrong)?,
                "partial" => self.partial = value.as_bool().ok_or_else(wrong)?,
                "currencies" => self.currencies = texts(value).ok_or_else(wrong)?,
                "target" => self.target = value.as_str().ok_or_else(wrong)?.to_owned(),
                "secret" => self.secret = value.as_str().ok_or_else(wrong)?.to_owned(),
                "required" => self.required = required(value).ok_or_else(wrong)?,
                "scopes" => {
                    let scopes = value.as_object().ok_or_else(wrong)?.iter();
                    self.scopes = scopes.filter_map(|(token, list)| Some((token.clone(), texts(list)?))).collect();
                }
                _ => return Err(Error::new(ErrorKind::Config, format!("there is no setting `{name}`"))),
            }
        }
        Ok(())
    }

    /// Refuses a body that lacks a member which the specification requires, where the live API would not mind.
    pub(super) fn demand(&self, body: &Value, members: &[&str]) -> Result<(), Refusal> {
        match members.iter().find(|member| self.strict && body.get(**member).is_none()) {
            Some(member) => Err(Refusal::invalid(format!("Some required fields were not set: [{member}]"))),
            None => Ok(()),
        }
    }

    /// Refuses what lacks a required property; these rules bind only the newest version.
    pub(super) fn check_required(&self, kind: Kind, values: &Values, version: &str) -> Result<(), Refusal> {
        let broken = self.required.iter().find(|rule| {
            rule.kind == kind && values.get(&rule.when.0) == Some(&rule.when.1) && !values.contains_key(&rule.property)
        });
        match broken.filter(|_| version == "2026-09") {
            Some(rule) => {
                let message = format!("{} is required when {} is {}", rule.property, rule.when.0, rule.when.1);
                Err(Refusal::property(&rule.property, "REQUIRED_FIELD", &message))
            }
            None => Ok(()),
        }
    }
}

impl Subscription {
    /// As the API shows it.
    pub(super) fn to_json(&self) -> Value {
        let mut body = json!({
            "id": self.id.to_string(), "eventType": self.event, "active": self.active,
            "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z",
        });
        if let Some(property) = &self.property {
            body["propertyName"] = json!(property);
        }
        if let Some(type_id) = &self.type_id {
            body["objectTypeId"] = json!(type_id);
        }
        body
    }
}

fn count(value: &Value) -> Option<Option<usize>> {
    if value.is_null() { Some(None) } else { value.as_u64().map(|count| Some(count as usize)) }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(|text| text.as_str().map(str::to_owned)).collect()
}

fn required(value: &Value) -> Option<Vec<Required>> {
    let rule = |rule: &Value| {
        let (name, wanted) = rule["when"].as_object()?.iter().next()?;
        Some(Required {
            kind: Kind::parse(rule["type"].as_str()?)?,
            when: (name.clone(), wanted.as_str()?.to_owned()),
            property: rule["property"].as_str()?.to_owned(),
        })
    };
    value.as_array()?.iter().map(rule).collect()
}
