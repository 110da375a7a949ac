//! From a page of records to works: what is unchanged stops here, what does not fit is parked.

use super::pass::{Mode, Pass};
use super::step::Why as Because;
use super::work::{Fresh, Trouble, Work};
use crate::Result;
use crate::mapping::{Column, Entity, Problem};
use crate::model::{Canonical, Presence, Record, SystemName, content_hash};
use crate::mutant::{Mutant, lives};
use crate::store::{At, Facts, Link, LinkSide, Parked, Seen, Why};

impl Pass<'_> {
    /// The records that ask for a decision, each as a work of its own.
    pub(super) fn sift(
        &mut self,
        entity: &Entity,
        system: &SystemName,
        records: Vec<Record>,
        because: &Because,
    ) -> Result<Vec<Work>> {
        let column = self.column(entity, system)?;
        let mut works: Vec<Work> = Vec::new();
        let mut facts = Facts::new();
        for record in records {
            let hash = content_hash(&record.fields, column.digest());
            let seen = self.known(entity, system, &record)?;
            for alias in record.aliases.iter().filter(|alias| **alias != record.id) {
                // Merged away, it waits no more: the record that it is now has a place of its own.
                let at = At { entity: entity.name().clone(), system: system.clone(), id: alias.clone() };
                self.unpark(&at, &mut facts)?;
            }
            let is_present = record.presence == Presence::Present;
            let is_known = seen.as_ref().is_some_and(|seen| seen.hash == hash) && !lives(Mutant::UncheckedEcho);
            if *because == Because::Changed && is_present && is_known {
                self.counts.unchanged += 1;
                continue;
            }
            let link = match &seen {
                Some(seen) => self.engine.store.link(&seen.link)?,
                None => None,
            };
            // A feed may repeat a record within a page; the later one is the truth.
            works.retain(|work| work.sides.get(system).is_none_or(|side| side.record.id != record.id));
            if !is_present {
                self.note_absence(entity, system, &record, link, &mut facts)?;
                continue;
            }
            if *because != Because::Again && self.is_refused(entity, system, &record, hash)? {
                self.counts.unchanged += u64::from(*because == Because::Changed);
                continue;
            }
            match self.read_record(entity, system, &record) {
                // It no longer takes part: what was wrong with it no longer matters.
                Ok(None) => {
                    let at = place(entity, system, &record);
                    self.unpark(&at, &mut facts)?;
                    self.release(&at, link.as_ref(), &mut facts)?;
                    self.note_left(system, link, &mut facts)?;
                }
                Ok(Some(canonical)) => {
                    works.push(work_of(entity, system, Fresh { record, hash, canonical, resolved: false }, link));
                }
                Err(problem) => {
                    let at = place(entity, system, &record);
                    let trouble = Trouble::new(Why::Mapping, problem.message.clone()).field(problem.field.clone());
                    let label = label_of(entity, column, &record);
                    self.park(&at, link.map(|link| link.id), label, trouble, hash, &mut facts)?;
                }
            }
        }
        self.engine.store.commit(facts)?;
        Ok(works)
    }

    /// Whether this very content was refused before: only a change of the record, or a person, brings it back.
    fn is_refused(&self, entity: &Entity, system: &SystemName, record: &Record, hash: u64) -> Result<bool> {
        let parked = self.engine.store.parked_at(&place(entity, system, record))?;
        Ok(parked.is_some_and(|parked| parked.hash == hash && parked.attempts > 0 && !parked.why.cures_itself()))
    }

    /// What is known of a record under its id or, after a merge, under one of its old ids.
    ///
    /// A record of a new id takes the place of one that was merged into it; two that both have a link are looked into.
    fn known(&mut self, entity: &Entity, system: &SystemName, record: &Record) -> Result<Option<Seen>> {
        let store = self.engine.store.clone();
        let mut own = store.seen(entity.name(), system, &record.id)?;
        for alias in &record.aliases {
            let Some(seen) = store.seen(entity.name(), system, alias)? else { continue };
            match &own {
                Some(own) if own.link == seen.link => {}
                Some(own) => self.merged.push((seen.link, own.link.clone())),
                None => own = self.take_place(entity, system, record, seen)?,
            }
        }
        Ok(own)
    }

    fn take_place(&self, entity: &Entity, system: &SystemName, record: &Record, seen: Seen) -> Result<Option<Seen>> {
        let Some(mut link) = self.engine.store.link(&seen.link)? else { return Ok(None) };
        let Some(side) = link.sides.get_mut(system) else { return Ok(None) };
        side.id = record.id.clone();
        let moved = Seen { link: link.id.clone(), hash: 0 };
        // The link must be found under its new id by what follows in this very page.
        let mut facts = Facts::new();
        facts.seen(entity.name(), system, &record.id, &moved);
        facts.link(&link);
        self.engine.store.commit(facts)?;
        Ok(Some(moved))
    }

    /// A record that was put away keeps its link: it may come back, and nothing is deleted elsewhere.
    fn note_absence(
        &self,
        entity: &Entity,
        system: &SystemName,
        record: &Record,
        link: Option<Link>,
        facts: &mut Facts,
    ) -> Result<()> {
        let at = place(entity, system, record);
        // What may have begun something elsewhere is for the next run to look into.
        if self.engine.store.parked_at(&at)?.is_some_and(|parked| !parked.why.cures_itself()) {
            facts.unpark(&at);
        }
        self.release(&at, link.as_ref(), facts)?;
        let Some(mut link) = link else { return Ok(()) };
        if let Some(side) = link.sides.get_mut(system) {
            side.presence = record.presence;
            side.left |= self.is_left_out(entity, system, record);
        }
        facts.seen(&link.entity, system, &record.id, &Seen { link: link.id.clone(), hash: 0 });
        self.keep(&link, facts)
    }

    /// Nobody needs to say yes to what a record would have brought about that is not there any more.
    pub(super) fn release(&self, at: &At, link: Option<&Link>, facts: &mut Facts) -> Result<()> {
        let Some(link) = link else { return Ok(()) };
        for held in self.engine.store.held_of(&link.id)?.into_iter().filter(|held| held.source == *at) {
            facts.release(&held.link, &held.target);
        }
        Ok(())
    }

    /// A record that its column's `where` leaves out by now keeps its link; should it be deleted, that concerns nobody.
    fn note_left(&self, system: &SystemName, link: Option<Link>, facts: &mut Facts) -> Result<()> {
        let Some(mut link) = link else { return Ok(()) };
        let Some(side) = link.sides.get_mut(system).filter(|side| !side.left) else { return Ok(()) };
        side.left = true;
        side.presence = Presence::Present;
        self.keep(&link, facts)
    }

    /// The record's canonical form, or `None` when the column's `where` leaves it out.
    pub(super) fn read_record(
        &self,
        entity: &Entity,
        system: &SystemName,
        record: &Record,
    ) -> std::result::Result<Option<Canonical>, Problem> {
        let Some(column) = entity.column(system) else { return Ok(None) };
        if !column.takes_part(&record.fields)? {
            return Ok(None);
        }
        column.read(&record.fields).map(Some).map_err(first)
    }

    /// A record no longer waits, if it did.
    pub(super) fn unpark(&self, at: &At, facts: &mut Facts) -> Result<()> {
        if self.engine.store.parked_at(at)?.is_some() {
            facts.unpark(at);
        }
        Ok(())
    }

    /// Parks a record; a plan collects it.
    pub(super) fn park(
        &mut self,
        at: &At,
        link: Option<crate::model::LinkId>,
        label: String,
        trouble: Trouble,
        hash: u64,
        facts: &mut Facts,
    ) -> Result<()> {
        let before = self.engine.store.parked_at(at)?;
        let parked = Parked {
            at: at.clone(),
            link,
            label,
            why: trouble.why,
            reason: trouble.reason,
            field: trouble.field,
            detail: trouble.detail,
            hash,
            since: before.as_ref().map_or_else(|| self.now(), |before| before.since),
            attempts: before.as_ref().map_or(1, |before| before.attempts + 1),
        };
        if before.is_none() {
            self.counts.parked += 1;
        }
        facts.park(&parked);
        if self.mode == Mode::Dry {
            self.parked.retain(|other| other.at != parked.at);
            self.parked.push(parked);
        }
        Ok(())
    }
}

