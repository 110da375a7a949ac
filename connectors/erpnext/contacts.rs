//! Contacts as ERPNext keeps them: e-mail addresses, numbers and links in tables.

use passerelle_core::model::Fields;
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::{Value, json};

/// What a contact keeps in tables.
pub(super) const TABLES: [&str; 4] = ["email_id", "phone", "mobile_no", "customer"];

/// Puts a contact's one e-mail, numbers and customer into its tables, and leaves other rows alone.
pub(super) fn tabled(body: &mut Fields, there: Option<&Value>) -> Result<()> {
    for (field, table, column, flag) in [
        ("email_id", "email_ids", "email_id", "is_primary"),
        ("phone", "phone_nos", "phone", "is_primary_phone"),
        ("mobile_no", "phone_nos", "phone", "is_primary_mobile_no"),
    ] {
        let Some(value) = body.shift_remove(field) else { continue };
        let mut rows =
            table_of(body, there, table, &[column, "is_primary", "is_primary_phone", "is_primary_mobile_no"]);
        rows.retain_mut(|row| {
            if row[flag] != json!(1) {
                return true;
            }
            // One number can be both the phone and the mobile: it stays as the other.
            row[flag] = json!(0);
            ["is_primary_phone", "is_primary_mobile_no"].iter().any(|other| row[*other] == json!(1))
        });
        if !value.is_null() {
            rows.push(json!({ column: value, flag: 1 }));
        }
        body.insert(table.to_owned(), Value::Array(rows));
    }
    if let Some(customer) = body.shift_remove("customer") {
        let mut rows = table_of(body, there, "links", &["link_doctype", "link_name"]);
        let old = rows.iter().position(|row| row["link_doctype"] == json!("Customer"));
        if let Some(old) = old {
            rows.remove(old);
        }
        if !customer.is_null() {
            rows.insert(0, json!({ "link_doctype": "Customer", "link_name": customer }));
        }
        body.insert("links".to_owned(), Value::Array(rows));
    }
    // A person with one name has it as the first: ERPNext names contacts by it.
    if there.is_none() && body.get("first_name").is_none() {
        let last = body.shift_remove("last_name").filter(|last| !last.is_null());
        let missing = || Error::new(ErrorKind::Rejected, "a contact of ERPNext needs a name").at("field", "first_name");
        body.insert("first_name".to_owned(), last.ok_or_else(missing)?);
    }
    Ok(())
}

fn table_of(body: &Fields, there: Option<&Value>, table: &str, columns: &[&str]) -> Vec<Value> {
    if let Some(rows) = body.get(table).and_then(Value::as_array) {
        return rows.clone();
    }
    let rows = there.and_then(|there| there.get(table)).and_then(Value::as_array).into_iter().flatten();
    let kept = |row: &Value| -> Value {
        columns
            .iter()
            .filter_map(|column| Some(((*column).to_owned(), row.get(*column)?.clone())))
            .collect::<Fields>()
            .into()
    };
    rows.map(kept).collect()
}
