//! How a vendor is plugged in: a name, a config struct, a builder, an emulator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Connector, Resource};
use crate::clock::Clock;
use crate::emulator::Emulator;
use crate::http::{Transport, Wire};
use crate::model::ResourceName;
use crate::{Error, ErrorKind, Result};

/// What a connector's config struct implements.
pub trait Plug: DeserializeOwned + JsonSchema {
    /// The vendor's name, as in `connector = "..."`.
    const NAME: &'static str;
    /// One line for a person.
    const ABOUT: &'static str;

    /// The resources, known without a connection.
    fn resources() -> Vec<Resource>;

    /// Makes the connector; calls nothing.
    fn build(self, tools: Tools) -> Result<Arc<dyn Connector>>;
}

/// A vendor in the registry.
#[derive(Clone, Copy)]
pub struct Plugin {
    /// As in `connector = "..."`.
    pub name: &'static str,
    /// One line for a person.
    pub about: &'static str,
    /// The resources, known without a connection.
    pub resources: fn() -> Vec<Resource>,
    /// JSON Schema of the connector's own options.
    pub options: fn() -> Value,
    /// Makes the connector from its options; an error names the option.
    pub build: fn(Value, Tools) -> Result<Arc<dyn Connector>>,
    /// Makes a stand-in of the vendor, where there is one.
    pub emulator: Option<fn() -> Box<dyn Emulator>>,
}

impl Plugin {
    /// The plugin of a config struct, without an emulator.
    pub const fn of<C: Plug>() -> Self {
        Self {
            name: C::NAME,
            about: C::ABOUT,
            resources: C::resources,
            options: || serde_json::to_value(schemars::schema_for!(C)).unwrap_or(Value::Null),
            build: |options, tools| {
                tools.transport.check()?;
                let config: C = serde_json::from_value(options)
                    .map_err(|cause| Error::new(ErrorKind::Config, cause.to_string()))?;
                config.build(tools)
            },
            emulator: None,
        }
    }

    /// The same plugin with a stand-in.
    #[must_use]
    pub const fn with_emulator(mut self, emulator: fn() -> Box<dyn Emulator>) -> Self {
        self.emulator = Some(emulator);
        self
    }
}

impl std::fmt::Debug for Plugin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plugin").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What a connector is given to work with.
#[derive(Clone, Debug)]
pub struct Tools {
    /// The way out of the machine.
    pub wire: Arc<dyn Wire>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// What config.toml says of the transport, the same for every connector.
    pub transport: Transport,
    /// The folder that relative paths of config.toml start from.
    pub folder: PathBuf,
    /// The native paths that mappings use of each resource, for vendors that send only what is asked for.
    pub wanted: Arc<BTreeMap<ResourceName, BTreeSet<String>>>,
}
