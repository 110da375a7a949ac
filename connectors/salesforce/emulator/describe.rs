//! What the org is made of, as its integration user sees it.

use passerelle_core::http::Response;
use serde_json::{Value, json};

use super::catalog::Object;
use super::org::Org;
use super::refusal::Reply;

/// `GET /sobjects`.
pub(super) fn all(org: &Org) -> Response {
    let objects = org.objects.values().filter(|object| org.object(&object.name).is_ok());
    let objects: Vec<Value> = objects.map(summary).collect();
    Response::json(200, &json!({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects}))
}

/// `GET /sobjects/{name}/describe`.
pub(super) fn one(org: &Org, name: &str) -> Reply {
    let object = org.object(name)?;
    let mut body = summary(object);
    let fields = object.fields.values().filter(|field| !org.is_hidden(name, &field.name));
    body["fields"] = fields.map(super::field::Field::described).collect();
    let children = object.children.iter().map(|(relation, child, field)| {
        json!({"relationshipName": relation, "childSObject": child, "field": field, "cascadeDelete": false})
    });
    body["childRelationships"] = children.collect();
    body["recordTypeInfos"] = json!([]);
    Ok(Response::json(200, &body))
}

fn summary(object: &Object) -> Value {
    let ours = !matches!(object.name.as_str(), "Organization" | "User" | "OpportunityStage");
    let base = format!("/services/data/v66.0/sobjects/{}", object.name);
    json!({
        "name": object.name, "label": object.name.trim_end_matches("__c"), "labelPlural": object.name,
        "keyPrefix": object.prefix, "queryable": true, "createable": ours, "updateable": ours, "deletable": ours,
        "replicateable": true, "retrieveable": true, "searchable": true, "triggerable": ours, "undeletable": ours,
        "mergeable": matches!(object.name.as_str(), "Account" | "Contact"), "layoutable": true, "feedEnabled": false,
        "activateable": false, "custom": object.name.ends_with("__c"), "customSetting": false,
        "urls": {"sobject": base, "describe": format!("{base}/describe"), "rowTemplate": format!("{base}/{{ID}}")},
    })
}
