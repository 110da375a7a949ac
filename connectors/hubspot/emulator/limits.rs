//! Rate limits: ten rolling seconds, a day, and searches per second.

use std::collections::VecDeque;

use jiff::{SignedDuration, Timestamp};
use passerelle_core::http::Response;
use serde_json::json;

use super::settings::Settings;

/// The calls that count.
#[derive(Clone, Debug, Default)]
pub(super) struct Meter {
    calls: VecDeque<Timestamp>,
    searches: VecDeque<Timestamp>,
    day: (i64, usize),
}

impl Meter {
    /// Counts a call, or refuses it with 429.
    pub(super) fn count(&mut self, settings: &Settings, now: Timestamp, is_search: bool) -> Result<(), Response> {
        forget(&mut self.calls, now, SignedDuration::from_secs(10));
        forget(&mut self.searches, now, SignedDuration::from_secs(1));
        let day = now.as_second().div_euclid(86_400);
        if self.day.0 != day {
            self.day = (day, 0);
        }
        if settings.daily.is_some_and(|most| self.day.1 >= most) {
            return Err(too_many("DAILY", "daily"));
        }
        if settings.ten_seconds.is_some_and(|most| self.calls.len() >= most) {
            return Err(self.headers(too_many("TEN_SECONDLY_ROLLING", "ten_secondly_rolling"), settings));
        }
        if is_search && settings.searches.is_some_and(|most| self.searches.len() >= most) {
            return Err(too_many("SECONDLY", "secondly"));
        }
        self.calls.push_back(now);
        self.day.1 += 1;
        if is_search {
            self.searches.push_back(now);
        }
        Ok(())
    }

    /// Calls of the present day.
    pub(super) fn today(&self) -> usize {
        self.day.1
    }

    /// The answer with the headers that tell what is left; a search tells nothing.
    pub(super) fn headers(&self, response: Response, settings: &Settings) -> Response {
        let mut response = response;
        if let Some(most) = settings.ten_seconds {
            response = response
                .with_header("X-HubSpot-RateLimit-Max", most.to_string())
                .with_header("X-HubSpot-RateLimit-Remaining", most.saturating_sub(self.calls.len()).to_string())
                .with_header("X-HubSpot-RateLimit-Interval-Milliseconds", "10000");
        }
        if let Some(most) = settings.daily {
            response = response
                .with_header("X-HubSpot-RateLimit-Daily", most.to_string())
                .with_header("X-HubSpot-RateLimit-Daily-Remaining", most.saturating_sub(self.day.1).to_string());
        }
        response
    }
}

fn forget(times: &mut VecDeque<Timestamp>, now: Timestamp, after: SignedDuration) {
    while times.front().is_some_and(|at| *at + after <= now) {
        times.pop_front();
    }
}

fn too_many(policy: &str, name: &str) -> Response {
    let body = json!({
        "status": "error", "message": format!("You have reached your {name} limit."), "errorType": "RATE_LIMIT",
        "correlationId": "c93e06a4-7d61-4c3e-b63f-edf486fc6e90", "policyName": policy,
        "groupName": "publicapi:private-app-api-calls-ten-secondly:33",
    });
    Response::json(429, &body)
}
