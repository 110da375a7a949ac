//! From works to changes: what each side should have, who says so, and how the vendor spells it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::pass::Pass;
use super::refs::Missing;
use super::sift::first;
use super::step::Why as Because;
use super::work::{Trouble, Work, named, planned_id};
use crate::Result;
use crate::mapping::{Entity, Gate};
use crate::model::{Canonical, EntityName, FieldName, Fields, LinkId, Presence, SystemName};
use crate::plan::{Basis, Change, Op};
use crate::reconcile::{Decision, Reason, Rule, Side, decide};
use crate::store::{At, FieldEntry, Held, LinkSide, Verdict, Why};

/// What a work asks for in one system, before it is spelled.
#[derive(Clone, Debug)]
pub(super) struct Proposal {
    /// Which work.
    pub work: usize,
    /// Where.
    pub target: SystemName,
    /// What.
    pub op: Op,
    /// The fields to write; every field of a create.
    pub fields: BTreeSet<FieldName>,
    /// Native constants and one-way columns that go along.
    pub extra: Fields,
    /// The values all sides should have.
    pub merged: Canonical,
    /// Why each field has its value.
    pub reasons: BTreeMap<FieldName, Reason>,
}

impl Pass<'_> {
    /// Decides each busy work; what a person must see is put on the work as trouble or as held.
    pub(super) async fn propose(
        &mut self,
        entity: &Entity,
        works: &mut [Work],
        busy: &[usize],
        systems: &[SystemName],
        because: &Because,
    ) -> Result<Vec<Proposal>> {
        let mut proposals = Vec::new();
        let mut creating: BTreeMap<SystemName, Vec<usize>> = BTreeMap::new();
        for at in busy.iter().copied().filter(|at| works[*at].is_sound()).collect::<Vec<_>>() {
            self.propose_one(entity, works, at, because, systems, &mut proposals, &mut creating)?;
        }
        for (target, wanted) in creating {
            self.ready(entity, &target).await?;
            self.look_before_creating(entity, &target, works, &wanted).await?;
            let found: Vec<usize> =
                wanted.iter().copied().filter(|at| works[*at].link.sides.contains_key(&target)).collect();
            self.resolve(entity, works, &found).await?;
            for at in wanted {
                if !works[at].is_sound() {
                    continue;
                }
                if found.contains(&at) {
                    let mut none = BTreeMap::new();
                    self.propose_one(entity, works, at, because, systems, &mut proposals, &mut none)?;
                } else {
                    proposals.push(self.create(entity, &works[at], at, &target)?);
                }
            }
        }
        Ok(proposals)
    }

    #[allow(clippy::too_many_arguments, reason = "the batch's state, handed down once")]
    fn propose_one(
        &mut self,
        entity: &Entity,
        works: &mut [Work],
        at: usize,
        because: &Because,
        systems: &[SystemName],
        proposals: &mut Vec<Proposal>,
        creating: &mut BTreeMap<SystemName, Vec<usize>>,
    ) -> Result<()> {
        let decision = decide_work(entity, &works[at], systems);
        let problems = entity.validate(&decision.merged);
        if !problems.is_empty() {
            let problem = first(problems);
            let trouble = Trouble::new(Why::Mapping, format!("{}: {}", problem.field, problem.message));
            works[at].trouble = Some(trouble.field(problem.field));
            return Ok(());
        }
        if let Some(conflict) = decision.conflicts.first() {
            works[at].conflicts = decision.conflicts.clone();
            tracing::debug!(link = %works[at].link.id, field = %conflict.field, "sides differ and a person must choose");
        }
        let before = proposals.len();
        self.propose_updates(entity, &mut works[at], at, &decision, proposals)?;
        if works[at].is_sound() && proposals.len() == before {
            self.agree(&mut works[at], &decision);
        }
        let known = works[at].link.sides.clone();
        for target in systems.iter().filter(|name| !known.contains_key(*name)) {
            if self.wants_create(entity, &mut works[at], target, &decision.merged, because)? {
                creating.entry(target.clone()).or_default().push(at);
            }
        }
        Ok(())
    }

    /// Nothing is left to write: what the sides have now is what was agreed.
    fn agree(&self, work: &mut Work, decision: &Decision) {
        if work.link.sides.len() > 1 {
            work.link.agreed = Some(decision.merged.clone());
        }
    }

    fn propose_updates(
        &mut self,
        entity: &Entity,
        work: &mut Work,
        at: usize,
        decision: &Decision,
        proposals: &mut Vec<Proposal>,
    ) -> Result<()> {
        let mut wanted = Vec::new();
        for (name, side) in &work.sides {
            let column = self.column(entity, name)?;
            let fields = decision.writes.get(name).cloned().unwrap_or_default();
            let (spelled, _) = self.to_ids(entity, name, &decision.merged)?;
            let native = &side.record.fields;
            let seen = column.derived(&spelled, Some(native));
            let extra = seen.and_then(|extra| {
                let goes = !fields.is_empty() || !extra.is_empty();
                let unseen = if goes { column.unseen(&spelled, native)? } else { Fields::new() };
                Ok(extra.into_iter().chain(unseen).collect::<Fields>())
            });
            let extra = match extra {
                Ok(extra) => extra,
                Err(problems) => {
                    work.trouble = Some(misfit(first(problems)));
                    return Ok(());
                }
            };
            if !fields.is_empty() || !extra.is_empty() {
                wanted.push(Proposal {
                    work: at,
                    target: name.clone(),
                    op: Op::Update { id: side.record.id.clone() },
                    fields,
                    extra,
                    merged: decision.merged.clone(),
                    reasons: decision.reasons.clone(),
                });
            }
        }
        // A document that is still a draft is put right and finished before its values are told to anybody.
        let unfinished: Vec<SystemName> =
            work.unfinished.iter().filter(|name| work.sides.contains_key(*name)).cloned().collect();
        if unfinished.is_empty() {
            proposals.extend(wanted);
            return Ok(());
        }
        wanted.retain(|proposal| work.unfinished.contains(&proposal.target));
        for target in unfinished {
            if !wanted.iter().any(|proposal| proposal.target == target) {
                match self.finish(entity, work, at, &target, &decision.merged)? {
                    Some(finish) => wanted.push(finish),
                    None if work.is_sound() => {
                        work.unfinished.remove(&target);
                        work.finished.insert(target);
                    }
                    None => {}
                }
            }
        }
        proposals.extend(wanted);
        Ok(())
    }

    /// Whether a missing side is to be created, after its rules had their say.
    fn wants_create(
        &mut self,
        entity: &Entity,
        work: &mut Work,
        target: &SystemName,
        merged: &Canonical,
        because: &Because,
    ) -> Result<bool> {
        if !self.takes_new(entity, target)? {
            return Ok(false);
        }
        let gate = match self.column(entity, target)?.may_create(merged) {
            Ok(gate) => gate,
            Err(problem) => {
                work.trouble = Some(misfit(problem));
                return Ok(false);
            }
        };
        let forced = *because == Because::Needed(target.clone());
        match gate {
            Gate::Create => Ok(true),
            Gate::Skip(_) => Ok(forced),
            Gate::Hold(rule) => self.hold(work, target, merged, rule),
        }
    }

    fn hold(&mut self, work: &mut Work, target: &SystemName, merged: &Canonical, rule: String) -> Result<bool> {
        if work.held.iter().any(|held| held.target == *target) {
            return Ok(false);
        }
        let known = self.engine.store.held_at(&work.link.id, target)?;
        match known.as_ref().map(|held| held.verdict) {
            Some(Verdict::Approved) => return Ok(true),
            Some(Verdict::Rejected) => return Ok(false),
            Some(Verdict::Waiting) | None => {}
        }
        let held = Held {
            link: work.link.id.clone(),
            target: target.clone(),
            source: work.source_at(),
            label: work.link.label.clone(),
            rule,
            values: merged.clone(),
            since: known.as_ref().map_or_else(|| self.now(), |held| held.since),
            verdict: Verdict::Waiting,
        };
        if known.is_none() {
            self.counts.held += 1;
        }
        self.held.push(held.clone());
        work.held.push(held);
        Ok(false)
    }

    fn create(&self, entity: &Entity, work: &Work, at: usize, target: &SystemName) -> Result<Proposal> {
        let column = self.column(entity, target)?;
        let systems = self.kept_in(entity);
        let merged = decide_work(entity, work, &systems).merged;
        let fields = named(merged.keys().cloned()).into_iter().filter(|field| column.writes(field)).collect();
        let rule = Reason { rule: "new".to_owned(), source: work.source.clone() };
        let reasons = merged.keys().map(|field| (FieldName::new(field.as_str()), rule.clone())).collect();
        let extra = column.set().clone();
        Ok(Proposal { work: at, target: target.clone(), op: Op::Create, fields, extra, merged, reasons })
    }

    /// Proposals in the vendors' words; what they refer to is created first.
    pub(super) async fn spell(
        &mut self,
        entity: &Entity,
        works: &mut [Work],
        proposals: Vec<Proposal>,
    ) -> Result<Vec<(usize, Change)>> {
        let mut needed: BTreeMap<SystemName, BTreeSet<Missing>> = BTreeMap::new();
        for proposal in &proposals {
            let (_, missing) = self.to_ids(entity, &proposal.target, &proposal.merged)?;
            if !missing.is_empty() && (proposal.op == Op::Create || !proposal.fields.is_empty()) {
                needed.entry(proposal.target.clone()).or_default().extend(missing);
            }
        }
        for (target, links) in needed {
            self.bring_over(links, &target).await?;
        }
        let mut changes = Vec::new();
        for proposal in proposals {
            let at = proposal.work;
            if !works[at].is_sound() {
                continue;
            }
            match self.spell_one(entity, &mut works[at], proposal)? {
                Ok(change) => changes.extend(change.map(|change| (at, change))),
                Err(trouble) => works[at].trouble = Some(trouble),
            }
        }
        changes.retain(|(at, _)| works[*at].is_sound());
        Ok(changes)
    }

    /// The change, or `None` where the record waits for another one that it refers to.
    fn spell_one(
        &self,
        entity: &Entity,
        work: &mut Work,
        proposal: Proposal,
    ) -> Result<Result<Option<Change>, Trouble>> {
        let column = self.column(entity, &proposal.target)?;
        let (spelled, missing) = self.to_ids(entity, &proposal.target, &proposal.merged)?;
        if !proposal.fields.is_empty() && !missing.is_empty() {
            if let Some(needed) = missing.iter().find(|one| one.required) {
                return Ok(Err(self.missing_there(&needed.entity, &needed.link, &proposal.target)?));
            }
            work.waits.extend(missing.into_iter().map(|one| (one.link, proposal.target.clone())));
            return Ok(Ok(None));
        }
        let native = match column.write(&spelled, Some(&proposal.fields)) {
            Ok(native) => native,
            Err(problems) => return Ok(Err(misfit(first(problems)))),
        };
        let mut native = native;
        if proposal.op == Op::Create {
            match column.derived(&spelled, None) {
                Ok(derived) => native.extend(derived),
                Err(problems) => return Ok(Err(misfit(first(problems)))),
            }
        }
        let computed = computed(work, &proposal);
        for (path, value) in proposal.extra {
            native.entry(path).or_insert(value);
        }
        let now = work.sides.get(&proposal.target).map(|side| &side.canonical);
        let entry = |field: &FieldName| FieldEntry {
            field: field.clone(),
            old: now.and_then(|now| now.get(field.as_str())).cloned().unwrap_or(Value::Null),
            new: proposal.merged.get(field.as_str()).cloned().unwrap_or(Value::Null),
            rule: proposal.reasons.get(field).map_or_else(|| "computed".to_owned(), |reason| reason.rule.clone()),
            source: proposal.reasons.get(field).map_or_else(|| work.source.clone(), |reason| reason.source.clone()),
        };
        let fields = proposal.fields.iter().map(entry).filter(|entry| entry.old != entry.new).chain(computed).collect();
        let then = if matches!(proposal.op, Op::Update { .. }) { Vec::new() } else { column.then().to_vec() };
        Ok(Ok(Some(Change {
            link: work.link.id.clone(),
            entity: entity.name().clone(),
            label: work.link.label.clone(),
            system: proposal.target,
            resource: column.resource().clone(),
            op: proposal.op,
            fields,
            native,
            then,
            basis: basis(entity, work),
            agreed: proposal.merged,
        })))
    }

    fn missing_there(&self, kind: &EntityName, link: &LinkId, target: &SystemName) -> Result<Trouble> {
        let known = self.engine.store.link(link)?;
        let label = known.as_ref().map_or_else(|| link.to_string(), |known| format!("{link} \"{}\"", known.label));
        let mut why = "it could not be created there".to_owned();
        if let Some(known) = known {
            for (system, side) in &known.sides {
                let at = At { entity: kind.clone(), system: system.clone(), id: side.id.clone() };
                if let Some(parked) = self.engine.store.parked_at(&at)? {
                    why = parked.reason;
                }
            }
            if self.engine.store.held_at(link, target)?.is_some() {
                why = "it is held for approval".to_owned();
            }
        }
        Ok(Trouble::new(Why::Reference, format!("{kind} {label} is not in {target}: {why}")))
    }

    /// A dry pass takes its changes as done, under ids that no vendor has.
    pub(super) fn pretend(&mut self, works: &mut [Work], changes: Vec<(usize, Change)>) {
        for (at, change) in changes {
            let work = &mut works[at];
            if change.op == Op::Create {
                let side = LinkSide {
                    resource: change.resource.clone(),
                    id: planned_id(&work.link.id),
                    presence: Presence::Present,
                };
                work.link.sides.insert(change.system.clone(), side);
                self.counts.created += 1;
            } else {
                self.counts.updated += 1;
            }
            work.link.agreed = Some(change.agreed.clone());
            self.changes.push(change);
        }
    }
}

