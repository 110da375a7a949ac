//! From config.toml to systems: secrets filled in, connectors built, nothing called.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::System;
use crate::clock::Clock;
use crate::config::{Config, Env};
use crate::connector::Tools;
use crate::diagnostic::Diagnostic;
use crate::error::ErrorKind;
use crate::http::{Transport, Wire};
use crate::mapping::Mappings;
use crate::model::{ResourceName, SystemName};
use crate::registry::Registry;
use crate::{Error, Result};

/// What systems are built from.
pub struct Parts<'a> {
    /// Which systems there are.
    pub config: &'a Config,
    /// What they speak.
    pub registry: &'a Registry,
    /// What is read of them; without mappings, connectors ask for what they need themselves.
    pub mappings: Option<&'a Mappings>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Where `${VAR}` is looked up.
    pub env: Env<'a>,
    /// Opens the way out for a system.
    pub open: &'a (dyn Fn(&Transport) -> Result<Arc<dyn Wire>> + Sync),
}

/// Systems by name, in the order of config.toml.
#[derive(Clone, Debug, Default)]
pub struct Systems(IndexMap<SystemName, Arc<System>>);

impl Systems {
    /// Builds the `needed` systems; others need no secrets.
    ///
    /// # Errors
    /// All findings at once: variables that are not set, options that a connector refuses.
    pub fn build<'n>(
        parts: &Parts<'_>,
        needed: impl IntoIterator<Item = &'n SystemName>,
    ) -> Result<Self, Vec<Diagnostic>> {
        let needed: BTreeSet<&SystemName> = needed.into_iter().collect();
        let mut systems = IndexMap::new();
        let mut found = Vec::new();
        for name in parts.config.systems.keys().filter(|name| needed.contains(name)) {
            match parts.system(name) {
                Ok(system) => _ = systems.insert(name.clone(), Arc::new(system)),
                Err(findings) => found.extend(findings),
            }
        }
        if found.is_empty() { Ok(Self(systems)) } else { Err(found) }
    }

    /// A system by its name.
    ///
    /// # Errors
    /// `Bug` for one that was not built.
    pub fn get(&self, name: &SystemName) -> Result<&Arc<System>> {
        self.0.get(name).ok_or_else(|| Error::new(ErrorKind::Bug, "a system was not built").at("system", name))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<System>> {
        self.0.values()
    }
}

impl FromIterator<System> for Systems {
    fn from_iter<T: IntoIterator<Item = System>>(systems: T) -> Self {
        Self(systems.into_iter().map(|system| (system.name().clone(), Arc::new(system))).collect())
    }
}

impl Parts<'_> {
    /// Builds one system.
    ///
    /// # Errors
    /// All findings at once, each at the key or table of config.toml that it is about.
    pub fn system(&self, name: &SystemName) -> Result<System, Vec<Diagnostic>> {
        let resolved = self.config.resolve(name, self.env)?;
        let refusal = |error: Error| {
            let told = Error::new(error.kind(), resolved.redact(&error.to_string()));
            let told =
                error.fact("option").map(str::to_owned).into_iter().fold(told, |told, key| told.at("option", key));
            vec![self.config.refusal(name, &told)]
        };
        let connector = &self.config.systems[name].connector;
        let plugin = self
            .registry
            .plugin(connector)
            .ok_or_else(|| refusal(Error::new(ErrorKind::Config, format!("there is no connector `{connector}`"))))?;
        let wire = (self.open)(&resolved.transport).map_err(refusal)?;
        let tools = Tools {
            wire,
            clock: Arc::clone(&self.clock),
            transport: resolved.transport.clone(),
            folder: self.config.folder.clone(),
            wanted: Arc::new(self.wanted(name)),
        };
        let mut options = resolved.options.clone();
        if let Some(secret) = &resolved.webhook_secret {
            options["webhook_secret"] = Value::String(secret.reveal().to_owned());
        }
        let connector = (plugin.build)(options, tools).map_err(refusal)?;
        Ok(System::new(name.clone(), connector))
    }

    fn wanted(&self, system: &SystemName) -> BTreeMap<ResourceName, BTreeSet<String>> {
        let mut wanted: BTreeMap<ResourceName, BTreeSet<String>> = BTreeMap::new();
        let columns = self.mappings.into_iter().flat_map(Mappings::entities);
        for column in columns.filter_map(|entity| entity.column(system)) {
            wanted.entry(column.resource().clone()).or_default().extend(column.wanted());
        }
        wanted
    }
}
