//! Times of day, written as in cron: minute, hour, day of the month, month, day of the week; on the clocks of a zone.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// When a flow runs. Fields take `*`, numbers, `a-b`, lists and `/step`; Sunday is 0 or 7.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Cron {
    text: String,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// When both days are restricted, either suffices, as in every cron.
    either_day: bool,
    /// Whether no hour is left out.
    every_hour: bool,
}

/// A day exists within this many days for every pattern that can come true: 29 February across a century.
const HORIZON_DAYS: i32 = 366 * 9;

impl Cron {
    /// The first minute after `after` that fits on the clocks of `zone`; `None` when none ever does, such as 30 February.
    ///
    /// When clocks are set forward, what falls into the missing hour comes an hour later. When they are set back, an
    /// hour is on them twice: what names its hours comes once, in the first of the two, and what takes every hour goes
    /// on through both.
    pub fn next(&self, after: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let start = after.to_zoned(zone.clone()).date();
        for offset in 0..HORIZON_DAYS {
            let day = start.checked_add(offset.days()).ok()?;
            if !self.takes_day(day) {
                continue;
            }
            let moments =
                self.minutes_of_day().flat_map(|(hour, minute)| self.moments(day.at(hour, minute, 0, 0), zone));
            // Around a change of the clocks, their order is not that of the instants.
            if let Some(next) = moments.filter(|moment| *moment > after).min() {
                return Some(next);
            }
        }
        None
    }

    /// The instants that a time on the clocks stands for.
    fn moments(&self, shown: DateTime, zone: &TimeZone) -> impl Iterator<Item = Timestamp> + use<> {
        let ambiguous = zone.to_ambiguous_timestamp(shown);
        let again = if self.every_hour { ambiguous.later().ok() } else { None };
        let first = ambiguous.compatible().ok();
        first.into_iter().chain(again)
    }

    fn takes_day(&self, day: jiff::civil::Date) -> bool {
        let by_day = has(self.days, day.day());
        let by_weekday = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        let fits = if self.either_day { by_day || by_weekday } else { by_day && by_weekday };
        fits && has(self.months, day.month())
    }

    fn minutes_of_day(&self) -> impl Iterator<Item = (i8, i8)> {
        let hours = (0..24).filter(|hour| has(self.hours, *hour));
        hours.flat_map(|hour| (0..60).filter(|minute| has(self.minutes, *minute)).map(move |minute| (hour, minute)))
    }
}

fn has(set: u64, member: i8) -> bool {
    u32::try_from(member).is_ok_and(|member| set >> member & 1 == 1)
}

impl FromStr for Cron {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let fields: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields[..] else {
            return Err(format!("`{text}` is not a cron time; it takes five fields, such as \"*/5 * * * *\""));
        };
        let weekday_set = set(weekdays, 0, 7)?;
        let hour_set = set(hours, 0, 23)?;
        Ok(Self {
            text: text.to_owned(),
            minutes: set(minutes, 0, 59)?,
            hours: hour_set,
            days: set(days, 1, 31)?,
            months: set(months, 1, 12)?,
            weekdays: weekday_set | weekday_set >> 7,
            every_hour: hour_set == (1 << 24) - 1,
            either_day: !days.starts_with('*') && !weekdays.starts_with('*'),
        })
    }
}

/// The numbers that a field names, as bits.
fn set(field: &str, least: u32, most: u32) -> Result<u64, String> {
    let wrong = || format!("`{field}` is not a cron field; it takes *, numbers from {least} to {most}, a-b and /step");
    let mut bits = 0;
    for part in field.split(',') {
        let (range, step) = part.split_once('/').map_or((part, Some(1)), |(range, step)| (range, step.parse().ok()));
        let step: usize = step.filter(|step| *step > 0).ok_or_else(wrong)?;
        let (from, to) = match range.split_once('-') {
            _ if range == "*" => (least, most),
            Some((from, to)) => (from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?),
            None => {
                let from = range.parse().map_err(|_| wrong())?;
                (from, if part.contains('/') { most } else { from })
            }
        };
        if from < least || to > most || from > to {
            return Err(wrong());
        }
        for member in (from..=to).step_by(step) {
            bits |= 1 << member;
        }
    }
    Ok(bits)
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for Cron {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Cron> for String {
    fn from(cron: Cron) -> Self {
        cron.text
    }
}

impl JsonSchema for Cron {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cron".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "cron" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cron: &str, zone: &str, after: &str, expected: Option<&str>) {
        let zone = TimeZone::get(zone).unwrap();
        let next = cron.parse::<Cron>().unwrap().next(after.parse().unwrap(), &zone);
        assert_eq!(next, expected.map(|text| text.parse().unwrap()), "{cron} after {after}");
    }

    #[test]
    fn the_next_time_is_the_first_minute_that_fits() {
        for (cron, after, expected) in [
            ("*/5 * * * *", "2026-11-24T09:11:35Z", "2026-11-24T09:15:00Z"),
            ("*/5 * * * *", "2026-11-24T09:15:00Z", "2026-11-24T09:20:00Z"),
            ("30 6 * * *", "2026-11-24T09:00:00Z", "2026-11-25T06:30:00Z"),
            ("0 8-18/2 * * 1-5", "2026-11-27T18:00:00Z", "2026-11-30T08:00:00Z"),
            ("0 0 1 * *", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
            ("0 0 * * 7", "2026-11-24T00:00:00Z", "2026-11-29T00:00:00Z"),
            ("0 0 13 * 5", "2026-11-24T00:00:00Z", "2026-11-27T00:00:00Z"),
            ("0 0 29 2 *", "2026-11-24T00:00:00Z", "2028-02-29T00:00:00Z"),
        ] {
            check(cron, "UTC", after, Some(expected));
        }
        check("0 0 30 2 *", "UTC", "2026-11-24T00:00:00Z", None);
    }

    /// In Paris the clocks went from 02:00 to 03:00 on 2026-03-29 (01:00 UTC), and back from 03:00 on 2026-10-25 (01:00 UTC).
    #[test]
    fn a_change_of_the_clocks_leaves_nothing_out_and_does_nothing_twice() {
        for (cron, after, expected) in [
            ("30 6 * * *", "2026-03-28T12:00:00Z", "2026-03-29T04:30:00Z"),
            ("30 6 * * *", "2026-10-25T12:00:00Z", "2026-10-26T05:30:00Z"),
            ("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z"),
            ("30 2 * * *", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"),
            ("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),
            ("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),
            ("0,30 * * * *", "2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z"),
            ("0,30 * * * *", "2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"),
            ("0,30 * * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"),
            ("0,30 * * * *", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"),
            ("0,30 * * * *", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"),
            ("0 0 * * 1", "2026-10-25T00:00:00Z", "2026-10-25T23:00:00Z"),
        ] {
            check(cron, "Europe/Paris", after, Some(expected));
        }
    }

    #[test]
    fn what_is_no_cron_time_is_refused() {
        for text in ["", "* * * *", "60 * * * *", "* 24 * * *", "*/0 * * * *", "5-1 * * * *", "a * * * *", "0 0 0 * *"]
        {
            assert!(text.parse::<Cron>().is_err(), "{text}");
        }
    }
}
