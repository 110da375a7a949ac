//! Webhooks: what waits to be delivered, rendered when it happened and signed over its bytes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::site::{Happened, Site};
use super::values::{Doc, int, rows, text};

/// The deliveries that wait, and forgets them. `times` repeats each, `reverse` tells the last one first.
pub(super) fn deliveries(site: &mut Site, how: &Value) -> Vec<Value> {
    let times = how["times"].as_u64().unwrap_or(1) as usize;
    let events = std::mem::take(&mut site.events);
    let mut told: Vec<Value> = Vec::new();
    for event in &events {
        let wanted = |hook: &&Doc| {
            text(hook, "webhook_doctype") == event.doctype
                && text(hook, "webhook_docevent") == event.event
                && int(hook, "enabled") == 1
        };
        for hook in site.all("Webhook").filter(wanted) {
            told.extend(std::iter::repeat_n(delivery(hook, event), times));
        }
    }
    if how["reverse"] == json!(true) {
        told.reverse();
    }
    told
}

fn delivery(hook: &Doc, event: &Happened) -> Value {
    let body = body(hook, event);
    let mut headers = Map::new();
    headers.insert("User-Agent".to_owned(), json!("python-requests/2.32.5"));
    if int(hook, "enable_security") == 1 {
        headers.insert("X-Frappe-Webhook-Signature".to_owned(), json!(signature(text(hook, "secret_kept"), &body)));
    }
    for header in rows(hook, "webhook_headers") {
        headers.insert(text(header, "key").to_owned(), json!(text(header, "value")));
    }
    json!({ "method": text(hook, "request_method"), "url": text(hook, "request_url"), "body": body, "headers": headers })
}

/// Base64 of HMAC-SHA256 over the raw body.
fn signature(secret: &str, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).map(|mut mac| {
        mac.update(body.as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    mac.unwrap_or_default()
}

/// The template, or the listed fields; neither gives `{}`. It is JSON whatever the structure says (observed).
fn body(hook: &Doc, event: &Happened) -> String {
    let template = text(hook, "webhook_json");
    if !template.is_empty() {
        return serde_json::from_str::<Value>(&rendered(template, &event.doc))
            .map_or_else(|_| "{}".to_owned(), |body| body.to_string());
    }
    let fields = rows(hook, "webhook_data").map(|row| {
        let value = event.doc.get(text(row, "fieldname")).cloned().unwrap_or(Value::Null);
        (text(row, "key").to_owned(), value)
    });
    Value::Object(fields.collect()).to_string()
}

/// `{{ doc.field }}` and `{{ doc.field | tojson }}`; nothing else of the template language.
fn rendered(template: &str, doc: &Doc) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let Some((inside, after)) = after.split_once("}}") else { break };
        let (path, json) = inside.split_once('|').map_or((inside.trim(), false), |(path, _)| (path.trim(), true));
        let value = doc.get(path.strip_prefix("doc.").unwrap_or(path)).cloned().unwrap_or(Value::Null);
        match (&value, json) {
            (Value::String(plain), false) => text.push_str(plain),
            (Value::Null, false) => text.push_str("None"),
            _ => text.push_str(&value.to_string()),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}
