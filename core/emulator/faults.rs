//! Faults that a stand-in shows on demand: slow, refusing, silent.

use std::time::Duration;

use crate::dice::Dice;
use crate::http::Request;

/// How often a fault strikes.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Chance {
    /// Never.
    #[default]
    Never,
    /// The n-th call that could meet it, and then each n-th; 1 is every call.
    Every(u64),
    /// With this probability, between 0 and 1; the seed decides.
    Share(f64),
}

/// The faults of one emulated system. The default has none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Time before a call is looked at.
    pub latency: Duration,
    /// 429, without effect.
    pub rate_limited: Chance,
    /// 503, refused before the effect.
    pub error_before: Chance,
    /// 502, after the effect.
    pub error_after: Chance,
    /// The connection closes without an answer, before the effect.
    pub drop_before: Chance,
    /// The connection closes without an answer, after the effect.
    pub drop_after: Chance,
    /// How many faults strike in all (latency is not counted); without it there is no end.
    pub times: Option<u64>,
    /// Which calls can meet one: a method, a part of the path, or both, such as `POST /orders`; all by default.
    pub on: Option<String>,
}

/// What a fault does to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Strike {
    None,
    Refuse(u16),
    Drop,
}

/// Faults at work: counts, and dice.
#[derive(Debug)]
pub(super) struct Mischief {
    faults: Faults,
    met: [u64; 5],
    struck: u64,
    dice: Dice,
}

impl Mischief {
    pub(super) fn seeded(seed: u64) -> Self {
        Self { faults: Faults::default(), met: [0; 5], struck: 0, dice: Dice::seeded(seed) }
    }

    /// Takes other faults and counts from nothing; the dice go on.
    pub(super) fn set(&mut self, faults: Faults) {
        self.faults = faults;
        self.met = [0; 5];
        self.struck = 0;
    }

    pub(super) fn reseed(&mut self, seed: u64) {
        self.dice = Dice::seeded(seed);
    }

    pub(super) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// What strikes before the vendor sees the call.
    pub(super) fn before(&mut self, request: &Request) -> Strike {
        let faults = &self.faults;
        let kinds = [
            (0, faults.drop_before, Strike::Drop),
            (1, faults.rate_limited, Strike::Refuse(429)),
            (2, faults.error_before, Strike::Refuse(503)),
        ];
        self.strike(request, &kinds)
    }

    /// What strikes once the vendor did its part.
    pub(super) fn after(&mut self, request: &Request) -> Strike {
        let faults = &self.faults;
        let kinds = [(3, faults.error_after, Strike::Refuse(502)), (4, faults.drop_after, Strike::Drop)];
        self.strike(request, &kinds)
    }

    fn strike(&mut self, request: &Request, kinds: &[(usize, Chance, Strike)]) -> Strike {
        if !self.concerns(request) || self.faults.times.is_some_and(|times| self.struck >= times) {
            return Strike::None;
        }
        for (slot, chance, strike) in kinds {
            if self.happens(*slot, *chance) {
                self.struck += 1;
                return *strike;
            }
        }
        Strike::None
    }

    fn happens(&mut self, slot: usize, chance: Chance) -> bool {
        match chance {
            Chance::Never => false,
            Chance::Share(share) => self.dice.falls_within(share),
            Chance::Every(n) => {
                self.met[slot] += 1;
                self.met[slot].is_multiple_of(n.max(1))
            }
        }
    }

    fn concerns(&self, request: &Request) -> bool {
        let Some(on) = &self.faults.on else { return true };
        on.split_whitespace().all(|part| match part.starts_with('/') {
            true => request.path.contains(part),
            false => request.method.eq_ignore_ascii_case(part),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strikes(faults: Faults, calls: &[(&'static str, &str)]) -> Vec<(Strike, Strike)> {
        let mut mischief = Mischief::seeded(1);
        mischief.set(faults);
        let requests = calls.iter().map(|(method, path)| Request::new(method, *path));
        requests.map(|request| (mischief.before(&request), mischief.after(&request))).collect()
    }

    #[test]
    fn every_second_call_is_refused_until_the_times_are_used_up() {
        let faults = Faults { rate_limited: Chance::Every(2), times: Some(2), ..Faults::default() };
        let before: Vec<_> = strikes(faults, &[("GET", "/a"); 8]).into_iter().map(|(before, _)| before).collect();
        let (none, hit) = (Strike::None, Strike::Refuse(429));
        assert_eq!(before, [none, hit, none, hit, none, none, none, none]);
    }

    #[test]
    fn a_fault_on_a_route_leaves_the_others_alone() {
        let on = Some("POST /orders".to_owned());
        let faults = Faults { drop_after: Chance::Every(1), on, ..Faults::default() };
        let after = strikes(faults, &[("GET", "/api/orders"), ("POST", "/api/orders"), ("POST", "/api/invoices")]);
        assert_eq!(
            after.iter().map(|(_, after)| *after).collect::<Vec<_>>(),
            [Strike::None, Strike::Drop, Strike::None]
        );
    }
}
