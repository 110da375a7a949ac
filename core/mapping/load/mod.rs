//! From mapping files to entities: read, check, compile; every finding at once.

mod cells;
mod columns;
mod entities;
mod examples;
mod findings;
mod raw;
mod read;
mod spec;
mod world;

pub(super) use raw::schema;

use findings::Findings;
use world::World;

use super::{Entity, Source};
use crate::diagnostic::Diagnostic;
use crate::model::SystemName;

/// The entities of `sources`, and all findings.
pub(super) fn load(sources: &[Source], systems: &[(SystemName, String)]) -> (Vec<Entity>, Vec<Diagnostic>) {
    let mut files: Vec<_> = sources
        .iter()
        .map(|source| {
            let mut findings = Findings::new(&source.file, &source.text);
            let spec = read::read(&source.text, &mut findings);
            (source, spec, findings)
        })
        .collect();
    let world = World::new(systems, files.iter().map(|(_, spec, _)| spec));
    let mut entities: Vec<Entity> = Vec::new();
    for (source, spec, findings) in &mut files {
        let Some(entity) = entities::compile(&source.file, spec, &world, findings) else { continue };
        if entities.iter().any(|known| known.name == entity.name) {
            let at = spec.entity.as_ref().map_or(0..0, toml::Spanned::span);
            findings.error("P0105", at, format!("the entity `{}` has a file already", entity.name));
        }
        entities.push(entity);
    }
    let in_order = |findings: Findings<'_>| {
        let mut list = findings.list;
        list.sort_by_key(|found| (found.line, found.column));
        list
    };
    (entities, files.into_iter().flat_map(|(_, _, findings)| in_order(findings)).collect())
}

#[cfg(test)]
mod tests;
