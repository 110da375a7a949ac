//! The feed of orders: of the orders themselves, of their invoices and payments, and of what happens to open invoices
//! without moving them.
//!
//! The nightly change to Overdue moves no invoice's `modified` (observed). So every poll looks at all open invoices,
//! with a few fields each, and digests them into a fixed number of buckets; the orders of a bucket that differs are read
//! again. A quiet poll costs five calls, four where deletions may not be seen, as long as no more than 500 invoices are
//! open.

use std::collections::BTreeSet;

use jiff::civil::Date;
use passerelle_core::Result;
use passerelle_core::connector::Page;
use passerelle_core::model::Cursor;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::client::{Ask, Client, PAGE};
use super::feed::{Gone, read, scan, whole};
use super::mark::{Mark, digest};
use super::sums::is_overdue;
use super::table::ORDERS;
use super::wire::{self, text};
use super::{Config, orders, parties};

/// A bucket's digest takes 8 characters of the cursor, which may hold 16 KiB.
const BUCKETS: usize = 128;

/// Invoices of one look at the open ones.
const LOOK: usize = 500;

/// Orders of one page of the first read; each costs a call.
const FEW: usize = 25;

/// Where the orders' feed was read to.
#[derive(Serialize, Deserialize)]
struct Place {
    /// During the first read: the last order's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan: Option<String>,
    orders: Mark,
    invoices: Mark,
    payments: Mark,
    gone: Gone,
    /// 8 hex digits for each bucket of open invoices.
    open: String,
}

/// One page of the feed.
pub(super) async fn changes(client: &Client, config: &Config, since: Option<&Cursor>) -> Result<Page> {
    let scope = || config.scope(&ORDERS);
    let mut place: Place = match since {
        Some(cursor) => read(cursor)?,
        // What the marks and digests hold before the first read is looked at again after it.
        None => Place {
            scan: Some(String::new()),
            orders: Mark::newest(client, "Sales Order", scope()).await?,
            invoices: Mark::newest(client, "Sales Invoice", scope()).await?,
            payments: Mark::newest(client, "Payment Entry", scope()).await?,
            gone: Gone::begin(client, "Sales Order").await?,
            open: Open::look(client, config).await?.digest(),
        },
    };
    let Some(after) = place.scan.take() else { return follow(client, config, place).await };
    let mut rows = scan(client, config, &ORDERS, &after).await?;
    let more = rows.len() > FEW || rows.len() >= PAGE;
    rows.truncate(FEW);
    place.scan = rows.last().map(wire::name).transpose()?.filter(|_| more);
    let records = orders::join(client, config, whole(client, &ORDERS, rows).await?).await?;
    Ok(Page { records, next: cursor(&place), more })
}

async fn follow(client: &Client, config: &Config, mut place: Place) -> Result<Page> {
    let scope = || config.scope(&ORDERS);
    let fields = ["name", "modified"];
    let changed = place.orders.page(client, "Sales Order", &fields, scope()).await?;
    let invoices =
        place.invoices.page(client, "Sales Invoice", &["name", "modified", "return_against"], scope()).await?;
    let payments = place.payments.page(client, "Payment Entry", &fields, scope()).await?;
    let (gone, left) = place.gone.page(client, "Sales Order").await?;
    let mut more = changed.more || invoices.more || payments.more || left;
    let mut touched: BTreeSet<String> = changed.rows.iter().map(wire::name).collect::<Result<_>>()?;
    let mut billed: BTreeSet<String> = invoices.rows.iter().map(wire::name).collect::<Result<_>>()?;
    billed.extend(invoices.rows.iter().filter_map(|row| text(row, "return_against")));
    billed.extend(paid(client, &payments.rows).await?);
    if !more {
        let open = Open::look(client, config).await?;
        let (names, digest, left) = open.differences(&place.open);
        billed.extend(names);
        place.open = digest;
        more = left;
    }
    let billed: Vec<String> = billed.into_iter().collect();
    let rows = client.among("Sales Invoice", Ask::of(&["items.sales_order"]), &["name"], &billed).await?;
    touched.extend(rows.iter().filter_map(|row| text(row, "sales_order")));
    let touched: Vec<String> = touched.into_iter().collect();
    let mut records = parties::read(client, config, &ORDERS, &touched).await?;
    records.extend(gone);
    (place.orders, place.invoices, place.payments) = (changed.next, invoices.next, payments.next);
    Ok(Page { records, next: cursor(&place), more })
}

