//! Undo: what a run wrote, the other way round, wherever the records still hold it.

mod told;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

pub use told::{ByHand, Moved, Next, Target, Undo};

use super::pass::Pass;
use super::propose::Proposal;
use super::spell::basis;
use super::work::{Fresh, Work};
use super::{Engine, Flow};
use crate::mapping::Entity;
use crate::model::{EntityName, FieldName, Fields, LinkId, Owner, SystemName};
use crate::plan::{Change, FlowPlan, Op, Plan};
use crate::reconcile::{Reason, agrees};
use crate::store::{Counts, Entry, FieldEntry, Known, Place, Run};
use crate::{Error, ErrorKind, Result};

/// Links read together.
const BATCH: usize = 100;

/// All that one run wrote to one record, oldest first.
type Written = Vec<Entry>;

impl Engine {
    /// The reverse of what `run` wrote; reads the systems, writes nothing.
    ///
    /// # Errors
    /// `Config` when config.toml no longer has the run's flow or a mapping its entity; the systems' own.
    pub async fn undo(&self, run: &Run) -> Result<Undo> {
        let flow = self.flows.iter().find(|flow| flow.name == run.flow).ok_or_else(|| {
            Error::new(ErrorKind::Config, format!("the run is of a flow {} that config.toml does not have", run.flow))
        })?;
        let dry = Self { store: self.store.forgetful(), ..self.clone() };
        let mut undoing = Undoing::new(&dry, flow, run);
        let mut records = undoing.records()?;
        // What was written last is taken back first: an order before its customer.
        records.reverse();
        for batch in records.chunks(BATCH) {
            let entities: BTreeSet<EntityName> = batch.iter().map(|(entity, _)| entity.clone()).collect();
            for name in entities {
                let entity = undoing.pass.entity(&name)?;
                let written: Vec<&Written> =
                    batch.iter().filter(|(entity, _)| *entity == name).map(|(_, written)| written).collect();
                undoing.take_back(entity, &written).await?;
            }
        }
        undoing.finished()
    }
}

struct Undoing<'a> {
    pass: Pass<'a>,
    undo: Undo,
    changes: Vec<Change>,
}

impl<'a> Undoing<'a> {
    fn new(engine: &'a Engine, flow: &'a Flow, run: &Run) -> Self {
        let plan = Plan { made: engine.clock.now(), flows: Vec::new() };
        let run = run.id.clone();
        let undo = Undo { run, plan, moved: Vec::new(), by_hand: Vec::new(), next: Vec::new(), open: 0 };
        Self { pass: Pass::dry(engine, flow), undo, changes: Vec::new() }
    }

    /// What the run wrote, record by record, in the order of the first write to each.
    fn records(&mut self) -> Result<Vec<(EntityName, Written)>> {
        let store = &self.pass.engine.store;
        let mut records: Vec<(EntityName, Written)> = Vec::new();
        let mut places: BTreeMap<(LinkId, SystemName), usize> = BTreeMap::new();
        let mut after: Option<Place> = None;
        loop {
            let page = store.lines(Some(&self.undo.run), after.as_ref(), BATCH)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (_, entry) in page {
                let at = (entry.link.clone(), entry.system.clone());
                let at = *places.entry(at).or_insert(records.len());
                match records.get_mut(at) {
                    Some((_, written)) => written.push(entry),
                    None => records.push((entry.entity.clone(), vec![entry])),
                }
            }
        }
        let mut after: Option<(Place, Entry)> = None;
        loop {
            let page = store.intents(after.as_ref(), BATCH)?;
            let Some(last) = page.last() else { return Ok(records) };
            after = Some(last.clone());
            self.undo.open += page.iter().filter(|(place, _)| place.run == self.undo.run).count() as u64;
        }
    }

    async fn take_back(&mut self, entity: &Entity, written: &[&Written]) -> Result<()> {
        let mut works: Vec<Work> = Vec::new();
        let mut at: BTreeMap<LinkId, usize> = BTreeMap::new();
        for entry in written.iter().filter_map(|written| written.first()) {
            if let Some(link) = self.pass.engine.store.link(&entry.link)?
                && !at.contains_key(&entry.link)
            {
                at.insert(entry.link.clone(), works.len());
                works.push(Work { source: entry.system.clone(), link, ..Work::default() });
            }
        }
        self.pass.gather(entity, &mut works).await?;
        let all: Vec<usize> = (0..works.len()).collect();
        self.pass.resolve(entity, &mut works, &all).await?;
        let mut proposals = Vec::new();
        for written in written {
            let Some(first) = written.first() else { continue };
            match at.get(&first.link) {
                Some(at) => proposals.extend(self.reverse(entity, &works[*at], *at, written)?),
                None => self.leave(&target_of(first, ""), written, "the hub no longer knows it; look there"),
            }
        }
        self.spell(entity, &mut works, proposals).await
    }

