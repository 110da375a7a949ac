//! A plan as a person reads it.

use std::fmt::{self, Write as _};

use serde_json::Value;

use super::{Change, FlowPlan, Op, Plan};

/// Values longer than this are cut in the middle of a line.
const WIDEST: usize = 60;

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for flow in &self.flows {
            write!(f, "{flow}")?;
        }
        let changes = self.changes().count();
        let creates = self.changes().filter(|change| change.op == Op::Create).count();
        let held: usize = self.flows.iter().map(|flow| flow.held.len()).sum();
        let parked: usize = self.flows.iter().map(|flow| flow.parked.len()).sum();
        let calls: u64 = self.flows.iter().flat_map(|flow| flow.calls.values()).sum();
        let archives = self.changes().filter(|change| matches!(change.op, Op::Archive { .. })).count();
        if changes == 0 {
            write!(f, "Plan: nothing to change")?;
        } else {
            let updates = changes - creates - archives;
            let archives = count(archives, "to archive");
            write!(f, "Plan: {creates} to create, {updates} to update{archives}, about {calls} API calls")?;
        }
        writeln!(f, "{}{}", count(held, "held"), count(parked, "parked"))
    }
}

fn count(number: usize, word: &str) -> String {
    if number == 0 { String::new() } else { format!(", {number} {word}") }
}

impl fmt::Display for FlowPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = &self.counts;
        match &self.undoes {
            Some(run) => writeln!(f, "{} ({}): undo of {run}", self.flow, self.entity)?,
            None => writeln!(
                f,
                "{} ({}): {} records read, {} unchanged, {} linked to a twin",
                self.flow, self.entity, counts.read, counts.unchanged, counts.linked
            )?,
        }
        if let Some(matching) = &self.matching {
            write!(f, "{matching}")?;
        }
        for error in self.error.iter().chain(&self.over_limit) {
            writeln!(f, "  ! {error}")?;
        }
        for one in &self.preparations {
            let sign = if one.manual { '!' } else { '+' };
            writeln!(f, "  {sign} prepare {}/{} {}: {}", one.system, one.resource, one.path, one.how)?;
        }
        for change in &self.changes {
            write!(f, "{change}")?;
        }
        for held in &self.held {
            writeln!(f, "  ? {} \"{}\" is held: {}", held.link, held.label, held.rule)?;
            writeln!(f, "      passerelle held approve {}", held.link)?;
        }
        for parked in &self.parked {
            writeln!(f, "  ! {} \"{}\" is parked: {}", parked.at, parked.label, parked.reason)?;
        }
        Ok(())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.op {
            Op::Create => '+',
            Op::Update { .. } | Op::Finish { .. } => '~',
            Op::Archive { .. } => '-',
        };
        let id = match &self.op {
            Op::Create => String::new(),
            Op::Update { id } | Op::Finish { id } | Op::Archive { id } => format!("/{id}"),
        };
        write!(f, "  {sign} {} {}/{}{id} \"{}\"", self.verb(), self.system, self.resource, self.label)?;
        if !self.then.is_empty() {
            let moves: Vec<&str> = self.then.iter().map(|action| action.0.as_str()).collect();
            write!(f, ", then {} if the totals agree", moves.join(", "))?;
        }
        writeln!(f)?;
        for field in &self.fields {
            let old = if self.op == Op::Create { String::new() } else { format!("{} -> ", short(&field.old)) };
            writeln!(f, "      {}: {old}{}  ({})", field.field, short(&field.new), field.rule)?;
        }
        Ok(())
    }
}

/// A value on one line.
fn short(value: &Value) -> String {
    let text = match value {
        Value::Null => "(empty)".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(items) if items.iter().all(Value::is_object) => lines(items),
        other => other.to_string(),
    };
    if text.chars().count() > WIDEST && !text.starts_with('[') {
        let head: String = text.chars().take(WIDEST).collect();
        return format!("{head}…");
    }
    text
}

fn lines(items: &[Value]) -> String {
    let mut text = format!("[{} lines]", items.len());
    for item in items {
        let cell = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
        let _ = write!(text, "\n        {} x {} at {}", cell("quantity"), cell("description"), cell("unit_price"));
        for (name, word) in [("discount_percent", "% off"), ("vat_rate", "% VAT")] {
            if let Some(rate) = item.get(name).and_then(Value::as_str).filter(|rate| *rate != "0") {
                let _ = write!(text, ", {rate}{word}");
            }
        }
    }
    text
}
