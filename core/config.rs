//! config.toml as structs; their doc comments are its reference.

mod check;
mod cron;
mod period;
mod resolve;
mod schema;
mod shape;
mod source;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use cron::Cron;
pub use period::Period;
pub use resolve::{Env, Resolved};
pub use schema::config_schema;

use crate::connector::Plugin;
use crate::diagnostic::Diagnostic;
use crate::error::ErrorKind;
use crate::http::Transport;
use crate::model::{EntityName, FlowName, SystemName};
use source::Source;

/// What config.toml says, without secrets: `${VAR}` still stands as it was written.
#[derive(Clone, Debug)]
pub struct Config {
    /// The hub itself.
    pub hub: Hub,
    /// Systems, in the file's order.
    pub systems: IndexMap<SystemName, SystemOptions>,
    /// Flows, in the file's order.
    pub flows: IndexMap<FlowName, Flow>,
    /// The server.
    pub serve: Serve,
    /// The folder of the file, from which relative paths start.
    pub folder: PathBuf,
    source: Source,
}

/// The tables of config.toml.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Tables {
    /// The hub itself: where it keeps its state and finds its mappings.
    #[serde(default)]
    hub: Hub,
    /// The systems to keep in agreement, by the name that you give each.
    #[serde(default)]
    systems: IndexMap<SystemName, SystemOptions>,
    /// What flows between them, by the name that you give each flow.
    #[serde(default)]
    flows: IndexMap<FlowName, Flow>,
    /// The server of `passerelle serve`.
    #[serde(default)]
    serve: Serve,
}

/// The hub itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hub {
    /// Folder in which the hub remembers; relative to config.toml. Back it up.
    pub state: PathBuf,
    /// Folder of the mapping files; relative to config.toml.
    pub mappings: PathBuf,
}

impl Default for Hub {
    fn default() -> Self {
        Self { state: "state".into(), mappings: "mappings".into() }
    }
}

/// One system: a connector and how to reach it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct SystemOptions {
    /// What the system speaks, such as `hubspot`; `passerelle connectors` lists them.
    pub connector: String,
    /// Secret of the vendor's webhooks, for a connector that receives any. Write `${VAR}`.
    pub webhook_secret: Option<String>,
    /// Address, limits and timeout, the same for every connector.
    #[serde(flatten)]
    pub transport: Transport,
    /// The connector's own options.
    #[serde(flatten)]
    pub options: Map<String, Value>,
}

/// One entity, kept in agreement between systems.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Flow {
    /// The entity, as in `entity = "..."` of a mapping file.
    pub entity: EntityName,
    /// The systems that share it, two or more.
    pub between: Vec<SystemName>,
    /// How often `passerelle serve` runs it, such as `30s`, `5m`, `1h` or `1d`; and at once on a webhook.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<Period>,
    /// When `passerelle serve` runs it instead: minute, hour, day, month, weekday; in UTC, or on the clocks of
    /// `time_zone`. With neither, it runs once when `serve` first sees it, and after that on webhooks only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<Cron>,
    /// Whose clocks `cron` means, such as `Europe/Paris`; UTC by default. Where clocks are set forward, what falls into
    /// the missing hour runs an hour later; where they are set back, what names its hours runs once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// A run that would write more records than this stops before the first write and asks; no limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_changes: Option<u64>,
    /// The greatest share of its linked records that a run may archive, in percent; 10 by default. A run that would
    /// archive more archives nothing, does the rest, and asks: of fewer than 10 records, a single one is more.
    #[serde(default = "ten")]
    #[schemars(range(max = 100))]
    pub max_deletes_percent: u8,
    /// What a deletion in one system means for the others, once it is seen: where a feed shows no deletions
    /// (`passerelle connectors` tells), only `passerelle sync --full` and webhooks do.
    #[serde(default)]
    pub on_delete: OnDelete,
}

fn ten() -> u8 {
    10
}

