//! What the hub knows of a link besides the link: its own writes and their echoes, and fields that wait for a person.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::Value;

use super::pass::Pass;
use super::work::{Fresh, Work};
use crate::Result;
use crate::clock::Timestamp;
use crate::mapping::Entity;
use crate::model::{Canonical, FieldName, Fields, Owner, SystemName, Written, content_hash};
use crate::plan::{Change, Op};
use crate::reconcile::{agrees, is_empty};
use crate::store::{Conflict, Echo, Facts, Touched, Trail};

/// What is kept in the store about a link, as far as deciding needs it.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes {
    is_loaded: bool,
    /// Its fields in conflict, as the store knows them.
    pub conflicts: Vec<Conflict>,
    /// What became of the hub's own writes.
    pub trail: Trail,
    stored: Trail,
    /// What the hub's own last write did to the time at which a side's record was modified.
    pub touched: BTreeMap<SystemName, Touched>,
    /// Whether this pass decided the link, and so knows which of its fields are in conflict.
    pub is_decided: bool,
    /// Fields that were written: whatever their conflict was, it is over.
    pub ended: BTreeSet<FieldName>,
}

impl Pass<'_> {
    /// Brings what the store knows about a link, once.
    pub(super) fn recall(&self, work: &mut Work) -> Result<()> {
        let store = &self.engine.store;
        for (name, side) in &work.link.sides {
            if let Some(at) = store.touched(name, &side.resource, &side.id)? {
                work.notes.touched.insert(name.clone(), at);
            }
        }
        if !work.notes.is_loaded {
            work.notes.is_loaded = true;
            work.notes.conflicts = store.conflicts_of(&work.link.id)?;
            work.notes.stored = store.trail(&work.link.id)?.unwrap_or_default();
            work.notes.trail = work.notes.stored.clone();
            self.start_anew(work)?;
        }
        work.hear();
        Ok(())
    }

    /// Before an update is sent: its values are known for the hub's own, even if no answer comes.
    pub(super) fn note_sent(&self, entity: &Entity, work: &mut Work, change: &Change, facts: &mut Facts) -> Result<()> {
        self.recall(work)?;
        if !matches!(change.op, Op::Update { .. }) {
            return Ok(());
        }
        // An owner's value holds whatever the others say, so there an echo can do no harm once anything is agreed; what this
        // run agreed on is not on disk yet.
        let agreed = self.engine.store.link(&work.link.id)?.and_then(|link| link.agreed).unwrap_or_default();
        for (field, echo) in work.notes.trail.sides.get_mut(&change.system).into_iter().flatten() {
            // It is agreed by now, so whoever sets it again is a person.
            if agreed.get(field).is_some_and(|agreed| echo.sent == Some(mark(agreed))) {
                echo.hush();
            }
        }
        let open = |field: &FieldName| match entity.owner(field) {
            Owner::System(owner) => !work.sides.contains_key(owner) || !agreed.contains_key(field.as_str()),
            Owner::Latest | Owner::Review => true,
        };
        let fields = change.fields.iter().filter(|entry| !entry.is_computed() && open(&entry.field));
        let sent: Vec<FieldName> = fields.map(|entry| entry.field.clone()).collect();
        if !sent.is_empty() {
            work.note_values(change, &sent, false);
            facts.trail(&work.link.id, &work.notes.trail);
        }
        Ok(())
    }

    /// After a write was answered: who modified the record last, and what was written.
    pub(super) fn note_written(&self, work: &mut Work, change: &Change, written: &Written, facts: &mut Facts) {
        let fields: Vec<FieldName> =
            change.fields.iter().filter(|entry| !entry.is_computed()).map(|entry| entry.field.clone()).collect();
        work.notes.ended.extend(fields.iter().cloned());
        // Until it is read again, what the vendor made of it is not known.
        work.note_values(change, &fields, true);
        let echoes = work.notes.trail.sides.entry(change.system.clone()).or_default();
        for entry in change.fields.iter().filter(|entry| entry.is_computed()) {
            echoes.entry(format!("={}", entry.field)).or_default().sent = Some(mark(&entry.new));
        }
        work.note_steps(change, self.now());
        facts.trail(&work.link.id, &work.notes.trail);
        // A vendor that does not answer with the record has written it by now, as far as clocks agree.
        let at = written.record.as_ref().map_or_else(|| Some(self.now()), |record| record.modified);
        if let Some(at) = at {
            let read = change.basis.iter().find(|basis| basis.at.system == change.system);
            let (before, hidden) = work.by_others(&change.system, read.and_then(|read| read.modified));
            let touched = Touched { at, before: before.filter(|_| hidden.is_none()) };
            work.notes.touched.insert(change.system.clone(), touched);
            facts.touched(&change.system, &change.resource, &written.id, touched);
        }
    }

    /// What is agreed needs no note any more, except what a vendor made of it, and what swings.
    pub(super) fn tidy_notes(&self, work: &Work, facts: &mut Facts) {
        if !work.notes.is_loaded {
            return;
        }
        let mut trail = work.notes.trail.clone();
        for (name, echoes) in &mut trail.sides {
            for (field, echo) in echoes.iter_mut() {
                if work.sides.contains_key(name) && work.link.agreed.is_some() {
                    echo.hush();
                }
                let is_agreed = |of: u64| field.starts_with('=') || work.agreed_mark(field) == Some(of);
                echo.form = echo.form.filter(|(of, _)| is_agreed(*of));
            }
            echoes.retain(|_, echo| echo.sent.is_some() || echo.form.is_some());
        }
        trail.sides.retain(|_, echoes| !echoes.is_empty());
        self.tidy_swings(work, &mut trail);
        if trail != work.notes.stored || trail != work.notes.trail {
            facts.trail(&work.link.id, &trail);
        }
    }
}

