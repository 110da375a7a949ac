//! What is about to be written is on disk before the network is touched; what got no answer is looked up.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::gate::is_draft;
use super::pass::{Mode, Pass};
use super::work::{Fresh, Work};
use crate::connector::Effect;
use crate::mapping::Entity;
use crate::model::{EntityName, Presence, RemoteId, RunId, SystemName, Write};
use crate::plan::{Change, Op};
use crate::reconcile::agrees;
use crate::store::{Entry, Facts, FieldEntry, Job, Known, Link, Origin, Place, Seen};
use crate::{ErrorKind, Result};

/// Intents looked up together.
const BATCH: usize = 100;

/// Which intents are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Intended {
    /// All, before a run decides anything.
    Anything,
    /// Creates, once a run has looked for them.
    Creates,
}

/// What the store said of a write that was not answered, and of the record as it is now.
struct Looked<'f> {
    fresh: Option<&'f Fresh>,
    /// Whether the record was read; where it was not, its absence says nothing.
    was_read: bool,
}

impl Pass<'_> {
    /// One commit before the call: the links and jobs of creates, so that a crash looks before it creates again, and
    /// what the journal will say of each write, so that none goes untold.
    pub(super) fn start(
        &mut self,
        works: &mut [Work],
        batch: &[(usize, Change)],
        writes: &[Write],
    ) -> Result<Vec<(Place, Entry)>> {
        let mut facts = Facts::new();
        let mut intents = Vec::new();
        let mut met = Vec::new();
        for ((at, change), write) in batch.iter().zip(writes) {
            let work = &mut works[*at];
            let entity = self.entity(&change.entity)?;
            self.note_sent(entity, work, change, &mut facts)?;
            if self.identify(entity, work, &mut facts)? {
                met.push(*at);
            }
            if change.op == Op::Create {
                facts.link(&work.link);
                facts.start(&Job {
                    link: change.link.clone(),
                    entity: change.entity.clone(),
                    target: change.system.clone(),
                    sources: vec![work.source_at()],
                    started: self.now(),
                    moved: false,
                });
            }
            if matches!(change.op, Op::Finish { .. })
                && let Some(job) = self.engine.store.job_at(&change.link, &change.system)?
                && let Some(side) = work.sides.get(&change.system)
                && is_draft(self.column(entity, &change.system)?, side)
            {
                facts.start(&Job { moved: true, ..job });
            }
            // The record was read since: what an earlier write made of it shows, and after this one it would not.
            for (place, mut older) in self.engine.store.intents_of(&work.link.id)? {
                let fresh = work.sides.get(&change.system);
                // What an applied plan did not read is looked up by the next run.
                let is_unread = fresh.is_none() && work.link.sides.contains_key(&change.system);
                if older.system == change.system && !is_unread {
                    older.id = id_of(&older, Some(&work.link)).unwrap_or_default();
                    let made = self.was_made(&older, &Looked { fresh, was_read: fresh.is_some() })?;
                    close(&place, older, made, &mut facts);
                }
            }
            let entry = self.intent(work, change, write);
            let place = Place { run: entry.run.clone(), number: self.next_number() };
            facts.intend(place.number, &entry);
            intents.push((place, entry));
        }
        if let Some((_, change)) = batch.first() {
            let met = met.into_iter().map(|at| &works[at]);
            self.remember_matches(self.entity(&change.entity)?, met, &mut facts)?;
        }
        self.engine.store.commit(facts)?;
        Ok(intents)
    }

    /// Who is whom is known before anything is written: should the write fail, the records are found again, also under
    /// the ids that a merge gives them, and no double of them is created. Tells whether it was not known yet.
    fn identify(&self, entity: &Entity, work: &mut Work, facts: &mut Facts) -> Result<bool> {
        if !std::mem::take(&mut work.new) && work.joined.is_none() {
            return Ok(false);
        }
        facts.link(&work.link);
        for (name, side) in &work.link.sides {
            if self.engine.store.seen(entity.name(), name, &side.id)?.is_none_or(|seen| seen.link != work.link.id) {
                facts.seen(entity.name(), name, &side.id, &Seen { link: work.link.id.clone(), hash: 0 });
            }
        }
        Ok(true)
    }

    fn intent(&self, work: &Work, change: &Change, write: &Write) -> Entry {
        let (run, id) = match (&self.mode, &change.op) {
            (Mode::Wet(run), Op::Update { id } | Op::Finish { id } | Op::Archive { id }) => (run.clone(), id.clone()),
            (Mode::Wet(run), Op::Create) => (run.clone(), RemoteId::default()),
            (Mode::Dry, _) => (RunId::default(), RemoteId::default()),
        };
        let from = change.basis.iter().map(|one| Origin {
            system: one.at.system.clone(),
            id: one.at.id.clone(),
            hash: one.hash.clone(),
            modified: one.modified,
        });
        let moves = match write {
            Write::Create { then, .. } | Write::Update { then, .. } => then.clone(),
            Write::Archive { .. } => Vec::new(),
        };
        Entry {
            run,
            flow: self.flow_name(),
            at: self.now(),
            entity: change.entity.clone(),
            link: work.link.id.clone(),
            system: change.system.clone(),
            resource: change.resource.clone(),
            id,
            op: change.verb().to_owned(),
            fields: change.fields.clone(),
            moves,
            from: from.collect(),
            known: Known::Answered,
        }
    }

    /// Looks up the writes that got no answer, of the flow's entity and of those it refers to that no flow keeps: what
    /// was made becomes a line of the journal, what was not is forgotten.
    ///
    /// A system that does not answer now leaves its intents to the next run.
    pub(super) async fn look_up_intents(&mut self, entity: &Entity, which: Intended) -> Result<()> {
        if self.mode == Mode::Dry {
            return Ok(());
        }
        let mine = self.decides_for(entity);
        let mut after: Option<(Place, Entry)> = None;
        loop {
            let page = self.engine.store.intents(after.as_ref(), BATCH)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.clone());
            let mut groups: BTreeMap<(EntityName, SystemName), Vec<(Place, Entry)>> = BTreeMap::new();
            for (place, entry) in page {
                let is_asked = which == Intended::Anything || entry.op == "create";
                if is_asked && mine.contains(&entry.entity) {
                    groups.entry((entry.entity.clone(), entry.system.clone())).or_default().push((place, entry));
                }
            }
            for ((entity, system), intents) in groups {
                let entity = self.entity(&entity)?;
                if self.kept_in(entity).contains(&system) {
                    self.look_up(entity, &system, intents).await?;
                }
            }
        }
    }

    async fn look_up(&mut self, entity: &Entity, system: &SystemName, intents: Vec<(Place, Entry)>) -> Result<()> {
        let mut ids: BTreeMap<Place, RemoteId> = BTreeMap::new();
        for (place, entry) in &intents {
            let link = self.engine.store.link(&entry.link)?;
            if let Some(id) = id_of(entry, link.as_ref()) {
                ids.insert(place.clone(), id);
            }
        }
        let wanted: Vec<RemoteId> = ids.values().cloned().collect::<BTreeSet<_>>().into_iter().collect();
        let resource = self.column(entity, system)?.resource().clone();
        let records = match self.engine.systems.get(system)?.read(&resource, &wanted).await {
            Ok(records) => records,
            Err(error) => {
                tracing::debug!(%system, %error, "writes without an answer are looked up by the next run");
                return Ok(());
            }
        };
        let mut facts = Facts::new();
        let mut created = BTreeSet::new();
        for (place, mut entry) in intents {
            let id = ids.get(&place);
            let record = records.iter().find(|record| Some(&record.id) == id && record.presence == Presence::Present);
            let mut fresh = record.and_then(|record| self.take_in(entity, system, record).ok().flatten());
            if let Some(fresh) = &mut fresh {
                self.to_links(entity, system, &mut fresh.canonical, &mut |_| {})?;
            }
            if entry.op == "create" {
                if id.is_none() && self.engine.store.job_at(&entry.link, system)?.is_some() {
                    continue;
                }
                // Of several attempts at one record, one made it.
                if !created.insert(entry.link.clone()) {
                    facts.settle(&place, &entry);
                    continue;
                }
                entry.id = id.cloned().unwrap_or_default();
            }
            let made = self.was_made(&entry, &Looked { fresh: fresh.as_ref(), was_read: id.is_some() })?;
            close(&place, entry, made, &mut facts);
        }
        self.engine.store.commit(facts)
    }

    /// Whether a write without an answer was made, as far as the record tells; `None` when it was not.
    fn was_made(&self, entry: &Entry, looked: &Looked<'_>) -> Result<Option<Known>> {
        let fresh = match (entry.op.as_str(), looked.fresh) {
            ("create", None) => return self.was_created_unseen(entry),
            ("archive", fresh) => return Ok(fresh.is_none().then_some(Known::Found)),
            // Whatever it held is gone, or cannot be read.
            (_, None) => return Ok(looked.was_read.then_some(Known::Unclear)),
            (_, Some(fresh)) => fresh,
        };
        Ok(match entry.op.as_str() {
            "create" => match &fresh.record.key {
                Some(key) => (key.as_str() == entry.link.as_str()).then_some(Known::Found),
                None => Some(Known::Unclear),
            },
            // No field of ours tells whether the state moved, only that something did.
            "finish" => is_moved(entry, fresh).then_some(Known::Unclear),
            _ => shows(entry, fresh),
        })
    }

    /// A create that left no record under the link: where keys can be looked up, it was looked for.
    fn was_created_unseen(&self, entry: &Entry) -> Result<Option<Known>> {
        let effect = self.engine.systems.get(&entry.system)?.resource(&entry.resource)?.capabilities.create;
        Ok((effect == Effect::Blind).then_some(Known::Unclear))
    }
}

