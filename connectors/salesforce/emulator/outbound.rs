//! Outbound messages: envelopes of what changed, as the org's rules would send them.

use serde_json::{Value, json};

use super::id;
use super::org::{ORGANIZATION, Org};
use super::settings::OutboundRule;

/// Notifications of one envelope [documented].
const MOST: usize = 100;

/// The deliveries of what changed since the last call: `{"times": 2}` sends each twice, `{"reverse": true}` the last
/// one first. Values are those of the moment of sending.
pub(super) fn deliveries(org: &mut Org, arguments: &Value) -> Vec<Value> {
    let changed = std::mem::take(&mut org.changed);
    let rules = org.settings.outbound.clone();
    let mut envelopes = Vec::new();
    for rule in &rules {
        let mut ids: Vec<&String> = Vec::new();
        for one in changed.iter().filter(|one| one.object.eq_ignore_ascii_case(&rule.object)) {
            if !ids.contains(&&one.id) && org.value(&one.object, &one.id, "IsDeleted") != &json!(true) {
                ids.push(&one.id);
            }
        }
        for ids in ids.chunks(MOST) {
            let notifications: String = ids.iter().map(|id| notification(org, rule, id)).collect();
            envelopes.push(envelope(&notifications));
        }
    }
    if arguments["reverse"] == json!(true) {
        envelopes.reverse();
    }
    let times = arguments["times"].as_u64().unwrap_or(1) as usize;
    let sent = envelopes.iter().flat_map(|body| std::iter::repeat_n(body, times));
    let headers = json!({"Content-Type": "text/xml; charset=utf-8", "SOAPAction": "\"\""});
    sent.map(|body| json!({"method": "POST", "headers": headers, "body": body})).collect()
}

fn notification(org: &Org, rule: &OutboundRule, id: &str) -> String {
    let fields = ["Id".to_owned()].into_iter().chain(rule.fields.iter().filter(|name| *name != "Id").cloned());
    // Empty fields are left out.
    let values = fields.filter_map(|name| {
        let value = org.value(&rule.object, id, &name);
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (!value.is_null()).then(|| format!("<sf:{name}>{}</sf:{name}>", escaped(&text)))
    });
    let values: String = values.collect();
    let message = id::long(&format!("04l{}", id.get(3..15).unwrap_or_default())).unwrap_or_default();
    format!(
        "<Notification><Id>{message}</Id><sObject xsi:type=\"sf:{}\" \
         xmlns:sf=\"urn:sobject.enterprise.soap.sforce.com\">{values}</sObject></Notification>",
        rule.object
    )
}

fn envelope(notifications: &str) -> String {
    let short = ORGANIZATION.get(..15).unwrap_or_default();
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:xsd=\"http://www.w3.org/2001/XMLSchema\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\
         <soapenv:Body><notifications xmlns=\"http://soap.sforce.com/2005/09/outbound\">\
         <OrganizationId>{ORGANIZATION}</OrganizationId><ActionId>04k5g0000008OIAAA2</ActionId>\
         <SessionId xsi:nil=\"true\"/>\
         <EnterpriseUrl>https://acme.my.salesforce.com/services/Soap/c/66.0/{short}</EnterpriseUrl>\
         <PartnerUrl>https://acme.my.salesforce.com/services/Soap/u/66.0/{short}</PartnerUrl>\
         {notifications}</notifications></soapenv:Body></soapenv:Envelope>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
