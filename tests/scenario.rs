//! Stories as files: what is given, what happens, what must then be so.

mod story;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use passerelle_core::clock::{Clock, ManualClock, Timestamp};
use passerelle_core::connector::Connector;
use passerelle_core::engine::{Engine, Flow, Scope, Unwatched};
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::model::SystemName;
use passerelle_core::plan::Change;
use passerelle_core::store::{self, Backend, Facts, Known, Run, Store, Verdict};
use passerelle_core::system::{System, Systems};
use serde_json::Value;

use crate::memory::Memory;
use story::{Deed, Deletion, Edit, Event, Gap, Story, Then, makes, trouble};

/// Tells the story in `file`.
///
/// # Errors
/// In words, when the story does not end as it says.
pub async fn tell(file: &Path) -> Result<(), String> {
    let text = std::fs::read_to_string(file).map_err(|cause| cause.to_string())?;
    let story: Story = toml::from_str(&text).map_err(|cause| cause.to_string())?;
    let folder = file.parent().unwrap_or(Path::new(".")).join("mappings");
    let mut teller = Teller::new(&story, &folder)?;
    for event in &story.when {
        teller.happen(event).await?;
    }
    teller.compare(&story.then).await
}

struct Teller {
    systems: BTreeMap<String, Memory>,
    engine: Engine,
    clock: Arc<ManualClock>,
    disk: Arc<store::Memory>,
    last_error: Option<String>,
    first_plan: Option<String>,
    /// Whether the journal must tell every write: it was not lost itself.
    tells_all: bool,
    tells_time: bool,
    /// What automations of the vendors set after every run.
    resets: Vec<Edit>,
}

