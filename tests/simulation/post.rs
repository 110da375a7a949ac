//! Webhooks on their way: repeated, reordered, late, and now and then a forged one that must be refused.

use std::sync::Arc;
use std::time::Duration;

use passerelle_core::Result;
use passerelle_core::clock::Clock;
use passerelle_core::connector::Delivery;
use passerelle_core::emulator::{Host, InProcess};
use passerelle_core::engine::Engine;
use passerelle_core::http::{Request, Wire};
use passerelle_core::serve::{INBOX_CAPACITY, Server, Setup, Timing};
use serde_json::{Value, json};

use super::fate::Fate;

/// Secret that HubSpot signs with and Dolibarr's address bears, and the addresses that they call.
pub const SECRET: &str = "a secret of the simulation's own app";
const TARGET: &str = "https://hub.example.com/hooks/hubspot";
const HINTED: &str = "https://hub.example.com/hooks/erp";

/// Ticks of a server's life, before it is stopped or dies.
const TICKS: u64 = 4;

/// Subscribes the hub to what HubSpot tells of companies, products and deals.
///
/// # Errors
/// What HubSpot refuses.
pub async fn subscribe(host: &Arc<Host>) -> Result<()> {
    host.control("hubspot", "settings", &json!({ "secret": SECRET, "target": TARGET }))?;
    let wire = InProcess::new(Arc::clone(host));
    for event in ["company.propertyChange", "deal.propertyChange", "deal.creation", "deal.deletion", "company.merge"] {
        let address = format!("{}/app-webhooks/v3/1/subscriptions", wire.base_url("hubspot")?);
        let body = json!({ "eventType": event, "active": true });
        wire.call(Request::post(address, body).query("hapikey", "a-developers-key")).await?;
    }
    Ok(())
}

/// A hub that runs by itself for a while: webhooks come in, flows have their turns, time passes.
///
/// # Errors
/// The store's.
pub async fn serve(hub: &Engine, host: &Host, fate: &Fate) -> Result<()> {
    let every = |minutes: u64| Timing::Every(Duration::from_secs(minutes * 60));
    let timings = hub.flows.iter().map(|flow| (flow.name.clone(), every(5))).collect();
    let server = Server::new(hub.clone(), Setup { timings, capacity: INBOX_CAPACITY, seed: 1 })?;
    for _ in 0..TICKS {
        deliver(&server, host, fate)?;
        hint(&server, host, fate);
        server.tick().await?;
        host.time().advance(Duration::from_secs(fate.throw(|dice| dice.between(1, 400))));
    }
    Ok(())
}

/// What HubSpot has to tell, as the network brings it.
fn deliver(server: &Server, host: &Host, fate: &Fate) -> Result<()> {
    let (times, reverse, late) = fate.throw(|dice| (dice.between(1, 2), dice.falls(0.3), dice.falls(0.3)));
    let how = json!({ "times": times, "reverse": reverse, "attempt": times - 1 });
    let told = host.control("hubspot", "deliveries", &how)?;
    if late {
        host.time().advance(Duration::from_secs(fate.throw(|dice| dice.between(1, 120))));
    }
    for delivery in told["deliveries"].as_array().into_iter().flatten() {
        fate.count(|tally| tally.fault(if times > 1 { "webhook repeated" } else { "webhook" }));
        if fate.throw(|dice| dice.falls(0.1)) {
            fate.count(|tally| tally.fault("webhook forged"));
            let forged = delivery["body"].as_str().unwrap_or_default().replace("\"objectId\":4", "\"objectId\":5");
            if posted(server, delivery, &forged, host) {
                fate.find("a forged webhook was taken");
            }
            continue;
        }
        posted(server, delivery, delivery["body"].as_str().unwrap_or_default(), host);
    }
    Ok(())
}

/// What Dolibarr has to tell of some of its records, of such as changed and of others; some are not there any more.
fn hint(server: &Server, host: &Host, fate: &Fate) {
    for _ in 0..fate.throw(|dice| dice.between(0, 3)) {
        let code =
            fate.throw(|dice| dice.word(&["COMPANY_MODIFY", "COMPANY_DELETE", "PRODUCT_MODIFY", "ORDER_VALIDATE"]));
        let body =
            json!({ "triggercode": code, "object": { "id": fate.throw(|dice| dice.between(1, 30)).to_string() } });
        let is_forged = fate.throw(|dice| dice.falls(0.1));
        let secret = if is_forged { "a guess" } else { SECRET };
        let secret: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let (url, body) = (format!("{HINTED}?secret={secret}"), body.to_string());
        let delivery =
            Delivery { method: "POST", url: &url, headers: &[], body: body.as_bytes(), received: host.time().now() };
        fate.count(|tally| tally.fault(if is_forged { "webhook forged" } else { "webhook" }));
        if server.receive("erp", &delivery).status == 200 && is_forged {
            fate.find("a forged webhook was taken");
        }
    }
}

/// Whether a delivery was taken.
fn posted(server: &Server, delivery: &Value, body: &str, host: &Host) -> bool {
    let headers = delivery["headers"].as_object().into_iter().flatten();
    let headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned())).collect();
    let received = host.time().now();
    let delivery = Delivery { method: "POST", url: TARGET, headers: &headers, body: body.as_bytes(), received };
    server.receive("crm", &delivery).status == 200
}
