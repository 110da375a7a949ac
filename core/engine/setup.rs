//! Setting a system up: looked at, noted, made; and taken away again.
//!
//! What the hub is about to make is noted before it is made, so that a crash in between leaves nothing in an account of
//! which the hub does not know that it is its own.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::clock::Timestamp;
use crate::connector::{Preparation, Prepare, Removal, State};
use crate::model::{EntityName, Need, ResourceName};
use crate::store::{Facts, Made, Store};
use crate::system::System;
use crate::{Error, Result};

/// A system, and what the hub needs there.
#[derive(Debug)]
pub struct Setup<'a> {
    /// Where.
    pub system: &'a System,
    /// The entities that have a column there.
    pub entities: BTreeSet<EntityName>,
    /// The fields that are written, by resource.
    pub needs: BTreeMap<ResourceName, Vec<Need>>,
    /// The address that webhooks call; without one none are wanted.
    pub address: Option<String>,
}

/// One thing that the system must have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Of which resource; of none for webhooks.
    pub resource: Option<ResourceName>,
    /// What became of it.
    #[serde(flatten)]
    pub preparation: Preparation,
}

impl Step {
    /// Whether a hub must have made it, this one or another: a key field, or a webhook that calls this hub.
    fn is_of_a_hub(&self) -> bool {
        let thing = self.preparation.thing.to_lowercase();
        self.resource.is_none() || thing.contains("hub_external_id") || thing.contains("passerelle")
    }
}

/// Why what a lost state folder may have known is not taken away.
const LOOKS_OWN: &str = "looks like a hub's own, but this state folder does not say that it made it";

/// How far a setup came.
#[derive(Debug)]
pub struct Done<S> {
    /// All things, with what became of them.
    pub steps: Vec<S>,
    /// Why it ended early. What was done until then stays done, and the same command goes on.
    pub error: Option<Error>,
}

/// One thing that is or is not to be taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Taken {
    /// The vendor's own name of it.
    pub thing: String,
    /// What became of it.
    pub state: Fate,
    /// What a person should know, or do.
    pub how: String,
}

/// What became of a thing that was to be taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// The hub made it: it would be taken away.
    WouldRemove,
    /// It was taken away.
    Removed,
    /// It was not there any more.
    Gone,
    /// The hub made it, and a person must take it away.
    Manual,
    /// The hub did not make it, so it stays.
    Kept,
}

impl<'a> Setup<'a> {
    /// The fields of one resource, and no webhooks.
    pub fn of_fields(system: &'a System, resource: &ResourceName, needs: Vec<Need>) -> Self {
        let needs = BTreeMap::from([(resource.clone(), needs)]);
        Self { system, entities: BTreeSet::new(), needs, address: None }
    }

