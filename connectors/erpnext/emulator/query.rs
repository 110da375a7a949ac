//! Lists: filters, fields of child tables by joining them, order, pages.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::filter::{self, Condition};
use super::meta::{OF_ROWS, STANDARD};
use super::refusal::{Refusal, Reply};
use super::site::Site;
use super::values::{Doc, folded, rows, scrambled, text};

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Query {
    pub fields: Vec<String>,
    pub filters: Value,
    pub or_filters: Value,
    pub order_by: String,
    pub group_by: String,
    pub start: usize,
    /// 0 for all.
    pub limit: usize,
}

/// A parent joined with one row of a child table.
type Joined<'a> = (&'a Doc, Option<(&'a str, &'a Doc)>);

/// The rows of a list.
pub(super) fn list(site: &Site, doctype: &str, query: &Query) -> Reply<Vec<Value>> {
    site.check_right(doctype, "read")?;
    let columns = columns(site, doctype, &query.fields)?;
    let all = filter::read(site, doctype, &query.filters)?;
    let any = filter::read(site, doctype, &query.or_filters)?;
    let tables = columns.iter().filter_map(|column| column.table.as_deref());
    let filtered = all.iter().chain(&any).filter_map(|condition| condition.table.as_deref());
    let table: Option<String> = tables.chain(filtered).next().map(str::to_owned);
    let mut found: Vec<Joined<'_>> = Vec::new();
    for doc in site.all(doctype) {
        let children: Vec<(&str, &Doc)> = table.iter().flat_map(|of| children(site, doctype, doc, of)).collect();
        let joined: Vec<Option<(&str, &Doc)>> =
            if children.is_empty() { vec![None] } else { children.into_iter().map(Some).collect() };
        for child in joined {
            let holds = |condition: &Condition| {
                let of = if condition.table.is_some() { child.map(|(_, row)| row) } else { Some(doc) };
                condition.holds(of.and_then(|doc| doc.get(&condition.field)))
            };
            if all.iter().all(holds) && (any.is_empty() || any.iter().any(holds)) {
                found.push((doc, child));
            }
        }
    }
    if let Some(of) = &table {
        unambiguous(site, doctype, of, &columns, &query.order_by)?;
    }
    sort(&mut found, &query.order_by)?;
    if !query.group_by.is_empty() {
        return Ok(grouped(&found, &columns, &query.group_by));
    }
    let most = if query.limit == 0 { usize::MAX } else { query.limit };
    Ok(found.iter().skip(query.start).take(most).map(|row| Value::Object(shown(row, &columns))).collect())
}

/// How many there are.
pub(super) fn count(site: &Site, doctype: &str, filters: &Value) -> Reply<usize> {
    let query = Query { fields: vec!["name".to_owned()], filters: filters.clone(), ..Query::default() };
    list(site, doctype, &query).map(|rows| rows.len())
}

/// The rows of a document's tables of one type, and the table's name.
fn children<'a>(site: &Site, doctype: &str, doc: &'a Doc, of: &str) -> Vec<(&'a str, &'a Doc)> {
    let tables = site.fields(doctype).into_iter().filter(|field| field.rows.as_deref() == Some(of));
    let tables: Vec<String> = tables.map(|field| field.name).collect();
    doc.iter()
        .filter(|(name, _)| tables.contains(name))
        .flat_map(|(name, _)| rows(doc, name).map(move |row| (name.as_str(), row)))
        .collect()
}

/// One column of the answer.
#[derive(Debug)]
struct Column {
    /// The child's type, where it is a child's.
    table: Option<String>,
    field: String,
    alias: String,
}

fn columns(site: &Site, doctype: &str, asked: &[String]) -> Reply<Vec<Column>> {
    let mut columns = Vec::new();
    for one in asked {
        let (one, alias) =
            one.split_once(" as ").map_or((one.trim(), None), |(one, alias)| (one.trim(), Some(alias.trim())));
        if one == "*" {
            let fields = site.fields(doctype).into_iter().filter(|field| field.rows.is_none()).map(|field| field.name);
            let names = STANDARD.iter().map(|name| (*name).to_owned()).chain(fields);
            columns.extend(names.map(|name| Column { table: None, alias: name.clone(), field: name }));
            continue;
        }
        if one.starts_with("count(") {
            columns.push(Column { table: None, field: "count()".to_owned(), alias: alias.unwrap_or(one).to_owned() });
            continue;
        }
        let (table, field) = filter::place(site, doctype, one)?;
        let alias = alias.map_or_else(|| field.clone(), str::to_owned);
        columns.push(Column { table, field, alias });
    }
    Ok(columns)
}

