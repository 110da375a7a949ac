//! The feed of third parties, contacts and products: all by id first, then what moved since.

use passerelle_core::connector::Page;
use passerelle_core::model::Cursor;
use passerelle_core::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::client::{Ask, Client, PAGE, row};
use super::feed::Mark;
use super::table::Table;
use super::wire;

#[derive(Serialize, Deserialize)]
struct Place {
    /// During the first read: the last id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scan: Option<u64>,
    mark: Mark,
}

/// One page of the feed.
pub(super) async fn changes(client: &Client, table: &Table, since: Option<&Cursor>) -> Result<Page> {
    let mut place = match since {
        Some(cursor) => serde_json::from_str(cursor.as_str()).map_err(|cause| {
            Error::new(ErrorKind::Config, "the stored cursor is not one of this connector").because(cause)
        })?,
        // What moves during the first read is later than this mark, and comes again after it.
        None => Place { scan: Some(0), mark: Mark::newest(client, table.name).await? },
    };
    let (raw, more) = match place.scan {
        Some(after) => {
            let raw = client.list(table.name, Ask::filtered(format!("(t.rowid:>:{after})"))).await?;
            let more = raw.len() >= PAGE;
            place.scan = raw.iter().filter_map(row).max().filter(|_| more);
            (raw, more)
        }
        None => {
            let changes = place.mark.page(client, table.name, &[]).await?;
            place.mark = changes.next;
            (changes.documents, changes.more)
        }
    };
    let records = raw.iter().map(wire::record).collect::<Result<_>>()?;
    Ok(Page { records, next: Cursor::new(json!(place).to_string()), more })
}
