//! Writes: started on disk before the call, taken back into the link right after.

use super::Engine;
use super::pass::{Mode, Pass};
use super::work::{Trouble, Work};
use crate::connector::{Effect, Lookup};
use crate::mapping::Entity;
use crate::model::{Canonical, Outcome, Presence, Record, ResourceName, SystemName, Write, Written};
use crate::plan::{Change, Op};
use crate::store::{Entry, Facts, Job, LinkSide, Seen, Why};
use crate::system::System;
use crate::{Error, ErrorKind, Result};

/// A create whose outcome stays unknown is looked up and repeated this often before the next run takes over.
const REPEATS: usize = 2;

type Group = (SystemName, ResourceName, &'static str);

impl Pass<'_> {
    /// Makes the changes, in batches of one system and one kind, and gives each work its new sides.
    pub(super) async fn push(
        &mut self,
        entity: &Entity,
        works: &mut [Work],
        changes: Vec<(usize, Change)>,
    ) -> Result<()> {
        let agreed: Vec<(usize, Canonical)> = changes.iter().map(|(at, change)| (*at, change.agreed.clone())).collect();
        let mut groups: Vec<(Group, Vec<(usize, Change)>)> = Vec::new();
        for (at, change) in changes {
            let group = (change.system.clone(), change.resource.clone(), change.verb());
            match groups.iter_mut().find(|(known, _)| *known == group) {
                Some((_, members)) => members.push((at, change)),
                None => groups.push((group, vec![(at, change)])),
            }
        }
        for ((name, resource, _), members) in groups {
            let system = self.engine.systems.get(&name)?.clone();
            let size = system.resource(&resource)?.capabilities.batch.write.max(1);
            for batch in members.chunks(size) {
                self.go_on()?;
                self.push_batch(entity, works, &system, &resource, batch).await?;
                self.engine.watch.went_on(&self.flow.name, &self.counts);
            }
        }
        // Only once every side has it: a side that failed would else look as if it had changed back.
        for (at, agreed) in agreed {
            if works[at].is_sound() && !works[at].stopped {
                works[at].link.agreed = Some(agreed);
            }
        }
        Ok(())
    }

    async fn push_batch(
        &mut self,
        entity: &Entity,
        works: &mut [Work],
        system: &System,
        resource: &ResourceName,
        batch: &[(usize, Change)],
    ) -> Result<()> {
        self.start(works, batch)?;
        let gated = entity.totals().is_some();
        let writes: Vec<Write> = batch
            .iter()
            .map(|(_, change)| {
                let wait = gated && change.op == Op::Create;
                change.write(if wait { Vec::new() } else { change.then.clone() })
            })
            .collect();
        let outcomes = system.write(resource, &writes).await;
        let mut stop = None;
        let mut facts = Facts::new();
        for (((at, change), write), outcome) in batch.iter().zip(&writes).zip(outcomes) {
            let outcome = self.clear_up(system, change, write, outcome).await;
            let taken = match outcome {
                Ok(written) => self.take_back(entity, &mut works[*at], system, change, written, &mut facts).await,
                Err(error) => Err(error),
            };
            if let Err(error) = taken {
                if matches!(
                    error.kind(),
                    ErrorKind::Denied | ErrorKind::Config | ErrorKind::Unavailable | ErrorKind::RateLimited
                ) {
                    stop.get_or_insert(error);
                    works[*at].stopped = true;
                } else {
                    works[*at].trouble = Some(trouble_of(&error, change));
                    if change.op == Op::Create && error.kind() != ErrorKind::OutcomeUnknown {
                        facts.finish(&change.link, &change.system);
                    }
                }
            }
        }
        self.engine.store.commit(facts)?;
        stop.map_or(Ok(()), Err)
    }

    /// A create is on disk before the network is touched: a crash leaves a job that looks before it creates again.
    fn start(&self, works: &mut [Work], batch: &[(usize, Change)]) -> Result<()> {
        let mut facts = Facts::new();
        for (at, change) in batch.iter().filter(|(_, change)| change.op == Op::Create) {
            let work = &mut works[*at];
            facts.link(&work.link);
            work.new = false;
            facts.start(&Job {
                link: change.link.clone(),
                entity: change.entity.clone(),
                target: change.system.clone(),
                sources: vec![work.source_at()],
                started: self.now(),
            });
        }
        self.engine.store.commit(facts)
    }

    /// An unknown outcome of a create is cleared up by looking for its key, and only then repeated.
    async fn clear_up(&self, system: &System, change: &Change, write: &Write, first: Outcome) -> Outcome {
        let Write::Create { key, .. } = write else { return first };
        let mut outcome = first;
        for _ in 0..REPEATS {
            match &outcome {
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
                _ => return outcome,
            }
            let effect = system.resource(&change.resource)?.capabilities.create;
            if effect == Effect::Blind {
                return outcome;
            }
            let found = system.find(&change.resource, &Lookup::Key(vec![key.clone()])).await?;
            if let Some(record) = found.into_iter().next() {
                return Ok(Written { id: record.id.clone(), record: Some(record) });
            }
            if effect == Effect::SearchableLater {
                return outcome;
            }
            let again = system.write(&change.resource, std::slice::from_ref(write)).await;
            outcome = again.into_iter().next().unwrap_or(outcome);
        }
        outcome
    }

    async fn take_back(
        &mut self,
        entity: &Entity,
        work: &mut Work,
        system: &System,
        change: &Change,
        written: Written,
        facts: &mut Facts,
    ) -> Result<()> {
        let name = system.name().clone();
        let finishes = change.op == Op::Create && (entity.totals().is_some());
        // The journal and the link come before the read-back: the record exists, whatever that call says.
        let side = LinkSide { resource: change.resource.clone(), id: written.id.clone(), presence: Presence::Present };
        work.link.sides.insert(name.clone(), side);
        self.tell(work, system, change, &written, facts);
        facts.link(&work.link);
        facts.seen(entity.name(), &name, &written.id, &Seen { link: work.link.id.clone(), hash: 0 });
        match change.op {
            Op::Create => self.counts.created += 1,
            _ => self.counts.updated += 1,
        }
        if finishes {
            work.unfinished.insert(name.clone());
        } else {
            work.unfinished.remove(&name);
            facts.finish(&work.link.id, &name);
            facts.release(&work.link.id, &name);
        }
        let record = match written.record {
            Some(record) => Some(record),
            None if finishes => read_back(system, &change.resource, &written.id).await?,
            None => None,
        };
        work.sides.remove(&name);
        if let Some(record) = record {
            match self.take_in(entity, &name, &record) {
                Ok(Some(fresh)) => {
                    work.sides.insert(name, fresh);
                }
                Ok(None) => {}
                Err(trouble) => work.trouble = Some(*trouble),
            }
        }
        Ok(())
    }

    fn tell(&mut self, work: &Work, system: &System, change: &Change, written: &Written, facts: &mut Facts) {
        let Mode::Wet(run) = &self.mode else { return };
        let entry = Entry {
            run: run.clone(),
            flow: self.flow_name(),
            at: self.now(),
            link: work.link.id.clone(),
            system: system.name().clone(),
            resource: change.resource.clone(),
            id: written.id.clone(),
            op: change.verb().to_owned(),
            fields: change.fields.clone(),
        };
        facts.journal(self.next_number(), &entry);
    }
}

