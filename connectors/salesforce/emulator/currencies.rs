//! An org with several currencies: a field on every object that holds money, and rows that must agree on it.

use serde_json::json;

use super::field::{Field, Values};
use super::org::Org;
use super::refusal::Refusal;

/// The field that only such an org has [documented].
pub(super) const CURRENCY: &str = "CurrencyIsoCode";

/// Objects that have it; a line or a quote takes its parent's.
const OBJECTS: [(&str, &str); 8] = [
    ("Account", ""),
    ("Contact", ""),
    ("Product2", ""),
    ("PricebookEntry", "createonly"),
    ("Opportunity", ""),
    ("OpportunityLineItem", "readonly"),
    ("Quote", "readonly"),
    ("QuoteLineItem", "readonly"),
];

/// Turns several currencies on; the first one is the company's, and what there is gets it.
pub(super) fn enable(org: &mut Org, currencies: &[String]) {
    let Some(own) = currencies.first() else { return };
    for (object, flag) in OBJECTS {
        let line = format!("{CURRENCY} picklist values={} restricted {flag} default={own}", currencies.join("|"));
        let Some(known) = org.objects.get_mut(&object.to_lowercase()) else { continue };
        known.fields.extend(Field::parse(&line).map(|field| (field.name.to_lowercase(), field)));
        for row in org.rows.get_mut(&object.to_lowercase()).into_iter().flat_map(|rows| rows.values_mut()) {
            row.entry(CURRENCY).or_insert(json!(own));
        }
    }
}

/// Gives a quote or a line its parent's currency, which the line's price has to have as well [documented].
pub(super) fn inherit(
    org: &Org,
    values: &mut Values,
    parent: (&str, &str),
    entry: Option<&str>,
) -> Result<(), Refusal> {
    let own = org.value(parent.0, parent.1, CURRENCY).clone();
    if own.is_null() {
        return Ok(());
    }
    if let Some(entry) = entry
        && org.value("PricebookEntry", entry, CURRENCY) != &own
    {
        let message = "field integrity exception: PricebookEntryId (the pricebook entry is in another currency)";
        return Err(Refusal::bad("FIELD_INTEGRITY_EXCEPTION", message).about(&["PricebookEntryId"]));
    }
    values.insert(CURRENCY.to_owned(), own);
    Ok(())
}
