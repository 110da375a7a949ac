//! Converters of days and instants.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::Pair;
use crate::mapping::kind::{decimal, instant, text};

/// Seconds since 1970 in UTC, as a JSON number.
pub(super) fn epoch_seconds(_: &str) -> Result<Pair, String> {
    Ok(epoch(1000))
}

/// Milliseconds since 1970 in UTC, as a JSON number.
pub(super) fn epoch_millis(_: &str) -> Result<Pair, String> {
    Ok(epoch(1))
}

fn epoch(millis: i64) -> Pair {
    let read = move |value: &Value| {
        let count: i64 = decimal(value)?.normalize().to_string().parse().map_err(|_| "is not a whole number")?;
        let at = count.checked_mul(millis).and_then(|millis| Timestamp::from_millisecond(millis).ok());
        Ok(Value::String(instant(at.ok_or("is outside of the calendar")?)?))
    };
    let write = move |value: &Value| {
        let at = parse_instant(value)?.as_millisecond();
        if at % millis == 0 { Ok(Value::from(at / millis)) } else { Err("has fractions of a second".into()) }
    };
    Pair::new(read, write)
}

/// An instant without fractions of a second; what is read is cut off, what is written must have none.
pub(super) fn whole_seconds(_: &str) -> Result<Pair, String> {
    let read = |value: &Value| {
        let whole = Timestamp::from_second(parse_instant(value)?.as_millisecond().div_euclid(1000));
        Ok(Value::String(instant(whole.map_err(|_| "is outside of the calendar")?)?))
    };
    let write = |value: &Value| {
        let whole = parse_instant(value)?.as_millisecond() % 1000 == 0;
        if whole { Ok(value.clone()) } else { Err("has fractions of a second".into()) }
    };
    Ok(Pair::new(read, write))
}

/// `2026-11-24 10:30:00` on the clock of a zone. The hour that a clock repeats is read as its first pass.
pub(super) fn local_datetime(zone: &str) -> Result<Pair, String> {
    let zone = TimeZone::get(zone.trim()).map_err(|_| "wants a time zone, such as local_datetime:Europe/Paris")?;
    let for_write = zone.clone();
    let read = move |value: &Value| Ok(Value::String(instant(from_local(&zone, &text(value)?)?)?));
    let write = move |value: &Value| {
        let at = parse_instant(value)?;
        let local = at.to_zoned(for_write.clone()).datetime();
        let precision = if at.as_millisecond() % 1000 == 0 { 0 } else { 3 };
        let written = format!("{local:.precision$}").replace('T', " ");
        if from_local(&for_write, &written)? != at {
            return Err("is in the hour that the clock repeats, which a local time cannot say".into());
        }
        Ok(Value::String(written))
    };
    Ok(Pair::new(read, write))
}

fn from_local(zone: &TimeZone, text: &str) -> Result<Timestamp, String> {
    let local: DateTime =
        text.parse().map_err(|_| "is not a local date and time such as 2026-11-24 10:30:00".to_owned())?;
    zone.to_timestamp(local).map_err(|_| "is outside of the calendar".into())
}

/// A day in a format of `strftime`, such as `date:%d/%m/%Y`.
pub(super) fn date(format: &str) -> Result<Pair, String> {
    let format = format.trim().to_owned();
    if !format.contains('%') || strtime::format(&format, Date::constant(2026, 11, 24)).is_err() {
        return Err("wants a format of strftime, such as date:%d/%m/%Y".into());
    }
    let for_write = format.clone();
    let read = move |value: &Value| {
        let text = text(value)?;
        let day = Date::strptime(&format, &text).or_else(|_| text.parse());
        day.map(|day| Value::String(day.to_string())).map_err(|_| format!("is not a day in the format {format}"))
    };
    let write = move |value: &Value| {
        let day: Date = text(value)?.parse().map_err(|_| "is not a day")?;
        strtime::format(&for_write, day).map(Value::String).map_err(|_| "does not fit the format".into())
    };
    Ok(Pair::new(read, write))
}

/// An instant, or a day as its midnight in UTC.
fn parse_instant(value: &Value) -> Result<Timestamp, String> {
    let text = text(value)?;
    let spelled = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text };
    spelled.parse().map_err(|_| "is not an instant".into())
}
