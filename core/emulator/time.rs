//! The time that emulators live in: a clock, moved forward at will.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use crate::clock::{Clock, ManualClock, Timestamp};

/// A clock that can be moved forward; clones are the same clock.
///
/// It is a [`Clock`] itself, so that a hub beside the emulators can live in the same time.
#[derive(Clone, Debug)]
pub struct EmulatedTime {
    clock: Arc<dyn Clock>,
    ahead: Arc<Mutex<Duration>>,
}

impl EmulatedTime {
    /// Time that runs with `clock`.
    pub fn of(clock: Arc<dyn Clock>) -> Self {
        Self { clock, ahead: Arc::default() }
    }

    /// Time that stands at `start` until it is moved.
    pub fn standing_at(start: Timestamp) -> Self {
        Self::of(Arc::new(ManualClock::at(start)))
    }

    /// Moves it forward.
    pub fn advance(&self, by: Duration) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        *ahead = ahead.saturating_add(by);
    }
}

#[async_trait]
impl Clock for EmulatedTime {
    fn now(&self) -> Timestamp {
        let ahead = *self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        self.clock.now().checked_add(ahead).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_is_seen_by_every_clone_and_comes_on_top_of_the_clock() {
        let clock = Arc::new(ManualClock::at("2026-11-24T08:00:00Z".parse().unwrap()));
        let time = EmulatedTime::of(clock.clone());
        time.clone().advance(Duration::from_secs(86_400));
        clock.advance(Duration::from_secs(60));
        assert_eq!(time.now().to_string(), "2026-11-25T08:01:00Z");
    }
}
