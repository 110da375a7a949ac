//! Reads a file's TOML into what it says, naming every key and shape that does not belong.

use schemars::JsonSchema;
use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::findings::Findings;
use super::raw;
use super::spec::{At, CellSpec, CreateSpec, ExampleSpec, FieldSpec, FileSpec, OnSpec, Place, TableSpec, TotalsSpec};
use crate::mapping::entity::Required;
use crate::model::Fields;

type Key<'i> = Spanned<DeString<'i>>;
type Item<'i> = Spanned<DeValue<'i>>;

/// What `text` says.
pub(super) fn read(text: &str, findings: &mut Findings<'_>) -> FileSpec {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().unwrap_or(0..0);
        findings.error("P0101", at, format!("not TOML: {}", error.message()));
    }
    if !errors.is_empty() {
        return FileSpec::default();
    }
    let mut reader = Reader { findings };
    reader.file(table.get_ref())
}

struct Reader<'a, 'b> {
    findings: &'a mut Findings<'b>,
}

impl Reader<'_, '_> {
    fn file(&mut self, table: &DeTable<'_>) -> FileSpec {
        self.only::<raw::File>(table);
        FileSpec {
            entity: self.text(table, "entity"),
            label: self.text(table, "label"),
            matches: self.matches(table),
            on: self.named(table, "on", Self::on),
            fields: self.named(table, "fields", Self::field),
            tables: self.named(table, "tables", Self::table),
            create: self.named(table, "create", Self::create),
            totals: table.get("totals").and_then(|totals| self.totals(totals)),
            examples: self.examples(table),
        }
    }

    fn matches(&mut self, table: &DeTable<'_>) -> Vec<Vec<At>> {
        let mut keys = Vec::new();
        for item in self.array(table, "match") {
            match item.get_ref() {
                DeValue::String(name) => keys.push(vec![Spanned::new(item.span(), name.to_string())]),
                DeValue::Array(_) => keys.push(self.texts(item)),
                _ => self.shape(item, "a field, or a list of fields"),
            }
        }
        keys
    }

    fn on(&mut self, column: At, item: &Item<'_>) -> Option<OnSpec> {
        let table = self.table_of(item)?;
        self.only::<raw::On>(table);
        let set = table.get("set").and_then(|set| self.table_of(set)).map(fields);
        Some(OnSpec {
            column,
            resource: self.text(table, "resource"),
            filter: self.text(table, "where"),
            archive: self.text(table, "archive"),
            set,
        })
    }

    fn field(&mut self, name: At, item: &Item<'_>) -> Option<FieldSpec> {
        let table = self.table_of(item)?;
        let keys = raw::keys::<raw::Field>();
        let mut cells = Vec::new();
        for (key, value) in table.iter().filter(|(key, _)| !keys.iter().any(|known| known == key.get_ref())) {
            cells.extend(self.cell(at(key), value));
        }
        Some(FieldSpec {
            name,
            kind: self.text(table, "type"),
            values: table.get("values").map(|values| self.texts(values)).unwrap_or_default(),
            owner: self.text(table, "owner"),
            required: self.required(table),
            key: self.text(table, "key"),
            cells,
            each: self.named(table, "each", Self::field),
        })
    }

    fn cell(&mut self, column: At, item: &Item<'_>) -> Option<CellSpec> {
        let place = item.span();
        let empty =
            CellSpec { column, place, path: None, steps: vec![], table: None, by: None, read: None, write: None };
        if let DeValue::String(path) = item.get_ref() {
            return Some(CellSpec { path: Some(Spanned::new(item.span(), path.to_string())), ..empty });
        }
        let DeValue::Table(table) = item.get_ref() else {
            self.shape(item, "a native path, or a table such as { path = \"..\", as = \"..\" }");
            return None;
        };
        self.only::<raw::Cell>(table);
        Some(CellSpec {
            path: self.text(table, "path"),
            steps: table.get("as").map(|steps| self.steps(steps)).unwrap_or_default(),
            table: self.text(table, "table"),
            by: self.text(table, "by"),
            read: self.text(table, "read"),
            write: self.text(table, "write"),
            ..empty
        })
    }

    fn steps(&mut self, item: &Item<'_>) -> Vec<At> {
        let DeValue::String(chain) = item.get_ref() else { return self.texts(item) };
        // A separator that is itself `|` is only said in the form of a list.
        chain.split('|').map(|step| Spanned::new(item.span(), step.trim().to_owned())).collect()
    }

    fn table(&mut self, name: At, item: &Item<'_>) -> Option<TableSpec> {
        let rows = self.table_of(item)?.iter().map(|(key, value)| (at(key), Spanned::new(value.span(), json(value))));
        Some(TableSpec { name, rows: rows.collect() })
    }

    fn create(&mut self, column: At, item: &Item<'_>) -> Option<CreateSpec> {
        let table = self.table_of(item)?;
        self.only::<raw::Create>(table);
        let when = match table.get("when") {
            Some(when) if when.get_ref().is_bool() => {
                let truth = when.get_ref().as_bool().unwrap_or_default();
                Some(Spanned::new(when.span(), truth.to_string()))
            }
            _ => self.text(table, "when"),
        };
        let then = table.get("then").map(|then| self.texts(then)).unwrap_or_default();
        Some(CreateSpec { column, when, hold: self.text(table, "hold"), then })
    }

