//! Setting an account up: the key property and those that mappings write.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::connector::{Preparation, Prepare, Removal, State};
use passerelle_core::http::Request;
use passerelle_core::model::Need;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

use super::calls::Calls;
use super::kind::{KEY, Kind};
use super::wire::Definition;

/// What the connector may create in an account.
#[derive(Clone, Debug)]
pub(super) struct Allowed {
    /// Names of properties, `*` at an end for any continuation.
    pub names: Vec<String>,
    /// The group that they are put into.
    pub group: String,
}

impl Allowed {
    fn allows(&self, name: &str) -> bool {
        self.names.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => known == name,
        })
    }
}

/// Tells what the account has and lacks of `needs` and of the key property, or creates what it lacks.
pub(super) async fn prepare(
    calls: &Calls,
    kind: Kind,
    needs: &[Need],
    how: Prepare,
    allowed: &Allowed,
) -> Result<Vec<Preparation>> {
    let mut done = Vec::new();
    for (object_type, needs) in by_type(kind, needs) {
        let known = calls.definitions(object_type).await?;
        let missing = |(_, need): &(String, Need)| !known.iter().any(|known| known.name == property_of(need));
        let archived =
            if needs.iter().any(missing) { calls.archived_names(object_type).await? } else { BTreeSet::new() };
        let mut has_group = false;
        for (path, need) in needs {
            let name = property_of(&need);
            let present = known.iter().find(|known| known.name == name);
            let (state, said) = match present {
                Some(present) => match unfit(&need, present) {
                    Some(how) => (State::Manual, how),
                    None if present.hubspot_defined => continue,
                    None => (State::There, format!("property `{name}` on {object_type}")),
                },
                None if archived.contains(name) => (State::Manual, restore(object_type, name)),
                None if !allowed.allows(name) => (State::Manual, by_hand(object_type, &need)),
                None if how != Prepare::Create => (State::WouldCreate, told(object_type, &need, allowed)),
                None => {
                    if !has_group {
                        create_group(calls, object_type, allowed).await?;
                        has_group = true;
                    }
                    let path = calls.properties(object_type);
                    unless_there(calls, Request::post(path, definition(&need, &allowed.group))).await?;
                    (State::Created, told(object_type, &need, allowed))
                }
            };
            done.push(Preparation { path, thing: format!("{object_type}/{name}"), state, how: said });
        }
    }
    Ok(done)
}

/// Archives a property that the hub made; its group stays.
pub(super) async fn remove(calls: &Calls, thing: &str) -> Result<Removal> {
    let Some((object_type, name)) = thing.split_once('/') else {
        return Err(Error::new(ErrorKind::Bug, "hubspot made no such thing").at("thing", thing));
    };
    let request = Request::new("DELETE", format!("{}/{name}", calls.properties(object_type))).harmless();
    match calls.api.call(request).await {
        Ok(_) => Ok(Removal::Removed("archived: HubSpot keeps it and its name".to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Removal::Gone),
        Err(error) if error.kind() == ErrorKind::Denied => Err(denied("the token may not archive properties", error)),
        Err(error) => Err(error),
    }
}

/// HubSpot keeps an archived property's name, and no call of its API brings the property back [documented].
fn restore(object_type: &str, name: &str) -> String {
    format!("`{name}` on {object_type} is archived: restore it in HubSpot, Settings > Properties > Archived properties")
}

/// An app's subscriptions are made in its own settings: no token of an account may see or make them [documented].
pub(super) fn hook(kinds: &[Kind], address: &str, is_signed: Signed) -> Preparation {
    let events: Vec<&str> = kinds.iter().map(|kind| kind.events()).collect();
    let secret = match is_signed {
        Signed::Yes => "",
        Signed::No => "set `webhook_secret` to the app's client secret (a service key has no webhooks); ",
    };
    let how = format!(
        "{secret}in the app's own settings, Webhooks: target URL {address}, subscribed to {}",
        events.join(", ")
    );
    Preparation { path: "webhook".to_owned(), thing: format!("webhook {address}"), state: State::Unseen, how }
}

/// Whether config.toml says what webhooks are signed with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Signed {
    /// It does.
    Yes,
    /// It does not.
    No,
}