impl Work {
    /// What a side holds for deciding: what a vendor made of the agreed value counts as the agreed value.
    pub(super) fn heard<'w>(&'w self, entity: &Entity, name: &SystemName, now: &'w Canonical) -> Cow<'w, Canonical> {
        let mut heard = Cow::Borrowed(now);
        for (field, echo) in self.notes.trail.sides.get(name).into_iter().flatten() {
            let Some((of, is)) = echo.form else { continue };
            let is_owner = matches!(entity.owner(&field.as_str().into()), Owner::System(owner) if owner == name);
            let Some(agreed) = self.agreed_value(field).filter(|agreed| !is_owner && mark(agreed) == of) else {
                continue;
            };
            if now.get(field).is_some_and(|there| mark(there) == is) {
                heard.to_mut().insert(field.clone(), agreed.clone());
            }
        }
        heard
    }

    /// When a side was last modified by somebody else than the hub; and where the hub's own write hides that, the time
    /// that it left.
    pub(super) fn modified_by_others(&self, name: &SystemName) -> (Option<Timestamp>, Option<Timestamp>) {
        self.by_others(name, self.sides.get(name).and_then(Fresh::modified))
    }

    fn by_others(&self, name: &SystemName, modified: Option<Timestamp>) -> (Option<Timestamp>, Option<Timestamp>) {
        let touched = self.notes.touched.get(name).filter(|touched| modified.is_some_and(|at| at <= touched.at));
        match touched {
            Some(Touched { before: Some(before), .. }) => (Some(*before), None),
            Some(touched) => (modified, Some(touched.at)),
            None => (modified, None),
        }
    }

    /// The fields of a side that hold what the hub sent, and that are not what was agreed.
    pub(super) fn echoes(&self, name: &SystemName, now: &Canonical) -> BTreeSet<FieldName> {
        let echoes = self.notes.trail.sides.get(name).into_iter().flatten();
        let is_echo = |(field, echo): &(&String, &Echo)| now.get(*field).is_some_and(|there| echo.is_of(mark(there)));
        echoes.filter(is_echo).map(|(field, _)| FieldName::new(field.as_str())).collect()
    }

