//! Webhooks: signatures of three versions, and what events hint at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use passerelle_core::connector::{Delivery, Hint};
use passerelle_core::http::Secret;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A delivery older than this is refused, in milliseconds [documented].
const WINDOW: i128 = 300_000;

/// Verifies a delivery and says which records to read again.
///
/// # Errors
/// `Denied` for a signature that is missing, wrong or too old; `Rejected` for a body that is no list of events.
pub(super) fn decode(delivery: &Delivery<'_>, url: &str, secret: &Secret) -> Result<Vec<Hint>> {
    verify(delivery, url, secret)?;
    let events: Vec<Value> = serde_json::from_slice(delivery.body)
        .map_err(|cause| Error::new(ErrorKind::Rejected, "the delivery is not a list of events").because(cause))?;
    let mut hints: Vec<Hint> = Vec::new();
    for hint in events.iter().flat_map(hinted) {
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    Ok(hints)
}

fn verify(delivery: &Delivery<'_>, url: &str, secret: &Secret) -> Result<()> {
    let header = |name: &str| {
        delivery.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    };
    let denied = |why: &str| Err(Error::new(ErrorKind::Denied, why.to_owned()));
    let key = secret.reveal().as_bytes();
    let (given, expected) = match (header("X-HubSpot-Signature-v3"), header("X-HubSpot-Signature")) {
        (Some(given), _) => {
            let stamp = header("X-HubSpot-Request-Timestamp").unwrap_or_default();
            let Ok(sent) = stamp.parse::<i128>() else { return denied("the delivery has no timestamp") };
            if (i128::from(delivery.received.as_millisecond()) - sent).abs() > WINDOW {
                return denied("the delivery is older than five minutes, or from the future");
            }
            let url = decoded(url);
            let signed = [delivery.method.as_bytes(), url.as_bytes(), delivery.body, stamp.as_bytes()];
            (given, third(key, &signed)?)
        }
        (None, Some(given)) => match header("X-HubSpot-Signature-Version") {
            Some("v2") => (given, hex(&[key, delivery.method.as_bytes(), url.as_bytes(), delivery.body])),
            _ => (given, hex(&[key, delivery.body])),
        },
        (None, None) => return denied("the delivery is not signed"),
    };
    if bool::from(given.as_bytes().ct_eq(expected.as_bytes())) {
        return Ok(());
    }
    denied("the signature of the delivery is wrong: check `webhook_secret` and `webhook_url`")
}

fn third(key: &[u8], parts: &[&[u8]]) -> Result<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).map_err(|cause| {
        Error::new(ErrorKind::Config, "`webhook_secret` cannot be a key").because(cause.to_string())
    })?;
    for part in parts {
        mac.update(part);
    }
    Ok(STANDARD.encode(mac.finalize().into_bytes()))
}

fn hex(parts: &[&[u8]]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part);
    }
    digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The address as version 3 signs it: a few escapes decoded, the fragment cut off [documented].
fn decoded(url: &str) -> String {
    const ESCAPES: [(&str, &str); 12] = [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ];
    let url = url.split('#').next().unwrap_or_default();
    ESCAPES.iter().fold(url.to_owned(), |url, (escape, plain)| {
        url.replace(escape, plain).replace(&escape.to_ascii_lowercase(), plain)
    })
}

/// The records that an event is about. A line item does not say whose it is: the feed meets it.
fn hinted(event: &Value) -> Vec<Hint> {
    let kind = event["subscriptionType"].as_str().and_then(|name| name.split('.').next()).unwrap_or_default();
    let resource = match (kind, event["objectTypeId"].as_str()) {
        ("company", _) | ("object", Some("0-2")) => "companies",
        ("contact", _) | ("object", Some("0-1")) => "contacts",
        ("deal", _) | ("object", Some("0-3")) => "deals",
        ("product", _) | ("object", Some("0-7")) => "products",
        _ => return Vec::new(),
    };
    let merged = event["mergedObjectIds"].as_array().into_iter().flatten();
    let named = ["objectId", "newObjectId", "primaryObjectId"].map(|name| &event[name]);
    // The far side of an association has an event of its own.
    let own = if event["objectId"].is_null() { Some(&event["fromObjectId"]) } else { None };
    let ids =
        named.into_iter().chain(merged).chain(own).filter_map(|id| id.as_u64().or_else(|| id.as_str()?.parse().ok()));
    let mut hints: Vec<Hint> = Vec::new();
    for id in ids {
        let hint = Hint { resource: resource.into(), id: id.to_string().into() };
        if !hints.contains(&hint) {
            hints.push(hint);
        }
    }
    hints
}

#[cfg(test)]
mod tests {
    use super::*;
    use passerelle_core::clock::Timestamp;