    /// What takes back all that was written to one record, as far as something does.
    fn reverse(&mut self, entity: &Entity, work: &Work, at: usize, written: &Written) -> Result<Option<Proposal>> {
        let Some(first) = written.first() else { return Ok(None) };
        let target = target_of(first, &work.link.label);
        if let Some(unclear) = written.iter().find(|entry| entry.known == Known::Unclear && entry.op != "finish") {
            self.leave(&target, &vec![unclear.clone()], "whether it was made is not known; compare the record by hand");
            return Ok(None);
        }
        if written.iter().any(|entry| entry.op == "archive") {
            self.leave(
                &target,
                written,
                &format!("a record that was put away is brought back by a person, in {}", target.system),
            );
            return Ok(None);
        }
        let Some(side) = work.sides.get(&target.system) else {
            let why = work.trouble.as_ref().map_or("it is not there any more", |trouble| trouble.reason.as_str());
            self.leave(&target, written, why);
            return Ok(None);
        };
        if written.iter().any(|entry| entry.op == "create") {
            return self.reverse_create(entity, at, target, side, written);
        }
        let moves: Vec<Entry> = written.iter().filter(|entry| !entry.moves.is_empty()).cloned().collect();
        if !moves.is_empty() {
            self.leave(&target, &moves, &state_moved(&moves, &target.system));
        }
        self.reverse_update(entity, work, at, target, side, written)
    }

    fn reverse_create(
        &mut self,
        entity: &Entity,
        at: usize,
        target: Target,
        side: &Fresh,
        written: &Written,
    ) -> Result<Option<Proposal>> {
        let engine = self.pass.engine;
        let column = self.pass.column(entity, &target.system)?;
        let moved_on = engine.store.lines_of(&target.link)?.into_iter().map(|(_, entry)| entry);
        let moves: Vec<Entry> =
            moved_on.filter(|entry| entry.system == target.system && !entry.moves.is_empty()).collect();
        let is_finished = !column.then().is_empty() && engine.store.job_at(&target.link, &target.system)?.is_none();
        if !moves.is_empty() || is_finished {
            self.leave(&target, written, &state_moved(&moves, &target.system));
            return Ok(None);
        }
        if !engine.systems.get(&target.system)?.resource(column.resource())?.capabilities.archive {
            let why = format!("{} cannot put such records away; delete it there by hand", target.system);
            self.leave(&target, written, &why);
            return Ok(None);
        }
        let before = self.undo.moved.len();
        for (_, field) in collapsed(written) {
            if let Some(now) = side.canonical.get(field.field.as_str()).filter(|now| !agrees(now, &field.new)) {
                self.moved(&target, &field, now);
            }
        }
        if self.undo.moved.len() > before {
            let why = "it was changed since it was made; put it away by hand if it may go";
            self.leave(&target, written, why);
            return Ok(None);
        }
        let id = side.record.id.clone();
        let (merged, extra) = (side.canonical.clone(), Fields::new());
        let (fields, reasons) = (BTreeSet::new(), BTreeMap::new());
        Ok(Some(Proposal { work: at, target: target.system, op: Op::Archive { id }, fields, extra, merged, reasons }))
    }

    fn reverse_update(
        &mut self,
        entity: &Entity,
        work: &Work,
        at: usize,
        target: Target,
        side: &Fresh,
        written: &Written,
    ) -> Result<Option<Proposal>> {
        let mut merged = side.canonical.clone();
        let mut fields = BTreeSet::new();
        let mut reasons = BTreeMap::new();
        let column = self.pass.column(entity, &target.system)?;
        for (name, field) in collapsed(written) {
            if agrees(&field.old, &field.new) {
                continue;
            }
            let Some(now) = side.canonical.get(name.as_str()) else {
                let why = format!("{name} can be written there and not read; it was {} before", field.old);
                self.leave(&target, written, &why);
                continue;
            };
            if agrees(now, &field.old) {
                continue;
            }
            if !agrees(now, &field.new) || !column.writes(&name) {
                self.moved(&target, &field, now);
                continue;
            }
            merged.insert(name.to_string(), field.old.clone());
            self.foretell(entity, work, &target, &field);
            let rule = format!("undo of {}", self.undo.run);
            reasons.insert(name.clone(), Reason { rule, source: target.system.clone() });
            fields.insert(name);
        }
        if fields.is_empty() {
            return Ok(None);
        }
        let op = Op::Update { id: side.record.id.clone() };
        Ok(Some(Proposal { work: at, target: target.system, op, fields, extra: Fields::new(), merged, reasons }))
    }

