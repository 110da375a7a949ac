//! The resources: what HubSpot calls them, and which properties the connector reads of each.

use std::collections::BTreeSet;

use passerelle_core::connector::{Batch, Capabilities, Effect, Feed, Resource, Tools};
use passerelle_core::model::ResourceName;
use passerelle_core::{Error, ErrorKind, Result};

/// The unique property that holds the hub's key.
pub(super) const KEY: &str = "hub_external_id";

/// A resource of the connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Companies,
    Contacts,
    Products,
    Deals,
}

impl Kind {
    /// Every resource.
    pub(super) const ALL: [Self; 4] = [Self::Companies, Self::Contacts, Self::Products, Self::Deals];

    /// The resource of that name.
    ///
    /// # Errors
    /// `Config` when there is none.
    pub(super) fn named(name: &ResourceName) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.path() == name.as_str()).ok_or_else(|| {
            Error::new(ErrorKind::Config, "hubspot has no such resource; it has companies, contacts, products, deals")
                .at("resource", name)
        })
    }

    /// As in paths, and as the resource's name.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts",
            Self::Products => "products",
            Self::Deals => "deals",
        }
    }

    /// The events of webhooks that hint at its records [documented].
    pub(super) fn events(self) -> &'static str {
        match self {
            Self::Companies => "company.creation, company.propertyChange, company.merge, company.deletion",
            Self::Contacts => "contact.creation, contact.propertyChange, contact.merge, contact.deletion",
            Self::Products => "product.creation, product.propertyChange, product.deletion",
            Self::Deals => "deal.creation, deal.propertyChange, deal.merge, deal.deletion",
        }
    }

    /// The property that holds the last modification; contacts have one of their own [documented].
    pub(super) fn modified_property(self) -> &'static str {
        modified_property(self.path())
    }

    /// The id of the association type that makes a company the primary one [documented].
    pub(super) fn primary_company_type(self) -> Option<u32> {
        match self {
            Self::Contacts => Some(1),
            Self::Deals => Some(5),
            Self::Companies | Self::Products => None,
        }
    }

    /// Document keys that are joined from other objects.
    pub(super) fn joined(self) -> &'static [&'static str] {
        match self {
            Self::Companies | Self::Products => &[],
            Self::Contacts => &["associated_company"],
            Self::Deals => {
                &["associated_company", "associated_contacts", "deal_status", "quote", "quote_conflict", "line_items"]
            }
        }
    }

    fn about(self) -> &'static str {
        match self {
            Self::Companies => "companies",
            Self::Contacts => "contacts, with the id of their primary company",
            Self::Products => "products of the library",
            Self::Deals => "deals, with company, contacts, the accepted quote and its line items",
        }
    }

    /// As the hub knows it.
    pub(super) fn resource(self) -> Resource {
        let capabilities = Capabilities {
            feed: Feed::Cursor,
            create: Effect::Keyed,
            update: true,
            archive: true,
            batch: Batch { read: 100, find: 100, write: 100 },
            actions: &[],
        };
        Resource { name: self.path().into(), about: self.about(), capabilities }
    }
}

/// The property of the last modification of any type of object.
pub(super) fn modified_property(object_type: &str) -> &'static str {
    if object_type == "contacts" { "lastmodifieddate" } else { "hs_lastmodifieddate" }
}

/// What is asked for: properties of the object itself, of its quotes, of its line items.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    pub own: BTreeSet<String>,
    pub quote: BTreeSet<String>,
    pub line: BTreeSet<String>,
}

impl Asked {
    /// What mappings use of a resource, and what the connector itself needs.
    pub(super) fn of(kind: Kind, tools: &Tools) -> Self {
        let mut asked = Self::default();
        for path in tools.wanted.get(kind.path()).into_iter().flatten() {
            let (first, rest) = path.split_once('.').unwrap_or((path, ""));
            let first = first.trim_end_matches("[]");
            let names = match first {
                "quote" if kind == Kind::Deals => &mut asked.quote,
                "line_items" if kind == Kind::Deals => &mut asked.line,
                joined if kind.joined().contains(&joined) || joined == "id" => continue,
                own => {
                    asked.own.insert(own.to_owned());
                    continue;
                }
            };
            if !rest.is_empty() && rest != "id" {
                names.insert(rest.to_owned());
            }
        }
        let needed = [KEY, "hs_merged_object_ids", kind.modified_property()];
        asked.own.extend(needed.map(str::to_owned));
        if kind == Kind::Deals {
            asked.own.extend(DEAL.map(str::to_owned));
            asked.quote.extend(QUOTE.map(str::to_owned));
            asked.line.extend(LINE.map(str::to_owned));
        }
        asked
    }
}

/// What tells whether a deal is won.
const DEAL: [&str; 4] = ["dealstage", "pipeline", "hs_is_closed", "hs_is_closed_won"];

/// What makes a line: expressions over all lines do not name each property that they add up.
const LINE: [&str; 13] = [
    "amount",
    "description",
    "discount",
    "hs_discount_percentage",
    "hs_line_item_currency_code",
    "hs_position_on_quote",
    "hs_product_id",
    "hs_product_type",
    "hs_sku",
    "name",
    "price",
    "quantity",
    "vat_rate",
];

/// What tells whether a quote was accepted, and what a person knows it by.
const QUOTE: [&str; 13] = [
    "hs_currency",
    "hs_esign_enabled",
    "hs_esign_num_signers_completed",
    "hs_esign_num_signers_required",
    "hs_lastmodifieddate",
    "hs_manually_signed",
    "hs_quote_amount",
    "hs_quote_esign_status",
    "hs_quote_number",
    "hs_quote_status",
    "hs_status",
    "hs_template_type",
    "hs_title",
];
