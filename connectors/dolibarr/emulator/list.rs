//! Lists: filter, sort, page, properties, and each resource's own way to say that there is nothing.

use std::cmp::Ordering;

use passerelle_core::http::Request;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::answer::{Reply, no, refuse};
use super::filter::{self, Filter, Wrong};
use super::shape;
use super::store::{Kind, Row, Store};

/// `GET /{resource}`.
pub(super) fn list(store: &Store, kind: Kind, request: &Request) -> Reply {
    let ask = |name: &str| request.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
    let filter = match ask("sqlfilters").filter(|text| !text.is_empty()) {
        None => None,
        Some(text) => Some(filter::parse(text).map_err(|wrong| explain(kind, text, &wrong))?),
    };
    let mut rows = Vec::new();
    for row in store.all(kind) {
        let mut passes = selected(kind, row, &ask);
        if let Some(filter) = &filter {
            passes &= filter.passes(store, kind, row).map_err(|wrong| explain(kind, "", &wrong))?;
        }
        if passes {
            rows.push(row);
        }
    }
    probe_columns(store, kind, filter.as_ref())?;
    sort(store, kind, &mut rows, ask("sortfield"), ask("sortorder"))?;
    let total = rows.len();
    let number = |name: &str, otherwise: i64| ask(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (limit, page) = (number("limit", 100), number("page", 0).max(0));
    let shown: Vec<&Row> = match usize::try_from(limit) {
        Ok(limit) if limit > 0 => rows.into_iter().skip(limit * page as usize).take(limit).collect(),
        _ => rows,
    };
    if shown.is_empty() && kind == Kind::Party {
        return no(404, "No third parties found");
    }
    let links = ask("loadlinkedobjects") == Some("1");
    let one = |row: &&Row| keep(shape::document(store, kind, row, links), ask("properties"));
    if kind == Kind::Product && ask("ids_only") == Some("true") {
        return Ok(shown.iter().map(|row| json!(row.id.to_string())).collect());
    }
    let data: Value = shown.iter().map(one).collect();
    if ask("pagination_data") != Some("true") {
        return Ok(data);
    }
    let pages = (total as i64 + limit - 1).checked_div(limit);
    let Some(pages) = pages else { return Err(passerelle_core::http::Response::empty(500)) };
    Ok(json!({ "data": data, "pagination": { "total": total, "page": page, "page_count": pages, "limit": limit } }))
}

/// The parameters that select besides `sqlfilters`; a word that is not known selects everything.
fn selected<'a>(kind: Kind, row: &Row, ask: &dyn Fn(&str) -> Option<&'a str>) -> bool {
    let state = match (kind, ask("status")) {
        (Kind::Invoice, Some("draft")) => Some("0"),
        (Kind::Invoice, Some("unpaid")) => Some("1"),
        (Kind::Invoice, Some("paid")) => Some("2"),
        (Kind::Invoice, Some("cancelled")) => Some("3"),
        _ => None,
    };
    let mode: Option<&[&str]> = match (kind, ask("mode")) {
        (Kind::Party, Some("1")) => Some(&["1", "3"]),
        (Kind::Party, Some("2")) => Some(&["2", "3"]),
        (Kind::Party, Some("3")) => Some(&["0"]),
        _ => None,
    };
    let parties = ask("thirdparty_ids").filter(|ids| !ids.is_empty());
    state.is_none_or(|state| row.text("statut") == state)
        && mode.is_none_or(|mode| mode.contains(&row.text("client")))
        && parties.is_none_or(|ids| ids.split(',').any(|id| id == row.text("socid")))
}

/// A database refuses an unknown column even when no row is there to compare.
fn probe_columns(store: &Store, kind: Kind, filter: Option<&Filter>) -> Result<(), passerelle_core::http::Response> {
    let Some(filter) = filter else { return Ok(()) };
    let row = shape::blank(kind);
    filter.passes(store, kind, &row).map(|_| ()).map_err(|wrong| explain(kind, "", &wrong))
}

fn explain(kind: Kind, text: &str, wrong: &Wrong) -> passerelle_core::http::Response {
    match wrong {
        Wrong::Syntax => refuse(
            400,
            &format!("Error when validating parameter sqlfilters -> Bad syntax of the search string: {text}"),
            None,
        ),
        Wrong::Column(column) => refuse(
            503,
            &format!("Error when retrieve {} list : Unknown column '{column}' in 'where clause'", kind.element()),
            None,
        ),
    }
}

fn sort(
    store: &Store,
    kind: Kind,
    rows: &mut [&Row],
    fields: Option<&str>,
    orders: Option<&str>,
) -> Result<(), passerelle_core::http::Response> {
    let default = if kind == Kind::Product { "t.ref" } else { "t.rowid" };
    let fields: Vec<&str> = fields.unwrap_or(default).split(',').collect();
    let orders: Vec<&str> = orders.unwrap_or("ASC").split(',').collect();
    let blank = shape::blank(kind);
    if let Some(column) = fields.iter().find(|column| filter::cell(store, kind, &blank, column).is_none()) {
        return Err(explain(kind, "", &Wrong::Column((*column).to_owned())));
    }
    rows.sort_by(|one, other| {
        fields.iter().enumerate().fold(Ordering::Equal, |so_far, (place, column)| {
            let cell = |row: &Row| filter::cell(store, kind, row, column).flatten().unwrap_or_default();
            let order = order(&cell(one), &cell(other));
            let down = orders.get(place).is_some_and(|order| order.eq_ignore_ascii_case("desc"));
            so_far.then(if down { order.reverse() } else { order })
        })
    });
    Ok(())
}

fn order(one: &str, other: &str) -> Ordering {
    match (one.parse::<Decimal>(), other.parse::<Decimal>()) {
        (Ok(one), Ok(other)) => one.cmp(&other),
        _ => one.cmp(other),
    }
}

/// Only the named top-level keys, when some are named.
fn keep(document: Value, properties: Option<&str>) -> Value {
    let Some(properties) = properties.filter(|names| !names.is_empty()) else { return document };
    let names: Vec<&str> = properties.split(',').collect();
    let Value::Object(fields) = document else { return document };
    Value::Object(fields.into_iter().filter(|(name, _)| names.contains(&name.as_str())).collect())
}
