//! Running a query over the org's rows.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::field::{Field, Values, decimal_of, instant, stamp};
use super::super::id;
use super::super::org::{Org, folded};
use super::super::refusal::Refusal;
use super::parse::{Condition, Literal, Order, Query, Select};
use super::{Found, Scope, candidates, shape};

/// The rows that a query finds, shaped.
pub(super) fn find(org: &Org, query: &Query, scope: Scope, version: &str, now: Timestamp) -> Result<Found, Refusal> {
    let object = org.name(&query.from)?;
    let ids = rows(org, query, &object, scope, now)?;
    if let [Select::Count] = query.select.as_slice() {
        return Ok(Found::Count(ids.len()));
    }
    if let [Select::CountOf(alias)] = query.select.as_slice() {
        let row = json!({"attributes": {"type": "AggregateResult"}, alias: ids.len()});
        return Ok(Found::Rows(vec![row]));
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.push(shape::row(org, query, &object, &id, scope, version, now)?);
    }
    Ok(Found::Rows(found))
}

/// The ids that a query finds, in its order.
pub(super) fn rows(
    org: &Org,
    query: &Query,
    object: &str,
    scope: Scope,
    now: Timestamp,
) -> Result<Vec<String>, Refusal> {
    // A path that is none is refused even where there are no rows.
    for select in &query.select {
        if let Select::Path(path) = select {
            field(org, object, path)?;
        }
    }
    for order in &query.order {
        field(org, object, &order.path)?;
    }
    if let Some(wanted) = &query.wanted {
        check(org, object, wanted)?;
    }
    let mut found = Vec::new();
    let all = org.rows.get(&object.to_lowercase());
    let few = query.wanted.as_ref().and_then(|wanted| candidates::of(org, object, wanted));
    let looked_at: Vec<(&String, &Values)> = match &few {
        Some(ids) => ids.iter().filter_map(|id| all?.get_key_value(id)).collect(),
        None => all.into_iter().flatten().collect(),
    };
    for (id, row) in looked_at {
        if scope == Scope::Live && row.get("IsDeleted") == Some(&json!(true)) {
            continue;
        }
        let is_wanted = match &query.wanted {
            Some(wanted) => holds(org, object, id, wanted, scope, now)?,
            None => true,
        };
        if is_wanted {
            found.push(id.clone());
        }
    }
    found.sort_by(|a, b| {
        let by = query.order.iter().map(|order| compare(org, object, a, b, order));
        by.fold(Ordering::Equal, Ordering::then)
    });
    let end = query.limit.map_or(found.len(), |limit| (query.offset + limit).min(found.len()));
    Ok(found.get(query.offset.min(end)..end).unwrap_or_default().to_vec())
}

/// The field at the end of a path over parents.
pub(super) fn field<'a>(org: &'a Org, object: &str, path: &[String]) -> Result<&'a Field, Refusal> {
    let known = org.object(object)?;
    match path {
        [name] => {
            let field = known.field(name).filter(|field| !org.is_hidden(object, &field.name));
            field.ok_or_else(|| Refusal::no_field(object, name))
        }
        [relation, rest @ ..] => {
            // The object's own name may stand before its fields.
            if relation.eq_ignore_ascii_case(object) && known.relation(relation).is_none() {
                return field(org, object, rest);
            }
            let by = known.relation(relation);
            let to = by.and_then(|by| by.refers.as_ref()).map(|(to, _)| to);
            let to = to.ok_or_else(|| {
                Refusal::bad("INVALID_FIELD", format!("Didn't understand relationship '{relation}' in field path."))
            })?;
            field(org, to, rest)
        }
        [] => Err(Refusal::query("a field is missing")),
    }
}

/// The value at the end of a path; null where a parent is missing.
pub(super) fn value<'a>(org: &'a Org, object: &str, id: &str, path: &[String]) -> &'a Value {
    let Ok(known) = org.object(object) else { return &Value::Null };
    match path {
        [name] => known.field(name).map_or(&Value::Null, |field| org.value(object, id, &field.name)),
        [relation, rest @ ..] => {
            if relation.eq_ignore_ascii_case(object) && known.relation(relation).is_none() {
                return value(org, object, id, rest);
            }
            let Some((by, (to, _))) = known.relation(relation).and_then(|by| Some((by, by.refers.as_ref()?))) else {
                return &Value::Null;
            };
            org.value(object, id, &by.name).as_str().map_or(&Value::Null, |parent| value(org, to, parent, rest))
        }
        [] => &Value::Null,
    }
}

/// Refuses a condition that names what is not there, or a literal of the wrong kind.
fn check(org: &Org, object: &str, wanted: &Condition) -> Result<(), Refusal> {
    match wanted {
        Condition::And(all) | Condition::Or(all) => all.iter().try_for_each(|one| check(org, object, one)),
        Condition::Not(inner) => check(org, object, inner),
        Condition::Is(path, _, literal) => literal_of(field(org, object, path)?, literal).map(drop),
        Condition::Like(path, _) => field(org, object, path).map(drop),
        Condition::In(path, _, literals) => {
            let field = field(org, object, path)?;
            literals.iter().try_for_each(|literal| literal_of(field, literal).map(drop))
        }
        Condition::Among(path, _, inner) => {
            field(org, object, path)?;
            org.name(&inner.from).map(drop)
        }
    }
}

