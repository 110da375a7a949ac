//! The stand-in refuses what HubSpot refuses, and answers in its shapes.

use jiff::{SignedDuration, Timestamp};
use passerelle_core::emulator::Emulator;
use passerelle_core::http::{Body, Request};
use serde_json::{Value, json};

use super::HubSpot;

struct Desk(Box<dyn Emulator>, Timestamp);

impl Desk {
    fn new() -> Self {
        let mut desk = Self(HubSpot::boxed(), "2026-11-24T09:00:00Z".parse().unwrap());
        desk.control("settings", json!({"searches_per_second": null, "ten_seconds": null}));
        desk
    }

    fn control(&mut self, command: &str, arguments: Value) -> Value {
        self.0.control(command, &arguments, self.1).unwrap()
    }

    /// Calls `METHOD /path?query`; gives status and body.
    fn call(&mut self, line: &str, body: Value) -> (u16, Value) {
        let (method, address) = line.split_once(' ').unwrap();
        let method = ["GET", "POST", "PUT", "PATCH", "DELETE"].into_iter().find(|known| *known == method).unwrap();
        let (path, query) = address.split_once('?').unwrap_or((address, ""));
        let mut request = Request::new(method, path).header("Authorization", "Bearer pat-eu1-emulator");
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        request.query = pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if !body.is_null() {
            request.body = Body::Json(body);
        }
        let response = self.0.handle(&request, self.1);
        (response.status, response.parse().unwrap_or(Value::Null))
    }

