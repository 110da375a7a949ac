//! Apply: exactly a saved plan, less the records that moved since it was made.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::intend::Intended;
use super::link::{add_sides, rival};
use super::pass::Pass;
use super::work::{Work, is_planned};
use super::{Engine, Report};
use crate::mapping::Entity;
use crate::model::{Fields, LinkId, Presence, RemoteId, ResourceName, SystemName};
use crate::plan::{Basis, Change, FlowPlan, Op, Plan};
use crate::store::{At, Counts, Link, LinkSide, Run};
use crate::{Error, ErrorKind, Result};

/// What became of a plan.
#[derive(Debug)]
pub struct Applied {
    /// Flow by flow.
    pub reports: Vec<Report>,
    /// Changes that were refused, and why.
    pub refused: Vec<Refused>,
}

/// A change of a plan that was not made.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Refused {
    /// The link.
    pub link: LinkId,
    /// How a person recognises it.
    pub label: String,
    /// Why.
    pub reason: String,
}

/// What becomes of a change that a vendor does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Troubles {
    /// Its record is parked: it is out of agreement until it is mended.
    Parked,
    /// It is only told: an undo that is not made leaves things as they were.
    Refused,
}

/// Changes made together, as far as they concern one entity.
pub(super) const BATCH: usize = 100;

impl Engine {
    /// Makes the changes of `plan`, in their order; one whose records moved since is refused, and so is what needs it.
    ///
    /// # Errors
    /// `Config` when the plan is of flows or entities that the configuration no longer has.
    pub async fn apply(&self, plan: &Plan) -> Result<Applied> {
        let mut applied = Applied { reports: Vec::new(), refused: Vec::new() };
        for flow_plan in &plan.flows {
            let report = self.apply_flow(flow_plan, &mut applied.refused).await?;
            applied.reports.push(report);
        }
        Ok(applied)
    }

    async fn apply_flow(&self, planned: &FlowPlan, refused: &mut Vec<Refused>) -> Result<Report> {
        let Some(flow) = self.flows.iter().find(|flow| flow.name == planned.flow) else {
            return Err(Error::new(
                ErrorKind::Config,
                format!("the plan is of a flow {} that config.toml does not have", planned.flow),
            ));
        };
        let began = self.clock.now();
        let mut run = Run {
            id: self.new_run(began)?,
            flow: flow.name.clone(),
            began,
            ended: None,
            counts: Counts::default(),
            error: None,
        };
        self.remember_run(&run)?;
        let before = self.calls(flow);
        let mut pass = Pass::wet(self, flow, run.id.clone());
        let mut error = None;
        // What a write without an answer made still shows now.
        for name in planned.changes.iter().map(|change| &change.entity).collect::<BTreeSet<_>>() {
            let entity = pass.entity(name)?;
            pass.look_up_intents(entity, Intended::Anything).await?;
        }
        let mut rest = planned.changes.as_slice();
        while let Some(first) = rest.first() {
            let (batch, after) = rest.split_at(batch_of(rest, first));
            rest = after;
            let entity = pass.entity(&first.entity)?;
            let troubles = if planned.undoes.is_some() { Troubles::Refused } else { Troubles::Parked };
            if let Err(stopped) = pass.apply_batch(entity, batch, refused, troubles).await {
                error = Some(stopped);
                break;
            }
        }
        let mut counts = pass.counts();
        counts.calls = self.calls(flow) - before;
        run.counts = counts.clone();
        run.ended = Some(self.clock.now());
        run.error = error.as_ref().map(ToString::to_string);
        self.remember_run(&run)?;
        Ok(Report { flow: flow.name.clone(), run: run.id, counts, waiting: self.waiting(&flow.entity)?, error })
    }
}

