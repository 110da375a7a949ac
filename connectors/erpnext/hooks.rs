//! The webhooks that call the hub: one for each document type, of which a delivery names document and parts only.

use std::collections::BTreeMap;

use passerelle_core::Result;
use passerelle_core::connector::{Preparation, Prepare, State};
use passerelle_core::http::Secret;
use passerelle_core::model::Fields;
use serde_json::{Value, json};

use super::client::{Ask, Client};
use super::setup::lacks_right;
use super::table::{ORDERS, Table};
use super::wire::text;

/// Event and body of a document type's webhook. Payments and cancellations fire `on_change` alone (observed).
#[derive(Clone, Copy, Debug)]
struct Wanted {
    event: &'static str,
    /// Fields of the document that the body tells besides its type.
    fields: &'static [&'static str],
}

/// Tells which webhooks are there, or makes those that are missing.
pub(super) async fn prepare(
    client: &Client,
    tables: &[&Table],
    address: &str,
    secret: Option<&Secret>,
    how: Prepare,
) -> Result<Vec<Preparation>> {
    let known = known(client, address).await?;
    let mut told = Vec::new();
    for (doctype, wanted) in wanted(tables) {
        let name = name_of(doctype, address);
        let is_same = |hook: &&Value| {
            text(hook, "webhook_doctype").as_deref() == Some(doctype)
                && text(hook, "webhook_docevent").as_deref() == Some(wanted.event)
        };
        let (state, said) = match (known.as_ref().map(|known| known.iter().find(is_same)), secret) {
            (Some(Some(hook)), _) => match unfit(hook) {
                Some(how) => (State::Manual, how),
                None => (State::There, format!("a webhook of {doctype}")),
            },
            (_, None) => (State::Manual, "set `webhook_secret` to at least 20 random letters and digits".to_owned()),
            (None, Some(_)) => (State::Manual, by_hand(doctype, wanted, address)),
            (Some(None), Some(_)) if how != Prepare::Create => {
                (State::WouldCreate, format!("creates a webhook of {doctype}, {}, that calls {address}", wanted.event))
            }
            (Some(None), Some(secret)) => {
                match client.create_keyed("Webhook", body(&name, doctype, wanted, address, secret)).await {
                    Ok(_) => (State::Created, format!("created a webhook of {doctype} that calls {address}")),
                    Err(error) if lacks_right(&error) => (State::Manual, by_hand(doctype, wanted, address)),
                    Err(error) => return Err(error),
                }
            }
        };
        told.push(Preparation {
            path: format!("webhook of {doctype}"),
            thing: format!("Webhook/{name}"),
            state,
            how: said,
        });
    }
    Ok(told)
}

/// What must be heard of, for each of the tables.
fn wanted(tables: &[&Table]) -> BTreeMap<&'static str, Wanted> {
    let mut all = BTreeMap::new();
    for table in tables {
        let event = if table.whole { "on_change" } else { "on_update" };
        let fields: &[&str] = if table.doctype == "Contact" { &["name", "links"] } else { &["name"] };
        all.insert(table.doctype, Wanted { event, fields });
        for part in table.parts.iter().map(|part| part.doctype()) {
            let fields: &[&str] = if part == "Item Price" { &["item_code"] } else { &["name", "links"] };
            all.insert(part, Wanted { event: "on_update", fields });
        }
        if table.name == ORDERS.name {
            all.insert("Sales Invoice", Wanted { event: "on_change", fields: &["name", "items"] });
        }
    }
    all
}

/// `passerelle-erp-sales-order` for `https://hub.example.com/hooks/erp`.
fn name_of(doctype: &str, address: &str) -> String {
    let system = address.rsplit('/').next().unwrap_or_default();
    format!("passerelle-{system}-{}", doctype.to_lowercase().replace(' ', "-"))
}

/// Fields are chosen by rows, because in Frappe's template language `doc.items` may be a method. Their body is JSON,
/// though the structure says otherwise (observed).
fn body(name: &str, doctype: &str, wanted: Wanted, address: &str, secret: &Secret) -> Fields {
    let fields = std::iter::once("doctype").chain(wanted.fields.iter().copied());
    let rows: Vec<Value> = fields.map(|field| json!({ "fieldname": field, "key": field })).collect();
    let body = json!({
        "name": name, "webhook_doctype": doctype, "webhook_docevent": wanted.event, "enabled": 1,
        "request_url": address, "request_method": "POST", "request_structure": "Form URL-Encoded", "webhook_data": rows,
        "enable_security": 1, "webhook_secret": secret.reveal(),
        "webhook_headers": [{ "key": "Content-Type", "value": "application/json" }],
    });
    body.as_object().cloned().unwrap_or_default()
}

/// What is wrong with a webhook that is there; its secret is never shown.
fn unfit(hook: &Value) -> Option<String> {
    let says = |field: &str| text(hook, field).as_deref() == Some("1");
    let name = text(hook, "name").unwrap_or_default();
    match (says("enabled"), says("enable_security")) {
        (false, _) => Some(format!("enable the webhook {name}")),
        (true, false) => Some(format!("tick Enable Security in the webhook {name}, with `webhook_secret`")),
        (true, true) => None,
    }
}

/// What a person types, in the words of ERPNext's own screens.
fn by_hand(doctype: &str, wanted: Wanted, address: &str) -> String {
    let fields = wanted.fields.iter().map(|field| format!(", \"{field}\": {{{{ doc.get(\"{field}\") | json }}}}"));
    format!(
        "as a System Manager of ERPNext, open Webhook > Add: DocType \"{doctype}\", Doc Event {}, Request URL {address}, \
         Request Structure JSON, Enable Security ticked with `webhook_secret`, JSON Request Body {{\"doctype\": \
         \"{doctype}\"{}}}",
        wanted.event,
        fields.collect::<String>()
    )
}

/// The webhooks that call the hub; none where the token may not list them.
async fn known(client: &Client, address: &str) -> Result<Option<Vec<Value>>> {
    let ask = Ask::of(&["name", "webhook_doctype", "webhook_docevent", "enabled", "enable_security"]);
    match client.list("Webhook", ask.with([json!(["request_url", "=", address])])).await {
        Ok(hooks) => Ok(Some(hooks)),
        Err(error) if lacks_right(&error) => Ok(None),
        Err(error) => Err(error),
    }
}
