//! The step of a batch of records: whatever brought them (a feed, a hint, another record), they meet here.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;

use super::pass::{Mode, Pass};
use super::work::{Fresh, Trouble, Work, is_planned};
use crate::connector::Lookup;
use crate::mapping::{Entity, Gate};
use crate::model::{Presence, Record, RemoteId, SystemName, content_hash};
use crate::store::{Link, Why as Parked};
use crate::{Error, Result};

/// What brought records here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// A feed: those with the content last seen are left alone.
    Changed,
    /// They waited, or a person asked: decide, whatever was seen or refused.
    Again,
    /// Another record refers to them: decide, whatever was seen.
    Referred,
    /// A first look: they are linked to what is known, and nothing is decided yet.
    Introduced,
    /// Another record refers to them in this system: they are created there whatever `create.when` says.
    Needed(SystemName),
}

/// After this many rounds a record that still changes is two mappings playing ping-pong.
const ROUNDS: usize = 5;

impl Pass<'_> {
    /// Decides and writes a batch of records of one system.
    pub(super) fn step<'s>(
        &'s mut self,
        entity: &'s Entity,
        system: &'s SystemName,
        records: Vec<Record>,
        because: Why,
    ) -> Pin<Box<dyn Future<Output = Result<()>> + Send + 's>> {
        // Boxed, because a record's references are brought here by the same way.
        Box::pin(async move {
            let mut works = self.sift(entity, system, records, &because)?;
            self.reunite_found(entity, &mut works).await?;
            works.retain(|work| !work.stopped);
            if works.is_empty() {
                return Ok(());
            }
            self.meet(entity, system, &mut works)?;
            self.gather(entity, &mut works).await?;
            if because == Why::Introduced {
                return self.settle_introduced(entity, &mut works);
            }
            let stopped = self.rounds(entity, &mut works, &because).await;
            if stopped.is_err() {
                // Not remembered as seen, so that the next run decides them again; what was created is in its link.
                works.iter_mut().filter(|work| work.is_sound()).for_each(|work| work.stopped = true);
            }
            self.settle(entity, &works)?;
            stopped
        })
    }

    async fn rounds(&mut self, entity: &Entity, works: &mut [Work], because: &Why) -> Result<()> {
        let systems = self.kept_in(entity);
        for round in 0..ROUNDS {
            let mut busy: Vec<usize> = Vec::new();
            for (at, work) in works.iter().enumerate() {
                if !self.is_idle(entity, work, &systems, because)? {
                    busy.push(at);
                }
            }
            self.resolve(entity, works, &busy).await?;
            let proposed = self.propose(entity, works, &busy, &systems, because).await?;
            if proposed.is_empty() {
                return Ok(());
            }
            if round + 1 == ROUNDS {
                for proposal in &proposed {
                    let fields: Vec<&str> = proposal.fields.iter().map(crate::model::FieldName::as_str).collect();
                    let reason = format!(
                        "this record changes again after every write of {} in {}: two columns do not agree on a value",
                        fields.join(", "),
                        proposal.target
                    );
                    works[proposal.work].trouble = Some(Trouble::new(Parked::PingPong, reason));
                }
                return Ok(());
            }
            let targets: BTreeSet<SystemName> = proposed.iter().map(|proposal| proposal.target.clone()).collect();
            for target in targets {
                self.ready(entity, &target).await?;
            }
            let changes = self.spell(entity, works, proposed).await?;
            if self.mode == Mode::Dry {
                self.pretend(works, changes);
                return Ok(());
            }
            self.push(entity, works, changes).await?;
        }
        Ok(())
    }

    /// Whether there is nothing to decide: one side, and no reason to create another.
    fn is_idle(&self, entity: &Entity, work: &Work, systems: &[SystemName], because: &Why) -> Result<bool> {
        if !work.is_sound() || !work.waits.is_empty() {
            return Ok(true);
        }
        if work.link.sides.len() > 1 {
            return Ok(work.link.sides.values().any(|side| is_planned(&side.id)));
        }
        let values = work.best_values();
        for name in systems.iter().filter(|name| !work.link.sides.contains_key(*name)) {
            let gate = entity.column(name).map(|column| column.may_create(&values));
            let is_skipped = matches!(gate, None | Some(Ok(Gate::Skip(_)))) && *because != Why::Needed(name.clone());
            if !is_skipped || self.engine.store.held_at(&work.link.id, name)?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What was brought along for others may be one of these works: its link is then the one in the store.
    pub(super) async fn catch_up(&mut self, entity: &Entity, works: &mut [Work]) -> Result<()> {
        for work in works.iter_mut().filter(|work| work.is_sound()) {
            let Some(known) = self.engine.store.link(&work.link.id)? else { continue };
            if known.id != work.link.id {
                work.trouble = Some(Trouble::new(Parked::Ambiguous, format!("it is one with {} now", known.id)));
                work.stopped = true;
            } else if known.sides.keys().any(|name| !work.link.sides.contains_key(name)) {
                let own = std::mem::replace(&mut work.link, known);
                work.link.sides.extend(own.sides);
                work.new = false;
            }
        }
        self.gather(entity, works).await
    }

    /// Reads the other sides of each link, batched by system; links whose records were merged become one.
    pub(super) async fn gather(&mut self, entity: &Entity, works: &mut [Work]) -> Result<()> {
        self.read_sides(entity, works).await?;
        if self.reunite_merged(entity, works).await? {
            self.read_sides(entity, works).await?;
        }
        for work in works.iter_mut() {
            if work.matched {
                super::meet::part_strangers(entity, work);
            }
            self.note_unfinished(work)?;
        }
        Ok(())
    }

    async fn read_sides(&mut self, entity: &Entity, works: &mut [Work]) -> Result<()> {
        let mut systems: Vec<SystemName> = works.iter().flat_map(|work| work.link.sides.keys().cloned()).collect();
        systems.sort();
        systems.dedup();
        // A system that no flow of the entity names any more is left alone.
        let kept = self.kept_in(entity);
        systems.retain(|name| kept.contains(name));
        for name in systems {
            let missing: Vec<(usize, RemoteId)> = works
                .iter()
                .enumerate()
                .filter(|(_, work)| work.is_sound() && !work.sides.contains_key(&name))
                .filter_map(|(at, work)| work.link.sides.get(&name).map(|side| (at, side.id.clone())))
                .filter(|(_, id)| !is_planned(id))
                .collect();
            if missing.is_empty() {
                continue;
            }
            let resource = self.column(entity, &name)?.resource().clone();
            let ids: Vec<RemoteId> = missing.iter().map(|(_, id)| id.clone()).collect();
            let records = self.engine.systems.get(&name)?.read(&resource, &ids).await?;
            for (at, id) in missing {
                let found = records.iter().find(|record| record.id == id || record.aliases.contains(&id));
                self.attach(entity, &mut works[at], &name, found)?;
            }
        }
        Ok(())
    }

    /// A record whose create left a job is not finished.
    fn note_unfinished(&self, work: &mut Work) -> Result<()> {
        for name in work.link.sides.keys() {
            if self.engine.store.job_at(&work.link.id, name)?.is_some() {
                work.unfinished.insert(name.clone());
            }
        }
        Ok(())
    }

    fn attach(&self, entity: &Entity, work: &mut Work, name: &SystemName, found: Option<&Record>) -> Result<()> {
        let Some(side) = work.link.sides.get_mut(name) else { return Ok(()) };
        let Some(record) = found.filter(|record| record.presence == Presence::Present) else {
            // What was deleted over there stays linked: it is neither made again nor deleted elsewhere.
            side.presence = found.map_or(Presence::Gone, |record| record.presence);
            side.left |= found.is_some_and(|record| self.is_left_out(entity, name, record));
            if let Some(told) = self.told_absent(work, name)? {
                work.trouble = Some(told);
            }
            return Ok(());
        };
        if side.id != record.id
            && let Some(other) = self.link_of(entity, name, record)?.filter(|other| other.id != work.link.id)
        {
            let reason = format!("{name}/{} was merged into {name}/{}, which is {}", side.id, record.id, other.id);
            work.merged_into = Some(other.id);
            work.trouble = Some(Trouble::new(Parked::Ambiguous, reason));
            return Ok(());
        }
        side.id = record.id.clone();
        side.presence = Presence::Present;
        match self.take_in(entity, name, record) {
            Ok(Some(fresh)) => {
                side.left = false;
                work.sides.insert(name.clone(), fresh);
            }
            Ok(None) => side.left = true,
            Err(trouble) => work.trouble = Some(*trouble),
        }
        Ok(())
    }

    /// A record as a side, or `None` when the column's `where` leaves it out.
    pub(super) fn take_in(
        &self,
        entity: &Entity,
        name: &SystemName,
        record: &Record,
    ) -> std::result::Result<Option<Fresh>, Box<Trouble>> {
        let canonical = self.read_record(entity, name, record).map_err(|problem| {
            let reason = format!("{} in {name}/{}: {}", problem.field, record.id, problem.message);
            Box::new(Trouble::new(Parked::Mapping, reason).field(problem.field))
        })?;
        let digest = entity.column(name).map_or(0, crate::mapping::Column::digest);
        let hash = content_hash(&record.fields, digest);
        Ok(canonical.map(|canonical| Fresh { record: record.clone(), hash, canonical, resolved: false }))
    }

    /// Adds a record of another system to a work, as one more side of its link.
    pub(super) fn join(&self, entity: &Entity, work: &mut Work, name: &SystemName, record: &Record) -> Result<()> {
        let resource = self.column(entity, name)?.resource().clone();
        let side = crate::store::LinkSide { resource, id: record.id.clone(), presence: record.presence, left: false };
        work.link.sides.insert(name.clone(), side);
        self.attach(entity, work, name, Some(record))?;
        self.note_unfinished(work)
    }

    /// The link of a record that is already known, if it is.
    pub(super) fn link_of(&self, entity: &Entity, name: &SystemName, record: &Record) -> Result<Option<Link>> {
        match self.engine.store.seen(entity.name(), name, &record.id)? {
            Some(seen) => self.engine.store.link(&seen.link),
            None => Ok(None),
        }
    }

    /// Finds records, `NotFound` being none.
    pub(super) async fn find(&self, entity: &Entity, name: &SystemName, by: &Lookup) -> Result<Vec<Record>> {
        let resource = self.column(entity, name)?.resource().clone();
        let found = self.engine.systems.get(name)?.find(&resource, by).await;
        found.map_err(|error: Error| error.at("while", "looking for a twin before a create"))
    }
}
