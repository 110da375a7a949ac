//! From works to proposals: what each side should have, and which sides are missing.

use std::collections::{BTreeMap, BTreeSet};

use super::gate::is_no_draft;
use super::notes::hear_computed;
use super::pass::Pass;
use super::sift::first;
use super::step::Why as Because;
use super::work::{Trouble, Work, named};
use crate::Result;
use crate::clock::Timestamp;
use crate::mapping::{Entity, Problem};
use crate::model::{Canonical, FieldName, Fields, Owner, Presence, SystemName};
use crate::mutant::{Mutant, lives};
use crate::plan::Op;
use crate::reconcile::{Decision, Reason, Rule, Side, decide};
use crate::store::{LinkSide, Why};

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
                    // Decided before the twin was known.
                    proposals.retain(|proposal: &Proposal| proposal.work != at || proposal.op == Op::Create);
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
        self.recall(&mut works[at])?;
        self.unpretend(&works[at].link.id);
        let mut decision = decide_work(entity, &works[at], systems, self.now());
        works[at].notes.is_decided = true;
        self.hold_back(&mut works[at], &mut decision);
        let problems = entity.validate(&decision.merged);
        if !problems.is_empty() {
            works[at].trouble = Some(misfit(first(problems)));
            return Ok(());
        }
        works[at].conflicts = decision.conflicts.clone();
        if let Some(conflict) = decision.conflicts.first() {
            tracing::debug!(link = %works[at].link.id, field = %conflict.field, "sides differ and a person must choose");
        }
        let before = proposals.len();
        self.propose_updates(entity, &mut works[at], at, &decision, proposals)?;
        if works[at].is_sound() && proposals.len() == before {
            self.agree(entity, &mut works[at], &decision);
        }
        let known = works[at].link.sides.clone();
        for target in systems.iter().filter(|name| !known.contains_key(*name)) {
            if self.wants_create(entity, &mut works[at], target, &decision.merged, because)? {
                creating.entry(target.clone()).or_default().push(at);
            }
        }
        Ok(())
    }

    /// Nothing is left to write: what the sides have now is what was agreed. One that is away agrees to nothing.
    fn agree(&self, entity: &Entity, work: &mut Work, decision: &Decision) {
        if work.sides.len() > 1 {
            work.agree_on(entity, decision.merged.clone());
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
        for name in work.sides.keys().cloned().collect::<Vec<_>>() {
            let Some(side) = work.sides.get(&name) else { continue };
            let name = &name;
            let column = self.column(entity, name)?;
            let fields = decision.writes.get(name).cloned().unwrap_or_default();
            let (spelled, _) = self.to_ids(entity, name, &decision.merged, &fields)?;
            let native = &side.record.fields;
            let trail = &mut work.notes.trail;
            let seen = column.derived(&spelled, Some(native)).map(|mut seen| {
                let there = |path: &str| native.get(path).cloned().unwrap_or_default();
                seen.retain(|path, value| !hear_computed(trail, name, path, value, &there(path)));
                seen
            });
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
            let id = side.record.id.clone();
            let extra: Fields =
                extra.into_iter().filter(|(path, value)| !self.holds_back_computed(work, name, path, value)).collect();
            if !fields.is_empty() || !extra.is_empty() {
                wanted.push(Proposal {
                    work: at,
                    target: name.clone(),
                    op: Op::Update { id },
                    fields,
                    extra,
                    merged: decision.merged.clone(),
                    reasons: decision.reasons.clone(),
                });
            }
        }
        if let Some((name, side)) = lost_draft(work) {
            let reason =
                format!("{name}/{} was deleted before it was finished; restore it there, or drop this", side.id);
            work.trouble = Some(Trouble::new(Why::Deleted, reason));
            return Ok(());
        }
        self.note_finished(entity, work)?;
        // A document that is still a draft is put right and finished before its values are told to anybody.
        let unfinished: Vec<SystemName> =
            work.unfinished.iter().filter(|name| work.sides.contains_key(*name)).cloned().collect();
        if unfinished.is_empty() {
            proposals.extend(wanted);
            return Ok(());
        }
        let is_first = |proposal: &Proposal| work.unfinished.contains(&proposal.target);
        let (mut first, others): (Vec<Proposal>, Vec<Proposal>) = wanted.into_iter().partition(is_first);
        for target in unfinished {
            if !first.iter().any(|proposal| proposal.target == target) {
                match self.finish(entity, work, at, &target, &decision.merged)? {
                    Some(finish) => first.push(finish),
                    None if work.is_sound() => {
                        work.unfinished.remove(&target);
                        work.finished.insert(target);
                    }
                    None => {}
                }
            }
        }
        // Where nothing was left to finish, its values are told at once.
        proposals.extend(if first.is_empty() && work.is_sound() { others } else { first });
        Ok(())
    }

    /// What was to be finished and is no draft any more is finished, although nobody heard the answer: whatever else has
    /// changed since, its values are told.
    fn note_finished(&self, entity: &Entity, work: &mut Work) -> Result<()> {
        for name in work.unfinished.clone() {
            let Some(side) = work.sides.get(&name) else { continue };
            let was_sent = self.engine.store.job_at(&work.link.id, &name)?.is_some_and(|job| job.moved);
            if was_sent && is_no_draft(self.column(entity, &name)?, side) {
                work.unfinished.remove(&name);
                work.finished.insert(name);
            }
        }
        Ok(())
    }

    fn create(&self, entity: &Entity, work: &Work, at: usize, target: &SystemName) -> Result<Proposal> {
        let column = self.column(entity, target)?;
        let systems = self.kept_in(entity);
        let merged = decide_work(entity, work, &systems, self.now()).merged;
        let fields = named(merged.keys().cloned()).into_iter().filter(|field| column.writes(field)).collect();
        let rule = Reason { rule: "new".to_owned(), source: work.source.clone() };
        let reasons = merged.keys().map(|field| (FieldName::new(field.as_str()), rule.clone())).collect();
        let extra = column.set().clone();
        Ok(Proposal { work: at, target: target.clone(), op: Op::Create, fields, extra, merged, reasons })
    }
}

