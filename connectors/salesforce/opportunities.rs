//! Opportunities as documents: the quote that counts, and the lines.

use std::collections::BTreeMap;

use passerelle_core::Result;
use passerelle_core::model::{Fields, Record};
use serde_json::{Value, json};

use super::calls::Scope;
use super::documents::{Documents, IDS};
use super::kind::{LINES, QUOTE, QUOTE_CONFLICT};
use super::soql;
use super::wire::Row;

/// Joins opportunities with what hangs on them; 200 of them cost three calls.
pub(super) async fn join(documents: &Documents<'_>, rows: Vec<Row>) -> Result<Vec<Record>> {
    let ids: Vec<&str> = rows.iter().map(Row::id).collect();
    let mut quotes = quotes(documents, &ids).await?;
    let decisions: Vec<Decision> =
        ids.iter().map(|id| decide(quotes.remove(*id).unwrap_or_default(), &documents.rules.accepted)).collect();
    let without = ids.iter().zip(&decisions).filter(|(_, decision)| decision.quote.is_none()).map(|(id, _)| *id);
    let of_deals = lines(documents, "OpportunityLineItem", "OpportunityId", &without.collect::<Vec<_>>()).await?;
    let chosen: Vec<&str> = decisions.iter().filter_map(|decision| decision.quote.as_ref()).map(Row::id).collect();
    let of_quotes = lines(documents, "QuoteLineItem", "QuoteId", &chosen).await?;

    let joined = rows.into_iter().zip(decisions).map(|(row, decision)| {
        let lines = match &decision.quote {
            Some(quote) => of_quotes.get(quote.id()),
            None => of_deals.get(row.id()),
        };
        let mut record = documents.record(row);
        record.fields.insert(LINES.to_owned(), json!(lines.cloned().unwrap_or_default()));
        let quote = decision.quote.map(|quote| {
            let mut fields = quote.0;
            fields.shift_remove("OpportunityId");
            Value::Object(fields)
        });
        record.fields.insert(QUOTE.to_owned(), quote.unwrap_or(Value::Null));
        record.fields.insert(QUOTE_CONFLICT.to_owned(), json!(decision.conflict));
        record
    });
    Ok(joined.collect())
}

/// The quote that counts, and whether another one might.
#[derive(Debug, Default)]
struct Decision {
    quote: Option<Row>,
    conflict: bool,
}

/// Accepted before synced: a synced quote is what the opportunity shows, an accepted one binds.
fn decide(quotes: Vec<Row>, accepted: &[String]) -> Decision {
    let is_accepted = |row: &Row| row.text("Status").is_some_and(|status| accepted.iter().any(|known| known == status));
    let (mut binding, other): (Vec<Row>, Vec<Row>) = quotes.into_iter().partition(is_accepted);
    let conflict = binding.len() > 1 && !binding.iter().any(|row| row.says("IsSyncing"));
    let synced = binding.iter().position(|row| row.says("IsSyncing"));
    let quote = match (synced, binding.len()) {
        (Some(at), _) => Some(binding.swap_remove(at)),
        (None, 0) => other.into_iter().find(|row| row.says("IsSyncing")),
        // The last one that was made; a person is told by the conflict.
        (None, _) => binding.pop(),
    };
    Decision { quote, conflict }
}

/// The quotes of some opportunities, in the order they were made; none where the org has no quotes.
async fn quotes(documents: &Documents<'_>, deals: &[&str]) -> Result<BTreeMap<String, Vec<Row>>> {
    let mut found: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    if deals.is_empty() || !has_quotes(documents).await? {
        return Ok(found);
    }
    let fields: Vec<&str> = documents.asked.quote.iter().map(String::as_str).collect();
    for deals in deals.chunks(IDS) {
        let query = format!(
            "SELECT Id,OpportunityId,{} FROM Quote WHERE OpportunityId IN ({}) ORDER BY CreatedDate,Id",
            fields.join(","),
            soql::list(deals.iter().copied())
        );
        for row in documents.calls.rows(&query, Scope::Live).await? {
            let deal = row.text("OpportunityId").unwrap_or_default().to_owned();
            found.entry(deal).or_default().push(row);
        }
    }
    Ok(found)
}

/// Whether the feature is enabled: opportunities then have a field for the synced quote.
pub(super) async fn has_quotes(documents: &Documents<'_>) -> Result<bool> {
    Ok(documents.calls.describe("Opportunity").await?.field("SyncedQuoteId").is_some())
}

/// The lines of some parents, in their order.
async fn lines(
    documents: &Documents<'_>,
    object: &str,
    parent: &str,
    ids: &[&str],
) -> Result<BTreeMap<String, Vec<Fields>>> {
    let mut found: BTreeMap<String, Vec<Fields>> = BTreeMap::new();
    let fields: Vec<&str> = documents.asked.line.iter().map(String::as_str).collect();
    for ids in ids.chunks(IDS) {
        let query = format!(
            "SELECT Id,{parent},{} FROM {object} WHERE {parent} IN ({}) ORDER BY SortOrder NULLS LAST,CreatedDate,Id",
            fields.join(","),
            soql::list(ids.iter().copied())
        );
        for mut row in documents.calls.rows(&query, Scope::Live).await? {
            let parent = row.text(parent).unwrap_or_default().to_owned();
            row.0.shift_remove("OpportunityId");
            row.0.shift_remove("QuoteId");
            found.entry(parent).or_default().push(row.0);
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quotes as `id status syncing`, separated by commas; expects the id that counts, `!` for a conflict.
    fn check(quotes: &str, expected: &str) {
        let rows = quotes.split(", ").filter(|text| !text.is_empty()).map(|text| {
            let words: Vec<&str> = text.split(' ').collect();
            let fields = json!({"Id": words[0], "Status": words[1], "IsSyncing": words.get(2).is_some()});
            Row(fields.as_object().cloned().unwrap())
        });
        let decision = decide(rows.collect(), &["Accepted".to_owned()]);
        let id = decision.quote.as_ref().map_or("none", Row::id);
        assert_eq!(format!("{id}{}", if decision.conflict { "!" } else { "" }), expected, "{quotes}");
    }

    #[test]
    fn an_accepted_quote_counts_before_a_synced_one() {
        check("", "none");
        check("1 Draft, 2 Presented", "none");
        check("1 Draft, 2 Draft syncing", "2");
        check("1 Accepted, 2 Draft syncing", "1");
        check("1 Accepted, 2 Accepted syncing", "2");
        check("1 Accepted, 2 Accepted", "2!");
    }
}
