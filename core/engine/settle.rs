//! What became of works is remembered: links, what was seen, what is held, parked or waits.

use super::pass::Pass;
use super::work::{Trouble, Work, is_planned};
use crate::Result;
use crate::mapping::Entity;
use crate::plan::Twins;
use crate::store::{Facts, Seen, Why as Parked};

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
                    }
                }
                None => {
                    self.tell_matched(work);
                    self.remember(entity, work, &mut facts)?;
                }
            }
        }
        self.engine.store.commit(facts)
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
        for name in &work.finished {
            facts.finish(&work.link.id, name);
            facts.release(&work.link.id, name);
        }
        for hash in super::link::match_hashes(entity, &work.best_values()) {
            if self.matched(entity, hash)?.is_none() {
                facts.matches(entity.name(), hash, &work.link.id);
            }
        }
        for at in work.places() {
            self.follow_again(&work.link, &at, facts)?;
            self.unpark(&at, facts)?;
        }
        self.park_conflicts(work, facts)
    }

    fn park_conflicts(&mut self, work: &Work, facts: &mut Facts) -> Result<()> {
        let Some(first) = work.conflicts.first() else { return Ok(()) };
        let said: Vec<String> = first
            .values
            .iter()
            .map(|(system, value)| format!("{system} says {}", super::link::spoken(value)))
            .collect();
        let reason = format!("{} was changed differently: {}", first.field, said.join(", "));
        let detail = serde_json::to_value(&work.conflicts).unwrap_or_default();
        let trouble = Trouble::new(Parked::Conflict, reason).field(first.field.to_string()).detail(detail);
        let hash = work.sides.get(&work.source).map_or(0, |side| side.hash);
        let link = Some(work.link.id.clone());
        self.park(&work.source_at(), link, work.link.label.clone(), trouble, hash, facts)
    }
}
