//! Twins: a record without a link meets what the hub and the other systems already know.

use std::collections::{BTreeSet, HashMap};

use jiff::SignedDuration;
use serde_json::json;

use super::link::{match_hash, match_hashes, same_key, shared_key};
use super::pass::Pass;
use super::work::{Fresh, Trouble, Work};
use crate::Result;
use crate::connector::{Effect, Lookup};
use crate::mapping::Entity;
use crate::model::{Canonical, ExternalKey, FieldName, LinkId, Presence, Record, SystemName};
use crate::store::{Link, Why};

/// After so long a record that was created can be found, wherever it can be found at all.
const LATER: SignedDuration = SignedDuration::from_mins(15);

impl Pass<'_> {
    /// Joins new records to links that the hub knows: by its own key on the record, else by match keys.
    pub(super) fn meet(&mut self, entity: &Entity, system: &SystemName, works: &mut [Work]) -> Result<()> {
        let mut taken: BTreeSet<LinkId> =
            works.iter().filter(|work| !work.new).map(|work| work.link.id.clone()).collect();
        for work in works.iter_mut().filter(|work| work.new) {
            let Some(fresh) = work.sides.get(system) else { continue };
            let (record, values) = (fresh.record.clone(), fresh.canonical.clone());
            let ours = record.key.filter(|key| key.as_str().starts_with(&format!("{}:", entity.name())));
            let by_key = ours.map(|key| LinkId::new(key.as_str())).filter(|id| *id != work.link.id);
            for id in by_key.clone().into_iter().chain([work.link.id.clone()]) {
                let Some(known) = self.engine.store.link(&id)?.filter(|_| work.new) else { continue };
                self.enter(work, system, known, &mut taken);
            }
            if let Some(id) = by_key.filter(|_| work.new) {
                let known = self.engine.store.link(&id)?;
                if known.is_none() && taken.insert(id.clone()) {
                    work.link.id = id;
                } else {
                    work.trouble = Some(copied(&id, known.as_ref()));
                }
            }
            if !work.new || !work.is_sound() {
                continue;
            }
            for hash in match_hashes(entity, &values) {
                let Some(known) = self.matched(entity, hash)? else { continue };
                work.matched = self.enter(work, system, known, &mut taken);
                break;
            }
        }
        Ok(())
    }

    /// The link that a match key means, unless all its records are gone: what is dead has no twin.
    pub(super) fn matched(&self, entity: &Entity, hash: u64) -> Result<Option<Link>> {
        let Some(id) = self.engine.store.matched(entity.name(), hash)? else { return Ok(None) };
        let known = self.engine.store.link(&id)?;
        Ok(known.filter(|known| known.sides.values().any(|side| side.presence == Presence::Present)))
    }

    /// Makes a work part of a link that has no record of its system yet, or this very one; tells whether it is.
    fn enter(&mut self, work: &mut Work, system: &SystemName, known: Link, taken: &mut BTreeSet<LinkId>) -> bool {
        let Some(own) = work.link.sides.get(system).cloned() else { return false };
        let there = known.sides.get(system).map(|side| side.id.clone());
        if there.as_ref().is_some_and(|id| *id != own.id) || !taken.insert(known.id.clone()) {
            return false;
        }
        work.link = known;
        work.link.sides.insert(system.clone(), own);
        work.new = false;
        self.counts.linked += u64::from(there.is_none());
        true
    }

    /// What must be looked at before works are created in `target`: the same key there, a twin there, a double here.
    ///
    /// Afterwards a work whose twin was found has it as a side, and one that must not be created is in trouble.
    pub(super) async fn look_before_creating(
        &mut self,
        entity: &Entity,
        target: &SystemName,
        works: &mut [Work],
        creating: &[usize],
    ) -> Result<()> {
        self.refuse_doubles(entity, target, works, creating)?;
        let effect =
            self.engine.systems.get(target)?.resource(self.column(entity, target)?.resource())?.capabilities.create;
        if effect != Effect::Blind && self.bears_keys(entity, target) {
            let open: Vec<usize> = still_open(works, creating, target);
            let keys: Vec<ExternalKey> = open.iter().map(|at| works[*at].link.id.as_str().into()).collect();
            if !keys.is_empty() {
                let found = self.find(entity, target, &Lookup::Key(keys)).await?;
                for at in open {
                    let mine = |record: &&Record| {
                        record.key.as_ref().is_some_and(|key| key.as_str() == works[at].link.id.as_str())
                    };
                    if let Some(record) = found.iter().find(mine) {
                        self.join(entity, &mut works[at], target, record)?;
                        self.counts.linked += 1;
                    }
                }
            }
        }
        for key in entity.match_keys() {
            self.find_twins(entity, target, works, &still_open(works, creating, target), key).await?;
        }
        let is_blind = effect == Effect::Blind || !self.bears_keys(entity, target);
        for at in still_open(works, creating, target) {
            self.refuse_doubtful(target, &mut works[at], if is_blind { Effect::Blind } else { effect })?;
        }
        Ok(())
    }

    /// A create whose answer was lost, and that cannot be told from one that was never made, is not made again.
    fn refuse_doubtful(&self, target: &SystemName, work: &mut Work, effect: Effect) -> Result<()> {
        let Some(job) = self.engine.store.job_at(&work.link.id, target)? else { return Ok(()) };
        let reason = match effect {
            Effect::Blind => {
                let parked = self.engine.store.parked_at(&work.source_at())?;
                if parked.is_some_and(|parked| parked.why == Why::Unknown && parked.attempts == 0) {
                    return Ok(());
                }
                format!(
                    "it may have been created in {target} already; look there, and `parked retry` it only if it was not"
                )
            }
            Effect::SearchableLater if self.now().duration_since(job.started) < LATER => {
                format!(
                    "it may have been created in {target} already, which cannot be found yet; the next runs look again"
                )
            }
            _ => return Ok(()),
        };
        work.trouble = Some(Trouble::new(Why::Unknown, reason));
        Ok(())
    }

    /// Two records of one system that are one thing: the second is not created a second time.
    fn refuse_doubles(
        &mut self,
        entity: &Entity,
        target: &SystemName,
        works: &mut [Work],
        creating: &[usize],
    ) -> Result<()> {
        let mut here: HashMap<u64, (LinkId, String)> = HashMap::new();
        for at in creating {
            let work = &works[*at];
            let values = work.best_values();
            let mut twin = None;
            for hash in match_hashes(entity, &values) {
                let known = match here.get(&hash) {
                    Some((link, label)) => Some((link.clone(), label.clone())),
                    None => self.matched(entity, hash)?.map(|link| (link.id, link.label)),
                };
                if let Some((link, label)) = known.filter(|(link, _)| *link != work.link.id) {
                    twin = Some((link, label, hash));
                    break;
                }
            }
            let Some((link, label, hash)) = twin else {
                for hash in match_hashes(entity, &values) {
                    here.entry(hash).or_insert_with(|| (work.link.id.clone(), work.link.label.clone()));
                }
                continue;
            };
            let key = entity.match_keys().iter().find(|key| match_hash(key, &values) == Some(hash));
            let fields: Vec<&str> = key.into_iter().flatten().map(FieldName::as_str).collect();
            let reason = format!(
                "has the same {} as {link} \"{label}\", so it is not created in {target} a second time; merge them in {}",
                fields.join(" and "),
                work.source
            );
            let trouble = Trouble::new(Why::Ambiguous, reason).detail(json!({ "twin": link, "fields": fields }));
            works[*at].trouble = Some(trouble);
        }
        Ok(())
    }

    async fn find_twins(
        &mut self,
        entity: &Entity,
        target: &SystemName,
        works: &mut [Work],
        open: &[usize],
        key: &[FieldName],
    ) -> Result<()> {
        let Some(first) = key.first() else { return Ok(()) };
        let column = self.column(entity, target)?;
        let mut path = String::new();
        let mut values: Vec<String> = Vec::new();
        for at in open {
            let known = works[*at].best_values();
            if match_hash(key, &known).is_none() {
                continue;
            }
            let Some(value) = known.get(first.as_str()) else { continue };
            if let Some((native, spellings)) = column.lookup(first, value) {
                path = native;
                values.extend(spellings);
            }
        }
        if values.is_empty() {
            return Ok(());
        }
        values.sort();
        values.dedup();
        let found = self.find(entity, target, &Lookup::Field { path, values }).await?;
        let mut candidates: Vec<Fresh> = Vec::new();
        for record in found.iter().filter(|record| record.presence == Presence::Present) {
            if let Ok(Some(fresh)) = self.take_in(entity, target, record) {
                candidates.push(fresh);
            }
        }
        for at in open {
            let known = works[*at].best_values();
            let hits: Vec<&Fresh> =
                candidates.iter().filter(|candidate| same_key(key, &known, &candidate.canonical)).collect();
            let holder = match hits.as_slice() {
                [hit] => works.iter().find(|work| {
                    work.link.id != works[*at].link.id
                        && work.link.sides.get(target).is_some_and(|side| side.id == hit.record.id)
                }),
                _ => None,
            };
            if let Some(holder) = holder {
                let reason = format!(
                    "its twin in {target} is that of {} \"{}\" too; merge them in {}",
                    holder.link.id, holder.link.label, works[*at].source
                );
                works[*at].trouble = Some(Trouble::new(Why::Ambiguous, reason));
                continue;
            }
            self.take_twin(entity, target, &mut works[*at], &known, &hits)?;
        }
        Ok(())
    }

    fn take_twin(
        &mut self,
        entity: &Entity,
        target: &SystemName,
        work: &mut Work,
        known: &Canonical,
        hits: &[&Fresh],
    ) -> Result<()> {
        let [hit] = hits else {
            if hits.len() > 1 {
                let ids: Vec<&str> = hits.iter().map(|hit| hit.record.id.as_str()).collect();
                let reason = format!(
                    "{} records of {target} could be its twin ({}); merge them there, or fill in what tells them apart",
                    hits.len(),
                    ids.join(", ")
                );
                work.trouble = Some(Trouble::new(Why::Ambiguous, reason).detail(json!({ "twins": ids })));
            }
            return Ok(());
        };
        let shared = shared_key(entity, known, &hit.canonical).unwrap_or_default();
        if let Some(better) = contradiction(entity, known, &hit.canonical) {
            let reason = format!("{target}/{} has the same {shared} but another {better}", hit.record.id);
            work.trouble = Some(Trouble::new(Why::Ambiguous, reason).detail(json!({ "twin": hit.record.id })));
            return Ok(());
        }
        match self.link_of(entity, target, &hit.record)? {
            Some(link) if link.id != work.link.id && link.sides.contains_key(&work.source) => {
                let reason = format!(
                    "its twin {target}/{} (same {shared}) is already linked to {} \"{}\"",
                    hit.record.id, link.id, link.label
                );
                work.trouble = Some(Trouble::new(Why::Ambiguous, reason).detail(json!({ "link": link.id })));
            }
            Some(link) => {
                let source = work.source.clone();
                self.enter(work, &source, link, &mut BTreeSet::new());
                self.join(entity, work, target, &hit.record)?;
            }
            None => {
                self.join(entity, work, target, &hit.record)?;
                self.counts.linked += 1;
            }
        }
        Ok(())
    }
}

