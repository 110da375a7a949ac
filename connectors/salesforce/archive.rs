//! Deletes: rows put into the recycle bin, each with an outcome of its own.

use passerelle_core::model::{Outcome, RemoteId, Written};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::calls::COLLECTION;
use super::dialect::told;
use super::documents::Documents;
use super::soql;
use super::wire::RowResult;
use super::writes::{Outcomes, copy, is_unsure};

/// Puts rows into the recycle bin.
///
/// # Errors
/// That of a call before anything was written.
pub(super) async fn archive(documents: &Documents<'_>, rows: &[(usize, &str)], outcomes: &mut Outcomes) -> Result<()> {
    for rows in rows.chunks(COLLECTION) {
        let (ids, strange): (Vec<_>, Vec<_>) = rows.iter().partition(|(_, id)| soql::is_id(id));
        for (at, id) in strange {
            outcomes.insert(at, Err(Error::new(ErrorKind::NotFound, "not the id of a record").at("id", id)));
        }
        let names: Vec<&str> = ids.iter().map(|(_, id)| *id).collect();
        if names.is_empty() {
            continue;
        }
        let results = match documents.calls.delete(&names).await {
            Err(error) if outcomes.values().all(Result::is_err) => return Err(error),
            Err(error) => {
                outcomes.extend(ids.iter().map(|(at, _)| (*at, Err(copy(&error)))));
                continue;
            }
            Ok(results) => results,
        };
        for ((at, id), result) in ids.into_iter().zip(results) {
            outcomes.insert(at, settled(documents, id, &result).await);
        }
    }
    Ok(())
}

async fn settled(documents: &Documents<'_>, id: &str, result: &RowResult) -> Outcome {
    let refused = || told(result.errors.first().unwrap_or(&Value::Null), 200);
    let mut failure = (!result.success).then(refused);
    if failure.as_ref().is_some_and(is_unsure) {
        failure = documents.calls.delete_alone(&format!("sobjects/{}/{id}", documents.object)).await.err();
    }
    match failure {
        // One that is deleted already is where it should be.
        Some(error) if error.fact("code") != Some("ENTITY_IS_DELETED") => Err(error),
        _ => Ok(Written { id: RemoteId::new(id), record: None }),
    }
}