impl Pass<'_> {
    async fn apply_batch(
        &mut self,
        entity: &Entity,
        batch: &[Change],
        refused: &mut Vec<Refused>,
        troubles: Troubles,
    ) -> Result<()> {
        let mut works: Vec<Work> = Vec::new();
        let mut changes: Vec<(usize, Change)> = Vec::new();
        let moved = self.moved(entity, batch).await?;
        for change in batch {
            let mut change = change.clone();
            let reason = match fill_in(self, &change.system, &mut change.native)? {
                Some(missing) => Some(format!("{missing} was not created in {}", change.system)),
                None if self.is_there_already(&change)? => {
                    Some(format!("it was created in {} since the plan was made; plan again", change.system))
                }
                None => change
                    .basis
                    .iter()
                    .find(|one| moved.contains(&one.at))
                    .map(|one| format!("{} moved since the plan was made; plan again", one.at)),
            };
            let reason = match reason {
                Some(reason) => Some(reason),
                None => self.unite_planned(entity, &change)?,
            };
            if let Some(reason) = reason {
                refused.push(Refused { link: change.link.clone(), label: change.label.clone(), reason });
                continue;
            }
            // One work for all changes of a link: each learns what the other made.
            let at = match works.iter().position(|work| work.link.id == change.link) {
                Some(at) => at,
                None => {
                    works.push(self.work_for(entity, &change)?);
                    works.len() - 1
                }
            };
            changes.push((at, change));
        }
        for target in changes.iter().map(|(_, change)| change.system.clone()).collect::<BTreeSet<_>>() {
            self.ready(entity, &target).await?;
        }
        let created: Vec<(usize, Change)> =
            changes.iter().filter(|(_, change)| change.op == Op::Create).cloned().collect();
        self.push(entity, &mut works, changes).await?;
        let mut finishes = Vec::new();
        for (at, change) in created {
            let work = &mut works[at];
            let can_be_compared = work.sides.contains_key(&change.system) && work.unfinished.contains(&change.system);
            if !work.is_sound() || !can_be_compared {
                continue;
            }
            match self.finish(entity, work, at, &change.system, &change.agreed)? {
                Some(finish) => finishes.push(finish),
                None if work.is_sound() => {
                    work.finished.insert(change.system.clone());
                }
                None => {}
            }
        }
        let finishes = self.spell(entity, &mut works, finishes).await?;
        self.push(entity, &mut works, finishes).await?;
        if troubles == Troubles::Refused {
            works.iter_mut().for_each(|work| refuse(work, refused));
        }
        // What the vendors added is not in the plan: the next run reads these records again and brings it along.
        for work in &mut works {
            work.sides.clear();
        }
        self.settle(entity, &works)
    }

    /// Whether the record that a change would create is known by now.
    fn is_there_already(&self, change: &Change) -> Result<bool> {
        let link = self.engine.store.link(&change.link)?;
        Ok(change.op == Op::Create && link.is_some_and(|link| link.sides.contains_key(&change.system)))
    }

    /// Links that the plan found to be one become one, all or none; what was linked otherwise since is refused.
    fn unite_planned(&mut self, entity: &Entity, change: &Change) -> Result<Option<String>> {
        let into = self.work_for(entity, change)?.link;
        let mut others: Vec<Link> = Vec::new();
        for one in change.basis.iter().filter(|one| !is_planned(&one.at.id)) {
            let Some(seen) = self.engine.store.seen(entity.name(), &one.at.system, &one.at.id)? else { continue };
            let Some(own) = self.engine.store.link(&seen.link)? else { continue };
            if own.id == into.id || others.iter().any(|known| known.id == own.id) {
                continue;
            }
            if rival(&own, &into).is_some() {
                return Ok(Some(format!(
                    "{} belongs to {} \"{}\" since the plan was made; plan again",
                    one.at, own.id, own.label
                )));
            }
            for name in self.kept_in(entity) {
                if self.engine.store.job_at(&own.id, &name)?.is_some() {
                    return Ok(Some(format!("{} is not finished in {name}; run `passerelle sync`", own.id)));
                }
            }
            others.push(own);
        }
        let mut joined = into.clone();
        for own in others {
            add_sides(&mut joined, &own);
            self.bequeath(entity, &own, &into, &joined)?;
        }
        Ok(None)
    }

    /// Which of the records that changes were decided from are not as they were.
    async fn moved(&self, entity: &Entity, changes: &[Change]) -> Result<BTreeSet<At>> {
        let mut by_place: BTreeMap<(&SystemName, &ResourceName), BTreeMap<&RemoteId, &Basis>> = BTreeMap::new();
        for one in changes.iter().flat_map(|change| &change.basis).filter(|one| !is_planned(&one.at.id)) {
            by_place.entry((&one.at.system, &one.resource)).or_default().insert(&one.at.id, one);
        }
        let mut moved = BTreeSet::new();
        for ((name, resource), members) in by_place {
            let ids: Vec<RemoteId> = members.keys().map(|id| (*id).clone()).collect();
            let records = self.engine.systems.get(name)?.read(resource, &ids).await?;
            let digest = entity.column(name).map_or(0, crate::mapping::Column::digest);
            for one in members.into_values() {
                let is_it = |record: &&crate::model::Record| record.id == one.at.id;
                let now = records.iter().find(is_it).filter(|record| record.presence == Presence::Present);
                let hash = now.map(|record| format!("{:016x}", crate::model::content_hash(&record.fields, digest)));
                if hash.as_deref().unwrap_or(Basis::GONE) != one.hash {
                    moved.insert(one.at.clone());
                }
            }
        }
        Ok(moved)
    }

    fn work_for(&self, entity: &Entity, change: &Change) -> Result<Work> {
        let known = self.engine.store.link(&change.link)?;
        let new = known.is_none();
        let side = |one: &Basis| {
            let side = LinkSide { resource: one.resource.clone(), id: one.at.id.clone(), ..LinkSide::default() };
            (one.at.system.clone(), side)
        };
        let link = known.unwrap_or_else(|| Link {
            id: change.link.clone(),
            entity: entity.name().clone(),
            label: change.label.clone(),
            ..Link::default()
        });
        let mut work = Work { link, new, ..Work::default() };
        for (system, side) in change.basis.iter().filter(|one| !is_planned(&one.at.id)).map(side) {
            work.link.sides.entry(system).or_insert(side);
        }
        work.source = change.basis.first().map(|one| one.at.system.clone()).unwrap_or_default();
        Ok(work)
    }
}

