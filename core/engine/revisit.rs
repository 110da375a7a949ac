//! What waited is decided again before any feed: unfinished creates, what may have cured itself, what a person approved.

use std::collections::{BTreeMap, BTreeSet};

use super::pass::Pass;
use super::step::Why as Because;
use super::work::Trouble;
use crate::Result;
use crate::connector::{Effect, Lookup};
use crate::mapping::Entity;
use crate::model::{EntityName, FieldName, LinkId, Owner, Presence, Record, RemoteId, SystemName};
use crate::store::{At, Facts, Job, Parked, Verdict, Why};

/// Records looked at again together.
const BATCH: usize = 100;

impl Pass<'_> {
    /// Decides again what waited, of the flow's entity and of those it refers to that no flow keeps.
    pub(super) async fn revisit(&mut self, entity: &Entity) -> Result<()> {
        let mine = self.decides_for(entity);
        let mut first: BTreeSet<At> = BTreeSet::new();
        first.extend(self.engine.store.jobs()?.into_iter().flat_map(|job| job.sources));
        let held = self.engine.store.held()?.into_iter().filter(|held| held.verdict == Verdict::Approved);
        first.extend(held.map(|held| held.source));
        first.extend(self.decidable()?);
        let awaited = self.engine.store.revisits()?.into_iter().filter(|at| mine.contains(&at.entity));
        let awaited: Vec<At> = awaited.collect();
        first.extend(awaited.iter().cloned());
        first.retain(|at| mine.contains(&at.entity));
        for batch in first.iter().collect::<Vec<_>>().chunks(BATCH) {
            self.look_again(batch).await?;
        }
        let mut facts = Facts::new();
        awaited.iter().for_each(|at| facts.revisited(at));
        self.engine.store.commit(facts)?;
        self.revisit_parked(&mine, |parked| parked.why != Why::Ambiguous && !first.contains(&parked.at)).await
    }

    /// Records in conflict over a field that the mapping no longer leaves to a person.
    fn decidable(&self) -> Result<Vec<At>> {
        let mut found = Vec::new();
        let mut after: Option<(LinkId, FieldName)> = None;
        loop {
            let from = after.as_ref().map(|(link, field)| (link, field));
            let page = self.engine.store.conflicts_after(from, BATCH)?;
            let Some(last) = page.last() else { return Ok(found) };
            after = Some((last.link.clone(), last.field.clone()));
            for conflict in page {
                let entity = self.engine.mappings.entity(&conflict.entity);
                let is_decided = entity.is_some_and(|entity| *entity.owner(&conflict.field) != Owner::Review);
                let first = conflict.sides.into_iter().next().filter(|_| is_decided);
                found.extend(first.map(|(system, said)| At { entity: conflict.entity, system, id: said.id }));
            }
        }
    }

    /// The flow's entity, and those it refers to that no flow keeps.
    pub(super) fn decides_for(&self, entity: &Entity) -> BTreeSet<EntityName> {
        let orphans = entity.refers_to().filter(|name| !self.engine.flows.iter().any(|flow| flow.entity == **name));
        orphans.chain([entity.name()]).cloned().collect()
    }

    /// Decides the doubles again, after the feeds: the other one of two may only now be known, and it came first.
    pub(super) async fn revisit_doubles(&mut self, entity: &Entity) -> Result<()> {
        let mine = BTreeSet::from([entity.name().clone()]);
        self.revisit_parked(&mine, |parked| parked.why == Why::Ambiguous).await?;
        self.close_jobs(entity).await
    }

    /// A create that never arrived, and that is not wanted any more, is nothing to look for.
    async fn close_jobs(&mut self, entity: &Entity) -> Result<()> {
        let mut facts = Facts::new();
        for job in self.engine.store.jobs()?.into_iter().filter(|job| job.entity == *entity.name()) {
            let mut waits = false;
            for at in &job.sources {
                waits |= self.engine.store.parked_at(at)?.is_some();
            }
            if !waits && self.begun(&job).await?.is_none() {
                facts.finish(&job.link, &job.target);
            }
        }
        self.engine.store.commit(facts)
    }

    async fn revisit_parked(&mut self, mine: &BTreeSet<EntityName>, chosen: impl Fn(&Parked) -> bool) -> Result<()> {
        let mut after: Option<At> = None;
        loop {
            let page = self.engine.store.parked_after(after.as_ref(), BATCH)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.at.clone());
            let again: Vec<&At> = page
                .iter()
                .filter(|parked| parked.why.cures_itself() || parked.attempts == 0)
                .filter(|parked| mine.contains(&parked.at.entity) && chosen(parked))
                .map(|parked| &parked.at)
                .collect();
            self.look_again(&again).await?;
        }
    }

    pub(super) async fn look_again(&mut self, places: &[&At]) -> Result<()> {
        let mut grouped: BTreeMap<(&EntityName, &SystemName), Vec<RemoteId>> = BTreeMap::new();
        for at in places {
            grouped.entry((&at.entity, &at.system)).or_default().push(at.id.clone());
        }
        for ((entity, system), ids) in grouped {
            let entity = self.entity(entity)?;
            if !self.kept_in(entity).contains(system) {
                continue;
            }
            self.go_on()?;
            let resource = self.column(entity, system)?.resource().clone();
            let records = self.engine.systems.get(system)?.read(&resource, &ids).await?;
            for id in ids.into_iter().filter(|id| !is_among(id, &records)) {
                self.bury(At { entity: entity.name().clone(), system: system.clone(), id }).await?;
            }
            self.step(entity, system, records, Because::Again).await?;
        }
        Ok(())
    }

    /// What waits and no longer exists waits for nothing, unless something of it was begun elsewhere.
    async fn bury(&mut self, at: At) -> Result<()> {
        let mut facts = Facts::new();
        let known = self.engine.store.parked_at(&at)?;
        self.note_gone(&at, &mut facts)?;
        let jobs = self.engine.store.jobs()?.into_iter().filter(|job| job.sources.contains(&at));
        let mut begun = Vec::new();
        for job in jobs {
            match self.begun(&job).await? {
                Some(what) => begun.push((job, what)),
                None => facts.finish(&job.link, &job.target),
            }
        }
        if known.as_ref().is_some_and(|known| known.why == Why::Ambiguous) {
            self.look_at_the_others(&at)?;
        }
        match begun.into_iter().next() {
            Some((job, what)) => self.tell_begun(&at, job, &what, &mut facts)?,
            None if known.is_some() => facts.unpark(&at),
            None => {}
        }
        for held in self.engine.store.held()?.into_iter().filter(|held| held.source == at) {
            facts.release(&held.link, &held.target);
        }
        self.engine.store.commit(facts)
    }

    /// One of two that were to be merged is gone, as after a merge over there: the two may be one now.
    fn look_at_the_others(&mut self, at: &At) -> Result<()> {
        let seen = self.engine.store.seen(&at.entity, &at.system, &at.id)?;
        let link = seen.map(|seen| self.engine.store.link(&seen.link)).transpose()?.flatten();
        self.later.extend(link.iter().flat_map(super::work::places).filter(|place| place != at));
        Ok(())
    }

    fn note_gone(&self, at: &At, facts: &mut Facts) -> Result<()> {
        let Some(seen) = self.engine.store.seen(&at.entity, &at.system, &at.id)? else { return Ok(()) };
        let Some(mut link) = self.engine.store.link(&seen.link)? else { return Ok(()) };
        let Some(side) = link.sides.get_mut(&at.system).filter(|side| side.id == at.id) else { return Ok(()) };
        side.presence = Presence::Gone;
        self.keep(&link, facts)
    }

    fn tell_begun(&mut self, at: &At, job: Job, what: &str, facts: &mut Facts) -> Result<()> {
        let link = self.engine.store.link(&job.link)?;
        let sides = link.iter().flat_map(|link| &link.sides);
        let places =
            sides.map(|(system, side)| At { entity: at.entity.clone(), system: system.clone(), id: side.id.clone() });
        for place in places.chain([at.clone()]) {
            if self.engine.store.parked_at(&place)?.is_some_and(|parked| parked.why == Why::Deleted) {
                return Ok(());
            }
        }
        let reason = format!("it was deleted in {} while {what} was under way; look there, then drop this", at.system);
        let label = link.map_or_else(|| at.id.to_string(), |link| link.label);
        self.park(at, Some(job.link), label, Trouble::new(Why::Deleted, reason), 0, facts)
    }

    /// What a create without an answer left in its target, as far as that can be known; `None` when nothing.
    async fn begun(&self, job: &Job) -> Result<Option<String>> {
        let link = self.engine.store.link(&job.link)?;
        if let Some(side) = link.as_ref().and_then(|link| link.sides.get(&job.target)) {
            return Ok((side.presence == Presence::Present).then(|| format!("{}/{}", job.target, side.id)));
        }
        let entity = self.entity(&job.entity)?;
        let resource = self.column(entity, &job.target)?.resource().clone();
        let effect = self.engine.systems.get(&job.target)?.resource(&resource)?.capabilities.create;
        if !matches!(effect, Effect::Keyed | Effect::Searchable) {
            return Ok(Some(format!("a create in {}", job.target)));
        }
        let found = self.find(entity, &job.target, &Lookup::Key(vec![job.link.as_str().into()])).await?;
        Ok(found.first().map(|record| format!("{}/{}", job.target, record.id)))
    }
}

fn is_among(id: &RemoteId, records: &[Record]) -> bool {
    let is_it = |record: &Record| record.id == *id || record.aliases.contains(id);
    records.iter().any(|record| record.presence == Presence::Present && is_it(record))
}