    /// Whether a computed native value is what the vendor makes of the one that the hub would write.
    pub(super) fn is_form(&self, name: &SystemName, path: &str, wanted: &Value, there: &Value) -> bool {
        let echo = self.notes.trail.sides.get(name).and_then(|echoes| echoes.get(&format!("={path}")));
        echo.and_then(|echo| echo.form) == Some((mark(wanted), mark(there)))
    }

    /// What was agreed; of two sides also what must have been for a while: one was told it and took it, and one still
    /// holds it. Of more sides, what one took says nothing of the others.
    pub(super) fn base(&self) -> Option<Cow<'_, Canonical>> {
        let mut base = self.link.agreed.as_ref().map(Cow::Borrowed);
        if self.link.sides.len() != 2 {
            return base;
        }
        for (field, echo) in self.notes.trail.sides.values().flatten().filter(|(_, echo)| echo.answered) {
            if base.as_ref().is_some_and(|base| base.contains_key(field)) {
                continue;
            }
            let mut values = self.sides.values().filter_map(|side| side.canonical.get(field));
            if let Some(value) = values.find(|value| echo.sent == Some(mark(value))) {
                base.get_or_insert_with(Cow::default).to_mut().insert(field.clone(), value.clone());
            }
        }
        base
    }

    /// Compares what was sent with what is read now: what came back in another form is a form of what was agreed.
    fn hear(&mut self) {
        let agreed = self.link.agreed.clone().unwrap_or_default();
        for (name, side) in &self.sides {
            let Some(echoes) = self.notes.trail.sides.get_mut(name) else { continue };
            for (field, echo) in echoes.iter_mut() {
                let Some((sent, value)) = echo.sent.zip(agreed.get(field)) else { continue };
                let Some(there) = side.canonical.get(field).filter(|there| !agrees(there, value)) else { continue };
                if mark(value) == sent && is_form(value, there) {
                    echo.form = Some((sent, mark(there)));
                    echo.sent = None;
                }
            }
        }
    }

    /// The answer to a write: what came back in another form than it was sent.
    pub(super) fn note_forms(&mut self, change: &Change) {
        let Some(side) = self.sides.get(&change.system) else { return };
        let echoes = self.notes.trail.sides.entry(change.system.clone()).or_default();
        for entry in &change.fields {
            let (name, sent, there) = match entry.is_computed() {
                true => (format!("={}", entry.field), &entry.new, side.record.fields.get(entry.field.as_str())),
                false => (entry.field.to_string(), &entry.new, side.canonical.get(entry.field.as_str())),
            };
            let Some(there) = there.filter(|there| !agrees(there, sent)) else { continue };
            if is_form(sent, there) {
                let echo = echoes.entry(name).or_default();
                echo.form = Some((mark(sent), mark(there)));
                echo.sent = None;
            }
        }
    }

    fn note_values(&mut self, change: &Change, fields: &[FieldName], answered: bool) {
        let echoes = self.notes.trail.sides.entry(change.system.clone()).or_default();
        for field in fields {
            let value = change.agreed.get(field.as_str()).unwrap_or(&Value::Null);
            let echo = echoes.entry(field.to_string()).or_default();
            echo.send(mark(value));
            echo.answered = answered;
        }
    }

    fn agreed_value(&self, field: &str) -> Option<&Value> {
        self.link.agreed.as_ref()?.get(field)
    }

    fn agreed_mark(&self, field: &str) -> Option<u64> {
        self.agreed_value(field).map(mark)
    }
}

/// Whether a computed native value is what the vendor made of the one that was sent.
pub(super) fn hear_computed(trail: &mut Trail, system: &SystemName, path: &str, wanted: &Value, there: &Value) -> bool {
    let echo = trail.sides.get_mut(system).and_then(|echoes| echoes.get_mut(&format!("={path}")));
    let Some(echo) = echo else { return false };
    if echo.sent == Some(mark(wanted)) && is_form(wanted, there) {
        echo.form = Some((mark(wanted), mark(there)));
        echo.sent = None;
    }
    echo.form == Some((mark(wanted), mark(there)))
}

