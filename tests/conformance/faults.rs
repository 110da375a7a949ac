//! Wrong keys, dead systems, quotas, and answers that get lost.

use std::sync::Arc;

use passerelle_core::ErrorKind;
use passerelle_core::connector::{Effect, Lookup};
use passerelle_core::emulator::{Chance, Faults};
use passerelle_core::model::{ExternalKey, Write};
use passerelle_core::system::System;
use serde_json::json;

use super::stage::{Stage, at};
use super::{Broken, Kept, ensure};

/// No create takes more calls than this.
const MOST_CALLS: u64 = 20;

/// What may be said of a create that was perhaps made. `Unavailable` promises that a repeat is harmless, so only a
/// keyed create may say it.
fn perhaps(stage: &Stage) -> &'static [ErrorKind] {
    match stage.can().create {
        Effect::Keyed => &[ErrorKind::OutcomeUnknown, ErrorKind::Unavailable],
        _ => &[ErrorKind::OutcomeUnknown],
    }
}

pub(super) async fn denies_strangers(stage: &Stage) -> Kept {
    let Some(stranger) = stage.world.stranger() else { return Ok(()) };
    let id = stage.people_make(["private".to_owned()].into_iter()).await?.remove(0);
    let before = stage.count().await?;
    let system = System::new("stranger".into(), Arc::clone(&stranger));
    let denied = &[ErrorKind::Denied];
    stage.refuses("check", system.check().await, denied)?;
    stage.refuses("describe", system.describe(stage.name()).await, denied)?;
    stage.refuses("a feed", system.changes(stage.name(), None).await, denied)?;
    stage.refuses("a read", system.read(stage.name(), std::slice::from_ref(&id)).await, denied)?;
    let lookup = Lookup::Field { path: stage.kit.found_by.to_owned(), values: vec!["x".to_owned()] };
    stage.refuses("a look-up", system.find(stage.name(), &lookup).await, denied)?;
    let writes = [stage.create("stranger", "stranger"), stage.update(&id, stage.kit.edited, json!("Stranger"))];
    for outcome in system.write(stage.name(), &writes).await {
        stage.refuses("a write", outcome, denied)?;
    }
    let words = format!("{stranger:?}");
    let told = stage.world.secrets().into_iter().any(|secret| words.contains(&secret));
    ensure(!told, || "the connector's debug output holds the key".to_owned())?;
    let after = stage.count().await?;
    ensure(before == after, || format!("a stranger made {} records", after - before))
}

pub(super) async fn is_unavailable(stage: &Stage) -> Kept {
    let id = stage.people_make(["alone".to_owned()].into_iter()).await?.remove(0);
    let before = stage.count().await?;
    let down = &[ErrorKind::Unavailable];
    // Refused by the vendor itself, a write may have been made: only a call that never left is sure.
    for (faults, written) in [
        (Faults { drop_before: Chance::Every(1), ..Faults::default() }, &[ErrorKind::Unavailable][..]),
        (
            Faults { error_before: Chance::Every(1), ..Faults::default() },
            &[ErrorKind::Unavailable, ErrorKind::OutcomeUnknown][..],
        ),
    ] {
        stage.faults(faults)?;
        stage.refuses("check", stage.system.check().await, down)?;
        stage.refuses("describe", stage.system.describe(stage.name()).await, down)?;
        stage.refuses("a feed", stage.system.changes(stage.name(), None).await, down)?;
        stage.refuses("a read", stage.system.read(stage.name(), std::slice::from_ref(&id)).await, down)?;
        let key = Lookup::Key(vec![ExternalKey::new("down")]);
        stage.refuses("a look-up", stage.system.find(stage.name(), &key).await, down)?;
        let writes = [stage.create("down", "down"), stage.update(&id, stage.kit.edited, json!("Down"))];
        for write in &writes {
            stage.refuses("a write", stage.write(write).await, written)?;
        }
        for outcome in stage.system.write(stage.name(), &writes).await {
            stage.refuses("a batch", outcome, written)?;
        }
        stage.faults(Faults::default())?;
        let after = stage.count().await?;
        ensure(before == after, || format!("a dead system made {} records", after - before))?;
        let is = at(&stage.read(&id).await?, stage.kit.edited).clone();
        ensure(is != json!("Down"), || "a dead system made an update".to_owned())?;
    }
    stage.system.check().await.map(drop).map_err(Broken::from)
}

pub(super) async fn waits_for_quota(stage: &Stage) -> Kept {
    let ids = stage.people_make(["quota1", "quota2"].map(str::to_owned).into_iter()).await?;
    let before = (stage.count().await?, stage.world.now());
    stage.faults(Faults { rate_limited: Chance::Every(2), ..Faults::default() })?;
    stage.system.check().await?;
    let (records, _) = stage.drain(None).await?;
    ensure(records.len() >= ids.len(), || format!("{} records under a quota", records.len()))?;
    if stage.can().create != Effect::None {
        stage.done(&stage.create("quota", "quota3")).await?;
    }
    stage.faults(Faults::default())?;
    let after = stage.count().await?;
    ensure(after == before.0 + 1, || format!("a create under a quota made {} records", after - before.0))?;
    ensure(stage.world.now() > before.1, || "the connector did not wait".to_owned())?;
    stage.faults(Faults { rate_limited: Chance::Every(1), ..Faults::default() })?;
    stage.refuses("check", stage.system.check().await, &[ErrorKind::RateLimited])?;
    let outcome = stage.write(&stage.create("never", "never")).await;
    stage.refuses("a create", outcome, &[ErrorKind::RateLimited])?;
    stage.faults(Faults::default())?;
    let after = stage.count().await?;
    ensure(after == before.0 + 1, || "a refused create made a record".to_owned())
}

