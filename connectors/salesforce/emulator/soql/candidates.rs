//! Which rows a condition can hold for, told by ids and the index, so that not every row is looked at.

use serde_json::json;

use super::super::id;
use super::super::org::Org;
use super::parse::{Condition, Literal};

/// The only ids that may be wanted; `None` when every row may be.
pub(super) fn of(org: &Org, object: &str, wanted: &Condition) -> Option<Vec<String>> {
    match wanted {
        Condition::And(all) => all.iter().find_map(|one| of(org, object, one)),
        Condition::In(path, true, literals) => named(org, object, path, literals),
        Condition::Is(path, "=", literal) => named(org, object, path, std::slice::from_ref(literal)),
        _ => None,
    }
}

fn named(org: &Org, object: &str, path: &[String], literals: &[Literal]) -> Option<Vec<String>> {
    let [name] = path else { return None };
    let field = org.object(object).ok()?.field(name)?;
    let texts = literals.iter().map(|literal| match literal {
        Literal::Text(text) => Some(text),
        Literal::Word(_) => None,
    });
    let texts: Vec<&String> = texts.collect::<Option<_>>()?;
    let mut ids: Vec<String> = match field.kind.as_str() {
        "id" => texts.iter().filter_map(|text| id::long(text)).filter(|id| org.row(object, id).is_some()).collect(),
        _ if field.external_id || field.unique || field.refers.is_some() => {
            let values = texts.iter().map(|text| {
                if field.refers.is_some() { id::long(text).map(|id| json!(id)) } else { Some(json!(text)) }
            });
            values.flatten().flat_map(|value| org.indexed(object, &field.name, &value)).collect()
        }
        _ => return None,
    };
    ids.sort();
    ids.dedup();
    Some(ids)
}