fn holds(org: &Org, object: &str, id: &str, wanted: &Condition, scope: Scope, now: Timestamp) -> Result<bool, Refusal> {
    Ok(match wanted {
        Condition::And(all) => {
            for one in all {
                if !holds(org, object, id, one, scope, now)? {
                    return Ok(false);
                }
            }
            true
        }
        Condition::Or(all) => {
            for one in all {
                if holds(org, object, id, one, scope, now)? {
                    return Ok(true);
                }
            }
            false
        }
        Condition::Not(inner) => !holds(org, object, id, inner, scope, now)?,
        Condition::Is(path, sign, literal) => {
            let literal = literal_of(field(org, object, path)?, literal)?;
            let value = value(org, object, id, path);
            match *sign {
                "=" => same(value, &literal),
                "!=" => !same(value, &literal),
                _ if value.is_null() || literal.is_null() => false,
                sign => {
                    let order = order(value, &literal);
                    match sign {
                        "<" => order.is_lt(),
                        ">" => order.is_gt(),
                        "<=" => order.is_le(),
                        _ => order.is_ge(),
                    }
                }
            }
        }
        Condition::Like(path, pattern) => value(org, object, id, path)
            .as_str()
            .is_some_and(|text| like(&text.to_lowercase(), &pattern.to_lowercase())),
        Condition::In(path, is_in, literals) => {
            let (field, value) = (field(org, object, path)?, value(org, object, id, path));
            let mut among = false;
            for literal in literals {
                among |= same(value, &literal_of(field, literal)?);
            }
            among == *is_in
        }
        Condition::Among(path, is_in, inner) => {
            let from = org.name(&inner.from)?;
            let Some(Select::Path(selected)) = inner.select.first() else {
                return Err(Refusal::query("a semi-join selects one field"));
            };
            let found = rows(org, inner, &from, scope, now)?;
            let values: BTreeSet<String> =
                found.iter().map(|row| folded(self::value(org, &from, row, selected))).collect();
            values.contains(&folded(value(org, object, id, path))) == *is_in
        }
    })
}

/// A literal as a stored value of the field's kind.
fn literal_of(field: &Field, literal: &Literal) -> Result<Value, Refusal> {
    let wrong = || {
        let message = format!(
            "value of filter criterion for field '{}' must be of type {} and should not be enclosed in quotes",
            field.name, field.kind
        );
        Refusal::bad("INVALID_FIELD", message)
    };
    match literal {
        Literal::Word(word) if word.eq_ignore_ascii_case("null") => Ok(Value::Null),
        Literal::Text(text) => match field.kind.as_str() {
            "id" | "reference" => Ok(json!(id::long(text).ok_or_else(|| {
                Refusal::bad("INVALID_QUERY_FILTER_OPERATOR", format!("invalid ID field: {text}"))
            })?)),
            "boolean" | "date" | "datetime" | "int" | "double" | "currency" | "percent" => Err(wrong()),
            _ if text.is_empty() => Ok(Value::Null),
            _ => Ok(json!(text)),
        },
        Literal::Word(word) => match field.kind.as_str() {
            "boolean" => word.to_lowercase().parse::<bool>().map(Value::Bool).map_err(|_| wrong()),
            "datetime" => instant(word).map(|at| json!(stamp(at))).ok_or_else(wrong),
            "date" => word.parse::<jiff::civil::Date>().map(|day| json!(day.to_string())).map_err(|_| wrong()),
            "int" | "double" | "currency" | "percent" => {
                word.parse::<Decimal>().map(super::super::field::number_of).map_err(|_| wrong())
            }
            _ => Err(wrong()),
        },
    }
}

fn same(value: &Value, literal: &Value) -> bool {
    match (decimal_of(value), decimal_of(literal)) {
        (Some(one), Some(other)) => one == other,
        _ => value.is_null() == literal.is_null() && (value.is_null() || folded(value) == folded(literal)),
    }
}

fn order(one: &Value, other: &Value) -> Ordering {
    match (decimal_of(one), decimal_of(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        _ => folded(one).cmp(&folded(other)),
    }
}

fn compare(org: &Org, object: &str, a: &str, b: &str, by: &Order) -> Ordering {
    let (one, other) = (value(org, object, a, &by.path), value(org, object, b, &by.path));
    let nulls = if by.nulls_last { Ordering::Greater } else { Ordering::Less };
    match (one.is_null(), other.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => nulls,
        (false, true) => nulls.reverse(),
        // Ids are compared by their case.
        _ if by.path.len() == 1 && by.path.first().is_some_and(|name| name.eq_ignore_ascii_case("id")) => {
            if by.falling { b.cmp(a) } else { a.cmp(b) }
        }
        _ if by.falling => order(other, one),
        _ => order(one, other),
    }
}

/// `%` is anything, `_` is one character; both texts are in lower case.
fn like(text: &str, pattern: &str) -> bool {
    let mut letters = pattern.chars();
    match letters.next() {
        None => text.is_empty(),
        Some('%') => {
            let rest = letters.as_str();
            like(text, rest) || text.char_indices().any(|(at, c)| like(&text[at + c.len_utf8()..], rest))
        }
        Some('_') => {
            let mut own = text.chars();
            own.next().is_some() && like(own.as_str(), letters.as_str())
        }
        Some(letter) => {
            let letter = if letter == '\\' { letters.next() } else { Some(letter) };
            let mut own = text.chars();
            own.next() == letter && like(own.as_str(), letters.as_str())
        }
    }
}
