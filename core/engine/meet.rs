//! A record without a link meets the links that the hub knows: by the hub's key, else by what makes two records one.

use std::collections::BTreeSet;

use serde_json::json;

use super::link::{match_hash, match_hashes, same_key, shared_key};
use super::pass::Pass;
use super::work::{Fresh, Trouble, Work};
use crate::Result;
use crate::mapping::Entity;
use crate::model::{Canonical, FieldName, LinkId, Presence, SystemName};
use crate::store::{Link, Why};

/// How a record is said to have been matched that bears the hub's own key.
pub(super) const HUBS_KEY: &str = "the hub's key";

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
                self.enter(work, system, known, &mut taken, HUBS_KEY);
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
                let key = entity.match_keys().iter().find(|key| match_hash(key, &values) == Some(hash));
                let by = key.map(|key| named(key)).unwrap_or_default();
                work.matched = self.enter(work, system, known, &mut taken, &by);
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
    pub(super) fn enter(
        &mut self,
        work: &mut Work,
        system: &SystemName,
        known: Link,
        taken: &mut BTreeSet<LinkId>,
        by: &str,
    ) -> bool {
        let Some(own) = work.link.sides.get(system).cloned() else { return false };
        let there = known.sides.get(system).map(|side| side.id.clone());
        if there.as_ref().is_some_and(|id| *id != own.id) || !taken.insert(known.id.clone()) {
            return false;
        }
        work.link = known;
        work.link.sides.insert(system.clone(), own);
        work.new = false;
        if there.is_none() {
            self.counts.linked += 1;
            work.joined = Some(by.to_owned());
        }
        true
    }
}

/// Takes apart what a weaker match key brought together although a better one differs.
pub(super) fn part_strangers(entity: &Entity, work: &mut Work) {
    let Some(own) = work.sides.get(&work.source) else { return };
    let mut others = work.sides.iter().filter(|(name, _)| **name != work.source);
    let Some(trouble) = others.find_map(|(name, side)| stranger(entity, &own.canonical, name, side)) else { return };
    work.trouble = Some(trouble);
    work.joined = None;
    let source = work.source.clone();
    work.link.sides.remove(&source);
}

/// A match key as a person reads it.
pub(super) fn named(key: &[FieldName]) -> String {
    key.iter().map(FieldName::as_str).collect::<Vec<_>>().join(", ")
}

/// What speaks against a record being this one's twin, although a match key is the same.
pub(super) fn stranger(entity: &Entity, own: &Canonical, name: &SystemName, other: &Fresh) -> Option<Trouble> {
    let better = contradiction(entity, own, &other.canonical)?;
    let id = &other.record.id;
    let reason = match shared_key(entity, own, &other.canonical) {
        Some(shared) => format!("{name}/{id} has the same {shared} but another {better}"),
        None => format!("{name}/{id} was the same when it was first seen, and has another {better} now"),
    };
    Some(Trouble::new(Why::Ambiguous, reason).detail(json!({ "twin": other.record.id })))
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