/// The decision over a work's sides, in the order of the flow.
pub(super) fn decide_work(entity: &Entity, work: &Work, systems: &[SystemName], now: Timestamp) -> Decision {
    let writable: BTreeMap<&SystemName, BTreeSet<FieldName>> = work
        .sides
        .keys()
        .filter_map(|name| entity.column(name).map(|column| (name, column)))
        .map(|(name, column)| (name, entity.field_names().filter(|field| column.writes(field)).cloned().collect()))
        .collect();
    let mut ordered: Vec<&SystemName> = systems.iter().filter(|name| work.sides.contains_key(*name)).collect();
    ordered.extend(work.sides.keys().filter(|name| !systems.contains(name)));
    let none = BTreeSet::new();
    let known = ordered.into_iter().filter_map(|name| work.sides.get_key_value(name));
    let heard: Vec<_> = known
        .map(|(name, side)| {
            let now = work.heard(entity, name, &side.canonical);
            (name, work.modified_by_others(name), work.echoes(name, &side.canonical), now)
        })
        .collect();
    let sides: Vec<Side<'_>> = heard
        .iter()
        .map(|(name, (modified, touched), echoes, now)| Side {
            system: name,
            now,
            modified: *modified,
            touched: *touched,
            echoes,
            writable: writable.get(*name).unwrap_or(&none),
        })
        .collect();
    let taken = |field: &FieldName| {
        let conflict = work.notes.conflicts.iter().find(|conflict| conflict.field == *field)?;
        conflict.taken.as_ref().map(|taken| (&taken.system, &taken.value))
    };
    let owner = |field| if lives(Mutant::IgnoredOwner) { &Owner::Latest } else { entity.owner(field) };
    let rule = |field| Rule { field, owner: owner(field), taken: taken(field) };
    let rules: Vec<Rule<'_>> = entity.field_names().map(rule).collect();
    decide(work.base().as_deref(), &sides, &rules, now)
}

/// The first unfinished document that is not there any more.
fn lost_draft(work: &Work) -> Option<(&SystemName, &LinkSide)> {
    let sides = work.unfinished.iter().filter_map(|name| work.link.sides.get_key_value(name));
    sides.into_iter().find(|(_, side)| side.presence != Presence::Present)
}

/// A value that does not fit, as trouble.
pub(super) fn misfit(problem: Problem) -> Trouble {
    Trouble::new(Why::Mapping, format!("{}: {}", problem.field, problem.message)).field(problem.field)
}
