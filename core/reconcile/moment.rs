//! Which side changed last, as far as the vendors' own times can be believed.

use jiff::{SignedDuration, Timestamp};

use super::Side;

/// A time that is further ahead of the hub's own clock is not believed.
pub const AHEAD: SignedDuration = SignedDuration::from_mins(5);

/// When a record was last modified by somebody else than the hub.
enum Told {
    /// Not before the first, and before the second: a vendor that tells seconds or days tells no finer.
    Within(Timestamp, Timestamp),
    /// No later than this: the hub's own write hides when.
    By(Timestamp),
    /// Not known.
    Unknown,
}

/// The side whose record was modified last, and how that is known; where no time decides, the first of them.
///
/// `same` tells whether two sides say the same, so that it does not matter which of them is later.
pub(super) fn latest<'a, 'b>(
    several: &[&'b Side<'a>],
    same: impl Fn(&Side<'a>, &Side<'a>) -> bool,
    now: Timestamp,
) -> Option<(&'b Side<'a>, String)> {
    let times: Vec<Told> = several.iter().map(|side| told(side, now)).collect();
    let beats_all = |at: usize| {
        let others = several.iter().zip(&times).enumerate().filter(|(other, _)| *other != at);
        others.into_iter().all(|(_, (side, time))| same(several[at], side) || is_later(&times[at], time))
    };
    match (0..several.len()).find(|at| beats_all(*at)) {
        Some(at) => {
            let (side, others) = (several[at], several.iter().filter(|side| side.system != several[at].system));
            let before: Vec<String> = others.map(|side| format!("{} {}", side.system, spoken(side))).collect();
            Some((side, format!("changed last in {} ({}; {})", side.system, spoken(side), before.join(", "))))
        }
        None => several.first().map(|side| {
            let why = doubts(several, &times, now);
            (*side, format!("first of the flow's systems is {}, as no time decides: {why}", side.system))
        }),
    }
}

fn told(side: &Side<'_>, now: Timestamp) -> Told {
    let Some(at) = side.modified.filter(|at| !is_ahead(*at, now)) else { return Told::Unknown };
    if side.touched.is_some_and(|touched| at <= touched) {
        return Told::By(at);
    }
    at.checked_add(precision(at)).map_or(Told::Unknown, |until| Told::Within(at, until))
}

fn is_later(one: &Told, other: &Told) -> bool {
    match (one, other) {
        (Told::Within(from, _), Told::Within(_, until)) => from >= until,
        (Told::Within(from, _), Told::By(at)) => from > at,
        _ => false,
    }
}

fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > AHEAD
}

/// What a time does not tell: midnight may stand for a day, a whole second for what was within it.
fn precision(at: Timestamp) -> SignedDuration {
    const DAY: i64 = 86_400;
    match (at.subsec_nanosecond(), at.as_second().rem_euclid(DAY)) {
        (0, 0) => SignedDuration::from_secs(DAY),
        (0, _) => SignedDuration::from_secs(1),
        _ => SignedDuration::from_millis(1),
    }
}

/// Why no time decides.
fn doubts(several: &[&Side<'_>], times: &[Told], now: Timestamp) -> String {
    let mut said: Vec<String> = Vec::new();
    for (side, time) in several.iter().zip(times) {
        said.extend(match (side.modified, time) {
            (None, _) => Some(format!("{} does not say when it changed", side.system)),
            (Some(at), _) if is_ahead(at, now) => Some(format!("{} says {at}, which is still to come", side.system)),
            (Some(_), Told::By(_)) => Some(format!("{} was modified last by the hub itself", side.system)),
            (Some(at), _) if precision(at) > SignedDuration::from_hours(1) => {
                Some(format!("{} tells only the day", side.system))
            }
            _ => None,
        });
    }
    if said.is_empty() {
        let times = several.iter().map(|side| format!("{} {}", side.system, spoken(side)));
        said.push(format!("they changed at the same time, {}", times.collect::<Vec<_>>().join(", ")));
    }
    said.join(", ")
}

fn spoken(side: &Side<'_>) -> String {
    side.modified.map_or_else(|| "-".to_owned(), |at| at.to_string())
}