/// What a deletion in one system means for the others. It is followed once it is seen: where a system's feed does not
/// show deletions (`passerelle connectors` tells), that is by `passerelle sync --full`, and by webhooks where they name
/// the record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnDelete {
    /// The others keep theirs, and the record is not made again.
    #[default]
    Keep,
    /// The same, and a person is told: the link is parked.
    Review,
    /// The others are put away too, where their system can; a person is told where it cannot, and of documents that may
    /// be validated. What comes back later is neither put away again nor brought back elsewhere.
    Archive,
}

/// The server of `passerelle serve`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Serve {
    /// Address and port to listen on; port 0 lets the machine choose, and `serve` says which.
    pub listen: String,
    /// Address under which vendors reach this server, such as `https://hub.example.com`, where a proxy stands in front
    /// of it: HubSpot signs the address that it calls, which is this and `/hooks/<system>`. Without it, the name in the
    /// request is taken, by http.
    pub public_url: Option<String>,
    /// Bearer token of the admin API; without one it is off. Write `${VAR}`.
    pub admin_token: Option<String>,
}

impl Default for Serve {
    fn default() -> Self {
        Self { listen: "127.0.0.1:8088".into(), public_url: None, admin_token: None }
    }
}

impl Config {
    /// Reads and checks the file at `path`.
    ///
    /// # Errors
    /// All findings at once.
    pub fn load(path: &Path, plugins: &[Plugin]) -> Result<Self, Vec<Diagnostic>> {
        let file = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|cause| {
            let found = Diagnostic::whole("C0101", &file, format!("cannot read it: {cause}"));
            vec![found.help("`passerelle init` writes one; `--config FILE` names another")]
        })?;
        let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Self::parse(&file, &text, folder, plugins)
    }

    /// Checks `text` as the file `file` in `folder`.
    ///
    /// # Errors
    /// All findings at once.
    pub fn parse(file: &str, text: &str, folder: &Path, plugins: &[Plugin]) -> Result<Self, Vec<Diagnostic>> {
        let (source, value) = Source::read(file, text)?;
        let found = check::findings(&source, &value, plugins);
        if found.iter().any(Diagnostic::is_error) {
            return Err(found);
        }
        let tables: Tables =
            serde_json::from_value(value).map_err(|cause| vec![Diagnostic::whole("C0103", file, cause.to_string())])?;
        let Tables { hub, systems, flows, serve } = tables;
        Ok(Self { hub, systems, flows, serve, folder: folder.to_owned(), source })
    }

    /// Where the hub remembers.
    pub fn state_folder(&self) -> PathBuf {
        self.inside(&self.hub.state)
    }

    /// Where mapping files are.
    pub fn mappings_folder(&self) -> PathBuf {
        self.inside(&self.hub.mappings)
    }

    /// A path of the config, named as a person in its folder would.
    fn inside(&self, path: &Path) -> PathBuf {
        if self.folder == Path::new(".") { path.to_owned() } else { self.folder.join(path) }
    }

    /// System and connector names, as mappings need them.
    pub fn columns(&self) -> Vec<(SystemName, String)> {
        self.systems.iter().map(|(name, options)| (name.clone(), options.connector.clone())).collect()
    }

    /// A finding at a JSON pointer such as `/flows/sales/entity`, or at the nearest table above it.
    pub fn finding(&self, code: &'static str, pointer: &str, message: impl Into<String>) -> Diagnostic {
        self.source.finding(code, pointer, message)
    }

    /// What a connector said of its options, as a finding at the option it names, else at the system's table.
    pub fn refusal(&self, system: &SystemName, error: &crate::Error) -> Diagnostic {
        let named = error.fact("option").or_else(|| error.message().split('`').nth(1));
        let table = format!("/systems/{system}");
        let key = named.map(|name| format!("{table}/{name}")).filter(|key| self.source.knows(key));
        let code = if error.kind() == ErrorKind::Config { "C0113" } else { "C0114" };
        self.finding(code, key.as_deref().unwrap_or(&table), format!("`{system}`: {error}"))
    }
}
