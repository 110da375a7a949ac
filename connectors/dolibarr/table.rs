//! The four resources: their routes, database columns and extrafield types.

use std::sync::LazyLock;

use passerelle_core::connector::{Batch, Capabilities, Effect, Feed, Resource};
use passerelle_core::model::ResourceName;
use passerelle_core::{Error, ErrorKind, Result};

/// One resource, as Dolibarr files it.
#[derive(Debug)]
pub(super) struct Table {
    pub name: &'static str,
    /// Of the extrafields, as in `/setup/extrafields/<element>`.
    pub element: &'static str,
    /// Where a person creates extrafields.
    pub screen: &'static str,
    /// What its list calls the table of extrafields. `ef` was observed on 22.0.4 for documents; for contacts the source
    /// of some versions says `te`, so both are tried.
    pub extra: &'static [&'static str],
    /// Native field, database column.
    pub columns: &'static [(&'static str, &'static str)],
    about: &'static str,
    archive: bool,
    actions: &'static [&'static str],
}

pub(super) static THIRDPARTIES: Table = Table {
    name: "thirdparties",
    element: "societe",
    screen: "Home > Setup > Modules > Third parties > Complementary attributes (third parties)",
    extra: &["ef"],
    columns: &[
        ("id", "rowid"),
        ("name", "nom"),
        ("name_alias", "name_alias"),
        ("email", "email"),
        ("phone", "phone"),
        ("url", "url"),
        ("address", "address"),
        ("zip", "zip"),
        ("town", "town"),
        ("tva_intra", "tva_intra"),
        ("idprof1", "siren"),
        ("idprof2", "siret"),
        ("code_client", "code_client"),
        ("client", "client"),
        ("ref_ext", "ref_ext"),
    ],
    about: "customers and prospects",
    archive: true,
    actions: &[],
};

pub(super) static CONTACTS: Table = Table {
    name: "contacts",
    element: "socpeople",
    screen: "Home > Setup > Modules > Third parties > Complementary attributes (contact/address)",
    extra: &["te", "ef"],
    columns: &[
        ("id", "rowid"),
        ("lastname", "lastname"),
        ("firstname", "firstname"),
        ("email", "email"),
        ("phone_pro", "phone"),
        ("phone_mobile", "phone_mobile"),
        ("poste", "poste"),
        ("zip", "zip"),
        ("town", "town"),
        ("socid", "fk_soc"),
        ("ref_ext", "ref_ext"),
    ],
    about: "people of third parties",
    archive: false,
    actions: &[],
};

pub(super) static PRODUCTS: Table = Table {
    name: "products",
    element: "product",
    screen: "Home > Setup > Modules > Products > Complementary attributes",
    extra: &["ef"],
    columns: &[
        ("id", "rowid"),
        ("ref", "ref"),
        ("label", "label"),
        ("barcode", "barcode"),
        ("type", "fk_product_type"),
        ("ref_ext", "ref_ext"),
    ],
    about: "goods and services",
    archive: false,
    actions: &[],
};

pub(super) static ORDERS: Table = Table {
    name: "orders",
    element: "commande",
    screen: "Home > Setup > Modules > Sales Orders > Complementary attributes (orders)",
    extra: &["ef"],
    columns: &[
        ("id", "rowid"),
        ("ref", "ref"),
        ("ref_client", "ref_client"),
        ("ref_ext", "ref_ext"),
        ("socid", "fk_soc"),
        ("statut", "fk_statut"),
    ],
    about: "sales orders, each with its lines, invoices and payments",
    archive: false,
    actions: &["validate"],
};

static ALL: [&Table; 4] = [&THIRDPARTIES, &CONTACTS, &PRODUCTS, &ORDERS];

static RESOURCES: LazyLock<Vec<Resource>> = LazyLock::new(|| ALL.iter().map(|table| table.resource()).collect());

/// The resources, constant.
pub(super) fn resources() -> &'static [Resource] {
    &RESOURCES
}

impl Table {
    /// The table of a resource.
    pub fn of(resource: &ResourceName) -> Result<&'static Self> {
        ALL.into_iter().find(|table| table.name == resource.as_str()).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, format!("Dolibarr has no resource {resource}"))
                .at("resources", "thirdparties, contacts, products, orders")
        })
    }

    /// The columns that may hold a native path, best first: filters speak the database's names.
    pub fn columns_of(&self, path: &str) -> Vec<String> {
        if let Some(code) = path.strip_prefix("array_options.options_") {
            return self.extra.iter().map(|alias| format!("{alias}.{code}")).collect();
        }
        self.columns.iter().filter(|(field, _)| *field == path).map(|(_, column)| format!("t.{column}")).collect()
    }

    /// The route of one record.
    pub fn path(&self, id: &str) -> String {
        format!("/{}/{id}", self.name)
    }

    fn resource(&self) -> Resource {
        Resource {
            name: self.name.into(),
            about: self.about,
            capabilities: Capabilities {
                feed: Feed::Cursor,
                create: Effect::Keyed,
                update: true,
                archive: self.archive,
                batch: Batch { read: 100, find: 20, write: 1 },
                actions: self.actions,
            },
        }
    }
}
