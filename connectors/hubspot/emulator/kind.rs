//! The kinds of object, by every name that a path may call them.

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Contacts,
    Companies,
    Deals,
    Products,
    LineItems,
    Quotes,
    Invoices,
    Payments,
}

/// Kind, plural, type id, singular.
const TABLE: [(Kind, &str, &str, &str); 8] = [
    (Kind::Contacts, "contacts", "0-1", "contact"),
    (Kind::Companies, "companies", "0-2", "company"),
    (Kind::Deals, "deals", "0-3", "deal"),
    (Kind::Products, "products", "0-7", "product"),
    (Kind::LineItems, "line_items", "0-8", "line_item"),
    (Kind::Quotes, "quotes", "0-14", "quote"),
    (Kind::Invoices, "invoices", "0-52", "invoice"),
    (Kind::Payments, "commerce_payments", "0-101", "commerce_payment"),
];

impl Kind {
    /// Every kind.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    /// The kind that a path means, by plural, singular or type id.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        TABLE.iter().find(|row| row.1 == lower || row.2 == lower || row.3 == lower).map(|row| row.0)
    }

    fn row(self) -> (&'static str, &'static str, &'static str) {
        TABLE.iter().find(|row| row.0 == self).map_or(("", "", ""), |row| (row.1, row.2, row.3))
    }

    /// Such as `companies`.
    pub(super) fn plural(self) -> &'static str {
        self.row().0
    }

    /// Such as `0-2`.
    pub(super) fn type_id(self) -> &'static str {
        self.row().1
    }

    /// Such as `company`.
    pub(super) fn singular(self) -> &'static str {
        self.row().2
    }

    /// The key in an `associations` map; that of line items has a space.
    pub(super) fn association_key(self) -> &'static str {
        match self {
            Self::LineItems => "line items",
            other => other.plural(),
        }
    }

    /// The property that holds the last modification.
    pub(super) fn modified_property(self) -> &'static str {
        match self {
            Self::Contacts => "lastmodifieddate",
            _ => "hs_lastmodifieddate",
        }
    }

    /// The property that holds the creation.
    pub(super) fn created_property(self) -> &'static str {
        match self {
            Self::Contacts | Self::Companies | Self::Deals => "createdate",
            _ => "hs_createdate",
        }
    }

    /// What a read gives when it names no properties.
    pub(super) fn default_properties(self) -> &'static [&'static str] {
        match self {
            Self::Contacts => &["email", "firstname", "lastname"],
            Self::Companies => &["domain", "name"],
            Self::Deals => &["amount", "closedate", "dealname", "dealstage", "pipeline"],
            Self::Products => &["description", "name", "price"],
            Self::LineItems => &["amount", "hs_product_id", "quantity"],
            Self::Quotes => &["hs_expiration_date", "hs_status", "hs_title"],
            Self::Invoices | Self::Payments => &[],
        }
    }
}