    /// What the system has and lacks; changes nothing.
    ///
    /// # Errors
    /// The connector's.
    pub async fn look(&self) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        for (resource, needs) in &self.needs {
            steps.extend(self.fields(resource, needs, Prepare::Tell).await?);
        }
        steps.extend(self.webhooks(Prepare::Tell).await?);
        Ok(steps)
    }

    /// Makes what is lacking, where the connector may.
    ///
    /// # Errors
    /// The connector's, when it cannot even be looked at; the store's.
    pub async fn make(&self, store: &Store, now: Timestamp) -> Result<Done<Step>> {
        let before = self.look().await?;
        let lacking = |step: &&Step| step.preparation.state == State::WouldCreate;
        let coming: BTreeSet<String> =
            before.iter().filter(lacking).map(|step| step.preparation.thing.clone()).collect();
        if coming.is_empty() && !before.iter().any(|step| step.preparation.state == State::Manual) {
            return Ok(Done { steps: before, error: None });
        }
        let mut facts = Facts::new();
        for thing in &coming {
            facts.made(&Made { system: self.system.name().clone(), thing: thing.clone(), at: now });
        }
        store.commit(facts)?;
        let (mut steps, error) = match self.create(&before).await {
            Ok(steps) => (steps, None),
            // What was made until then is there to be seen; when nothing is to be seen, all may have been made.
            Err(error) => match self.look().await {
                Ok(steps) => (steps, Some(error)),
                Err(_) => return Ok(Done { steps: before, error: Some(error) }),
            },
        };
        let mut facts = Facts::new();
        for Step { preparation, .. } in steps.iter_mut().filter(|step| coming.contains(&step.preparation.thing)) {
            match preparation.state {
                // It was not there before.
                State::There => preparation.state = State::Created,
                State::Created => {}
                _ => facts.unmade(self.system.name(), &preparation.thing),
            }
        }
        store.commit(facts)?;
        Ok(Done { steps, error })
    }

    /// What of the system the hub made, and what it did not make though it needs it; changes nothing.
    ///
    /// # Errors
    /// The connector's and the store's.
    pub async fn removable(&self, store: &Store) -> Result<Vec<Taken>> {
        let made: BTreeSet<String> = store.made(self.system.name())?.into_iter().map(|made| made.thing).collect();
        let ours =
            made.iter().map(|thing| Taken { thing: thing.clone(), state: Fate::WouldRemove, how: String::new() });
        let mut all: Vec<Taken> = ours.collect();
        let others = self
            .look()
            .await?
            .into_iter()
            .filter(|step| step.preparation.state == State::There && !made.contains(&step.preparation.thing));
        all.extend(others.map(|step| {
            let how = if step.is_of_a_hub() { LOOKS_OWN } else { "the hub did not make it" };
            Taken { thing: step.preparation.thing, state: Fate::Kept, how: how.to_owned() }
        }));
        Ok(all)
    }

    /// Takes away what the hub made, and nothing else.
    ///
    /// # Errors
    /// As [`Self::removable`].
    pub async fn remove(&self, store: &Store) -> Result<Done<Taken>> {
        let mut steps = self.removable(store).await?;
        // Before anything goes: from now on the next write there looks first.
        let mut facts = Facts::new();
        self.entities.iter().for_each(|entity| facts.unprepared(entity, self.system.name()));
        store.commit(facts)?;
        for taken in steps.iter_mut().filter(|taken| taken.state == Fate::WouldRemove) {
            (taken.state, taken.how) = match self.system.remove(&taken.thing).await {
                Ok(Removal::Removed(how)) => (Fate::Removed, how),
                Ok(Removal::Gone) => (Fate::Gone, "it was not there any more".to_owned()),
                Ok(Removal::Manual(how)) => (Fate::Manual, how),
                Err(error) => return Ok(Done { steps, error: Some(error) }),
            };
            if taken.state != Fate::Manual {
                let mut facts = Facts::new();
                facts.unmade(self.system.name(), &taken.thing);
                store.commit(facts)?;
            }
        }
        Ok(Done { steps, error: None })
    }

    /// Creates where something is lacking; the rest is told as it was seen.
    async fn create(&self, seen: &[Step]) -> Result<Vec<Step>> {
        let mut steps = Vec::new();
        let lacks = |resource: Option<&ResourceName>| {
            let of = |step: &&Step| step.resource.as_ref() == resource;
            seen.iter().filter(of).any(|step| step.preparation.was_lacking())
        };
        for (resource, needs) in &self.needs {
            let how = if lacks(Some(resource)) { Prepare::Create } else { Prepare::Tell };
            steps.extend(self.fields(resource, needs, how).await?);
        }
        steps.extend(self.webhooks(if lacks(None) { Prepare::Create } else { Prepare::Tell }).await?);
        Ok(steps)
    }

    async fn fields(&self, resource: &ResourceName, needs: &[Need], how: Prepare) -> Result<Vec<Step>> {
        let told = self.system.prepare(resource, needs, how).await?.into_iter();
        Ok(told.map(|preparation| Step { resource: Some(resource.clone()), preparation }).collect())
    }

    async fn webhooks(&self, how: Prepare) -> Result<Vec<Step>> {
        let Some(address) = &self.address else { return Ok(Vec::new()) };
        let resources: Vec<ResourceName> = self.needs.keys().cloned().collect();
        let told = self.system.hook(&resources, address, how).await?.into_iter();
        Ok(told.map(|preparation| Step { resource: None, preparation }).collect())
    }
}