    /// What the next run makes of a restored value, as the other sides are now.
    fn foretell(&mut self, entity: &Entity, work: &Work, target: &Target, field: &FieldEntry) {
        let others = work.sides.iter().filter(|(name, _)| **name != target.system);
        let others = others.filter_map(|(name, side)| Some((name, side.canonical.get(field.field.as_str())?)));
        let others: Vec<(&SystemName, &Value)> = others.filter(|(_, says)| !agrees(says, &field.old)).collect();
        let owner = others.iter().find(|(name, _)| *entity.owner(&field.field) == Owner::System((*name).clone()));
        let is_owner = owner.is_some();
        for (other, says) in owner.map_or(others.clone(), |owner| vec![*owner]) {
            self.undo.next.push(Next {
                target: target.clone(),
                field: field.field.clone(),
                restored: field.old.clone(),
                other: other.clone(),
                says: says.clone(),
                is_owner,
            });
        }
    }

    async fn spell(&mut self, entity: &Entity, works: &mut [Work], proposals: Vec<Proposal>) -> Result<()> {
        let (archives, updates): (Vec<_>, Vec<_>) =
            proposals.into_iter().partition(|proposal| matches!(proposal.op, Op::Archive { .. }));
        let asked: Vec<(usize, SystemName)> =
            updates.iter().map(|proposal| (proposal.work, proposal.target.clone())).collect();
        let mut changes = self.pass.spell(entity, works, updates).await?;
        for (at, system) in asked {
            let work = &works[at];
            if let Some(trouble) = work.trouble.as_ref().filter(|_| !changes.iter().any(|(done, _)| *done == at)) {
                let id = work.link.sides.get(&system).map(|side| side.id.clone()).unwrap_or_default();
                let target = Target { link: work.link.id.clone(), label: work.link.label.clone(), system, id };
                let reason = format!("the old values cannot be written: {}", trouble.reason);
                self.undo.by_hand.push(ByHand { target, op: "update".to_owned(), reason });
            }
        }
        for proposal in archives {
            let work = &works[proposal.work];
            changes.push((
                proposal.work,
                Change {
                    link: work.link.id.clone(),
                    entity: entity.name().clone(),
                    label: work.link.label.clone(),
                    resource: self.pass.column(entity, &proposal.target)?.resource().clone(),
                    system: proposal.target,
                    op: proposal.op,
                    fields: Vec::new(),
                    native: Fields::new(),
                    then: Vec::new(),
                    basis: basis(entity, work),
                    agreed: proposal.merged,
                },
            ));
        }
        for (at, mut change) in changes {
            // What all sides agreed on stays as it was, so that the next run sees the undo as a change made there.
            change.agreed = works[at].link.agreed.clone().unwrap_or_default();
            self.changes.push(change);
        }
        Ok(())
    }

    fn finished(self) -> Result<Undo> {
        let mut undo = self.undo;
        let mut pass = self.pass;
        pass.changes = self.changes;
        // What reading the records held, parked or brought along is no part of an undo.
        let planned =
            FlowPlan { held: Vec::new(), parked: Vec::new(), counts: Counts::default(), ..pass.into_plan(None) };
        undo.plan.flows = vec![FlowPlan { undoes: Some(undo.run.clone()), ..planned }];
        Ok(undo)
    }

    fn moved(&mut self, target: &Target, field: &FieldEntry, now: &Value) {
        self.undo.moved.push(Moved {
            target: target.clone(),
            field: field.field.clone(),
            wrote: field.new.clone(),
            now: now.clone(),
        });
    }

    fn leave(&mut self, target: &Target, written: &Written, reason: &str) {
        let ops: BTreeSet<&str> = written.iter().map(|entry| entry.op.as_str()).collect();
        let op = ops.into_iter().collect::<Vec<_>>().join(", ");
        self.undo.by_hand.push(ByHand { target: target.clone(), op, reason: reason.to_owned() });
    }
}

fn target_of(entry: &Entry, label: &str) -> Target {
    Target { link: entry.link.clone(), label: label.to_owned(), system: entry.system.clone(), id: entry.id.clone() }
}

/// Each field that was written: as it was before the first and after the last write. Computed ones follow the others.
fn collapsed(written: &Written) -> BTreeMap<FieldName, FieldEntry> {
    let mut fields: BTreeMap<FieldName, FieldEntry> = BTreeMap::new();
    for field in written.iter().flat_map(|entry| &entry.fields).filter(|field| field.rule != "computed") {
        match fields.get_mut(&field.field) {
            Some(known) => known.new = field.new.clone(),
            None => drop(fields.insert(field.field.clone(), field.clone())),
        }
    }
    fields
}

fn state_moved(moves: &[Entry], system: &SystemName) -> String {
    let names: BTreeSet<&str> = moves.iter().flat_map(|entry| &entry.moves).map(|action| action.0.as_str()).collect();
    let said = names.into_iter().collect::<Vec<_>>().join(", ");
    let said =
        if said.is_empty() { "its state was moved on".to_owned() } else { format!("its state was moved on ({said})") };
    format!("{said}, which no connector takes back; cancel or reopen it in {system} by hand")
}
