//! Outbound messages: SOAP envelopes that name records to read again.

use passerelle_core::connector::{Delivery, Hint};
use passerelle_core::http::Secret;
use passerelle_core::{Error, ErrorKind, Result};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use subtle::ConstantTimeEq;

/// Without it, Salesforce sends a message again for a day [documented].
pub(super) const RECEIPT: (&str, &str) = (
    "text/xml; charset=utf-8",
    "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\"><soapenv:Body>\
     <notificationsResponse xmlns=\"http://soap.sforce.com/2005/09/outbound\"><Ack>true</Ack></notificationsResponse>\
     </soapenv:Body></soapenv:Envelope>",
);

/// Verifies a delivery and says which records to read again.
///
/// An outbound message is not signed: a secret in its address and the id of the org stand for it. What it says of a
/// record is not taken, because it may be forged or old: the record is read.
///
/// # Errors
/// `NotFound` for a wrong secret or another org's message, whose sender is told nothing; `Rejected` for what is no outbound
/// message.
pub(super) fn decode(delivery: &Delivery<'_>, organization: &str, secret: &Secret) -> Result<Vec<Hint>> {
    let query = delivery.url.split_once('?').map_or("", |(_, query)| query);
    let given =
        url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "secret").map(|(_, value)| value);
    if !bool::from(given.as_deref().unwrap_or_default().as_bytes().ct_eq(secret.reveal().as_bytes())) {
        let message = "the address of the message does not end with `?secret=` and the webhook secret";
        return Err(Error::new(ErrorKind::NotFound, message));
    }
    let message = Message::read(delivery.body)?;
    // 15 characters are the id, the other three only its check.
    let same = match (message.organization.get(..15), organization.get(..15)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    };
    if !same {
        return Err(Error::new(ErrorKind::NotFound, "the message is of another org than `organization_id`"));
    }
    Ok(message.hints)
}

/// What an envelope says.
#[derive(Debug, Default)]
struct Message {
    organization: String,
    hints: Vec<Hint>,
}

/// A record of a notification while it is read.
#[derive(Debug, Default)]
struct Named {
    object: String,
    id: String,
    parent: String,
}

impl Message {
    fn read(body: &[u8]) -> Result<Self> {
        let broken = |why: &str| Error::new(ErrorKind::Rejected, format!("the delivery is no outbound message: {why}"));
        let text = std::str::from_utf8(body).map_err(|_| broken("it is no text"))?;
        let mut reader = Reader::from_str(text);
        let (mut message, mut path, mut named) = (Self::default(), Vec::new(), Named::default());
        loop {
            match reader.read_event().map_err(|cause| broken("it is no XML").because(cause))? {
                // A document type could define entities; an outbound message has none.
                Event::DocType(_) => return Err(broken("it has a document type")),
                Event::Start(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    if name == "sObject" {
                        named = Named { object: object_of(&start).unwrap_or_default(), ..Named::default() };
                    }
                    path.push(name);
                }
                Event::End(_) if path.pop().as_deref() == Some("sObject") => message.add(std::mem::take(&mut named)),
                Event::Text(text) => {
                    let text = text.trim().to_owned();
                    match path.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
                        [.., "notifications", "OrganizationId"] => message.organization.push_str(&text),
                        [.., "sObject", "Id"] => named.id.push_str(&text),
                        [.., "sObject", "OpportunityId" | "Product2Id"] => named.parent.push_str(&text),
                        _ => {}
                    }
                }
                Event::Eof if message.organization.is_empty() => return Err(broken("it names no org")),
                Event::Eof => return Ok(message),
                _ => {}
            }
        }
    }

    fn add(&mut self, named: Named) {
        let (resource, id) = match named.object.as_str() {
            "Quote" | "OpportunityLineItem" => ("Opportunity", named.parent),
            "PricebookEntry" => ("Product2", named.parent),
            // Its quote is not told as an opportunity's: the feed meets it.
            "QuoteLineItem" | "" => return,
            object => (object, named.id),
        };
        let hint = Hint { resource: resource.into(), id: id.into() };
        if !hint.id.as_str().is_empty() && !self.hints.contains(&hint) {
            self.hints.push(hint);
        }
    }
}

