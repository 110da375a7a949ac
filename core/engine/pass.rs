//! One pass over one flow: what waited first, then each system's feed, page by page.

use std::collections::{BTreeMap, BTreeSet};

use super::intend::Intended;
use super::{Engine, Flow, Scope};
use crate::clock::Timestamp;
use crate::connector::Effect;
use crate::mapping::{Column, Entity};
use crate::model::{EntityName, FlowName, LinkId, RemoteId, RunId, SystemName};
use crate::mutant::{Mutant, lives};
use crate::plan::{Change, FlowPlan, Matching, Prepared};
use crate::store::{At, Conflict, Counts, Facts, Held, Parked, ReadTo};
use crate::{Error, ErrorKind, Result};

/// Whether a pass writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Only collects what it would do; its store forgets.
    Dry,
    /// Writes, under this run's id.
    Wet(RunId),
}

/// One pass over one flow.
pub(super) struct Pass<'a> {
    pub engine: &'a Engine,
    pub flow: &'a Flow,
    pub mode: Mode,
    pub counts: Counts,
    /// What a dry pass would change; a wet one keeps nothing, however many records there are.
    pub changes: Vec<Change>,
    /// The links that a dry pass would change.
    pub pretended: BTreeSet<LinkId>,
    /// What a dry pass would hold.
    pub held: Vec<Held>,
    /// What a dry pass would park.
    pub parked: Vec<Parked>,
    /// What a dry pass would leave in conflict.
    pub conflicts: Vec<Conflict>,
    /// What accounts lacked.
    pub preparations: Vec<Prepared>,
    /// Accounts that were asked whether they are ready, and whether their records can bear the hub's key.
    pub ready: BTreeMap<(EntityName, SystemName), bool>,
    /// Records being brought along for others, so that two that refer to each other end.
    pub fetching: BTreeSet<At>,
    /// Who was matched to whom.
    pub matching: Matching,
    /// Whether the flow never ran before.
    pub is_first: bool,
    /// Links that a page of records shows to be merged: the one that goes, the one that stays.
    pub merged: Vec<(LinkId, LinkId)>,
    /// Records to decide again once the feeds are read.
    pub later: BTreeSet<At>,
    /// Whether deletions are being followed: what was told of them before is decided anew.
    pub following: bool,
    /// Why nothing was put away, where too much would have been.
    pub over_limit: Option<Error>,
    journaled: u64,
}

impl<'a> Pass<'a> {
    /// A pass that writes nothing.
    pub fn dry(engine: &'a Engine, flow: &'a Flow) -> Self {
        Self::new(engine, flow, Mode::Dry)
    }

    /// A pass that writes.
    pub fn wet(engine: &'a Engine, flow: &'a Flow, run: RunId) -> Self {
        Self::new(engine, flow, Mode::Wet(run))
    }

    fn new(engine: &'a Engine, flow: &'a Flow, mode: Mode) -> Self {
        Self {
            engine,
            flow,
            mode,
            counts: Counts::default(),
            changes: Vec::new(),
            pretended: BTreeSet::new(),
            held: Vec::new(),
            parked: Vec::new(),
            conflicts: Vec::new(),
            preparations: Vec::new(),
            ready: BTreeMap::new(),
            fetching: BTreeSet::new(),
            matching: Matching::default(),
            is_first: false,
            merged: Vec::new(),
            later: BTreeSet::new(),
            following: false,
            over_limit: None,
            journaled: 0,
        }
    }

    /// Does everything there is to do now.
    ///
    /// # Errors
    /// A system that denies or does not answer: what was done stays done, what was not is done by the next run.
    pub async fn run(&mut self, scope: Scope) -> Result<()> {
        let entity = self.entity(&self.flow.entity)?;
        for system in &self.flow.between {
            self.column(entity, system)?;
            self.engine.prove(system).await?;
        }
        self.look_up_intents(entity, Intended::Anything).await?;
        self.introduce_all(entity).await?;
        self.revisit(entity).await?;
        for system in &self.flow.between {
            self.pull(entity, system, scope).await?;
        }
        self.revisit_doubles(entity).await?;
        self.revisit_later().await?;
        self.follow_departures(entity).await?;
        self.look_up_intents(entity, Intended::Creates).await
    }

    /// Before a flow's first run creates anything, the hub gets to know every record of the systems that it would
    /// create in: a vendor's search may be behind, and twins are then found all the same.
    pub(super) async fn introduce_all(&mut self, entity: &Entity) -> Result<()> {
        for name in &self.flow.between {
            if self.engine.store.read_to(&self.flow.name, name)?.is_some() {
                return Ok(());
            }
        }
        self.is_first = true;
        for name in self.flow.between.iter().skip(1) {
            let resource = self.column(entity, name)?.resource().clone();
            let mut since = None;
            loop {
                self.go_on()?;
                let page = self.engine.systems.get(name)?.changes(&resource, since.as_ref()).await?;
                self.step(entity, name, page.records, super::step::Why::Introduced).await?;
                if !page.more {
                    break;
                }
                since = Some(page.next);
            }
        }
        Ok(())
    }