/// Loses the answer of the first call of a create, then of the second, and so on, by a cut and by a gateway's error.
pub(super) async fn loses_one_answer(stage: &Stage) -> Kept {
    // What is asked once at the start would hide which call is the create.
    stage.done(&stage.create("warm", "warm")).await?;
    for call in 1..MOST_CALLS {
        let cut = Faults { drop_after: Chance::Every(call), times: Some(1), ..Faults::default() };
        let gateway = Faults { error_after: Chance::Every(call), times: Some(1), ..Faults::default() };
        let lost = Faults { drop_before: Chance::Every(call), times: Some(1), ..Faults::default() };
        let mut over = true;
        for (name, faults) in [("cut", cut), ("gateway", gateway), ("request", lost)] {
            let before = (stage.count().await?, stage.calls()?);
            let label = format!("{name}{call}");
            let create = stage.create(&label, &label);
            stage.faults(faults)?;
            let outcome = stage.write(&create).await;
            stage.faults(Faults::default())?;
            over &= stage.calls()? - before.1 < call;
            if let Err(error) = outcome {
                stage.refuses::<()>(&format!("call {call}, {name}"), Err(error), perhaps(stage))?;
            }
            made_once(stage, &create, &label, before.0)
                .await
                .map_err(|why| Broken(format!("call {call}, {name}: {why}")))?;
        }
        if over {
            return ensure(call > 1, || "no call of a create was struck".to_owned());
        }
    }
    Err(Broken(format!("a create takes {MOST_CALLS} calls or more")))
}

pub(super) async fn loses_every_answer(stage: &Stage) -> Kept {
    let cut = Faults { drop_after: Chance::Every(1), ..Faults::default() };
    let gateway = Faults { error_after: Chance::Every(1), ..Faults::default() };
    for (name, faults) in [("cut", cut), ("gateway", gateway)] {
        let before = stage.count().await?;
        let create = stage.create(name, name);
        stage.faults(faults)?;
        let outcome = stage.write(&create).await;
        stage.faults(Faults::default())?;
        stage.refuses(&format!("every answer is lost, {name}"), outcome, perhaps(stage))?;
        made_once(stage, &create, name, before).await?;
    }
    Ok(())
}

/// However the first attempt ended: looking first, then repeating, leaves one record.
async fn made_once(stage: &Stage, create: &Write, key: &str, before: usize) -> Kept {
    let lookup = Lookup::Key(vec![ExternalKey::new(key)]);
    let found = stage.system.find(stage.name(), &lookup).await?;
    let there = stage.count().await? - before;
    ensure(found.len() == there, || format!("{there} were made, the key finds {}", found.len()))?;
    let again = match found.first() {
        Some(_) if stage.can().create != Effect::Keyed => return ensure(there == 1, || format!("{there} were made")),
        Some(record) => Some(record.id.clone()),
        None => None,
    };
    match stage.write(create).await {
        Ok(written) => {
            let same = again.as_ref().is_none_or(|id| *id == written.id);
            ensure(same, || format!("the repeat answers {} instead of {again:?}", written.id))?;
        }
        Err(error) => stage.refuses::<()>("the repeat", Err(error), &[ErrorKind::Rejected])?,
    }
    let made = stage.count().await? - before;
    ensure(made == 1, || format!("one key made {made} records"))
}

pub(super) async fn loses_an_update(stage: &Stage) -> Kept {
    let id = stage.people_make(["lost".to_owned()].into_iter()).await?.remove(0);
    for call in 1..MOST_CALLS {
        let before = stage.calls()?;
        let value = format!("Lost {call}");
        let update = stage.update(&id, stage.kit.edited, json!(value));
        stage.faults(Faults { drop_after: Chance::Every(call), times: Some(1), ..Faults::default() })?;
        let outcome = stage.write(&update).await;
        stage.faults(Faults::default())?;
        if let Err(error) = outcome {
            let kinds = [ErrorKind::OutcomeUnknown, ErrorKind::Unavailable];
            stage.refuses::<()>(&format!("call {call}"), Err(error), &kinds)?;
            stage.done(&update).await?;
        }
        let is = at(&stage.read(&id).await?, stage.kit.edited).clone();
        ensure(is == json!(value), || format!("call {call} lost: {is} instead of {value:?}"))?;
        if stage.calls()? - before <= call {
            return Ok(());
        }
    }
    Err(Broken(format!("an update takes {MOST_CALLS} calls or more")))
}
