//! Before a create: the same key over there, a twin over there, a double over here, an answer that was lost.

use std::collections::{BTreeSet, HashMap};

use jiff::SignedDuration;
use serde_json::json;

use super::link::{add_sides, match_hash, match_hashes, rival, same_key, shared_key};
use super::meet::{HUBS_KEY, named, stranger};
use super::pass::Pass;
use super::work::{Fresh, Trouble, Work};
use crate::Result;
use crate::connector::{Effect, Lookup};
use crate::mapping::Entity;
use crate::model::{ExternalKey, FieldName, LinkId, Presence, Record, SystemName};
use crate::mutant::{Mutant, lives};
use crate::store::{Link, Why};

/// After so long a record that was created can be found, wherever it can be found at all.
const LATER: SignedDuration = SignedDuration::from_mins(15);

impl Pass<'_> {
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
        // A link that lacks a record over here is no double but may be of the twin, which is looked for.
        self.refuse_doubles(entity, target, works, creating, |link, source| link.sides.contains_key(source))?;
        if lives(Mutant::SkippedLookup) {
            return Ok(());
        }
        let effect =
            self.engine.systems.get(target)?.resource(self.column(entity, target)?.resource())?.capabilities.create;
        let is_blind = effect == Effect::Blind || !self.bears_keys(entity, target);
        if !is_blind {
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
                        works[at].joined = Some(HUBS_KEY.to_owned());
                        self.counts.linked += 1;
                    }
                }
            }
        }
        for key in entity.match_keys() {
            self.find_twins(entity, target, works, &still_open(works, creating, target), key).await?;
        }
        let open = still_open(works, creating, target);
        self.refuse_doubles(entity, target, works, &open, |link, source| !link.sides.contains_key(source))?;
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
        is_double: impl Fn(&Link, &SystemName) -> bool,
    ) -> Result<()> {
        // What this very batch has found a record for is not in the index yet.
        let there = works.iter().filter(|work| work.link.sides.contains_key(target));
        let mut here: HashMap<u64, (LinkId, String)> = there
            .flat_map(|work| match_hashes(entity, &work.best_values()).into_iter().map(move |hash| (hash, work)))
            .map(|(hash, work)| (hash, (work.link.id.clone(), work.link.label.clone())))
            .collect();
        for at in creating {
            let work = &works[*at];
            let values = work.best_values();
            let mut twin = None;
            for hash in match_hashes(entity, &values) {
                let known = match here.get(&hash) {
                    Some((link, label)) => Some((link.clone(), label.clone())),
                    None => {
                        let known = self.matched(entity, hash)?.filter(|link| is_double(link, &work.source));
                        known.map(|link| (link.id, link.label))
                    }
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
            self.take_twin(entity, target, &mut works[*at], key, &hits)?;
        }
        Ok(())
    }

    fn take_twin(
        &mut self,
        entity: &Entity,
        target: &SystemName,
        work: &mut Work,
        key: &[FieldName],
        hits: &[&Fresh],
    ) -> Result<()> {
        let known = &work.best_values();
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
        if let Some(trouble) = stranger(entity, known, target, hit) {
            work.trouble = Some(trouble);
            return Ok(());
        }
        match self.link_of(entity, target, &hit.record)? {
            Some(link) if link.id != work.link.id && link.sides.contains_key(&work.source) => {
                let shared = shared_key(entity, known, &hit.canonical).unwrap_or_default();
                let reason = format!(
                    "its twin {target}/{} (same {shared}) is already linked to {} \"{}\"",
                    hit.record.id, link.id, link.label
                );
                work.trouble = Some(Trouble::new(Why::Ambiguous, reason).detail(json!({ "link": link.id })));
            }
            Some(link) => {
                let (source, own) = (work.source.clone(), work.link.clone());
                if let Some((name, side)) = rival(&own, &link) {
                    let reason = format!(
                        "its twin {target}/{} is {} \"{}\", which has another record than {name}/{}; merge them there",
                        hit.record.id, link.id, link.label, side.id
                    );
                    work.trouble = Some(Trouble::new(Why::Ambiguous, reason).detail(json!({ "link": link.id })));
                    return Ok(());
                }
                let was_known = !work.new;
                if self.enter(work, &source, link.clone(), &mut BTreeSet::new(), &named(key)) && was_known {
                    add_sides(&mut work.link, &own);
                    self.bequeath(entity, &own, &link, &work.link)?;
                }
                self.join(entity, work, target, &hit.record)?;
            }
            None => {
                self.join(entity, work, target, &hit.record)?;
                work.joined = Some(named(key));
                self.counts.linked += 1;
            }
        }
        Ok(())
    }
}

fn still_open(works: &[Work], creating: &[usize], target: &SystemName) -> Vec<usize> {
    let open = |at: &&usize| works[**at].is_sound() && !works[**at].link.sides.contains_key(target);
    creating.iter().filter(open).copied().collect()
}
