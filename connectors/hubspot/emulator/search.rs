//! Search: over an index that lags behind, within its limits.

use jiff::Timestamp;
use passerelle_core::http::Response;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::account::{Account, Object, Values};
use super::call::Call;
use super::kind::Kind;
use super::property::{decimal, instant};
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

struct Filter<'a> {
    name: &'a str,
    kind: &'a str,
    operator: &'a str,
    body: &'a Value,
}

impl<'a> Query<'a> {
    fn from_body(account: &'a Account, kind: Kind, body: &'a Value) -> Result<Self, Refusal> {
        for member in ["after", "limit", "sorts", "properties", "filterGroups"] {
            if account.settings.strict && body.get(member).is_none() {
                return Err(Refusal::invalid(format!("Some required fields were not set: [{member}]")));
            }
        }
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
        found.sort_by(|(_, one), (_, other)| {
            let key = |values: &Values| values.get(name).map(|text| (decimal(text), text.clone()));
            let order = key(one).cmp(&key(other));
            if *descending { order.reverse() } else { order }
        });
    }
}

fn filters<'a>(account: &'a Account, kind: Kind, group: &'a Value) -> Result<Vec<Filter<'a>>, Refusal> {
    let filters = group["filters"].as_array().ok_or_else(|| Refusal::invalid("filters is required"))?;
    filters
        .iter()
        .map(|body| {
            let name = body["propertyName"].as_str().ok_or_else(|| Refusal::invalid("propertyName is required"))?;
            let operator = body["operator"].as_str().ok_or_else(|| Refusal::invalid("operator is required"))?;
            let property = account.property(kind, name).ok_or_else(|| {
                Refusal::invalid(format!("There was a problem with the request: no property {name:?}"))
            })?;
            let filter = Filter { name, kind: &property.kind, operator, body };
            filter.check()?;
            Ok(filter)
        })
        .collect()
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

impl Filter<'_> {
    fn check(&self) -> Result<(), Refusal> {
        let operands: &[&str] = match self.operator {
            "EQ" | "NEQ" | "LT" | "LTE" | "GT" | "GTE" | "CONTAINS_TOKEN" | "NOT_CONTAINS_TOKEN" => &["value"],
            "BETWEEN" => &["value", "highValue"],
            "IN" | "NOT_IN" => &["values"],
            "HAS_PROPERTY" | "NOT_HAS_PROPERTY" => &[],
            other => return Err(Refusal::invalid(format!("{other} is not an operator"))),
        };
        for operand in operands {
            let given = &self.body[*operand];
            let whole = given.is_string() || given.as_array().is_some_and(|values| values.iter().all(Value::is_string));
            if !whole {
                return Err(Refusal::invalid(format!("operator {} needs {operand}", self.operator)));
            }
        }
        Ok(())
    }

    fn matches(&self, values: &Values) -> bool {
        let have = values.get(self.name).map(String::as_str);
        let operand = |name: &str| self.body[name].as_str().unwrap_or_default();
        let against = |name: &str| have.map(|have| self.key(have).cmp(&self.key(operand(name))));
        match self.operator {
            "HAS_PROPERTY" => have.is_some(),
            "NOT_HAS_PROPERTY" => have.is_none(),
            "EQ" => against("value").is_some_and(|order| order.is_eq()),
            "NEQ" => against("value").is_none_or(|order| order.is_ne()),
            "LT" => against("value").is_some_and(|order| order.is_lt()),
            "LTE" => against("value").is_some_and(|order| order.is_le()),
            "GT" => against("value").is_some_and(|order| order.is_gt()),
            "GTE" => against("value").is_some_and(|order| order.is_ge()),
            "BETWEEN" => {
                against("value").is_some_and(|order| order.is_ge())
                    && against("highValue").is_some_and(|order| order.is_le())
            }
            "IN" => self.is_listed(have),
            "NOT_IN" => !self.is_listed(have),
            "CONTAINS_TOKEN" => contains_token(have, operand("value")),
            _ => !contains_token(have, operand("value")),
        }
    }

    /// A listed text is compared with the lower-case value: one that is given in upper case is never found.
    fn is_listed(&self, have: Option<&str>) -> bool {
        let Some(have) = have else { return false };
        let have = if self.kind == "string" { have.to_lowercase() } else { have.to_owned() };
        self.body["values"].as_array().is_some_and(|values| values.iter().any(|value| value.as_str() == Some(&have)))
    }

    /// What a value is compared by: its number, its instant, or its text in lower case.
    fn key(&self, text: &str) -> (Option<Decimal>, Option<Timestamp>, String) {
        match self.kind {
            "number" => (decimal(text), None, String::new()),
            "date" | "datetime" => (None, instant(text), String::new()),
            "enumeration" | "bool" => (None, None, text.to_owned()),
            _ => (None, None, text.to_lowercase()),
        }
    }
}

fn contains_token(have: Option<&str>, token: &str) -> bool {
    let token = token.trim_matches('*').to_lowercase();
    have.is_some_and(|have| have.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|part| part.contains(&token)))
}
