//! The hub that runs by itself: whatever is delivered, in whatever order, and whenever it dies, records are read and decided once.
#![allow(clippy::unwrap_used, reason = "a broken test tells where")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use passerelle_core::ErrorKind;
use passerelle_core::clock::{Clock, ManualClock, Timestamp};
use passerelle_core::connector::{Connector, Delivery, Effect};
use passerelle_core::engine::{Engine, Flow, OnDelete, Unwatched};
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::model::{Fields, FlowName, Presence};
use passerelle_core::serve::{Answer, INBOX_CAPACITY, LARGEST_DELIVERY, Server, Setup, Ticked, Timing};
use passerelle_core::store::{Backend, Memory as InMemory, Store};
use passerelle_core::system::{System, Systems};
use passerelle_tests::crash::{Disk, Fuse, Line};
use passerelle_tests::hooked::Hooked;
use passerelle_tests::memory::{Memory, Trouble, delivery};
use serde_json::{Value, json};

const START: &str = "2026-11-24T09:00:00Z";

/// Two systems, a disk and a clock; hubs come and go.
struct World {
    crm: Memory,
    erp: Memory,
    disk: Arc<dyn Backend>,
    clock: Arc<ManualClock>,
    mappings: Arc<Mappings>,
    fuse: Fuse,
    timings: BTreeMap<FlowName, Timing>,
    max_changes: Option<u64>,
    capacity: usize,
}

impl World {
    /// A customer on both sides, and flows that run each hour.
    fn new() -> Self {
        let resources = ["companies", "deals"];
        let (crm, erp) = (Memory::new(&resources, Effect::Keyed), Memory::new(&resources, Effect::Searchable));
        crm.put("companies", "1", object(json!({"name": "Nord", "zip": "59000", "stage": "client"})));
        erp.put("companies", "A", object(json!({"title": "Nord", "cp": "59000", "stage": "client"})));
        let hourly = || Timing::Every(Duration::from_secs(3600));
        Self {
            crm,
            erp,
            disk: Arc::new(InMemory::default()),
            clock: Arc::new(ManualClock::at(START.parse().unwrap())),
            mappings: mappings(),
            fuse: Fuse::cut_at(i64::MAX),
            timings: [("company".into(), hourly()), ("sale".into(), hourly())].into(),
            max_changes: None,
            capacity: INBOX_CAPACITY,
        }
    }

    /// A hub, started over what is on disk.
    fn hub(&self) -> Server {
        let line = |name: &str, far: &Memory| {
            System::new(name.into(), Arc::new(Line::new(far.clone(), self.fuse.clone())) as Arc<dyn Connector>)
        };
        let systems: Systems = [line("crm", &self.crm), line("erp", &self.erp)].into_iter().collect();
        self.try_hub(systems)
    }

    /// A hub with another CRM, and no fuse in its lines.
    fn hub_with(&self, crm: Arc<dyn Connector>) -> Server {
        let erp: Arc<dyn Connector> = Arc::new(self.erp.clone());
        self.try_hub([System::new("crm".into(), crm), System::new("erp".into(), erp)].into_iter().collect())
    }

    fn try_hub(&self, systems: Systems) -> Server {
        let flow = |entity: &str| Flow {
            name: entity.into(),
            entity: entity.into(),
            between: vec!["crm".into(), "erp".into()],
            max_changes: self.max_changes,
            on_delete: OnDelete::Keep,
            max_deletes_percent: 10,
        };
        let engine = Engine {
            systems: Arc::new(systems),
            mappings: self.mappings.clone(),
            store: Store::new(Arc::new(Disk::new(self.disk.clone(), self.fuse.clone()))),
            clock: self.clock.clone(),
            flows: vec![flow("company"), flow("sale")],
            watch: Arc::new(Unwatched),
            proven: Arc::default(),
        };
        Server::new(engine, Setup { timings: self.timings.clone(), capacity: self.capacity, seed: 7 }).unwrap()
    }

    /// A hub whose flows have had their first run, and nothing is due for most of an hour.
    async fn settled_hub(&self) -> Server {
        let hub = self.hub();
        assert_eq!(runs(&hub.tick().await.unwrap()), ["company", "sale"]);
        hub
    }

    fn win(&self, id: &str) {
        let deal = json!({"title": format!("Sale {id}"), "status": "won", "company": "1", "total": "12.50"});
        self.crm.put("deals", id, object(deal));
    }

