//! The hub that runs by itself: webhooks come in, flows run by their timetable, and all of it waits on one clock.

mod answer;
mod inbox;
mod life;
mod listen;
mod look;
mod receive;
mod tally;
mod timetable;
mod timing;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

pub use answer::Answer;
pub use life::Life;
pub use listen::{Listening, listen};
pub use tally::Tally;
pub use timing::Timing;

use crate::engine::{Engine, Report};
use crate::model::{FlowName, ResourceName, SystemName};
use crate::{Error, Result};
use inbox::Inbox;

/// The largest delivery, in bytes.
pub const LARGEST_DELIVERY: usize = 1 << 20;

/// Named records that the inbox holds unless told otherwise.
pub const INBOX_CAPACITY: usize = 100_000;

/// How a server is set up.
#[derive(Clone, Debug)]
pub struct Setup {
    /// When each flow of the engine runs; one that is not named runs once and then on webhooks only.
    pub timings: BTreeMap<FlowName, Timing>,
    /// Named records that the inbox holds; a delivery that names more is answered 503.
    pub capacity: usize,
    /// Decides by how much each turn comes late, so that not everything happens at one instant.
    pub seed: u64,
}

/// The hub that runs by itself, without a network: whoever carries deliveries calls [`Server::receive`], whoever keeps
/// time calls [`Server::tick`].
///
/// It needs no threads and no tasks, and knows time by the engine's clock alone: a test moves the clock, delivers and
/// ticks as it likes. What it must not forget is in the engine's store, so a server that is dropped at any moment and
/// made anew over the same store goes on where that one was. `receive` may be called while a tick is under way.
#[derive(Debug)]
pub struct Server {
    engine: Engine,
    setup: Setup,
    inbox: Inbox,
    /// Which flows read a resource of a system.
    told: BTreeMap<(SystemName, ResourceName), Vec<FlowName>>,
    /// Flows whose looks failed: until when nothing is looked at for them, and how often in a row.
    rests: Mutex<BTreeMap<FlowName, Rest>>,
    /// What looks have changed since a flow's last turn, counted towards `max_changes`.
    spent: Mutex<BTreeMap<FlowName, u64>>,
    tallies: Mutex<BTreeMap<SystemName, Tally>>,
    /// Why the store last failed, until it works again.
    trouble: Mutex<Option<String>>,
    /// One tick at a time, so no flow overlaps itself.
    ticking: tokio::sync::Mutex<()>,
}

#[derive(Clone, Copy, Debug)]
struct Rest {
    until: Timestamp,
    failures: u32,
}

/// What a tick did.
#[derive(Debug, Default)]
pub struct Ticked {
    /// Looks at what webhooks named, in their order.
    pub looks: Vec<Report>,
    /// Runs of flows that were due, in their order.
    pub runs: Vec<Report>,
    /// When the next tick has something to do, if no delivery comes before; in the past when it has at once.
    pub next: Option<Timestamp>,
}

impl Server {
    /// A server over `engine` and what its store remembers of inbox and timetable. Calls no system.
    ///
    /// # Errors
    /// The store's.
    pub fn new(engine: Engine, setup: Setup) -> Result<Self> {
        let mut told: BTreeMap<(SystemName, ResourceName), Vec<FlowName>> = BTreeMap::new();
        for system in engine.systems.iter() {
            for resource in system.resources() {
                let flows: Vec<FlowName> =
                    engine.told_of(system.name(), &resource.name).into_iter().map(|flow| flow.name.clone()).collect();
                if !flows.is_empty() {
                    told.insert((system.name().clone(), resource.name.clone()), flows);
                }
            }
        }
        let is_told =
            |hinted: &crate::store::Hinted| told.contains_key(&(hinted.system.clone(), hinted.resource.clone()));
        let inbox = Inbox::open(engine.store.clone(), setup.capacity, is_told)?;
        let server = Self {
            engine,
            setup,
            inbox,
            told,
            rests: Mutex::default(),
            spent: Mutex::default(),
            tallies: Mutex::default(),
            trouble: Mutex::default(),
            ticking: tokio::sync::Mutex::default(),
        };
        server.see_flows()?;
        Ok(server)
    }

    /// Does what is due: looks at what webhooks named, then runs flows whose time has come, the longest overdue first,
    /// looking again after each.
    ///
    /// A system's failure is told in its flow's report and costs the flow a wait; a flow that a person stops through
    /// the engine's watch is due again as if it had not begun. Calls one after the other, never two at once: a second
    /// waits for the first.
    ///
    /// # Errors
    /// The store's: what was done is done, and the next tick goes on.
    pub async fn tick(&self) -> Result<Ticked> {
        let _alone = self.ticking.lock().await;
        let ticked = self.do_what_is_due().await;
        self.notice(ticked.as_ref().err());
        ticked
    }

    async fn do_what_is_due(&self) -> Result<Ticked> {
        let arrived = self.inbox.arrivals();
        let mut ticked = Ticked::default();
        self.look_at_all(&mut ticked.looks).await?;
        for flow in self.due_now()? {
            if self.engine.watch.is_stopping() {
                break;
            }
            ticked.runs.push(self.run(&flow).await?);
            self.look_at_all(&mut ticked.looks).await?;
        }
        ticked.next = self.next()?;
        if self.inbox.arrivals() != arrived {
            ticked.next = Some(self.engine.clock.now());
        }
        Ok(ticked)
    }

    /// What became of the deliveries of each system since the start.
    pub fn tallies(&self) -> BTreeMap<SystemName, Tally> {
        locked(&self.tallies).clone()
    }

    /// How many named records wait to be looked at.
    pub fn waiting(&self) -> usize {
        self.inbox.held()
    }

    /// Why deliveries cannot be taken now: the store failed, and has not worked since.
    pub fn trouble(&self) -> Option<String> {
        locked(&self.trouble).clone()
    }

    /// The engine that it runs.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Remembers whether the store works.
    fn notice(&self, error: Option<&Error>) {
        *locked(&self.trouble) = error.map(ToString::to_string);
    }

    /// The sooner of the next turn and the end of the next rest that something waits for.
    fn next(&self) -> Result<Option<Timestamp>> {
        let turn = self.next_turn()?;
        if self.inbox.held() == 0 {
            return Ok(turn);
        }
        let now = self.engine.clock.now();
        // A rest that is over and still stands waits for that of another flow of the same records.
        let rests = locked(&self.rests).values().map(|rest| rest.until).filter(|until| *until > now).min();
        Ok(turn.into_iter().chain(rests).min())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
