//! When a flow is due: a period or a time of day, spread a little, caught up once, tried again after a failure.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use crate::config::{self, Cron};
use crate::dice::Dice;
use crate::store::Turn;
use crate::{Error, ErrorKind, Result};

/// A turn comes at most this much after its time.
const WIDEST_SPREAD: Duration = Duration::from_secs(30);

/// The wait after a first failure; it doubles with each one after it.
const FIRST_WAIT: Duration = Duration::from_secs(60);

/// The wait that no number of failures exceeds.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(15 * 60);

/// When a flow runs by itself.
#[derive(Clone, Debug)]
pub enum Timing {
    /// This long after its last run began.
    Every(Duration),
    /// At these times of day on the clocks of a zone.
    Cron(Cron, TimeZone),
    /// Once, when it is first seen; after that only webhooks bring it to life.
    Once,
}

impl Timing {
    /// What config.toml says of a flow.
    ///
    /// # Errors
    /// `Config` for a time zone that this machine does not know.
    pub fn of(flow: &config::Flow) -> Result<Self> {
        if let Some(period) = flow.every {
            return Ok(Self::Every(period.duration()));
        }
        let Some(cron) = flow.cron.clone() else { return Ok(Self::Once) };
        let zone = flow.time_zone.as_deref().map_or(Ok(TimeZone::UTC), TimeZone::get);
        let zone =
            zone.map_err(|cause| Error::new(ErrorKind::Config, "there is no such `time_zone`").because(cause))?;
        Ok(Self::Cron(cron, zone))
    }

    /// When the flow with this turn runs next; `None` when it never does again by itself.
    ///
    /// Whatever was missed since the last turn comes to one time, which is then in the past. `seed` decides the spread.
    pub(super) fn due(&self, turn: &Turn, seed: u64) -> Option<Timestamp> {
        let again = turn.ended.filter(|_| turn.failures > 0).map(|ended| later(ended, wait_after(turn.failures)));
        let planned = match (self, turn.began) {
            (Self::Every(_) | Self::Once, None) => Some(turn.since),
            (Self::Every(period), Some(began)) => Some(spread(later(began, *period), *period, turn, seed)),
            (Self::Once, Some(_)) => None,
            (Self::Cron(cron, zone), began) => cron.next(began.unwrap_or(turn.since), zone).map(|due| {
                let gap = cron.next(due, zone).map(|after| after.duration_since(due).unsigned_abs());
                spread(due, gap.unwrap_or(WIDEST_SPREAD), turn, seed)
            }),
        };
        again.into_iter().chain(planned).min()
    }
}

/// How long to wait after so many failures in a row.
pub(super) fn wait_after(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_WAIT)
}

/// `wait` after `at`.
pub(super) fn later(at: Timestamp, wait: Duration) -> Timestamp {
    at.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// Up to a tenth of `gap` later, so that hubs and flows of one period do not all call at one instant.
fn spread(due: Timestamp, gap: Duration, turn: &Turn, seed: u64) -> Timestamp {
    let name = format!("{}@{}", turn.flow, due.as_second());
    let share = Dice::seeded(xxh3_64_with_seed(name.as_bytes(), seed)).fraction();
    let widest = (gap / 10).min(WIDEST_SPREAD);
    later(due, Duration::from_millis(widest.mul_f64(share).as_millis() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        format!("2026-{text}Z").parse().unwrap()
    }

    fn turn(began: Option<&str>, failures: u32) -> Turn {
        let began = began.map(at);
        Turn { flow: "sales".into(), since: at("11-24T09:00:00"), began, ended: began, failures }
    }

    /// Expects a time within `spread` seconds after `expected`.
    fn check(timing: &Timing, turn: &Turn, expected: Option<&str>, spread: i64) {
        let due = timing.due(turn, 7);
        let late = due.zip(expected).map(|(due, expected)| due.as_second() - at(expected).as_second());
        assert_eq!(due.is_some(), expected.is_some(), "{due:?}");
        assert!(late.is_none_or(|late| (0..=spread).contains(&late)), "{due:?}, wanted {expected:?}");
    }

    #[test]
    fn a_period_counts_from_the_last_turn_and_a_failure_is_tried_again_sooner() {
        let hourly = Timing::Every(Duration::from_secs(3600));
        check(&hourly, &turn(None, 0), Some("11-24T09:00:00"), 0);
        check(&hourly, &turn(Some("11-24T09:10:00"), 0), Some("11-24T10:10:00"), 30);
        check(&hourly, &turn(Some("11-24T09:10:00"), 1), Some("11-24T09:11:00"), 0);
        check(&hourly, &turn(Some("11-24T09:10:00"), 3), Some("11-24T09:14:00"), 0);
        check(&hourly, &turn(Some("11-24T09:10:00"), 60), Some("11-24T09:25:00"), 0);
        let often = Timing::Every(Duration::from_secs(30));
        check(&often, &turn(Some("11-24T09:10:00"), 1), Some("11-24T09:10:30"), 3);
    }

    #[test]
    fn a_time_of_day_waits_for_itself_even_on_the_first_day() {
        let daily = Timing::Cron("30 6 * * *".parse().unwrap(), TimeZone::get("Europe/Paris").unwrap());
        check(&daily, &turn(None, 0), Some("11-25T05:30:00"), 30);
        check(&daily, &turn(Some("11-20T05:30:12"), 0), Some("11-21T05:30:00"), 30);
    }

    #[test]
    fn without_a_time_it_comes_once_and_again_until_it_went_well() {
        check(&Timing::Once, &turn(None, 0), Some("11-24T09:00:00"), 0);
        check(&Timing::Once, &turn(Some("11-24T09:00:00"), 0), None, 0);
        check(&Timing::Once, &turn(Some("11-24T09:00:00"), 2), Some("11-24T09:02:00"), 0);
    }

    #[test]
    fn the_spread_is_the_seeds_and_differs_from_turn_to_turn() {
        let hourly = Timing::Every(Duration::from_secs(3600));
        let due = |seed: u64, began: &str| hourly.due(&turn(Some(began), 0), seed).unwrap();
        assert_eq!(due(1, "11-24T09:00:00"), due(1, "11-24T09:00:00"));
        assert_ne!(due(1, "11-24T09:00:00"), due(2, "11-24T09:00:00"));
        let lateness = |began: &str| due(1, began).as_millisecond() - at(began).as_millisecond();
        assert_ne!(lateness("11-24T09:00:00"), lateness("11-24T10:00:00"));
    }
}
