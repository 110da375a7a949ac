//! Sales as orders: made as drafts with all their lines and VAT, brought to the cent, submitted on request.

use passerelle_core::model::{ExternalKey, Fields, Record};
use passerelle_core::{Error, ErrorKind, Result};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::lines::{self, Line};
use super::orders;
use super::table::ORDERS;
use super::wire::{KEY, amount, name, number, text};
use super::writes::Writer;

/// What the site computes or joins, and takes from nobody.
const COMPUTED: [&str; 17] = [
    "name",
    "items",
    "taxes",
    "invoices",
    "payments",
    "total",
    "net_total",
    "total_taxes_and_charges",
    "grand_total",
    "rounded_total",
    "invoice_numbers",
    "invoice_status",
    "invoiced",
    "paid",
    "balance_due",
    "due_date",
    "last_payment_date",
];

/// Makes the draft; gives back the document. The same key again completes what an earlier attempt left unfinished.
pub(super) async fn create(writer: &Writer<'_>, key: &ExternalKey, fields: &Fields) -> Result<Value> {
    let wanted = lines::wanted(writer.config, fields)?;
    if let Some(there) = writer.bearer(key) {
        return finish(writer, existing(writer, there).await?, &wanted).await;
    }
    let mut body = header(fields);
    body.insert(KEY.to_owned(), json!(key.as_str()));
    if let Some(company) = &writer.config.company {
        body.entry("company").or_insert_with(|| json!(company));
    }
    if writer.is_order() {
        deliver(&mut body)?;
    } else {
        body.entry("quotation_to").or_insert_with(|| json!("Customer"));
    }
    // What was agreed is not discounted again.
    body.insert("ignore_pricing_rule".to_owned(), json!(1));
    table(writer, &mut body, &wanted, fields).await?;
    let made = writer.create_or_adopt(key, body).await?;
    finish(writer, made, &wanted).await
}

/// Changes a header, and a draft's lines.
pub(super) async fn update(writer: &Writer<'_>, id: &str, fields: &Fields, expect: Option<&str>) -> Result<Value> {
    let mut body = header(fields);
    let mut wanted = None;
    if fields.contains_key("items") {
        let lines = lines::wanted(writer.config, fields)?;
        let there = existing(writer, id).await?;
        if lines::differ(writer.config, &there, &lines) {
            if !is_draft(&there) {
                return Err(locked(&there));
            }
            if writer.is_order() {
                let known =
                    |field: &str| body.get(field).cloned().or_else(|| text(&there, field).map(|day| json!(day)));
                let (day, delivery) = (known("transaction_date"), known("delivery_date"));
                body.extend(
                    [("transaction_date", day), ("delivery_date", delivery)]
                        .into_iter()
                        .filter_map(|(name, value)| Some((name.to_owned(), value?))),
                );
                deliver(&mut body)?;
            }
            table(writer, &mut body, &lines, fields).await?;
            body.insert("additional_discount_percentage".to_owned(), json!(0));
            body.insert("discount_amount".to_owned(), json!(0));
            wanted = Some(lines);
        }
    }
    if let Some(seen) = expect {
        body.insert("modified".to_owned(), json!(seen));
    }
    if body.keys().all(|name| name == "modified") {
        return existing(writer, id).await;
    }
    let changed = writer.client.put(writer.table.doctype, id, body).await?;
    match wanted {
        Some(wanted) => finish(writer, changed, &wanted).await,
        None => Ok(changed),
    }
}

/// Submits a document that is a draft; one that is submitted already stays as it is.
pub(super) async fn submit(writer: &Writer<'_>, document: Value) -> Result<Value> {
    let doctype = writer.table.doctype;
    match text(&document, "docstatus").as_deref() {
        Some("1") => return Ok(document),
        Some("2") => {
            let message = format!("{} is cancelled in ERPNext, so it cannot be submitted", name(&document)?);
            return Err(Error::new(ErrorKind::Rejected, message));
        }
        _ => {}
    }
    // Submitting again is answered like the first time (observed).
    let body = Fields::from_iter([("docstatus".to_owned(), json!(1))]);
    let submitted = writer.client.put(doctype, &name(&document)?, body).await?;
    if text(&submitted, "docstatus").as_deref() != Some("1") {
        return Err(Error::new(
            ErrorKind::Rejected,
            "ERPNext accepted the submission but the document is still a draft",
        ));
    }
    Ok(submitted)
}

