//! What a world holds once it is at rest: both vendors' books and what the hub remembers, without what may differ.
//!
//! Ids and instants are left out or given names: an order is called by the hub's key, a customer by its name.

use std::collections::{BTreeMap, BTreeSet};

use passerelle_core::emulator::{Host, InProcess};
use passerelle_core::http::{Request, Wire};
use passerelle_core::store::Store;
use serde_json::{Map, Value, json};

use crate::Done;
use crate::world::World;

/// Each thing's name and the values that it has, one for each that bears this name.
pub type Books = BTreeMap<String, Vec<String>>;

/// Fields of Dolibarr that depend on the order of creation, or on the time.
const PASSING_ERP: &[&str] = &[
    "id",
    "ref",
    "rowid",
    "socid",
    "fk_soc",
    "tms",
    "date_creation",
    "date_modification",
    "datec",
    "date_c",
    "datem",
    "date_m",
    "date_valid",
    "date_validation",
    "user_validation_id",
    "linkedObjectsIds",
    "last_main_doc",
    "code_client",
    "fk_product",
    "fk_commande",
    "commande_id",
    "code_compta_client",
    "code_compta",
];

/// Properties of HubSpot that depend on the time or on the order of creation.
const PASSING_CRM: &[&str] = &[
    "createdate",
    "hs_createdate",
    "hs_lastmodifieddate",
    "lastmodifieddate",
    "hs_object_id",
    "erp_order_number",
    "associatedcompanyid",
    "hs_product_id",
];