/// Whether an error leaves open whether the write was made: then its intent stays.
pub(super) fn leaves_open(kind: ErrorKind) -> bool {
    use ErrorKind::{NotFound, Rejected, Stale, Unsupported};
    !matches!(kind, Rejected | NotFound | Stale | Unsupported)
}

fn close(place: &Place, mut entry: Entry, made: Option<Known>, facts: &mut Facts) {
    facts.settle(place, &entry);
    if let Some(known) = made {
        entry.known = known;
        facts.journal(place.number, &entry);
    }
}

/// The record that an intent is about: a create's is the one that its link has by now.
fn id_of(entry: &Entry, link: Option<&Link>) -> Option<RemoteId> {
    match entry.op.as_str() {
        "create" => link?.sides.get(&entry.system).map(|side| side.id.clone()),
        _ => Some(entry.id.clone()),
    }
}

/// Whether the record is another than the one that was about to be written to.
fn is_moved(entry: &Entry, fresh: &Fresh) -> bool {
    let before = entry.from.iter().find(|origin| origin.system == entry.system);
    before.is_none_or(|before| before.hash != format!("{:016x}", fresh.hash))
}

/// Whether an update shows in the record: one field that has its new value is enough, all with their old ones is no.
fn shows(entry: &Entry, fresh: &Fresh) -> Option<Known> {
    let mut told: Vec<(&Value, &FieldEntry)> = Vec::new();
    for field in &entry.fields {
        let native = fresh.record.fields.get(field.field.as_str()).filter(|_| field.rule == "computed");
        let now = fresh.canonical.get(field.field.as_str()).or(native);
        told.extend(now.filter(|_| !agrees(&field.old, &field.new)).map(|now| (now, field)));
    }
    if told.iter().any(|(now, field)| agrees(now, &field.new)) {
        return Some(Known::Found);
    }
    let is_as_before =
        if told.is_empty() { !is_moved(entry, fresh) } else { told.iter().all(|(now, field)| agrees(now, &field.old)) };
    (!is_as_before).then_some(Known::Unclear)
}
