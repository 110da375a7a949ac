//! Value tables: native value to canonical value, both ways.

use indexmap::IndexMap;
use serde_json::Value;

use super::kind;

/// One table, for one type.
#[derive(Debug)]
pub(super) struct Table {
    name: String,
    rows: IndexMap<String, Value>,
    /// The row `"*"`: any other native value, on reading only.
    otherwise: Option<Value>,
}

impl Table {
    /// A table of native to canonical values; the native `"*"` is any other, the native `""` is nothing.
    pub(super) fn new(name: &str, rows: impl IntoIterator<Item = (String, Value)>) -> Self {
        let mut rows: IndexMap<String, Value> = rows.into_iter().collect();
        let otherwise = rows.shift_remove("*");
        Self { name: name.to_owned(), rows, otherwise }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The canonical values of its rows, without `"*"`.
    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.rows.values()
    }

    /// The native values, without `"*"`.
    pub(super) fn natives(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// Two native values of one canonical value: which of them would be written?
    pub(super) fn ambiguous(&self) -> Option<(&str, &str, &Value)> {
        self.rows.iter().enumerate().find_map(|(place, (native, value))| {
            let (earlier, _) = self.rows.iter().take(place).find(|(_, earlier)| *earlier == value)?;
            Some((earlier.as_str(), native.as_str(), value))
        })
    }

    /// Whether it has the row `"*"`.
    pub(super) fn has_otherwise(&self) -> bool {
        self.otherwise.is_some()
    }

    /// The row that a native value falls into.
    pub(super) fn row(&self, native: &Value) -> Option<&str> {
        let native = if native.is_null() { String::new() } else { kind::text(native).ok()? };
        let known = self.rows.get_key_value(&native).map(|(native, _)| native.as_str());
        known.or_else(|| self.otherwise.as_ref().filter(|_| !native.is_empty()).map(|_| "*"))
    }

    /// What nothing means, where the table says so.
    pub(super) fn nothing(&self) -> Option<&Value> {
        self.rows.get("")
    }

    pub(super) fn read(&self, native: &Value) -> Result<Value, String> {
        let value = self.rows.get(&kind::text(native)?).or(self.otherwise.as_ref());
        value.cloned().ok_or_else(|| format!("is not a row of tables.{}", self.name))
    }

    pub(super) fn write(&self, canonical: &Value) -> Result<Value, String> {
        let row = self.rows.iter().find(|(_, value)| *value == canonical);
        let (native, _) = row.ok_or_else(|| format!("is the value of no row of tables.{}", self.name))?;
        Ok(if native.is_empty() { Value::Null } else { Value::from(native.as_str()) })
    }

    /// Everything that reading and writing depend on.
    pub(super) fn fingerprint(&self) -> String {
        format!("{:?} {:?}", self.rows, self.otherwise)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_star_row_is_read_and_never_written() {
        let rows = [("customer", "client"), ("lead", "prospect"), ("*", "other")];
        let table = Table::new("stage", rows.map(|(native, value)| (native.to_owned(), json!(value))));
        assert_eq!(table.read(&json!("customer")), Ok(json!("client")));
        assert_eq!(table.read(&json!("subscriber")), Ok(json!("other")));
        assert_eq!(table.write(&json!("prospect")), Ok(json!("lead")));
        assert!(table.write(&json!("other")).is_err());
        assert_eq!(table.ambiguous(), None);
    }
}