/// Nothing waits for what could not be undone: it is told, and the record is as it was.
fn refuse(work: &mut Work, refused: &mut Vec<Refused>) {
    let Some(trouble) = work.trouble.take() else { return };
    refused.push(Refused { link: work.link.id.clone(), label: work.link.label.clone(), reason: trouble.reason });
    work.stopped = true;
}

/// How many of the changes are made together: of one entity, and no link cut in two.
fn batch_of(rest: &[Change], first: &Change) -> usize {
    let mut alike = rest.iter().take_while(|change| change.entity == first.entity).count().min(BATCH);
    let last = rest.get(alike.wrapping_sub(1)).map(|change| &change.link);
    while alike < rest.len() && rest.get(alike).map(|change| &change.link) == last {
        alike += 1;
    }
    alike
}

/// Puts real ids where the plan named records that it would create itself; names the first that was not created.
fn fill_in(pass: &Pass<'_>, target: &SystemName, native: &mut Fields) -> Result<Option<LinkId>> {
    for value in native.values_mut() {
        if let Some(missing) = fill_value(pass, target, value)? {
            return Ok(Some(missing));
        }
    }
    Ok(None)
}

fn fill_value(pass: &Pass<'_>, target: &SystemName, value: &mut Value) -> Result<Option<LinkId>> {
    match value {
        Value::String(text) if is_planned(&RemoteId::new(text.as_str())) => {
            let id = LinkId::new(&text[1..]);
            let link = pass.engine.store.link(&id)?;
            match link.and_then(|link| link.sides.get(target).map(|side| side.id.to_string())) {
                Some(real) => {
                    *text = real;
                    Ok(None)
                }
                None => Ok(Some(id)),
            }
        }
        Value::Array(items) => {
            for item in items {
                if let Some(missing) = fill_value(pass, target, item)? {
                    return Ok(Some(missing));
                }
            }
            Ok(None)
        }
        Value::Object(fields) => fill_in(pass, target, fields),
        _ => Ok(None),
    }
}
