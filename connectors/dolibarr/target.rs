//! The webhook target that calls the hub: one, for all that is synchronised.
//!
//! Its routes and rights are those of Dolibarr's own source (`api_webhook.class.php`); the create was observed.

use passerelle_core::connector::{Preparation, Prepare, Removal, State};
use passerelle_core::http::{Request, Secret};
use passerelle_core::model::ResourceName;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::client::Client;
use super::wire::text;

/// How a target is named: this, then the address without its secret.
pub(super) const THING: &str = "webhook ";

/// Targets asked for at once; a Dolibarr has a handful.
const MOST: &str = "1000";

/// Tells whether the target is there and fit, or makes it.
pub(super) async fn prepare(
    client: &Client,
    resources: &[ResourceName],
    address: &str,
    secret: Option<&Secret>,
    how: Prepare,
) -> Result<Preparation> {
    let codes = codes(resources);
    let (state, said) = match secret {
        None => (State::Manual, "set `webhook_secret` to at least 20 random letters and digits".to_owned()),
        Some(secret) => one(client, &codes, (address, secret), how).await?,
    };
    Ok(Preparation { path: "webhook".to_owned(), thing: format!("{THING}{address}"), state, how: said })
}

async fn one(
    client: &Client,
    codes: &[&str],
    (address, secret): (&str, &Secret),
    how: Prepare,
) -> Result<(State, String)> {
    let by_hand = |why: &str| {
        let what = "a target of type non-blocking with the address";
        let codes = codes.join(",");
        format!("{why}in Dolibarr's module Webhook, {what} {address}?secret=<webhook_secret> and the triggers {codes}")
    };
    let told = format!("a non-blocking webhook target that calls {address}");
    let known = match targets(client).await {
        Ok(known) => known,
        // 501: the module is off, which only a person switches on.
        Err(error) if error.kind() == ErrorKind::Config => {
            return Ok((State::Manual, by_hand("enable Webhook in Home > Setup > Modules; then ")));
        }
        Err(error) if lacks_right(&error) => {
            return Ok((State::Manual, by_hand("the key's user has no right to webhook targets; ")));
        }
        Err(error) => return Err(error),
    };
    let secret: String = url::form_urlencoded::byte_serialize(secret.reveal().as_bytes()).collect();
    let full = format!("{address}?secret={secret}");
    if let Some(found) = known.iter().find(|target| calls(target, address)) {
        return Ok(unfit(found, &full, codes).map_or((State::There, told), |how| (State::Manual, how)));
    }
    if how != Prepare::Create {
        return Ok((State::WouldCreate, format!("creates {told}")));
    }
    let name = address.rsplit('/').next().unwrap_or_default();
    let body = json!({
        "ref": format!("passerelle-{name}"), "label": "Passerelle", "url": full, "trigger_codes": codes.join(","),
        "type": 1, "status": 1,
    });
    let body: Map<String, Value> = body.as_object().cloned().unwrap_or_default();
    match client.create("/webhook", body).await {
        Ok(_) => Ok((State::Created, format!("created {told}"))),
        Err(error) if lacks_right(&error) => {
            Ok((State::Manual, by_hand("the key's user has no right to make webhook targets; ")))
        }
        Err(error) => Err(error),
    }
}

/// Deletes the target that calls this address.
pub(super) async fn remove(client: &Client, address: &str) -> Result<Removal> {
    let known = targets(client).await?;
    let Some(id) = known.iter().find(|target| calls(target, address)).and_then(|target| text(target, "id")) else {
        return Ok(Removal::Gone);
    };
    match client.api.call(Request::new("DELETE", format!("/webhook/{id}")).harmless()).await {
        Ok(_) => Ok(Removal::Removed("the webhook target".to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Removal::Gone),
        Err(error) if lacks_right(&error) => Ok(Removal::Manual(
            "the key's user has no right to delete webhook targets: delete it in Dolibarr".to_owned(),
        )),
        Err(error) => Err(error),
    }
}

/// All targets; an empty list is answered with 404.
async fn targets(client: &Client) -> Result<Vec<Value>> {
    match client.api.call(Request::get("/webhook").query("limit", MOST)).await {
        Ok(response) => response.parse(),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn calls(target: &Value, address: &str) -> bool {
    text(target, "url").is_some_and(|url| url.split('?').next() == Some(address))
}

/// What is wrong with a target that is there.
fn unfit(target: &Value, full: &str, codes: &[&str]) -> Option<String> {
    let says = |field: &str, value: &str| text(target, field).as_deref() == Some(value);
    let id = text(target, "id").unwrap_or_default();
    let triggers = text(target, "trigger_codes").unwrap_or_default();
    let missing: Vec<&str> =
        codes.iter().copied().filter(|code| !triggers.split(',').any(|known| known.trim() == *code)).collect();
    let wrong = match () {
        () if !says("type", "1") => "set its type to non-blocking: else the hub's outage stops Dolibarr".to_owned(),
        () if !says("status", "1") => "switch it on: its status is not automatic".to_owned(),
        () if !says("url", full) => "the secret in its address is not `webhook_secret`".to_owned(),
        () if !missing.is_empty() => format!("add the triggers {}", missing.join(",")),
        () => return None,
    };
    Some(format!("webhook target {id} is there; {wrong}"))
}

/// The triggers that hint at records of these resources.
fn codes(resources: &[ResourceName]) -> Vec<&'static str> {
    let of = |resource: &ResourceName| -> &'static [&'static str] {
        match resource.as_str() {
            "thirdparties" => &["COMPANY_CREATE", "COMPANY_MODIFY"],
            "contacts" => &["CONTACT_CREATE", "CONTACT_MODIFY"],
            "products" => &["PRODUCT_CREATE", "PRODUCT_MODIFY"],
            "orders" => &["ORDER_CREATE", "ORDER_VALIDATE", "ORDER_CLOSE", "BILL_CREATE"],
            _ => &[],
        }
    };
    resources.iter().flat_map(of).copied().collect()
}

fn lacks_right(error: &Error) -> bool {
    error.kind() == ErrorKind::Denied && error.fact("status") == Some("403")
}
