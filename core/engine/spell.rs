//! From proposals to changes: how each vendor spells them, once what they refer to is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::pass::Pass;
use super::propose::{Proposal, misfit};
use super::refs::Missing;
use super::sift::first;
use super::work::{Trouble, Work, planned_id};
use crate::Result;
use crate::mapping::Entity;
use crate::model::{EntityName, FieldName, LinkId, Presence, SystemName};
use crate::plan::{Basis, Change, Op};
use crate::store::{At, COMPUTED, FieldEntry, LinkSide, Why};

impl Pass<'_> {
    /// Proposals in the vendors' words; what they refer to is created first.
    pub(super) async fn spell(
        &mut self,
        entity: &Entity,
        works: &mut [Work],
        proposals: Vec<Proposal>,
    ) -> Result<Vec<(usize, Change)>> {
        let mut needed: BTreeMap<SystemName, BTreeSet<Missing>> = BTreeMap::new();
        for proposal in &proposals {
            let (_, missing) = self.to_ids(entity, &proposal.target, &proposal.merged, &proposal.fields)?;
            if !missing.is_empty() {
                needed.entry(proposal.target.clone()).or_default().extend(missing);
            }
        }
        if !needed.is_empty() {
            for (target, links) in needed {
                self.bring_over(links, &target).await?;
            }
            self.catch_up(entity, works).await?;
        }
        let mut changes = Vec::new();
        for proposal in proposals {
            let at = proposal.work;
            let is_there = proposal.op == Op::Create && works[at].link.sides.contains_key(&proposal.target);
            if !works[at].is_sound() || is_there {
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
        let (spelled, missing) = self.to_ids(entity, &proposal.target, &proposal.merged, &proposal.fields)?;
        if let Some(needed) = missing.iter().find(|one| one.required) {
            return Ok(Err(self.missing_there(&needed.entity, &needed.link, &proposal.target)?));
        }
        if !missing.is_empty() {
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
            rule: proposal.reasons.get(field).map_or_else(|| COMPUTED.to_owned(), |reason| reason.rule.clone()),
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
            match &change.op {
                Op::Create => {
                    let side = LinkSide {
                        resource: change.resource.clone(),
                        id: planned_id(&work.link.id),
                        ..LinkSide::default()
                    };
                    work.link.sides.insert(change.system.clone(), side);
                    // Others may name it by what it will say; what is updated still says what it said before.
                    work.link.agreed = Some(change.agreed.clone());
                    self.counts.created += 1;
                }
                Op::Update { .. } | Op::Finish { .. } => self.counts.updated += 1,
                Op::Archive { .. } => {
                    if let Some(side) = work.link.sides.get_mut(&change.system) {
                        side.presence = Presence::Archived;
                    }
                    self.counts.archived += 1;
                }
            }
            self.pretended.insert(change.link.clone());
            self.changes.push(change);
        }
    }

    /// A link that a dry pass decides again: what it would have changed there does not stand.
    pub(super) fn unpretend(&mut self, link: &LinkId) {
        if !self.pretended.contains(link) {
            return;
        }
        let before = self.changes.len();
        self.changes.retain(|change| change.link != *link || !matches!(change.op, Op::Update { .. }));
        self.counts.updated -= (before - self.changes.len()) as u64;
    }
}

/// The sides of a work as they were read.
pub(super) fn basis(entity: &Entity, work: &Work) -> Vec<Basis> {
    let one = |(system, side): (&SystemName, &super::work::Fresh)| {
        let column = entity.column(system)?;
        Some(Basis {
            at: At { entity: entity.name().clone(), system: system.clone(), id: side.record.id.clone() },
            resource: column.resource().clone(),
            hash: format!("{:016x}", side.hash),
            modified: side.modified(),
        })
    };
    work.sides.iter().filter_map(one).collect()
}

/// What an update writes of one-way columns, by its native path, so that a plan shows it too.
fn computed(work: &Work, proposal: &Proposal) -> Vec<FieldEntry> {
    let Some(side) = work.sides.get(&proposal.target).filter(|_| proposal.op != Op::Create) else { return Vec::new() };
    let entry = |(path, value): (&String, &Value)| FieldEntry {
        field: FieldName::new(path.as_str()),
        old: side.record.fields.get(path).cloned().unwrap_or(Value::Null),
        new: value.clone(),
        rule: COMPUTED.to_owned(),
        source: work.source.clone(),
    };
    proposal.extra.iter().map(entry).collect()
}
