//! Writes: started on disk before the call, taken back into the link right after.

use jiff::Timestamp;

use super::Engine;
use super::intend::leaves_open;
use super::pass::Pass;
use super::work::{Trouble, Work};
use crate::connector::{Effect, Lookup};
use crate::mapping::Entity;
use crate::model::{Canonical, Outcome, Presence, RemoteId, ResourceName, SystemName, Write, Written};
use crate::mutant::{Mutant, lives};
use crate::plan::{Change, Op};
use crate::store::{Entry, Facts, LinkSide, Place, Seen, Why};
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
            if lives(Mutant::EarlyAgreement) || works[at].is_sound() && !works[at].stopped {
                works[at].agree_on(entity, agreed);
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
        let gated = entity.totals().is_some();
        let writes: Vec<Write> = batch
            .iter()
            .map(|(at, change)| {
                let wait = gated && change.op == Op::Create;
                let mut write = change.write(if wait { Vec::new() } else { change.then.clone() });
                if let Write::Archive { expect, .. } = &mut write {
                    *expect = works[*at].sides.get(system.name()).and_then(|side| side.record.version.clone());
                }
                write
            })
            .collect();
        let early = if lives(Mutant::LateOutbox) { None } else { Some(self.start(works, batch, &writes)?) };
        let outcomes = system.write(resource, &writes).await;
        let intents = early.map_or_else(|| self.start(works, batch, &writes), Ok)?;
        let mut stop = None;
        let mut facts = Facts::new();
        for ((((at, change), write), outcome), intent) in batch.iter().zip(&writes).zip(outcomes).zip(intents) {
            let work = &mut works[*at];
            let failed = match self.clear_up(entity, system, change, write, outcome).await {
                Ok(written) => {
                    tell(intent, &written, self.now(), &mut facts);
                    self.take_back(entity, work, system, change, &written, &mut facts);
                    self.read_back(entity, work, system, change, written).await.err()
                }
                Err(error) => {
                    // An unknown create stays on disk, to be looked for before it is made again.
                    if change.op == Op::Create && !stops(&error) && error.kind() != ErrorKind::OutcomeUnknown {
                        facts.finish(&change.link, &change.system);
                    }
                    if !leaves_open(error.kind()) {
                        facts.settle(&intent.0, &intent.1);
                    }
                    Some(error)
                }
            };
            match failed {
                Some(error) if stops(&error) => {
                    stop.get_or_insert(error);
                    work.stopped = true;
                }
                Some(error) => work.trouble = Some(trouble_of(&error, change)),
                None => {}
            }
        }
        self.engine.store.commit(facts)?;
        stop.map_or(Ok(()), Err)
    }

    /// An unknown outcome of a create is cleared up by looking for its key, and only then repeated.
    async fn clear_up(
        &self,
        entity: &Entity,
        system: &System,
        change: &Change,
        write: &Write,
        first: Outcome,
    ) -> Outcome {
        let key = match write {
            Write::Create { key, .. } => key,
            Write::Archive { id, .. } => return self.clear_up_archive(system, change, id, first).await,
            Write::Update { .. } => return first,
        };
        let mut outcome = first;
        for _ in 0..REPEATS {
            match &outcome {
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
                _ => return outcome,
            }
            let effect = system.resource(&change.resource)?.capabilities.create;
            if effect == Effect::Blind || !self.bears_keys(entity, system.name()) {
                return outcome;
            }
            let found = system.find(&change.resource, &Lookup::Key(vec![key.clone()])).await?;
            let found = if lives(Mutant::SkippedLookup) { Vec::new() } else { found };
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

    /// An unknown outcome of an archive is cleared up by reading the record.
    async fn clear_up_archive(&self, system: &System, change: &Change, id: &RemoteId, first: Outcome) -> Outcome {
        let Err(error) = first else { return first };
        if error.kind() != ErrorKind::OutcomeUnknown {
            return Err(error);
        }
        let found = system.read(&change.resource, std::slice::from_ref(id)).await?.into_iter().next();
        match found.filter(|record| record.presence == Presence::Present) {
            Some(_) => Err(error),
            None => Ok(Written { id: id.clone(), record: None }),
        }
    }

    /// What was written, into the link: the record exists, whatever reading it says.
    fn take_back(
        &mut self,
        entity: &Entity,
        work: &mut Work,
        system: &System,
        change: &Change,
        written: &Written,
        facts: &mut Facts,
    ) {
        let name = system.name().clone();
        let is_archived = matches!(change.op, Op::Archive { .. });
        let presence = if is_archived { Presence::Archived } else { Presence::Present };
        let side = LinkSide { resource: change.resource.clone(), id: written.id.clone(), presence, left: false };
        work.link.sides.insert(name.clone(), side);
        self.note_written(work, change, written, facts);
        facts.link(&work.link);
        facts.seen(entity.name(), &name, &written.id, &Seen { link: work.link.id.clone(), hash: 0 });
        match change.op {
            Op::Create => self.counts.created += 1,
            Op::Update { .. } | Op::Finish { .. } => self.counts.updated += 1,
            Op::Archive { .. } => self.counts.archived += 1,
        }
        match change.op {
            // Its totals are compared first.
            Op::Create if entity.totals().is_some() => {
                work.unfinished.insert(name);
            }
            // A draft that was put right still waits for its state moves.
            Op::Update { .. } => {}
            Op::Create | Op::Finish { .. } | Op::Archive { .. } => {
                work.unfinished.remove(&name);
                facts.finish(&work.link.id, &name);
                facts.release(&work.link.id, &name);
            }
        }
    }

    /// The side as it is after the write: from the answer, or read where something is to be compared.
    async fn read_back(
        &mut self,
        entity: &Entity,
        work: &mut Work,
        system: &System,
        change: &Change,
        written: Written,
    ) -> Result<()> {
        let name = system.name();
        work.sides.remove(name);
        if matches!(change.op, Op::Archive { .. }) {
            return Ok(());
        }
        let record = match written.record {
            Some(record) => Some(record),
            None if work.unfinished.contains(name) => {
                system.read(&change.resource, std::slice::from_ref(&written.id)).await?.into_iter().next()
            }
            None => None,
        };
        match record.map(|record| self.take_in(entity, name, &record)) {
            Some(Ok(Some(fresh))) => {
                work.sides.insert(name.clone(), fresh);
                work.note_forms(change);
            }
            Some(Ok(None)) | None => {}
            Some(Err(trouble)) => work.trouble = Some(*trouble),
        }
        Ok(())
    }
}

/// An answered write is a line of the journal and no intent any more.
fn tell((place, mut entry): (Place, Entry), written: &Written, now: Timestamp, facts: &mut Facts) {
    facts.settle(&place, &entry);
    entry.id = written.id.clone();
    entry.at = now;
    facts.journal(place.number, &entry);
}

/// Whether an error says that the system as a whole does not answer.
fn stops(error: &Error) -> bool {
    use ErrorKind::{Config, Denied, RateLimited, Unavailable};
    matches!(error.kind(), Denied | Config | Unavailable | RateLimited)
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
        // However many a connector takes at once, a plan is applied in batches of its own.
        calls += count.div_ceil(batch.write.clamp(1, super::apply::BATCH) as u64);
        if verb == "create" {
            calls += count.div_ceil(batch.find.max(1) as u64);
        }
    }
    calls
}