    fn create(&mut self, kind: &str, properties: Value) -> String {
        let (status, body) = self.call(&format!("POST /crm/objects/2026-09/{kind}"), json!({"properties": properties}));
        assert_eq!(status, 201, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Expects a refusal that says `words`.
    fn refuses(&mut self, line: &str, body: Value, status: u16, words: &str) {
        let (told, answer) = self.call(line, body);
        assert_eq!(told, status, "{line}: {answer}");
        assert!(answer.to_string().contains(words), "{line}: {answer}");
    }
}

#[test]
fn every_version_of_the_paths_and_every_name_of_a_type_meet_the_same_object() {
    let mut desk = Desk::new();
    let id = desk.create("companies", json!({"name": "Acme"}));
    for path in ["v3/objects/companies", "objects/2026-03/0-2", "objects/2026-09/company", "objects/v3/companies"] {
        let (status, body) = desk.call(&format!("GET /crm/{path}/{id}?properties=name"), Value::Null);
        assert_eq!((status, &body["properties"]["name"]), (200, &json!("Acme")), "{path}");
    }
    desk.refuses(&format!("GET /crm/objects/2031-01/companies/{id}"), Value::Null, 404, "not found");
}

#[test]
fn values_that_hubspot_refuses_are_refused_with_its_codes() {
    let mut desk = Desk::new();
    let post = "POST /crm/objects/2026-09/deals";
    for (properties, words) in [
        (json!({"nonsense": "x"}), "PROPERTY_DOESNT_EXIST"),
        (json!({"amount": "5,333"}), "INVALID_DOUBLE"),
        (json!({"amount": 5}), "must be a string"),
        (json!({"amount": null}), "must be a string"),
        (json!({"deal_currency_code": "BRL"}), "INVALID_OPTION"),
        (json!({"dealstage": "closedwon", "pipeline": "other"}), "INVALID_OPTION"),
        (json!({"hs_is_closed_won": "true"}), "READ_ONLY_VALUE"),
        (json!({"closedate": "soon"}), "INVALID_DATE"),
    ] {
        desk.refuses(post, json!({"properties": properties}), 400, words);
    }
    let id = desk.create("deals", json!({"amount": "1.5e3", "closedate": "1763856000000", "dealname": "x"}));
    let (_, body) =
        desk.call(&format!("GET /crm/objects/2026-09/deals/{id}?properties=closedate,dealname"), Value::Null);
    assert_eq!(body["properties"]["closedate"], "2025-11-23T00:00:00.000Z");
    desk.call(&format!("PATCH /crm/objects/2026-09/deals/{id}"), json!({"properties": {"dealname": ""}}));
    let (_, body) = desk.call(&format!("GET /crm/objects/2026-09/deals/{id}?properties=dealname"), Value::Null);
    assert_eq!(body["properties"]["dealname"], Value::Null);
}

#[test]
fn what_an_account_requires_binds_the_newest_version_only() {
    let mut desk = Desk::new();
    let rule = json!([{"type": "deals", "when": {"dealstage": "closedwon"}, "property": "closedate"}]);
    desk.control("settings", json!({"required": rule}));
    let body = json!({"properties": {"dealstage": "closedwon", "pipeline": "default"}});
    desk.refuses("POST /crm/objects/2026-09/deals", body.clone(), 400, "closedate is required");
    assert_eq!(desk.call("POST /crm/objects/2026-03/deals", body).0, 201);
}

#[test]
fn a_quote_is_accepted_by_its_buyer_only_and_cannot_be_deleted_once_published() {
    let mut desk = Desk::new();
    desk.refuses(
        "POST /crm/objects/2026-09/quotes",
        json!({"properties": {"hs_title": "x"}}),
        400,
        "hs_expiration_date",
    );
    let values = json!({"hs_title": "Offer", "hs_expiration_date": "2026-12-31", "hs_template_type": "CPQ_QUOTE"});
    let id = desk.create("quotes", values);
    let path = format!("/crm/objects/2026-09/quotes/{id}");
    desk.refuses(&format!("PATCH {path}"), json!({"properties": {"hs_status": "ACCEPTED"}}), 400, "READ_ONLY_VALUE");
    desk.control("publish_quote", json!({"id": id}));
    desk.refuses(&format!("DELETE {path}"), Value::Null, 400, "published");
    desk.control("accept_quote", json!({"id": id}));
    let (_, body) = desk.call(&format!("GET {path}?properties=hs_status,hs_quote_number"), Value::Null);
    assert_eq!(body["properties"]["hs_status"], "ACCEPTED");
    assert!(body["properties"]["hs_quote_number"].is_string());
}

#[test]
fn a_line_item_copies_its_product_once_computes_its_amount_and_has_one_parent() {
    let mut desk = Desk::new();
    let product = desk.create("products", json!({"name": "Tank", "price": "100", "vat_rate": "20"}));
    let values = json!({"hs_product_id": product, "quantity": "3", "hs_discount_percentage": "10"});
    let line = desk.create("line_items", values);
    let (_, body) =
        desk.call(&format!("GET /crm/objects/2026-09/line_items/{line}?properties=name,amount,vat_rate"), Value::Null);
    assert_eq!(body["properties"]["amount"], "270");
    assert_eq!((&body["properties"]["name"], &body["properties"]["vat_rate"]), (&json!("Tank"), &json!("20")));
    let (one, other) = (desk.create("deals", json!({})), desk.create("deals", json!({})));
    let put = |deal: &str| format!("PUT /crm/objects/2026-09/deals/{deal}/associations/default/line_items/{line}");
    assert_eq!(desk.call(&put(&one), Value::Null).0, 200);
    desk.refuses(&put(&other), Value::Null, 400, "one object only");
    let (_, body) = desk.call(&format!("GET /crm/objects/2026-09/deals/{one}?associations=line_items"), Value::Null);
    assert_eq!(body["associations"]["line items"]["results"][0]["id"], line);
}

#[test]
fn an_association_does_not_date_the_object_but_a_property_does() {
    let mut desk = Desk::new();
    let (deal, company) = (desk.create("deals", json!({})), desk.create("companies", json!({})));
    let modified = |desk: &mut Desk| {
        desk.call(&format!("GET /crm/objects/2026-09/deals/{deal}"), Value::Null).1["updatedAt"].clone()
    };
    let before = modified(&mut desk);
    desk.1 += SignedDuration::from_secs(60);
    desk.call(&format!("PUT /crm/objects/2026-09/deals/{deal}/associations/default/companies/{company}"), Value::Null);
    assert_eq!(modified(&mut desk), before);
    desk.call(&format!("PATCH /crm/objects/2026-09/deals/{deal}"), json!({"properties": {"dealname": "x"}}));
    assert_ne!(modified(&mut desk), before);
}

#[test]
fn limits_are_counted_in_rolling_seconds_and_told_in_headers_but_not_on_searches() {
    let mut desk = Desk::new();
    desk.control("settings", json!({"ten_seconds": 10, "searches_per_second": 2}));
    let search = "POST /crm/objects/2026-09/companies/search";
    assert_eq!([0, 1].map(|_| desk.call(search, json!({})).0), [200, 200]);
    desk.refuses(search, json!({}), 429, "SECONDLY");
    desk.1 += SignedDuration::from_secs(1);
    assert_eq!(desk.call(search, json!({})).0, 200);
    let owners = "GET /crm/owners/2026-09";
    let statuses: Vec<u16> = (0..8).map(|_| desk.call(owners, Value::Null).0).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 200, 429]);
    desk.refuses(owners, Value::Null, 429, "TEN_SECONDLY_ROLLING");
    desk.1 += SignedDuration::from_secs(10);
    assert_eq!(desk.call(owners, Value::Null).0, 200);
    desk.control("settings", json!({"daily": 3}));
    desk.refuses(owners, Value::Null, 429, "DAILY");
}