    fn orders(&self) -> usize {
        self.erp.all().into_keys().filter(|(resource, _)| resource == "deals").count()
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
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

fn send(hub: &Server, system: &str, headers: &[(String, String)], body: &[u8]) -> Answer {
    let received = Timestamp::UNIX_EPOCH;
    hub.receive(system, &Delivery { method: "POST", url: "http://hub/hooks/crm", headers, body, received })
}

/// Delivers what a system in memory tells of these records.
fn tell(hub: &Server, system: &str, named: &[(&str, &str)]) -> Answer {
    let (headers, body) = delivery(named);
    send(hub, system, &headers, &body)
}

fn runs(ticked: &Ticked) -> Vec<&str> {
    ticked.runs.iter().map(|report| report.flow.as_str()).collect()
}

fn looks(ticked: &Ticked) -> Vec<&str> {
    ticked.looks.iter().map(|report| report.flow.as_str()).collect()
}

#[tokio::test]
async fn a_won_deal_is_an_order_as_soon_as_a_webhook_names_it() {
    let world = World::new();
    let hub = world.settled_hub().await;
    world.win("d1");
    assert_eq!(tell(&hub, "crm", &[("deals", "d1")]).status, 200);
    assert_eq!((world.orders(), hub.waiting()), (0, 1), "nothing is done before the tick");
    let ticked = hub.tick().await.unwrap();
    assert_eq!((looks(&ticked), runs(&ticked)), (vec!["sale"], vec![]));
    assert_eq!((world.orders(), hub.waiting()), (1, 0));
    assert!(world.crm.get("deals", "d1").unwrap()["order_number"].is_string());
    world.pass(3700);
    let ticked = hub.tick().await.unwrap();
    assert_eq!(runs(&ticked), ["company", "sale"]);
    assert_eq!((ticked.runs[1].counts.updated, world.orders()), (0, 1), "the feed has nothing to add");
}

#[tokio::test]
async fn what_is_repeated_reordered_or_flooded_is_looked_at_once() {
    let world = World::new();
    let hub = world.settled_hub().await;
    world.win("d1");
    world.win("d2");
    let before = world.crm.calls();
    for round in 0..500 {
        let named =
            if round % 2 == 0 { [("deals", "d1"), ("deals", "d2")] } else { [("deals", "d2"), ("deals", "d1")] };
        assert!(tell(&hub, "crm", &named).is_accepted());
        assert!(tell(&hub, "crm", &[("deals", "d1"), ("deals", "d1")]).is_accepted());
    }
    assert_eq!(hub.waiting(), 2);
    let ticked = hub.tick().await.unwrap();
    assert_eq!((looks(&ticked), world.orders()), (vec!["sale"], 2));
    assert!(world.crm.calls() - before < 10, "{} calls", world.crm.calls() - before);
    let tally = hub.tallies()["crm"];
    assert_eq!((tally.accepted, tally.named, tally.coalesced), (1000, 1500, 1498));
    tell(&hub, "crm", &[("deals", "d1")]);
    let ticked = hub.tick().await.unwrap();
    let counts = &ticked.looks[0].counts;
    assert_eq!((counts.unchanged, counts.created, counts.updated, world.orders()), (1, 0, 0, 2));
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_by_its_status_and_keeps_nothing() {
    let world = World::new();
    let hub = world.settled_hub().await;
    let (headers, body) = delivery(&[("deals", "d1")]);
    let forged = body.iter().rev().copied().collect::<Vec<u8>>();
    let large = vec![b' '; LARGEST_DELIVERY + 1];
    assert_eq!(send(&hub, "crm", &headers, &forged).status, 401);
    assert_eq!(send(&hub, "crm", &[], &body).status, 401);
    assert_eq!(send(&hub, "erp", &[], &body).status, 401);
    assert_eq!(send(&hub, "shop", &headers, &body).status, 404);
    assert_eq!(send(&hub, "crm", &headers, &large).status, 413);
    let get = Delivery { method: "GET", url: "", headers: &headers, body: &body, received: Timestamp::UNIX_EPOCH };
    assert_eq!(hub.receive("crm", &get).status, 405);
    assert_eq!(hub.waiting(), 0);
    let tally = hub.tallies()["crm"];
    assert_eq!((tally.accepted, tally.denied, tally.malformed, tally.too_large), (0, 2, 1, 1));
}

#[tokio::test]
async fn a_system_without_webhooks_and_one_without_its_secret_say_so() {
    let answer = |kind: ErrorKind| {
        let world = World::new();
        let mut deaf = Hooked::new(world.crm.clone());
        deaf.refuses = Some(kind);
        tell(&world.hub_with(Arc::new(deaf)), "crm", &[("deals", "d1")])
    };
    assert_eq!(answer(ErrorKind::Unsupported).status, 501);
    assert_eq!(answer(ErrorKind::Rejected).status, 400);
    let told_nothing = answer(ErrorKind::NotFound);
    assert_eq!((told_nothing.status, told_nothing.message.as_str()), (404, "not found"));
    let later = answer(ErrorKind::Config);
    assert_eq!((later.status, later.retry_after.is_some(), later.message.as_str()), (503, true, "as it says"));
}

#[tokio::test]
async fn what_is_named_again_while_it_is_looked_at_is_looked_at_again() {
    let world = World::new();
    let crm = Arc::new(Hooked::new(world.crm.clone()));
    let hub = Arc::new(world.hub_with(crm.clone()));
    hub.tick().await.unwrap();
    world.win("d1");
    tell(&hub, "crm", &[("deals", "d1")]);
    let (far, during) = (world.crm.clone(), hub.clone());
    crm.after_next_read(move || {
        far.put("deals", "d1", object(json!({"title": "Renamed"})));
        assert!(tell(&during, "crm", &[("deals", "d1")]).is_accepted());
    });
    let ticked = hub.tick().await.unwrap();
    assert_eq!((hub.waiting(), ticked.next), (1, Some(world.clock.now())));
    hub.tick().await.unwrap();
    assert_eq!(hub.waiting(), 0);
    let order = world.erp.all().into_iter().find(|((resource, _), _)| resource == "deals").unwrap().1;
    assert_eq!(order["title"], "Renamed");
}

#[tokio::test]
async fn an_id_that_the_system_refuses_to_read_keeps_the_others_not_back() {
    let world = World::new();
    let mut crm = Hooked::new(world.crm.clone());
    crm.dislikes = Some("d0".into());
    let hub = world.hub_with(Arc::new(crm));
    hub.tick().await.unwrap();
    world.win("d1");
    tell(&hub, "crm", &[("deals", "d0"), ("deals", "d1")]);
    let ticked = hub.tick().await.unwrap();
    assert!(ticked.looks[0].error.is_none());
    assert_eq!((hub.waiting(), world.orders()), (0, 1));
}

#[tokio::test]
async fn a_full_inbox_asks_to_come_again_and_still_takes_what_waits_already() {
    let world = World { capacity: 2, ..World::new() };
    let hub = world.settled_hub().await;
    assert_eq!(tell(&hub, "crm", &[("deals", "d1"), ("deals", "d2")]).status, 200);
    let full = tell(&hub, "crm", &[("deals", "d2"), ("deals", "d3")]);
    assert_eq!((full.status, full.retry_after), (503, Some(Duration::from_secs(60))));
    assert_eq!(full.message, "the inbox is full");
    assert_eq!(tell(&hub, "crm", &[("deals", "d2")]).status, 200);
    hub.tick().await.unwrap();
    assert_eq!(tell(&hub, "crm", &[("deals", "d3")]).status, 200);
}

#[tokio::test]
async fn while_the_store_cannot_write_deliveries_are_asked_to_come_again() {
    let mut world = World::new();
    world.settled_hub().await;
    world.fuse = Fuse::cut_at(0);
    let hub = world.hub_with(Arc::new(world.crm.clone()));
    let answer = tell(&hub, "crm", &[("deals", "d1")]);
    assert_eq!((answer.status, answer.retry_after), (503, Some(Duration::from_secs(30))));
    assert_eq!(hub.trouble().as_deref(), Some("the power is cut"));
}

#[tokio::test]
async fn a_delivery_about_nothing_that_any_flow_reads_is_accepted_and_forgotten() {
    let world = World::new();
    let hub = world.settled_hub().await;
    assert_eq!(tell(&hub, "crm", &[("tickets", "7")]).status, 200);
    assert_eq!(tell(&hub, "crm", &[]).status, 200);
    assert_eq!(hub.waiting(), 0);
}

#[tokio::test]
async fn a_named_record_that_does_not_exist_changes_nothing() {
    let world = World::new();
    let hub = world.settled_hub().await;
    tell(&hub, "crm", &[("deals", "no such deal"), ("companies", "9")]);
    let ticked = hub.tick().await.unwrap();
    assert_eq!(looks(&ticked), ["company", "sale"]);
    assert_eq!((hub.waiting(), world.orders()), (0, 0));
    assert_eq!(hub.engine().store.parked(10).unwrap(), []);
    assert!(!hub.engine().store.runs().unwrap().iter().any(|run| run.ended.is_none()));
    assert_eq!(hub.engine().store.runs().unwrap().len(), 2, "a look that did nothing is no run to remember");
}

#[tokio::test]
async fn a_named_record_that_is_gone_is_taken_as_deleted() {
    let world = World::new();
    let hub = world.settled_hub().await;
    world.win("d1");
    tell(&hub, "crm", &[("deals", "d1")]);
    hub.tick().await.unwrap();
    world.crm.delete("deals", "d1");
    tell(&hub, "crm", &[("deals", "d1")]);
    hub.tick().await.unwrap();
    let link = hub.engine().store.link(&"sale:crm:d1".into()).unwrap().unwrap();
    assert_eq!(link.sides["crm"].presence, Presence::Gone);
    assert_eq!((world.orders(), hub.waiting()), (1, 0));
}

#[tokio::test]
async fn before_its_first_run_a_flow_decides_nothing_by_a_hint() {
    let world = World::new();
    let hub = world.hub();
    world.win("d1");
    world.erp.search_lags(true);
    tell(&hub, "crm", &[("deals", "d1"), ("companies", "1")]);
    let ticked = hub.tick().await.unwrap();
    assert_eq!((runs(&ticked), hub.waiting(), world.orders()), (vec!["company", "sale"], 0, 1));
    let customers = world.erp.all().into_keys().filter(|(resource, _)| resource == "companies").count();
    assert_eq!(customers, 1, "the twin was met before anything was created");
}

#[tokio::test]
async fn a_hub_that_dies_between_delivery_and_tick_looks_after_its_restart() {
    let world = World::new();
    let hub = world.settled_hub().await;
    world.win("d1");
    tell(&hub, "crm", &[("deals", "d1")]);
    drop(hub);
    let hub = world.hub();
    assert_eq!(hub.waiting(), 1);
    let ticked = hub.tick().await.unwrap();
    assert_eq!((looks(&ticked), runs(&ticked), world.orders()), (vec!["sale"], vec![], 1));
}

/// The power is cut at every moment of a delivery and the tick after it; what was acknowledged must then be done.
#[tokio::test]
async fn a_power_cut_at_any_moment_loses_no_acknowledged_delivery() {
    for moment in 0.. {
        let mut world = World::new();
        world.settled_hub().await;
        world.win("d1");
        world.fuse = Fuse::cut_at(moment);
        let hub = world.hub();
        let acknowledged = tell(&hub, "crm", &[("deals", "d1")]).is_accepted();
        let _ = hub.tick().await;
        let was_cut = world.fuse.is_cut();
        world.fuse = Fuse::cut_at(i64::MAX);
        // No flow is due: only what is in the inbox, and what its look began, brings the order about.
        let hub = world.hub();
        hub.tick().await.unwrap();
        assert!(world.orders() == 1 || !acknowledged, "cut at moment {moment}");
        assert_eq!(hub.waiting(), 0, "cut at moment {moment}");
        world.pass(4000);
        hub.tick().await.unwrap();
        world.pass(4000);
        hub.tick().await.unwrap();
        assert_eq!(world.orders(), 1, "cut at moment {moment}");
        assert_eq!(hub.engine().store.jobs().unwrap(), [], "cut at moment {moment}");
        for flow in &hub.engine().flows {
            let found = hub.engine().verify(flow).await.unwrap().differences;
            assert!(found.is_empty(), "cut at moment {moment}: {found:#?}");
        }
        if !was_cut {
            assert!(moment > 10, "only {moment} moments");
            break;
        }
    }
}

#[tokio::test]
async fn a_system_that_is_down_costs_a_wait_that_grows_and_no_hint() {
    let world = World::new();
    let hub = world.settled_hub().await;
    world.win("d1");
    tell(&hub, "crm", &[("deals", "d1")]);
    for wait in [60, 120, 240] {
        world.erp.trouble(Trouble::Down);
        let ticked = hub.tick().await.unwrap();
        assert!(ticked.looks[0].error.is_some());
        assert_eq!((hub.waiting(), ticked.next), (1, Some(world.clock.now() + Duration::from_secs(wait))));
        tell(&hub, "crm", &[("deals", "d1")]);
        assert_eq!(looks(&hub.tick().await.unwrap()), [""; 0], "another delivery does not shorten the wait");
        world.pass(wait);
    }
    hub.tick().await.unwrap();
    assert_eq!((hub.waiting(), world.orders()), (0, 1));
}

#[tokio::test]
async fn a_restart_knows_the_timetable_and_catches_up_once() {
    let world = World::new();
    let next = world.settled_hub().await.tick().await.unwrap().next.unwrap();
    let due = START.parse::<Timestamp>().unwrap() + Duration::from_secs(3600);
    assert!(next >= due && next <= due + Duration::from_secs(30), "{next}");
    world.pass(1800);
    let hub = world.hub();
    assert_eq!(runs(&hub.tick().await.unwrap()), [""; 0]);
    world.pass(10 * 3600);
    let hub = world.hub();
    let ticked = hub.tick().await.unwrap();
    let mut caught_up = runs(&ticked);
    caught_up.sort_unstable();
    assert_eq!(caught_up, ["company", "sale"], "ten turns were missed, one is made up for");
    assert!(ticked.next.unwrap() >= world.clock.now() + Duration::from_secs(3600));
    assert_eq!(runs(&hub.tick().await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn a_turn_that_a_crash_cut_short_is_due_again_at_once() {
    let mut world = World::new();
    world.settled_hub().await;
    world.pass(4000);
    world.win("d1");
    world.fuse = Fuse::cut_at(6);
    assert!(world.hub().tick().await.is_err());
    world.fuse = Fuse::cut_at(i64::MAX);
    let ticked = world.hub().tick().await.unwrap();
    assert!(runs(&ticked).contains(&"sale"), "{:?}", runs(&ticked));
    assert_eq!(world.orders(), 1);
}

#[tokio::test]
async fn a_failed_turn_is_tried_again_before_the_next_one() {
    let world = World::new();
    let hub = world.settled_hub().await;
    world.pass(4000);
    world.win("d1");
    world.erp.trouble(Trouble::Down);
    let ticked = hub.tick().await.unwrap();
    assert!(ticked.runs.iter().any(|report| report.error.is_some()));
    assert_eq!(ticked.next, Some(world.clock.now() + Duration::from_secs(60)));
    world.pass(60);
    assert_eq!(runs(&hub.tick().await.unwrap()), ["sale"]);
    assert_eq!(world.orders(), 1);
}

#[tokio::test]
async fn a_clock_that_is_set_back_holds_nothing_up_for_longer_than_a_period() {
    let world = World::new();
    world.settled_hub().await;
    let behind = World { clock: Arc::new(ManualClock::at("2026-11-20T09:00:00Z".parse().unwrap())), ..world };
    let next = behind.hub().tick().await.unwrap().next.unwrap();
    assert!(next <= behind.clock.now() + Duration::from_secs(3630), "{next}");
}

#[tokio::test]
async fn a_daily_flow_runs_once_a_day_on_the_clocks_of_its_zone_also_when_they_change() {
    let mut world = World::new();
    world.clock = Arc::new(ManualClock::at("2027-03-26T12:00:00Z".parse().unwrap()));
    let zone = jiff::tz::TimeZone::get("Europe/Paris").unwrap();
    let daily = Timing::Cron("30 2 * * *".parse().unwrap(), zone);
    world.timings = [("company".into(), daily.clone()), ("sale".into(), daily)].into();
    let hub = world.hub();
    let mut began = Vec::new();
    while began.len() < 3 {
        let ticked = hub.tick().await.unwrap();
        if !ticked.runs.is_empty() {
            began.push(world.clock.now().to_string()[..16].to_owned());
            began.dedup();
        }
        let wait = ticked.next.unwrap().duration_since(world.clock.now());
        world.clock.advance(wait.unsigned_abs());
    }
    assert_eq!(began, ["2027-03-27T01:30", "2027-03-28T01:30", "2027-03-29T00:30"]);
}

#[tokio::test]
async fn webhooks_between_two_turns_do_not_get_round_max_changes() {
    let world = World { max_changes: Some(3), ..World::new() };
    let hub = world.settled_hub().await;
    for id in ["d1", "d2", "d3"] {
        world.win(id);
        tell(&hub, "crm", &[("deals", id)]);
        hub.tick().await.unwrap();
    }
    // An order, and its number in the deal: two changes each.
    assert_eq!((world.orders(), hub.waiting()), (1, 2));
    let runs = hub.engine().store.runs().unwrap();
    let told = runs.iter().find_map(|run| run.error.clone()).unwrap();
    assert!(told.contains("more than max_changes = 3; nothing of this was written"), "{told}");
}
