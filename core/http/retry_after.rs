//! The `Retry-After` header: seconds, or a date.

use std::time::Duration;

use super::Response;
use crate::clock::Timestamp;

/// How long the answer asks to wait; a date that has passed is zero.
pub fn retry_after(response: &Response, now: Timestamp) -> Option<Duration> {
    let value = response.header("retry-after")?.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = jiff::fmt::rfc2822::parse(value).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(value: &str) -> Option<u64> {
        let now = "2026-11-24T08:00:00Z".parse().unwrap();
        retry_after(&Response::empty(429).with_header("retry-AFTER", value), now).map(|wait| wait.as_secs())
    }

    #[test]
    fn it_is_seconds_or_a_date() {
        let cases = [
            ("120", Some(120)),
            ("0", Some(0)),
            ("1.5", Some(1)),
            ("Tue, 24 Nov 2026 08:01:30 GMT", Some(90)),
            ("Tue, 24 Nov 2026 07:00:00 GMT", Some(0)),
            ("-1", None),
            ("soon", None),
            ("NaN", None),
        ];
        for (value, expected) in cases {
            assert_eq!(wait(value), expected, "{value}");
        }
        assert_eq!(retry_after(&Response::empty(429), Timestamp::UNIX_EPOCH), None);
    }
}
