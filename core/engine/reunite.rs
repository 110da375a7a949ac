//! Two links whose records a person merged become one, once nothing stands between them.

use std::collections::BTreeSet;

use super::pass::Pass;
use super::work::{Trouble, Work, is_planned};
use crate::Result;
use crate::mapping::Entity;
use crate::model::{LinkId, Presence, Record, RemoteId, SystemName};
use crate::store::{At, Facts, Link, LinkSide, Seen, Why};

/// What became of two links.
enum Reunion {
    /// They are one now: this one.
    Done(LinkId),
    /// They are one already, or nothing shows that they should be.
    Nothing,
    /// A person must do something first; the record of the one that would go, where it waits.
    Apart(At, Trouble),
}

/// What two links have in one system.
struct Pair {
    system: SystemName,
    dead: Option<Record>,
    heir: Option<Record>,
}

impl Pass<'_> {
    /// Makes the links one that a page of records shows to be merged; what stands in the way is parked.
    pub(super) async fn reunite_found(&mut self, entity: &Entity, works: &mut [Work]) -> Result<()> {
        for (dead, heir) in std::mem::take(&mut self.merged) {
            match self.reunite(entity, &dead, &heir).await? {
                Reunion::Done(one) => self.follow_heir(works, &[dead, heir, one])?,
                Reunion::Nothing => {}
                Reunion::Apart(at, trouble) => {
                    let link = self.engine.store.link(&dead)?.unwrap_or_default();
                    let mut facts = Facts::new();
                    self.park(&at, Some(link.id), link.label, trouble, 0, &mut facts)?;
                    self.engine.store.commit(facts)?;
                }
            }
        }
        Ok(())
    }

    /// The same for works whose own record turned out to be merged into that of another link; tells whether any was.
    pub(super) async fn reunite_merged(&mut self, entity: &Entity, works: &mut [Work]) -> Result<bool> {
        let mut any = false;
        for at in 0..works.len() {
            let Some(heir) = works[at].merged_into.take() else { continue };
            let own = works[at].link.id.clone();
            match self.reunite(entity, &own, &heir).await? {
                Reunion::Done(one) => {
                    any = true;
                    self.follow_heir(works, &[own, heir, one])?;
                }
                Reunion::Apart(_, trouble) => {
                    let known = self.engine.store.link(&works[at].link.id)?;
                    works[at].link.one_with = known.and_then(|link| link.one_with);
                    works[at].trouble = Some(trouble);
                }
                Reunion::Nothing => works[at].stopped = true,
            }
        }
        Ok(any)
    }

    /// Works on links that became one: that of a record which is part of it goes on, the others end. Without one, it is
    /// decided later.
    fn follow_heir(&mut self, works: &mut [Work], united: &[LinkId]) -> Result<()> {
        let mut is_taken = false;
        for work in works.iter_mut().filter(|work| united.contains(&work.link.id)) {
            let Some(now) = self.engine.store.link(&work.link.id)? else { continue };
            let own = work.sides.get(&work.source).map(|side| side.record.id.clone());
            let is_part = own.is_some() && own.as_ref() == now.sides.get(&work.source).map(|side| &side.id);
            if is_taken || !is_part {
                work.trouble = Some(Trouble::new(Why::Ambiguous, format!("it is one with {} now", now.id)));
                work.stopped = true;
                continue;
            }
            is_taken = true;
            work.sides.retain(|name, side| now.sides.get(name).is_some_and(|there| there.id == side.record.id));
            (work.link, work.trouble, work.stopped) = (now, None, false);
        }
        let Some(one) = united.last().filter(|_| !is_taken) else { return Ok(()) };
        let one = self.engine.store.link(one)?.unwrap_or_default();
        let present = |at: &At| one.sides.get(&at.system).is_some_and(|side| side.presence == Presence::Present);
        let mut facts = Facts::new();
        if let Some(at) = super::work::places(&one).into_iter().find(present) {
            facts.again(&at);
            self.later.insert(at);
        }
        self.engine.store.commit(facts)
    }

    async fn reunite(&mut self, entity: &Entity, dead: &LinkId, heir: &LinkId) -> Result<Reunion> {
        let (Some(mut dead), Some(mut heir)) = (self.engine.store.link(dead)?, self.engine.store.link(heir)?) else {
            return Ok(Reunion::Nothing);
        };
        if dead.id == heir.id {
            return Ok(Reunion::Nothing);
        }
        // The one that has counterparts stays; of two that have, the one whose record stayed.
        if heir.sides.len() == 1 && dead.sides.len() > 1 {
            std::mem::swap(&mut dead, &mut heir);
        }
        let pairs = self.pairs(entity, &dead, &heir).await?;
        let Some(merge) = pairs.iter().find_map(|pair| merge_in(pair, &dead, &heir)) else {
            return Ok(Reunion::Nothing);
        };
        for name in self.kept_in(entity) {
            for link in [&dead, &heir] {
                let side = link.sides.get(&name);
                let is_planned = side.is_some_and(|side| is_planned(&side.id));
                // A record that was created is done, unless its document waits for its state moves.
                let is_made = side.is_some() && self.column(entity, &name)?.then().is_empty();
                if is_planned || !is_made && self.engine.store.job_at(&link.id, &name)?.is_some() {
                    let why = format!("{} is not finished in {name}", link.id);
                    return Ok(apart(&dead, &heir, &merge, &why, &pairs));
                }
            }
        }
        if let Some((pair, one, other)) = pairs.iter().find_map(strangers) {
            let why = format!("merge {0}/{1} and {0}/{2} too", pair.system, one.id, other.id);
            let mut facts = Facts::new();
            self.keep(&Link { one_with: Some(heir.id.clone()), ..dead.clone() }, &mut facts)?;
            self.engine.store.commit(facts)?;
            return Ok(apart(&dead, &heir, &merge, &why, std::slice::from_ref(pair)));
        }
        let one = joined(&dead, &heir, pairs);
        self.bequeath(entity, &dead, &heir, &one)?;
        Ok(Reunion::Done(one.id))
    }

    /// What both links have now, system by system.
    async fn pairs(&self, entity: &Entity, dead: &Link, heir: &Link) -> Result<Vec<Pair>> {
        let systems: BTreeSet<&SystemName> = dead.sides.keys().chain(heir.sides.keys()).collect();
        let kept = self.kept_in(entity);
        let mut pairs = Vec::new();
        for system in systems.into_iter().filter(|name| kept.contains(name)) {
            let id = |link: &Link| link.sides.get(system).map(|side| side.id.clone()).filter(|id| !is_planned(id));
            let (of_dead, of_heir) = (id(dead), id(heir));
            let ids: Vec<RemoteId> = of_dead.iter().chain(&of_heir).cloned().collect();
            let resource = self.column(entity, system)?.resource().clone();
            let records = self.engine.systems.get(system)?.read(&resource, &ids).await?;
            let found = |id: Option<RemoteId>| {
                let id = id?;
                records.iter().find(|record| record.id == id || record.aliases.contains(&id)).cloned()
            };
            pairs.push(Pair { system: system.clone(), dead: found(of_dead), heir: found(of_heir) });
        }
        Ok(pairs)
    }

    /// Whatever named the link that goes names the one that stays, which is decided again.
    pub(super) fn bequeath(&mut self, entity: &Entity, dead: &Link, heir: &Link, one: &Link) -> Result<()> {
        self.unpretend(&dead.id);
        let mut facts = Facts::new();
        facts.unite(&dead.id, &one.id);
        self.keep(one, &mut facts)?;
        let seen = Seen { link: one.id.clone(), hash: 0 };
        for (system, side) in [dead, heir, one].into_iter().flat_map(|link| &link.sides) {
            facts.seen(entity.name(), system, &side.id, &seen);
        }
        for hash in dead.agreed.iter().flat_map(|agreed| super::link::match_hashes(entity, agreed)) {
            facts.matches(entity.name(), hash, &one.id);
        }
        for name in self.kept_in(entity) {
            facts.release(&dead.id, &name);
            facts.finish(&dead.id, &name);
            self.engine.flows.iter().for_each(|flow| facts.followed(&flow.name, &dead.id, &name));
        }
        for (target, at) in self.engine.store.waiting_for(&dead.id)? {
            facts.revisit(&dead.id, &target, &at);
        }
        for at in [dead, heir].into_iter().flat_map(super::work::places) {
            let told = self.engine.store.parked_at(&at)?;
            if told.is_some_and(|told| told.why == Why::Ambiguous || told.link.as_ref() == Some(&dead.id)) {
                facts.unpark(&at);
            }
        }
        self.engine.store.commit(facts)
    }

    /// Decides again, once the feeds are read, what merges left to be decided.
    pub(super) async fn revisit_later(&mut self) -> Result<()> {
        // A merge that is found here may ask for one more look.
        for _ in 0..3 {
            let later: Vec<At> = std::mem::take(&mut self.later).into_iter().collect();
            self.look_again(&later.iter().collect::<Vec<_>>()).await?;
            let mut facts = Facts::new();
            later.iter().for_each(|at| facts.revisited(at));
            self.engine.store.commit(facts)?;
        }
        Ok(())
    }
}

