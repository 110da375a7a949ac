//! The timetable: whose turn it is, remembered so that a restart knows what it missed.

use jiff::Timestamp;

use super::{Server, Timing, locked};
use crate::Result;
use crate::engine::{Flow, Report, Scope};
use crate::store::{Facts, Turn};

impl Server {
    /// Remembers since when each flow is in the timetable.
    pub(super) fn see_flows(&self) -> Result<()> {
        let mut facts = Facts::new();
        for flow in &self.engine.flows {
            if self.engine.store.turn(&flow.name)?.is_none() {
                facts.turn(&self.turn(flow)?);
            }
        }
        self.engine.store.commit(facts)
    }

    /// The flows whose time has come, the longest overdue first; of those due together, in the config's order.
    pub(super) fn due_now(&self) -> Result<Vec<Flow>> {
        let now = self.engine.clock.now();
        let mut due: Vec<(Timestamp, &Flow)> = Vec::new();
        for flow in &self.engine.flows {
            due.extend(self.due(flow)?.filter(|due| *due <= now).map(|due| (due, flow)));
        }
        due.sort_by_key(|(due, _)| *due);
        Ok(due.into_iter().map(|(_, flow)| flow.clone()).collect())
    }

    /// When the next turn of any flow is due.
    pub(super) fn next_turn(&self) -> Result<Option<Timestamp>> {
        let mut next = None;
        for flow in &self.engine.flows {
            next = next.into_iter().chain(self.due(flow)?).min();
        }
        Ok(next)
    }

    /// A flow's turn: a run, and what the timetable remembers of it.
    ///
    /// A turn that a person or a crash cuts short was none: it is due again.
    pub(super) async fn run(&self, flow: &Flow) -> Result<Report> {
        let mut turn = self.turn(flow)?;
        let began = self.engine.clock.now();
        let report = self.engine.sync_flow(flow, Scope::Changed).await?;
        locked(&self.spent).remove(&flow.name);
        if report.error.is_none() {
            locked(&self.rests).remove(&flow.name);
        } else if self.engine.watch.is_stopping() {
            return Ok(report);
        }
        turn.began = Some(began);
        turn.ended = Some(self.engine.clock.now());
        turn.failures = if report.error.is_some() { turn.failures + 1 } else { 0 };
        self.remember(&turn)?;
        Ok(report)
    }

    fn due(&self, flow: &Flow) -> Result<Option<Timestamp>> {
        let timing = self.setup.timings.get(&flow.name).unwrap_or(&Timing::Once);
        Ok(timing.due(&self.turn(flow)?, self.setup.seed))
    }

    /// A flow's place in the timetable. What it says of the future, after the clock was set back, happened now.
    fn turn(&self, flow: &Flow) -> Result<Turn> {
        let now = self.engine.clock.now();
        let new = || Turn { flow: flow.name.clone(), since: now, began: None, ended: None, failures: 0 };
        let known = self.engine.store.turn(&flow.name)?.unwrap_or_else(new);
        let past = |at: Timestamp| at.min(now);
        let turn = Turn {
            since: past(known.since),
            began: known.began.map(past),
            ended: known.ended.map(past),
            ..known.clone()
        };
        if turn != known {
            self.remember(&turn)?;
        }
        Ok(turn)
    }

    fn remember(&self, turn: &Turn) -> Result<()> {
        let mut facts = Facts::new();
        facts.turn(turn);
        self.engine.store.commit(facts)
    }
}
