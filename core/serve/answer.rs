//! How a delivery is answered.

use std::time::Duration;

/// The answer to a delivery, for whatever server carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// When the sender may try again: the header `Retry-After`, in seconds.
    pub retry_after: Option<Duration>,
    /// For a person who reads the sender's log. It tells nothing of the secret, nor of other systems.
    pub message: String,
    /// Content type and body that the vendor wants instead of the message, where it wants any.
    pub receipt: Option<(&'static str, &'static str)>,
    /// Why, for the hub's own log, where the sender is told nothing.
    pub(super) kept: Option<String>,
}

impl Answer {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, retry_after: None, message: message.into(), receipt: None, kept: None }
    }

    pub(super) fn later(seconds: u64, message: impl Into<String>) -> Self {
        Self { retry_after: Some(Duration::from_secs(seconds)), ..Self::new(503, message) }
    }

    /// To a sender that may not even know that it came to the right place.
    pub(super) fn nothing_here(why: &str) -> Self {
        Self { kept: Some(why.to_owned()), ..Self::new(404, "not found") }
    }

    /// Whether the sender may forget the delivery: what it names is on disk.
    pub fn is_accepted(&self) -> bool {
        (200..300).contains(&self.status)
    }
}
