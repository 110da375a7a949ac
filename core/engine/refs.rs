//! References travel through links: native ids to link ids on the way in, and back on the way out.

use std::collections::{BTreeMap, BTreeSet};

use super::link::match_hash;
use super::pass::Pass;
use super::step::Why as Because;
use super::work::{Trouble, Work, is_planned};
use crate::Result;
use crate::connector::Lookup;
use crate::mapping::{Entity, RefAt, Unresolved};
use crate::model::{Canonical, EntityName, FieldName, LinkId, Owner, Presence, Record, RemoteId, SystemName};
use crate::store::{At, Why};

/// A reference that leads to no link yet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Loose {
    entity: EntityName,
    system: SystemName,
    by: Option<FieldName>,
    value: String,
}

/// A link that a record refers to and that has no record in the target.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Missing {
    pub entity: EntityName,
    pub link: LinkId,
    /// Whether the record cannot do without it.
    pub required: bool,
}

impl Pass<'_> {
    /// Turns the native ids in the sides of `busy` works into link ids, bringing along what is not linked yet.
    pub(super) async fn resolve(&mut self, entity: &Entity, works: &mut [Work], busy: &[usize]) -> Result<()> {
        if !entity.has_refs() {
            return Ok(());
        }
        let mut loose: BTreeSet<Loose> = BTreeSet::new();
        for at in busy {
            for (system, side) in works[*at].sides.iter().filter(|(_, side)| !side.resolved) {
                let mut trial = side.canonical.clone();
                self.to_links(entity, system, &mut trial, &mut |missing| {
                    loose.insert(missing);
                })?;
            }
        }
        if !loose.is_empty() {
            self.bring(loose).await?;
            self.catch_up(entity, works).await?;
        }
        for at in busy {
            let work = &mut works[*at];
            let present: BTreeSet<SystemName> = work.sides.keys().cloned().collect();
            let mut missing = Vec::new();
            for (system, side) in work.sides.iter_mut().filter(|(_, side)| !side.resolved) {
                for left in self.to_links(entity, system, &mut side.canonical, &mut |_| {})? {
                    let field = header_of(&left.field);
                    match entity.owner(&field) {
                        // Another side owns the field: what this one says of it cannot matter, and must not stop the rest.
                        Owner::System(owner) if owner != system && present.contains(owner) => {
                            side.canonical.remove(field.as_str());
                        }
                        // Two records that refer to each other: the first does without, and is decided again.
                        _ if !entity.requires(&field) && self.fetching.contains(&place_of(&left, system)) => {
                            side.canonical.remove(field.as_str());
                            work.again = true;
                        }
                        _ => missing.push((system.clone(), left)),
                    }
                }
                side.resolved = true;
            }
            if let Some((system, left)) = missing.into_iter().next() {
                work.trouble = Some(unresolved(&system, &left));
            }
        }
        Ok(())
    }

    pub(super) fn to_links(
        &self,
        entity: &Entity,
        system: &SystemName,
        canonical: &mut Canonical,
        loose: &mut dyn FnMut(Loose),
    ) -> Result<Vec<Unresolved>> {
        let mut failed = None;
        let column = self.column(entity, system)?;
        let left = entity.map_refs(column, canonical, &mut |at: RefAt<'_>| match self.link_behind(system, at) {
            Ok(Some(link)) => Some(link.to_string()),
            Ok(None) => {
                loose(Loose {
                    entity: at.entity.clone(),
                    system: system.clone(),
                    by: at.by.cloned(),
                    value: at.value.to_owned(),
                });
                None
            }
            Err(error) => {
                failed = Some(error);
                None
            }
        });
        failed.map_or(Ok(left), Err)
    }

    fn link_behind(&self, system: &SystemName, at: RefAt<'_>) -> Result<Option<LinkId>> {
        let store = &self.engine.store;
        let known = match at.by {
            None => store.seen(at.entity, system, &RemoteId::new(at.value))?.map(|seen| seen.link),
            Some(field) => {
                let mut values = Canonical::default();
                values.insert(field.to_string(), at.value.into());
                let hash = match_hash(std::slice::from_ref(field), &values);
                hash.map(|hash| store.matched(at.entity, hash)).transpose()?.flatten()
            }
        };
        let Some(known) = known else { return Ok(None) };
        // Merged over there and not yet here: whoever names either means the same.
        let heir = store.link(&known)?.and_then(|link| link.one_with);
        Ok(Some(heir.unwrap_or(known)))
    }

    /// Reads the records that references lead to, and lets them meet the hub as any other record does.
    async fn bring(&mut self, loose: BTreeSet<Loose>) -> Result<()> {
        let mut by_id: BTreeMap<(EntityName, SystemName), Vec<RemoteId>> = BTreeMap::new();
        let mut by_value: BTreeMap<(EntityName, FieldName), Vec<String>> = BTreeMap::new();
        let around = self.fetching.clone();
        for one in loose {
            let at = At { entity: one.entity.clone(), system: one.system.clone(), id: one.value.as_str().into() };
            if !self.fetching.insert(at) {
                continue;
            }
            match one.by {
                None => by_id.entry((one.entity, one.system)).or_default().push(one.value.into()),
                Some(field) => by_value.entry((one.entity, field)).or_default().push(one.value),
            }
        }
        for ((entity, system), ids) in by_id {
            let entity = self.entity(&entity)?;
            let resource = self.column(entity, &system)?.resource().clone();
            let records = self.engine.systems.get(&system)?.read(&resource, &ids).await?;
            self.step(entity, &system, records, Because::Referred).await?;
        }
        for ((entity, field), values) in by_value {
            let entity = self.entity(&entity)?;
            for system in self.kept_in(entity) {
                let records = self.find_by(entity, &system, &field, &values).await?;
                self.step(entity, &system, records, Because::Referred).await?;
            }
        }
        self.fetching = around;
        Ok(())
    }

    async fn find_by(
        &self,
        entity: &Entity,
        system: &SystemName,
        field: &FieldName,
        values: &[String],
    ) -> Result<Vec<Record>> {
        let column = self.column(entity, system)?;
        let mut native = String::new();
        let mut spellings = Vec::new();
        for value in values {
            if let Some((path, several)) = column.lookup(field, &value.as_str().into()) {
                native = path;
                spellings.extend(several);
            }
        }
        if spellings.is_empty() {
            return Ok(Vec::new());
        }
        self.find(entity, system, &Lookup::Field { path: native, values: spellings }).await
    }

    /// Creates in `target` what values refer to and what is not there yet; what a record can do without only where
    /// its own rules want it there.
    pub(super) async fn bring_over(&mut self, needed: BTreeSet<Missing>, target: &SystemName) -> Result<()> {
        let mut by_source: BTreeMap<(EntityName, SystemName, bool), Vec<RemoteId>> = BTreeMap::new();
        let around = self.fetching.clone();
        for Missing { entity, link, required } in needed {
            let at = At { entity: entity.clone(), system: target.clone(), id: link.as_str().into() };
            if !self.fetching.insert(at) {
                continue;
            }
            let Some(link) = self.engine.store.link(&link)? else { continue };
            let usable =
                link.sides.iter().find(|(_, side)| side.presence == Presence::Present && !is_planned(&side.id));
            if let Some((system, side)) = usable {
                by_source.entry((entity, system.clone(), required)).or_default().push(side.id.clone());
            }
        }
        for ((entity, system, required), ids) in by_source {
            let entity = self.entity(&entity)?;
            let resource = self.column(entity, &system)?.resource().clone();
            let records = self.engine.systems.get(&system)?.read(&resource, &ids).await?;
            let because = if required { Because::Needed(target.clone()) } else { Because::Again };
            self.step(entity, &system, records, because).await?;
        }
        self.fetching = around;
        Ok(())
    }

    /// `canonical` with link ids turned into `target`'s ids; and the links that `fields` need and have no record there.
    pub(super) fn to_ids(
        &self,
        entity: &Entity,
        target: &SystemName,
        canonical: &Canonical,
        fields: &BTreeSet<FieldName>,
    ) -> Result<(Canonical, BTreeSet<Missing>)> {
        let mut spelled = canonical.clone();
        let mut missing = BTreeSet::new();
        let mut failed = None;
        let column = self.column(entity, target)?;
        entity.map_refs(column, &mut spelled, &mut |at: RefAt<'_>| {
            if !column.writes(&header_of(at.field)) {
                return Some(at.value.to_owned());
            }
            let id = LinkId::new(at.value);
            match self.engine.store.link(&id) {
                // A column that names the other record by a field of its own needs that field, not an id.
                Ok(Some(link)) if at.by.is_some() => {
                    let by = at.by.map(FieldName::as_str).unwrap_or_default();
                    let known = link.agreed.as_ref().and_then(|agreed| agreed.get(by)).map(super::link::spoken);
                    if known.is_some() {
                        return known;
                    }
                }
                Ok(Some(link)) => {
                    if let Some(side) = link.sides.get(target).filter(|side| side.presence == Presence::Present) {
                        return Some(side.id.to_string());
                    }
                }
                Ok(None) => {}
                Err(error) => failed = Some(error),
            }
            let field = header_of(at.field);
            if fields.contains(&field) {
                let required = entity.requires(&field);
                missing.insert(Missing { entity: at.entity.clone(), link: id, required });
            }
            None
        });
        failed.map_or(Ok((spelled, missing)), Err)
    }
}

/// The field of the record that holds a reference: `lines` of `lines.product`.
fn header_of(field: &FieldName) -> FieldName {
    FieldName::new(field.as_str().split('.').next().unwrap_or_default())
}

/// The record that an unresolved reference means, or the value that it is looked for by.
fn place_of(left: &Unresolved, system: &SystemName) -> At {
    At { entity: left.entity.clone(), system: system.clone(), id: left.value.as_str().into() }
}

fn unresolved(system: &SystemName, left: &Unresolved) -> Trouble {
    let reason = format!(
        "{} refers to {} {} of {system}, which does not exist there or does not fit its own mapping",
        left.field, left.entity, left.value
    );
    Trouble::new(Why::Reference, reason).field(left.field.to_string())
}
