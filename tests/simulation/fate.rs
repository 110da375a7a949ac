//! What goes wrong, and when: one shared place that decides over life and death of the hub, and keeps the trace.

use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use xxhash_rust::xxh3::Xxh3;

use super::chance::{Chance, Concern};
use super::effect::Effect;
use super::tally::Tally;

/// What strikes a call of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strike {
    /// Nothing.
    None,
    /// The hub dies before the request leaves.
    CrashBefore,
    /// The hub dies after the request arrived and before it has the answer.
    CrashAfter,
    /// No answer in time, and nothing was done.
    TimeoutBefore,
    /// No answer in time, and it was done.
    TimeoutAfter,
    /// No answer in time, and the request is still under way: it arrives later.
    Straggler,
    /// The answer comes after some seconds.
    Late,
    /// A proxy repeats the request; only requests that HTTP calls idempotent (GET, PUT).
    Doubled,
    /// The credentials are refused once as expired.
    Expired,
    /// A batch is made in part: one of its rows is refused for now.
    Mixed,
}

/// What strikes a commit of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Nothing.
    None,
    /// Power loss, and the commit with it.
    Lost,
    /// Power loss right after the sync, before the hub learns of it.
    Kept,
    /// The disk refuses the commit, and the hub lives on.
    Refused,
}

/// How often things go wrong, per call or per commit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// Deaths at a call.
    pub crash: f64,
    /// Deaths at a commit.
    pub cut: f64,
    /// Timeouts, half of them after the effect.
    pub timeout: f64,
    /// Late answers.
    pub late: f64,
    /// Doubled requests.
    pub doubled: f64,
    /// Tokens that expire before their time.
    pub expired: f64,
    /// Batches that are made in part.
    pub mixed: f64,
    /// Requests that arrive after the hub gave them up.
    pub straggler: f64,
    /// Deeds of people between two requests.
    pub deed: f64,
}

/// Shared by wire, disk and story.
#[derive(Clone, Debug)]
pub struct Fate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    state: Mutex<State>,
    crashed: Notify,
}

struct State {
    dice: Chance,
    rates: Rates,
    is_dead: bool,
    tally: Tally,
    effects: Vec<Effect>,
    found: Vec<String>,
    trace: Xxh3,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("rates", &self.rates).field("is_dead", &self.is_dead).finish_non_exhaustive()
    }
}

impl Fate {
    /// Kind fate, until rates are set.
    pub fn of(seed: u64) -> Self {
        let state = State {
            dice: Chance::of(seed, Concern::Faults),
            rates: Rates::default(),
            is_dead: false,
            tally: Tally::default(),
            effects: Vec::new(),
            found: Vec::new(),
            trace: Xxh3::new(),
        };
        Self(Arc::new(Inner { state: Mutex::new(state), crashed: Notify::new() }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on so much goes wrong.
    pub fn set(&self, rates: Rates) {
        self.state().rates = rates;
    }

    /// Throws the dice of faults.
    pub fn throw<T>(&self, with: impl FnOnce(&mut Chance) -> T) -> T {
        with(&mut self.state().dice)
    }

    /// Counts something.
    pub fn count(&self, with: impl FnOnce(&mut Tally)) {
        with(&mut self.state().tally);
    }

    /// What was counted.
    pub fn tally(&self) -> Tally {
        self.state().tally.clone()
    }

    /// Puts bytes into the trace: a seed that is run twice leaves the same one.
    pub fn trace(&self, bytes: &[u8]) {
        self.state().trace.update(bytes);
    }

    /// The trace so far, as a number.
    pub fn traced(&self) -> u64 {
        self.state().trace.digest()
    }

    /// Remembers that a vendor did what the hub asked for.
    pub fn done(&self, effects: Vec<Effect>) {
        self.state().effects.extend(effects);
    }

    /// Everything that vendors did for the hub.
    pub fn effects(&self) -> Vec<Effect> {
        self.state().effects.clone()
    }

    /// Something is wrong that nobody will see in the end.
    pub fn find(&self, what: &str) {
        self.state().found.push(what.to_owned());
    }

    /// What was found on the way.
    pub fn found(&self) -> Vec<String> {
        self.state().found.clone()
    }

    /// Whether the hub is dead, so that nothing it does has an effect any more.
    pub fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// The hub dies here.
    pub fn die(&self, of: &'static str) {
        let mut state = self.state();
        state.is_dead = true;
        state.tally.fault(of);
        drop(state);
        self.0.crashed.notify_one();
    }

    /// Lets the hub do something until it is done or dies; a dead hub's work is dropped where it stood.
    pub async fn survives<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let done = tokio::select! {
            biased;
            () = self.0.crashed.notified() => None,
            done = work => Some(done),
        };
        self.count(|tally| tally.runs += 1);
        // It may have come to its end with errors of a disk that was gone already.
        let is_dead = std::mem::take(&mut self.state().is_dead);
        if is_dead && done.is_some() {
            self.0.crashed.notified().await;
        }
        done.filter(|_| !is_dead)
    }

    /// What strikes the next call.
    pub fn strike(&self) -> Strike {
        let mut state = self.state();
        let rates = state.rates;
        let half = |share: f64| share / 2.0;
        let kinds = [
            (half(rates.crash), Strike::CrashBefore),
            (half(rates.crash), Strike::CrashAfter),
            (half(rates.timeout), Strike::TimeoutBefore),
            (half(rates.timeout), Strike::TimeoutAfter),
            (rates.late, Strike::Late),
            (rates.doubled, Strike::Doubled),
            (rates.expired, Strike::Expired),
            (rates.mixed, Strike::Mixed),
            (rates.straggler, Strike::Straggler),
        ];
        fallen(&mut state.dice, &kinds, Strike::None)
    }

    /// Whether somebody acts before the next call.
    pub fn interrupts(&self) -> bool {
        let mut state = self.state();
        let share = state.rates.deed;
        share > 0.0 && state.dice.falls(share)
    }

    /// What strikes the next commit.
    pub fn cut(&self) -> Cut {
        let mut state = self.state();
        let third = state.rates.cut / 3.0;
        fallen(&mut state.dice, &[(third, Cut::Lost), (third, Cut::Kept), (third, Cut::Refused)], Cut::None)
    }
}

/// One throw over several kinds, each with its share.
fn fallen<T: Copy>(dice: &mut Chance, kinds: &[(f64, T)], otherwise: T) -> T {
    let mut left = dice.share();
    for (share, kind) in kinds {
        if left < *share {
            return *kind;
        }
        left -= share;
    }
    otherwise
}
