//! Sales as orders: created as drafts with all their lines, in the sale's own currency, validated on request.

use passerelle_core::model::{ExternalKey, Fields};
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::client::Client;
use super::orders::rate;
use super::table::ORDERS;
use super::wire::text;
use super::writes::{Writer, bear};
use super::{lines, proposals};

/// Creates the draft; gives back its id. The same key again completes what an earlier attempt left unfinished.
pub(super) async fn create(writer: &Writer<'_>, key: &ExternalKey, fields: &Fields) -> Result<String> {
    let wanted = lines::wanted(fields)?;
    let currency = fields.get("multicurrency_code").and_then(Value::as_str);
    let foreign = currency.is_some_and(|code| code != writer.currency);
    let mut body = header(writer, fields).await?;
    if let Some(code) = currency {
        body.insert("multicurrency_code".to_owned(), json!(code));
    }
    let today = || json!(writer.client.api.now().to_zoned(jiff::tz::TimeZone::UTC).date().to_string());
    body.entry("date").or_insert_with(today);
    bear(&mut body, key);
    if !foreign {
        body.insert("lines".to_owned(), lines::bodies(&wanted, Decimal::ONE));
    }
    let id = if writer.proposals && !foreign {
        proposals::order(writer, key, body).await?
    } else {
        writer.create_or_adopt(&ORDERS, key, body).await?
    };
    finish(writer.client, &id, currency, &wanted, foreign).await?;
    Ok(id)
}

/// Gives a draft its currency's prices and whatever lines an interrupted attempt left out.
async fn finish(
    client: &Client,
    id: &str,
    currency: Option<&str>,
    wanted: &[lines::Line],
    foreign: bool,
) -> Result<()> {
    if currency.is_none() && !foreign {
        return Ok(());
    }
    let order = existing(client, id).await?;
    if !is_draft(&order) {
        return Ok(());
    }
    if let Err(refusal) = same_currency(&order, currency) {
        // Without lines nobody can have worked on it, and in the wrong currency it is worth nothing.
        if order.get("lines").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            client.delete(&ORDERS.path(id)).await?;
        }
        return Err(refusal.at("id", id));
    }
    lines::settle(client, &order, wanted, rate(&order)).await
}

/// Changes a header, and a draft's lines.
pub(super) async fn update(writer: &Writer<'_>, id: &str, fields: &Fields) -> Result<()> {
    let client = writer.client;
    let order = existing(client, id).await?;
    same_currency(&order, fields.get("multicurrency_code").and_then(Value::as_str))?;
    if fields.contains_key("lines") {
        let wanted = lines::wanted(fields)?;
        if is_draft(&order) {
            lines::settle(client, &order, &wanted, rate(&order)).await?;
        } else if lines::differ(&order, &wanted, rate(&order)) {
            return Err(Error::new(
                ErrorKind::Rejected,
                format!(
                    "the order {} is validated, so its lines cannot change; set it back to draft in Dolibarr, or change the sale back",
                    text(&order, "ref").unwrap_or_default()
                ),
            )
            .at("field", "lines"));
        }
    }
    let body = header(writer, fields).await?;
    if body.is_empty() {
        return Ok(());
    }
    client.put(&ORDERS.path(id), body).await
}

/// Validates an order, and proves it by reading back: a failed validation leaves a draft behind.
pub(super) async fn validate(client: &Client, id: &str) -> Result<()> {
    client.step(format!("/orders/{id}/validate")).await?;
    let order = existing(client, id).await?;
    if is_draft(&order) {
        return Err(Error::new(ErrorKind::Rejected, "Dolibarr accepted the validation but the order is still a draft"));
    }
    Ok(())
}

/// The header as Dolibarr takes it; a change of date needs the field's other name, which `PUT` stores.
async fn header(writer: &Writer<'_>, fields: &Fields) -> Result<Map<String, Value>> {
    let mut body = writer.body(fields).await?;
    body.remove("lines");
    body.remove("multicurrency_code");
    if let Some(date) = body.get("date").cloned() {
        if date == json!("") {
            return Err(
                Error::new(ErrorKind::Rejected, "an order of Dolibarr cannot lose its date").at("field", "date")
            );
        }
        body.insert("date_commande".to_owned(), date);
    }
    Ok(body)
}

async fn existing(client: &Client, id: &str) -> Result<Value> {
    client
        .get(&ORDERS.path(id))
        .await?
        .ok_or_else(|| Error::new(ErrorKind::NotFound, "the order is no longer there").at("id", id))
}

fn is_draft(order: &Value) -> bool {
    text(order, "statut").as_deref() == Some("0")
}

fn same_currency(order: &Value, wanted: Option<&str>) -> Result<()> {
    let is = text(order, "multicurrency_code").unwrap_or_default();
    match wanted {
        Some(wanted) if wanted != is => Err(Error::new(
            ErrorKind::Rejected,
            format!("Dolibarr makes this order in {is} instead of {wanted}: enable its module Multi-currency and give {wanted} a rate"),
        )
        .at("field", "multicurrency_code")),
        _ => Ok(()),
    }
}
