//! The gate that every call to a system passes: places, rate, and pauses that the vendor asked for.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::Limits;
use super::steady::Steady;
use crate::clock::Clock;
use crate::{Error, ErrorKind, Result};

/// One gate per system, shared by all who call it.
#[derive(Debug)]
pub(super) struct Gate {
    places: Semaphore,
    rate: RateLimiter<NotKeyed, InMemoryState, Steady, NoOpMiddleware<Duration>>,
    steady: Steady,
    clock: Arc<dyn Clock>,
    shut_until: Mutex<Duration>,
}

impl Gate {
    pub(super) fn new(limits: Limits, clock: Arc<dyn Clock>) -> Self {
        let steady = Steady::of(clock.clone());
        Self {
            places: Semaphore::new(limits.concurrency.clamp(1, Semaphore::MAX_PERMITS)),
            rate: RateLimiter::direct_with_clock(quota(limits), steady.clone()),
            steady,
            clock,
            shut_until: Mutex::default(),
        }
    }

    /// Waits for a place and for the rate; the place is held until the permit is dropped.
    ///
    /// # Errors
    /// `RateLimited` at once when the gate stays shut for longer than `patience`.
    pub(super) async fn enter(&self, patience: Duration) -> Result<SemaphorePermit<'_>> {
        let closed = |cause| Error::new(ErrorKind::Bug, "the gate to a system is gone").because(cause);
        let place = self.places.acquire().await.map_err(closed)?;
        loop {
            let shut = self.shut_for();
            if shut > patience {
                let message = "the vendor's quota is used up";
                return Err(Error::new(ErrorKind::RateLimited, message).retry_after(shut));
            }
            if !shut.is_zero() {
                self.clock.sleep(shut).await;
                continue;
            }
            match self.rate.check() {
                Ok(()) => return Ok(place),
                Err(early) => self.clock.sleep(early.wait_time_from(self.steady.elapsed())).await,
            }
        }
    }

    /// Shuts the gate for all callers, at least this long.
    pub(super) fn shut(&self, wait: Duration) {
        let until = self.steady.elapsed().saturating_add(wait);
        let mut shut_until = self.shut_until.lock().unwrap_or_else(PoisonError::into_inner);
        *shut_until = until.max(*shut_until);
    }

    fn shut_for(&self) -> Duration {
        let until = *self.shut_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.saturating_sub(self.steady.elapsed())
    }
}

fn quota(limits: Limits) -> Quota {
    // Limits come from code or from options that were checked; what is not a rate is the slowest one.
    let per_second = if limits.per_second.is_finite() { limits.per_second.clamp(0.001, 1e6) } else { 0.001 };
    let burst = NonZeroU32::new(limits.burst).unwrap_or(NonZeroU32::MIN);
    let quota = Quota::with_period(Duration::from_secs_f64(1.0 / per_second));
    quota.unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}
