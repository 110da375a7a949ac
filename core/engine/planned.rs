//! A plan told whole: what waits besides what it decided, and that a run would refuse to do so much.

use super::{Engine, Flow};
use crate::Result;
use crate::model::EntityName;
use crate::plan::{FlowPlan, Plan};
use crate::store::{Parked, Verdict};

impl Engine {
    /// Adds what waits although nothing was decided about it, so that a plan counts what `status` counts once it is
    /// carried out. This engine's store is the one that the plan was made on.
    pub(super) fn tell_waiting(&self, plan: &mut Plan) -> Result<()> {
        let parked: Vec<Parked> = self.store.parked(usize::MAX)?.into_iter().filter(|one| !one.is_conflict()).collect();
        for flow in &mut plan.flows {
            // What one flow parked, a later one may have brought on.
            flow.parked.retain(|one| parked.iter().any(|still| still.at == one.at));
        }
        for one in parked {
            let is_told = plan.flows.iter().any(|flow| flow.parked.iter().any(|other| other.at == one.at));
            if let Some(flow) = self.teller(plan, &one.at.entity).filter(|_| !is_told) {
                flow.parked.push(one);
            }
        }
        for one in self.store.held()?.into_iter().filter(|one| one.verdict == Verdict::Waiting) {
            let is_it = |other: &crate::store::Held| (&other.link, &other.target) == (&one.link, &one.target);
            let is_told = plan.flows.iter().any(|flow| flow.held.iter().any(is_it));
            if let Some(flow) = self.teller(plan, &one.source.entity).filter(|_| !is_told) {
                flow.held.push(one);
            }
        }
        for one in self.store.conflicts_after(None, usize::MAX)?.into_iter().filter(|one| one.waits()) {
            let is_it = |other: &crate::store::Conflict| (&other.link, &other.field) == (&one.link, &one.field);
            let is_told = plan.flows.iter().any(|flow| flow.conflicts.iter().any(is_it));
            if let Some(flow) = self.teller(plan, &one.entity).filter(|_| !is_told) {
                flow.conflicts.push(one);
            }
        }
        Ok(())
    }

    /// The flow of a plan that decides records of an entity: its own, or one that refers to it where it has none.
    fn teller<'p>(&self, plan: &'p mut Plan, entity: &EntityName) -> Option<&'p mut FlowPlan> {
        let has_a_flow = self.flows.iter().any(|flow| flow.entity == *entity);
        let refers = |flow: &FlowPlan| {
            let known = self.mappings.entity(&flow.entity).filter(|_| !has_a_flow);
            known.is_some_and(|known| known.refers_to().any(|other| other == entity))
        };
        plan.flows.iter_mut().find(|flow| flow.entity == *entity || refers(flow))
    }
}

/// That a run would change more than `max_changes`, as a plan says it.
pub(super) fn too_many(flow: &Flow, would: u64) -> Option<String> {
    let limit = flow.max_changes.filter(|limit| would > *limit)?;
    Some(format!(
        "a run would change {would} records, more than max_changes = {limit}, and would write nothing (do: raise \
         max_changes of [flows.{}], or save this plan and apply it)",
        flow.name
    ))
}