    const SECRET: &str = "7d1b6f0e-0000-4000-8000-00000000c0de";
    const URL: &str = "https://hub.example.com/hooks/hubspot?tenant=t1&tag=a:b";
    const SENT: i64 = 1_763_856_000_000;
    const BODY: &str = r#"[{"eventId":3816279340,"subscriptionId":25,"portalId":33,"appId":1160452,"occurredAt":1763855999123,"subscriptionType":"deal.propertyChange","attemptNumber":0,"objectId":9001,"propertyName":"dealstage","propertyValue":"closedwon","changeSource":"CRM_UI","sourceId":"userId:77"}]"#;
    const THIRD: &str = "fSRbPuLFLTu+5noBMgx/bjcnrJ4e3NNqhKAc1iaXGgw=";
    const SECOND: &str = "393968ca6c146da09b0ace2d5868472c71b03e5cc564a91853f54dc194a7fff6";
    const FIRST: &str = "e839612347acecdc941aec478f12247229939d83ab1a79ec3a864e4daa21d9ca";

    /// Headers as `name: value | ..`; expects the hinted ids, or the kind of the error.
    fn check(headers: &str, url: &str, body: &str, late: i64, expected: &str) {
        let headers: Vec<(String, String)> = headers
            .split(" | ")
            .filter_map(|line| line.split_once(": "))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let received = Timestamp::from_millisecond(SENT + late).unwrap();
        let delivery = Delivery { method: "POST", url, headers: &headers, body: body.as_bytes(), received };
        let told = match decode(&delivery, url, &Secret::new(SECRET)) {
            Ok(hints) => {
                hints.iter().map(|hint| format!("{}/{}", hint.resource, hint.id)).collect::<Vec<_>>().join(" ")
            }
            Err(error) => format!("{:?}", error.kind()),
        };
        assert_eq!(told, expected, "{headers:?}");
    }

    fn third(signature: &str) -> String {
        format!("x-hubspot-signature-v3: {signature} | X-HUBSPOT-REQUEST-TIMESTAMP: {SENT}")
    }

    #[test]
    fn the_test_vectors_of_all_three_versions_are_accepted() {
        check(&third(THIRD), URL, BODY, 0, "deals/9001");
        check(&format!("X-HubSpot-Signature: {SECOND} | X-HubSpot-Signature-Version: v2"), URL, BODY, 0, "deals/9001");
        check(&format!("X-HubSpot-Signature: {FIRST} | X-HubSpot-Signature-Version: v1"), URL, BODY, 0, "deals/9001");
    }

    #[test]
    fn an_escape_that_version_three_decodes_makes_no_difference() {
        check(&third(THIRD), "https://hub.example.com/hooks/hubspot?tenant=t1&tag=a%3ab#x", BODY, 0, "deals/9001");
        check(&third(THIRD), "https://hub.example.com/hooks/hubspot?tenant%3Dt1&tag=a:b", BODY, 0, "Denied");
    }

    #[test]
    fn what_was_changed_on_the_way_or_comes_late_is_denied() {
        check(&third(THIRD), URL, &BODY.replace("9001", "9002"), 0, "Denied");
        check(&third(THIRD), "https://hub.example.com/hooks/hubspot", BODY, 0, "Denied");
        check(&third(&THIRD.replace('+', " ")), URL, BODY, 0, "Denied");
        check(&third(THIRD), URL, BODY, 300_000, "deals/9001");
        check(&third(THIRD), URL, BODY, 300_001, "Denied");
        check(&third(THIRD), URL, BODY, -300_001, "Denied");
        check(&format!("x-hubspot-signature-v3: {THIRD}"), URL, BODY, 0, "Denied");
        check("Content-Type: application/json", URL, BODY, 0, "Denied");
    }

    #[test]
    fn an_old_signature_beside_a_wrong_new_one_does_not_help() {
        check(&format!("{} | X-HubSpot-Signature: {FIRST}", third("AAAA")), URL, BODY, 0, "Denied");
    }

    #[test]
    fn events_hint_at_the_records_that_they_name() {
        let hints = |event: &str| {
            let hints = hinted(&serde_json::from_str(event).unwrap());
            hints.iter().map(|hint| format!("{}/{}", hint.resource, hint.id)).collect::<Vec<_>>().join(" ")
        };
        let big = r#"{"subscriptionType": "company.creation", "objectId": 9007199254740993}"#;
        assert_eq!(hints(big), "companies/9007199254740993");
        let merge = r#"{"subscriptionType": "contact.merge", "objectId": 1, "primaryObjectId": 1, "mergedObjectIds": [2], "newObjectId": 3}"#;
        assert_eq!(hints(merge), "contacts/1 contacts/3 contacts/2");
        let association = r#"{"subscriptionType": "deal.associationChange", "fromObjectId": 5, "toObjectId": 6}"#;
        assert_eq!(hints(association), "deals/5");
        assert_eq!(
            hints(r#"{"subscriptionType": "object.deletion", "objectTypeId": "0-3", "objectId": "7"}"#),
            "deals/7"
        );
        assert_eq!(hints(r#"{"subscriptionType": "line_item.creation", "objectId": 8}"#), "");
        assert_eq!(
            hints(r#"{"subscriptionType": "object.propertyChange", "objectTypeId": "0-14", "objectId": 9}"#),
            ""
        );
    }
}
