//! When to repeat a call, and after how long. The only file that knows the backoff crate.

use std::time::Duration;

use backoff::backoff::Backoff;
use backoff::{ExponentialBackoff, ExponentialBackoffBuilder};

use crate::ErrorKind;
use crate::dice::Dice;

/// How often a call is made in all before its last error is given back.
const ATTEMPTS: u32 = 10;

/// How long a call may wait in all, the time of the attempts not counted.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);

/// How long a call may wait in all for a vendor that nothing can be sent to: a person waits for what a run says, and
/// the next run tries again.
pub(super) const PATIENCE_UNSENT: Duration = Duration::from_secs(10);

/// Why an attempt failed, as far as repeating it depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The vendor asked to slow down; it did nothing.
    Refused,
    /// It was never sent.
    Unsent,
    /// The vendor may have done it.
    Sent,
    /// Repeating would change nothing.
    Final,
}

impl Failure {
    /// What an error of `kind` means; `reached` says that the vendor got the request.
    pub(super) fn of(kind: ErrorKind, reached: Reached) -> Self {
        match (kind, reached) {
            (ErrorKind::RateLimited, _) => Self::Refused,
            (ErrorKind::Unavailable, Reached::No) => Self::Unsent,
            (ErrorKind::Unavailable | ErrorKind::OutcomeUnknown, _) => Self::Sent,
            _ => Self::Final,
        }
    }
}

/// Whether the vendor got the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reached {
    No,
    Perhaps,
}

/// The retries of one call.
#[derive(Debug)]
pub(super) struct Retries {
    backoff: ExponentialBackoff,
    dice: Dice,
    attempts: u32,
    waited: Duration,
}

impl Retries {
    /// Waits of half a second and then twice as long each time, up to 30 seconds, spread by what `seed` decides.
    pub(super) fn seeded(seed: u64) -> Self {
        // The crate's own spread is off: it has no seed, and the hub must be able to run under one.
        let backoff = ExponentialBackoffBuilder::new()
            .with_initial_interval(Duration::from_millis(500))
            .with_multiplier(2.0)
            .with_max_interval(Duration::from_secs(30))
            .with_randomization_factor(0.0)
            .with_max_elapsed_time(None)
            .build();
        Self { backoff, dice: Dice::seeded(seed), attempts: 1, waited: Duration::ZERO }
    }

    /// How often the call was made.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How long to wait before the next attempt; `None` when there should be none.
    ///
    /// `asked` is what the vendor asked for. It is never cut short: a longer one than there is patience for ends it.
    pub(super) fn next_wait(&mut self, failure: Failure, asked: Option<Duration>) -> Option<Duration> {
        let patience = if failure == Failure::Unsent { PATIENCE_UNSENT } else { PATIENCE };
        let own = self.backoff.next_backoff()?.mul_f64(0.5 + self.dice.fraction());
        let wait = asked.unwrap_or(own);
        let waited = self.waited.saturating_add(wait);
        if self.attempts >= ATTEMPTS || waited > patience {
            return None;
        }
        self.attempts += 1;
        self.waited = waited;
        Some(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(seed: u64, asked: Option<Duration>) -> Vec<Duration> {
        let mut retries = Retries::seeded(seed);
        std::iter::from_fn(|| retries.next_wait(Failure::Sent, asked)).collect()
    }

    #[test]
    fn a_vendor_that_is_down_is_given_up_within_ten_seconds() {
        for seed in 0..50 {
            let mut retries = Retries::seeded(seed);
            let waits: Vec<Duration> = std::iter::from_fn(|| retries.next_wait(Failure::Unsent, None)).collect();
            assert!(waits.len() >= 3 && waits.iter().sum::<Duration>() <= PATIENCE_UNSENT, "{waits:?}");
        }
    }

    #[test]
    fn waits_double_within_their_spread_and_end_within_two_minutes() {
        for seed in 0..50 {
            let waits = waits(seed, None);
            for (wait, middle) in waits.iter().zip([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]) {
                let spread = wait.as_secs_f64() / middle;
                assert!((0.5..=1.5).contains(&spread), "{wait:?} around {middle}");
            }
            assert!(waits.len() >= 6 && waits.iter().sum::<Duration>() <= PATIENCE, "{waits:?}");
        }
        assert_eq!(waits(1, None), waits(1, None));
        assert_ne!(waits(1, None), waits(2, None));
    }

    #[test]
    fn a_vendor_that_asks_for_a_time_gets_it_and_no_less() {
        assert_eq!(waits(1, Some(Duration::from_secs(50))), [Duration::from_secs(50); 2]);
        assert_eq!(waits(1, Some(Duration::from_secs(3_600))), []);
        assert_eq!(waits(1, Some(Duration::ZERO)).len(), 9);
    }
}
