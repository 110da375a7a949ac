//! The resources: which object each one is, and what is read of it.

use std::collections::BTreeSet;

use passerelle_core::connector::{Batch, Capabilities, Effect, Feed, Resource, Tools};
use passerelle_core::model::ResourceName;

use super::ingest::ROWS;

/// What a document is joined from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One object alone; it may be merged into another of its kind.
    Person,
    /// One object alone.
    Plain,
    /// A product with its price in the price book.
    Product,
    /// An opportunity with the quote that counts and its lines.
    Opportunity,
}

/// The resources that every org has: name, kind, one line for a person.
const KNOWN: [(&str, Kind, &str); 4] = [
    ("Account", Kind::Person, "accounts"),
    ("Contact", Kind::Person, "contacts"),
    ("Product2", Kind::Product, "products, with their price in the price book"),
    ("Opportunity", Kind::Opportunity, "opportunities, with the synced or accepted quote and its lines"),
];

/// Document keys that are joined from other objects.
pub(super) const LINES: &str = "lines";
/// The quote that counts.
pub(super) const QUOTE: &str = "quote";
/// Whether another quote might.
pub(super) const QUOTE_CONFLICT: &str = "quote_conflict";
/// The currency of a row, in an org that has several; other orgs have no such field [documented].
pub(super) const CURRENCY: &str = "CurrencyIsoCode";
/// The price of a product.
pub(super) const ENTRY: &str = "PricebookEntry";

impl Kind {
    /// The kind of an object.
    pub(super) fn of(object: &str) -> Self {
        KNOWN.iter().find(|(name, ..)| *name == object).map_or(Self::Plain, |(_, kind, _)| *kind)
    }

    /// Document keys that are joined from other objects.
    pub(super) fn joined(self) -> &'static [&'static str] {
        match self {
            Self::Person | Self::Plain => &[],
            Self::Product => &[ENTRY],
            Self::Opportunity => &[LINES, QUOTE, QUOTE_CONFLICT],
        }
    }

    /// The objects whose change is a change of the document, and the path from each to the document's id.
    pub(super) fn parts(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Person | Self::Plain => &[],
            Self::Product => &[("PricebookEntry", "Product2Id")],
            Self::Opportunity => &[
                ("OpportunityLineItem", "OpportunityId"),
                ("Quote", "OpportunityId"),
                ("QuoteLineItem", "Quote.OpportunityId"),
            ],
        }
    }
}

/// The resources of every org, and `*` for those that an org's configuration names.
pub(super) fn resources() -> Vec<Resource> {
    let known = KNOWN.map(|(name, _, about)| resource(name, about));
    known.into_iter().chain([resource("*", "the custom object of that name, listed in `objects`")]).collect()
}

/// The resources of one org.
pub(super) fn resources_with(objects: &[String]) -> Vec<Resource> {
    let known = KNOWN.map(|(name, _, about)| resource(name, about));
    known.into_iter().chain(objects.iter().map(|name| resource(name, "a custom object"))).collect()
}

fn resource(name: &str, about: &'static str) -> Resource {
    let capabilities = Capabilities {
        feed: Feed::CursorWithDeletes,
        create: Effect::Keyed,
        update: true,
        archive: true,
        // Many enough to be a bulk job; a few are a collection.
        batch: Batch { read: 200, find: 100, write: ROWS },
        actions: &[],
    };
    Resource { name: ResourceName::from(name), about, capabilities }
}

/// What is asked for: fields of the object itself, of its price, of its quotes, of its lines.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub own: BTreeSet<String>,
    pub entry: BTreeSet<String>,
    pub quote: BTreeSet<String>,
    pub line: BTreeSet<String>,
}

/// What makes a line, on opportunities and on quotes alike: expressions over all lines do not name each field.
const LINE: [&str; 8] = [
    "Description",
    "Discount",
    "Product2.Name",
    "Product2.ProductCode",
    "Product2Id",
    "Quantity",
    "TotalPrice",
    "UnitPrice",
];

impl Asked {
    /// What mappings use of an object, and what the connector itself needs.
    pub(super) fn of(object: &str, key: &str, tools: &Tools) -> Self {
        let kind = Kind::of(object);
        let mut asked = Self::default();
        for path in tools.wanted.get(object).into_iter().flatten() {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            let first = first.trim_end_matches("[]");
            if !kind.joined().contains(&first) {
                asked.own.insert(path.clone());
                continue;
            }
            let names = match first {
                ENTRY => &mut asked.entry,
                QUOTE => &mut asked.quote,
                LINES => &mut asked.line,
                _ => continue,
            };
            if !rest.is_empty() && rest != "Id" {
                names.insert(rest.to_owned());
            }
        }
        asked.own.remove("Id");
        asked.own.insert(key.to_owned());
        match kind {
            Kind::Person | Kind::Plain => {}
            Kind::Product => asked.entry.extend(["IsActive", "UnitPrice"].map(str::to_owned)),
            Kind::Opportunity => {
                asked.own.extend(["IsClosed", "IsWon"].map(str::to_owned));
                asked.quote.extend(["IsSyncing", "Name", "QuoteNumber", "Status"].map(str::to_owned));
                asked.line.extend(LINE.map(str::to_owned));
            }
        }
        asked
    }
}
