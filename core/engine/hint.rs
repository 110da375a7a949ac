//! Hints: records that a webhook named are read and take the same step as those that a feed brings.

use std::collections::BTreeSet;

use super::pass::Pass;
use super::step::Why;
use super::{Engine, Flow, Report};
use crate::mapping::Entity;
use crate::model::{Presence, Record, RemoteId, ResourceName, SystemName};
use crate::store::{Counts, Facts, Run};
use crate::{Error, ErrorKind, Result};

/// Records read and decided together.
const BATCH: usize = 100;

/// What became of the records that were named.
#[derive(Debug)]
pub struct Looked {
    /// What was done, and why it stopped early.
    pub report: Report,
    /// The ids that need no other look: read and decided, gone over there, or among the unreadable.
    pub settled: BTreeSet<RemoteId>,
    /// The ids that the system refuses to read, with its words.
    pub unreadable: Vec<(RemoteId, Error)>,
}

/// What a pass over named records came to.
#[derive(Debug, Default)]
pub(super) struct Progress {
    settled: BTreeSet<RemoteId>,
    unreadable: Vec<(RemoteId, Error)>,
}

impl Engine {
    /// The flows to which a resource of a system is told: one for each entity whose column reads it there.
    pub fn told_of(&self, system: &SystemName, resource: &ResourceName) -> Vec<&Flow> {
        let mut told: Vec<&Flow> = Vec::new();
        for flow in self.flows.iter().filter(|flow| flow.between.contains(system)) {
            let column = self.mappings.entity(&flow.entity).and_then(|entity| entity.column(system));
            let reads = column.is_some_and(|column| column.resource() == resource);
            // What is seen is seen once for all flows of an entity.
            if reads && told.iter().all(|other| other.entity != flow.entity) {
                told.push(flow);
            }
        }
        told
    }

    /// Whether a flow has read any of its systems: before its first run, nothing is decided by a hint.
    ///
    /// # Errors
    /// The store's.
    pub fn has_begun(&self, flow: &Flow) -> Result<bool> {
        for system in &flow.between {
            if self.store.read_to(&flow.name, system)?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Reads the named records of `flow` in `system` and decides them, as if its feed had brought them: what has the
    /// content last seen is left alone, what does not exist any more is taken as deleted.
    ///
    /// It is a run of its own, told by the store only when it did something. With `max_changes`, a look that would make
    /// the flow change more than that, `spent` included, does nothing and says so.
    ///
    /// # Errors
    /// The store's; a system's are in the report.
    pub async fn look(&self, flow: &Flow, system: &SystemName, ids: &[RemoteId], spent: u64) -> Result<Looked> {
        let began = self.clock.now();
        let id = self.new_run(began)?;
        let (name, counts) = (flow.name.clone(), Counts::default());
        let mut run = Run { id: id.clone(), flow: name, began, ended: None, counts, error: None };
        self.remember_run(&run)?;
        let before = self.calls(flow);
        let mut progress = Progress::default();
        let (mut counts, error, has_written) = match self.too_many_named(flow, system, ids, spent).await {
            Some(error) => (Counts::default(), Some(error), false),
            None => {
                let mut pass = Pass::wet(self, flow, id);
                let error = pass.look(system, ids, &mut progress).await.err();
                (pass.counts(), error, pass.has_written())
            }
        };
        counts.calls = self.calls(flow) - before;
        let mut facts = Facts::new();
        if error.is_none() && !has_written && !counts.tell_something() {
            facts.forget_run(&run);
        } else {
            run.counts = counts.clone();
            run.ended = Some(self.clock.now());
            run.error = error.as_ref().map(ToString::to_string);
            facts.run(&run);
        }
        self.store.commit(facts)?;
        let report =
            Report { flow: flow.name.clone(), run: run.id, counts, waiting: self.waiting(&flow.entity)?, error };
        Ok(Looked { report, settled: progress.settled, unreadable: progress.unreadable })
    }

    async fn too_many_named(&self, flow: &Flow, system: &SystemName, ids: &[RemoteId], spent: u64) -> Option<Error> {
        let limit = flow.max_changes?;
        let dry = Self { store: self.store.forgetful(), ..self.clone() };
        let mut pass = Pass::dry(&dry, flow);
        // What stops the plan stops the look too, and is told there.
        let _ = pass.look(system, ids, &mut Progress::default()).await;
        let would = spent + pass.changes.len() as u64;
        (would > limit).then(|| {
            let message = format!(
                "webhooks would make this flow change {would} records since its last run, more than max_changes = \
                 {limit}; nothing of this was written"
            );
            Error::new(ErrorKind::Rejected, message)
                .at("do", format!("look at `passerelle plan {0}`, then raise max_changes of [flows.{0}]", flow.name))
        })
    }
}

impl Pass<'_> {
    /// Reads and decides named records, batch by batch.
    async fn look(&mut self, system: &SystemName, ids: &[RemoteId], progress: &mut Progress) -> Result<()> {
        let entity = self.entity(&self.flow.entity)?;
        for name in &self.flow.between {
            self.column(entity, name)?;
            self.engine.prove(name).await?;
        }
        self.introduce_all(entity).await?;
        for batch in ids.chunks(BATCH) {
            self.go_on()?;
            let records = self.named(entity, system, batch, progress).await?;
            self.counts.read += records.len() as u64;
            self.step(entity, system, records, Why::Changed).await?;
            progress.settled.extend(batch.iter().cloned());
            self.engine.watch.went_on(&self.flow.name, &self.counts);
        }
        Ok(())
    }

    /// The named records as a feed would bring them: each once, and those that are gone as gone.
    async fn named(
        &self,
        entity: &Entity,
        name: &SystemName,
        ids: &[RemoteId],
        progress: &mut Progress,
    ) -> Result<Vec<Record>> {
        let resource = self.column(entity, name)?.resource().clone();
        let system = self.engine.systems.get(name)?;
        let mut records: Vec<Record> = Vec::new();
        let mut asked: Vec<&RemoteId> = Vec::new();
        match system.read(&resource, ids).await {
            Ok(found) => {
                records.extend(found);
                asked.extend(ids);
            }
            // One id that the system does not take must not keep the others back.
            Err(error) if is_about_an_id(&error) => {
                for id in ids {
                    match system.read(&resource, std::slice::from_ref(id)).await {
                        Ok(found) => {
                            records.extend(found);
                            asked.push(id);
                        }
                        Err(error) if is_about_an_id(&error) => progress.unreadable.push((id.clone(), error)),
                        Err(error) => return Err(error),
                    }
                }
            }
            Err(error) => return Err(error),
        }
        let mut told: BTreeSet<RemoteId> = BTreeSet::new();
        records.retain(|record| told.insert(record.id.clone()));
        let gone = |id: &&&RemoteId| !records.iter().any(|record| record.id == ***id || record.aliases.contains(**id));
        let gone: Vec<Record> = asked.iter().filter(gone).map(|id| gone_record(id)).collect();
        records.extend(gone);
        Ok(records)
    }
}

fn is_about_an_id(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Rejected | ErrorKind::NotFound | ErrorKind::Unsupported)
}

fn gone_record(id: &RemoteId) -> Record {
    Record { id: id.clone(), presence: Presence::Gone, ..Record::default() }
}
