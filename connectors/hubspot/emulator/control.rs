//! What a person does in HubSpot's own screens, and what a test sets.

use jiff::Timestamp;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::account::{Account, Actor};
use super::kind::Kind;
use super::refusal::Refusal;
use super::seed;
use super::subscriptions;
use super::writes::Moment;

/// Runs a command:
/// - `settings {..}`: see `Settings::set`; `search_lag_seconds`, `ten_seconds`, `daily`, `searches_per_second`,
///   `strict`, `partial`, `currencies`, `required`, `scopes`, `target`, `secret`;
/// - `create_deal {..}` and `create {"type", "properties"}`: a deal as in a sample, or any object;
/// - `edit {"type", "id", "properties"}`, `archive {"type", "id"}`, `restore {"type", "id"}`;
/// - `merge {"type", "primary", "other"}`;
/// - `win_deal {"id"}`, `publish_quote {"id"}`, `accept_quote {"id"}`;
/// - `show {"type", "id"}`: every property that is set; `find {"type", "property", "value"}`: ids;
/// - `deliveries {"attempt": 0, "times": 1, "reverse": false}`: signed webhooks of what happened since the last call.
pub(super) fn run(account: &mut Account, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
    account.actor = Actor::Person;
    let done = perform(account, command, arguments, now);
    account.actor = Actor::Integration;
    done
}

fn perform(account: &mut Account, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
    match command {
        "settings" => {
            account.settings.set(arguments)?;
            account.refresh_options();
            Ok(json!({}))
        }
        "create_deal" => seed::deal(account, arguments, &seed::Known::default(), now).map(told),
        "create" => {
            let id = account.create(kind(arguments)?, &properties(arguments)?, screens(now)).map_err(refused)?;
            Ok(told(id))
        }
        "edit" | "archive" | "restore" | "show" => on_object(account, command, arguments, now),
        "merge" => {
            let kind = kind(arguments)?;
            let merged = account.merge(kind, id(arguments, "primary")?, id(arguments, "other")?, now);
            merged.map(told).map_err(refused)
        }
        "win_deal" => {
            let won = json!({"dealstage": "closedwon", "closedate": now.as_millisecond().to_string()});
            let edit = json!({"type": "deals", "id": arguments["id"], "properties": won});
            on_object(account, "edit", &edit, now)
        }
        "publish_quote" => account.publish(id(arguments, "id")?, now).map(|()| json!({})),
        "accept_quote" => account.accept_quote(id(arguments, "id")?, now).map(|()| json!({})),
        "find" => Ok(json!(find(account, arguments)?)),
        "deliveries" => Ok(json!({"deliveries": subscriptions::deliveries(account, arguments, now)})),
        _ => Err(Error::new(ErrorKind::Unsupported, format!("there is no command `{command}`"))),
    }
}

fn on_object(account: &mut Account, command: &str, arguments: &Value, now: Timestamp) -> Result<Value> {
    let (kind, id) = target(account, arguments)?;
    match command {
        "edit" => account.patch(kind, id, &properties(arguments)?, screens(now)).map_err(refused)?,
        "archive" => account.archive(kind, id, now).map_err(refused)?,
        "restore" => {
            if let Some(object) = account.object_mut(kind, id) {
                object.archived = None;
            }
            account.settle(kind, id, now);
        }
        _ => return Ok(account.object(kind, id).map_or(Value::Null, |object| json!(object.values))),
    }
    Ok(told(id))
}

/// People's screens are bound by no version's rules.
pub(super) fn screens(now: Timestamp) -> Moment<'static> {
    Moment { now, version: "screens" }
}

/// What HubSpot's screens would refuse, as an error.
pub(super) fn refused(refusal: Refusal) -> Error {
    let kind = if refusal.status == 404 { ErrorKind::NotFound } else { ErrorKind::Rejected };
    Error::new(kind, refusal.item(None)["message"].as_str().unwrap_or_default())
}

fn told(id: u64) -> Value {
    json!({"id": id.to_string()})
}

fn kind(arguments: &Value) -> Result<Kind> {
    let name = arguments["type"].as_str().unwrap_or_default();
    Kind::parse(name).ok_or_else(|| Error::new(ErrorKind::Config, format!("`{name}` is not an object type")))
}

fn id(arguments: &Value, name: &str) -> Result<u64> {
    let given = &arguments[name];
    let id = given.as_str().and_then(|text| text.parse().ok()).or_else(|| given.as_u64());
    id.ok_or_else(|| Error::new(ErrorKind::Config, format!("`{name}` must be an id")))
}

fn target(account: &Account, arguments: &Value) -> Result<(Kind, u64)> {
    let (kind, id) = (kind(arguments)?, id(arguments, "id")?);
    match account.object(kind, id) {
        Some(object) => Ok((kind, object.id)),
        None => Err(Error::new(ErrorKind::NotFound, "no such object").at("id", id)),
    }
}

fn properties(arguments: &Value) -> Result<Map<String, Value>> {
    let given = arguments["properties"].as_object().cloned();
    given.ok_or_else(|| Error::new(ErrorKind::Config, "`properties` must be an object of strings"))
}

fn find(account: &Account, arguments: &Value) -> Result<Vec<String>> {
    let text = |name: &str| arguments[name].as_str().unwrap_or_default();
    let objects = account.objects.get(&kind(arguments)?).into_iter().flat_map(|objects| objects.values());
    let wanted = objects.filter(|object| {
        object.archived.is_none()
            && object.values.get(text("property")).map(String::as_str) == arguments["value"].as_str()
    });
    Ok(wanted.map(|object| object.id.to_string()).collect())
}
