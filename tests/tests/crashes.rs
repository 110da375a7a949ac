//! Whatever the moment at which the hub dies or a write goes astray, the runs after it leave one order per won deal and no difference.
#![allow(clippy::unwrap_used, reason = "a broken test tells where")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use passerelle_core::clock::ManualClock;
use passerelle_core::connector::{Connector, Effect};
use passerelle_core::engine::{Engine, Flow, Scope, Unwatched};
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::model::Fields;
use passerelle_core::mutant::{Mutant, wake};
use passerelle_core::store::{Backend, Entry, Known, Memory as InMemory, Store};
use passerelle_core::system::{System, Systems};
use passerelle_tests::crash::{Disk, Fuse, Line};
use passerelle_tests::memory::{Memory, Trouble};
use serde_json::{Value, json};

const DEALS: usize = 10;

struct World {
    crm: Memory,
    erp: Memory,
    disk: Arc<dyn Backend>,
    clock: Arc<ManualClock>,
    mappings: Arc<Mappings>,
}

impl World {
    fn new(mappings: &Arc<Mappings>, effect: Effect) -> Self {
        let resources = ["companies", "deals"];
        let crm = Memory::new(&resources, Effect::Keyed);
        for number in 0..4 {
            let fields = json!({"name": format!("Customer {number}"), "zip": "59000", "stage": "prospect"});
            crm.put("companies", &format!("{number}"), object(fields));
        }
        for number in 0..DEALS {
            let company = (number % 4).to_string();
            let fields =
                json!({"title": format!("Sale {number}"), "status": "won", "company": company, "total": "12.50"});
            crm.put("deals", &format!("d{number}"), object(fields));
        }
        let erp = Memory::new(&resources, effect);
        erp.put("companies", "A", object(json!({"title": "Customer 0", "cp": "59000", "stage": "prospect"})));
        let clock = Arc::new(ManualClock::at("2026-11-24T09:00:00Z".parse().unwrap()));
        Self { crm, erp, disk: Arc::new(InMemory::default()), clock, mappings: mappings.clone() }
    }

    /// Every write is in the journal, and what the journal is sure of was made.
    fn journal_is_true(&self, hub: &Engine, moment: &str) {
        assert_eq!(hub.store.intents(None, 9).unwrap(), [], "{moment}");
        let mut made = BTreeMap::new();
        for (name, far) in [("crm", &self.crm), ("erp", &self.erp)] {
            for write in far.written() {
                let mut words = write.split(' ');
                let (verb, place) = (words.next().unwrap(), words.next().unwrap());
                *made.entry(format!("{verb} {name}/{place}")).or_insert(0_usize) += 1;
            }
        }
        let (mut sure, mut all) = (BTreeMap::new(), BTreeMap::new());
        for line in hub.store.journal(None).unwrap() {
            *all.entry(told(&line)).or_insert(0) += 1;
            *sure.entry(told(&line)).or_insert(0) += usize::from(line.known != Known::Unclear);
        }
        for (write, times) in &made {
            let there = all.get(write).copied().unwrap_or(0);
            assert!(there >= *times, "{moment}: {write} was made {times} times, and the journal has it {there} times");
        }
        for (write, times) in &sure {
            let there = made.get(write).copied().unwrap_or(0);
            assert!(there >= *times, "{moment}: {write} was made {there} times, and the journal tells {times}");
        }
    }

    /// The hub, started anew over what is on disk.
    fn hub(&self, fuse: &Fuse) -> Engine {
        self.clock.advance(Duration::from_secs(3600));
        let line = |name: &str, far: &Memory| {
            System::new(name.into(), Arc::new(Line::new(far.clone(), fuse.clone())) as Arc<dyn Connector>)
        };
        let systems: Systems = [line("crm", &self.crm), line("erp", &self.erp)].into_iter().collect();
        let flow = |entity: &str| Flow {
            name: entity.into(),
            entity: entity.into(),
            between: vec!["crm".into(), "erp".into()],
            ..Flow::default()
        };
        Engine {
            systems: Arc::new(systems),
            mappings: self.mappings.clone(),
            store: Store::new(Arc::new(Disk::new(self.disk.clone(), fuse.clone()))),
            clock: self.clock.clone(),
            flows: vec![flow("company"), flow("sale")],
            watch: Arc::new(Unwatched),
            proven: Arc::default(),
        }
    }

    async fn sync(&self, fuse: &Fuse) {
        let hub = self.hub(fuse);
        // A dead hub reports nothing; what it left behind is what the next one finds.
        let _ = hub.sync(&hub.flows, Scope::Changed).await;
    }

    /// A person records a payment and another renames a customer, while the hub is off.
    fn moves_on(&self) {
        let order = self.erp.all().into_keys().find(|(resource, _)| resource == "deals");
        if let Some((resource, id)) = order {
            self.erp.put(&resource, &id, object(json!({"paid": "3.00"})));
        }
        self.crm.put("companies", "1", object(json!({"phone": "+33 3 20 00 00 00"})));
    }