impl Teller {
    fn new(story: &Story, folder: &Path) -> Result<Self, String> {
        let resources = ["companies", "contacts", "deals", "products", "rows"];
        let systems: BTreeMap<String, Memory> = story
            .systems
            .iter()
            .map(|name| {
                let mut memory = Memory::new(&resources, story.creates.effect());
                memory.search_finds_nothing = story.search_finds_nothing;
                memory.feed_repeats = story.feeds_repeat;
                if story.cannot_archive.contains(name) {
                    memory.cannot_archive();
                }
                if story.answers_ids {
                    memory.answers_ids();
                }
                (name.clone(), memory)
            })
            .collect();
        for (system, tables) in &story.given {
            let memory = systems.get(system).ok_or_else(|| format!("no system {system}"))?;
            for (resource, records) in tables {
                for (id, fields) in records {
                    memory.put(resource, id, fields.clone());
                }
            }
        }
        let mut sources = Vec::new();
        for name in &story.mappings {
            let path = folder.join(format!("{name}.toml"));
            let text = std::fs::read_to_string(&path).map_err(|cause| format!("{}: {cause}", path.display()))?;
            sources.push(Source { file: format!("{name}.toml"), text });
        }
        let kinds: Vec<(SystemName, String)> =
            story.systems.iter().map(|name| (name.as_str().into(), "memory".to_owned())).collect();
        let (mappings, _) = Mappings::load(&sources, &kinds)
            .map_err(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        let flow = |entity: &str, number: usize, between: &[String], on_delete: Deletion| Flow {
            name: format!("{entity}{number}").as_str().into(),
            entity: entity.into(),
            between: between.iter().map(|name| name.as_str().into()).collect(),
            max_changes: story.max_changes,
            on_delete: on_delete.policy(),
            max_deletes_percent: story.max_deletes_percent.unwrap_or(10),
        };
        let given = story.flows.iter().enumerate();
        let mut flows: Vec<Flow> = given
            .map(|(number, one)| flow(&one.entity, number, &one.between, one.on_delete.unwrap_or(story.on_delete)))
            .collect();
        if flows.is_empty() {
            flows = story.mappings.iter().map(|entity| flow(entity, 0, &story.systems, story.on_delete)).collect();
        }
        let built: Systems = systems
            .iter()
            .map(|(name, memory)| System::new(name.as_str().into(), Arc::new(memory.clone()) as Arc<dyn Connector>))
            .collect();
        let start: Timestamp = "2026-11-24T09:00:00Z".parse().map_err(|_| "no time".to_owned())?;
        let (clock, disk) = (Arc::new(ManualClock::at(start)), Arc::<store::Memory>::default());
        let engine = Engine {
            systems: Arc::new(built),
            mappings: Arc::new(mappings),
            store: Store::new(disk.clone()),
            clock: clock.clone(),
            flows,
            watch: Arc::new(Unwatched),
            proven: Arc::default(),
        };
        Ok(Self {
            systems,
            engine,
            clock,
            disk,
            last_error: None,
            first_plan: None,
            tells_all: true,
            tells_time: story.tells_time,
            resets: Vec::new(),
        })
    }

    async fn happen(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Edit(edit) => self.edit(edit)?,
            Event::Delete(at) => {
                let (memory, resource, id) = self.place(at)?;
                memory.delete(resource, id);
            }
            Event::Archive(at) => {
                let (memory, resource, id) = self.place(at)?;
                memory.archive(resource, id);
            }
            Event::Merge(pair) => {
                let (memory, resource, id) = self.place(&pair.at)?;
                memory.merge(resource, id, &pair.to);
            }
            Event::Copy(pair) => {
                let (memory, resource, id) = self.place(&pair.at)?;
                memory.copy(resource, id, &pair.to);
            }
            Event::Adds(systems) => {
                for (system, fields) in systems {
                    self.system(system)?.adds(fields.clone());
                }
            }
            Event::Leaves(system) => {
                for flow in &mut self.engine.flows {
                    flow.between.retain(|name| name.as_str() != system);
                }
            }
            Event::Sync(times) => {
                for _ in 0..*times {
                    self.clock.advance(Duration::from_secs(3600));
                    self.sync(Scope::Changed).await?;
                }
            }
            Event::SyncSoon(times) => {
                for _ in 0..*times {
                    self.sync(Scope::Changed).await?;
                }
            }
            Event::SyncFull(times) => {
                for _ in 0..*times {
                    self.clock.advance(Duration::from_secs(3600));
                    self.sync(Scope::Full).await?;
                }
            }
            Event::Apply(gap) => self.apply(gap).await?,
            Event::Trouble(troubles) => {
                for (system, list) in troubles {
                    for word in list {
                        self.system(system)?.trouble(trouble(word)?);
                    }
                }
            }
            Event::Happens(Deed::LastRunIsUndone) => self.undo().await?,
            Event::Take(system) => self.take(system)?,
            Event::Makes(systems) => {
                for (system, word) in systems {
                    self.system(system)?.makes(makes(word)?);
                }
            }
            Event::Resets(edit) => self.resets.push(edit.clone()),
            Event::Rest(systems) => {
                let is_off = |edit: &Edit| systems.iter().any(|system| edit.at.starts_with(&format!("{system}/")));
                self.resets.retain(|edit| !is_off(edit));
            }
            Event::Happens(deed) => self.deed(deed)?,
        }
        Ok(())
    }

    fn deed(&mut self, deed: &Deed) -> Result<(), String> {
        match deed {
            Deed::HeldIsApproved => self.judge(Verdict::Approved)?,
            Deed::HeldIsRejected => self.judge(Verdict::Rejected)?,
            Deed::ParkedIsRetried => {
                let mut facts = Facts::new();
                for mut parked in self.engine.store.parked(usize::MAX).map_err(|error| error.to_string())? {
                    parked.attempts = 0;
                    facts.park(&parked);
                }
                self.engine.store.commit(facts).map_err(|error| error.to_string())?;
            }
            Deed::SearchLags => self.systems.values().for_each(|memory| memory.search_lags(true)),
            Deed::SearchCatchesUp => self.systems.values().for_each(|memory| memory.search_lags(false)),
            Deed::StateIsLost => {
                self.tells_all = false;
                self.disk = Arc::default();
                self.engine.store = Store::new(self.disk.clone());
            }
            Deed::LastRunIsUndone => {}
        }
        Ok(())
    }

