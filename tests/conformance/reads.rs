//! Check, describe, read, find.

use std::collections::BTreeSet;

use passerelle_core::connector::Lookup;
use passerelle_core::model::{Record, RemoteId};

use super::stage::{Stage, at};
use super::{Kept, ensure};

pub(super) async fn check_answers(stage: &Stage) -> Kept {
    let identity = stage.system.check().await?;
    ensure(!identity.account.trim().is_empty(), || "the account has no name".to_owned())
}

pub(super) async fn describe_tells(stage: &Stage) -> Kept {
    let ids = stage.people_make(["seen".to_owned()].into_iter()).await?;
    let schema = stage.system.describe(stage.name()).await?;
    let unnamed = schema.fields.iter().find(|field| field.label.is_empty() || field.kind.is_empty());
    ensure(unnamed.is_none(), || format!("a field without label or kind: {unnamed:?}"))?;
    let mut written = vec![stage.kit.edited];
    written.extend(stage.kit.cleared.map(|(field, _)| field));
    for field in written.into_iter().filter(|_| stage.can().update) {
        let writable = schema.field(field).is_some_and(|known| known.writable);
        ensure(writable, || format!("{field} can be written, and is described as {:?}", schema.field(field)))?;
    }
    let known: BTreeSet<&str> = schema.fields.iter().map(|field| top(&field.path)).collect();
    let record = stage.read(&ids[0]).await?;
    let unknown: Vec<&String> = record.fields.keys().filter(|name| !known.contains(name.as_str())).collect();
    ensure(unknown.is_empty(), || {
        format!("a record bears {} fields that are not described: {unknown:?}", unknown.len())
    })
}

/// `lines[].qty` and `quote.id` are told with `lines` and `quote`.
fn top(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}

pub(super) async fn leaves_out(stage: &Stage) -> Kept {
    let made = stage.people_make(["one", "two", "three"].map(str::to_owned).into_iter()).await?;
    let asked = [made[0].clone(), RemoteId::new(stage.kit.nobody), made[2].clone()];
    let found = stage.system.read(stage.name(), &asked).await?;
    same_ids("reading two and a stranger", &found, &[&made[0], &made[2]])?;
    let none = stage.system.read(stage.name(), &[RemoteId::new(stage.kit.nobody)]).await?;
    same_ids("reading a stranger", &none, &[])?;
    same_ids("reading nothing", &stage.system.read(stage.name(), &[]).await?, &[])
}

pub(super) async fn finds_by_field(stage: &Stage) -> Kept {
    let path = stage.kit.found_by;
    let made = stage.people_make(["find1", "find2", "find3"].map(str::to_owned).into_iter()).await?;
    stage.world.pass(60);
    let mut values = Vec::new();
    for id in &made {
        values.push(at(&stage.read(id).await?, path).as_str().unwrap_or_default().to_owned());
    }
    let by = |values: &[String]| Lookup::Field { path: path.to_owned(), values: values.to_vec() };
    let one = stage.system.find(stage.name(), &by(&values[1..2])).await?;
    same_ids("one value", &one, &[&made[1]])?;
    let two = stage.system.find(stage.name(), &by(&[values[0].clone(), values[2].clone()])).await?;
    same_ids("two values", &two, &[&made[0], &made[2]])?;
    let none = stage.system.find(stage.name(), &by(&["nobody@nowhere.example".to_owned()])).await?;
    same_ids("a value that nobody has", &none, &[])?;
    let full = stage.read(&made[1]).await?;
    ensure(one[0].fields == full.fields, || format!("found as {:?}, read as {:?}", one[0].fields, full.fields))
}

/// Exactly these records, each once.
pub(super) fn same_ids(what: &str, found: &[Record], wanted: &[&RemoteId]) -> Kept {
    let mut ids: Vec<&RemoteId> = found.iter().map(|record| &record.id).collect();
    let mut wanted = wanted.to_vec();
    ids.sort();
    wanted.sort();
    ensure(ids == wanted, || format!("{what}: {ids:?} instead of {wanted:?}"))
}
