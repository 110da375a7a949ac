//! How a vendor says no, and how it says slow down.

use std::fmt::Debug;
use std::time::Duration;

use super::{Request, Response};
use crate::Result;
use crate::clock::Timestamp;

/// How a vendor says no.
pub trait Dialect: Send + Sync + Debug {
    /// Turns an answer that is not a success into an error of the right kind.
    ///
    /// `RateLimited` and `Unavailable` are repeated by [`Api`](super::Api), after the error's `retry_after` where there
    /// is one, else after the `Retry-After` header; an `Unavailable` answer to a request that
    /// [`Repeat::Doubles`](super::Repeat::Doubles) becomes `OutcomeUnknown`, because the vendor saw it.
    ///
    /// # Errors
    /// That is its purpose.
    fn judge(&self, request: &Request, response: &Response, now: Timestamp) -> Result<()>;

    /// Whether a new OAuth token may cure an answer; some vendors have refusals of the same status that it cannot.
    fn is_expired(&self, response: &Response) -> bool {
        response.status == 401
    }

    /// What the answer's headers say about the quota, where the vendor has such headers.
    fn pace(&self, response: &Response) -> Option<Pace> {
        let _ = response;
        None
    }
}

/// A quota as a vendor's headers tell it.
///
/// Below a fifth of the allowance, [`Api`](super::Api) spreads what is left over the time that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Calls left in this window.
    pub remaining: u64,
    /// Calls that the whole window allows.
    pub allowance: u64,
    /// Time until the window begins anew; the window's length where the vendor does not say.
    pub resets_in: Duration,
}

impl Pace {
    /// How long the next call should wait.
    pub(super) fn spacing(&self) -> Duration {
        if self.remaining.saturating_mul(5) >= self.allowance {
            return Duration::ZERO;
        }
        let shares = u32::try_from(self.remaining).unwrap_or(u32::MAX).saturating_add(1);
        self.resets_in / shares
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spacing(remaining: u64) -> u128 {
        Pace { remaining, allowance: 100, resets_in: Duration::from_secs(10) }.spacing().as_millis()
    }

    #[test]
    fn calls_spread_out_as_the_quota_runs_low() {
        assert_eq!([spacing(100), spacing(20), spacing(19), spacing(4), spacing(0)], [0, 0, 500, 2_000, 10_000]);
    }
}