    async fn undo(&mut self) -> Result<(), String> {
        let told = |error: passerelle_core::Error| error.to_string();
        let runs = self.engine.store.runs().map_err(told)?;
        let wrote = |run: &&Run| self.engine.store.lines(Some(&run.id), None, 1).is_ok_and(|lines| !lines.is_empty());
        let run = runs.iter().rev().find(wrote).ok_or("no run has written anything")?;
        self.clock.advance(Duration::from_secs(60));
        let undo = self.engine.undo(run).await.map_err(told)?;
        let applied = self.engine.apply(&undo.plan).await.map_err(told)?;
        self.last_error = applied.refused.first().map(|refused| refused.reason.clone());
        Ok(())
    }

    /// Runs every flow, after a plan of the same, which must change nothing and say what the run then does.
    async fn sync(&mut self, scope: Scope) -> Result<(), String> {
        self.tell_time(None)?;
        let result = self.run(scope).await;
        for edit in self.resets.clone() {
            self.edit(&edit)?;
        }
        result
    }

    /// The vendors' clocks: the hub's own, unless a story says otherwise.
    fn tell_time(&self, on: Option<&str>) -> Result<(), String> {
        let on = on.map(|text| text.parse::<Timestamp>().map_err(|cause| format!("{text}: {cause}"))).transpose()?;
        let now = self.tells_time.then(|| self.clock.now());
        self.systems.values().for_each(|memory| memory.time(on.or(now)));
        Ok(())
    }

    /// A person takes the value of a system, as `conflicts resolve --all` does.
    fn take(&self, system: &str) -> Result<(), String> {
        let mut facts = Facts::new();
        for mut conflict in self.conflicts()? {
            let name = SystemName::from(system);
            let Some(said) = conflict.sides.get(&name).cloned() else { continue };
            facts.again(&store::At { entity: conflict.entity.clone(), system: name.clone(), id: said.id });
            conflict.taken = Some(store::Taken { system: name, value: said.value, at: self.clock.now() });
            (conflict.moved, conflict.refused) = (None, None);
            facts.conflict(&conflict);
        }
        self.engine.store.commit(facts).map_err(|error| error.to_string())
    }

    fn conflicts(&self) -> Result<Vec<store::Conflict>, String> {
        self.engine.store.conflicts_after(None, usize::MAX).map_err(|error| error.to_string())
    }

    async fn run(&mut self, scope: Scope) -> Result<(), String> {
        let flows = self.engine.flows.clone();
        let troubled = self.systems.values().any(Memory::is_troubled);
        let before = (self.facts()?, self.written());
        let plan = self.engine.plan(&flows, scope).await.map_err(|error| error.to_string())?;
        self.first_plan.get_or_insert_with(|| plan.to_string());
        if before != (self.facts()?, self.written()) {
            return Err("a plan changed something".to_owned());
        }
        let told = self.journal()?.len();
        let reports = self.engine.sync(&flows, scope).await.map_err(|error| error.to_string())?;
        self.last_error =
            reports.iter().filter_map(|report| report.error.as_ref()).map(ToString::to_string).next_back();
        if troubled || self.last_error.is_some() {
            return Ok(());
        }
        let made: Vec<(String, String, String)> = self.journal()?.split_off(told);
        let planned: Vec<(String, String, String)> = plan.changes().map(told_of).collect();
        if let Some(missing) = planned.iter().find(|change| !made.contains(change)) {
            return Err(format!("planned and not made: {missing:?}; made {made:?}"));
        }
        match made.iter().find(|change| change.0 == "create" && !planned.contains(change)) {
            Some(surprise) => Err(format!("created and not planned: {surprise:?}")),
            None if planned.is_empty() && !made.is_empty() => Err(format!("not planned at all: {made:?}")),
            None => Ok(()),
        }
    }

    fn facts(&self) -> Result<Vec<store::Pair>, String> {
        self.disk.scan(&[], None, usize::MAX).map_err(|error| error.to_string())
    }

