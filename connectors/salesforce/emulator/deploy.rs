//! Metadata: custom objects and fields, as a person deploys them.

use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::catalog;
use super::field::Field;
use super::org::Org;

/// Adds `objects` (names that end with `__c`) and `fields` (`Object.Name kind options`).
///
/// # Errors
/// `Config` for a line that is none.
pub(super) fn deploy(org: &mut Org, metadata: &Value) -> Result<()> {
    let lines = |name: &str| -> Vec<String> {
        let all = metadata[name].as_array().into_iter().flatten();
        all.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    for name in lines("objects") {
        let prefix = format!("a{:02}", org.objects.len());
        let object = catalog::object(&name, &prefix, "Name string 80 required");
        org.objects.entry(name.to_lowercase()).or_insert(object);
    }
    for line in lines("fields") {
        let wrong = || Error::new(ErrorKind::Config, format!("`{line}` is no field: write `Object.Name kind`"));
        let (object, rest) = line.split_once('.').ok_or_else(wrong)?;
        let field = Field::parse(rest).ok_or_else(wrong)?;
        let known = org.objects.get_mut(&object.to_lowercase()).ok_or_else(wrong)?;
        known.fields.insert(field.name.to_lowercase(), field);
        org.reindex(object);
    }
    Ok(())
}
