//! What webhooks named is looked at: read from its system through every flow that reads it there.

use std::collections::BTreeSet;

use tracing::warn;

use super::timing::{LONGEST_WAIT, later, wait_after};
use super::{Rest, Server, locked};
use crate::Result;
use crate::engine::{Flow, Report};
use crate::model::{FlowName, RemoteId, ResourceName, SystemName};
use crate::store::{Hinted, Waiting};

/// Records looked at in one run.
const AT_ONCE: usize = 500;

impl Server {
    /// Looks at everything that waits, but for flows that rest or have not had their first run.
    pub(super) async fn look_at_all(&self, reports: &mut Vec<Report>) -> Result<()> {
        if self.inbox.held() == 0 {
            return Ok(());
        }
        for ((system, resource), flows) in &self.told {
            let mut after: Option<Hinted> = None;
            while !self.engine.watch.is_stopping() && self.may_look(flows)? {
                let waiting = self.inbox.next(system, resource, after.as_ref(), AT_ONCE)?;
                let Some(last) = waiting.last() else { break };
                after = Some(last.hinted.clone());
                self.look(system, resource, flows, &waiting, reports).await?;
            }
        }
        Ok(())
    }

    fn may_look(&self, flows: &[FlowName]) -> Result<bool> {
        for flow in self.flows(flows) {
            let now = self.engine.clock.now();
            // A rest that ends later than any does was begun before the clock was set back.
            let rests = |rest: &Rest| rest.until > now && rest.until <= later(now, LONGEST_WAIT);
            if locked(&self.rests).get(&flow.name).is_some_and(rests) || !self.engine.has_begun(flow)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Looks at some records through all their flows; what one of them could not settle stays.
    async fn look(
        &self,
        system: &SystemName,
        resource: &ResourceName,
        flows: &[FlowName],
        waiting: &[Waiting],
        reports: &mut Vec<Report>,
    ) -> Result<()> {
        let ids: Vec<RemoteId> = waiting.iter().map(|waiting| waiting.hinted.id.clone()).collect();
        let mut open: BTreeSet<RemoteId> = BTreeSet::new();
        let mut failed = None;
        for flow in self.flows(flows) {
            match self.look_through(flow, system, resource, &ids, reports).await {
                Ok(settled) => open.extend(ids.iter().filter(|id| !settled.contains(*id)).cloned()),
                Err(error) => {
                    failed = Some(error);
                    open.extend(ids.iter().cloned());
                }
            }
        }
        self.inbox.done(waiting, |waiting| !open.contains(&waiting.hinted.id))?;
        failed.map_or(Ok(()), Err)
    }

    async fn look_through(
        &self,
        flow: &Flow,
        system: &SystemName,
        resource: &ResourceName,
        ids: &[RemoteId],
        reports: &mut Vec<Report>,
    ) -> Result<BTreeSet<RemoteId>> {
        let spent = locked(&self.spent).get(&flow.name).copied().unwrap_or(0);
        let looked = self.engine.look(flow, system, ids, spent).await?;
        for (id, error) in &looked.unreadable {
            warn!(%system, %resource, %id, "a webhook named a record that cannot be read; it is left to the feed: {error}");
        }
        let counts = &looked.report.counts;
        if flow.max_changes.is_some() {
            *locked(&self.spent).entry(flow.name.clone()).or_default() += counts.created + counts.updated;
        }
        self.rest(flow, looked.report.error.is_some());
        reports.push(looked.report);
        Ok(looked.settled)
    }

    /// After a failure, the flow's records wait, longer each time; after a success they do not.
    fn rest(&self, flow: &Flow, failed: bool) {
        let mut rests = locked(&self.rests);
        if !failed {
            rests.remove(&flow.name);
        } else if !self.engine.watch.is_stopping() {
            let failures = rests.get(&flow.name).map_or(1, |rest| rest.failures + 1);
            let until = later(self.engine.clock.now(), wait_after(failures));
            rests.insert(flow.name.clone(), Rest { until, failures });
        }
    }

    fn flows<'s>(&'s self, names: &'s [FlowName]) -> impl Iterator<Item = &'s Flow> {
        names.iter().filter_map(|name| self.engine.flows.iter().find(|flow| flow.name == *name))
    }
}