/// The first of several problems speaks for all; the next shows once it is mended.
pub(super) fn first(problems: Vec<Problem>) -> Problem {
    let several = problems.len();
    match problems.into_iter().next() {
        Some(problem) if several > 1 => {
            Problem::new(problem.field.clone(), format!("{} (and {} more)", problem.message, several - 1))
        }
        Some(problem) => problem,
        None => Problem::new("", "the record does not fit"),
    }
}

fn place(entity: &Entity, system: &SystemName, record: &Record) -> At {
    At { entity: entity.name().clone(), system: system.clone(), id: record.id.clone() }
}

fn work_of(entity: &Entity, system: &SystemName, fresh: Fresh, link: Option<Link>) -> Work {
    let new = link.is_none();
    let side = || LinkSide {
        resource: entity.column(system).map(|column| column.resource().clone()).unwrap_or_else(|| "".into()),
        id: fresh.record.id.clone(),
        ..LinkSide::default()
    };
    let mut link = link.unwrap_or_else(|| Link {
        id: super::link::link_id(entity.name(), system, &fresh.record.id),
        entity: entity.name().clone(),
        label: entity.label(&fresh.canonical),
        sides: [(system.clone(), side())].into(),
        ..Link::default()
    });
    if let Some(known) = link.sides.get_mut(system) {
        known.presence = Presence::Present;
        known.left = false;
    }
    Work { link, new, source: system.clone(), sides: [(system.clone(), fresh)].into(), ..Work::default() }
}

/// A name for a record that cannot be read whole: the first of its fields that says something.
fn label_of(entity: &Entity, column: &Column, record: &Record) -> String {
    let texts = entity.field_names().filter_map(|field| column.native_path(field)).filter_map(|path| {
        record.fields.get(path).and_then(serde_json::Value::as_str).filter(|text| !text.trim().is_empty())
    });
    texts.into_iter().next().unwrap_or(record.id.as_str()).to_owned()
}
