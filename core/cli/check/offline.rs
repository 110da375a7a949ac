//! What can be proven of systems and mappings without a call.

use super::super::Context;
use crate::config::{Config, OnDelete};
use crate::connector::Feed;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::mapping::{Column, Entity, Mappings};
use crate::model::{EntityName, SystemName};
use crate::system::System;

/// Options that a connector refuses, and resources and actions that it does not know.
///
/// A connector judges its options when it is built, which calls nothing. A variable that is not set stands for itself;
/// what a connector says of a key that waits for one is left for later.
pub(super) fn findings(context: &Context, config: &Config, mappings: &Mappings) -> Vec<Diagnostic> {
    let waits = |finding: &Diagnostic| finding.source.as_ref().is_some_and(|line| line.contains("${"));
    let mut found = Vec::new();
    for (name, built) in build_all(context, config, mappings) {
        match built {
            Ok(system) => {
                let columns = flowing(config, mappings, &system).into_iter();
                let columns = columns.filter_map(|entity| Some((entity, entity.column(name)?)));
                found.extend(columns.flat_map(|(entity, column)| unknown_words(&system, entity, column)));
            }
            Err(refused) => found.extend(refused.into_iter().filter(|finding| !waits(finding))),
        }
    }
    found
}

/// Deletions that a flow is to follow and that a system's feed does not show.
pub(super) fn notes(context: &Context, config: &Config, mappings: &Mappings) -> Vec<String> {
    let systems = build_all(context, config, mappings);
    let mut notes = Vec::new();
    for (name, flow) in config.flows.iter().filter(|(_, flow)| flow.on_delete != OnDelete::Keep) {
        let Some(entity) = mappings.entity(&flow.entity) else { continue };
        let unseen = flow.between.iter().filter(|system| {
            let built = systems.iter().find(|(other, _)| other == system).and_then(|(_, built)| built.as_ref().ok());
            let column = entity.column(system).map(Column::resource);
            let resource = built.zip(column).and_then(|(built, resource)| built.resource(resource).ok());
            resource.is_some_and(|resource| resource.capabilities.feed != Feed::CursorWithDeletes)
        });
        let unseen: Vec<&str> = unseen.map(SystemName::as_str).collect();
        if !unseen.is_empty() {
            notes.push(format!(
                "[flows.{name}] follows deletions in {} only once they are seen: the feed there shows none; `passerelle \
                 sync --full` finds them, and so does a webhook that names the record",
                unseen.join(" and ")
            ));
        }
    }
    notes
}

/// Every system as far as it can be built without secrets.
fn build_all<'c>(
    context: &Context,
    config: &'c Config,
    mappings: &Mappings,
) -> Vec<(&'c SystemName, Result<System, Vec<Diagnostic>>)> {
    let mut parts = context.parts(config, Some(mappings));
    let environment = parts.env;
    let in_place = |name: &str| environment(name).or_else(|| Some(format!("${{{name}}}")));
    parts.env = &in_place;
    config.systems.keys().map(|name| (name, parts.system(name))).collect()
}

/// The entities that flows bring to a system, themselves or because another one refers to them; all without any flow.
///
/// One that is only referred to is left out where the system has no such records: a folder of quotes knows no companies.
pub(in super::super) fn flowing<'m>(config: &Config, mappings: &'m Mappings, system: &System) -> Vec<&'m Entity> {
    let flows = config.flows.values().filter(|flow| flow.between.contains(system.name()));
    let own: Vec<&EntityName> = flows.map(|flow| &flow.entity).collect();
    let mut names = own.clone();
    let mut at = 0;
    while let Some(name) = names.get(at).copied() {
        at += 1;
        let referred = mappings.entity(name).into_iter().flat_map(Entity::refers_to);
        names.extend(referred.filter(|other| !names.contains(other)).collect::<Vec<_>>());
    }
    let is_there =
        |entity: &Entity| entity.column(system.name()).is_some_and(|column| system.resource(column.resource()).is_ok());
    let brought = |entity: &Entity| own.contains(&entity.name()) || names.contains(&entity.name()) && is_there(entity);
    mappings.entities().filter(|entity| config.flows.is_empty() || brought(entity)).collect()
}

fn unknown_words(system: &System, entity: &Entity, column: &Column) -> Vec<Diagnostic> {
    let Ok(resource) = system.resource(column.resource()) else {
        return vec![unknown_resource(system, entity, column)];
    };
    let actions = resource.capabilities.actions;
    let unknown = column.then().iter().filter(|action| !actions.contains(&action.0.as_str()));
    unknown
        .map(|action| {
            let message = format!("`{system}` knows no action `{}` on {}", action.0, resource.name);
            let known = if actions.is_empty() { "none".to_owned() } else { actions.join(", ") };
            Diagnostic::whole("C0124", entity.file(), message).help(format!("it knows {known}"))
        })
        .collect()
}

fn unknown_resource(system: &System, entity: &Entity, column: &Column) -> Diagnostic {
    let known: Vec<&str> = system.resources().iter().map(|resource| resource.name.as_str()).collect();
    let message = format!("`{system}` has no resource `{}`", column.resource());
    let help = match suggestion(column.resource().as_str(), known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("it has {}", known.join(", ")),
    };
    Diagnostic::whole("C0123", entity.file(), message).help(help)
}
