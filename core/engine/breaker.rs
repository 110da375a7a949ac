//! The breaker of one record: a value that is put back again and again is left alone, and a person is told.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::link::spoken;
use super::notes::mark;
use super::pass::Pass;
use super::work::{Trouble, Work};
use crate::Result;
use crate::clock::Timestamp;
use crate::model::SystemName;
use crate::plan::{Change, Op};
use crate::reconcile::Decision;
use crate::store::{At, Facts, Swing, Trail, Why};

/// A write that came again so often in a row is not made once more.
const LIMIT: u32 = 2;
/// Writes of a field that are remembered: a swing over four systems is still seen.
const STEPS: usize = 4;
/// A field that was not written for so long has come to rest.
const QUIET: SignedDuration = SignedDuration::from_hours(24);

/// A write that is not made any more.
#[derive(Clone, Debug)]
pub(super) struct Stuck {
    system: SystemName,
    /// The field; a computed native path is written `=path`.
    name: String,
    from: Value,
    to: Value,
}

impl Pass<'_> {
    /// Takes what swings out of a decision; the rest of the record goes on.
    pub(super) fn hold_back(&self, work: &mut Work, decision: &mut Decision) {
        work.stuck.clear();
        let mut stuck = Vec::new();
        for (system, fields) in &decision.writes {
            let Some(side) = work.sides.get(system) else { continue };
            for field in fields {
                let value = |values: &crate::model::Canonical| values.get(field.as_str()).cloned().unwrap_or_default();
                let (from, to) = (value(&side.canonical), value(&decision.merged));
                let one = Stuck { system: system.clone(), name: field.to_string(), from, to };
                stuck.extend(is_stuck(&work.notes.trail, &one, self.now()).then_some(one));
            }
        }
        for one in stuck {
            decision.writes.values_mut().for_each(|fields| fields.retain(|field| field.as_str() != one.name));
            decision.writes.retain(|_, fields| !fields.is_empty());
            // Nothing was agreed about it: whoever gives way first is then followed.
            match work.link.agreed.as_ref().and_then(|agreed| agreed.get(&one.name)) {
                Some(agreed) => drop(decision.merged.insert(one.name.clone(), agreed.clone())),
                None => drop(decision.merged.remove(&one.name)),
            }
            work.trip(one);
        }
    }

    /// Whether a computed value swings; it is then left as it is.
    pub(super) fn holds_back_computed(&self, work: &mut Work, system: &SystemName, path: &str, to: &Value) -> bool {
        let from = work.sides.get(system).and_then(|side| side.record.fields.get(path)).cloned().unwrap_or_default();
        let one = Stuck { system: system.clone(), name: format!("={path}"), from, to: to.clone() };
        let is_stuck = is_stuck(&work.notes.trail, &one, self.now());
        if is_stuck {
            work.trip(one);
        }
        is_stuck
    }

    /// A person who wants a record to be tried again starts its counts anew.
    pub(super) fn start_anew(&self, work: &mut Work) -> Result<()> {
        if !work.notes.trail.swings.values().any(|swing| swing.tripped) {
            return Ok(());
        }
        for at in work.places() {
            let parked = self.engine.store.parked_at(&at)?;
            if parked.is_some_and(|parked| parked.why == Why::PingPong && parked.attempts == 0) {
                work.notes.trail.swings.clear();
            }
        }
        Ok(())
    }

    /// A swing that came to rest is forgotten: by itself, or because somebody mended its cause.
    pub(super) fn tidy_swings(&self, work: &Work, trail: &mut Trail) {
        let is_stuck = |name: &str| work.stuck.iter().any(|one| one.name == name);
        let rests = |swing: &Swing| self.now().duration_since(swing.at) > QUIET || swing.tripped;
        trail.swings.retain(|name, swing| is_stuck(name) || !rests(swing));
    }

    /// Parks the record for what swings in it.
    pub(super) fn park_stuck(&mut self, work: &Work, facts: &mut Facts) -> Result<()> {
        let Some(first) = work.stuck.first() else { return Ok(()) };
        let Some(side) = work.sides.get(&first.system) else { return Ok(()) };
        let at = At { entity: work.link.entity.clone(), system: first.system.clone(), id: side.record.id.clone() };
        let (field, system) = (first.name.trim_start_matches('='), &first.system);
        let reason = format!(
            "{field} goes to and fro: the hub set it to {} in {system} several times, and each time it became {} again; \
             look for an automation or a rule that sets it there, or give the field an owner, then retry this",
            spoken(&first.to),
            spoken(&first.from),
        );
        let told: Vec<Value> = work.stuck.iter().map(|one| told(work, one)).collect();
        let trouble = Trouble::new(Why::PingPong, reason).field(field).detail(json!(told));
        self.park(&at, Some(work.link.id.clone()), work.link.label.clone(), trouble, side.hash, facts)
    }
}

impl Work {
    /// A write was made; whether it had been made before is counted.
    pub(super) fn note_steps(&mut self, change: &Change, now: Timestamp) {
        if change.op == Op::Create {
            return;
        }
        for entry in &change.fields {
            let name = if entry.is_computed() { format!("={}", entry.field) } else { entry.field.to_string() };
            let step = (change.system.clone(), mark(&entry.old), mark(&entry.new));
            let fresh = Swing { steps: Vec::new(), times: 0, at: now, tripped: false };
            let swing = self.notes.trail.swings.entry(name).or_insert_with(|| fresh.clone());
            if now.duration_since(swing.at) > QUIET {
                *swing = fresh;
            }
            swing.times = if comes_again(&swing.steps, &step) { swing.times + 1 } else { 0 };
            swing.steps.insert(0, step);
            swing.steps.truncate(STEPS);
            swing.at = now;
            swing.tripped = false;
        }
    }

    fn trip(&mut self, one: Stuck) {
        if let Some(swing) = self.notes.trail.swings.get_mut(&one.name) {
            swing.tripped = true;
        }
        self.stuck.push(one);
    }
}

fn is_stuck(trail: &Trail, one: &Stuck, now: Timestamp) -> bool {
    let step = (one.system.clone(), mark(&one.from), mark(&one.to));
    trail.swings.get(&one.name).is_some_and(|swing| {
        swing.times >= LIMIT && now.duration_since(swing.at) <= QUIET && comes_again(&swing.steps, &step)
    })
}

/// Whether a step was made before, and the record swung back without the hub, or over another system.
///
/// A person who switches something on and off in one system makes the hub write alternating values into another one, and
/// nothing swings back there.
fn comes_again(steps: &[(SystemName, u64, u64)], step: &(SystemName, u64, u64)) -> bool {
    let Some(at) = steps.iter().position(|known| known == step) else { return false };
    at == 0 || steps.iter().take(at).any(|(system, ..)| *system != step.0)
}

fn told(work: &Work, one: &Stuck) -> Value {
    let field = one.name.trim_start_matches('=');
    let values: BTreeMap<&SystemName, Value> =
        work.sides.iter().filter_map(|(name, side)| Some((name, side.canonical.get(field)?.clone()))).collect();
    json!({ "field": field, "system": one.system, "from": one.from, "to": one.to, "values": values })
}
