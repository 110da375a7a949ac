//! The five resources: their document types, and the parts that their documents are joined from.

use std::sync::LazyLock;

use passerelle_core::connector::{Batch, Capabilities, Effect, Feed, Resource};
use passerelle_core::model::ResourceName;
use passerelle_core::{Error, ErrorKind, Result};

/// A document type whose changes are changes of a resource.
#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    /// It names customers in its table `links`.
    Linked(&'static str),
    /// A field of it names the document.
    Named(&'static str, &'static str),
}

impl Part {
    pub fn doctype(self) -> &'static str {
        match self {
            Self::Linked(doctype) | Self::Named(doctype, _) => doctype,
        }
    }
}

/// One resource.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    pub doctype: &'static str,
    pub parts: &'static [Part],
    /// Whether it is read document by document, for its lines.
    pub whole: bool,
    /// Whether its documents belong to a company.
    pub of_company: bool,
    /// The field that puts a document away.
    pub disabled: Option<&'static str>,
    about: &'static str,
    actions: &'static [&'static str],
}

pub(super) static CUSTOMERS: Table = Table {
    name: "customers",
    doctype: "Customer",
    parts: &[Part::Linked("Address"), Part::Linked("Contact")],
    whole: false,
    of_company: false,
    disabled: Some("disabled"),
    about: "customers, each with its billing address and main contact",
    actions: &[],
};

pub(super) static CONTACTS: Table = Table {
    name: "contacts",
    doctype: "Contact",
    parts: &[],
    whole: false,
    of_company: false,
    disabled: None,
    about: "people of customers",
    actions: &[],
};

pub(super) static ITEMS: Table = Table {
    name: "items",
    doctype: "Item",
    parts: &[Part::Named("Item Price", "item_code")],
    whole: false,
    of_company: false,
    disabled: Some("disabled"),
    about: "goods and services, each with its price in one price list",
    actions: &[],
};

pub(super) static QUOTATIONS: Table = Table {
    name: "quotations",
    doctype: "Quotation",
    parts: &[],
    whole: true,
    of_company: true,
    disabled: None,
    about: "quotations, each with its lines",
    actions: &["submit"],
};

pub(super) static ORDERS: Table = Table {
    name: "orders",
    doctype: "Sales Order",
    parts: &[],
    whole: true,
    of_company: true,
    disabled: None,
    about: "sales orders, each with its lines, invoices and payments",
    actions: &["submit"],
};

static ALL: [&Table; 5] = [&CUSTOMERS, &CONTACTS, &ITEMS, &QUOTATIONS, &ORDERS];

static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| ALL.iter().map(|table| table.resource()).collect());

/// The resources, constant.
pub(super) fn resources() -> &'static [Resource] {
    &RESOURCES
}

impl Table {
    /// The table of a resource.
    pub fn of(resource: &ResourceName) -> Result<&'static Self> {
        ALL.into_iter().find(|table| table.name == resource.as_str()).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, format!("ERPNext has no resource {resource}"))
                .at("resources", "customers, contacts, items, quotations, orders")
        })
    }

    fn resource(&self) -> Resource {
        Resource {
            name: self.name.into(),
            about: self.about,
            capabilities: Capabilities {
                feed: Feed::Cursor,
                create: Effect::Keyed,
                update: true,
                archive: self.disabled.is_some(),
                batch: Batch { read: 50, find: 20, write: 20 },
                actions: self.actions,
            },
        }
    }
}
