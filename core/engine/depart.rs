//! Records that are not there any more: what a link remembers of it, and who must be told or followed.

use super::pass::Pass;
use super::work::{Trouble, Work};
use super::{Flow, OnDelete};
use crate::Result;
use crate::mapping::Entity;
use crate::model::{EntityName, Presence, Record, SystemName};
use crate::store::{At, Departed, Facts, Link, Seen, Why};

impl Pass<'_> {
    /// The flows that do something about a record of `system` that is gone.
    fn followers(&self, entity: &EntityName, system: &SystemName) -> impl Iterator<Item = &Flow> {
        let shares = |flow: &&Flow| flow.entity == *entity && flow.between.contains(system);
        self.engine.flows.iter().filter(shares).filter(|flow| flow.on_delete != OnDelete::Keep)
    }

    /// Remembers a link as it is now: a record that was there and is gone is left to the flows that follow deletions,
    /// and one that came back is not followed any more.
    pub(super) fn keep(&self, link: &Link, facts: &mut Facts) -> Result<()> {
        facts.link(link);
        let Some(before) = self.engine.store.link(&link.id)? else { return Ok(()) };
        for (system, side) in &link.sides {
            let was_present = before.sides.get(system).map(|was| was.presence == Presence::Present);
            match (was_present, side.presence == Presence::Present) {
                (Some(true), false) => {
                    // Should it come back as it was, that is news.
                    facts.seen(&link.entity, system, &side.id, &Seen { link: link.id.clone(), hash: 0 });
                    for flow in self.followers(&link.entity, system).filter(|_| !side.left) {
                        let departed = Departed { link: link.id.clone(), system: system.clone(), since: self.now() };
                        facts.depart(&flow.name, &departed);
                    }
                }
                (Some(false), true) => {
                    self.followers(&link.entity, system).for_each(|flow| facts.followed(&flow.name, &link.id, system));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether a record left its column's `where` before it was put away, as far as it can still be seen.
    pub(super) fn is_left_out(&self, entity: &Entity, system: &SystemName, record: &Record) -> bool {
        let column = entity.column(system).filter(|_| !record.fields.is_empty());
        column.is_some_and(|column| column.takes_part(&record.fields) == Ok(false))
    }

    /// What a person must see of a link whose record in `system` is gone: that it is, where a flow reviews deletions; and
    /// that it could not be put away elsewhere, until somebody dealt with it.
    pub(super) fn told_absent(&self, work: &Work, system: &SystemName) -> Result<Option<Trouble>> {
        let Some(side) = work.link.sides.get(system).filter(|side| !side.left) else { return Ok(None) };
        for flow in self.followers(&work.link.entity, system) {
            let is_left = work.link.sides.values().any(|side| side.presence == Presence::Present);
            if flow.on_delete == OnDelete::Review && is_left {
                let gone = spoken(side.presence);
                let reason = format!("{system}/{} was {gone}; the others keep theirs", side.id);
                return Ok(Some(Trouble::new(Why::Deleted, reason)));
            }
            for place in work.places().iter().filter(|_| !self.following) {
                let told = self.engine.store.parked_at(place)?.filter(|told| told.why == Why::Deleted);
                if let Some(told) = told.filter(|told| told.attempts > 0 && told.link.as_ref() == Some(&work.link.id)) {
                    return Ok(Some(Trouble::new(told.why, told.reason).detail(told.detail)));
                }
            }
        }
        Ok(None)
    }

    /// A person wants what could not be put away to be tried again.
    pub(super) fn follow_again(&self, link: &Link, place: &At, facts: &mut Facts) -> Result<()> {
        let told = self.engine.store.parked_at(place)?;
        if !told.is_some_and(|told| told.why == Why::Deleted && told.attempts == 0) {
            return Ok(());
        }
        for (system, _) in link.sides.iter().filter(|(_, side)| side.presence != Presence::Present && !side.left) {
            for flow in self.followers(&link.entity, system) {
                let departed = Departed { link: link.id.clone(), system: system.clone(), since: self.now() };
                facts.depart(&flow.name, &departed);
            }
        }
        Ok(())
    }
}

/// What happened to a record that is not present.
pub(super) fn spoken(presence: Presence) -> &'static str {
    if presence == Presence::Archived { "archived" } else { "deleted" }
}