/// The merge that a system shows: both links lead to one record there, in words.
fn merge_in(pair: &Pair, dead: &Link, heir: &Link) -> Option<String> {
    let (one, other) = (pair.dead.as_ref()?, pair.heir.as_ref()?);
    let was = |link: &Link| link.sides.get(&pair.system).map(|side| side.id.clone()).filter(|id| *id != one.id);
    let gone = was(dead).or_else(|| was(heir))?;
    (one.id == other.id).then(|| format!("{0}/{gone} was merged into {0}/{1}", pair.system, one.id))
}

/// Two records of one system that are both there and not the same.
fn strangers(pair: &Pair) -> Option<(&Pair, &Record, &Record)> {
    let there = |record: &&Record| record.presence == Presence::Present;
    let (one, other) = (pair.dead.as_ref().filter(there)?, pair.heir.as_ref().filter(there)?);
    (one.id != other.id).then_some((pair, one, other))
}

fn apart(dead: &Link, heir: &Link, merge: &str, why: &str, pairs: &[Pair]) -> Reunion {
    let waits = pairs.iter().find_map(|pair| Some((pair.system.clone(), pair.dead.as_ref()?.id.clone())));
    let first = || dead.sides.iter().next().map(|(name, side)| (name.clone(), side.id.clone()));
    let (system, id) = waits.or_else(first).unwrap_or_default();
    let reason = format!("{merge}, which is {} \"{}\"; {why}", heir.id, heir.label);
    Reunion::Apart(At { entity: dead.entity.clone(), system, id }, Trouble::new(Why::Ambiguous, reason))
}

/// The link that stays, with every record that either had and that is there.
fn joined(dead: &Link, heir: &Link, pairs: Vec<Pair>) -> Link {
    let mut one = heir.clone();
    one.one_with = one.one_with.filter(|other| *other != dead.id);
    super::link::add_sides(&mut one, dead);
    for Pair { system, dead, heir } in pairs {
        let Some(old) = one.sides.get(&system).cloned() else { continue };
        let there = |record: &Record| record.presence == Presence::Present;
        let side = match (dead, heir) {
            (_, Some(record)) if there(&record) => LinkSide { id: record.id, presence: Presence::Present, ..old },
            (Some(record), _) if there(&record) => {
                // Records that never met agree on nothing yet.
                one.agreed = None;
                LinkSide { id: record.id, presence: Presence::Present, left: false, ..old }
            }
            (_, Some(record)) | (Some(record), None) => LinkSide { presence: record.presence, ..old },
            (None, None) => LinkSide { presence: Presence::Gone, ..old },
        };
        one.sides.insert(system, side);
    }
    one
}
