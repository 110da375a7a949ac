//! Rows as answers bear them: attributes, parents, children.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::super::org::Org;
use super::super::refusal::Refusal;
use super::Scope;
use super::parse::{Condition, Literal, Query, Select};
use super::run::{field, rows, value};

/// One row with what a query selects of it.
pub(super) fn row(
    org: &Org,
    query: &Query,
    object: &str,
    id: &str,
    scope: Scope,
    version: &str,
    now: Timestamp,
) -> Result<Value, Refusal> {
    let mut shown = attributes(object, id, version);
    for select in &query.select {
        match select {
            Select::Path(path) => put(org, &mut shown, object, id, path, version)?,
            Select::Children(children) => {
                let (name, found) = part(org, children, object, id, scope, version, now)?;
                shown.insert(name, found);
            }
            Select::Count | Select::CountOf(_) => return Err(Refusal::query("Field must be grouped or aggregated")),
        }
    }
    Ok(Value::Object(shown))
}

/// `attributes` of a row.
pub(in super::super) fn attributes(object: &str, id: &str, version: &str) -> Map<String, Value> {
    let url = format!("/services/data/{version}/sobjects/{object}/{id}");
    Map::from_iter([("attributes".to_owned(), json!({"type": object, "url": url}))])
}

fn put(
    org: &Org,
    shown: &mut Map<String, Value>,
    object: &str,
    id: &str,
    path: &[String],
    version: &str,
) -> Result<(), Refusal> {
    let known = org.object(object)?;
    match path {
        [_] => {
            let field = field(org, object, path)?;
            shown.insert(field.name.clone(), value(org, object, id, path).clone());
        }
        [relation, rest @ ..] => {
            let Some((by, (to, name))) = known.relation(relation).and_then(|by| Some((by, by.refers.as_ref()?))) else {
                return put(org, shown, object, id, rest, version);
            };
            let Some(parent) = org.value(object, id, &by.name).as_str() else {
                shown.insert(name.clone(), Value::Null);
                return Ok(());
            };
            let inner = shown.entry(name.clone()).or_insert_with(|| Value::Object(attributes(to, parent, version)));
            if let Some(inner) = inner.as_object_mut() {
                put(org, inner, to, parent, rest, version)?;
            }
        }
        [] => {}
    }
    Ok(())
}

/// Children, as the answer to a query of their own; null where there are none.
fn part(
    org: &Org,
    children: &Query,
    object: &str,
    id: &str,
    scope: Scope,
    version: &str,
    now: Timestamp,
) -> Result<(String, Value), Refusal> {
    let known = org.object(object)?;
    let relation = known.children.iter().find(|(relation, ..)| relation.eq_ignore_ascii_case(&children.from));
    let (relation, child, by) = relation.ok_or_else(|| {
        Refusal::bad(
            "INVALID_TYPE",
            format!("Didn't understand relationship '{}' in FROM part of query call.", children.from),
        )
    })?;
    org.object(child)?;
    let mut inner = children.clone();
    inner.from.clone_from(child);
    let own = Condition::Is(vec![by.clone()], "=", Literal::Text(id.to_owned()));
    inner.wanted = Some(match inner.wanted.take() {
        Some(wanted) => Condition::And(vec![own, wanted]),
        None => own,
    });
    let ids = rows(org, &inner, child, scope, now)?;
    if ids.is_empty() {
        return Ok((relation.clone(), Value::Null));
    }
    let mut records = Vec::with_capacity(ids.len());
    for id in &ids {
        records.push(row(org, &inner, child, id, scope, version, now)?);
    }
    Ok((relation.clone(), json!({"totalSize": records.len(), "done": true, "records": records})))
}
