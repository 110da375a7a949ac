//! Passes over many records, each in a process of its own, so that its memory is its own.

use std::path::Path;
use std::sync::Arc;

use passerelle_core::clock::{Clock, SystemClock};
use passerelle_core::connector::{Connector, Effect};
use passerelle_core::engine::{Engine, Flow, Scope, Unwatched};
use passerelle_core::mapping::{Mappings, Source as File};
use passerelle_core::model::{SystemName, content_hash};
use passerelle_core::store::{Counts, Sled, Store};
use passerelle_core::system::{System, Systems};
use passerelle_core::{Error, ErrorKind, Result};
use passerelle_tests::memory::Memory;
use serde::{Deserialize, Serialize};

use super::source::Source;
use super::usage::{Watch, peak_mib};

/// What a process found out about one pass.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Measured {
    /// Records that came by.
    pub records: u64,
    /// Seconds on the wall.
    pub wall: f64,
    /// Seconds of the processor, all threads.
    pub processor: f64,
    /// The process's peak memory so far, in MiB.
    pub peak_mib: f64,
}

impl Measured {
    /// Records in a second of the processor.
    pub fn per_processor_second(&self) -> f64 {
        self.records as f64 / self.processor.max(0.01)
    }
}

/// What is written.
#[derive(Clone, Copy, Debug)]
enum Writes {
    Creates,
    Updates,
}

/// A hub over the source, with its store in a folder.
struct Hub {
    engine: Engine,
    source: Arc<dyn Connector>,
}

impl Hub {
    fn over(source: Arc<dyn Connector>, folder: &Path) -> Result<Self> {
        let file = File { file: "company.toml".to_owned(), text: include_str!("company.toml").to_owned() };
        let kinds: [(SystemName, String); 2] = ["crm", "erp"].map(|name| (name.into(), "memory".to_owned()));
        let told = |found: Vec<_>| Error::new(ErrorKind::Config, format!("{found:?}"));
        let (mappings, _) = Mappings::load(&[file], &kinds).map_err(told)?;
        let erp: Arc<dyn Connector> = Arc::new(Memory::new(&["companies"], Effect::Keyed));
        let systems = [System::new("crm".into(), Arc::clone(&source)), System::new("erp".into(), erp)];
        let flow = Flow {
            name: "customers".into(),
            entity: "company".into(),
            between: vec!["crm".into(), "erp".into()],
            ..Flow::default()
        };
        let clock = Arc::new(SystemClock);
        let engine = Engine {
            systems: Arc::new(systems.into_iter().collect::<Systems>()),
            mappings: Arc::new(mappings),
            store: Store::new(Arc::new(Sled::open(folder, clock.now())?)),
            clock,
            flows: vec![flow],
            watch: Arc::new(Unwatched),
            proven: Arc::default(),
        };
        Ok(Self { engine, source })
    }

    /// Creates or updates of `count` records, in batches of ten, each an answered call and what the store needs for it.
    async fn write(&self, crm: &Memory, count: u64, what: Writes) -> Result<Measured> {
        let edit = |phone: &str| {
            (0..count).for_each(|n| {
                let fields = serde_json::json!({ "phone": phone, "name": format!("Ateliers {n}"), "stage": "client" });
                crm.put("companies", &n.to_string(), fields.as_object().cloned().unwrap_or_default());
            });
        };
        edit("+33320000000");
        let first = self.changed().await?;
        if matches!(what, Writes::Creates) {
            return Ok(Measured { records: first.0.created, ..first.1 });
        }
        edit("+33320000001");
        let second = self.changed().await?;
        Ok(Measured { records: second.0.updated, ..second.1 })
    }

    async fn changed(&self) -> Result<(Counts, Measured)> {
        let watch = Watch::start();
        let report = self.engine.sync(&self.engine.flows, Scope::Changed).await?.pop();
        let (wall, processor) = watch.seconds();
        let report = report.ok_or_else(|| Error::new(ErrorKind::Bug, "there is no flow"))?;
        let measured = Measured { records: 0, wall, processor, peak_mib: peak_mib() };
        report.error.map_or(Ok((report.counts, measured)), Err)
    }

    /// One full pass; every record must come by, and be met as new or known as wanted.
    async fn pass(&self, count: u64, known: u64) -> Result<Measured> {
        let watch = Watch::start();
        let reports = self.engine.sync(&self.engine.flows, Scope::Full).await?;
        let (wall, processor) = watch.seconds();
        let wrong = |why: String| Err(Error::new(ErrorKind::Bug, why));
        for report in reports {
            if let Some(error) = report.error {
                return Err(error);
            }
            if (report.counts.read, report.counts.unchanged, report.waiting) != (count, known, 0) {
                return wrong(format!("{count} records, {known} of them known, were told as {:?}", report.counts));
            }
        }
        Ok(Measured { records: count, wall, processor, peak_mib: peak_mib() })
    }

    /// Reads the source to its end and does the same with every page.
    async fn each_page(
        &self,
        mut work: impl FnMut(Vec<passerelle_core::model::Record>) -> Result<()>,
    ) -> Result<Measured> {
        let watch = Watch::start();
        let (mut since, mut records) = (None, 0);
        loop {
            let page = self.source.changes(&"companies".into(), since.as_ref()).await?;
            records += page.records.len() as u64;
            work(page.records)?;
            if !page.more {
                break;
            }
            since = Some(page.next);
        }
        let (wall, processor) = watch.seconds();
        Ok(Measured { records, wall, processor, peak_mib: peak_mib() })
    }

    /// Hash, look-up and mapping of every record; nothing is decided.
    async fn map(&self) -> Result<Measured> {
        let missing = || Error::new(ErrorKind::Bug, "the entity is missing");
        let entity = self.engine.mappings.entity(&"company".into()).ok_or_else(missing)?;
        let crm: SystemName = "crm".into();
        let column = entity.column(&crm).ok_or_else(missing)?;
        self.each_page(|records| {
            for record in records {
                let hash = content_hash(&record.fields, column.digest());
                let seen = self.engine.store.seen(entity.name(), &crm, &record.id)?;
                let canonical = column.read(&record.fields);
                let problems = canonical.as_ref().map(|canonical| entity.validate(canonical)).unwrap_or_default();
                if seen.is_none_or(|seen| seen.hash != hash) || canonical.is_err() || !problems.is_empty() {
                    return Err(Error::new(ErrorKind::Bug, format!("{}: {canonical:?} {problems:?}", record.id)));
                }
            }
            Ok(())
        })
        .await
    }
}

/// What a child process does: `source`, `first`, `again`, `map`, `create` or `update`.
///
/// # Errors
/// When the pass did not do what it should have.
pub async fn child(what: &str, count: u64, folder: &Path) -> Result<Measured> {
    let writes = match what {
        "create" => Some(Writes::Creates),
        "update" => Some(Writes::Updates),
        _ => None,
    };
    if let Some(writes) = writes {
        let crm = Memory::new(&["companies"], Effect::Keyed);
        return Hub::over(Arc::new(crm.clone()), folder)?.write(&crm, count, writes).await;
    }
    let hub = Hub::over(Arc::new(Source::of(count)), folder)?;
    match what {
        "source" => {
            hub.each_page(|records| {
                drop(records);
                Ok(())
            })
            .await
        }
        "first" => hub.pass(count, 0).await,
        "again" => hub.pass(count, count).await,
        "map" => hub.map().await,
        _ => Err(Error::new(ErrorKind::Config, format!("a child does not know `{what}`"))),
    }
}
