//! Verify: every link's sides read again and compared, field by field, and what should exist and does not.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use super::notes::are_numbers;
use super::pass::Pass;
use super::propose::decide_work;
use super::work::{Work, named};
use super::{Engine, Flow};
use crate::Result;
use crate::mapping::{Entity, Gate};
use crate::model::{Canonical, FieldName, FlowName, LinkId, Presence, SystemName};
use crate::reconcile::agrees;
use crate::store::{Link, Verdict};

/// Links compared at a time.
const BATCH: usize = 100;

/// What a comparison of one flow found.
#[derive(Clone, Debug, Serialize)]
pub struct Verified {
    /// The flow.
    pub flow: FlowName,
    /// How many things were compared.
    pub records: u64,
    /// What differs.
    pub differences: Vec<Difference>,
}

/// One difference.
#[derive(Clone, Debug, Serialize)]
pub struct Difference {
    /// The link.
    pub link: LinkId,
    /// How a person recognises it.
    pub label: String,
    /// The field, or `record` when one is missing.
    pub field: String,
    /// The systems, and what each says.
    pub values: Value,
}

impl Engine {
    /// Compares all sides of a flow's records: ids and mapped fields.
    ///
    /// # Errors
    /// When a system cannot be read.
    pub async fn verify(&self, flow: &Flow) -> Result<Verified> {
        let dry = Self { store: self.store.forgetful(), ..self.clone() };
        let mut pass = Pass::dry(&dry, flow);
        let entity = pass.entity(&flow.entity)?;
        let mut verified = Verified { flow: flow.name.clone(), records: 0, differences: Vec::new() };
        let mut after: Option<LinkId> = None;
        loop {
            let links = dry.store.links(entity.name(), after.as_ref(), BATCH)?;
            let Some(last) = links.last() else { return Ok(verified) };
            after = Some(last.id.clone());
            let mut works: Vec<Work> = links.into_iter().map(unread).collect();
            pass.gather(entity, &mut works).await?;
            let all: Vec<usize> = (0..works.len()).collect();
            pass.resolve(entity, &mut works, &all).await?;
            for work in &mut works {
                pass.recall(work)?;
            }
            for work in &works {
                pass.compare(entity, work, &mut verified)?;
            }
        }
    }
}

impl Pass<'_> {
    fn compare(&self, entity: &Entity, work: &Work, verified: &mut Verified) -> Result<()> {
        let told = |field: &str, values: Value| Difference {
            link: work.link.id.clone(),
            label: work.link.label.clone(),
            field: field.to_owned(),
            values,
        };
        if let Some(trouble) = work.trouble.as_ref().filter(|_| work.link.sides.len() > 1) {
            verified.records += 1;
            verified.differences.push(told(trouble.field.as_deref().unwrap_or("record"), json!(trouble.reason)));
            return Ok(());
        }
        // A record with one side and a trouble of its own is not compared with anything: it is parked, or an open deal.
        if work.sides.is_empty() || work.trouble.is_some() {
            return Ok(());
        }
        let gone: Vec<&SystemName> =
            work.link.sides.iter().filter(|(_, side)| side.presence == Presence::Gone).map(|(name, _)| name).collect();
        if work.sides.len() == 1 && gone.is_empty() {
            for target in self.missing_in(entity, work)? {
                verified.records += 1;
                verified.differences.push(told("record", json!({ "missing": target })));
            }
            return Ok(());
        }
        verified.records += 1;
        for name in gone {
            verified.differences.push(told("record", json!({ "deleted": name })));
        }
        for field in entity.field_names() {
            let said: Vec<(&SystemName, Value)> = work
                .sides
                .iter()
                .filter_map(|(name, side)| Some((name, told_value(entity, work, name, &side.canonical, field)?)))
                .collect();
            let Some((_, first)) = said.first() else { continue };
            if said.iter().any(|(_, value)| !agrees(first, value)) {
                let values = said.iter().map(|(name, value)| (name.to_string(), (*value).clone())).collect();
                verified.differences.push(told(field.as_str(), Value::Object(values)));
            }
        }
        for (path, values) in self.computed_apart(entity, work)? {
            verified.differences.push(told(&path, values));
        }
        Ok(())
    }

    /// What the hub computes and only writes, where it is not as it should be.
    fn computed_apart(&self, entity: &Entity, work: &Work) -> Result<Vec<(String, Value)>> {
        let mut apart = Vec::new();
        let merged = decide_work(entity, work, &self.kept_in(entity), self.now()).merged;
        for (name, side) in &work.sides {
            let (spelled, _) = self.to_ids(entity, name, &merged, &BTreeSet::new())?;
            let derived = self.column(entity, name)?.derived(&spelled, Some(&side.record.fields));
            for (path, wanted) in derived.unwrap_or_default() {
                let there = side.record.fields.get(&path).cloned().unwrap_or_default();
                if work.is_form(name, &path, &wanted, &there) && !are_numbers(&wanted, &there) {
                    continue;
                }
                apart.push((path, json!({ name.as_str(): there, "computed": wanted })));
            }
        }
        Ok(apart)
    }

    /// Where a record with one side should have been created and was not, unless a person holds it back.
    fn missing_in(&self, entity: &Entity, work: &Work) -> Result<Vec<SystemName>> {
        let systems = self.kept_in(entity);
        let merged = decide_work(entity, work, &systems, self.now()).merged;
        let mut missing = Vec::new();
        for name in systems.iter().filter(|name| !work.link.sides.contains_key(*name)) {
            if !self.takes_new(entity, name)? {
                continue;
            }
            let held = self.engine.store.held_at(&work.link.id, name)?;
            let wanted = match self.column(entity, name)?.may_create(&merged) {
                Ok(Gate::Create) => true,
                Ok(Gate::Hold(_)) => held.as_ref().is_some_and(|held| held.verdict == Verdict::Approved),
                _ => false,
            };
            // A record waits for what it refers to as long as that one's own rule keeps it out.
            let (_, unmet) = self.to_ids(entity, name, &merged, &named(merged.keys().cloned()))?;
            if wanted && unmet.iter().all(|one| one.required) {
                missing.push(name.clone());
            }
        }
        Ok(missing)
    }
}

/// What a side says of a field; a vendor's own spelling of the agreed text is that text, while a rounded number differs.
fn told_value(entity: &Entity, work: &Work, name: &SystemName, now: &Canonical, field: &FieldName) -> Option<Value> {
    let there = now.get(field.as_str())?;
    let heard = work.heard(entity, name, now);
    let meant = heard.get(field.as_str()).filter(|meant| !are_numbers(meant, there)).unwrap_or(there);
    Some(meant.clone())
}

fn unread(link: Link) -> Work {
    let source = link.sides.keys().next().cloned().unwrap_or_else(|| "".into());
    Work { link, new: false, source, ..Work::default() }
}
