//! Creates, updates and archives that reach the system.

use passerelle_core::ErrorKind;
use passerelle_core::connector::Lookup;
use passerelle_core::model::{ExternalKey, Fields, Presence, Record, RemoteId, Version, Write};
use serde_json::{Value, json};

use super::reads::same_ids;
use super::stage::{Stage, at, newest};
use super::{Broken, Kept, ensure};

fn by_key(key: &str) -> Lookup {
    Lookup::Key(vec![ExternalKey::new(key)])
}

pub(super) async fn created_is_found(stage: &Stage) -> Kept {
    let before = stage.count().await?;
    let written = stage.done(&stage.create("key:1", "made1")).await?;
    stage.done(&stage.create("key:2", "made2")).await?;
    let found = stage.system.find(stage.name(), &by_key("key:1")).await?;
    same_ids("by its key", &found, &[&written.id])?;
    ensure(found[0].key == Some(ExternalKey::new("key:1")), || format!("it bears the key {:?}", found[0].key))?;
    let wanted = (stage.kit.fields)("made1");
    let path = stage.kit.found_by;
    let is = at(&found[0], path);
    ensure(Some(is) == wanted.get(path), || format!("{path} is {is} instead of {:?}", wanted.get(path)))?;
    same_ids("by a key of nobody", &stage.system.find(stage.name(), &by_key("key:3")).await?, &[])?;
    let both = Lookup::Key(["key:1", "key:2", "key:3"].map(ExternalKey::new).into());
    let both = stage.system.find(stage.name(), &both).await?.len();
    ensure(both == 2, || format!("three keys find {both} records instead of 2"))?;
    let after = stage.count().await?;
    ensure(after == before + 2, || format!("{before} records became {after}"))?;
    let now = stage.read(&written.id).await?;
    match written.record {
        Some(told) => ensure(told.fields == now.fields, || differences(&told.fields, &now.fields, &[])),
        None => Ok(()),
    }
}

pub(super) async fn no_second_record(stage: &Stage) -> Kept {
    let before = stage.count().await?;
    let create = stage.create("twice", "twice");
    let first = stage.done(&create).await?.id;
    let mut ids = vec![("a second create", stage.write(&create).await)];
    let (one, other) = tokio::join!(stage.write(&create), stage.write(&create));
    ids.extend([("one of two at once", one), ("the other of two at once", other)]);
    for (what, outcome) in ids {
        match outcome {
            Ok(written) => ensure(written.id == first, || format!("{what} answers {} after {first}", written.id))?,
            Err(error) => stage.refuses::<()>(what, Err(error), &[ErrorKind::Rejected])?,
        }
    }
    let race = stage.create("race", "race");
    let (one, other) = tokio::join!(stage.write(&race), stage.write(&race));
    ensure(one.is_ok() || other.is_ok(), || format!("of two at once none succeeds: {one:?}, {other:?}"))?;
    let after = stage.count().await?;
    ensure(after == before + 2, || format!("two keys made {} records", after - before))
}

pub(super) async fn changes_named_fields(stage: &Stage) -> Kept {
    let id = stage.people_make(["named".to_owned()].into_iter()).await?.remove(0);
    let mut before = stage.read(&id).await?;
    if let Some((field, value)) = stage.kit.cleared {
        stage.done(&stage.update(&id, field, json!(value))).await?;
        let filled = stage.read(&id).await?;
        nothing_else(stage, &before, &filled, field)?;
        before = filled;
    }
    let written = stage.done(&stage.update(&id, stage.kit.edited, json!("Changed"))).await?;
    ensure(written.id == id, || format!("the update of {id} answers {}", written.id))?;
    let after = stage.read(&id).await?;
    let is = at(&after, stage.kit.edited);
    ensure(*is == json!("Changed"), || format!("{} is {is} after the update", stage.kit.edited))?;
    nothing_else(stage, &before, &after, stage.kit.edited)?;
    if let Some(told) = written.record {
        ensure(told.fields == after.fields, || differences(&told.fields, &after.fields, &[]))?;
    }
    if let Some((field, value)) = stage.kit.cleared {
        ensure(*at(&before, field) == json!(value), || {
            format!("{field} is {} instead of {value:?}", at(&before, field))
        })?;
        stage.done(&stage.update(&id, field, Value::Null)).await?;
        let cleared = stage.read(&id).await?;
        ensure(at(&cleared, field).is_null(), || format!("{field} is {} after null", at(&cleared, field)))?;
        nothing_else(stage, &after, &cleared, field)?;
    }
    let nobody = stage.update(&RemoteId::new(stage.kit.nobody), stage.kit.edited, json!("x"));
    stage.refuses("an update of nobody", stage.write(&nobody).await, &[ErrorKind::NotFound])
}

