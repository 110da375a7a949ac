//! What became of works is remembered: links, what was seen, what is held, parked or waits.

use std::collections::BTreeMap;

use serde_json::Value;

use super::pass::{Mode, Pass};
use super::work::{Trouble, Work, is_planned};
use crate::Result;
use crate::mapping::Entity;
use crate::model::{FieldName, SystemName};
use crate::plan::Twins;
use crate::store::{Conflict, Facts, Link, Said, Seen};

impl Pass<'_> {
    /// Remembers who is there, and not what was seen: the pull that follows decides.
    pub(super) fn settle_introduced(&mut self, entity: &Entity, works: &mut [Work]) -> Result<()> {
        for side in works.iter_mut().flat_map(|work| work.sides.values_mut()) {
            side.hash = 0;
        }
        self.settle(entity, works)
    }

    /// Remembers what became of each work, all in one commit.
    pub(super) fn settle(&mut self, entity: &Entity, works: &[Work]) -> Result<()> {
        let mut facts = Facts::new();
        for work in works.iter().filter(|work| !work.stopped) {
            for name in &work.finished {
                facts.finish(&work.link.id, name);
                facts.release(&work.link.id, name);
            }
            match &work.trouble {
                Some(trouble) => {
                    let at = work.source_at();
                    let hash = work.sides.get(&work.source).map_or(0, |side| side.hash);
                    let link = (!work.new).then(|| work.link.id.clone());
                    for other in work.places().into_iter().filter(|other| *other != at) {
                        self.unpark(&other, &mut facts)?;
                    }
                    for place in work.places() {
                        self.follow_again(&work.link, &place, &mut facts)?;
                    }
                    self.park(&at, link, work.link.label.clone(), trouble.clone(), hash, &mut facts)?;
                    if !work.new {
                        self.keep(&work.link, &mut facts)?;
                        self.tell_refused(work, trouble, &mut facts)?;
                    }
                }
                None => {
                    self.tell_matched(work);
                    self.remember(entity, work, &mut facts)?;
                }
            }
        }
        let sound = works.iter().filter(|work| !work.stopped && work.is_sound());
        self.remember_matches(entity, sound, &mut facts)?;
        self.engine.store.commit(facts)
    }

    /// What a person took in a conflict and no later run writes by itself is told with the conflict.
    fn tell_refused(&self, work: &Work, trouble: &Trouble, facts: &mut Facts) -> Result<()> {
        if trouble.why.cures_itself() {
            return Ok(());
        }
        for conflict in self.engine.store.conflicts_of(&work.link.id)?.into_iter().filter(|one| one.taken.is_some()) {
            facts.conflict(&Conflict { refused: Some(trouble.reason.clone()), ..conflict });
        }
        Ok(())
    }

    fn tell_matched(&mut self, work: &Work) {
        let Some(by) = work.joined.clone().filter(|_| work.link.entity == self.flow.entity) else { return };
        let (link, label) = (work.link.id.clone(), work.link.label.clone());
        let there = work.link.sides.iter().filter(|(_, side)| !is_planned(&side.id));
        let records = there.map(|(system, side)| (system.clone(), side.id.clone())).collect();
        self.matching.link(Twins { link, label, records, by });
    }

    fn remember(&mut self, entity: &Entity, work: &Work, facts: &mut Facts) -> Result<()> {
        self.keep(&work.link, facts)?;
        for (name, side) in &work.sides {
            let seen = Seen { link: work.link.id.clone(), hash: side.hash };
            facts.seen(entity.name(), name, &side.record.id, &seen);
        }
        for held in &work.held {
            facts.hold(held);
        }
        for name in &work.released {
            facts.release(&work.link.id, name);
        }
        if work.again {
            facts.again(&work.source_at());
        }
        for (link, target) in &work.waits {
            facts.wait_for(link, target, &work.source_at());
        }
        for (target, at) in self.engine.store.waiting_for(&work.link.id)? {
            if work.link.sides.contains_key(&target) {
                facts.revisit(&work.link.id, &target, &at);
            }
        }
        for at in work.places() {
            self.follow_again(&work.link, &at, facts)?;
            self.unpark(&at, facts)?;
        }
        self.tidy_notes(work, facts);
        self.keep_conflicts(work, facts);
        self.park_stuck(work, facts)
    }

    /// What makes a record the same as one of these. Of several that say the same, the one with more counterparts is
    /// found by it, else the first: the others are its doubles.
    pub(super) fn remember_matches<'w>(
        &self,
        entity: &Entity,
        works: impl Iterator<Item = &'w Work>,
        facts: &mut Facts,
    ) -> Result<()> {
        let mut best: BTreeMap<u64, &Work> = BTreeMap::new();
        for work in works {
            for hash in super::link::match_hashes(entity, &work.best_values()) {
                let known = best.entry(hash).or_insert(work);
                if known.link.sides.len() < work.link.sides.len() {
                    *known = work;
                }
            }
        }
        for (hash, work) in best {
            let is_better = |known: Link| known.id != work.link.id && known.sides.len() < work.link.sides.len();
            if self.matched(entity, hash)?.is_none_or(is_better) {
                facts.matches(entity.name(), hash, &work.link.id);
            }
        }
        Ok(())
    }

    /// Fields in conflict as they are now; those that no longer are end by themselves.
    fn keep_conflicts(&mut self, work: &Work, facts: &mut Facts) {
        let is_over = |field: &FieldName| match work.notes.is_decided {
            true => !work.conflicts.iter().any(|clash| clash.field == *field),
            false => work.notes.ended.contains(field),
        };
        for known in work.notes.conflicts.iter().filter(|known| is_over(&known.field)) {
            facts.settled(&known.link, &known.field);
        }
        for clash in &work.conflicts {
            let known = work.notes.conflicts.iter().find(|known| known.field == clash.field);
            let conflict = Conflict {
                link: work.link.id.clone(),
                entity: work.link.entity.clone(),
                label: work.link.label.clone(),
                field: clash.field.clone(),
                agreed: clash.agreed.clone(),
                sides: clash.values.iter().filter_map(|(name, value)| said(work, name, value)).collect(),
                since: known.map_or_else(|| self.now(), |known| known.since),
                // What could not be looked at, because its side is not there now, still holds.
                taken: known.and_then(|known| known.taken.clone()).filter(|_| clash.moved.is_none()),
                moved: clash.moved.clone().or_else(|| known.and_then(|known| known.moved.clone())),
                refused: known.and_then(|known| known.refused.clone()).filter(|_| clash.moved.is_none()),
            };
            self.counts.conflicts += u64::from(known.is_none());
            facts.conflict(&conflict);
            if self.mode == Mode::Dry {
                self.conflicts.retain(|other| (&other.link, &other.field) != (&conflict.link, &conflict.field));
                self.conflicts.push(conflict);
            }
        }
    }
}

fn said(work: &Work, name: &SystemName, value: &Value) -> Option<(SystemName, Said)> {
    let side = work.sides.get(name)?;
    let said = Said { id: side.record.id.clone(), value: value.clone(), modified: side.modified() };
    Some((name.clone(), said))
}
