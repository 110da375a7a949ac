//! Search: over an index that lags behind, within its limits.

use passerelle_core::http::Response;
use serde_json::{Value, json};

use super::account::{Account, Object, Values};
use super::call::Call;
use super::filter::Filter;
use super::kind::Kind;
use super::property::decimal;
use super::refusal::{Refusal, Reply};

/// Results beyond this cannot be reached.
const REACHABLE: usize = 10_000;
/// The largest page.
const PAGE: u64 = 200;

/// Answers `POST {type}/search`.
pub(super) fn answer(account: &Account, call: &Call<'_>, kind: Kind) -> Reply {
    let query = Query::from_body(account, kind, call.body)?;
    let lag = account.settings.search_lag;
    let mut found: Vec<(&Object, &Values)> = account.objects.get(&kind).map_or_else(Vec::new, |objects| {
        let indexed = objects.values().filter_map(|object| Some((object, object.indexed(call.now, lag)?)));
        indexed.filter(|(_, values)| query.matches(values)).collect()
    });
    query.sort(&mut found);
    let total = found.len();
    if query.after + query.limit > REACHABLE {
        return Err(Refusal::invalid(
            "There was a problem with the request: only the first 10000 results can be paged",
        ));
    }
    let page = found.iter().skip(query.after).take(query.limit);
    let results: Vec<Value> = page
        .map(|(object, values)| {
            let indexed = Object { values: (*values).clone(), past: Default::default(), ..(*object).clone() };
            account.show(kind, &indexed, &query.properties)
        })
        .collect();
    let end = query.after + results.len();
    let mut body = json!({"total": total, "results": results});
    if end < total {
        body["paging"] = json!({"next": {"after": end.to_string()}});
    }
    Ok(Response::json(200, &body))
}

struct Query<'a> {
    groups: Vec<Vec<Filter<'a>>>,
    text: Option<String>,
    sort: Option<(String, bool)>,
    properties: Vec<String>,
    limit: usize,
    after: usize,
}

impl<'a> Query<'a> {
    fn from_body(account: &'a Account, kind: Kind, body: &'a Value) -> Result<Self, Refusal> {
        account.settings.demand(body, &["after", "limit", "sorts", "properties", "filterGroups"])?;
        let groups = body["filterGroups"].as_array().into_iter().flatten();
        let groups: Vec<Vec<Filter<'_>>> =
            groups.map(|group| filters(account, kind, group)).collect::<Result<_, _>>()?;
        let filters: usize = groups.iter().map(Vec::len).sum();
        if groups.len() > 5 || groups.iter().any(|group| group.len() > 6) || filters > 18 {
            return Err(Refusal::invalid("at most 5 filterGroups of 6 filters, 18 filters in all"));
        }
        let limit = body["limit"].as_u64().unwrap_or(10);
        if !(1..=PAGE).contains(&limit) {
            return Err(Refusal::invalid(format!("limit must be between 1 and {PAGE}")));
        }
        let after = match &body["after"] {
            Value::Null => 0,
            Value::String(text) if text.is_empty() => 0,
            Value::String(text) => text.parse().map_err(|_| Refusal::invalid("after is not an offset"))?,
            _ => return Err(Refusal::invalid("after must be a string")),
        };
        let names = body["properties"].as_array().into_iter().flatten();
        Ok(Self {
            groups,
            text: body["query"].as_str().map(str::to_lowercase),
            sort: sort_of(&body["sorts"], account.settings.strict)?,
            properties: names.filter_map(Value::as_str).map(str::to_owned).collect(),
            limit: limit as usize,
            after,
        })
    }

    fn matches(&self, values: &Values) -> bool {
        let grouped =
            self.groups.is_empty() || self.groups.iter().any(|group| group.iter().all(|filter| filter.matches(values)));
        let text = self.text.as_deref().unwrap_or_default();
        grouped && (text.is_empty() || values.values().any(|value| value.to_lowercase().contains(text)))
    }

    fn sort(&self, found: &mut [(&Object, &Values)]) {
        let Some((name, descending)) = &self.sort else { return };
        found.sort_by_cached_key(|(_, values)| values.get(name).map(|text| (decimal(text), text.clone())));
        if *descending {
            found.reverse();
        }
    }
}

fn filters<'a>(account: &'a Account, kind: Kind, group: &'a Value) -> Result<Vec<Filter<'a>>, Refusal> {
    let filters = group["filters"].as_array().ok_or_else(|| Refusal::invalid("filters is required"))?;
    filters.iter().map(|body| Filter::from_body(account, kind, body)).collect()
}

fn sort_of(sorts: &Value, strict: bool) -> Result<Option<(String, bool)>, Refusal> {
    let Some(sorts) = sorts.as_array() else { return Ok(None) };
    match sorts.as_slice() {
        [] => Ok(None),
        [Value::String(text)] => match text.strip_prefix('-') {
            Some(name) => Ok(Some((name.to_owned(), true))),
            None => Ok(Some((text.clone(), false))),
        },
        [Value::Object(rule)] if !strict => {
            let name = rule.get("propertyName").and_then(Value::as_str).unwrap_or("hs_object_id");
            Ok(Some((name.to_owned(), rule.get("direction").and_then(Value::as_str) == Some("DESCENDING"))))
        }
        _ => Err(Refusal::invalid("sorts takes one rule, as a string")),
    }
}
