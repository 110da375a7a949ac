//! One error type; its kind is named by what the hub does next.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The hub's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the hub does about an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// A person must mend the configuration or a mapping; exit code 2.
    Config,
    /// Credentials or rights are missing: stop this system, others go on.
    Denied,
    /// The record or the route is not there.
    NotFound,
    /// The record moved since it was read: read again, decide again.
    Stale,
    /// The vendor refuses this write for good: park it with the vendor's words.
    Rejected,
    /// Wait for the quota, then repeat.
    RateLimited,
    /// The vendor is down or unreachable and nothing was sent: wait, then repeat.
    Unavailable,
    /// A write was sent and no answer came: look before writing again.
    OutcomeUnknown,
    /// The connector cannot do this.
    Unsupported,
    /// The hub or a vendor broke a promise; nobody can act but a developer.
    Bug,
}

/// An error: a kind for the engine, a sentence for the person, facts as pairs, the cause kept.
///
/// Sentences are lower case, without a full stop, quote the remote's own words and never hold a secret.
pub struct Error {
    kind: ErrorKind,
    message: String,
    facts: Vec<(&'static str, String)>,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), facts: Vec::new(), retry_after: None, cause: None }
    }

    /// Adds a fact, such as the field or the record it is about.
    #[must_use]
    pub fn at(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }

    /// Keeps the cause.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Says how long the vendor asked to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// The same error with another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.kind = kind;
        self
    }

    /// What the hub does next.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The sentence for the person, without facts.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// A fact by its name.
    pub fn fact(&self, name: &str) -> Option<&str> {
        self.facts.iter().find(|(n, _)| *n == name).map(|(_, v)| v.as_str())
    }

    /// How long the vendor asked to wait, if it did.
    pub fn wait(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Whether waiting and repeating may cure it.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::RateLimited | ErrorKind::Unavailable)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if !self.facts.is_empty() {
            let facts: Vec<String> = self.facts.iter().map(|(name, value)| format!("{name}: {value}")).collect();
            write!(f, " ({})", facts.join(", "))?;
        }
        if let Some(cause) = &self.cause {
            write!(f, ": {cause}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.as_ref().map(|cause| cause.as_ref() as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_a_sentence_with_its_facts() {
        let error = Error::new(ErrorKind::Rejected, "the VAT number is not accepted").at("field", "vat");
        assert_eq!(error.to_string(), "the VAT number is not accepted (field: vat)");
    }
}
