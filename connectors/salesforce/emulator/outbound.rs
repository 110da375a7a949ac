//! Outbound messages: envelopes of what changed, as the org's rules would send them.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::id;
use super::org::{ORGANIZATION, Org};
use super::settings::OutboundRule;

/// Notifications of one envelope [documented].
const MOST: usize = 100;
/// When a notification is sent again for the first time; then twice as late each time.
const FIRST: SignedDuration = SignedDuration::from_mins(1);
/// The longest wait between two attempts [documented].
const LONGEST: SignedDuration = SignedDuration::from_hours(2);
/// After so long a notification is dropped [documented].
const DROPPED: SignedDuration = SignedDuration::from_hours(24);

/// A notification, under one id until it is acknowledged or dropped.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    id: String,
    /// The place of its rule among the org's.
    rule: usize,
    record: String,
    made: Timestamp,
    /// When it is sent next.
    due: Timestamp,
    /// How long after that it is sent again.
    wait: SignedDuration,
}

/// The deliveries that are due: of what changed since the last call, and of what was not acknowledged. `{"times": 2}` sends
/// each twice, `{"reverse": true}` the last one first. Values are those of the moment of sending.
pub(super) fn deliveries(org: &mut Org, arguments: &Value, now: Timestamp) -> Vec<Value> {
    enqueue(org, now);
    org.outbox.retain(|notice| now.duration_since(notice.made) < DROPPED);
    let mut outbox = std::mem::take(&mut org.outbox);
    let mut envelopes = Vec::new();
    for (at, rule) in org.settings.outbound.iter().enumerate() {
        let action = id::make("04k", at as u64 + 1);
        let mut due: Vec<&mut Notice> =
            outbox.iter_mut().filter(|notice| notice.rule == at && notice.due <= now).collect();
        for notices in due.chunks_mut(MOST) {
            let said: String = notices.iter().map(|notice| notification(org, rule, notice)).collect();
            let ids: Vec<String> = notices.iter().map(|notice| notice.id.clone()).collect();
            for notice in notices {
                notice.due = now + notice.wait;
                notice.wait = (notice.wait * 2).min(LONGEST);
            }
            envelopes.push((envelope(&action, &said), ids));
        }
    }
    org.outbox = outbox;
    if arguments["reverse"] == json!(true) {
        envelopes.reverse();
    }
    let times = arguments["times"].as_u64().unwrap_or(1) as usize;
    let sent = envelopes.iter().flat_map(|one| std::iter::repeat_n(one, times));
    let headers = json!({"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "\"\""});
    let delivery = |(body, ids): &(String, Vec<String>)| json!({"method": "POST", "headers": headers, "body": body, "notifications": ids});
    sent.map(delivery).collect()
}

/// Makes notifications of what changed; what is deleted has none.
fn enqueue(org: &mut Org, now: Timestamp) {
    let changed = std::mem::take(&mut org.changed);
    for at in 0..org.settings.outbound.len() {
        let mut seen = Vec::new();
        for one in &changed {
            let is_of = org.settings.outbound[at].object.eq_ignore_ascii_case(&one.object);
            if !is_of || seen.contains(&&one.id) || org.value(&one.object, &one.id, "IsDeleted") == &json!(true) {
                continue;
            }
            seen.push(&one.id);
            let (id, record) = (org.numbered("04l"), one.id.clone());
            org.outbox.push(Notice { id, rule: at, record, made: now, due: now, wait: FIRST });
        }
    }
}

/// The answer to a delivery: `{"notifications": [..], "status": 200, "body": ".."}`. Only a 200 that bears the
/// acknowledgement ends them; whether it does.
pub(super) fn answered(org: &mut Org, arguments: &Value) -> bool {
    let body = arguments["body"].as_str().unwrap_or_default();
    let says = body.contains("<notificationsResponse") && body.contains("<Ack>true</Ack>");
    let acknowledged = arguments["status"] == json!(200) && says;
    let ids: Vec<&str> =
        arguments["notifications"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if acknowledged {
        org.outbox.retain(|notice| !ids.contains(&notice.id.as_str()));
    }
    acknowledged
}

fn notification(org: &Org, rule: &OutboundRule, notice: &Notice) -> String {
    let Notice { id: message, record, .. } = notice;
    let fields = ["Id".to_owned()].into_iter().chain(rule.fields.iter().filter(|name| *name != "Id").cloned());
    // Empty fields are left out.
    let values = fields.filter_map(|name| {
        let value = org.value(&rule.object, record, &name);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!value.is_null()).then(|| format!("<sf:{name}>{}</sf:{name}>", escaped(&text)))
    });
    let values: String = values.collect();
    format!(
        "<Notification><Id>{message}</Id><sObject xsi:type=\"sf:{}\" \
         xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">{values}</sObject></Notification>",
        rule.object
    )
}

fn envelope(action: &str, notifications: &str) -> String {
    let short = ORGANIZATION.get(..15).unwrap_or_default();
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <soapenv:Body><notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
         <OrganizationId>{ORGANIZATION}</OrganizationId><ActionId>{action}</ActionId>\
         <SessionId xsi:nil=\"true\"/>\
         <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/66.0/{short}</EnterpriseUrl>\
         <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/66.0/{short}</PartnerUrl>\
         {notifications}</notifications></soapenv:Body></soapenv:Envelope>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