fn shown((doc, child): &Joined<'_>, columns: &[Column]) -> Map<String, Value> {
    let value = |column: &Column| match (&column.table, child) {
        (None, _) => doc.get(&column.field).cloned(),
        (Some(_), Some((_, row))) => row.get(&column.field).cloned(),
        _ => None,
    };
    // Lists show nulls; documents leave them out.
    columns.iter().map(|column| (column.alias.clone(), value(column).unwrap_or(Value::Null))).collect()
}

fn grouped(found: &[Joined<'_>], columns: &[Column], by: &str) -> Vec<Value> {
    let by = by.trim().trim_matches('`');
    let mut groups: Vec<(Value, Map<String, Value>, usize)> = Vec::new();
    for row in found {
        let key = row.0.get(by).cloned().unwrap_or(Value::Null);
        match groups.iter_mut().find(|(known, ..)| *known == key) {
            Some((_, _, count)) => *count += 1,
            None => groups.push((key, shown(row, columns), 1)),
        }
    }
    let counted = groups.into_iter().map(|(_, mut row, count)| {
        for column in columns.iter().filter(|column| column.field == "count()") {
            row.insert(column.alias.clone(), json!(count));
        }
        Value::Object(row)
    });
    counted.collect()
}

/// An order by a column that both joined tables have is refused by the database, unless the answer has a column of that
/// name (documented by MariaDB; Frappe passes the order on as it is).
fn unambiguous(site: &Site, doctype: &str, table: &str, columns: &[Column], order: &str) -> Reply<()> {
    for field in order.split(',').filter_map(|part| part.split_whitespace().next()).filter(|field| !field.contains('.'))
    {
        let field = field.trim_matches('`');
        let answered = columns.iter().any(|column| column.alias == field);
        if !answered && has(site, doctype, field) && has(site, table, field) {
            let technical = format!("(1052, \"Column '{field}' in order clause is ambiguous\")");
            return Err(Refusal::new(500, "OperationalError", "").technical(technical));
        }
    }
    Ok(())
}

/// Without an order there is none: rows come as some index has them.
fn sort(found: &mut [Joined<'_>], order: &str) -> Reply<()> {
    if order.trim().is_empty() {
        found.sort_by_key(|(doc, _)| scrambled(text(doc, "name")));
        return Ok(());
    }
    let mut keys = Vec::new();
    for part in order.split(',') {
        let mut words = part.split_whitespace();
        let field = words.next().unwrap_or_default().trim_matches('`');
        let field = field.rsplit_once('.').map_or(field, |(_, field)| field).trim_matches('`');
        let plain = field.chars().all(|c| c.is_alphanumeric() || c == '_');
        let way = words.next().unwrap_or("asc").to_lowercase();
        if !plain || !matches!(way.as_str(), "asc" | "desc") || words.next().is_some() {
            return Err(Refusal::invalid(format!("Illegal SQL Query in order by: {order}")));
        }
        keys.push((field.to_owned(), way == "desc"));
    }
    found.sort_by(|one, other| {
        keys.iter().fold(Ordering::Equal, |so_far, (field, down)| {
            let order = compared(one.0.get(field), other.0.get(field));
            so_far.then(if *down { order.reverse() } else { order })
        })
    });
    Ok(())
}

/// As the database orders: numbers by size, texts without case, nothing first.
pub(super) fn compared(one: Option<&Value>, other: Option<&Value>) -> Ordering {
    let key = |value: Option<&Value>| match value {
        None | Some(Value::Null) => (0, f64::MIN, String::new()),
        Some(Value::Number(number)) => (1, number.as_f64().unwrap_or_default(), String::new()),
        Some(Value::String(text)) => (2, 0.0, folded(text)),
        Some(other) => (2, 0.0, other.to_string()),
    };
    let (one, other) = (key(one), key(other));
    one.0.cmp(&other.0).then(one.1.total_cmp(&other.1)).then(one.2.cmp(&other.2))
}

/// Whether a document type, or a table of it, has a field.
pub(super) fn has(site: &Site, doctype: &str, field: &str) -> bool {
    STANDARD.contains(&field)
        || OF_ROWS.contains(&field)
        || site.fields(doctype).iter().any(|known| known.name == field)
}
