//! A site: its documents, settings, series and clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use super::meta::{self, Field};
use super::refusal::{Refusal, Reply};
use super::values::{Doc, Rounding, folded, int, scrambled, set, text};

/// Who the token's user is.
pub(super) const USER: &str = "hub@example.test";

/// What happened to a document, for webhooks: rendered when it happens.
#[derive(Clone, Debug)]
pub(super) struct Happened {
    pub doctype: String,
    pub event: &'static str,
    pub doc: Doc,
}

/// How a site is set up.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub zone: TimeZone,
    pub zone_name: String,
    pub rounding: Rounding,
    /// Decimals of a unit price; an administrator may give the field more than the currency has.
    pub rate_places: u32,
    /// Accounts Settings: whether VAT is rounded row by row.
    pub round_row_wise_tax: bool,
    /// What a document without a company belongs to.
    pub company: Option<String>,
    /// Rights that the token lacks: `Custom Field:create`, `Deleted Document:read`.
    pub denied: Vec<String>,
}

/// Everything.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub docs: BTreeMap<(String, String), Doc>,
    pub settings: Settings,
    series: BTreeMap<String, u64>,
    drawn: u64,
    /// The last stamp, in microseconds: no two writes share one.
    last: i64,
    pub events: Vec<Happened>,
}

impl Site {
    /// A site in Paris with one company, and nothing else.
    pub fn new() -> Self {
        let settings = Settings {
            zone: TimeZone::get("Europe/Paris").unwrap_or(TimeZone::UTC),
            zone_name: "Europe/Paris".to_owned(),
            rounding: Rounding::Bankers,
            rate_places: 2,
            round_row_wise_tax: false,
            company: None,
            denied: Vec::new(),
        };
        Self { docs: BTreeMap::new(), settings, series: BTreeMap::new(), drawn: 0, last: 0, events: Vec::new() }
    }

    /// All documents of a type, by name.
    pub fn all<'a>(&'a self, doctype: &'a str) -> impl Iterator<Item = &'a Doc> {
        let from = (doctype.to_owned(), String::new());
        self.docs.range(from..).take_while(move |((kind, _), _)| kind == doctype).map(|(_, doc)| doc)
    }

    /// A document; the database does not mind the case of its name.
    pub fn get(&self, doctype: &str, name: &str) -> Option<&Doc> {
        self.docs.get(&(doctype.to_owned(), folded(name)))
    }

    /// A document that must be there.
    pub fn need(&self, doctype: &str, name: &str) -> Reply<Doc> {
        if meta::of(doctype).is_none() {
            return Err(Refusal::new(500, "ImportError", "").technical(format!("Module import failed for {doctype}")));
        }
        self.get(doctype, name).cloned().ok_or_else(|| Refusal::missing(doctype, name))
    }

    /// Puts a document as it is.
    pub fn put(&mut self, doctype: &str, doc: Doc) {
        self.docs.insert((doctype.to_owned(), folded(text(&doc, "name"))), doc);
    }

    /// A document's fields: those of its type, and those that an administrator added.
    pub fn fields(&self, doctype: &str) -> Vec<Field> {
        let custom = self.all("Custom Field").filter(|field| text(field, "dt") == doctype);
        let custom = custom.map(|field| {
            let unique = int(field, "unique") == 1;
            Field::custom(text(field, "fieldname"), text(field, "fieldtype"), unique, text(field, "options"))
        });
        meta::of(doctype).map(|meta| meta.fields.clone()).unwrap_or_default().into_iter().chain(custom).collect()
    }

    /// The present instant on the site's clock, unlike any before.
    pub fn stamp(&mut self, now: Timestamp) -> String {
        self.last = now.as_microsecond().max(self.last + 1);
        let at = Timestamp::from_microsecond(self.last).unwrap_or(now).to_zoned(self.settings.zone.clone());
        at.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string()
    }

    /// The site's day.
    pub fn today(&self, now: Timestamp) -> String {
        now.to_zoned(self.settings.zone.clone()).date().to_string()
    }

    /// A random name, such as `6e15a8mb0e`.
    pub fn hash(&mut self) -> String {
        self.drawn += 1;
        let bits = scrambled(&self.drawn.to_string());
        let digits: Vec<u8> = b"0123456789abcdefghijklmnopqrstuv".to_vec();
        (0..10).filter_map(|at| digits.get((bits >> (at * 5)) as usize & 31)).map(|digit| char::from(*digit)).collect()
    }

    /// The next name of a series, such as `SAL-ORD-2026-00001`.
    pub fn next(&mut self, prefix: &str, now: Timestamp) -> String {
        let year = now.to_zoned(self.settings.zone.clone()).year();
        let key = format!("{prefix}{year}-");
        let next = self.series.entry(key.clone()).or_default();
        *next += 1;
        format!("{key}{next:05}")
    }

    /// Marks a document as changed by its own code, such as an invoice by a payment.
    pub fn touch(&mut self, doctype: &str, mut doc: Doc, now: Timestamp) {
        let stamp = self.stamp(now);
        set(&mut doc, "modified", stamp);
        self.put(doctype, doc);
    }

    pub fn happened(&mut self, doctype: &str, event: &'static str, doc: &Doc) {
        self.events.push(Happened { doctype: doctype.to_owned(), event, doc: doc.clone() });
    }

    /// Whether the token may not do this.
    pub fn check_right(&self, doctype: &str, right: &str) -> Reply<()> {
        let denied = |rule: &String| {
            rule.split_once(':')
                .is_some_and(|(of, what)| (of == doctype || of == "*") && (what == right || what == "*"))
        };
        if self.settings.denied.iter().any(denied) {
            return Err(Refusal::forbidden(doctype, right, USER));
        }
        Ok(())
    }

    /// Remembers a deletion, as every site does.
    pub fn bury(&mut self, doctype: &str, doc: &Doc, now: Timestamp) {
        let (stamp, name) = (self.stamp(now), self.hash());
        let grave = json!({
            "name": name, "owner": USER, "creation": stamp, "modified": stamp, "modified_by": USER, "docstatus": 0,
            "idx": 0, "deleted_doctype": doctype, "deleted_name": text(doc, "name"), "restored": 0,
            "data": json!(doc).to_string(),
        });
        self.put("Deleted Document", grave.as_object().cloned().unwrap_or_default());
    }
}
