//! A world for one hub: stand-ins on loopback in this process, a folder with config, mappings and state, a time of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use passerelle_core::clock::Timestamp;
use passerelle_core::emulator::{EmulatedTime, Emulator, Host, Hosted, serve};
use passerelle_core::store::{Sled, Store};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::Done;
use crate::watch::{Watch, Watched};

/// The vendors that are played.
pub const PLAYED: [&str; 2] = ["hubspot", "dolibarr"];

/// What stands-ins are kept in.
const JOURNAL: &str = "emulated.jsonl";

/// Where worlds are made.
#[derive(Clone, Copy, Debug)]
pub enum Ground {
    /// In memory where the machine has a folder for that: what a kill leaves is the same.
    Memory,
    /// On the disk of temporary files.
    Disk,
}

/// A world.
pub struct World {
    /// What people and tests reach the vendors by.
    pub host: Arc<Host>,
    /// The vendors' side of a kill.
    pub watch: Arc<Watch>,
    folder: TempDir,
    /// Stops the stand-ins when it goes.
    _hosted: Hosted,
}

/// A world as it was at a moment at which no hub ran.
#[derive(Debug)]
pub struct Snapshot {
    folder: TempDir,
    start: Timestamp,
}

impl World {
    /// A new world with `sample` data, which begins at `start`.
    pub fn new(
        runtime: &tokio::runtime::Handle,
        ground: Ground,
        start: Timestamp,
        sample: &[(&str, Value)],
    ) -> Done<Self> {
        let world = Self::over(runtime, folder(ground)?, start)?;
        for (vendor, sample) in sample {
            world.host.control(vendor, "seed", sample)?;
        }
        let unlimited =
            json!({"ten_seconds": null, "daily": null, "searches_per_second": null, "search_lag_seconds": 5});
        world.host.control("hubspot", "settings", &unlimited)?;
        Ok(world)
    }

    /// A world that goes on from a snapshot.
    pub fn again(runtime: &tokio::runtime::Handle, from: &Snapshot) -> Done<Self> {
        let folder = folder(Ground::Memory)?;
        copy(from.folder.path(), folder.path())?;
        Self::over(runtime, folder, from.start)
    }

    fn over(runtime: &tokio::runtime::Handle, folder: TempDir, start: Timestamp) -> Done<Self> {
        let watch = Arc::new(Watch::default());
        let registry = &passerelle::registry::REGISTRY;
        let mut emulators: Vec<Box<dyn Emulator>> = Vec::new();
        for vendor in PLAYED {
            let make = registry.plugin(vendor).and_then(|plugin| plugin.emulator).ok_or("no stand-in")?;
            emulators.push(Box::new(Watched { inner: make(), watch: Arc::clone(&watch) }));
        }
        let mut host = Host::new(emulators, EmulatedTime::standing_at(start));
        host.keep_in(&folder.path().join(JOURNAL))?;
        let host = Arc::new(host);
        let hosted = runtime.block_on(serve(Arc::clone(&host), ([127, 0, 0, 1], 0).into()))?;
        let world = Self { host, watch, folder, _hosted: hosted };
        world.configure()?;
        Ok(world)
    }

    fn configure(&self) -> Done<()> {
        let mut config = "[hub]\nstate = \"state\"\nmappings = \"mappings\"\n".to_owned();
        for (base, (name, key)) in self._hosted.bases.iter().zip([("crm", "token"), ("erp", "api_key")]) {
            config.push_str(&format!(
                "[systems.{name}]\nconnector = \"{}\"\nbase_url = \"{}\"\n{key} = \"{}\"\n\
                 requests_per_second = 10000\nburst = 10000\n",
                base.vendor, base.url, base.key
            ));
        }
        let flows = [("customers", "company"), ("contacts", "contact"), ("products", "product"), ("sales", "sale")];
        for (flow, entity) in flows {
            config.push_str(&format!("[flows.{flow}]\nentity = \"{entity}\"\nbetween = [\"crm\", \"erp\"]\n"));
        }
        fs::write(self.config(), config)?;
        fs::create_dir_all(self.folder.path().join("mappings"))?;
        for (name, text) in passerelle::registry::MAPPINGS {
            fs::write(self.folder.path().join("mappings").join(name), text)?;
        }
        Ok(())
    }

    /// The config file.
    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config.toml")
    }

    /// A file for the list of points.
    pub fn list(&self) -> PathBuf {
        self.folder.path().join("points")
    }

    /// The store, while no hub has it.
    pub fn store(&self) -> Done<Store> {
        let sled = Sled::open(&self.folder.path().join("state"), self.host.time_now())?;
        Ok(Store::new(Arc::new(sled)))
    }

    /// Lets some time pass for the vendors: what was written is in their indexes then.
    pub fn wait(&self) {
        self.host.time().advance(Duration::from_secs(60));
    }

    /// The world as it is.
    pub fn snapshot(&self, start: Timestamp) -> Done<Snapshot> {
        let folder = folder(Ground::Memory)?;
        copy(self.folder.path(), folder.path())?;
        Ok(Snapshot { folder, start })
    }
}

/// The instant in which a host lives.
pub trait Now {
    /// Tells it.
    fn time_now(&self) -> Timestamp;
}

impl Now for Host {
    fn time_now(&self) -> Timestamp {
        passerelle_core::clock::Clock::now(self.time())
    }
}

fn folder(ground: Ground) -> std::io::Result<TempDir> {
    let memory = Path::new("/dev/shm");
    match ground {
        Ground::Memory if memory.is_dir() => TempDir::with_prefix_in("passerelle-sweep-", memory),
        _ => TempDir::with_prefix("passerelle-sweep-"),
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?
        } else {
            fs::copy(entry.path(), target).map(drop)?
        }
    }
    Ok(())
}