/// Brings a draft's net total to what the customer read.
///
/// ERPNext rounds a discounted rate to cents and multiplies then, by the site's own rounding method; the customer read
/// each line rounded once. The few cents between are put into the document's discount on its net total.
async fn finish(writer: &Writer<'_>, document: Value, wanted: &[Line]) -> Result<Value> {
    let read: Decimal = wanted.iter().map(Line::net).sum();
    let apart = amount(&document, "net_total") - read;
    if apart.is_zero() || !is_draft(&document) || apart.abs() > slack(wanted) {
        return Ok(document);
    }
    let discount = amount(&document, "total") - read;
    let body = json!({ "apply_discount_on": "Net Total", "additional_discount_percentage": 0, "discount_amount": number(discount) });
    let body = body.as_object().cloned().unwrap_or_default();
    writer.client.put(writer.table.doctype, &name(&document)?, body).await
}

/// What rounding of rates can come to: half a cent for each unit. More than that has another reason, and stays.
fn slack(lines: &[Line]) -> Decimal {
    let rounded = lines.iter().filter(|line| !line.discount.is_zero());
    let cent = Decimal::new(1, 2);
    cent * (Decimal::from(lines.len()) + rounded.map(|line| line.quantity.abs()).sum::<Decimal>())
}

/// The lines and their VAT. The mapper's and the customer's payment terms would be refused on an older date (observed).
async fn table(writer: &Writer<'_>, body: &mut Fields, wanted: &[Line], fields: &Fields) -> Result<()> {
    let plan = writer.templates().await?.plan(wanted)?;
    let delivery = body.get("delivery_date").and_then(Value::as_str).map(str::to_owned).filter(|_| writer.is_order());
    let lines =
        wanted.iter().zip(&plan.of_lines).map(|(line, template)| line.body(delivery.as_deref(), template.as_deref()));
    body.insert("items".to_owned(), lines.collect());
    body.insert("taxes".to_owned(), Value::Array(plan.rows));
    body.insert("payment_schedule".to_owned(), json!([]));
    if !fields.contains_key("taxes_and_charges") {
        body.insert("taxes_and_charges".to_owned(), json!(plan.template));
    }
    Ok(())
}

fn header(fields: &Fields) -> Fields {
    let kept = fields.iter().filter(|(field, _)| !COMPUTED.contains(&field.as_str()));
    kept.map(|(field, value)| (field.clone(), value.clone())).collect()
}

/// ERPNext asks of an order when it is delivered: where nobody says, on its own day.
fn deliver(body: &mut Fields) -> Result<()> {
    let day = body.get("transaction_date").filter(|day| !day.is_null()).cloned();
    let missing =
        || Error::new(ErrorKind::Rejected, "an order of ERPNext needs a date").at("field", "transaction_date");
    if body.get("delivery_date").is_none_or(Value::is_null) {
        body.insert("delivery_date".to_owned(), day.ok_or_else(missing)?);
    }
    Ok(())
}

async fn existing(writer: &Writer<'_>, id: &str) -> Result<Value> {
    let found = writer.client.get(writer.table.doctype, id).await?;
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, "the document is no longer there").at("id", id))
}

fn is_draft(document: &Value) -> bool {
    text(document, "docstatus").as_deref() == Some("0")
}

fn locked(document: &Value) -> Error {
    let message = format!(
        "{} is submitted, so its lines cannot change; cancel and amend it in ERPNext, or change the sale back",
        text(document, "name").unwrap_or_default()
    );
    Error::new(ErrorKind::Rejected, message).at("field", "items")
}

/// The record of a document as its write was answered; one with invoices is joined with them.
pub(super) async fn told(writer: &Writer<'_>, document: Value) -> Result<Record> {
    let billed = !is_draft(&document);
    let mut records = match (writer.table.name == ORDERS.name, billed) {
        (true, true) => orders::join(writer.client, writer.config, vec![document]).await?,
        (true, false) => vec![orders::fresh(writer.client, writer.config, &document).await?],
        _ => orders::quotations(writer.client, writer.config, vec![document]).await?,
    };
    records.pop().ok_or_else(|| Error::new(ErrorKind::Bug, "a document became no record"))
}
