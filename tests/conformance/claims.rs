//! What a connector says of itself, and that it refuses what it does not say.

use passerelle_core::ErrorKind;
use passerelle_core::connector::{Delivery, Effect, Preparation, Prepare, Removal, State};
use passerelle_core::model::{Action, ExternalKey, Fields, RemoteId, Write};
use serde_json::{json, to_value};

use super::stage::{Stage, key_need};
use super::{Broken, Kept, ensure};

/// What says no to what is not claimed.
const NOT_CLAIMED: &[ErrorKind] = &[ErrorKind::Unsupported];

pub(super) async fn are_the_same(stage: &Stage) -> Kept {
    let Some(claimed) = stage.world.claimed() else { return Ok(()) };
    let name = stage.name();
    let row =
        claimed.iter().find(|row| row.name == *name).or_else(|| claimed.iter().find(|row| row.name == "*".into()));
    let row = row.ok_or_else(|| Broken(format!("the registry does not know {name}")))?;
    let (before, now) = (to_value(&row.capabilities), to_value(stage.can()));
    let (before, now) = (before.unwrap_or_default(), now.unwrap_or_default());
    // A file that is only read is known once it is named.
    let narrower = stage.can().create == Effect::None && !stage.can().update;
    ensure(narrower || before == now, || format!("claimed without a connection: {before}, with one: {now}"))?;
    let batch = stage.can().batch;
    ensure(batch.read > 0 && batch.find > 0 && batch.write > 0, || format!("a batch of nothing: {batch:?}"))
}

pub(super) async fn preparing_ends(stage: &Stage) -> Kept {
    let other = stage.world.another()?;
    let fresh = other.connector();
    let needs = [key_need()];
    let tell = fresh.prepare(stage.name(), &needs, Prepare::Tell).await?;
    let again = fresh.prepare(stage.name(), &needs, Prepare::Tell).await?;
    ensure(tell == again, || format!("telling twice differs: {tell:?}, then {again:?}"))?;
    let would = tell.iter().filter(|lack| lack.state == State::WouldCreate).count();
    let created = fresh.prepare(stage.name(), &needs, Prepare::Create).await?;
    let made = created.iter().filter(|lack| lack.state == State::Created).count();
    ensure(made == would, || format!("told {tell:?}, made {created:?}"))?;
    let mut left = fresh.prepare(stage.name(), &needs, Prepare::Create).await?;
    left.retain(Preparation::was_lacking);
    ensure(left.is_empty(), || format!("after it was made, this is lacking: {left:?}"))
}

pub(super) async fn taking_away_ends(stage: &Stage) -> Kept {
    let other = stage.world.another()?;
    let fresh = other.connector();
    let needs = [key_need()];
    let made = fresh.prepare(stage.name(), &needs, Prepare::Create).await?;
    let made: Vec<&str> = made.iter().filter(|one| one.state == State::Created).map(|one| one.thing.as_str()).collect();
    for thing in &made {
        let removal = fresh.remove(thing).await?;
        ensure(matches!(removal, Removal::Removed(_)), || format!("{thing} was made, and then: {removal:?}"))?;
        let again = fresh.remove(thing).await?;
        ensure(again == Removal::Gone, || format!("{thing} was taken away, and then: {again:?}"))?;
    }
    let left = fresh.prepare(stage.name(), &needs, Prepare::Tell).await?;
    let back = left.iter().filter(|one| made.contains(&one.thing.as_str()) && !one.was_lacking()).count();
    ensure(back == 0, || format!("{made:?} were taken away, and yet: {left:?}"))
}

pub(super) async fn else_unsupported(stage: &Stage) -> Kept {
    let id = stage.people_make(["claimed".to_owned()].into_iter()).await?.remove(0);
    let before = (stage.count().await?, stage.read(&id).await?);
    let fields: Fields = [(stage.kit.edited.to_owned(), json!("Not claimed"))].into_iter().collect();
    let can = stage.can();
    let mut writes = Vec::new();
    if !can.archive {
        writes.push(("an archive", Write::Archive { id: id.clone(), expect: None }));
    }
    if !can.update {
        let update = Write::Update { id: id.clone(), fields: fields.clone(), expect: None, then: Vec::new() };
        writes.push(("an update", update));
    }
    if can.create == Effect::None {
        writes.push(("a create", stage.create("unclaimed", "unclaimed")));
    }
    let then = vec![Action("no_such_move".to_owned())];
    let update = Write::Update { id: id.clone(), fields: Fields::new(), expect: None, then: then.clone() };
    writes.push(("an unknown move", update));
    for (what, write) in &writes {
        let behind = stage.connector().write(stage.name(), std::slice::from_ref(write)).await;
        let behind = behind.and_then(|mut outcomes| outcomes.remove(0));
        stage.refuses(&format!("{what}, asked of the connector"), behind, NOT_CLAIMED)?;
        stage.refuses(&format!("{what}, asked of the system"), stage.write(write).await, NOT_CLAIMED)?;
    }
    if can.create != Effect::None {
        let create = Write::Create { key: ExternalKey::new("move"), fields: (stage.kit.fields)("move"), then };
        stage.refuses("a create with an unknown move", stage.write(&create).await, NOT_CLAIMED)?;
    }
    let after = (stage.count().await?, stage.read(&id).await?);
    ensure(before.0 == after.0 && before.1.fields == after.1.fields, || {
        "a refused write changed something".to_owned()
    })?;
    let elsewhere = stage.connector().read(&"no_such_resource".into(), &[RemoteId::new("1")]).await;
    stage.refuses("an unknown resource", elsewhere, &[ErrorKind::Config, ErrorKind::Unsupported])
}

pub(super) async fn forged_is_refused(stage: &Stage) -> Kept {
    let headers =
        ["X-HubSpot-Signature-v3", "X-Signature", "Authorization"].map(|name| (name.to_owned(), "AAAA".to_owned()));
    let forged = Delivery {
        method: "POST",
        url: "https://hub.example.com/hooks/it",
        headers: &headers,
        body: br#"[{"objectId": 1, "subscriptionType": "company.propertyChange"}]"#,
        received: "2026-11-24T09:00:00Z".parse().map_err(|_| Broken("no time".into()))?,
    };
    let kinds = [ErrorKind::Denied, ErrorKind::Unsupported, ErrorKind::Config, ErrorKind::Rejected];
    stage.refuses("a forged delivery", stage.system.decode_webhook(&forged), &kinds)
}
