//! The life of a server: tick, wait for the next turn or the next delivery, tick again; until it is told to end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tracing::{error, info, warn};

use super::{Server, Ticked};
use crate::engine::{Report, Watch};
use crate::model::FlowName;
use crate::store::Counts;

/// The wait after a tick that the store broke off.
const MENDING: Duration = Duration::from_secs(5);

/// The longest wait, so that a machine that slept, or whose clock was set, is noticed.
const LONGEST: Duration = Duration::from_secs(60);

/// Wakes a server and ends it; as the engine's watch it lets what is started finish and keeps the rest from starting.
#[derive(Debug, Default)]
pub struct Life {
    is_ending: AtomicBool,
    woken: Notify,
    ended: Notify,
}

impl Life {
    /// Something came: the next tick is at once.
    pub fn wake(&self) {
        self.woken.notify_one();
    }

    /// Ends it: what is started is finished, the rest is left to the next start.
    pub fn end(&self) {
        self.is_ending.store(true, Ordering::SeqCst);
        self.woken.notify_one();
        self.ended.notify_waiters();
    }

    /// Returns once it was told to end.
    pub async fn ended(&self) {
        let ended = self.ended.notified();
        tokio::pin!(ended);
        // Heard from now on: an end between the question and the wait is not missed.
        ended.as_mut().enable();
        if !self.is_stopping() {
            ended.await;
        }
    }

    /// Ticks `server` for as long as this lives; what it did is logged.
    pub async fn live(&self, server: &Server) {
        let clock = &server.engine().clock;
        while !self.is_stopping() {
            let wait = match server.tick().await {
                Ok(ticked) => {
                    tell(&ticked);
                    let until = ticked.next.map(|next| next.duration_since(clock.now()));
                    until.map_or(LONGEST, |until| Duration::try_from(until).unwrap_or_default().min(LONGEST))
                }
                Err(error) => {
                    error!(%error, "the store broke off a tick; the next one goes on");
                    MENDING
                }
            };
            if wait.is_zero() {
                continue;
            }
            tokio::select! {
                () = self.woken.notified() => {}
                () = clock.sleep(wait) => {}
            }
        }
    }
}

impl Watch for Life {
    fn went_on(&self, _: &FlowName, _: &Counts) {}

    fn is_stopping(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }
}

fn tell(ticked: &Ticked) {
    for (report, by) in
        ticked.looks.iter().map(|one| (one, "webhook")).chain(ticked.runs.iter().map(|one| (one, "turn")))
    {
        let Report { flow, run, counts, waiting, error } = report;
        let Counts { read, created, updated, .. } = counts;
        match error {
            Some(error) => warn!(%flow, by, %run, read, created, updated, waiting, %error, "a run stopped early"),
            None => info!(%flow, by, %run, read, created, updated, waiting, "ran"),
        }
    }
}
