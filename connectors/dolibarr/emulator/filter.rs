//! The `sqlfilters` grammar: `(t.column:operator:value)`, joined by `and` and `or`, in parentheses.

use rust_decimal::Decimal;
use serde_json::Value;

use super::store::{Kind, Row, Store};

/// A parsed filter.
#[derive(Debug)]
pub(super) enum Filter {
    All(Vec<Filter>),
    Any(Vec<Filter>),
    One { column: String, operator: String, value: String },
}

/// Why a filter is refused.
pub(super) enum Wrong {
    /// 400.
    Syntax,
    /// 503, with the column.
    Column(String),
}

/// Parses; parentheses inside a value are not understood, as observed on 22.0.4.
pub(super) fn parse(text: &str) -> Result<Filter, Wrong> {
    let mut rest = text.trim();
    if !rest.starts_with('(') && !rest.contains(['(', ')']) {
        return condition(rest);
    }
    let filter = any(&mut rest)?;
    if rest.trim().is_empty() { Ok(filter) } else { Err(Wrong::Syntax) }
}

fn any(rest: &mut &str) -> Result<Filter, Wrong> {
    let mut parts = vec![all(rest)?];
    while word(rest, "or") {
        parts.push(all(rest)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::Any(parts) })
}

fn all(rest: &mut &str) -> Result<Filter, Wrong> {
    let mut parts = vec![group(rest)?];
    while word(rest, "and") {
        parts.push(group(rest)?);
    }
    Ok(if parts.len() == 1 { parts.remove(0) } else { Filter::All(parts) })
}

fn word(rest: &mut &str, word: &str) -> bool {
    let trimmed = rest.trim_start();
    let met = trimmed.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    if met {
        *rest = &trimmed[word.len()..];
    }
    met
}

fn group(rest: &mut &str) -> Result<Filter, Wrong> {
    let inner = rest.trim_start().strip_prefix('(').ok_or(Wrong::Syntax)?;
    if inner.trim_start().starts_with('(') {
        *rest = inner;
        let filter = any(rest)?;
        *rest = rest.trim_start().strip_prefix(')').ok_or(Wrong::Syntax)?;
        return Ok(filter);
    }
    let end = inner.find(['(', ')']).filter(|end| inner[*end..].starts_with(')')).ok_or(Wrong::Syntax)?;
    *rest = &inner[end + 1..];
    condition(&inner[..end])
}

fn condition(text: &str) -> Result<Filter, Wrong> {
    let mut parts = text.splitn(3, ':');
    let (Some(column), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(Wrong::Syntax);
    };
    let operator = operator.to_lowercase();
    let known = ["=", "!=", "<>", "<", ">", "<=", ">=", "like", "in", "notin", "is", "isnot"];
    if !known.contains(&operator.as_str()) {
        return Err(Wrong::Syntax);
    }
    Ok(Filter::One { column: column.trim().to_owned(), operator, value: value.trim().to_owned() })
}

impl Filter {
    /// Whether a row passes.
    pub fn passes(&self, store: &Store, kind: Kind, row: &Row) -> Result<bool, Wrong> {
        match self {
            Self::All(parts) => parts.iter().try_fold(true, |so_far, part| Ok(so_far & part.passes(store, kind, row)?)),
            Self::Any(parts) => {
                parts.iter().try_fold(false, |so_far, part| Ok(so_far | part.passes(store, kind, row)?))
            }
            Self::One { column, operator, value } => {
                let Some(cell) = cell(store, kind, row, column) else { return Err(Wrong::Column(column.clone())) };
                // An epoch number compares with everything at once, as observed on 22.0.4.
                if column == "t.tms" && !value.starts_with('\'') {
                    return Ok(operator.starts_with('>'));
                }
                Ok(compare(cell.as_deref(), operator, value))
            }
        }
    }
}

/// A column's text for a row; `None` where the database has no such column.
pub(super) fn cell(store: &Store, kind: Kind, row: &Row, column: &str) -> Option<Option<String>> {
    let extra = if kind == Kind::Contact { "te." } else { "ef." };
    if let Some(code) = column.strip_prefix(extra) {
        let known = code == "fk_object" || store.extrafields.contains_key(&(kind, code.to_owned()));
        let value = row.options.get(&format!("options_{code}"));
        return known.then(|| value.and_then(Value::as_str).map(str::to_owned));
    }
    let column = column.strip_prefix("t.").unwrap_or(column);
    let field = match (kind, column) {
        (_, "rowid") => "id",
        (_, "tms") => return Some(Some(store.settings.zones.shown(row.tms))),
        (Kind::Party, "nom") => "name",
        (Kind::Party, "siren") => "idprof1",
        (Kind::Party, "siret") => "idprof2",
        (Kind::Contact, "phone") => "phone_pro",
        (Kind::Product, "fk_product_type") => "type",
        (_, "fk_soc") => "socid",
        (_, "fk_statut") => "statut",
        // Names of the API that the database does not know.
        (_, "id" | "name" | "socid" | "statut" | "idprof1" | "date_modification") => return None,
        (_, other) => other,
    };
    let value = row.fields.get(field)?;
    Some(value.as_str().map(str::to_owned).filter(|text| !text.is_empty() || kind == Kind::Product))
}

fn compare(cell: Option<&str>, operator: &str, value: &str) -> bool {
    match operator {
        "is" => cell.is_none(),
        "isnot" => cell.is_some(),
        "in" => value.split(',').any(|one| equal(cell, one)),
        "notin" => cell.is_some() && !value.split(',').any(|one| equal(cell, one)),
        "=" => equal(cell, value),
        "!=" | "<>" => cell.is_some() && !equal(cell, value),
        "like" => cell.is_some_and(|cell| like(&fold(cell), &fold(bare(value)))),
        _ => cell.is_some_and(|cell| ordered(cell, operator, bare(value))),
    }
}

fn ordered(cell: &str, operator: &str, value: &str) -> bool {
    let order = match (cell.parse::<Decimal>(), value.parse::<Decimal>()) {
        (Ok(cell), Ok(value)) => cell.cmp(&value),
        _ => cell.cmp(value),
    };
    match operator {
        "<" => order.is_lt(),
        ">" => order.is_gt(),
        "<=" => order.is_le(),
        _ => order.is_ge(),
    }
}

fn equal(cell: Option<&str>, value: &str) -> bool {
    cell.is_some_and(|cell| fold(cell) == fold(bare(value)))
}

/// The database's collation minds no case.
fn fold(text: &str) -> String {
    text.trim_end().to_lowercase()
}

fn bare(value: &str) -> &str {
    let value = value.trim();
    value.strip_prefix('\'').and_then(|value| value.strip_suffix('\'')).unwrap_or(value)
}

fn like(text: &str, pattern: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('%') => {
            text.char_indices().map(|(at, _)| at).chain([text.len()]).any(|at| like(&text[at..], &pattern[1..]))
        }
        Some(wanted) => text.chars().next().is_some_and(|c| {
            (wanted == '_' || wanted == c) && like(&text[c.len_utf8()..], &pattern[wanted.len_utf8()..])
        }),
    }
}