/// `xsi:type="sf:Opportunity"`.
fn object_of(start: &BytesStart<'_>) -> Option<String> {
    let kind = start.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "type")?;
    kind.value.rsplit(':').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use passerelle_core::clock::Timestamp;

    const ORG: &str = "00D5g000004XyZqEAK";

    fn envelope(organization: &str, objects: &str) -> String {
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Body>
            <notifications xmlns="http://soap.sforce.com/2005/09/outbound"><OrganizationId>{organization}</OrganizationId><ActionId>04k5g0000008OIAAA2</ActionId><SessionId xsi:nil="true"/>{objects}</notifications></soapenv:Body></soapenv:Envelope>"#
        )
    }

    fn object(kind: &str, fields: &str) -> String {
        format!(
            r#"<Notification><Id>04l5g000002nrC5AAI</Id><sObject xsi:type="sf:{kind}" xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{fields}</sObject></Notification>"#
        )
    }

    fn check(url: &str, body: &str, expected: &str) {
        let delivery =
            Delivery { method: "POST", url, headers: &[], body: body.as_bytes(), received: Timestamp::UNIX_EPOCH };
        let told = match decode(&delivery, ORG, &Secret::new("long+random")) {
            Ok(hints) => {
                hints.iter().map(|hint| format!("{}/{}", hint.resource, hint.id)).collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("{:?}: {}", error.kind(), error.message()),
        };
        assert_eq!(told, expected, "{body}");
    }

    const URL: &str = "https://hub.example.com/hooks/crm?secret=long%2Brandom";

    #[test]
    fn notifications_hint_at_the_records_that_they_name() {
        let two = object("Opportunity", "<sf:Id>0065g00000SvAAAAA3</sf:Id><sf:Name>A &amp; B</sf:Name>");
        let quote =
            object("Quote", "<sf:Id>0Q05g00000SvAAAAA3</sf:Id><sf:OpportunityId>0065g00000SvAAAAA4</sf:OpportunityId>");
        let body = envelope(ORG, &format!("{two}{two}{quote}"));
        check(URL, &body, "Opportunity/0065g00000SvAAAAA3 Opportunity/0065g00000SvAAAAA4");
        check(URL, &envelope("00D5g000004XyZq", &object("Account", "<sf:Id>001</sf:Id>")), "Account/001");
        check(URL, &envelope(ORG, &object("QuoteLineItem", "<sf:Id>0QL</sf:Id>")), "");
    }

    #[test]
    fn the_receipt_is_one_envelope_that_says_yes() {
        let (kind, body) = RECEIPT;
        assert!(kind.starts_with("text/xml") && body.contains("<Ack>true</Ack>") && !body.contains("  "), "{body}");
    }

    #[test]
    fn a_message_of_somebody_else_finds_nothing_here() {
        let body = envelope(ORG, &object("Account", "<sf:Id>001</sf:Id>"));
        let words = "NotFound: the address of the message does not end with `?secret=` and the webhook secret";
        check("https://hub.example.com/hooks/crm?secret=guess", &body, words);
        check("https://hub.example.com/hooks/crm", &body, words);
        let other = envelope("00D5g000004XyZrEAK", "");
        check(URL, &other, "NotFound: the message is of another org than `organization_id`");
    }

    #[test]
    fn what_is_no_outbound_message_is_rejected() {
        check(URL, "[]", "Rejected: the delivery is no outbound message: it names no org");
        check(URL, "<a><b></a>", "Rejected: the delivery is no outbound message: it is no XML");
        let bomb = format!("<!DOCTYPE x [<!ENTITY a \"b\">]>{}", envelope(ORG, ""));
        check(URL, &bomb, "Rejected: the delivery is no outbound message: it has a document type");
    }
}
