//! Webhooks: signed over the raw body, which is what the webhook's own template makes; a delivery only hints at a record.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use passerelle_core::connector::{Delivery, Hint};
use passerelle_core::http::Secret;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::wire::text;

/// Verifies the signature and says which records to read again.
///
/// The body names `doctype` and `name`; of an invoice its lines (`items`, each with `sales_order`) name the orders. There
/// is no timestamp, so an old delivery can be played again: it hints at a record that is then read as it is.
///
/// # Errors
/// `Denied` for a missing or wrong signature, `Rejected` for a body that is no JSON object.
pub(super) fn decode(delivery: &Delivery<'_>, secret: &Secret) -> Result<Vec<Hint>> {
    let signature = delivery.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("x-frappe-webhook-signature"));
    let Some((_, signature)) = signature else {
        return Err(Error::new(
            ErrorKind::Denied,
            "the delivery is not signed: tick Enable Security in the webhook and give it the Webhook Secret",
        ));
    };
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes())
        .map_err(|cause| Error::new(ErrorKind::Config, "`webhook_secret` cannot be used").because(cause))?;
    mac.update(delivery.body);
    let wanted = STANDARD.encode(mac.finalize().into_bytes());
    if !bool::from(signature.trim().as_bytes().ct_eq(wanted.as_bytes())) {
        return Err(Error::new(ErrorKind::Denied, "the signature of the delivery is wrong: check `webhook_secret`"));
    }
    let body: Value = serde_json::from_slice(delivery.body)
        .map_err(|cause| Error::new(ErrorKind::Rejected, "the delivery is no JSON").because(cause))?;
    if !body.is_object() {
        return Err(Error::new(ErrorKind::Rejected, "the delivery names no document"));
    }
    let mut hints: Vec<Hint> = Vec::new();
    for hint in hinted(&body) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    Ok(hints)
}

fn hinted(body: &Value) -> Vec<Hint> {
    let rows = |table: &str| body.get(table).and_then(Value::as_array).cloned().unwrap_or_default();
    let one = |resource: &str, id: Option<String>| {
        id.map(|id| Hint { resource: resource.into(), id: id.into() }).into_iter().collect::<Vec<_>>()
    };
    let linked = |resource: &str| {
        let links = rows("links").into_iter().filter(|link| text(link, "link_doctype").as_deref() == Some("Customer"));
        links.flat_map(|link| one(resource, text(&link, "link_name"))).collect::<Vec<_>>()
    };
    match text(body, "doctype").as_deref() {
        Some("Customer") => one("customers", text(body, "name")),
        Some("Address") => linked("customers"),
        Some("Contact") => one("contacts", text(body, "name")).into_iter().chain(linked("customers")).collect(),
        Some("Item") => one("items", text(body, "name")),
        Some("Item Price") => one("items", text(body, "item_code")),
        Some("Quotation") => one("quotations", text(body, "name")),
        Some("Sales Order") => one("orders", text(body, "name")),
        Some("Sales Invoice") => rows("items").iter().flat_map(|row| one("orders", text(row, "sales_order"))).collect(),
        _ => Vec::new(),
    }
}