    async fn pull(&mut self, entity: &Entity, name: &SystemName, scope: Scope) -> Result<()> {
        let column = self.column(entity, name)?;
        let (digest, resource) = (column.digest(), column.resource().clone());
        let system = self.engine.systems.get(name)?;
        let mut since = match (scope, self.engine.store.read_to(&self.flow.name, name)?) {
            (Scope::Changed, Some(read)) if read.digest == digest => Some(read.cursor),
            _ => None,
        };
        let mark = (scope == Scope::Full).then(|| self.listing());
        loop {
            self.go_on()?;
            let page = system.changes(&resource, since.as_ref()).await?;
            self.counts.read += page.records.len() as u64;
            let listed: Vec<RemoteId> = page.records.iter().map(|record| record.id.clone()).collect();
            let read_to = ReadTo { cursor: page.next.clone(), digest, at: self.now() };
            if lives(Mutant::EarlyCursor) {
                let mut facts = Facts::new();
                facts.read_to(&self.flow.name, name, &read_to);
                self.engine.store.commit(facts)?;
            }
            self.step(entity, name, page.records, super::step::Why::Changed).await?;
            let mut facts = Facts::new();
            facts.read_to(&self.flow.name, name, &read_to);
            if let Some(mark) = &mark {
                self.mark_listed(entity, name, &listed, mark, &mut facts)?;
            }
            self.engine.store.commit(facts)?;
            self.engine.watch.went_on(&self.flow.name, &self.counts);
            if !page.more {
                break;
            }
            since = Some(page.next);
        }
        match mark {
            Some(mark) => self.sweep(entity, name, &mark).await,
            None => Ok(()),
        }
    }

    /// Stops between two calls when a person asked for it.
    pub fn go_on(&self) -> Result<()> {
        if self.engine.watch.is_stopping() {
            let said = "stopped on request; what was started is finished, the next run goes on from here";
            return Err(Error::new(ErrorKind::Unavailable, said));
        }
        Ok(())
    }

    /// The present instant.
    pub fn now(&self) -> Timestamp {
        self.engine.clock.now()
    }

    /// An entity of the mappings.
    pub fn entity(&self, name: &EntityName) -> Result<&'a Entity> {
        self.engine.mappings.entity(name).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("no mapping file defines the entity {name}"))
                .at("flow", &self.flow.name)
        })
    }

    /// An entity seen through a system.
    pub fn column<'e>(&self, entity: &'e Entity, system: &SystemName) -> Result<&'e Column> {
        entity.column(system).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("{} has no column for {system}", entity.file()))
                .at("do", format!("add [on.{system}] and its columns, or take {system} out of the flow"))
        })
    }

    /// The systems that an entity is kept in, whichever of its flows runs: what is seen is seen once for all of them.
    pub fn kept_in(&self, entity: &Entity) -> Vec<SystemName> {
        let flows = &self.engine.flows;
        let own = flows.iter().filter(|flow| flow.entity == *entity.name());
        let first = std::iter::once(self.flow).filter(|flow| flow.entity == *entity.name());
        let mut systems: Vec<SystemName> = Vec::new();
        for name in first.chain(own).chain([self.flow]).flat_map(|flow| &flow.between) {
            if !systems.contains(name) && self.keeps(entity, name) {
                systems.push(name.clone());
            }
        }
        systems
    }

    /// Whether a system has a column and records for an entity: a folder of quotes names customers and keeps none.
    fn keeps(&self, entity: &Entity, name: &SystemName) -> bool {
        let Some((column, system)) = entity.column(name).zip(self.engine.systems.get(name).ok()) else { return false };
        *entity.name() == self.flow.entity || system.resource(column.resource()).is_ok()
    }

    /// Whether records can be created in a system at all.
    pub fn takes_new(&self, entity: &Entity, system: &SystemName) -> Result<bool> {
        let resource = self.column(entity, system)?.resource();
        Ok(self.engine.systems.get(system)?.resource(resource)?.capabilities.create != Effect::None)
    }

    /// The next number of the run's journal.
    pub fn next_number(&mut self) -> u64 {
        self.journaled += 1;
        self.journaled
    }

    /// Whether it wrote anything, or was about to.
    pub fn has_written(&self) -> bool {
        self.journaled > 0
    }

    /// The flow's name.
    pub fn flow_name(&self) -> FlowName {
        self.flow.name.clone()
    }

    /// What was done.
    pub fn counts(&self) -> Counts {
        self.counts.clone()
    }

    /// What a dry pass collected.
    pub fn into_plan(self, error: Option<Error>) -> FlowPlan {
        let mut calls: BTreeMap<SystemName, u64> = BTreeMap::new();
        for change in &self.changes {
            *calls.entry(change.system.clone()).or_default() += 0;
        }
        for (system, needed) in &mut calls {
            *needed =
                super::push::calls_for(self.engine, self.changes.iter().filter(|change| change.system == *system));
        }
        let matching =
            self.is_first.then(|| self.matching.complete(&self.flow.entity, &self.changes, &self.held, &self.parked));
        FlowPlan {
            matching,
            flow: self.flow.name.clone(),
            entity: self.flow.entity.clone(),
            preparations: self.preparations,
            changes: self.changes,
            held: self.held,
            parked: self.parked,
            conflicts: self.conflicts,
            counts: self.counts,
            calls,
            undoes: None,
            denied: error
                .as_ref()
                .filter(|error| error.kind() == ErrorKind::Denied)
                .and_then(|error| error.fact("system").map(SystemName::from)),
            error: error.map(|error| error.to_string()),
            over_limit: self.over_limit.map(|refusal| refusal.to_string()),
        }
    }
}