#[test]
fn a_forgotten_contact_is_gone_for_good() {
    let mut desk = Desk::new();
    let id = desk.create("contacts", json!({"email": "ann@example.com"}));
    let body = json!({"objectId": "ann@example.com", "idProperty": "email"});
    assert_eq!(desk.call("POST /crm/objects/2026-09/contacts/gdpr-delete", body).0, 204);
    for archived in ["true", "false"] {
        let line = format!("GET /crm/objects/2026-09/contacts/{id}?archived={archived}");
        assert_eq!(desk.call(&line, Value::Null).0, 404);
    }
    desk.create("contacts", json!({"email": "ann@example.com"}));
}

#[test]
fn a_pipeline_in_use_is_protected_from_deletion() {
    let mut desk = Desk::new();
    let stages = json!([{"label": "Won", "displayOrder": 0, "metadata": {"probability": "1.0", "isClosed": "true"}}]);
    let (_, made) =
        desk.call("POST /crm/pipelines/2026-09/deals", json!({"label": "Resale", "displayOrder": 1, "stages": stages}));
    let (pipeline, stage) = (made["id"].as_str().unwrap(), &made["stages"][0]["id"]);
    let deal = desk.create("deals", json!({"pipeline": pipeline, "dealstage": stage}));
    let line = format!("GET /crm/objects/2026-09/deals/{deal}?properties=hs_is_closed_won");
    assert_eq!(desk.call(&line, Value::Null).1["properties"]["hs_is_closed_won"], "true");
    desk.refuses(&format!("DELETE /crm/pipelines/2026-09/deals/{pipeline}"), Value::Null, 400, "in use");
}

#[test]
fn a_search_stays_within_its_limits() {
    let mut desk = Desk::new();
    let search = "POST /crm/objects/2026-09/companies/search";
    let filter = json!({"propertyName": "name", "operator": "EQ", "value": "x"});
    let group = |filters: usize| json!({"filters": vec![filter.clone(); filters]});
    for (body, words) in [
        (json!({"limit": 201}), "limit"),
        (json!({"after": "9999", "limit": 10}), "10000"),
        (json!({"after": 5}), "string"),
        (json!({"filterGroups": vec![group(1); 6]}), "filterGroups"),
        (json!({"filterGroups": [group(7)]}), "filters"),
        (json!({"filterGroups": vec![group(4); 5]}), "18"),
        (
            json!({"filterGroups": [{"filters": [{"propertyName": "nonsense", "operator": "EQ", "value": "x"}]}]}),
            "nonsense",
        ),
        (json!({"filterGroups": [{"filters": [{"propertyName": "name", "operator": "LIKE", "value": "x"}]}]}), "LIKE"),
        (json!({"sorts": ["name", "domain"]}), "sorts"),
    ] {
        desk.refuses(search, body, 400, words);
    }
    desk.control("settings", json!({"strict": true}));
    desk.refuses(search, json!({"limit": 10}), 400, "required");
}
