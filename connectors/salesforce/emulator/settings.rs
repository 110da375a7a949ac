//! What a test or a person sets in the org.

use jiff::SignedDuration;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// A duplicate rule: records that share a value of one of the fields are alike.
#[derive(Clone, Debug)]
pub(super) struct DuplicateRule {
    pub object: String,
    pub fields: Vec<String>,
    /// Whether it only warns.
    pub alerts: bool,
}

/// An outbound message: which object, which fields, when, and where to.
#[derive(Clone, Debug)]
pub(super) struct OutboundRule {
    pub object: String,
    pub fields: Vec<String>,
}

/// Settings of the org.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Rows of a query's page.
    pub page: usize,
    /// API calls of 24 hours.
    pub quota: u64,
    /// Fields that the integration user may not see, as `Object.Field`.
    pub hidden: Vec<String>,
    /// Objects whose feature is not enabled.
    pub without: Vec<String>,
    /// The next so many writes of rows meet a lock.
    pub locks: u64,
    /// Every so many-th write of a row meets a lock.
    pub lock_every: Option<u64>,
    /// How long a token lives without being used.
    pub idle: SignedDuration,
    /// How long a person's write takes to be seen.
    pub commit_delay: SignedDuration,
    /// How long a bulk job takes.
    pub bulk_delay: SignedDuration,
    /// A bulk job that writes fails after so many rows.
    pub bulk_fails_after: Option<usize>,
    /// A value that a validation rule refuses.
    pub marker: Option<String>,
    pub duplicates: Vec<DuplicateRule>,
    pub outbound: Vec<OutboundRule>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            page: 2000,
            quota: 100_000,
            hidden: Vec::new(),
            without: Vec::new(),
            locks: 0,
            lock_every: None,
            idle: SignedDuration::from_hours(2),
            commit_delay: SignedDuration::ZERO,
            bulk_delay: SignedDuration::ZERO,
            bulk_fails_after: None,
            marker: None,
            duplicates: Vec::new(),
            outbound: Vec::new(),
        }
    }
}

impl Settings {
    /// Sets what is named: `page`, `quota`, `hidden`, `without`, `locks`, `lock_every`, `token_idle_seconds`,
    /// `commit_delay`, `bulk_delay`, `bulk_fails_after`, `marker`, `duplicate_rules` (`object`, `fields`, `action`), `outbound` (`object`,
    /// `fields`).
    ///
    /// # Errors
    /// `Config` for a name or value that is none.
    pub(super) fn set(&mut self, arguments: &Value) -> Result<()> {
        for (name, value) in arguments.as_object().into_iter().flatten() {
            let wrong = || Error::new(ErrorKind::Config, format!("`{name}` cannot be {value}"));
            let number = || value.as_u64().ok_or_else(wrong);
            let seconds = || number().map(|seconds| SignedDuration::from_secs(seconds as i64));
            match name.as_str() {
                "page" => self.page = number()?.clamp(1, 2000) as usize,
                "quota" => self.quota = number()?,
                "hidden" => self.hidden = texts(value),
                "without" => self.without = texts(value),
                "locks" => self.locks = number()?,
                "lock_every" => self.lock_every = value.as_u64(),
                "token_idle_seconds" => self.idle = seconds()?,
                "commit_delay" => self.commit_delay = seconds()?,
                "bulk_delay" => self.bulk_delay = seconds()?,
                "bulk_fails_after" => self.bulk_fails_after = value.as_u64().map(|rows| rows as usize),
                "marker" => self.marker = value.as_str().map(str::to_owned),
                "duplicate_rules" => self.duplicates = list(value, DuplicateRule::of),
                "outbound" => self.outbound = list(value, OutboundRule::of),
                _ => return Err(Error::new(ErrorKind::Config, format!("there is no setting `{name}`"))),
            }
        }
        Ok(())
    }
}

impl DuplicateRule {
    fn of(value: &Value) -> Self {
        Self { object: text(&value["object"]), fields: texts(&value["fields"]), alerts: value["action"] == "alert" }
    }
}

impl OutboundRule {
    fn of(value: &Value) -> Self {
        Self { object: text(&value["object"]), fields: texts(&value["fields"]) }
    }
}

fn list<T>(value: &Value, of: fn(&Value) -> T) -> Vec<T> {
    value.as_array().into_iter().flatten().map(of).collect()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}