/// Both vendors' documents.
pub struct Ledger {
    /// The ERP's orders, in the order of their ids.
    pub orders: Vec<Value>,
    parties: Vec<Value>,
    others: Vec<(&'static str, Value)>,
    /// The CRM's deals: every property that is set.
    pub deals: Vec<Value>,
    crm: Vec<(&'static str, Value)>,
}

impl Ledger {
    /// Reads both.
    pub async fn of(host: &std::sync::Arc<Host>) -> Done<Self> {
        let wire = InProcess::new(host.clone());
        let get = async |vendor: &str, path: String| -> Done<Value> {
            let key = host.key(vendor)?;
            let (name, value) = match vendor {
                "dolibarr" => ("DOLAPIKEY", key.to_owned()),
                _ => ("Authorization", format!("Bearer {key}")),
            };
            let request = Request::get(format!("{}{path}", wire.base_url(vendor)?)).header(name, value);
            let response = wire.call(request).await?;
            match response.status {
                200 => Ok(response.parse()?),
                404 => Ok(Value::Null),
                _ => Err(format!("{vendor} answers {} to {path}: {}", response.status, response.excerpt()).into()),
            }
        };
        let list = async |kind: &str| get("dolibarr", format!("/{kind}?limit=0&sortfield=t.rowid")).await;
        let mut orders = Vec::new();
        for listed in rows(&list("orders").await?) {
            orders.push(get("dolibarr", format!("/orders/{}", text(listed, "id"))).await?);
        }
        let parties = rows(&list("thirdparties").await?).cloned().collect();
        let mut others = Vec::new();
        for kind in ["contacts", "products"] {
            others.extend(rows(&list(kind).await?).map(|row| (kind, row.clone())));
        }
        let (mut deals, mut crm) = (Vec::new(), Vec::new());
        for kind in ["companies", "contacts", "products", "deals"] {
            let mut after = String::new();
            loop {
                let page = get("hubspot", format!("/crm/objects/2026-09/{kind}?limit=100{after}")).await?;
                for row in rows(&page["results"]) {
                    let shown = host.control("hubspot", "show", &json!({"type": kind, "id": row["id"]}))?;
                    if kind == "deals" { deals.push(shown) } else { crm.push((kind, shown)) }
                }
                let Some(next) = page["paging"]["next"]["after"].as_str() else { break };
                after = format!("&after={next}");
            }
        }
        Ok(Self { orders, parties, others, deals, crm })
    }

    /// The hub's key of an order, by the order's number.
    pub fn keys(&self) -> BTreeMap<String, String> {
        self.orders.iter().map(|order| (text(order, "ref"), key_of(order))).collect()
    }
}

/// The hub's key on a document of the ERP.
pub fn key_of(document: &Value) -> String {
    text(&document["array_options"], "options_passerelle_id")
}

/// Everything that must be as it would be without a kill.
pub async fn of(world: &World) -> Done<Books> {
    let ledger = Ledger::of(&world.host).await?;
    let parties: BTreeMap<String, String> =
        ledger.parties.iter().map(|party| (text(party, "id"), text(party, "name"))).collect();
    let articles = ledger.others.iter().filter(|(kind, _)| *kind == "products");
    let articles: BTreeMap<String, String> =
        articles.map(|(_, article)| (text(article, "id"), text(article, "ref"))).collect();
    let orders = ledger.keys();
    let mut books = Books::new();
    let mut enter = |name: String, value: Value| books.entry(name).or_default().push(value.to_string());
    for order in &ledger.orders {
        let lines: Vec<Value> = rows(&order["lines"])
            .map(|line| json!([articles.get(&text(line, "fk_product")), lasting(line, PASSING_ERP)]))
            .collect();
        let mut held = lasting(order, PASSING_ERP);
        held.insert("lines".into(), json!(lines));
        held.insert("customer".into(), json!(parties.get(&text(order, "socid"))));
        held.insert("is numbered".into(), json!(!text(order, "ref").starts_with("(PROV")));
        enter(format!("order {}", key_of(order)), Value::Object(held));
    }
    for party in &ledger.parties {
        enter(format!("customer {}", text(party, "name")), Value::Object(lasting(party, PASSING_ERP)));
    }
    for (kind, other) in &ledger.others {
        let mut held = lasting(other, PASSING_ERP);
        held.insert("customer".into(), json!(parties.get(&text(other, "socid"))));
        let name = [text(other, "ref"), text(other, "email"), text(other, "lastname")].concat();
        let name = if *kind == "products" { text(other, "ref") } else { name.replacen(&text(other, "ref"), "", 1) };
        enter(format!("{kind} of the ERP {name}"), Value::Object(held));
    }
    for deal in &ledger.deals {
        let mut held = lasting(deal, PASSING_CRM);
        held.insert("order".into(), json!(orders.get(&text(deal, "erp_order_number"))));
        enter(format!("deal {}", text(deal, "dealname")), Value::Object(held));
    }
    for (kind, other) in &ledger.crm {
        let name = [text(other, "name"), text(other, "email"), text(other, "lastname")].concat();
        enter(format!("{kind} of the CRM {name}"), Value::Object(lasting(other, PASSING_CRM)));
    }
    remembered(&world.store()?, &orders, &mut enter)?;
    books.values_mut().for_each(|values| values.sort());
    Ok(books)
}

/// What the hub remembers: links with their sides and agreed values, what is parked and held; no create is open.
fn remembered(store: &Store, orders: &BTreeMap<String, String>, enter: &mut dyn FnMut(String, Value)) -> Done<()> {
    for entity in ["company", "contact", "product", "sale"] {
        for link in store.links(&entity.into(), None, usize::MAX)? {
            let sides: Vec<Value> =
                link.sides.iter().map(|(system, side)| json!([system, format!("{:?}", side.presence)])).collect();
            let mut agreed = serde_json::to_value(&link.agreed)?;
            if let Some(number) = agreed.get_mut("order_number") {
                *number = json!(number.as_str().and_then(|number| orders.get(number)));
            }
            enter(format!("link {}", link.id), json!([sides, agreed]));
        }
    }
    for parked in store.parked(usize::MAX)? {
        enter(format!("parked {} of {}", parked.label, parked.at.system), json!(parked.why));
    }
    for held in store.held()? {
        enter(format!("held {}", held.label), json!([held.rule, held.verdict]));
    }
    for job in store.jobs()? {
        enter(format!("unfinished {}", job.link), json!(job.target));
    }
    Ok(())
}

/// How two differ, a line for each thing.
pub fn differences(expected: &Books, found: &Books) -> Vec<String> {
    let names: BTreeSet<&String> = expected.keys().chain(found.keys()).collect();
    let mut lines = Vec::new();
    for name in names {
        let (expected, found) = (expected.get(name), found.get(name));
        if expected != found {
            let shown = |side: Option<&Vec<String>>| side.map_or("nothing".to_owned(), |values| values.join(" and "));
            lines.push(format!("{name}:\n    undisturbed {}\n    killed      {}", shown(expected), shown(found)));
        }
    }
    lines
}

fn lasting(document: &Value, passing: &[&str]) -> Map<String, Value> {
    let fields = document.as_object().into_iter().flatten();
    let kept =
        fields.filter(|(name, value)| !passing.contains(&name.as_str()) && **name != "lines" && !value.is_null());
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// A field as text; unset is empty.
pub fn text(document: &Value, name: &str) -> String {
    match &document[name] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// The rows of a list.
pub fn rows(list: &Value) -> impl Iterator<Item = &Value> + Clone {
    list.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_order_a_cent_and_a_missing_thing_are_differences() {
        let one = || Books::from([("order a".to_owned(), vec!["{\"total\":\"1.00\"}".to_owned()])]);
        assert!(differences(&one(), &one()).is_empty());
        let mut twice = one();
        twice.entry("order a".into()).or_default().push("{\"total\":\"1.00\"}".into());
        let cent = Books::from([("order a".to_owned(), vec!["{\"total\":\"1.01\"}".to_owned()])]);
        for other in [twice, cent, Books::new()] {
            assert_eq!(differences(&one(), &other).len(), 1);
        }
    }

    #[test]
    fn ids_and_instants_are_left_out_and_amounts_are_not() {
        let order = json!({"id": "7", "tms": 1, "total_ttc": "12.50", "lines": []});
        assert_eq!(Value::Object(lasting(&order, PASSING_ERP)), json!({"total_ttc": "12.50"}));
    }
}
