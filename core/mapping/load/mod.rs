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
use spec::FileSpec;
use world::World;

use super::rest::{self, Restless};
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
    let mut file_of: Vec<usize> = Vec::new();
    for (number, (source, spec, findings)) in files.iter_mut().enumerate() {
        let Some(entity) = entities::compile(&source.file, spec, &world, findings) else { continue };
        if entities.iter().any(|known| known.name == entity.name) {
            let at = spec.entity.as_ref().map_or(0..0, toml::Spanned::span);
            findings.error("P0105", at, format!("the entity `{}` has a file already", entity.name));
        }
        entities.push(entity);
        file_of.push(number);
    }
    // Half a mapping has no rest to come to.
    let is_whole = files.iter().all(|(.., findings)| !findings.list.iter().any(Diagnostic::is_error));
    if let Some(found) = is_whole.then(|| rest::restless(&entities)).flatten()
        && let Some((_, spec, findings)) = file_of.get(found.entity).and_then(|number| files.get_mut(*number))
    {
        report_restless(&found, spec, &world, findings);
    }
    let in_order = |findings: Findings<'_>| {
        let mut list = findings.list;
        list.sort_by_key(|found| (found.line, found.column));
        list
    };
    (entities, files.into_iter().flat_map(|(_, _, findings)| in_order(findings)).collect())
}

fn report_restless(found: &Restless, spec: &FileSpec, world: &World<'_>, findings: &mut Findings<'_>) {
    let field = spec.fields.iter().find(|field| field.name.get_ref() == found.field.as_str());
    let names: Vec<&str> = world.connector(found.system.as_str()).into_iter().collect();
    let layers: Vec<&str> = std::iter::once(found.system.as_str()).chain(names).collect();
    let place = field.and_then(|field| cells::chosen(field, &layers)).map_or(0..0, |cell| cell.place.clone());
    let message = format!("`{}` {}", found.field, found.words);
    let help =
        "give the field an owner, make the column one-way with read = \"..\", or write to a path that nothing reads";
    findings.error_with_help("P0143", place, message, help);
}

#[cfg(test)]
mod tests;
