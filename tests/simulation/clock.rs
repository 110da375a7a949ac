//! The hub's own clock: the vendors' time, but wrong by some seconds, and set anew now and then.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use passerelle_core::clock::Clock;
use passerelle_core::emulator::EmulatedTime;

/// A clock that is off from the vendors' time; waiting moves the vendors' time.
#[derive(Debug)]
pub struct WrongClock {
    time: EmulatedTime,
    off: Mutex<SignedDuration>,
}

impl WrongClock {
    /// A clock that is right until it is set.
    pub fn of(time: EmulatedTime) -> Self {
        Self { time, off: Mutex::default() }
    }

    /// Sets it wrong by so much; a negative one is behind.
    pub fn set(&self, off: SignedDuration) {
        *self.off.lock().unwrap_or_else(PoisonError::into_inner) = off;
    }
}

#[async_trait]
impl Clock for WrongClock {
    fn now(&self) -> Timestamp {
        let off = *self.off.lock().unwrap_or_else(PoisonError::into_inner);
        self.time.now().saturating_add(off).unwrap_or(Timestamp::MAX)
    }

    async fn sleep(&self, duration: Duration) {
        self.time.advance(duration);
    }
}
