//! The live schema: property definitions, and the keys that the connector joins.

use passerelle_core::Result;
use passerelle_core::connector::{Choice, FieldSchema, Schema};

use super::calls::Calls;
use super::kind::Kind;
use super::wire::Definition;

/// The schema of a resource's documents.
pub(super) async fn describe(calls: &Calls, kind: Kind) -> Result<Schema> {
    let mut fields = vec![FieldSchema::new("id", "string").read_only()];
    fields.extend(calls.definitions(kind.path()).await?.into_iter().map(|known| field("", known)));
    if kind.joined().contains(&"associated_company") {
        let mut company = FieldSchema::new("associated_company", "string");
        company.label = "Primary company (id)".to_owned();
        fields.push(company);
    }
    if kind == Kind::Deals {
        fields.push(joined("associated_contacts", "array", "Contacts (ids)"));
        let mut status = joined("deal_status", "string", "Open, won or lost");
        status.options = ["open", "won", "lost"].map(|word| Choice { value: word.into(), label: word.into() }).into();
        fields.push(status);
        fields.push(joined("quote", "object", "The quote that counts"));
        fields.push(joined("quote.id", "string", "Id of the quote"));
        fields.extend(calls.definitions("quotes").await?.into_iter().map(|known| field("quote.", known).read_only()));
        fields.push(joined("quote_conflict", "boolean", "Two quotes qualify"));
        fields.push(joined("line_items", "array", "Lines of the quote that counts, else of the deal"));
        fields.push(joined("line_items[].id", "string", "Id of the line"));
        let lines = calls.definitions("line_items").await?;
        fields.extend(lines.into_iter().map(|known| field("line_items[].", known).read_only()));
    }
    Ok(Schema { fields })
}

fn joined(path: &str, kind: &str, label: &str) -> FieldSchema {
    let mut field = FieldSchema::new(path, kind).read_only();
    field.label = label.to_owned();
    field
}

fn field(prefix: &str, known: Definition) -> FieldSchema {
    let read_only = known.calculated || known.modification_metadata.is_some_and(|may| may.read_only_value);
    let kind = match known.value_type.as_str() {
        "bool" => "boolean",
        "number" => "number",
        "date" => "date",
        "datetime" => "datetime",
        _ => "string",
    };
    FieldSchema {
        path: format!("{prefix}{}", known.name),
        label: known.label,
        kind: kind.to_owned(),
        writable: !read_only,
        required: false,
        unique: known.has_unique_value,
        options: known.options.into_iter().map(|option| Choice { value: option.value, label: option.label }).collect(),
    }
}
