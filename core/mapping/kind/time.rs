//! Days stay days, instants are UTC with milliseconds.

use jiff::Timestamp;
use jiff::civil::Date;

/// `"2026-11-24"`; also taken from an instant that is midnight in UTC.
pub(in crate::mapping) fn date(text: &str) -> Result<String, String> {
    if let Some((day, rest)) = text.split_once('T') {
        let midnight = text.parse::<Timestamp>().is_ok_and(|at| at.as_millisecond().rem_euclid(86_400_000) == 0);
        if !midnight || !rest.ends_with('Z') {
            return Err("is an instant, not a day; say in which zone with the filter date('%Y-%m-%d', zone)".into());
        }
        return date(day);
    }
    let is_day = text.len() == 10 && text.bytes().all(|b| b.is_ascii_digit() || b == b'-');
    let day = if is_day { text.parse::<Date>().ok() } else { None };
    day.map(|day| day.to_string()).ok_or_else(|| "is not a day such as 2026-11-24".into())
}

/// `"2026-11-24T09:30:00.000Z"`.
pub(in crate::mapping) fn datetime(text: &str) -> Result<String, String> {
    let at: Timestamp = text.parse().map_err(|_| "is not an instant such as 2026-11-24T09:30:00Z".to_owned())?;
    instant(at)
}

/// An instant in its normal form.
pub(in crate::mapping) fn instant(at: Timestamp) -> Result<String, String> {
    let millis = at.as_nanosecond().div_euclid(1_000_000);
    let whole = i64::try_from(millis).ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    whole.map(|at| format!("{at:.3}")).ok_or_else(|| "is outside of the calendar".into())
}
