//! What a deletion on one side means for the others, once the feeds are read: told to a person, or followed, all or none.

use std::collections::BTreeMap;

use serde_json::json;

use super::pass::{Mode, Pass};
use super::work::{Trouble, Work, is_planned};
use super::{OnDelete, PAGE};
use crate::mapping::Entity;
use crate::model::{FieldName, Fields, LinkId, Presence, SystemName};
use crate::plan::{Basis, Change, Op};
use crate::store::{At, Departed, Facts, FieldEntry, Link, Why};
use crate::{Error, ErrorKind, Result};

/// Records named in a refusal.
const NAMED: usize = 5;

/// What a run would put away.
#[derive(Debug, Default)]
struct Wanted {
    links: u64,
    /// The first of them, for a person.
    labels: Vec<String>,
}

impl Pass<'_> {
    /// Tells or follows what was deleted. A flow that would put away too much puts nothing away, and says so at the end.
    pub(super) async fn follow_departures(&mut self, entity: &Entity) -> Result<()> {
        let wanted = self.wanted_archives(entity)?;
        if let Some(refusal) = self.too_many_archives(entity, &wanted)? {
            self.over_limit = Some(refusal);
            return Ok(());
        }
        let mut after: Option<Departed> = None;
        loop {
            let page = self.engine.store.departed(&self.flow.name, after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            self.go_on()?;
            self.following = true;
            let followed = self.follow_page(entity, page).await;
            self.following = false;
            followed?;
        }
    }

    /// Counts the links that would be put away, and forgets departures that nothing follows from.
    fn wanted_archives(&self, entity: &Entity) -> Result<Wanted> {
        let (mut wanted, mut counted) = (Wanted::default(), None);
        let mut after: Option<Departed> = None;
        loop {
            let page = self.engine.store.departed(&self.flow.name, after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(wanted) };
            after = Some(last.clone());
            let mut facts = Facts::new();
            for one in page {
                let link = self.engine.store.link(&one.link)?.filter(|link| link.id == one.link);
                let left = link.as_ref().map_or_else(Vec::new, |link| self.left_behind(link));
                let is_back = link.iter().flat_map(|link| link.sides.get(&one.system)).any(is_there);
                let Some(link) = link.filter(|_| self.flow.on_delete != OnDelete::Keep && !is_back && !left.is_empty())
                else {
                    facts.followed(&self.flow.name, &one.link, &one.system);
                    continue;
                };
                let can =
                    left.iter().any(|target| self.stays(entity, &link, target, None).is_ok_and(|why| why.is_none()));
                if can && counted.as_ref() != Some(&link.id) {
                    wanted.links += 1;
                    wanted.labels.extend(Some(link.label).filter(|_| wanted.labels.len() < NAMED));
                    counted = Some(link.id);
                }
            }
            self.engine.store.commit(facts)?;
        }
    }

    /// The flow's systems that still have a record of a link.
    fn left_behind(&self, link: &Link) -> Vec<SystemName> {
        let there =
            |name: &&SystemName| link.sides.get(*name).is_some_and(|side| is_there(side) && !is_planned(&side.id));
        self.flow.between.iter().filter(there).cloned().collect()
    }

    /// The refusal of a run that would put away more than `max_deletes_percent` of what is linked.
    fn too_many_archives(&self, entity: &Entity, wanted: &Wanted) -> Result<Option<Error>> {
        if wanted.links == 0 || self.flow.on_delete != OnDelete::Archive {
            return Ok(None);
        }
        let percent = u64::from(self.flow.max_deletes_percent);
        let is_within = |linked: u64| wanted.links * 100 <= percent * linked;
        let mut linked = wanted.links;
        let mut after: Option<LinkId> = None;
        while !is_within(linked) {
            let page = self.engine.store.links(entity.name(), after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id.clone());
            linked += page.iter().filter(|link| self.left_behind(link).len() > 1).count() as u64;
        }
        if is_within(linked) {
            return Ok(None);
        }
        let (flow, links) = (&self.flow.name, wanted.links);
        let mut named: String = wanted.labels.iter().map(|label| format!("\"{label}\"")).collect::<Vec<_>>().join(", ");
        if links > NAMED as u64 {
            named.push_str(&format!(" and {} more", links - NAMED as u64));
        }
        let message = format!(
            "{links} of {linked} linked records were deleted on one side, more than max_deletes_percent = {percent}; \
             none was archived: {named}"
        );
        let look = if self.mode == Mode::Dry { String::new() } else { format!("look at `passerelle plan {flow}`; ") };
        let remedy = format!(
            "{look}restore what should not be gone, or raise max_deletes_percent of \
             [flows.{flow}] to archive them, or set on_delete = \"keep\" there to leave them"
        );
        Ok(Some(Error::new(ErrorKind::Rejected, message).at("do", remedy)))
    }

    async fn follow_page(&mut self, entity: &Entity, page: Vec<Departed>) -> Result<()> {
        let mut works: Vec<Work> = Vec::new();
        let mut gone: Vec<Vec<SystemName>> = Vec::new();
        for one in page {
            if works.last().is_some_and(|work| work.link.id == one.link) {
                gone.last_mut().into_iter().for_each(|gone| gone.push(one.system.clone()));
                continue;
            }
            let Some(link) = self.engine.store.link(&one.link)?.filter(|link| link.id == one.link) else { continue };
            let source = self.left_behind(&link).into_iter().next().unwrap_or_else(|| one.system.clone());
            works.push(Work { link, source, ..Work::default() });
            gone.push(vec![one.system]);
        }
        self.gather(entity, &mut works).await?;
        let mut changes: Vec<(usize, Change)> = Vec::new();
        let mut kept = vec![None; works.len()];
        for at in 0..works.len() {
            let work = &works[at];
            let cause = gone[at].iter().find(|name| work.link.sides.get(*name).is_some_and(|side| !is_there(side)));
            let Some(cause) = cause.filter(|_| work.is_sound() && !work.stopped).cloned() else { continue };
            for target in self.flow.between.iter().filter(|name| works[at].sides.contains_key(*name)) {
                match self.stays(entity, &works[at].link, target, Some(&works[at]))? {
                    None => {
                        changes.extend(self.archive(entity, &works[at], &cause, target)?.map(|change| (at, change)))
                    }
                    Some(why) => kept[at] = Some((target.clone(), stays_there(&works[at].link, &cause, target, &why))),
                }
            }
        }
        let archived: Vec<usize> = changes.iter().map(|(at, _)| *at).collect();
        let stopped = if self.mode == Mode::Dry {
            self.pretend(&mut works, changes);
            Ok(())
        } else {
            self.push(entity, &mut works, changes).await
        };
        self.settle_followed(entity, works, &gone, kept, &archived)?;
        stopped
    }

    /// Remembers what was followed; what could not be is parked where the record still is.
    fn settle_followed(
        &mut self,
        entity: &Entity,
        mut works: Vec<Work>,
        gone: &[Vec<SystemName>],
        kept: Vec<Option<(SystemName, Trouble)>>,
        archived: &[usize],
    ) -> Result<()> {
        let mut facts = Facts::new();
        let mut settled = Vec::new();
        for (at, mut work) in works.drain(..).enumerate().filter(|(_, work)| !work.stopped) {
            let is_review = self.flow.on_delete == OnDelete::Review;
            let failed = work.trouble.is_some();
            if let Some((target, trouble)) = kept.get(at).cloned().flatten().filter(|_| !failed) {
                (work.source, work.trouble) = (target, Some(trouble));
            }
            if failed && archived.contains(&at) {
                work.trouble = work.trouble.take().and_then(unarchived);
            }
            // What is to be read or written again stays to be followed.
            let again = |told: &Trouble| !is_review && failed && told.why != Why::Deleted;
            if !work.trouble.as_ref().is_some_and(again) {
                gone[at].iter().for_each(|name| facts.followed(&self.flow.name, &work.link.id, name));
            }
            // Read here to be put away, not to be decided: what a person changed meanwhile is still to be seen.
            work.sides.clear();
            match (work.trouble.is_some(), archived.contains(&at)) {
                (false, false) => self.keep(&work.link, &mut facts)?,
                _ => settled.push(work),
            }
        }
        self.engine.store.commit(facts)?;
        self.settle(entity, &settled)
    }

    /// Why a record is not put away although its counterpart was; `None` when it is. Without `work`, as far as that is
    /// known before the record is read.
    fn stays(&self, entity: &Entity, link: &Link, target: &SystemName, work: Option<&Work>) -> Result<Option<String>> {
        let column = self.column(entity, target)?;
        let capabilities = &self.engine.systems.get(target)?.resource(column.resource())?.capabilities;
        if !capabilities.archive {
            return Ok(Some(format!("{target} cannot put {} away", column.resource())));
        }
        let is_document = entity.totals().is_some() && !capabilities.actions.is_empty();
        if is_document && self.engine.store.job_at(&link.id, target)?.is_none() {
            return Ok(Some("a document that may be validated is never put away by the hub".to_owned()));
        }
        let Some(side) = work.and_then(|work| work.sides.get(target)) else { return Ok(None) };
        match column.may_archive(&side.record.fields) {
            Ok(Some(true)) => Ok(None),
            Ok(None) if !is_document => Ok(None),
            Ok(None) => Ok(Some(format!("`archive` of [on.{target}] does not say how a draft is told"))),
            Ok(Some(false)) => Ok(Some(format!("`archive` of [on.{target}] does not allow it"))),
            Err(problem) => Ok(Some(format!("{}: {}", problem.field, problem.message))),
        }
    }

    fn archive(&self, entity: &Entity, work: &Work, cause: &SystemName, target: &SystemName) -> Result<Option<Change>> {
        let (Some(side), Some(gone)) = (work.sides.get(target), work.link.sides.get(cause)) else { return Ok(None) };
        let column = self.column(entity, target)?;
        let place = |system: &SystemName, id| At { entity: entity.name().clone(), system: system.clone(), id };
        let why = format!("{cause}/{} was {}", gone.id, super::depart::spoken(gone.presence));
        let here = Basis {
            at: place(target, side.record.id.clone()),
            resource: column.resource().clone(),
            hash: format!("{:016x}", side.hash),
            modified: side.modified(),
        };
        let there = Basis {
            at: place(cause, gone.id.clone()),
            resource: gone.resource.clone(),
            hash: Basis::GONE.to_owned(),
            modified: None,
        };
        Ok(Some(Change {
            link: work.link.id.clone(),
            entity: entity.name().clone(),
            label: work.link.label.clone(),
            system: target.clone(),
            resource: column.resource().clone(),
            op: Op::Archive { id: side.record.id.clone() },
            fields: vec![FieldEntry {
                field: FieldName::new("record"),
                old: json!("present"),
                new: json!("archived"),
                rule: why,
                source: cause.clone(),
            }],
            native: Fields::new(),
            then: Vec::new(),
            basis: vec![here, there],
            agreed: work.link.agreed.clone().unwrap_or_default(),
        }))
    }
}

/// What a failed archive leaves to a person: nothing where the record was gone already, else the vendor's refusal.
fn unarchived(trouble: Trouble) -> Option<Trouble> {
    match trouble.why {
        Why::Deleted => None,
        Why::Rejected => Some(Trouble { why: Why::Deleted, ..trouble }),
        _ => Some(trouble),
    }
}

fn is_there(side: &crate::store::LinkSide) -> bool {
    side.presence == Presence::Present
}

fn stays_there(link: &Link, cause: &SystemName, target: &SystemName, why: &str) -> Trouble {
    let id = |name: &SystemName| link.sides.get(name).map(|side| side.id.to_string()).unwrap_or_default();
    let presence = link.sides.get(cause).map_or(Presence::Gone, |side| side.presence);
    let reason = format!(
        "{cause}/{} was {}, and {target}/{} stays: {why}; decide there, then `passerelle parked drop` this",
        id(cause),
        super::depart::spoken(presence),
        id(target)
    );
    let records: BTreeMap<&SystemName, String> = [cause, target].map(|name| (name, id(name))).into();
    Trouble::new(Why::Deleted, reason).detail(json!({ "records": records }))
}