/// The needs by the type of object that has them, with their native paths; the key's first.
fn by_type(kind: Kind, needs: &[Need]) -> BTreeMap<&'static str, Vec<(String, Need)>> {
    let key = Need::key(KEY, "Passerelle id");
    let mut all = BTreeMap::from([(kind.path(), vec![(KEY.to_owned(), key)])]);
    for need in needs.iter().filter(|need| need.kind != "key" && need.path != KEY) {
        let (first, rest) = need.path.split_once('.').unwrap_or((&need.path, ""));
        let object_type = match first.trim_end_matches("[]") {
            "line_items" if kind == Kind::Deals && !rest.is_empty() => "line_items",
            "quote" if kind == Kind::Deals && !rest.is_empty() => "quotes",
            joined if joined == "id" || kind.joined().contains(&joined) => continue,
            _ => kind.path(),
        };
        let known = all.entry(object_type).or_default();
        if !known.iter().any(|(path, _)| *path == need.path) {
            known.push((need.path.clone(), need.clone()));
        }
    }
    all
}

fn property_of(need: &Need) -> &str {
    need.path.rsplit_once('.').map_or(need.path.as_str(), |(_, name)| name)
}

/// What is wrong with a property that is there.
fn unfit(need: &Need, present: &Definition) -> Option<String> {
    let kind = if present.value_type == "bool" { "boolean" } else { &present.value_type };
    if !need.fits(kind) {
        let (value_type, _) = types(need);
        return Some(format!(
            "`{}` is there as {kind}, and the mapping writes {value_type}: map another property, or archive this one",
            present.name
        ));
    }
    if need.kind == "key" && !present.has_unique_value {
        // Uniqueness can only be asked for when a property is created [documented].
        return Some(format!("`{KEY}` is there but does not enforce unique values: archive it and prepare again"));
    }
    let missing: Vec<&str> = need
        .options
        .iter()
        .map(String::as_str)
        .filter(|option| present.value_type == "enumeration" && !present.options.iter().any(|has| has.value == *option))
        .collect();
    (!missing.is_empty()).then(|| format!("add the options {} to the property", missing.join(", ")))
}

fn by_hand(object_type: &str, need: &Need) -> String {
    let (value_type, field_type) = types(need);
    format!(
        "create the property `{}` ({value_type}, {field_type}) on {object_type} in HubSpot, or list it in \
         `create_properties`",
        property_of(need)
    )
}

fn told(object_type: &str, need: &Need, allowed: &Allowed) -> String {
    let (value_type, _) = types(need);
    let unique = if need.kind == "key" { ", unique" } else { "" };
    format!("property `{}` ({value_type}{unique}) on {object_type}, group `{}`", property_of(need), allowed.group)
}

/// HubSpot's type and field type of a canonical type.
fn types(need: &Need) -> (&'static str, &'static str) {
    match need.kind.as_str() {
        "money" | "decimal" | "integer" => ("number", "number"),
        "date" => ("date", "date"),
        "datetime" => ("datetime", "date"),
        "boolean" => ("enumeration", "booleancheckbox"),
        "enum" if !need.options.is_empty() => ("enumeration", "select"),
        _ => ("string", "text"),
    }
}

fn definition(need: &Need, group: &str) -> Value {
    let (value_type, field_type) = types(need);
    let flags = ["true".to_owned(), "false".to_owned()];
    let values = if field_type == "booleancheckbox" { flags.as_slice() } else { need.options.as_slice() };
    let mut body = json!({
        "groupName": group, "name": property_of(need), "label": need.label, "type": value_type,
        "fieldType": field_type, "hasUniqueValue": need.kind == "key", "formField": false,
    });
    if value_type == "enumeration" {
        let options: Vec<Value> = values
            .iter()
            .enumerate()
            .map(|(at, value)| json!({"label": value, "value": value, "displayOrder": at, "hidden": false}))
            .collect();
        body["options"] = json!(options);
    }
    body
}

async fn create_group(calls: &Calls, object_type: &str, allowed: &Allowed) -> Result<()> {
    let path = format!("{}/groups", calls.properties(object_type));
    let body = json!({"name": allowed.group, "label": "Passerelle", "displayOrder": -1});
    unless_there(calls, Request::post(path, body)).await
}

/// Creates what may be there already: 409 means that it is, so that repeating does no harm.
async fn unless_there(calls: &Calls, request: Request) -> Result<()> {
    match calls.api.call(request.harmless()).await {
        Err(error) if error.fact("status") == Some("409") => Ok(()),
        Err(error) if error.kind() == ErrorKind::Denied => Err(denied("the token may not create properties", error)),
        answer => answer.map(drop),
    }
}

/// The same refusal, which says what the token is for and which scope it lacks.
fn denied(message: &str, error: Error) -> Error {
    let scope = error.fact("scope").unwrap_or("that of schemas").to_owned();
    Error::new(ErrorKind::Denied, message).at("scope", scope).because(error)
}