    async fn is_as_promised(&self, moment: &str) {
        let hub = self.hub(&Fuse::cut_at(i64::MAX));
        let orders: Vec<Fields> = self.erp.all().into_iter().filter(|(at, _)| at.0 == "deals").map(|at| at.1).collect();
        assert_eq!(orders.len(), DEALS, "{moment}: orders {orders:#?}");
        for order in &orders {
            assert_eq!(order.get("state"), Some(&"validated".into()), "{moment}: {order:?}");
        }
        let customers = self.erp.all().into_keys().filter(|(resource, _)| resource == "companies").count();
        assert_eq!(customers, 4, "{moment}: customers");
        for (at, deal) in self.crm.all().into_iter().filter(|(at, _)| at.0 == "deals") {
            assert!(deal.get("order_number").is_some_and(|number| !number.is_null()), "{moment}: {at:?} {deal:?}");
        }
        assert_eq!(hub.store.parked(usize::MAX).unwrap(), [], "{moment}");
        assert_eq!(hub.store.jobs().unwrap(), [], "{moment}");
        assert_eq!(hub.store.intents(None, 9).unwrap(), [], "{moment}");
        self.journal_is_true(&hub, moment);
        for flow in &hub.flows {
            let found = hub.verify(flow).await.unwrap().differences;
            assert!(found.is_empty(), "{moment}: {found:#?}");
        }
    }
}

/// A line of the journal as the systems tell their writes: a state move is an update there.
fn told(line: &Entry) -> String {
    let verb = if line.op == "create" { "create" } else { "update" };
    format!("{verb} {}/{}/{}", line.system, line.resource, line.id)
}

fn object(value: Value) -> Fields {
    value.as_object().cloned().unwrap()
}

fn mappings() -> Arc<Mappings> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/mappings");
    let source =
        |name: &str| Source { file: name.to_owned(), text: std::fs::read_to_string(folder.join(name)).unwrap() };
    let kinds = ["crm", "erp"].map(|name| (name.into(), "memory".to_owned()));
    Arc::new(Mappings::load(&[source("company.toml"), source("sale.toml")], &kinds).unwrap().0)
}

/// Cuts the power at every moment of a first and of a second run, one world each.
async fn sweep(effect: Effect) -> usize {
    let mappings = mappings();
    for moment in 0.. {
        let world = World::new(&mappings, effect);
        let fuse = Fuse::cut_at(moment);
        world.sync(&fuse).await;
        world.moves_on();
        world.sync(&fuse).await;
        for _ in 0..3 {
            world.sync(&Fuse::cut_at(i64::MAX)).await;
        }
        world.is_as_promised(&format!("{effect:?}, cut at moment {moment}")).await;
        if !fuse.is_cut() {
            return usize::try_from(moment).unwrap();
        }
    }
    0
}

/// Lets one write after the other go wrong, in one system, in a first and a second run; one world each.
async fn spoil(trouble: Trouble, effect: Effect) {
    let mappings = mappings();
    for spoiled in ["crm", "erp"] {
        for number in 0.. {
            let world = World::new(&mappings, effect);
            let far = if spoiled == "crm" { &world.crm } else { &world.erp };
            (0..number).for_each(|_| far.trouble(Trouble::None));
            far.trouble(trouble);
            let sound = Fuse::cut_at(i64::MAX);
            world.sync(&sound).await;
            world.moves_on();
            world.sync(&sound).await;
            let was_early = !far.is_troubled();
            for _ in 0..3 {
                world.sync(&sound).await;
            }
            world.is_as_promised(&format!("{effect:?}, {trouble:?} at write {number} to {spoiled}")).await;
            if !was_early {
                assert!(number > 5, "{spoiled} was written to {number} times");
                break;
            }
        }
    }
}

#[tokio::test]
async fn no_single_answer_or_request_that_is_lost_costs_anything() {
    for trouble in [Trouble::LostAnswer, Trouble::LostRequest, Trouble::Down, Trouble::CutAfter] {
        spoil(trouble, Effect::Searchable).await;
    }
}

#[tokio::test]
async fn a_power_cut_at_any_moment_costs_nothing_where_the_vendor_enforces_the_key() {
    assert!(sweep(Effect::Keyed).await > 100);
}

#[tokio::test]
async fn a_power_cut_at_any_moment_costs_nothing_where_the_key_can_only_be_looked_up() {
    assert!(sweep(Effect::Searchable).await > 100);
}

#[test]
fn a_hub_that_does_not_look_before_it_repeats_a_create_is_caught() {
    let blind = std::thread::spawn(|| {
        wake(Some(Mutant::SkippedLookup));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(spoil(Trouble::LostAnswer, Effect::Searchable));
    });
    let found = *blind.join().unwrap_err().downcast::<String>().unwrap();
    assert!(found.contains("orders") || found.contains("customers"), "{found}");
}
