//! The money gate: an ERP document is finished only when its own totals are the quote's.

use std::collections::BTreeSet;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::pass::Pass;
use super::propose::Proposal;
use super::work::{Fresh, Trouble, Work};
use crate::Result;
use crate::mapping::{Column, Entity, Gate, Totals};
use crate::model::{Canonical, FieldName, Fields, Presence, SystemName};
use crate::mutant::{Mutant, lives};
use crate::plan::Op;
use crate::store::Why;

impl Pass<'_> {
    /// The state moves that finish a created document, `None` when there are none; unequal totals are trouble.
    pub(super) fn finish(
        &self,
        entity: &Entity,
        work: &mut Work,
        at: usize,
        target: &SystemName,
        merged: &Canonical,
    ) -> Result<Option<Proposal>> {
        let (Some(side), column) = (work.sides.get(target), self.column(entity, target)?) else { return Ok(None) };
        if let Some(totals) = entity.totals() {
            let wanted = agreed_sums(totals, work, target, merged);
            let trouble = unequal(totals, &wanted, &side.canonical, target);
            let unwanted = unwanted(column, work, merged, target);
            if trouble.is_none() && unwanted.is_some() && is_no_draft(column, side) {
                // It was finished before its reason went, and nobody heard the answer.
                return Ok(None);
            }
            if let Some(trouble) = trouble.or(unwanted) {
                work.trouble = Some(trouble);
                return Ok(None);
            }
        }
        if column.then().is_empty() {
            return Ok(None);
        }
        Ok(Some(Proposal {
            work: at,
            target: target.clone(),
            op: Op::Finish { id: side.record.id.clone() },
            fields: BTreeSet::new(),
            extra: Fields::new(),
            merged: merged.clone(),
            reasons: Default::default(),
        }))
    }
}

/// The sums that the other sides say, else those agreed on: whoever owns them, a document is never compared with itself.
fn agreed_sums(totals: &Totals, work: &Work, target: &SystemName, merged: &Canonical) -> Canonical {
    let mut wanted = work.link.agreed.clone().unwrap_or_else(|| merged.clone());
    for field in [&totals.net, &totals.vat, &totals.gross, &totals.currency] {
        let others = work.sides.iter().filter(|(name, _)| *name != target);
        if let Some(said) = others.filter_map(|(_, side)| side.canonical.get(field.as_str())).next() {
            wanted.insert(field.to_string(), said.clone());
        }
    }
    wanted
}

/// Whether the mapping can tell a draft, and this is one.
pub(super) fn is_draft(column: &Column, side: &Fresh) -> bool {
    column.may_archive(&side.record.fields) == Ok(Some(true))
}

/// Whether the mapping can tell a draft, and this is none.
pub(super) fn is_no_draft(column: &Column, side: &Fresh) -> bool {
    column.may_archive(&side.record.fields) == Ok(Some(false))
}

/// A draft whose reason to be is gone, such as a deal that is not won any more, is not finished behind a person's back.
fn unwanted(column: &Column, work: &Work, merged: &Canonical, target: &SystemName) -> Option<Trouble> {
    let mut others = work.link.sides.iter().filter(|(name, _)| *name != target);
    if others.all(|(_, side)| side.presence != Presence::Present) {
        let reason = format!("what it was made from was deleted; the document in {target} stays a draft");
        return Some(Trouble::new(Why::Deleted, reason));
    }
    let Ok(Gate::Skip(rule)) = column.may_create(merged) else { return None };
    let reason = format!("it would not be created now ({rule}); the document in {target} stays a draft");
    Some(Trouble::new(Why::Conflict, reason))
}

/// What is unequal between the accepted totals and the document's own, with both sums line by line.
fn unequal(totals: &Totals, wanted: &Canonical, there: &Canonical, target: &SystemName) -> Option<Trouble> {
    let mut apart = Vec::new();
    let fields = [&totals.net, &totals.vat, &totals.gross];
    if fields.iter().all(|field| amount(wanted, field).is_none()) {
        apart.push("no total was agreed".to_owned());
    }
    let tolerance = if lives(Mutant::LaxGate) { Decimal::new(1, 1) } else { totals.tolerance };
    for (name, field) in [("net", &totals.net), ("VAT", &totals.vat), ("gross", &totals.gross)] {
        match (amount(wanted, field), amount(there, field)) {
            (Some(one), Some(other)) if (one - other).abs() > tolerance => {
                apart.push(format!("{name} {one} was agreed and {target} has {other}"));
            }
            (Some(one), None) => apart.push(format!("{name} {one} was agreed and {target} tells none")),
            _ => {}
        }
    }
    let currency = |values: &Canonical| values.get(totals.currency.as_str()).and_then(Value::as_str).map(str::to_owned);
    if let (Some(one), Some(other)) = (currency(wanted), currency(there))
        && one != other
    {
        apart.push(format!("{one} was agreed and {target} has {other}"));
    }
    if apart.is_empty() {
        return None;
    }
    let lines = |values: &Canonical| values.get(totals.lines.as_str()).cloned().unwrap_or(Value::Null);
    let detail = json!({
        "agreed": sums(totals, wanted), "there": sums(totals, there),
        "lines_agreed": lines(wanted), "lines_there": lines(there),
    });
    let reason = format!("the totals differ: {}; the document stays a draft", apart.join("; "));
    Some(Trouble::new(Why::Money, reason).field(totals.gross.to_string()).detail(detail))
}

fn sums(totals: &Totals, values: &Canonical) -> Value {
    let of = |field: &FieldName| values.get(field.as_str()).cloned().unwrap_or(Value::Null);
    json!({ "net": of(&totals.net), "vat": of(&totals.vat), "gross": of(&totals.gross), "currency": of(&totals.currency) })
}

fn amount(values: &Canonical, field: &FieldName) -> Option<Decimal> {
    values.get(field.as_str()).and_then(Value::as_str).and_then(|text| text.parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals() -> Totals {
        Totals {
            tolerance: Decimal::ZERO,
            net: "total_net".into(),
            vat: "total_vat".into(),
            gross: "total".into(),
            currency: "currency".into(),
            lines: "lines".into(),
        }
    }

    fn check(there: Value, wanted: Option<&str>) {
        let agreed = json!({"total_net": "100.00", "total_vat": "20.00", "total": "120.00", "currency": "EUR"});
        let values = |json: Value| Canonical(json.as_object().cloned().unwrap());
        let found = unequal(&totals(), &values(agreed), &values(there), &"erp".into());
        assert_eq!(found.map(|trouble| trouble.reason).as_deref(), wanted);
    }

    #[test]
    fn equal_sums_pass_whatever_their_spelling() {
        check(json!({"total_net": "100.0", "total_vat": "20", "total": "120.000", "currency": "EUR"}), None);
    }

    #[test]
    fn a_cent_or_a_currency_apart_is_said_with_both_sums() {
        check(
            json!({"total_net": "100.00", "total_vat": "20.01", "total": "120.01", "currency": "EUR"}),
            Some(
                "the totals differ: VAT 20.00 was agreed and erp has 20.01; gross 120.00 was agreed and erp has 120.01; \
                 the document stays a draft",
            ),
        );
        check(
            json!({"total_net": "100.00", "total_vat": "20.00", "total": "120.00", "currency": "USD"}),
            Some("the totals differ: EUR was agreed and erp has USD; the document stays a draft"),
        );
        check(
            json!({"total_net": "100.00", "total_vat": "20.00"}),
            Some("the totals differ: gross 120.00 was agreed and erp tells none; the document stays a draft"),
        );
    }
}
