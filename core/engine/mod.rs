//! Pull, decide, push: the only room that waits on systems and store together.

mod apply;
mod breaker;
mod depart;
mod follow;
mod gate;
mod hint;
mod intend;
mod link;
mod meet;
mod notes;
mod pass;
mod permit;
mod planned;
mod propose;
mod push;
mod ready;
mod refs;
mod reunite;
mod revisit;
mod settle;
mod setup;
mod sift;
mod spell;
mod step;
mod sweep;
mod trace;
mod twins;
mod undo;
mod verify;
mod work;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::clock::Clock;
use crate::mapping::Mappings;
use crate::model::{EntityName, FieldName, FlowName, LinkId, RunId, SystemName};
use crate::plan::{FlowPlan, Plan};
use crate::store::{Counts, Facts, Run, Store, Verdict};
use crate::system::Systems;
use crate::{Error, ErrorKind, Result};

pub use apply::{Applied, Refused};
pub use hint::Looked;
pub use link::link_id;
pub use setup::{Done, Fate, Setup, Step, Taken};
pub use trace::{Line, Side, Trace, TracedValue, ValueOrigin, Waiting, entities_of, trace};
pub use undo::{ByHand, Moved, Next, Target, Undo};
pub use verify::{Difference, Verified};

/// One flow, as the engine needs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    /// Its name.
    pub name: FlowName,
    /// What it keeps in agreement.
    pub entity: EntityName,
    /// Between which systems; the order breaks ties.
    pub between: Vec<SystemName>,
    /// A run that would change more does nothing and asks.
    pub max_changes: Option<u64>,
    /// What a deletion in one system means for the others.
    pub on_delete: OnDelete,
    /// The greatest share of its linked records that a run may archive, in percent.
    pub max_deletes_percent: u8,
}

/// What a deletion in one system means for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDelete {
    /// They keep theirs.
    #[default]
    Keep,
    /// They keep theirs, and a person is told.
    Review,
    /// Theirs are put away too.
    Archive,
}

impl Default for Flow {
    fn default() -> Self {
        Self {
            name: FlowName::default(),
            entity: EntityName::default(),
            between: Vec::new(),
            max_changes: None,
            on_delete: OnDelete::default(),
            max_deletes_percent: 10,
        }
    }
}

/// Facts read from the store at a time.
const PAGE: usize = 100;

/// Which records a run reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What changed since the last run.
    Changed,
    /// Everything, whatever the cursors say.
    Full,
}

/// Told how a run goes on, for progress bars and logs.
pub trait Watch: Send + Sync {
    /// A page was read, or a batch was written.
    fn went_on(&self, flow: &FlowName, counts: &Counts);

    /// Whether a person asked to stop: what is started is finished, the rest is left to the next run.
    fn is_stopping(&self) -> bool {
        false
    }
}

/// Watches nothing.
#[derive(Debug)]
pub struct Unwatched;

impl Watch for Unwatched {
    fn went_on(&self, _: &FlowName, _: &Counts) {}
}

/// The hub's engine over a set of systems, mappings and a store.
#[derive(Clone)]
pub struct Engine {
    /// The systems.
    pub systems: Arc<Systems>,
    /// The mappings.
    pub mappings: Arc<Mappings>,
    /// What the hub remembers.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Every flow of config.toml.
    pub flows: Vec<Flow>,
    /// Told how it goes on.
    pub watch: Arc<dyn Watch>,
    /// Systems that have proved address and credentials since the start.
    pub proven: Arc<Mutex<BTreeSet<SystemName>>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("flows", &self.flows).finish_non_exhaustive()
    }
}

/// What became of one flow.
#[derive(Debug)]
pub struct Report {
    /// The flow.
    pub flow: FlowName,
    /// The run, by which `undo` and the journal know it.
    pub run: RunId,
    /// What was done.
    pub counts: Counts,
    /// How many of its records wait for a person: parked, held or in conflict.
    pub waiting: u64,
    /// Why it stopped early; what was done before stays done.
    pub error: Option<Error>,
}

impl Engine {
    /// What a run of `flows` would do. Reads, decides, writes nothing, remembers nothing.
    pub async fn plan(&self, flows: &[Flow], scope: Scope) -> Result<Plan> {
        let mut plan = Plan { made: self.clock.now(), flows: Vec::new() };
        // One view for all flows: an order's plan must see the customer that the flow before it would create.
        let dry = Self { store: self.store.forgetful(), ..self.clone() };
        for flow in flows {
            plan.flows.push(dry.plan_flow(flow, scope).await);
        }
        dry.tell_waiting(&mut plan)?;
        Ok(plan)
    }