/// Takes apart what a weaker match key brought together although a better one differs.
pub(super) fn part_strangers(entity: &Entity, work: &mut Work) {
    let Some(own) = work.sides.get(&work.source) else { return };
    let other = work
        .sides
        .iter()
        .find(|(name, side)| **name != work.source && contradiction(entity, &own.canonical, &side.canonical).is_some());
    let Some((name, side)) = other else { return };
    let shared = shared_key(entity, &own.canonical, &side.canonical).unwrap_or_default();
    let better = contradiction(entity, &own.canonical, &side.canonical).unwrap_or_default();
    let reason = format!("{name}/{} has the same {shared} but another {better}", side.record.id);
    work.trouble = Some(Trouble::new(Why::Ambiguous, reason).detail(json!({ "twin": side.record.id })));
    let source = work.source.clone();
    work.link.sides.remove(&source);
}

/// A better match key that both have and that differs: then a weaker one proves nothing.
fn contradiction(entity: &Entity, one: &Canonical, other: &Canonical) -> Option<String> {
    for key in entity.match_keys() {
        if same_key(key, one, other) {
            return None;
        }
        if match_hash(key, one).is_some() && match_hash(key, other).is_some() {
            let names: Vec<&str> = key.iter().map(FieldName::as_str).collect();
            return Some(names.join(" and "));
        }
    }
    None
}

/// A record that bears the key of another one: a person copied it, key and all.
fn copied(id: &LinkId, known: Option<&Link>) -> Trouble {
    let label = known.map_or_else(String::new, |known| format!(" \"{}\"", known.label));
    let reason = format!("it bears the hub's key of {id}{label}, as a copy of another record does; empty its key");
    Trouble::new(Why::Ambiguous, reason).detail(json!({ "link": id }))
}

fn still_open(works: &[Work], creating: &[usize], target: &SystemName) -> Vec<usize> {
    let open = |at: &&usize| works[**at].is_sound() && !works[**at].link.sides.contains_key(target);
    creating.iter().filter(open).copied().collect()
}
