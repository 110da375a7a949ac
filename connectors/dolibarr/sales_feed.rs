//! The orders' feed: an order changes with its own row, with its invoices, and with what is paid on them.
//!
//! A part payment after the first, the use of a credit note and a due date that passes move no `tms`. So the open
//! invoices are looked at each time and digested into a fixed number of buckets; the orders of a bucket that differs are
//! read again. A quiet poll costs three calls, however many orders there are, as long as no more than 500 invoices are
//! open, and one more call for each further 500.

use std::collections::BTreeSet;

use passerelle_core::connector::Page;
use passerelle_core::model::{Cursor, content_hash};
use passerelle_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::client::{Ask, Client, PAGE, among, row};
use super::feed::{Changes, Mark};
use super::orders::{INVOICE, LINKS, join, links, read};
use super::sums::is_overdue;
use super::wire::{self, text};

/// A bucket's digest takes 8 characters of the cursor, which may hold 16 KiB.
const BUCKETS: usize = 256;

/// Invoices of one look at the open ones; with `properties` they are small.
const LOOK: usize = 500;

const OPEN: (&str, &str) =
    ("properties", "id,statut,paye,remaintopay,totalpaid,sumpayed,totalcreditnotes,totaldeposits,date_lim_reglement");

/// The lists that the feed reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum List {
    Orders,
    Invoices,
}

/// Where the orders' feed was read to.
#[derive(Serialize, Deserialize)]
struct Place {
    /// During the first read: the last order's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan: Option<u64>,
    orders: Mark,
    invoices: Mark,
    /// Of two lists the one that is read to its end while the other goes on: asked again, it would begin with its overlap.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ended: Option<List>,
    /// 8 hex digits for each bucket of open invoices.
    open: String,
}

/// One page of the feed.
pub(super) async fn changes(client: &Client, since: Option<&Cursor>) -> Result<Page> {
    let place = match since {
        Some(cursor) => serde_json::from_str(cursor.as_str()).map_err(|cause| {
            Error::new(ErrorKind::Config, "the stored cursor is not one of this connector").because(cause)
        })?,
        // What the marks and digests hold before the first read is looked at again after it.
        None => Place {
            scan: Some(0),
            orders: Mark::newest(client, "orders").await?,
            invoices: Mark::newest(client, "invoices").await?,
            ended: None,
            open: Open::look(client).await?.digest(),
        },
    };
    match place.scan {
        Some(after) => scan(client, place, after).await,
        None => follow(client, place).await,
    }
}

async fn scan(client: &Client, mut place: Place, after: u64) -> Result<Page> {
    let ask = Ask::filtered(format!("(t.rowid:>:{after})")).with(LINKS.0, LINKS.1);
    let raw = client.list("orders", ask).await?;
    let more = raw.len() >= PAGE;
    place.scan = raw.iter().filter_map(row).max().filter(|_| more);
    Ok(Page { records: join(client, raw).await?, next: cursor(&place), more })
}

async fn follow(client: &Client, mut place: Place) -> Result<Page> {
    let orders = match place.ended {
        Some(List::Orders) => place.orders.at_rest(),
        _ => place.orders.page(client, "orders", &[LINKS]).await?,
    };
    let invoices = match place.ended {
        Some(List::Invoices) => place.invoices.at_rest(),
        _ => place.invoices.page(client, "invoices", &[INVOICE, LINKS]).await?,
    };
    place.ended = match (orders.more, invoices.more) {
        (false, true) => Some(List::Orders),
        (true, false) => Some(List::Invoices),
        _ => None,
    };
    let mut touched = orders_of(client, &invoices).await?;
    let mut more = orders.more || invoices.more;
    if !more {
        let open = Open::look(client).await?;
        let (ids, digest, left) = open.differences(&place.open);
        touched.extend(orders_of_ids(client, &ids).await?);
        place.open = digest;
        more = left;
    }
    // An order that was listed before its invoice was made does not know of it: it is read again.
    let mut listed = Vec::new();
    for order in orders.documents {
        if !touched.contains(&wire::id(&order)?) {
            listed.push(order);
        }
    }
    let mut records = join(client, listed).await?;
    records.extend(read(client, touched.iter().map(String::as_str)).await?);
    (place.orders, place.invoices) = (orders.next, invoices.next);
    Ok(Page { records, next: cursor(&place), more })
}

fn cursor(place: &Place) -> Cursor {
    Cursor::new(json!(place).to_string())
}

/// The orders that changed invoices are linked to, or that the invoices they correct are linked to.
async fn orders_of(client: &Client, invoices: &Changes) -> Result<BTreeSet<String>> {
    let mut orders: BTreeSet<String> = BTreeSet::new();
    let mut sources: BTreeSet<String> = BTreeSet::new();
    for invoice in &invoices.documents {
        orders.extend(links(invoice, "commande"));
        sources.extend(text(invoice, "fk_facture_source"));
    }
    let sources: Vec<String> = sources.into_iter().collect();
    orders.extend(orders_of_ids(client, &sources).await?);
    Ok(orders)
}

async fn orders_of_ids(client: &Client, invoices: &[String]) -> Result<BTreeSet<String>> {
    let mut orders = BTreeSet::new();
    for some in invoices.chunks(PAGE) {
        let Some(filter) = among("t.rowid", some.iter().map(String::as_str)) else { continue };
        let ask = Ask::filtered(filter).with("properties", "id,fk_facture_source,linkedObjectsIds");
        let found = client.list("invoices", ask.with(LINKS.0, LINKS.1)).await?;
        orders.extend(found.iter().flat_map(|invoice| links(invoice, "commande")));
    }
    Ok(orders)
}

/// The open invoices, in buckets.
struct Open(Vec<Bucket>);

#[derive(Clone, Default)]
struct Bucket {
    hash: u32,
    ids: Vec<u64>,
}

impl Open {
    async fn look(client: &Client) -> Result<Self> {
        let ask = Ask { limit: LOOK, ..Ask::filtered("") }.with("status", "unpaid").with(OPEN.0, OPEN.1);
        let now = client.api.now();
        let mut buckets = vec![Bucket::default(); BUCKETS];
        for invoice in client.all("invoices", ask).await? {
            let Some(id) = row(&invoice) else { continue };
            let Some(bucket) = buckets.get_mut(id as usize % BUCKETS) else { continue };
            let mut facts: Map<String, Value> = invoice.as_object().cloned().unwrap_or_default();
            facts.insert("overdue".to_owned(), json!(is_overdue(&invoice, now)));
            // A sum does not mind the order in which the server lists them.
            bucket.hash = bucket.hash.wrapping_add(content_hash(&facts, id) as u32);
            bucket.ids.push(id);
        }
        Ok(Self(buckets))
    }

    fn digest(&self) -> String {
        self.0.iter().map(|bucket| format!("{:08x}", bucket.hash)).collect()
    }

    /// Invoices of buckets that differ from `known`, as many as one page can bear, the digest that says so, and
    /// whether more differ.
    fn differences(&self, known: &str) -> (Vec<String>, String, bool) {
        let mut ids = Vec::new();
        let mut digest = String::with_capacity(BUCKETS * 8);
        let mut left = false;
        for (place, bucket) in self.0.iter().enumerate() {
            let before = known.get(place * 8..place * 8 + 8).unwrap_or_default();
            let now = format!("{:08x}", bucket.hash);
            if now != before && ids.len() >= PAGE {
                left = true;
                digest.push_str(before);
                continue;
            }
            if now != before {
                ids.extend(bucket.ids.iter().map(u64::to_string));
            }
            digest.push_str(&now);
        }
        (ids, digest, left)
    }
}
