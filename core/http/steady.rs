//! Elapsed time by our clock, for limits: it never goes back, even when the machine's clock is set back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::{Clock, Timestamp};

/// Time elapsed since it was made.
#[derive(Clone, Debug)]
pub(super) struct Steady {
    clock: Arc<dyn Clock>,
    seen: Arc<Mutex<(Timestamp, Duration)>>,
}

impl Steady {
    pub(super) fn of(clock: Arc<dyn Clock>) -> Self {
        let seen = Arc::new(Mutex::new((clock.now(), Duration::ZERO)));
        Self { clock, seen }
    }

    pub(super) fn elapsed(&self) -> Duration {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, elapsed) = *seen;
        let now = self.clock.now();
        let passed = Duration::try_from(now.duration_since(before)).unwrap_or(Duration::ZERO);
        *seen = (now, elapsed.saturating_add(passed));
        seen.1
    }
}

impl governor::clock::Clock for Steady {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct SetBack(Mutex<Vec<i64>>);

    #[async_trait::async_trait]
    impl Clock for SetBack {
        fn now(&self) -> Timestamp {
            Timestamp::from_second(self.0.lock().unwrap().remove(0)).unwrap()
        }

        async fn sleep(&self, _: Duration) {}
    }

    #[test]
    fn a_clock_that_is_set_back_stands_still_and_goes_on() {
        let steady = Steady::of(Arc::new(SetBack(Mutex::new(vec![1000, 1010, 10, 15]))));
        let elapsed: Vec<u64> = (0..3).map(|_| steady.elapsed().as_secs()).collect();
        assert_eq!(elapsed, [10, 10, 15]);
    }
}
