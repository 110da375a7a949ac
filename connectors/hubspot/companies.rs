//! The company of a contact or a deal: an association, written after the record.

use passerelle_core::model::RemoteId;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::calls::Calls;
use super::documents::main_company;
use super::kind::Kind;
use super::writes::copy;

/// What `associated_company` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// It is not named.
    Keep,
    /// No company any more.
    None,
    /// This one, as the primary one.
    Is(String),
}

impl Company {
    /// The value of a write.
    ///
    /// # Errors
    /// `Rejected` when it is no id.
    pub(super) fn of(value: &Value) -> Result<Self> {
        match value {
            Value::Null => Ok(Self::None),
            Value::String(id) if id.is_empty() => Ok(Self::None),
            Value::String(id) if id.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Self::Is(id.clone())),
            other => Err(Error::new(ErrorKind::Rejected, "not the id of a company")
                .at("field", "associated_company")
                .at("value", other)),
        }
    }
}

/// Sets the companies of records that were just written; gives the failures by the place of their write.
pub(super) async fn set_companies(
    calls: &Calls,
    kind: Kind,
    wanted: &[(usize, RemoteId, &Company)],
) -> Vec<(usize, Error)> {
    let Some(type_id) = kind.primary_company_type().filter(|_| !wanted.is_empty()) else { return Vec::new() };
    let mut failures = clear(calls, kind, wanted).await;
    let pairs: Vec<(usize, &str, &str)> = wanted
        .iter()
        .filter_map(|(at, id, company)| match company {
            Company::Is(company) => Some((*at, id.as_str(), company.as_str())),
            Company::Keep | Company::None => None,
        })
        .collect();
    let mut waiting = if pairs.is_empty() { Vec::new() } else { vec![pairs.as_slice()] };
    while let Some(pairs) = waiting.pop() {
        let ends: Vec<(&str, &str)> = pairs.iter().map(|(_, from, to)| (*from, *to)).collect();
        let Err(error) = calls.associate(kind.path(), "companies", &ends, type_id).await else { continue };
        // One company that is gone refuses the whole batch.
        if matches!(error.kind(), ErrorKind::Rejected | ErrorKind::NotFound) && pairs.len() > 1 {
            let (one, other) = pairs.split_at(pairs.len() / 2);
            waiting.extend([one, other]);
        } else {
            failures.extend(pairs.iter().map(|(at, _, _)| (*at, copy(&error).at("field", "associated_company"))));
        }
    }
    failures
}

/// Takes the primary company away from those that shall have none.
async fn clear(calls: &Calls, kind: Kind, wanted: &[(usize, RemoteId, &Company)]) -> Vec<(usize, Error)> {
    let cleared = wanted.iter().filter(|(_, _, company)| **company == Company::None);
    let cleared: Vec<(usize, String)> = cleared.map(|(at, id, _)| (*at, id.as_str().to_owned())).collect();
    if cleared.is_empty() {
        return Vec::new();
    }
    let ids: Vec<String> = cleared.iter().map(|(_, id)| id.clone()).collect();
    let present = match calls.associated(kind.path(), "companies", &ids).await {
        Ok(present) => present,
        Err(error) => return cleared.iter().map(|(at, _)| (*at, copy(&error))).collect(),
    };
    let mut failures = Vec::new();
    for (at, id) in &cleared {
        let Some(company) = main_company(&present, id, kind) else { continue };
        if let Err(error) = calls.dissociate(kind.path(), "companies", (id, company)).await {
            failures.push((*at, error));
        }
    }
    failures
}
