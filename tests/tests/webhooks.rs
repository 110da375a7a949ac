//! Webhooks as HubSpot signs them: in whatever order and however often they come, they bring about one order each; forged and late ones nothing.
#![allow(clippy::unwrap_used, reason = "a broken test tells where")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use passerelle::registry::{MAPPINGS, PLUGINS, REGISTRY};
use passerelle_core::clock::Timestamp;
use passerelle_core::connector::{Delivery, Tools};
use passerelle_core::emulator::{EmulatedTime, Host, InProcess};
use passerelle_core::engine::{Engine, Flow, Unwatched};
use passerelle_core::http::{Request, Transport, Wire};
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::model::SystemName;
use passerelle_core::serve::{INBOX_CAPACITY, Server, Setup, Timing};
use passerelle_core::store::{Memory, Store};
use passerelle_core::system::{System, Systems};
use serde_json::{Value, json};

const SECRET: &str = "7d1b6f0e-0000-4000-8000-00000000c0de";
const TARGET: &str = "https://hub.example.com/hooks/crm";

/// Systems, their vendors, and their options; the first option bears the key.
const SYSTEMS: [(&str, &str, &str); 2] = [("crm", "hubspot", "token"), ("erp", "dolibarr", "api_key")];

fn plugin(vendor: &str) -> &'static passerelle_core::connector::Plugin {
    PLUGINS.iter().find(|plugin| plugin.name == vendor).unwrap()
}

/// The sample company in both systems, and a hub whose flows have had their first run.
async fn served() -> (Arc<Host>, Server) {
    let start: Timestamp = "2026-11-24T09:00:00Z".parse().unwrap();
    let emulators = SYSTEMS.iter().map(|(_, vendor, _)| plugin(vendor).emulator.unwrap()());
    let host = Arc::new(Host::new(emulators.collect(), EmulatedTime::standing_at(start)));
    for (_, vendor, _) in SYSTEMS {
        host.control(vendor, "seed", &(REGISTRY.sample)(vendor).unwrap()).unwrap();
    }
    let settings = json!({"target": TARGET, "ten_seconds": null, "searches_per_second": null});
    host.control("hubspot", "settings", &settings).unwrap();
    host.time().advance(Duration::from_secs(600));
    let source = |(file, text): &(&str, &str)| Source { file: (*file).to_owned(), text: (*text).to_owned() };
    let sources: Vec<Source> = MAPPINGS.iter().map(source).collect();
    let kinds: Vec<(SystemName, String)> =
        SYSTEMS.iter().map(|(name, vendor, _)| ((*name).into(), (*vendor).to_owned())).collect();
    let mappings = Mappings::load(&sources, &kinds).unwrap().0;
    let systems: Systems = SYSTEMS.iter().map(|system| connected(&host, &mappings, system)).collect();
    let flow = |name: &str, entity: &str| Flow {
        name: name.into(),
        entity: entity.into(),
        between: vec!["crm".into(), "erp".into()],
        ..Flow::default()
    };
    let flows = vec![flow("customers", "company"), flow("sales", "sale")];
    let daily = || Timing::Every(Duration::from_secs(86_400));
    let timings = flows.iter().map(|flow| (flow.name.clone(), daily())).collect();
    let engine = Engine {
        systems: Arc::new(systems),
        mappings: Arc::new(mappings),
        store: Store::new(Arc::new(Memory::default())),
        clock: Arc::new(host.time().clone()),
        flows,
        watch: Arc::new(Unwatched),
        proven: Arc::default(),
    };
    let hub = Server::new(engine, Setup { timings, capacity: INBOX_CAPACITY, seed: 7 }).unwrap();
    let ticked = hub.tick().await.unwrap();
    assert!(ticked.runs.len() == 2 && ticked.runs.iter().all(|run| run.error.is_none()), "{ticked:?}");
    (host, hub)
}