/// The decision over a work's sides, in the order of the flow.
pub(super) fn decide_work(entity: &Entity, work: &Work, systems: &[SystemName]) -> Decision {
    let writable: BTreeMap<&SystemName, BTreeSet<FieldName>> = work
        .sides
        .keys()
        .filter_map(|name| entity.column(name).map(|column| (name, column)))
        .map(|(name, column)| (name, entity.field_names().filter(|field| column.writes(field)).cloned().collect()))
        .collect();
    let mut ordered: Vec<&SystemName> = systems.iter().filter(|name| work.sides.contains_key(*name)).collect();
    ordered.extend(work.sides.keys().filter(|name| !systems.contains(name)));
    let none = BTreeSet::new();
    let sides: Vec<Side<'_>> = ordered
        .into_iter()
        .filter_map(|name| work.sides.get_key_value(name))
        .map(|(name, side)| Side {
            system: name,
            now: &side.canonical,
            modified: side.modified(),
            writable: writable.get(name).unwrap_or(&none),
        })
        .collect();
    let rules: Vec<Rule<'_>> = entity.field_names().map(|field| Rule { field, owner: entity.owner(field) }).collect();
    decide(work.link.agreed.as_ref(), &sides, &rules)
}

fn basis(entity: &Entity, work: &Work) -> Vec<Basis> {
    let one = |(system, side): (&SystemName, &super::work::Fresh)| {
        let column = entity.column(system)?;
        Some(Basis {
            at: At { entity: entity.name().clone(), system: system.clone(), id: side.record.id.clone() },
            resource: column.resource().clone(),
            hash: format!("{:016x}", side.hash),
        })
    };
    work.sides.iter().filter_map(one).collect()
}

fn misfit(problem: crate::mapping::Problem) -> Trouble {
    Trouble::new(Why::Mapping, format!("{}: {}", problem.field, problem.message)).field(problem.field)
}

/// What an update writes of one-way columns, by its native path, so that a plan shows it too.
fn computed(work: &Work, proposal: &Proposal) -> Vec<FieldEntry> {
    let Some(side) = work.sides.get(&proposal.target).filter(|_| proposal.op != Op::Create) else { return Vec::new() };
    let entry = |(path, value): (&String, &Value)| FieldEntry {
        field: FieldName::new(path.as_str()),
        old: side.record.fields.get(path).cloned().unwrap_or(Value::Null),
        new: value.clone(),
        rule: "computed".to_owned(),
        source: work.source.clone(),
    };
    proposal.extra.iter().map(entry).collect()
}
