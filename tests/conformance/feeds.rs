//! Feeds: they may repeat a record, they may never skip one.

use std::collections::BTreeMap;

use passerelle_core::ErrorKind;
use passerelle_core::emulator::{Chance, Faults};
use passerelle_core::model::{Cursor, Record, RemoteId};
use serde_json::json;

use super::stage::{Stage, all_there, newest};
use super::{Broken, Kept, ensure};

/// An hour is longer than any vendor's index lags behind.
const LONG: u64 = 3600;

/// After so many pages people stop editing, so that the feed can end.
const BUSY_PAGES: usize = 6;

/// Labels `a0`, `a1`, ...
fn labels(prefix: &'static str, count: usize) -> impl Iterator<Item = String> {
    (0..count).map(move |at| format!("{prefix}{at}"))
}

pub(super) async fn reads_everything(stage: &Stage) -> Kept {
    let ids = stage.people_make(labels("all", stage.kit.many)).await?;
    let there = stage.count().await?;
    let (records, _) = stage.drain(None).await?;
    let told = newest(records);
    all_there("from the beginning", &told, &ids, &BTreeMap::new(), "")?;
    ensure(told.len() == there, || format!("{} records are told, {there} are there", told.len()))?;
    let empty = told.values().find(|record| record.fields.is_empty());
    ensure(empty.is_none(), || format!("a record without fields: {empty:?}"))
}

pub(super) async fn goes_on(stage: &Stage) -> Kept {
    let ids = stage.people_make(labels("old", 3)).await?;
    let (_, cursor) = stage.drain(None).await?;
    stage.world.pass(LONG);
    let (_, cursor) = stage.drain(Some(&cursor)).await?;
    stage.world.pass(LONG);
    let new = stage.people_make(labels("new", 2)).await?;
    stage.person_edits(&ids[1], "Edited").await?;
    stage.world.pass(LONG);
    let (records, cursor) = stage.drain(Some(&cursor)).await?;
    let edits = BTreeMap::from([(ids[1].clone(), "Edited".to_owned())]);
    all_there("since the cursor", &newest(records), &new, &edits, stage.kit.edited)?;
    // A cursor outlives the program that read to it.
    stage.person_edits(&ids[2], "Edited later").await?;
    stage.world.pass(LONG);
    let (records, _) = stage.drain(Some(&Cursor::new(cursor.as_str()))).await?;
    let edits = BTreeMap::from([(ids[2].clone(), "Edited later".to_owned())]);
    all_there("since the next cursor", &newest(records), &[], &edits, stage.kit.edited)
}

pub(super) async fn misses_nothing_at_first(stage: &Stage) -> Kept {
    let ids = stage.people_make(labels("first", stage.kit.many)).await?;
    misses_nothing(stage, None, ids).await
}

pub(super) async fn misses_nothing_later(stage: &Stage) -> Kept {
    stage.people_make(labels("before", 2)).await?;
    let (_, cursor) = stage.drain(None).await?;
    stage.world.pass(LONG);
    // Time stands still while they are made: all of them bear the same instant.
    let ids = stage.people_make(labels("same", stage.kit.many)).await?;
    misses_nothing(stage, Some(cursor), ids).await
}

/// Reads page by page while people edit what was read and what was not, and make more.
async fn misses_nothing(stage: &Stage, since: Option<Cursor>, mut ids: Vec<RemoteId>) -> Kept {
    let mut since = since;
    let mut told: Vec<Record> = Vec::new();
    let mut edits = BTreeMap::new();
    for page in 0.. {
        let read = stage.page(since.as_ref()).await?;
        told.extend(read.records);
        since = Some(read.next);
        if page < BUSY_PAGES {
            let last = ids.len() - 1;
            for at in [page % ids.len(), last - page.min(last)] {
                let value = format!("Page {page}");
                stage.person_edits(&ids[at], &value).await?;
                edits.insert(ids[at].clone(), value);
            }
            ids.extend(stage.people_make([format!("between{page}")].into_iter()).await?);
        }
        if !read.more {
            break;
        }
        ensure(page < 1000, || "the feed does not end".to_owned())?;
    }
    for _ in 0..2 {
        stage.world.pass(LONG);
        let (records, next) = stage.drain(since.as_ref()).await?;
        told.extend(records);
        since = Some(next);
    }
    all_there("page by page", &newest(told), &ids, &edits, stage.kit.edited)
}

/// Reads at once after every change, before an index that lags behind can show it.
pub(super) async fn tells_what_shows_late(stage: &Stage) -> Kept {
    let mut ids = stage.people_make(labels("early", 3)).await?;
    let (_, cursor) = stage.drain(None).await?;
    stage.world.pass(LONG);
    let (mut told, mut since) = stage.drain(Some(&cursor)).await?;
    let mut edits = BTreeMap::new();
    for round in 0..6 {
        let (id, value) = (ids[round % 3].clone(), format!("Round {round}"));
        stage.person_edits(&id, &value).await?;
        edits.insert(id, value);
        ids.extend(stage.people_make([format!("late{round}")].into_iter()).await?);
        let (records, next) = stage.drain(Some(&since)).await?;
        told.extend(records);
        since = next;
        stage.world.pass(2);
    }
    stage.world.pass(LONG);
    told.extend(stage.drain(Some(&since)).await?.0);
    all_there("read at once and later", &newest(told), &ids[3..], &edits, stage.kit.edited)
}

pub(super) async fn fails_without_loss(stage: &Stage) -> Kept {
    let ids = stage.people_make(labels("failed", 3)).await?;
    stage.faults(Faults { drop_before: Chance::Every(1), ..Faults::default() })?;
    stage.refuses(
        "a feed of a dead system",
        stage.system.changes(stage.name(), None).await,
        &[ErrorKind::Unavailable],
    )?;
    // The second call of a page fails for good, the first did not.
    stage.faults(Faults { error_before: Chance::Every(2), ..Faults::default() })?;
    let shaken = stage.system.changes(stage.name(), None).await;
    stage.faults(Faults::default())?;
    let (mut told, since) = match shaken {
        Ok(page) => (page.records, Some(page.next)),
        Err(_) => (Vec::new(), None),
    };
    let (records, _) = stage.drain(since.as_ref()).await?;
    told.extend(records);
    all_there("after a failure", &newest(told), &ids, &BTreeMap::new(), "")?;
    let foreign = stage.system.changes(stage.name(), Some(&Cursor::new("tomorrow"))).await;
    match foreign {
        Err(error) if error.kind() == ErrorKind::Config => Ok(()),
        other => Err(Broken(format!("a cursor of another connector: {}", json!(format!("{other:?}"))))),
    }
}
