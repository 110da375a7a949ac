//! The tables: rows with their lines, links between documents, extrafields, payments, settings.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::zones::Zones;

pub(super) type Fields = Map<String, Value>;

/// A type of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Party,
    Contact,
    Product,
    Proposal,
    Order,
    Invoice,
}

impl Kind {
    pub const ALL: [Self; 6] = [Self::Party, Self::Contact, Self::Product, Self::Proposal, Self::Order, Self::Invoice];

    /// The route, such as `orders`.
    pub fn route(self) -> &'static str {
        match self {
            Self::Party => "thirdparties",
            Self::Contact => "contacts",
            Self::Product => "products",
            Self::Proposal => "proposals",
            Self::Order => "orders",
            Self::Invoice => "invoices",
        }
    }

    /// The type in links and extrafields.
    pub fn element(self) -> &'static str {
        match self {
            Self::Party => "societe",
            Self::Contact => "socpeople",
            Self::Product => "product",
            Self::Proposal => "propal",
            Self::Order => "commande",
            Self::Invoice => "facture",
        }
    }

    /// The word in messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Party => "Thirdparty",
            Self::Contact => "Contact",
            Self::Product => "Product",
            Self::Proposal => "Commercial Proposal",
            Self::Order => "Order",
            Self::Invoice => "Invoice",
        }
    }

    pub fn of_route(route: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.route().eq_ignore_ascii_case(route))
    }

    pub fn of_element(element: &str) -> Option<Self> {
        let element = if element == "thirdparty" { "societe" } else { element };
        Self::ALL.into_iter().find(|kind| kind.element() == element || kind.route() == element)
    }
}

/// One object.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    pub id: u64,
    /// As `GET` shows them, but day dates as `YYYY-MM-DD`.
    pub fields: Fields,
    pub options: Fields,
    pub lines: Vec<Fields>,
    pub created: i64,
    /// The instant of `tms`.
    pub tms: i64,
}

impl Row {
    /// A field as text; unset is empty.
    pub fn text(&self, field: &str) -> &str {
        self.fields.get(field).and_then(Value::as_str).unwrap_or_default()
    }

    /// Sets a field.
    pub fn set(&mut self, field: &str, value: impl Into<Value>) {
        self.fields.insert(field.to_owned(), value.into());
    }
}

/// Type and id of an object.
pub(super) type Place = (Kind, u64);

/// A payment's share of one invoice.
#[derive(Clone, Debug)]
pub(super) struct Payment {
    pub invoice: u64,
    pub amount: rust_decimal::Decimal,
    /// As `GET /invoices/{id}/payments` lists it.
    pub shown: Value,
}

/// A credit note's amount that may settle an invoice.
#[derive(Clone, Debug)]
pub(super) struct Discount {
    pub id: u64,
    pub party: String,
    pub credit_note: u64,
    pub amount: rust_decimal::Decimal,
    /// The invoice that used it.
    pub used_on: Option<u64>,
}

/// How an installation is set up.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub zones: Zones,
    /// Whether a document's VAT is rounded once, instead of line by line.
    pub vat_of_total: bool,
    /// Rates of the module Multi-currency; none when it is off.
    pub rates: Option<BTreeMap<String, String>>,
    /// Rights that the key's user lacks: `orders:read`, `orders:write`, `webhook:delete`, `admin`.
    pub denied: Vec<String>,
    /// Modules that are off, by route.
    pub off: Vec<String>,
}

/// Everything.
#[derive(Clone, Debug)]
pub(super) struct Store {
    pub rows: BTreeMap<(Kind, u64), Row>,
    pub last_id: BTreeMap<Kind, u64>,
    pub last_line: u64,
    /// From the source to the target; a link's row id is its place, from 1.
    pub links: Vec<Option<(Place, Place)>>,
    /// By element and code.
    pub extrafields: BTreeMap<(Kind, String), Value>,
    /// Webhook targets.
    pub targets: BTreeMap<u64, Value>,
    pub payments: Vec<Payment>,
    pub discounts: Vec<Discount>,
    pub numbers: BTreeMap<String, u32>,
    pub settings: Settings,
}