    fn journal(&self) -> Result<Vec<(String, String, String)>, String> {
        let entries = self.engine.store.journal(None).map_err(|error| error.to_string())?;
        let answered = entries.into_iter().filter(|one| one.known.is_answered());
        Ok(answered.map(|one| (one.op, one.link.to_string(), one.system.to_string())).collect())
    }

    fn written(&self) -> Vec<String> {
        let told =
            |(name, memory): (&String, &Memory)| memory.written().into_iter().map(|write| told(name, &write)).collect();
        self.systems.iter().flat_map(|one| -> Vec<String> { told(one) }).collect()
    }

    async fn apply(&mut self, gap: &Gap) -> Result<(), String> {
        let flows = self.engine.flows.clone();
        let plan = self.engine.plan(&flows, Scope::Changed).await.map_err(|error| error.to_string())?;
        if let Some(edit) = &gap.edit {
            self.edit(edit)?;
        }
        let applied = self.engine.apply(&plan).await.map_err(|error| error.to_string())?;
        self.last_error = applied.refused.first().map(|refused| refused.reason.clone());
        Ok(())
    }

    fn judge(&self, verdict: Verdict) -> Result<(), String> {
        let mut facts = Facts::new();
        for mut held in self.engine.store.held().map_err(|error| error.to_string())? {
            held.verdict = verdict;
            facts.hold(&held);
        }
        self.engine.store.commit(facts).map_err(|error| error.to_string())
    }

    fn edit(&self, edit: &Edit) -> Result<(), String> {
        let (memory, resource, id) = self.place(&edit.at)?;
        self.tell_time(edit.on.as_deref())?;
        memory.put(resource, id, edit.fields.clone());
        Ok(())
    }

    fn system(&self, name: &str) -> Result<&Memory, String> {
        self.systems.get(name).ok_or_else(|| format!("no system {name}"))
    }

