//! What an account must have before the hub writes there: its own key field, and the fields that mappings write.

use std::collections::BTreeSet;

use super::pass::{Mode, Pass};
use super::setup::Setup;
use crate::Result;
use crate::connector::{Preparation, Prepare, State};
use crate::mapping::Entity;
use crate::model::SystemName;
use crate::plan::Prepared;
use crate::store::Facts;

impl Pass<'_> {
    /// Makes an account ready for writes, once for each mapping; a dry pass only tells.
    ///
    /// # Errors
    /// The connector's, where the account cannot be asked.
    pub(super) async fn ready(&mut self, entity: &Entity, target: &SystemName) -> Result<()> {
        let column = self.column(entity, target)?;
        let (name, digest) = (entity.name(), column.digest());
        if self.ready.contains_key(&(name.clone(), target.clone()))
            || self.engine.store.prepared(name, target)? == Some(digest)
        {
            return Ok(());
        }
        let needs = self.engine.mappings.needs(column, target);
        let system = self.engine.systems.get(target)?;
        let mut told = if self.mode == Mode::Dry {
            system.prepare(column.resource(), &needs, Prepare::Tell).await?
        } else {
            let setup = Setup::of_fields(system, column.resource(), needs.clone());
            let done = setup.make(&self.engine.store, self.engine.clock.now()).await?;
            if let Some(error) = done.error {
                return Err(error);
            }
            done.steps.into_iter().map(|step| step.preparation).collect()
        };
        told.retain(Preparation::was_lacking);
        let mapped: BTreeSet<&str> = needs.iter().map(|need| need.path.as_str()).collect();
        let lacks_key = told.iter().any(|one| one.state != State::Created && !mapped.contains(one.path.as_str()));
        let missing = told.iter().any(|one| one.state != State::Created);
        let mut facts = Facts::new();
        for one in told {
            if one.state == State::Manual {
                tracing::warn!(system = %target, resource = %column.resource(), path = %one.path, "{}", one.how);
            }
            self.preparations.push(Prepared {
                system: target.clone(),
                resource: column.resource().clone(),
                path: one.path,
                manual: one.state == State::Manual,
                how: one.how,
            });
        }
        self.ready.insert((name.clone(), target.clone()), !lacks_key);
        if !missing {
            facts.prepared(name, target, digest);
        }
        self.engine.store.commit(facts)
    }

    /// Whether records over there can bear the hub's key already, so that it can be looked for.
    pub(super) fn bears_keys(&self, entity: &Entity, target: &SystemName) -> bool {
        self.ready.get(&(entity.name().clone(), target.clone())).copied().unwrap_or(true)
    }
}
