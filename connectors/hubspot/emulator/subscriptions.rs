//! Webhooks: subscriptions, and the deliveries that a test or a kit sends on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::Timestamp;
use passerelle_core::http::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::account::Account;
use super::call::Call;
use super::refusal::{Refusal, Reply};
use super::settings::{Settings, Subscription};

/// Events of one delivery.
const BATCH: usize = 100;

/// Answers `/app-webhooks/{appId}/...`, whose key is a query parameter.
pub(super) fn answer(account: &mut Account, call: &Call<'_>, rest: &[&str]) -> Reply {
    if call.param("hapikey").is_none_or(str::is_empty) {
        return Err(Refusal::new(401, "INVALID_AUTHENTICATION", "a developer key (hapikey) is required"));
    }
    let [_, rest @ ..] = rest else { return Err(Refusal::no_route()) };
    match (call.method, rest) {
        ("GET" | "PUT", ["settings"]) => {
            if let Some(target) = call.body["targetUrl"].as_str() {
                target.clone_into(&mut account.settings.target);
            }
            let throttling = json!({"maxConcurrentRequests": 10, "period": "SECONDLY"});
            Ok(Response::json(200, &json!({"targetUrl": account.settings.target, "throttling": throttling})))
        }
        ("GET", ["subscriptions"]) => {
            let results: Vec<Value> = account.settings.subscriptions.iter().map(Subscription::to_json).collect();
            Ok(Response::json(200, &json!({"results": results})))
        }
        ("POST", ["subscriptions"]) => subscribe(account, call),
        ("POST", ["subscriptions", "batch", "update"]) => update(account, call),
        (method, ["subscriptions", id]) => one(account, call, method, id),
        _ => Err(Refusal::no_route()),
    }
}

fn subscribe(account: &mut Account, call: &Call<'_>) -> Reply {
    let event = call.body["eventType"].as_str().filter(|event| is_event(event));
    let event = event.ok_or_else(|| Refusal::invalid("eventType is not one that can be subscribed"))?;
    let text = |name: &str| call.body[name].as_str().map(str::to_owned);
    let subscription = Subscription {
        id: account.settings.subscriptions.len() as u64 + 25,
        event: event.to_owned(),
        property: text("propertyName"),
        type_id: text("objectTypeId"),
        active: call.body["active"] == json!(true),
    };
    let shown = subscription.to_json();
    account.settings.subscriptions.push(subscription);
    Ok(Response::json(201, &shown))
}

fn update(account: &mut Account, call: &Call<'_>) -> Reply {
    let inputs = call.inputs(BATCH)?;
    let all = &mut account.settings.subscriptions;
    for known in all.iter_mut() {
        let change = inputs.iter().find(|input| input["id"].to_string().trim_matches('"') == known.id.to_string());
        known.active = change.map_or(known.active, |change| change["active"] == json!(true));
    }
    let results: Vec<Value> = all.iter().map(Subscription::to_json).collect();
    let at = super::property::iso(call.now);
    let body = json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
    Ok(Response::json(200, &body))
}

fn one(account: &mut Account, call: &Call<'_>, method: &str, id: &str) -> Reply {
    let all = &mut account.settings.subscriptions;
    let at = all.iter().position(|known| known.id.to_string() == id);
    let found = at.and_then(|at| all.get_mut(at)).ok_or_else(|| Refusal::not_found("no such subscription"))?;
    match method {
        "GET" => Ok(Response::json(200, &found.to_json())),
        "PATCH" => {
            found.active = call.body["active"] == json!(true);
            Ok(Response::json(200, &found.to_json()))
        }
        "DELETE" => {
            all.retain(|known| known.id.to_string() != id);
            Ok(Response::empty(204))
        }
        _ => Err(Refusal::method()),
    }
}

/// There is no `quote.*` and no `invoice.*`.
fn is_event(event: &str) -> bool {
    let Some((kind, what)) = event.split_once('.') else { return false };
    let common = ["creation", "deletion", "merge", "propertyChange", "restore", "associationChange"];
    match kind {
        "contact" => common.contains(&what) || what == "privacyDeletion",
        "company" | "deal" | "ticket" | "line_item" | "object" => common.contains(&what),
        "product" => common.contains(&what) && what != "associationChange",
        _ => false,
    }
}

/// The events that wait, as signed deliveries, and forgets them: `attempt` counts from 0, `times` repeats each event,
/// `reverse` tells the last one first.
pub(super) fn deliveries(account: &mut Account, how: &Value, now: Timestamp) -> Vec<Value> {
    let attempt = how["attempt"].as_u64().unwrap_or_default();
    let times = how["times"].as_u64().unwrap_or(1) as usize;
    let happened = std::mem::take(&mut account.events);
    let mut events: Vec<Value> = std::iter::repeat_n(happened, times).flatten().collect();
    if how["reverse"] == json!(true) {
        events.reverse();
    }
    let settings = &account.settings;
    let told: Vec<Value> = events
        .iter()
        .enumerate()
        .flat_map(|(at, event)| {
            let wanted = settings.subscriptions.iter().filter(|known| known.active && known.wants(event));
            wanted.map(move |subscription| subscription.delivered(event, at, attempt))
        })
        .collect();
    told.chunks(BATCH).map(|batch| signed(settings, &json!(batch).to_string(), now)).collect()
}

impl Subscription {
    fn wants(&self, event: &Value) -> bool {
        let Some((kind, what)) = self.event.split_once('.') else { return false };
        let of_kind = match kind {
            "object" => self.type_id.as_deref() == event["objectTypeId"].as_str(),
            kind => event["kind"].as_str() == Some(kind),
        };
        let of_property = self.property.is_none() || self.property.as_deref() == event["propertyName"].as_str();
        of_kind && event["what"].as_str() == Some(what) && (what != "propertyChange" || of_property)
    }

    fn delivered(&self, event: &Value, at: usize, attempt: u64) -> Value {
        let mut body = event.clone();
        if let Some(members) = body.as_object_mut() {
            members.retain(|name, _| !matches!(name.as_str(), "kind" | "what"));
            if !self.event.starts_with("object.") {
                members.shift_remove("objectTypeId");
            }
        }
        body["eventId"] = json!(3_816_279_340_u64 + at as u64);
        body["subscriptionId"] = json!(self.id);
        body["portalId"] = json!(33);
        body["appId"] = json!(1_160_452);
        body["subscriptionType"] = json!(self.event);
        body["attemptNumber"] = json!(attempt);
        body
    }
}

/// A delivery with the headers that HubSpot sends: v1 and v3 signatures.
fn signed(settings: &Settings, body: &str, now: Timestamp) -> Value {
    let first = Sha256::digest(format!("{}{body}", settings.secret).as_bytes());
    let first: String = first.iter().map(|byte| format!("{byte:02x}")).collect();
    let stamp = now.as_millisecond().to_string();
    let third = Hmac::<Sha256>::new_from_slice(settings.secret.as_bytes()).map(|mut mac| {
        mac.update(format!("POST{}{body}{stamp}", settings.target).as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    json!({
        "method": "POST", "url": settings.target, "body": body,
        "headers": {
            "Content-Type": "application/json", "X-HubSpot-Signature": first, "X-HubSpot-Signature-Version": "v1",
            "X-HubSpot-Signature-v3": third.unwrap_or_default(), "X-HubSpot-Request-Timestamp": stamp,
        },
    })
}