fn connected(host: &Arc<Host>, mappings: &Mappings, system: &(&str, &str, &str)) -> System {
    let (name, vendor, key) = *system;
    let name = SystemName::from(name);
    let wire = InProcess::new(Arc::clone(host));
    let transport = Transport { base_url: Some(wire.base_url(vendor).unwrap()), ..Transport::default() };
    let columns = mappings.entities().filter_map(|entity| entity.column(&name));
    let wanted = columns.map(|column| (column.resource().clone(), column.wanted())).collect::<BTreeMap<_, _>>();
    let clock = Arc::new(host.time().clone());
    let tools = Tools { wire: Arc::new(wire), clock, transport, folder: ".".into(), wanted: Arc::new(wanted) };
    let options = json!({ key: host.key(vendor).unwrap(), "webhook_secret": SECRET });
    System::new(name, (plugin(vendor).build)(options, tools).unwrap())
}

fn deliver(hub: &Server, delivery: &Value, body: &str) -> u16 {
    let headers = delivery["headers"].as_object().unwrap().iter();
    let headers: Vec<(String, String)> =
        headers.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect();
    let received = Timestamp::UNIX_EPOCH;
    let (url, body) = (TARGET, body.as_bytes());
    hub.receive("crm", &Delivery { method: "POST", url, headers: &headers, body, received }).status
}

/// The orders that the hub has made, and those that wait for a yes because of their size.
fn orders(hub: &Server) -> usize {
    let store = &hub.engine().store;
    let journal = store.journal(None).unwrap();
    let made = journal.iter().filter(|entry| entry.op == "create" && entry.resource.as_str() == "orders").count();
    made + store.held().unwrap().len()
}

#[tokio::test]
async fn signed_deliveries_in_any_order_and_number_make_one_order_each() {
    let (host, hub) = served().await;
    let wire = InProcess::new(host.clone());
    let address = format!("{}/app-webhooks/v3/1160452/subscriptions", wire.base_url("hubspot").unwrap());
    let subscription = json!({"eventType": "deal.propertyChange", "active": true});
    assert_eq!(wire.call(Request::post(address, subscription).query("hapikey", "key")).await.unwrap().status, 201);
    host.control("hubspot", "deliveries", &json!({})).unwrap();
    let before = orders(&hub);
    let open = json!({"type": "deals", "property": "dealstage", "value": "presentationscheduled"});
    let open = host.control("hubspot", "find", &open).unwrap();
    let won: Vec<&Value> = open.as_array().unwrap().iter().collect();
    assert!(won.len() > 3, "{won:?}");
    for id in &won {
        host.control("hubspot", "win_deal", &json!({ "id": id })).unwrap();
    }
    let told = host.control("hubspot", "deliveries", &json!({"times": 3, "reverse": true})).unwrap();
    let deliveries = told["deliveries"].as_array().unwrap();
    for delivery in deliveries {
        let body = delivery["body"].as_str().unwrap();
        assert_eq!(deliver(&hub, delivery, &body.replace("\"objectId\":", "\"objectId\": ")), 401, "forged");
        assert_eq!(deliver(&hub, delivery, body), 200);
        assert_eq!(deliver(&hub, delivery, body), 200, "repeated within its window, it is a hint like any other");
    }
    assert_eq!(hub.waiting(), won.len());
    let ticked = hub.tick().await.unwrap();
    assert!(ticked.looks.iter().all(|look| look.error.is_none()) && ticked.runs.is_empty(), "{ticked:?}");
    assert_eq!((orders(&hub) - before, hub.waiting()), (won.len(), 0));
    host.time().advance(Duration::from_secs(301));
    for delivery in deliveries {
        assert_eq!(deliver(&hub, delivery, delivery["body"].as_str().unwrap()), 401, "out of its window");
    }
    assert_eq!(hub.waiting(), 0);
    for flow in &hub.engine().flows {
        let found = hub.engine().verify(flow).await.unwrap().differences;
        assert!(found.is_empty(), "{found:#?}");
    }
}