async fn read_back(system: &System, resource: &ResourceName, id: &crate::model::RemoteId) -> Result<Option<Record>> {
    Ok(system.read(resource, std::slice::from_ref(id)).await?.into_iter().next())
}

fn trouble_of(error: &Error, change: &Change) -> Trouble {
    let (why, hint) = match error.kind() {
        ErrorKind::OutcomeUnknown => (Why::Unknown, "; the next run looks whether it was done"),
        ErrorKind::Stale => (Why::Unknown, "; the next run reads and decides again"),
        ErrorKind::NotFound => (Why::Deleted, ""),
        _ => (Why::Rejected, ""),
    };
    let trouble = Trouble::new(why, format!("{} refuses the {}: {error}{hint}", change.system, change.verb()));
    match error.fact("field") {
        Some(field) => trouble.field(field),
        None => trouble,
    }
}

/// About how many API calls these changes to one system cost: batches of writes, look-ups before creates, state moves.
pub(super) fn calls_for<'c>(engine: &Engine, changes: impl Iterator<Item = &'c Change>) -> u64 {
    let mut kinds: std::collections::BTreeMap<(&SystemName, &ResourceName, &str), u64> = Default::default();
    let mut moves = 0;
    for change in changes {
        *kinds.entry((&change.system, &change.resource, change.verb())).or_default() += 1;
        moves += change.then.len() as u64;
    }
    let mut calls = moves;
    for ((name, resource, verb), count) in kinds {
        let Some(system) = engine.systems.get(name).ok() else { continue };
        let Ok(known) = system.resource(resource) else { continue };
        let batch = known.capabilities.batch;
        calls += count.div_ceil(batch.write.max(1) as u64);
        if verb == "create" {
            calls += count.div_ceil(batch.find.max(1) as u64);
        }
    }
    calls
}
