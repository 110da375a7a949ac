//! A won sale as a proposal first: created, validated, signed, and only then an order, linked to it.

use passerelle_core::model::ExternalKey;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Map, Value, json};

use super::client::{Ask, Client};
use super::dialect::is_duplicate;
use super::find;
use super::table::ORDERS;
use super::wire::{self, KEY, text};
use super::writes::Writer;

/// How long a signed offer was good for does not matter any more, but without it Dolibarr stores a day of 1970.
const DAYS: u32 = 30;

/// The order that a proposal of `body` became; every step is looked at before it is made, so that it can be resumed.
pub(super) async fn order(writer: &Writer<'_>, key: &ExternalKey, body: Map<String, Value>) -> Result<String> {
    let header = after(&body);
    let order = match writer.bearer(&ORDERS, key).await? {
        Some(order) => order,
        None => ordered(writer, key, body).await?,
    };
    writer.client.put(&ORDERS.path(&order), header).await?;
    Ok(order)
}

async fn ordered(writer: &Writer<'_>, key: &ExternalKey, body: Map<String, Value>) -> Result<String> {
    find::prove(writer.client, "proposals", &["ef"], KEY).await?;
    let proposal = draft(writer.client, key, body).await?;
    let id = wire::id(&proposal)?;
    sign(writer.client, &id, &proposal).await?;
    match writer.client.create(&format!("/orders/createfromproposal/{id}"), Map::new()).await {
        // The key came along from the proposal and is unique, so a second order cannot come of it.
        Err(error) if is_duplicate(&error) => writer.bearer(&ORDERS, key).await?.ok_or(error),
        made => made,
    }
}

/// What `createfromproposal` does not copy: the outer reference, and the date, which would be today's.
fn after(body: &Map<String, Value>) -> Map<String, Value> {
    ["ref_ext", "date", "date_commande"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), body.get(name)?.clone())))
        .collect()
}

async fn draft(client: &Client, key: &ExternalKey, mut body: Map<String, Value>) -> Result<Value> {
    body.insert("duree_validite".to_owned(), json!(DAYS));
    if let Some(there) = bearer(client, key).await? {
        return Ok(there);
    }
    let id = match client.create("/proposals", body).await {
        Err(error) if is_duplicate(&error) => return bearer(client, key).await?.ok_or(error),
        made => made?,
    };
    let missing = || Error::new(ErrorKind::NotFound, "Dolibarr does not show the proposal that was made");
    client.get(&format!("/proposals/{id}")).await?.ok_or_else(missing)
}

async fn bearer(client: &Client, key: &ExternalKey) -> Result<Option<Value>> {
    let filter = find::condition(&format!("ef.{KEY}"), key.as_str());
    let found = client.list("proposals", Ask::filtered(filter)).await?;
    // The database compares without case, and a pattern lets more through.
    Ok(found.into_iter().find(|proposal| wire::key(proposal).as_deref() == Some(key.as_str())))
}

/// `close` checks no earlier state, so the state is read first: 0 draft, 1 validated, 2 signed, 3 refused, 4 billed.
async fn sign(client: &Client, id: &str, proposal: &Value) -> Result<()> {
    let state = text(proposal, "statut").or_else(|| text(proposal, "status")).unwrap_or_default();
    if state == "2" || state == "4" {
        return Ok(());
    }
    if state == "3" || state == "-1" {
        return Err(Error::new(
            ErrorKind::Rejected,
            "the proposal of this sale was refused or cancelled in Dolibarr, while the sale is won",
        )
        .at("proposal", text(proposal, "ref").unwrap_or_default()));
    }
    if state == "0" {
        client.step(format!("/proposals/{id}/validate")).await?;
    }
    let signed = client.close(&format!("/proposals/{id}/close"), json!({ "status": 2 })).await?;
    if text(&signed, "statut").as_deref() == Some("2") {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Rejected, "Dolibarr accepted the signature but the proposal is not signed")
        .at("proposal", text(&signed, "ref").unwrap_or_default()))
}
