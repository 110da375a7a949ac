//! What every command starts from: config, mappings, systems.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget};

use super::demo::Demo;
use super::doors::Doors;
use super::logging::Verbosity;
use super::output::{self, Failure, Format, Paint, Report};
use crate::clock::{Clock, SystemClock};
use crate::config::Config;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::mapping::{Mappings, Source};
use crate::model::{FlowName, SystemName};
use crate::registry::Registry;
use crate::system::{Parts, Systems};
use crate::{Error, ErrorKind, Result};

/// What every command starts from.
#[derive(Debug)]
pub struct Context {
    /// Connectors, shipped mappings, samples.
    pub registry: &'static Registry,
    /// The config file, as the person named it.
    pub config_path: PathBuf,
    /// For whom the command speaks.
    pub format: Format,
    /// Colours for stdout.
    pub paint: Paint,
    /// The time.
    pub clock: Arc<dyn Clock>,
    pub(super) doors: Arc<Doors>,
    pub(super) demo: Demo,
    verbosity: Verbosity,
}

impl Context {
    pub(super) fn new(
        registry: &'static Registry,
        demo: Demo,
        doors: Arc<Doors>,
        config_path: PathBuf,
        format: Format,
        verbosity: Verbosity,
    ) -> Self {
        let paint = if format == Format::Json { Paint::none() } else { Paint::stdout() };
        Self { registry, config_path, format, paint, clock: Arc::new(SystemClock), doors, demo, verbosity }
    }

    /// The same context with another config file, and in another time.
    pub fn beside(&self, config_path: PathBuf, clock: Arc<dyn Clock>) -> Self {
        let Self { registry, format, paint, demo, verbosity, .. } = *self;
        Self { registry, config_path, format, paint, clock, doors: Arc::clone(&self.doors), demo, verbosity }
    }

    /// The config; it needs no secrets.
    ///
    /// # Errors
    /// All findings in it.
    pub fn config(&self) -> Result<Config, Vec<Diagnostic>> {
        Config::load(&self.config_path, self.registry.plugins)
    }

    /// The mappings that `config` names, and warnings about them.
    ///
    /// # Errors
    /// All findings in them, and flows that do not fit them.
    pub fn mappings(&self, config: &Config) -> Result<(Mappings, Vec<Diagnostic>), Vec<Diagnostic>> {
        let sources = read_mappings(&config.mappings_folder())?;
        let (mappings, warnings) = Mappings::load(&sources, &config.columns())?;
        let found = flows_without_a_column(config, &mappings);
        if found.is_empty() { Ok((mappings, warnings)) } else { Err(found) }
    }

    /// The named flows, or all of them.
    ///
    /// # Errors
    /// `Config` that names those there are.
    pub fn flows(&self, config: &Config, asked: &[FlowName]) -> Result<Vec<FlowName>> {
        if let Some(unknown) = asked.iter().find(|name| !config.flows.contains_key(*name)) {
            let known: Vec<&str> = config.flows.keys().map(FlowName::as_str).collect();
            let near = suggestion(unknown.as_str(), known.iter().copied());
            let near = near.map_or_else(String::new, |near| format!("did you mean `{near}`? "));
            let message = format!("there is no flow `{unknown}`; {near}there are {}", known.join(", "));
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(config.flows.keys().filter(|name| asked.is_empty() || asked.contains(name)).cloned().collect())
    }

    /// Proves that config.toml has a system of this name.
    ///
    /// # Errors
    /// `Config` that names those there are.
    pub fn known(&self, config: &Config, system: &SystemName) -> Result<()> {
        if config.systems.contains_key(system) {
            return Ok(());
        }
        let known: Vec<&str> = config.systems.keys().map(SystemName::as_str).collect();
        let message = format!("there is no system `{system}`; there are {}", known.join(", "));
        Err(Error::new(ErrorKind::Config, message))
    }

    /// The systems of these names, ready to be called.
    ///
    /// # Errors
    /// All findings at once: variables that are not set, options that a connector refuses.
    pub fn systems<'n>(
        &self,
        config: &Config,
        mappings: Option<&Mappings>,
        needed: impl IntoIterator<Item = &'n SystemName>,
    ) -> Result<Systems, Vec<Diagnostic>> {
        Systems::build(&self.parts(config, mappings), needed)
    }

    /// What systems are built from: this machine's environment, clock and network.
    pub fn parts<'a>(&'a self, config: &'a Config, mappings: Option<&'a Mappings>) -> Parts<'a> {
        let clock = Arc::clone(&self.clock);
        Parts { config, registry: self.registry, mappings, clock, env: &environment, open: &*self.doors.wire }
    }

    /// A sign of life on stderr for long work; hidden where stderr is no terminal, and with `-q`.
    pub fn progress(&self, message: &str) -> ProgressBar {
        let bar = ProgressBar::new_spinner().with_message(message.to_owned());
        if self.verbosity == Verbosity::Quiet {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// Says a report at once, for a command that goes on.
    ///
    /// # Errors
    /// `Unavailable` when stdout cannot be written.
    pub fn say(&self, report: &Report) -> Result<(), Failure> {
        output::say(self.format, report)
            .map_err(|cause| Error::new(ErrorKind::Unavailable, "cannot write the output").because(cause).into())
    }
}

/// What a person looks at when a system refuses the hub or cannot be reached.
pub fn advice(config: &Config, system: &SystemName, error: &Error) -> Option<String> {
    let variables = config.variables(system).into_iter().map(|(key, variable)| format!("`{key}` (from {variable})"));
    let keys: Vec<String> = variables.collect();
    match error.kind() {
        ErrorKind::Denied if keys.is_empty() => {
            Some(format!("check the credentials in [systems.{system}], and what they may do"))
        }
        ErrorKind::Denied => Some(format!("check {}, and what it may do", keys.join(", "))),
        ErrorKind::Unavailable => Some(format!("check `systems.{system}.base_url`, and whether the system is up")),
        _ => None,
    }
}

fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The mapping files of a folder, by name.
fn read_mappings(folder: &Path) -> Result<Vec<Source>, Vec<Diagnostic>> {
    let shown = folder.display().to_string();
    let cannot = |file: &str, cause: std::io::Error| {
        vec![
            Diagnostic::whole("C0120", file, format!("cannot read the mappings: {cause}"))
                .help("`hub.mappings` names their folder; `passerelle init` writes some to start from"),
        ]
    };
    let entries = std::fs::read_dir(folder).map_err(|cause| cannot(&shown, cause))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let mut sources = Vec::new();
    for path in paths {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(&path).map_err(|cause| cannot(&file, cause))?;
        sources.push(Source { file, text });
    }
    Ok(sources)
}

fn flows_without_a_column(config: &Config, mappings: &Mappings) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let known: Vec<&str> = mappings.entities().map(|entity| entity.name().as_str()).collect();
    for (name, flow) in &config.flows {
        let table = format!("/flows/{name}");
        let Some(entity) = mappings.entity(&flow.entity) else {
            let message = format!("there is no mapping of the entity `{}`", flow.entity);
            let finding = config.finding("C0121", &format!("{table}/entity"), message);
            found.push(finding.help(format!("mapped: {}", known.join(", "))));
            continue;
        };
        for (index, system) in flow.between.iter().enumerate() {
            if entity.column(system).is_none() {
                let message = format!("`{}` has no column for `{system}`", flow.entity);
                let finding = config.finding("C0122", &format!("{table}/between/{index}"), message);
                found.push(finding.help(format!("add [on.{system}] and its columns to {}", entity.file())));
            }
        }
    }
    found
}