/// A hash of a value, by which it is known again; nothing said is 0.
pub(super) fn mark(value: &Value) -> u64 {
    if is_empty(value) {
        return 0;
    }
    content_hash(&Fields::from_iter([(String::new(), value.clone())]), 0)
}

/// Whether `there` is what a vendor may make of `sent`: other capitals, spaces or punctuation, or fewer decimals.
///
/// Anything else is no form but another value, which goes its way like a person's change.
fn is_form(sent: &Value, there: &Value) -> bool {
    match (sent, there) {
        (Value::Array(sent), Value::Array(there)) => {
            sent.len() == there.len()
                && sent.iter().zip(there).all(|(sent, there)| agrees(sent, there) || is_form(sent, there))
        }
        (Value::Object(sent), Value::Object(there)) => sent
            .iter()
            .all(|(field, value)| there.get(field).is_none_or(|there| agrees(value, there) || is_form(value, there))),
        (Value::String(sent), Value::String(there)) => match (number(sent), number(there)) {
            (Some(sent), Some(there)) => is_rounded(sent, there),
            (None, _) => letters(sent) == letters(there) && !letters(sent).is_empty(),
            (Some(_), None) => false,
        },
        _ => false,
    }
}

/// Whether two different values are two numbers.
pub(super) fn are_numbers(one: &Value, other: &Value) -> bool {
    let number_of = |value: &Value| value.as_str().and_then(number);
    number_of(one).is_some() && number_of(other).is_some()
}

fn number(text: &str) -> Option<Decimal> {
    text.parse().ok()
}

fn is_rounded(sent: Decimal, there: Decimal) -> bool {
    let places = there.normalize().scale();
    let ways =
        [RoundingStrategy::MidpointAwayFromZero, RoundingStrategy::MidpointNearestEven, RoundingStrategy::ToZero];
    // An amount of cents may have lost its last zero: 1.205 became 1.20, which is written 1.2.
    (places..=places + 2).any(|places| ways.iter().any(|way| sent.round_dp_with_strategy(places, *way) == there))
}

fn letters(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_vendor_makes_of_a_value_is_told_from_another_value() {
        for (sent, there) in [
            (json!(" Ann  Lee "), json!("Ann Lee")),
            (json!("Ann"), json!("ANN")),
            (json!("03 20 12 34 56 poste 12"), json!("0320123456 Poste 12")),
            (json!("03 20 12 34 57"), json!("0320123457")),
            (json!("1.005"), json!("1.01")),
            (json!("1.005"), json!("1.00")),
            (json!("1.205"), json!("1.2")),
            (json!("2.675"), json!("2.67")),
            (json!([{"sku": "A", "price": "1.005"}]), json!([{"sku": "a", "price": "1.01"}])),
        ] {
            assert!(is_form(&sent, &there), "{sent} {there}");
        }
        for (sent, there) in [
            (json!("gold"), json!("silver")),
            (json!("10.00"), json!("10.01")),
            (json!("1.005"), json!("1.02")),
            (json!("1.2"), json!("12")),
            (json!("Ann"), json!("")),
            (json!("!"), json!("?")),
            (json!("Ann"), Value::Null),
            (json!(true), json!(false)),
            (json!([{"sku": "A"}]), json!([{"sku": "A"}, {"sku": "B"}])),
        ] {
            assert!(!is_form(&sent, &there), "{sent} {there}");
        }
    }

    #[test]
    fn a_mark_tells_values_apart_and_takes_every_nothing_for_the_same() {
        assert_eq!(mark(&Value::Null), mark(&json!("")));
        assert_ne!(mark(&json!("1")), mark(&json!(1)));
        assert_eq!(mark(&json!({"a": 1, "b": 2})), mark(&json!({"b": 2, "a": 1})));
    }
}
