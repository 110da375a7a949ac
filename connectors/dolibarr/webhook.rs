//! Webhooks: Dolibarr signs nothing, so the address bears a secret, and a delivery only hints at a record.
//!
//! A delivery is sent before the change is committed, and its values may be the old ones (observed): what it hints at is
//! read again by the next poll as well. Of a payment or an invoice that names no order there is no hint; polls see it.

use passerelle_core::connector::{Delivery, Hint};
use passerelle_core::http::Secret;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;
use subtle::ConstantTimeEq;

use super::wire::text;

/// Verifies the secret in the address (`?secret=...`) and says which record to read again.
///
/// # Errors
/// `Denied` for a wrong secret, `Rejected` for a body that is no delivery of Dolibarr's.
pub(super) fn decode(delivery: &Delivery<'_>, secret: &Secret) -> Result<Vec<Hint>> {
    let query = delivery.url.split_once('?').map_or("", |(_, query)| query);
    let given = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "secret");
    let given = given.map(|(_, value)| value.into_owned()).unwrap_or_default();
    if given.is_empty() || !bool::from(given.as_bytes().ct_eq(secret.reveal().as_bytes())) {
        return Err(Error::new(
            ErrorKind::Denied,
            "the address that Dolibarr called does not end with `?secret=` and `webhook_secret`",
        ));
    }
    let body: Value = serde_json::from_slice(delivery.body)
        .map_err(|cause| Error::new(ErrorKind::Rejected, "the delivery is not one of Dolibarr's").because(cause))?;
    let (Some(code), Some(object)) = (text(&body, "triggercode"), body.get("object")) else {
        return Err(Error::new(ErrorKind::Rejected, "the delivery names no event and no object"));
    };
    Ok(hinted(&code, object).into_iter().collect())
}

fn hinted(code: &str, object: &Value) -> Option<Hint> {
    let (resource, id) = match code.split('_').next()? {
        "COMPANY" => ("thirdparties", text(object, "id")),
        "CONTACT" => ("contacts", text(object, "id")),
        "PRODUCT" => ("products", text(object, "id")),
        "ORDER" => ("orders", text(object, "id")),
        "LINEORDER" => ("orders", text(object, "fk_commande")),
        "BILL" => ("orders", object.get("linked_objects").and_then(|links| text(links, "commande"))),
        _ => return None,
    };
    Some(Hint { resource: resource.into(), id: id?.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use passerelle_core::clock::Timestamp;

    fn check(url: &str, body: &str) -> Result<Vec<String>> {
        let received = Timestamp::UNIX_EPOCH;
        let delivery = Delivery { method: "POST", url, headers: &[], body: body.as_bytes(), received };
        let hints = decode(&delivery, &Secret::new("s3cret+"))?;
        Ok(hints.into_iter().map(|hint| format!("{}/{}", hint.resource, hint.id)).collect())
    }

    #[test]
    fn an_event_hints_at_the_record_it_is_about() {
        let url = "https://hub.example/hooks/erp?secret=s3cret%2B";
        for (body, expected) in [
            (r#"{"triggercode":"COMPANY_MODIFY","object":{"id":"201"}}"#, vec!["thirdparties/201"]),
            (r#"{"triggercode":"ORDER_VALIDATE","object":{"id":61}}"#, vec!["orders/61"]),
            (
                r#"{"triggercode":"BILL_CREATE","object":{"id":67,"linked_objects":{"commande":"61"}}}"#,
                vec!["orders/61"],
            ),
            (r#"{"triggercode":"BILL_PAYED","object":{"id":"67","linked_objects":[]}}"#, vec![]),
            (r#"{"triggercode":"PAYMENT_CUSTOMER_CREATE","object":{"id":38}}"#, vec![]),
        ] {
            assert_eq!(check(url, body).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn without_the_secret_nothing_is_believed() {
        let body = r#"{"triggercode":"COMPANY_MODIFY","object":{"id":"201"}}"#;
        for url in ["/hooks/erp", "/hooks/erp?secret=", "/hooks/erp?secret=other"] {
            assert_eq!(check(url, body).unwrap_err().kind(), ErrorKind::Denied);
        }
        let wrong = check("/hooks/erp?secret=s3cret%2B", "[]").unwrap_err();
        assert_eq!(wrong.kind(), ErrorKind::Rejected);
    }
}
