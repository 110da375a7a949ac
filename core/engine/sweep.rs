//! After a full listing: records of links that were not listed, and that a read does not give either, are gone.

use super::PAGE;
use super::pass::{Mode, Pass};
use super::step::Why as Because;
use super::work::is_planned;
use crate::Result;
use crate::mapping::Entity;
use crate::model::{LinkId, Presence, Record, RemoteId, SystemName};
use crate::store::{At, Facts, Link};

impl Pass<'_> {
    /// What the records of a full listing are marked with. A feed that shows deletions is no exception: what its vendor
    /// purged before a run saw it put away is in no listing either.
    ///
    /// The marks are in the store, so that a listing of a million records needs no more memory than one of a hundred.
    pub(super) fn listing(&self) -> String {
        match &self.mode {
            Mode::Dry => "dry".to_owned(),
            Mode::Wet(run) => run.to_string(),
        }
    }

    /// Marks the records of a page that the hub knows.
    pub(super) fn mark_listed(
        &self,
        entity: &Entity,
        system: &SystemName,
        ids: &[RemoteId],
        mark: &str,
        facts: &mut Facts,
    ) -> Result<()> {
        for id in ids {
            if self.engine.store.seen(entity.name(), system, id)?.is_some() {
                facts.listed(entity.name(), system, id, mark);
            }
        }
        Ok(())
    }

    /// Notes what is gone of the links of an entity, page by page.
    pub(super) async fn sweep(&mut self, entity: &Entity, system: &SystemName, mark: &str) -> Result<()> {
        let mut after: Option<LinkId> = None;
        loop {
            self.go_on()?;
            let page = self.engine.store.links(entity.name(), after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.id.clone());
            let mut facts = Facts::new();
            let mut missing: Vec<(Link, RemoteId)> = Vec::new();
            for link in page {
                let Some(side) = link.sides.get(system).filter(|side| !is_planned(&side.id)) else { continue };
                let id = side.id.clone();
                let is_listed = self.engine.store.is_listed(entity.name(), system, &id, mark)?;
                facts.unlisted(entity.name(), system, &id);
                if !is_listed && side.presence == Presence::Present {
                    missing.push((link, id));
                }
            }
            let found = self.note_missing(entity, system, missing, &mut facts).await?;
            self.engine.store.commit(facts)?;
            self.step(entity, system, found, Because::Again).await?;
        }
    }

    /// Reads what was not listed and notes what is gone; gives what answers under another id, as after a merge.
    async fn note_missing(
        &self,
        entity: &Entity,
        system: &SystemName,
        missing: Vec<(Link, RemoteId)>,
        facts: &mut Facts,
    ) -> Result<Vec<Record>> {
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        let resource = self.column(entity, system)?.resource().clone();
        let ids: Vec<RemoteId> = missing.iter().map(|(_, id)| id.clone()).collect();
        let records = self.engine.systems.get(system)?.read(&resource, &ids).await?;
        let mut moved: Vec<Record> = Vec::new();
        for (mut link, id) in missing {
            let found = records.iter().find(|record| record.id == id || record.aliases.contains(&id));
            let present = found.filter(|record| record.presence == Presence::Present);
            let Some(side) = link.sides.get_mut(system).filter(|_| present.is_none()) else {
                // A listing that began before it was created may lack it; that is nothing to decide.
                let elsewhere = present.filter(|record| record.id != id && moved.iter().all(|one| one.id != record.id));
                moved.extend(elsewhere.cloned());
                continue;
            };
            side.presence = found.map_or(Presence::Gone, |record| record.presence);
            side.left |= found.is_some_and(|record| self.is_left_out(entity, system, record));
            let at = At { entity: entity.name().clone(), system: system.clone(), id };
            self.release(&at, Some(&link), facts)?;
            self.keep(&link, facts)?;
        }
        Ok(moved)
    }
}
