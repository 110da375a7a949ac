//! Whether a missing side is created: the mapping's rules, and a person where they say so.

use super::pass::{Mode, Pass};
use super::propose::misfit;
use super::step::Why as Because;
use super::work::Work;
use crate::Result;
use crate::mapping::{Entity, Gate};
use crate::model::{Canonical, SystemName};
use crate::reconcile::agrees;
use crate::store::{Held, Verdict};

impl Pass<'_> {
    /// Whether a missing side is to be created, after its rules had their say.
    pub(super) fn wants_create(
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
            Gate::Skip(_) => {
                // Nobody needs to answer any more; if it is wanted again, it is asked again.
                work.released.insert(target.clone());
                Ok(forced)
            }
            Gate::Hold(rule) => self.hold(work, target, merged, rule),
        }
    }

    /// Whether a person let it be created, as it is now: an answer holds for the values that were shown, and no others.
    fn hold(&mut self, work: &mut Work, target: &SystemName, merged: &Canonical, rule: String) -> Result<bool> {
        if work.held.iter().any(|held| held.target == *target) {
            return Ok(false);
        }
        let known = self.engine.store.held_at(&work.link.id, target)?;
        let answered = known.as_ref().filter(|held| says_the_same(&held.values, merged));
        match answered.map(|held| held.verdict) {
            Some(Verdict::Approved) => return Ok(true),
            Some(Verdict::Rejected) => return Ok(false),
            Some(Verdict::Waiting) | None => {}
        }
        if known.as_ref().is_none_or(|held| held.verdict != Verdict::Waiting) {
            self.counts.held += 1;
        }
        let held = Held {
            link: work.link.id.clone(),
            target: target.clone(),
            source: work.source_at(),
            label: work.link.label.clone(),
            rule,
            values: merged.clone(),
            since: answered.map_or_else(|| self.now(), |held| held.since),
            verdict: Verdict::Waiting,
        };
        if self.mode == Mode::Dry {
            self.held.push(held.clone());
        }
        work.held.push(held);
        Ok(false)
    }
}

fn says_the_same(one: &Canonical, other: &Canonical) -> bool {
    let null = serde_json::Value::Null;
    let in_other = |(field, value): (&String, _)| agrees(value, other.get(field).unwrap_or(&null));
    one.iter().all(in_other) && other.iter().all(|(field, value)| one.contains_key(field) || agrees(value, &null))
}