fn cursor(place: &Place) -> Cursor {
    Cursor::new(json!(place).to_string())
}

/// The invoices that changed payments are for.
async fn paid(client: &Client, payments: &[Value]) -> Result<Vec<String>> {
    let names: Vec<String> = payments.iter().map(wire::name).collect::<Result<_>>()?;
    let ask = Ask::of(&["references.reference_doctype", "references.reference_name"]);
    let rows = client.among("Payment Entry", ask, &["name"], &names).await?;
    let invoices = rows.iter().filter(|row| text(row, "reference_doctype").as_deref() == Some("Sales Invoice"));
    Ok(invoices.filter_map(|row| text(row, "reference_name")).collect())
}

/// The open invoices, in buckets.
struct Open(Vec<Bucket>);

#[derive(Clone, Default)]
struct Bucket {
    hash: u32,
    names: Vec<String>,
}

impl Open {
    async fn look(client: &Client, config: &Config) -> Result<Self> {
        let today = client.today().await?;
        let mut buckets = vec![Bucket::default(); BUCKETS];
        let mut after = String::new();
        loop {
            let fields = ["name", "docstatus", "status", "outstanding_amount", "due_date", "is_return"];
            let mut ask = Ask { limit: LOOK, ..Ask::of(&fields) }.with(config.scope(&ORDERS));
            ask.filters.extend([json!(["docstatus", "=", 1]), json!(["outstanding_amount", ">", 0])]);
            if !after.is_empty() {
                ask.filters.push(json!(["name", ">", after]));
            }
            let page = client.list("Sales Invoice", ask).await?;
            let full = page.len() >= LOOK;
            for row in &page {
                after = wire::name(row)?;
                let place = digest(&after) as usize % BUCKETS;
                if let Some(bucket) = buckets.get_mut(place) {
                    // A sum does not mind the order in which the site lists them.
                    bucket.hash = bucket.hash.wrapping_add(told(row, today));
                    bucket.names.push(after.clone());
                }
            }
            if !full {
                return Ok(Self(buckets));
            }
        }
    }

    fn digest(&self) -> String {
        self.0.iter().map(|bucket| format!("{:08x}", bucket.hash)).collect()
    }

    /// Invoices of buckets that differ from `known`, as many as one page can bear, the digest that says so, and
    /// whether more differ.
    fn differences(&self, known: &str) -> (Vec<String>, String, bool) {
        let mut names = Vec::new();
        let mut digest = String::with_capacity(BUCKETS * 8);
        let mut left = false;
        for (place, bucket) in self.0.iter().enumerate() {
            let before = known.get(place * 8..place * 8 + 8).unwrap_or_default();
            let now = format!("{:08x}", bucket.hash);
            if now != before && names.len() >= PAGE {
                left = true;
                digest.push_str(before);
                continue;
            }
            if now != before {
                names.extend(bucket.names.iter().cloned());
            }
            digest.push_str(&now);
        }
        (names, digest, left)
    }
}

/// An open invoice's state in 32 bits.
fn told(row: &Value, today: Option<Date>) -> u32 {
    let state = format!(
        "{:?} {:?} {:?} {}",
        text(row, "name"),
        text(row, "status"),
        text(row, "outstanding_amount"),
        is_overdue(row, today)
    );
    digest(&state) as u32
}
