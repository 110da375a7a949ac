//! What is looked up before the first create, and in how few calls.
#![allow(clippy::unwrap_used, reason = "a broken test tells where")]

use std::path::Path;
use std::sync::Arc;

use passerelle_core::clock::ManualClock;
use passerelle_core::connector::{Connector, Effect};
use passerelle_core::engine::{Engine, Flow, Scope, Unwatched};
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::store::{Memory as InMemory, Store};
use passerelle_core::system::{System, Systems};
use passerelle_tests::memory::Memory;
use serde_json::json;

/// Values of one look-up, and records of one page of a feed, in [`Memory`].
const BATCH: u64 = 50;

/// Creates `count` companies in a first run, each with a value for both match keys; tells the look-ups that it took.
async fn check(count: u64) -> u64 {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/mappings/company.toml");
    let source = Source { file: "company.toml".to_owned(), text: std::fs::read_to_string(path).unwrap() };
    let kinds = ["crm", "erp"].map(|name| (name.into(), "memory".to_owned()));
    let mappings = Mappings::load(&[source], &kinds).unwrap().0;
    let (crm, erp) = (Memory::new(&["companies"], Effect::Keyed), Memory::new(&["companies"], Effect::Keyed));
    for number in 0..count {
        let vat = format!("DE{:09}", 100_000_000 + number);
        let fields = json!({ "name": format!("C{number}"), "zip": "59000", "vat": vat, "stage": "client" });
        crm.put("companies", &number.to_string(), fields.as_object().cloned().unwrap());
    }
    let system = |name: &str, far: &Memory| System::new(name.into(), Arc::new(far.clone()) as Arc<dyn Connector>);
    let systems: Systems = [system("crm", &crm), system("erp", &erp)].into_iter().collect();
    let between = vec!["crm".into(), "erp".into()];
    let flow = Flow { name: "customers".into(), entity: "company".into(), between, ..Flow::default() };
    let engine = Engine {
        systems: Arc::new(systems),
        mappings: Arc::new(mappings),
        store: Store::new(Arc::new(InMemory::default())),
        clock: Arc::new(ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap())),
        flows: vec![flow],
        watch: Arc::new(Unwatched),
        proven: Arc::default(),
    };
    let reports = engine.sync(&engine.flows, Scope::Changed).await.unwrap();
    assert_eq!(reports[0].counts.created, count);
    erp.finds()
}

#[tokio::test]
async fn n_creates_cost_n_by_the_batch_look_ups_for_each_key_and_not_n() {
    // The hub's own key, and the mapping's two match keys.
    for count in [1, 50, 51, 420] {
        assert_eq!(check(count).await, 3 * count.div_ceil(BATCH), "{count} creates");
    }
}