fn nothing_else(stage: &Stage, before: &Record, after: &Record, but: &str) -> Kept {
    let mut but = vec![but];
    but.extend(stage.kit.moves);
    let told = differences(&before.fields, &after.fields, &but);
    ensure(told.is_empty(), || format!("an update of {} changes {told}", but[0]))
}

/// The fields that differ, with both values.
fn differences(one: &Fields, other: &Fields, but: &[&str]) -> String {
    let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
    let differ = names.filter(|name| one.get(*name) != other.get(*name) && !but.contains(&name.as_str()));
    let said = |name: &String| {
        let value = |fields: &Fields| fields.get(name).map_or_else(|| "nothing".to_owned(), Value::to_string);
        format!("{name} from {} to {}", value(one), value(other))
    };
    differ.map(said).collect::<Vec<_>>().join(", ")
}

pub(super) async fn refuses_what_moved(stage: &Stage) -> Kept {
    let id = stage.people_make(["moved".to_owned()].into_iter()).await?.remove(0);
    let version = stage.read(&id).await?.version.ok_or_else(|| Broken("its records bear no version".into()))?;
    stage.person_edits(&id, "By a person").await?;
    let fields: Fields = [(stage.kit.edited.to_owned(), json!("By the hub"))].into_iter().collect();
    let update = |expect: Version| Write::Update {
        id: id.clone(),
        fields: fields.clone(),
        expect: Some(expect),
        then: Vec::new(),
    };
    stage.refuses("an update of an old version", stage.write(&update(version)).await, &[ErrorKind::Stale])?;
    let now = stage.read(&id).await?;
    let is = at(&now, stage.kit.edited);
    ensure(*is == json!("By a person"), || format!("the refused update left {is}"))?;
    let version = now.version.ok_or_else(|| Broken("the version is gone".into()))?;
    stage.done(&update(version)).await.map(drop)
}

pub(super) async fn bad_row_stands_alone(stage: &Stage) -> Kept {
    let Some(refused) = stage.kit.refused else { return Ok(()) };
    let known = stage.people_make(["known".to_owned()].into_iter()).await?.remove(0);
    let before = stage.count().await?;
    let bad = Write::Create { key: ExternalKey::new("row:1"), fields: refused(), then: Vec::new() };
    let writes = [
        stage.create("row:0", "row0"),
        bad,
        stage.update(&known, stage.kit.edited, json!("In the middle")),
        stage.update(&RemoteId::new(stage.kit.nobody), stage.kit.edited, json!("x")),
        stage.create("row:4", "row4"),
    ];
    let mut outcomes = stage.system.write(stage.name(), &writes).await.into_iter();
    ensure(outcomes.len() == writes.len(), || format!("{} outcomes", outcomes.len()))?;
    let mut next = || outcomes.next().ok_or_else(|| Broken("an outcome is missing".into()));
    let first = next()?.map_err(|error| Broken(format!("the first row: {error}")))?;
    stage.refuses("the bad row", next()?, &[ErrorKind::Rejected])?;
    let middle = next()?.map_err(|error| Broken(format!("the row after the bad one: {error}")))?;
    stage.refuses("the row of nobody", next()?, &[ErrorKind::NotFound])?;
    let last = next()?.map_err(|error| Broken(format!("the last row: {error}")))?;
    ensure(middle.id == known, || format!("the update of {known} answers {}", middle.id))?;
    for (id, label) in [(&first.id, "row0"), (&last.id, "row4")] {
        let is = at(&stage.read(id).await?, stage.kit.found_by).clone();
        let wanted = (stage.kit.fields)(label).remove(stage.kit.found_by);
        ensure(Some(&is) == wanted.as_ref(), || format!("the outcome of {label} names the record of {is}"))?;
    }
    let is = at(&stage.read(&known).await?, stage.kit.edited).clone();
    ensure(is == json!("In the middle"), || format!("the row in the middle left {is}"))?;
    let after = stage.count().await?;
    ensure(after == before + 2, || format!("two good creates made {} records", after - before))
}

pub(super) async fn archives(stage: &Stage) -> Kept {
    let made = stage.people_make(["kept", "put away"].map(str::to_owned).into_iter()).await?;
    let archive = Write::Archive { id: made[1].clone(), expect: None };
    stage.done(&archive).await?;
    let present = |records: Vec<Record>| -> Vec<RemoteId> {
        let here = newest(records).into_values().filter(|record| record.presence == Presence::Present);
        here.map(|record| record.id).collect()
    };
    let read = present(stage.system.read(stage.name(), &made).await?);
    ensure(read == made[..1], || format!("{read:?} are present when read, of {made:?} the second was put away"))?;
    stage.world.pass(60);
    let told = present(stage.drain(None).await?.0);
    ensure(told.contains(&made[0]) && !told.contains(&made[1]), || format!("the feed tells {told:?} as present"))?;
    stage.done(&archive).await.map(drop)
}
