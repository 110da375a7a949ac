//! What a person does in the org's own screens, and what a test sets.

use jiff::Timestamp;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::Salesforce;
use super::currencies;
use super::deploy;
use super::org::{Moment, Org, PERSON};
use super::outbound;
use super::refusal::Refusal;
use super::seed;

/// A person's write that is stamped already, and that nobody sees yet.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    seen: Timestamp,
    stamped: Timestamp,
    object: String,
    id: Option<String>,
    fields: Map<String, Value>,
}

impl Salesforce {
    /// Runs a command:
    /// - `settings {..}`: see `Settings::set`;
    /// - `deploy {"objects": [..], "fields": ["Opportunity.ERP_Paid__c currency 18,2", ..]}`: metadata, as a person
    ///   deploys it;
    /// - `create {"type", "fields"}`, `edit {"type", "id", "fields"}`, `delete {"type", "id"}`, `undelete {"type", "id"}`;
    /// - `create_deal {..}`: an opportunity as in a sample; `win_deal {"id"}`; `accept_quote {"id"}`; `sync_quote {"id"}`;
    /// - `merge {"type", "primary", "other"}`; `purge {"type", "id"}`;
    /// - `show {"type", "id"}`: every value; `find {"type", "field", "value"}`: ids;
    /// - `deliveries {"times": 1, "reverse": false}`: outbound messages that are due: of what changed since the last call,
    ///   and those not acknowledged; `answered {"notifications", "status", "body"}`: how a receiver answered one;
    /// - `currencies {"currencies": ["EUR", "CHF"]}`: turns several currencies on, the company's first;
    /// - `revoke`: every session ends; `rotate {"on": true}`: each refresh gives a new refresh token.
    pub(super) fn perform(&mut self, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
        let moment = Moment { now, user: PERSON, saves_duplicates: true };
        let object = arguments["type"].as_str().unwrap_or_default();
        let id = arguments["id"].as_str().unwrap_or_default();
        let org = &mut self.org;
        match command {
            "settings" => org.settings.set(arguments).map(|()| json!({})),
            "deploy" => deploy::deploy(org, arguments).map(|()| json!({})),
            "create" | "edit" => self.write(command, arguments, moment),
            "delete" => org.delete(object, id, moment).map(|()| json!({})).map_err(refused),
            "undelete" => {
                let back = Map::from_iter([("IsDeleted".to_owned(), json!(false))]);
                org.touch(object, id, back, moment);
                Ok(json!({}))
            }
            "purge" => {
                org.purge(object, id);
                Ok(json!({}))
            }
            "create_deal" => seed::deal(org, arguments, &seed::Known::default(), now).map(told),
            "win_deal" => org
                .update("Opportunity", id, &one("StageName", json!("Closed Won")), moment)
                .map(|()| told(id.to_owned()))
                .map_err(refused),
            "accept_quote" => org
                .update("Quote", id, &one("Status", json!("Accepted")), moment)
                .map(|()| told(id.to_owned()))
                .map_err(refused),
            "sync_quote" => {
                let deal = org.value("Quote", id, "OpportunityId").as_str().unwrap_or_default().to_owned();
                org.update("Opportunity", &deal, &one("SyncedQuoteId", json!(id)), moment)
                    .map(|()| told(deal.clone()))
                    .map_err(refused)
            }
            "merge" => {
                let of = |name: &str| arguments[name].as_str().unwrap_or_default();
                org.merge(object, of("primary"), of("other"), moment)
                    .map(|()| told(of("primary").to_owned()))
                    .map_err(refused)
            }
            "show" => Ok(json!(org.row(object, id))),
            "find" => Ok(json!(find(org, arguments))),
            "deliveries" => Ok(json!({"deliveries": outbound::deliveries(org, arguments, now)})),
            "answered" => Ok(json!({"acknowledged": outbound::answered(org, arguments)})),
            "currencies" => {
                let named = arguments["currencies"].as_array().into_iter().flatten().filter_map(Value::as_str);
                currencies::enable(org, &named.map(str::to_owned).collect::<Vec<_>>());
                Ok(json!({}))
            }
            "revoke" => {
                self.tokens.revoke_all();
                Ok(json!({}))
            }
            "rotate" => {
                self.tokens.rotates = arguments["on"] == json!(true);
                Ok(json!({}))
            }
            _ => Err(Error::new(ErrorKind::Unsupported, format!("there is no command `{command}`"))),
        }
    }

    /// A person's write; with a delay of commits it is stamped now and seen later.
    fn write(&mut self, command: &str, arguments: &Value, moment: Moment<'_>) -> Result<Value> {
        let object = arguments["type"].as_str().unwrap_or_default().to_owned();
        let fields = arguments["fields"].as_object().cloned();
        let fields = fields.ok_or_else(|| Error::new(ErrorKind::Config, "`fields` must be an object"))?;
        let id = arguments["id"].as_str().map(str::to_owned).filter(|_| command == "edit");
        let delay = self.org.settings.commit_delay;
        if delay.is_zero() || command == "create" {
            return perform(&mut self.org, &object, id.as_deref(), &fields, moment).map(told).map_err(refused);
        }
        self.pending.push(Pending { seen: moment.now + delay, stamped: moment.now, object, id: id.clone(), fields });
        Ok(json!({"id": id}))
    }

    /// Makes visible what was written a while ago, under the stamp that it was given then.
    pub(super) fn commit(&mut self, now: Timestamp) {
        let (due, waiting): (Vec<Pending>, Vec<Pending>) = self.pending.drain(..).partition(|one| one.seen <= now);
        self.pending = waiting;
        for one in due {
            let moment = Moment { now: one.stamped, user: PERSON, saves_duplicates: true };
            // A transaction that fails at its end leaves nothing.
            let _ = perform(&mut self.org, &one.object, one.id.as_deref(), &one.fields, moment);
        }
    }
}

fn perform(
    org: &mut Org,
    object: &str,
    id: Option<&str>,
    fields: &Map<String, Value>,
    moment: Moment<'_>,
) -> std::result::Result<String, Refusal> {
    match id {
        Some(id) => org.update(object, id, fields, moment).map(|()| id.to_owned()),
        None => org.insert(object, fields, moment),
    }
}

fn find(org: &Org, arguments: &Value) -> Vec<String> {
    let text = |name: &str| arguments[name].as_str().unwrap_or_default();
    let rows = org.rows.get(&text("type").to_lowercase()).into_iter().flatten();
    let wanted = rows.filter(|(_, row)| {
        row.get("IsDeleted") != Some(&json!(true)) && row.get(text("field")) == Some(&arguments["value"])
    });
    wanted.map(|(id, _)| id.clone()).collect()
}

fn one(name: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(name.to_owned(), value)])
}

fn told(id: String) -> Value {
    json!({"id": id})
}

/// What the screens would refuse, as an error.
pub(super) fn refused(refusal: Refusal) -> Error {
    let kind = if refusal.status == 404 { ErrorKind::NotFound } else { ErrorKind::Rejected };
    Error::new(kind, refusal.body()["message"].as_str().unwrap_or_default())
}
