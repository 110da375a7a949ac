//! The story's time: from a day of its own as fast as the machine's, and short waits take none of it.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use passerelle_core::clock::{Clock, SystemClock};

/// Waits up to here are the hub keeping to a vendor's limits; longer ones are a patience, which must run in earnest.
const SHORT: Duration = Duration::from_secs(5);

/// The machine's clock, shifted; a short wait shifts it further instead of waiting.
#[derive(Debug)]
pub(super) struct StoryTime {
    shift: Mutex<SignedDuration>,
}

impl StoryTime {
    /// Time that is `at` now.
    pub fn beginning(at: Timestamp) -> Self {
        Self { shift: Mutex::new(at.duration_since(SystemClock.now())) }
    }
}

#[async_trait]
impl Clock for StoryTime {
    fn now(&self) -> Timestamp {
        let now = SystemClock.now();
        let shift = *self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        now.checked_add(shift).unwrap_or(now)
    }

    async fn sleep(&self, duration: Duration) {
        if duration > SHORT {
            return SystemClock.sleep(duration).await;
        }
        let mut shift = self.shift.lock().unwrap_or_else(PoisonError::into_inner);
        *shift = shift.saturating_add(SignedDuration::try_from(duration).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_short_wait_is_over_at_once_and_is_in_the_time_all_the_same() {
        let begins: Timestamp = "2026-10-05T08:00:00Z".parse().unwrap();
        let time = StoryTime::beginning(begins);
        for _ in 0..100 {
            time.sleep(SHORT).await;
        }
        assert!(time.now() >= begins + 500 * SignedDuration::from_secs(1));
    }
}