    async fn plan_flow(&self, flow: &Flow, scope: Scope) -> FlowPlan {
        let before = self.calls(flow);
        let mut pass = pass::Pass::dry(self, flow);
        let error = pass.run(scope).await.err();
        let mut planned = pass.into_plan(error);
        planned.counts.calls = self.calls(flow) - before;
        planned.over_limit = planned.over_limit.or_else(|| planned::too_many(flow, planned.changes.len() as u64));
        planned
    }

    /// Runs `flows` one after the other.
    pub async fn sync(&self, flows: &[Flow], scope: Scope) -> Result<Vec<Report>> {
        let mut reports = Vec::new();
        for flow in flows {
            reports.push(self.sync_flow(flow, scope).await?);
        }
        Ok(reports)
    }

    /// Runs one flow.
    ///
    /// # Errors
    /// The store's; a system's are in the report.
    pub async fn sync_flow(&self, flow: &Flow, scope: Scope) -> Result<Report> {
        let began = self.clock.now();
        let id = self.new_run(began)?;
        let mut run =
            Run { id: id.clone(), flow: flow.name.clone(), began, ended: None, counts: Counts::default(), error: None };
        self.remember_run(&run)?;
        let before = self.calls(flow);
        let (mut counts, error) = match self.too_many(flow, scope).await {
            Some(error) => (Counts::default(), Some(error)),
            None => {
                let mut pass = pass::Pass::wet(self, flow, id);
                let error = pass.run(scope).await.err();
                (pass.counts(), error.or(pass.over_limit))
            }
        };
        counts.calls = self.calls(flow) - before;
        run.counts = counts.clone();
        run.ended = Some(self.clock.now());
        run.error = error.as_ref().map(ToString::to_string);
        self.remember_run(&run)?;
        Ok(Report { flow: flow.name.clone(), run: run.id, counts, waiting: self.waiting(&flow.entity)?, error })
    }

    /// A flow with `max_changes` is planned first: over the limit nothing at all is written.
    async fn too_many(&self, flow: &Flow, scope: Scope) -> Option<Error> {
        let limit = flow.max_changes?;
        let dry = Self { store: self.store.forgetful(), ..self.clone() };
        let would = dry.plan_flow(flow, scope).await.changes.len() as u64;
        (would > limit).then(|| {
            Error::new(
                ErrorKind::Rejected,
                format!("this run would change {would} records, more than max_changes = {limit}; nothing was written"),
            )
            .at("do", format!("look at `passerelle plan {0}`, then raise max_changes of [flows.{0}]", flow.name))
        })
    }

    /// Proves a system's address and credentials, once.
    async fn prove(&self, name: &SystemName) -> Result<()> {
        let system = self.systems.get(name)?;
        if !self.proven.lock().unwrap_or_else(PoisonError::into_inner).contains(name) {
            system.check().await?;
            self.proven.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone());
        }
        Ok(())
    }

    /// How many records of an entity wait for a person.
    pub fn waiting(&self, entity: &EntityName) -> Result<u64> {
        let mut parked = 0;
        let mut after = None;
        loop {
            let page = self.store.parked_after(after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.at.clone());
            parked += page.iter().filter(|parked| parked.at.entity == *entity).count();
        }
        let mut conflicts = 0;
        let mut after: Option<(LinkId, FieldName)> = None;
        loop {
            let from = after.as_ref().map(|(link, field)| (link, field));
            let page = self.store.conflicts_after(from, PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some((last.link.clone(), last.field.clone()));
            conflicts += page.iter().filter(|one| one.entity == *entity && one.waits()).count();
        }
        let held = self.store.held()?;
        let held = held.iter().filter(|held| held.source.entity == *entity && held.verdict == Verdict::Waiting).count();
        Ok((parked + held + conflicts) as u64)
    }

    fn remember_run(&self, run: &Run) -> Result<()> {
        let mut facts = Facts::new();
        facts.run(run);
        self.store.commit(facts)
    }

    fn calls(&self, flow: &Flow) -> u64 {
        flow.between.iter().filter_map(|name| self.systems.get(name).ok()).map(|system| system.calls()).sum()
    }

    /// An id that no run has: runs sort by their time, those of one time count up.
    fn new_run(&self, began: Timestamp) -> Result<RunId> {
        let mut number = 0;
        loop {
            let id = RunId::new(format!("{}-{number:02}", began.strftime("%Y%m%dT%H%M%S%3fZ")));
            if !self.store.has_run(&id)? {
                return Ok(id);
            }
            number += 1;
        }
    }
}