    fn totals(&mut self, item: &Item<'_>) -> Option<TotalsSpec> {
        let table = self.table_of(item)?;
        self.only::<raw::Totals>(table);
        Some(TotalsSpec {
            place: item.span(),
            tolerance: self.text(table, "tolerance"),
            net: self.text(table, "net"),
            vat: self.text(table, "vat"),
            gross: self.text(table, "gross"),
            currency: self.text(table, "currency"),
            lines: self.text(table, "lines"),
        })
    }

    fn examples(&mut self, table: &DeTable<'_>) -> Vec<ExampleSpec> {
        let items = self.array(table, "example");
        items.into_iter().filter_map(|item| self.example(item)).collect()
    }

    fn example(&mut self, item: &Item<'_>) -> Option<ExampleSpec> {
        let table = self.table_of(item)?;
        let canonical = table.get("canonical").and_then(|item| self.table_of(item));
        let canonical = canonical
            .map(|table| table.iter().map(|(key, value)| (at(key), Spanned::new(value.span(), json(value)))).collect());
        if canonical.is_none() {
            self.findings.error("P0102", item.span(), "the example has no `canonical` record");
        }
        let mut natives = Vec::new();
        for (key, value) in table.iter().filter(|(key, _)| !matches!(key.get_ref().as_ref(), "name" | "canonical")) {
            natives.extend(self.table_of(value).map(|record| (at(key), fields(record))));
        }
        Some(ExampleSpec { place: item.span(), name: self.text(table, "name"), canonical: canonical?, natives })
    }

    /// Each entry of the table `key`, by its name.
    fn named<T>(
        &mut self,
        table: &DeTable<'_>,
        key: &str,
        mut read: impl FnMut(&mut Self, At, &Item<'_>) -> Option<T>,
    ) -> Vec<T> {
        let Some(entries) = table.get(key).and_then(|item| self.table_of(item)) else { return Vec::new() };
        entries.iter().filter_map(|(name, item)| read(self, at(name), item)).collect()
    }

    fn text(&mut self, table: &DeTable<'_>, key: &str) -> Option<At> {
        let item = table.get(key)?;
        match item.get_ref() {
            DeValue::String(text) => Some(Spanned::new(item.span(), text.to_string())),
            _ => {
                self.shape(item, "a text");
                None
            }
        }
    }

    fn required(&mut self, table: &DeTable<'_>) -> Required {
        let Some(item) = table.get("required") else { return Required::No };
        match item.get_ref() {
            DeValue::Boolean(false) => Required::No,
            DeValue::Boolean(true) => Required::Always,
            DeValue::String(when) if when == "create" => Required::OnCreate,
            _ => {
                self.shape(item, "true, false or \"create\"");
                Required::No
            }
        }
    }

    fn texts(&mut self, item: &Item<'_>) -> Vec<At> {
        let DeValue::Array(items) = item.get_ref() else {
            self.shape(item, "a list of texts");
            return Vec::new();
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push(Spanned::new(item.span(), text.to_string())),
                _ => self.shape(item, "a text"),
            }
        }
        texts
    }

    fn array<'t, 'i>(&mut self, table: &'t DeTable<'i>, key: &str) -> Vec<&'t Item<'i>> {
        match table.get(key).map(|item| (item, item.get_ref())) {
            None => Vec::new(),
            Some((_, DeValue::Array(items))) => items.iter().collect(),
            Some((item, _)) => {
                self.shape(item, "a list");
                Vec::new()
            }
        }
    }

    fn table_of<'t, 'i>(&mut self, item: &'t Item<'i>) -> Option<&'t DeTable<'i>> {
        match item.get_ref() {
            DeValue::Table(table) => Some(table),
            _ => {
                self.shape(item, "a table");
                None
            }
        }
    }

    fn only<T: JsonSchema>(&mut self, table: &DeTable<'_>) {
        let known = raw::keys::<T>();
        for (key, _) in table.iter().filter(|(key, _)| !known.iter().any(|known| known == key.get_ref())) {
            self.findings.unknown("P0103", "key", &at(key), known.iter().map(String::as_str));
        }
    }

    fn shape(&mut self, item: &Item<'_>, wanted: &str) {
        let place: Place = item.span();
        self.findings.error("P0104", place, format!("this should be {wanted}"));
    }
}

fn at(key: &Key<'_>) -> At {
    Spanned::new(key.span(), key.get_ref().to_string())
}

fn fields(table: &DeTable<'_>) -> Fields {
    table.iter().map(|(key, value)| (key.get_ref().to_string(), json(value))).collect()
}

/// A TOML value as JSON: numbers keep their digits, days and instants are text.
fn json(item: &Item<'_>) -> Value {
    let number = |text: &str| serde_json::from_str::<Number>(text).map_or_else(|_| Value::from(text), Value::Number);
    match item.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(digits) => number(digits.as_str()),
        DeValue::Float(digits) => number(digits.as_str()),
        DeValue::Boolean(truth) => Value::Bool(*truth),
        DeValue::Datetime(at) => Value::from(at.to_string()),
        DeValue::Array(items) => items.iter().map(json).collect(),
        DeValue::Table(table) => Value::Object(Map::from_iter(fields(table))),
    }
}
