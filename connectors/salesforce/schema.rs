//! The live schema: what is described, and the keys that the connector joins.

use passerelle_core::Result;
use passerelle_core::connector::{Choice, FieldSchema, Schema};

use super::documents::Documents;
use super::kind::{CURRENCY, ENTRY, Kind, LINES, QUOTE, QUOTE_CONFLICT};
use super::opportunities::has_quotes;
use super::wire::{Described, DescribedField};

/// The schema of a resource's documents.
pub(super) async fn describe(documents: &Documents<'_>) -> Result<Schema> {
    let calls = documents.calls;
    let own = calls.describe(documents.object).await?;
    let mut fields: Vec<FieldSchema> = own.fields.iter().map(|known| field("", known)).collect();
    parents(&own, "", &mut fields);
    if own.field(CURRENCY).is_none() {
        fields.push(joined(CURRENCY, "string", "Currency; nothing where the org has one"));
    }
    match documents.kind {
        Kind::Person | Kind::Plain => {}
        Kind::Product => {
            fields.push(joined(ENTRY, "object", "The price in the price book"));
            let entry = calls.describe("PricebookEntry").await?;
            let path = format!("{ENTRY}.");
            let writable = |known: &DescribedField| matches!(known.name.as_str(), "UnitPrice" | "IsActive");
            fields.extend(entry.fields.iter().map(|known| {
                let field = field(&path, known);
                if writable(known) { field } else { field.read_only() }
            }));
        }
        Kind::Opportunity => {
            fields.push(joined(QUOTE, "object", "The quote that counts"));
            fields.push(joined(QUOTE_CONFLICT, "boolean", "Two quotes qualify"));
            fields.push(joined(LINES, "array", "Lines of the quote that counts, else of the opportunity"));
            let of_deal = calls.describe("OpportunityLineItem").await?;
            let mut lines = of_deal.fields.clone();
            if has_quotes(documents).await? {
                let quote = calls.describe("Quote").await?;
                fields.extend(quote.fields.iter().map(|known| field(&format!("{QUOTE}."), known).read_only()));
                // A document's lines may be those of either.
                let of_quote = calls.describe("QuoteLineItem").await?;
                lines.retain(|known| of_quote.field(&known.name).is_some());
            }
            let path = format!("{LINES}[].");
            fields.extend(lines.iter().map(|known| field(&path, known).read_only()));
            parents(&of_deal, &path, &mut fields);
        }
    }
    // Where two tell the same path, the first one does.
    let mut seen = std::collections::BTreeSet::new();
    fields.retain(|field| seen.insert(field.path.clone()));
    Ok(Schema { fields })
}

/// Parents can be read through: `Product2.Name`.
fn parents(described: &Described, path: &str, fields: &mut Vec<FieldSchema>) {
    for known in &described.fields {
        if let Some(relation) = &known.relationship_name {
            fields.push(joined(&format!("{path}{relation}"), "object", &known.label));
        }
    }
}

fn joined(path: &str, kind: &str, label: &str) -> FieldSchema {
    let mut field = FieldSchema::new(path, kind).read_only();
    label.clone_into(&mut field.label);
    field
}

/// A field's kind, as a schema says it.
pub(super) fn kind_of(known: &DescribedField) -> &'static str {
    match known.kind.as_str() {
        "boolean" => "boolean",
        "currency" | "double" | "percent" | "int" => "number",
        "date" => "date",
        "datetime" => "datetime",
        "address" | "location" => "object",
        _ => "string",
    }
}

fn field(prefix: &str, known: &DescribedField) -> FieldSchema {
    let kind = kind_of(known);
    let options = known.picklist_values.iter().filter(|value| value.active && known.kind == "picklist");
    let label = if known.label.is_empty() { known.name.clone() } else { known.label.clone() };
    FieldSchema {
        path: format!("{prefix}{}", known.name),
        label,
        kind: kind.to_owned(),
        writable: known.updateable || known.createable,
        required: known.createable && !known.nillable && !known.defaulted_on_create,
        unique: known.unique,
        options: options
            .map(|value| Choice {
                value: value.value.clone(),
                label: value.label.clone().unwrap_or_else(|| value.value.clone()),
            })
            .collect(),
    }
}