    fn place<'a>(&self, at: &'a str) -> Result<(&Memory, &'a str, &'a str), String> {
        let mut parts = at.splitn(3, '/');
        let (Some(system), Some(resource), Some(id)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(format!("{at} is not system/resource/id"));
        };
        Ok((self.system(system)?, resource, id))
    }

    async fn compare(&self, then: &Then) -> Result<(), String> {
        for (system, tables) in &then.records {
            for (resource, records) in tables {
                for (id, wanted) in records {
                    let there = self.system(system)?.get(resource, id);
                    let place = format!("{system}/{resource}/{id}");
                    let there = there.ok_or_else(|| format!("{place} does not exist: {:?}", self.everything()))?;
                    for (field, value) in wanted {
                        same(&format!("{place}.{field}"), there.get(field).unwrap_or(&Value::Null), value)?;
                    }
                }
            }
        }
        for (place, wanted) in &then.count {
            let (system, resource) = place.split_once('/').ok_or_else(|| format!("{place} is not system/resource"))?;
            let count = self.system(system)?.all().keys().filter(|(there, _)| there == resource).count();
            same(place, &count, wanted)?;
        }
        let plan = self.first_plan.clone().unwrap_or_default();
        for line in &then.first_plan {
            same(
                &format!("the first plan says {line:?}:\n{plan}"),
                &plan.lines().any(|said| said.trim() == line),
                &true,
            )?;
        }
        let away = |(name, memory): (&String, &Memory)| -> Vec<String> {
            memory.archived().iter().map(|(resource, id)| format!("{name}/{resource}/{id}")).collect()
        };
        match &then.archived {
            Some(archived) => same("archived", &self.systems.iter().flat_map(away).collect::<Vec<_>>(), archived)?,
            None => same("archives", &self.written().iter().find(|write| write.starts_with("archive")), &None)?,
        }
        if let Some(journal) = &then.journal {
            same("journal", &self.written(), journal)?;
        }
        if self.tells_all {
            self.compare_journal()?;
        }
        same("jobs", &self.engine.store.jobs().map_err(|error| error.to_string())?.len(), &then.jobs)?;
        let parked = self.engine.store.parked(usize::MAX).map_err(|error| error.to_string())?;
        let reasons: Vec<String> = parked.into_iter().map(|parked: store::Parked| parked.reason).collect();
        if reasons.len() != then.parked.len()
            || !then.parked.iter().all(|part| reasons.iter().any(|r| r.contains(part)))
        {
            return Err(format!("parked: {reasons:#?}, wanted {:#?}", then.parked));
        }
        let conflicts: Vec<String> = self.conflicts()?.iter().map(told_conflict).collect();
        if conflicts.len() != then.conflicts.len()
            || !then.conflicts.iter().all(|part| conflicts.iter().any(|told| told.contains(part)))
        {
            return Err(format!("conflicts: {conflicts:#?}, wanted {:#?}", then.conflicts));
        }
        self.compare_rules(&then.rules)?;
        let held = self.engine.store.held().map_err(|error| error.to_string())?;
        let waiting = held.into_iter().filter(|held| held.verdict == Verdict::Waiting);
        same("held", &waiting.map(|held| held.label).collect::<Vec<_>>(), &then.held)?;
        match (&self.last_error, &then.error) {
            (None, None) => {}
            (Some(error), Some(part)) if error.contains(part.as_str()) => {}
            (error, wanted) => return Err(format!("error: {error:?}, wanted {wanted:?}")),
        }
        self.verify(then.differences).await
    }

    fn compare_rules(&self, wanted: &[String]) -> Result<(), String> {
        let entries = self.engine.store.journal(None).map_err(|error| error.to_string())?;
        let fields = entries.into_iter().flat_map(|entry| entry.fields);
        let rules: Vec<String> = fields.map(|field| format!("{}: {}", field.field, field.rule)).collect();
        match wanted.iter().find(|part| !rules.iter().any(|rule| rule.contains(*part))) {
            Some(missing) => Err(format!("no rule says {missing}: {rules:#?}")),
            None => Ok(()),
        }
    }

    /// Every write is in the journal, or still to be looked up; and what the journal is sure of was made.
    fn compare_journal(&self) -> Result<(), String> {
        let told = |error: passerelle_core::Error| error.to_string();
        let lines = self.engine.store.journal(None).map_err(told)?;
        let open = self.engine.store.intents(None, usize::MAX).map_err(told)?;
        let (made, sure) = (self.written(), lines.iter().filter(|line| line.known != Known::Unclear).count());
        // A state move that was made twice changed something once.
        let effects = made.iter().collect::<BTreeSet<_>>().len();
        if sure <= made.len() && effects <= lines.len() + open.len() {
            return Ok(());
        }
        Err(format!("the journal tells {lines:#?}, open are {open:#?}, and this was written: {made:#?}"))
    }

    async fn verify(&self, wanted: usize) -> Result<(), String> {
        let mut found = Vec::new();
        for flow in &self.engine.flows {
            found.extend(self.engine.verify(flow).await.map_err(|error| error.to_string())?.differences);
        }
        if found.len() == wanted {
            Ok(())
        } else {
            Err(format!("verify finds {found:#?}, wanted {wanted} differences"))
        }
    }

    fn everything(&self) -> Vec<(String, Vec<(String, String)>)> {
        self.systems.iter().map(|(name, memory)| (name.clone(), memory.all().into_keys().collect())).collect()
    }
}

fn told_of(change: &Change) -> (String, String, String) {
    (change.verb().to_owned(), change.link.to_string(), change.system.to_string())
}

fn told_conflict(conflict: &store::Conflict) -> String {
    let value = |value: &Value| value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
    let said = conflict.sides.iter().map(|(system, said)| format!("{system} says {}", value(&said.value)));
    let moved = conflict.moved.as_ref().map(|system| format!("; {system} moved")).unwrap_or_default();
    format!("{} of {}: {}{moved}", conflict.field, conflict.link, said.collect::<Vec<_>>().join(", "))
}

fn told(system: &str, write: &str) -> String {
    let (verb, rest) = write.split_once(' ').unwrap_or((write, ""));
    format!("{verb} {system}/{rest}").trim_end().to_owned()
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, there: &T, wanted: &T) -> Result<(), String> {
    if there == wanted { Ok(()) } else { Err(format!("{what}: {there:?}, wanted {wanted:?}")) }
}