impl Store {
    pub fn new() -> Self {
        let settings =
            Settings { zones: Zones::default(), vat_of_total: false, rates: None, denied: Vec::new(), off: Vec::new() };
        Self {
            rows: BTreeMap::new(),
            last_id: BTreeMap::new(),
            last_line: 0,
            links: Vec::new(),
            extrafields: BTreeMap::new(),
            targets: BTreeMap::new(),
            payments: Vec::new(),
            discounts: Vec::new(),
            numbers: BTreeMap::new(),
            settings,
        }
    }

    pub fn row(&self, kind: Kind, id: u64) -> Option<&Row> {
        self.rows.get(&(kind, id))
    }

    pub fn row_mut(&mut self, kind: Kind, id: u64) -> Option<&mut Row> {
        self.rows.get_mut(&(kind, id))
    }

    pub fn all(&self, kind: Kind) -> impl Iterator<Item = &Row> {
        self.rows.range((kind, 0)..=(kind, u64::MAX)).map(|(_, row)| row)
    }

    /// Keeps a new row under the next id.
    pub fn insert(&mut self, kind: Kind, mut row: Row, now: i64) -> u64 {
        let id = self.last_id.entry(kind).or_default();
        *id += 1;
        let id = *id;
        row.id = id;
        row.created = now;
        row.tms = now;
        row.set("id", id.to_string());
        self.rows.insert((kind, id), row);
        id
    }

    pub fn next_line(&mut self) -> String {
        self.last_line += 1;
        self.last_line.to_string()
    }

    /// The next number of a series, such as `CO2611-0001`.
    pub fn number(&mut self, prefix: &str, day: &str, width: usize) -> String {
        let month = format!("{}{}", day.get(2..4).unwrap_or_default(), day.get(5..7).unwrap_or_default());
        let series = format!("{prefix}{month}");
        let last = self.numbers.entry(series.clone()).or_default();
        *last += 1;
        format!("{series}-{last:0width$}")
    }

    pub fn link(&mut self, source: Place, target: Place) {
        self.links.push(Some((source, target)));
    }

    /// `{"facture": {"7": "6"}}`, or `[]` where there are none.
    pub fn linked(&self, kind: Kind, id: u64) -> Value {
        let mut links = Fields::new();
        for (place, link) in self.links.iter().enumerate() {
            let other = match link {
                Some((source, target)) if *source == (kind, id) => target,
                Some((source, target)) if *target == (kind, id) => source,
                _ => continue,
            };
            let group = links.entry(other.0.element()).or_insert_with(|| json!({}));
            group[(place + 1).to_string()] = json!(other.1.to_string());
        }
        if links.is_empty() { json!([]) } else { Value::Object(links) }
    }

    /// Sends an object away, with its links.
    pub fn remove(&mut self, kind: Kind, id: u64) {
        self.rows.remove(&(kind, id));
        for link in &mut self.links {
            *link = link.filter(|(source, target)| *source != (kind, id) && *target != (kind, id));
        }
    }

    /// Why these extrafields cannot be stored: a unique value that another row has.
    pub fn taken(&self, kind: Kind, id: u64, options: &Fields) -> Option<String> {
        options.iter().find_map(|(name, value)| {
            let code = name.strip_prefix("options_")?;
            let field = self.extrafields.get(&(kind, code.to_owned()))?;
            let value = value.as_str().filter(|value| !value.is_empty() && field["unique"] == "1")?;
            let twin = |row: &&Row| row.id != id && row.options.get(name).and_then(Value::as_str) == Some(value);
            self.all(kind).find(twin)?;
            Some(format!("Duplicate entry '{value}' for key 'uk_{}_extrafields_{code}'", kind.element()))
        })
    }

    /// Extrafields of a body that exist; others are dropped in silence.
    pub fn options(&self, kind: Kind, body: &Value) -> Fields {
        let sent = body.get("array_options").and_then(Value::as_object).cloned().unwrap_or_default();
        let known = |name: &str| {
            name.strip_prefix("options_").is_some_and(|code| self.extrafields.contains_key(&(kind, code.to_owned())))
        };
        sent.into_iter()
            .filter(|(name, _)| known(name))
            .map(|(name, value)| (name, super::values::stored(&value)))
            .collect()
    }
}
