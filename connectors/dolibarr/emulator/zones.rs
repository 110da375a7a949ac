//! Two clocks: the database writes `tms` in its zone, PHP reads and writes everything in its own.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// The zones of an installation.
#[derive(Clone, Debug)]
pub(super) struct Zones {
    pub database: TimeZone,
    pub php: TimeZone,
}

impl Default for Zones {
    fn default() -> Self {
        Self { database: TimeZone::UTC, php: TimeZone::UTC }
    }
}

/// A zone by its name, or a POSIX rule such as `CET-1CEST,M3.5.0,M10.5.0/3`.
pub(super) fn zone(name: &str) -> Option<TimeZone> {
    TimeZone::posix(name).or_else(|_| TimeZone::get(name)).ok()
}

impl Zones {
    /// The text that the database shows for an instant.
    pub fn shown(&self, at: i64) -> String {
        text(instant(at).to_zoned(self.database.clone()).datetime())
    }

    /// What PHP makes of the database's text: `date_modification`.
    pub fn modified(&self, at: i64) -> i64 {
        let shown = instant(at).to_zoned(self.database.clone()).datetime();
        self.php.to_timestamp(shown).map_or(at, Timestamp::as_second)
    }

    /// Midnight of a day, as PHP sends it.
    pub fn midnight(&self, day: &str) -> Option<i64> {
        let day: Date = day.parse().ok()?;
        self.php.to_timestamp(day.at(0, 0, 0, 0)).ok().map(Timestamp::as_second)
    }

    /// The day of an instant, in PHP's zone.
    pub fn day(&self, at: i64) -> String {
        instant(at).to_zoned(self.php.clone()).date().to_string()
    }
}

/// A day some days later.
pub(super) fn later(day: &str, days: i64) -> String {
    let Ok(date) = day.parse::<Date>() else { return day.to_owned() };
    date.checked_add(days.days()).map_or_else(|_| day.to_owned(), |date| date.to_string())
}

fn instant(at: i64) -> Timestamp {
    Timestamp::from_second(at).unwrap_or_default()
}

fn text(at: DateTime) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
