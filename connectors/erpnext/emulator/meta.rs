//! What the site knows of its document types, read from `doctypes.txt`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A field of a document type.
#[derive(Clone, Debug, Default)]
pub(super) struct Field {
    pub name: String,
    pub kind: String,
    pub required: bool,
    pub unique: bool,
    /// Whether it may change after submission.
    pub after_submit: bool,
    pub default: Option<String>,
    /// The values of a Select.
    pub options: Vec<String>,
    /// The document type that a Link names.
    pub link: Option<String>,
    /// The document type of a Table's rows.
    pub rows: Option<String>,
}

/// How a document gets its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// `PREFIX` year `-` five digits.
    Series(String),
    /// As a field says; a twin gets a number.
    Title(String),
    /// As a field says; a twin is refused.
    Field(String),
    /// As the caller says.
    Prompt,
    Hash,
    Address,
    Contact,
    Custom,
}

/// A document type.
#[derive(Clone, Debug)]
pub(super) struct Meta {
    pub name: String,
    pub naming: Naming,
    pub submittable: bool,
    pub fields: Vec<Field>,
}

/// Columns that every document has.
pub(super) const STANDARD: [&str; 7] = ["name", "owner", "creation", "modified", "modified_by", "docstatus", "idx"];

/// Columns that a row of a table has besides.
pub(super) const OF_ROWS: [&str; 3] = ["parent", "parentfield", "parenttype"];

static TYPES: LazyLock<BTreeMap<String, Meta>> = LazyLock::new(|| read(include_str!("doctypes.txt")));

/// The document type of this name.
pub(super) fn of(doctype: &str) -> Option<&'static Meta> {
    TYPES.get(doctype)
}

impl Field {
    /// What people read: `customer_name` is "Customer Name".
    pub fn label(&self) -> String {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>()).unwrap_or_default()
        };
        self.name.split('_').map(capital).collect::<Vec<_>>().join(" ")
    }

    /// A field that an administrator added.
    pub fn custom(name: &str, kind: &str, unique: bool, options: &str) -> Self {
        let options = options.lines().filter(|_| kind == "Select").map(str::to_owned).collect();
        Self { name: name.to_owned(), kind: kind.to_owned(), unique, options, ..Self::default() }
    }
}

fn read(text: &str) -> BTreeMap<String, Meta> {
    let mut types: BTreeMap<String, Meta> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(head) = line.strip_prefix("doctype ") {
            let meta = head_of(head, &types);
            current.clone_from(&meta.name);
            types.insert(current.clone(), meta);
        } else if let Some(meta) = types.get_mut(&current) {
            meta.fields.extend(field_of(line));
        }
    }
    types
}

fn head_of(head: &str, types: &BTreeMap<String, Meta>) -> Meta {
    let (head, base) = match head.split_once(" extends=") {
        Some((head, base)) => (head, types.get(&spaced(base))),
        None => (head, None),
    };
    let submittable = head.contains(" submittable");
    let head = head.trim_end_matches(" submittable");
    let (name, rule) = head.split_once(" names ").unwrap_or((head, "hash"));
    let (rule, of) = rule.split_once(' ').unwrap_or((rule, ""));
    let naming = match rule {
        "series" => Naming::Series(of.to_owned()),
        "title" => Naming::Title(of.to_owned()),
        "field" => Naming::Field(of.to_owned()),
        "prompt" => Naming::Prompt,
        "address" => Naming::Address,
        "contact" => Naming::Contact,
        "custom" => Naming::Custom,
        _ => Naming::Hash,
    };
    let fields = base.map(|base| base.fields.clone()).unwrap_or_default();
    Meta { name: name.to_owned(), naming, submittable, fields }
}

fn field_of(line: &str) -> Option<Field> {
    let mut words = line.split_whitespace();
    let mut field = Field { name: words.next()?.to_owned(), kind: words.next()?.to_owned(), ..Field::default() };
    for flag in words {
        match flag.split_once('=') {
            Some(("default", value)) => field.default = Some(spaced(value)),
            Some(("one", values)) => {
                field.options = values.split('|').map(|value| value_of(&field.name, value)).collect()
            }
            Some(("link", doctype)) => field.link = Some(spaced(doctype)),
            Some(("of", doctype)) => field.rows = Some(spaced(doctype)),
            _ if flag == "required" => field.required = true,
            _ if flag == "unique" => field.unique = true,
            _ => field.after_submit = true,
        }
    }
    Some(field)
}

fn spaced(word: &str) -> String {
    word.replace('_', " ")
}

/// Names of events keep their underscores; what people read has spaces.
fn value_of(field: &str, value: &str) -> String {
    if field.ends_with("event") { value.to_owned() } else { spaced(value) }
}
