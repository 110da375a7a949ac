//! Stories as files: what is given, what happens, what must then be so.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use passerelle_core::clock::{ManualClock, Timestamp};
use passerelle_core::connector::{Connector, Effect};
use passerelle_core::engine::{Engine, Flow, Scope, Unwatched};
use passerelle_core::mapping::{Mappings, Source};
use passerelle_core::model::{Fields, SystemName};
use passerelle_core::store::{self, Facts, Store, Verdict};
use passerelle_core::system::{System, Systems};
use serde::Deserialize;
use serde_json::Value;

use crate::memory::{Memory, Trouble};

/// One story.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    /// Mapping files of `tests/scenarios/mappings`, each a flow of its own in this order.
    mappings: Vec<String>,
    /// Systems in the order of the flows; `crm` and `erp` by default.
    #[serde(default = "crm_and_erp")]
    systems: Vec<String>,
    #[serde(default)]
    max_changes: Option<u64>,
    #[serde(default)]
    reviews_deletions: bool,
    /// The systems' search is behind for as long as the story lasts; keys and ids are found.
    #[serde(default)]
    search_finds_nothing: bool,
    #[serde(default)]
    given: Tables,
    #[serde(default)]
    when: Vec<Event>,
    then: Then,
}

type Tables = BTreeMap<String, BTreeMap<String, BTreeMap<String, Fields>>>;

/// What happens.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Event {
    /// A person edits `at = "crm/contacts/1"`.
    Edit(Edit),
    /// A person deletes a record.
    Delete(String),
    /// Every flow runs so many times.
    Sync(usize),
    /// Every flow is planned, and the plan applied as it is.
    Apply(Gap),
    /// The next writes of a system go wrong: `erp = ["lost_answer"]`.
    Trouble(BTreeMap<String, Vec<String>>),
    /// Something else happens.
    Happens(Deed),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Deed {
    /// A person says yes to everything that is held.
    HeldIsApproved,
    /// The hub's state is lost.
    StateIsLost,
}

#[derive(Debug, Deserialize)]
struct Edit {
    at: String,
    #[serde(flatten)]
    fields: Fields,
}

/// What happens between a plan and its application.
#[derive(Debug, Deserialize)]
struct Gap {
    #[serde(default)]
    edit: Option<Edit>,
}

/// What must be so in the end.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Then {
    /// Fields that records must have; others may be there.
    #[serde(default)]
    records: Tables,
    /// How many records a resource must have: `"erp/orders" = 1`.
    #[serde(default)]
    count: BTreeMap<String, usize>,
    /// Every write that took effect, in order.
    #[serde(default)]
    journal: Option<Vec<String>>,
    /// Why things are parked, each a part of the reason.
    #[serde(default)]
    parked: Vec<String>,
    /// Labels of what is held.
    #[serde(default)]
    held: Vec<String>,
    /// A part of the error that the last run ended with.
    #[serde(default)]
    error: Option<String>,
    /// How many differences `verify` finds.
    #[serde(default)]
    differences: usize,
}

fn crm_and_erp() -> Vec<String> {
    vec!["crm".to_owned(), "erp".to_owned()]
}

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
    last_error: Option<String>,
}

impl Teller {
    fn new(story: &Story, folder: &Path) -> Result<Self, String> {
        let resources = ["companies", "contacts", "deals", "products", "rows"];
        let systems: BTreeMap<String, Memory> = story
            .systems
            .iter()
            .map(|name| {
                let mut memory = Memory::new(&resources, Effect::Keyed);
                memory.search_finds_nothing = story.search_finds_nothing;
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
        let flows = story
            .mappings
            .iter()
            .map(|entity| Flow {
                name: entity.as_str().into(),
                entity: entity.as_str().into(),
                between: story.systems.iter().map(|name| name.as_str().into()).collect(),
                max_changes: story.max_changes,
                reviews_deletions: story.reviews_deletions,
            })
            .collect();
        let built: Systems = systems
            .iter()
            .map(|(name, memory)| System::new(name.as_str().into(), Arc::new(memory.clone()) as Arc<dyn Connector>))
            .collect();
        let start: Timestamp = "2026-11-24T09:00:00Z".parse().map_err(|_| "no time".to_owned())?;
        let engine = Engine {
            systems: Arc::new(built),
            mappings: Arc::new(mappings),
            store: empty(),
            clock: Arc::new(ManualClock::at(start)),
            flows,
            watch: Arc::new(Unwatched),
            proven: Arc::default(),
        };
        Ok(Self { systems, engine, last_error: None })
    }

    async fn happen(&mut self, event: &Event) -> Result<(), String> {
        match event {
            Event::Edit(edit) => self.edit(edit)?,
            Event::Delete(at) => {
                let (memory, resource, id) = self.place(at)?;
                memory.delete(resource, id);
            }
            Event::Sync(times) => {
                for _ in 0..*times {
                    self.sync().await?;
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
            Event::Happens(Deed::HeldIsApproved) => self.approve()?,
            Event::Happens(Deed::StateIsLost) => self.engine.store = empty(),
        }
        Ok(())
    }

    async fn sync(&mut self) -> Result<(), String> {
        let flows = self.engine.flows.clone();
        let reports = self.engine.sync(&flows, Scope::Changed).await.map_err(|error| error.to_string())?;
        self.last_error =
            reports.iter().filter_map(|report| report.error.as_ref()).map(ToString::to_string).next_back();
        Ok(())
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

    fn approve(&self) -> Result<(), String> {
        let mut facts = Facts::new();
        for mut held in self.engine.store.held().map_err(|error| error.to_string())? {
            held.verdict = Verdict::Approved;
            facts.hold(&held);
        }
        self.engine.store.commit(facts).map_err(|error| error.to_string())
    }

    fn edit(&self, edit: &Edit) -> Result<(), String> {
        let (memory, resource, id) = self.place(&edit.at)?;
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
        if let Some(journal) = &then.journal {
            let written: Vec<String> = self
                .systems
                .iter()
                .flat_map(|(name, memory)| memory.written().into_iter().map(move |write| told(name, &write)))
                .collect();
            same("journal", &written, journal)?;
        }
        let parked = self.engine.store.parked(usize::MAX).map_err(|error| error.to_string())?;
        let reasons: Vec<String> = parked.into_iter().map(|parked: store::Parked| parked.reason).collect();
        if reasons.len() != then.parked.len()
            || !then.parked.iter().all(|part| reasons.iter().any(|r| r.contains(part)))
        {
            return Err(format!("parked: {reasons:#?}, wanted {:#?}", then.parked));
        }
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

fn empty() -> Store {
    Store::new(Arc::new(store::Memory::default()))
}

fn told(system: &str, write: &str) -> String {
    let (verb, rest) = write.split_once(' ').unwrap_or((write, ""));
    format!("{verb} {system}/{rest}").trim_end().to_owned()
}

fn trouble(word: &str) -> Result<Trouble, String> {
    Ok(match word {
        "lost_answer" => Trouble::LostAnswer,
        "lost_request" => Trouble::LostRequest,
        "refused" => Trouble::Refused,
        "down" => Trouble::Down,
        "denied" => Trouble::Denied,
        _ => return Err(format!("no trouble {word}")),
    })
}

fn same<T: PartialEq + std::fmt::Debug + ?Sized>(what: &str, there: &T, wanted: &T) -> Result<(), String> {
    if there == wanted { Ok(()) } else { Err(format!("{what}: {there:?}, wanted {wanted:?}")) }
}
