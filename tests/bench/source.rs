//! A paged source of companies that makes each record when it is read, so that it holds none.

use async_trait::async_trait;
use passerelle_core::connector::{
    Batch, Capabilities, Connector, Effect, Feed, Identity, Lookup, Page, Resource, Schema,
};
use passerelle_core::model::{Cursor, Fields, Outcome, Record, RemoteId, ResourceName, Write};
use passerelle_core::{Error, ErrorKind, Result};
use serde_json::json;

/// Records of one page, as HubSpot's search has.
const PAGE: u64 = 200;

/// So many companies, always the same.
#[derive(Debug)]
pub struct Source {
    count: u64,
    resources: Vec<Resource>,
}

impl Source {
    /// `count` companies.
    pub fn of(count: u64) -> Self {
        let capabilities = Capabilities {
            feed: Feed::FullScan,
            create: Effect::None,
            update: false,
            archive: false,
            batch: Batch { read: 100, find: 100, write: 100 },
            actions: &[],
        };
        Self { count, resources: vec![Resource { name: "companies".into(), about: "companies", capabilities }] }
    }
}

#[async_trait]
impl Connector for Source {
    fn resources(&self) -> &[Resource] {
        &self.resources
    }

    async fn check(&self) -> Result<Identity> {
        Ok(Identity { account: format!("{} companies", self.count), version: None })
    }

    async fn describe(&self, _: &ResourceName) -> Result<Schema> {
        Ok(Schema::default())
    }

    async fn changes(&self, _: &ResourceName, since: Option<&Cursor>) -> Result<Page> {
        let from: u64 = since.and_then(|cursor| cursor.as_str().parse().ok()).unwrap_or(0);
        let to = (from + PAGE).min(self.count);
        let more = to < self.count;
        let next = if more { to } else { 0 };
        Ok(Page { records: (from..to).map(company).collect(), next: Cursor::new(next.to_string()), more })
    }

    async fn read(&self, _: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        Ok(ids.iter().filter_map(|id| id.as_str().parse().ok()).filter(|id| *id < self.count).map(company).collect())
    }

    async fn find(&self, _: &ResourceName, _: &Lookup) -> Result<Vec<Record>> {
        Ok(Vec::new())
    }

    async fn write(&self, _: &ResourceName, _: &[Write]) -> Result<Vec<Outcome>> {
        Err(Error::new(ErrorKind::Unsupported, "the source is only read"))
    }
}

/// The n-th company, in twenty native fields.
fn company(n: u64) -> Record {
    let siren = siren(n);
    let key = (12 + 3 * (siren % 97)) % 97;
    let (day, month, year) = (n % 28 + 1, n % 12 + 1, 2000 + n % 25);
    let fields = json!({
        "name": format!("Ateliers {n} & Fils"),
        "vat_number": format!("FR{key:02}{siren:09}"),
        "siren": format!("{siren:09}"),
        "email": format!("contact{n}@ateliers.example"),
        "phone": format!("+33 3 20 {:02} {:02} {:02}", n / 10_000 % 100, n / 100 % 100, n % 100),
        "website": format!("https://ateliers{n}.example"),
        "address": format!("{} rue du Port", n % 200 + 1),
        "zip": format!("{:05}", 1000 + n % 94_000),
        "city": "Villeneuve-d’Ascq",
        "country": "France",
        "currency": "EUR",
        "credit_limit": format!("{},50", n % 90_000),
        "discount": "0.05",
        "customer_since": format!("{day:02}/{month:02}/{year}"),
        "last_order": 1_700_000_000_000_u64 + n * 1000,
        "newsletter": if n.is_multiple_of(2) { "oui" } else { "non" },
        "employees": n % 500,
        "account_manager": "Aurélie Béraud",
        "note": "Livraison le matin, quai 2. Facture par courriel, bon de commande obligatoire.",
        "stage": "prospect",
    });
    let fields = match fields {
        serde_json::Value::Object(fields) => fields,
        _ => Fields::new(),
    };
    Record::new(n.to_string(), fields)
}

/// A number of nine digits whose last one is right.
fn siren(n: u64) -> u64 {
    let body = 10_000_000 + n;
    let sum: u64 = (0..8)
        .map(|at| {
            let digit = body / 10_u64.pow(at) % 10;
            let doubled = digit * 2;
            match at % 2 {
                0 => doubled / 10 + doubled % 10,
                _ => digit,
            }
        })
        .sum();
    body * 10 + (10 - sum % 10) % 10
}
