//! What can be proven of systems and mappings without a call.

use super::super::Context;
use crate::config::Config;
use crate::connector::Resource;
use crate::diagnostic::{Diagnostic, suggestion};
use crate::mapping::{Column, Entity, Mappings};
use crate::model::SystemName;

/// Resources and actions that a connector does not know, and options that it refuses.
pub(super) fn findings(context: &Context, config: &Config, mappings: &Mappings) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for (system, options) in &config.systems {
        let Some(plugin) = context.registry.plugin(&options.connector) else { continue };
        let resources = (plugin.resources)();
        for entity in mappings.entities() {
            if let Some(column) = entity.column(system) {
                found.extend(unknown_words(system, entity, column, &resources));
            }
        }
    }
    found.extend(refused_options(context, config, mappings));
    found
}

fn unknown_words(system: &SystemName, entity: &Entity, column: &Column, resources: &[Resource]) -> Vec<Diagnostic> {
    let is_meant = |resource: &&Resource| resource.name == *column.resource() || resource.name.as_str() == "*";
    let Some(resource) = resources.iter().find(is_meant) else {
        return unknown_resource(system, entity, column, resources).into_iter().collect();
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

fn unknown_resource(
    system: &SystemName,
    entity: &Entity,
    column: &Column,
    resources: &[Resource],
) -> Option<Diagnostic> {
    // A connector whose resources are read from its system, such as the sheets of a workbook, lists none.
    if resources.is_empty() {
        return None;
    }
    let known: Vec<&str> = resources.iter().map(|resource| resource.name.as_str()).collect();
    let message = format!("`{system}` has no resource `{}`", column.resource());
    let help = match suggestion(column.resource().as_str(), known.iter().copied()) {
        Some(candidate) => format!("did you mean `{candidate}`?"),
        None => format!("it has {}", known.join(", ")),
    };
    Some(Diagnostic::whole("C0123", entity.file(), message).help(help))
}

/// A connector judges its options when it is built, which calls nothing; without its secrets it is left for later.
fn refused_options(context: &Context, config: &Config, mappings: &Mappings) -> Vec<Diagnostic> {
    let parts = context.parts(config, Some(mappings));
    let complete = config.systems.keys().filter(|system| config.resolve(system, parts.env).is_ok());
    complete.filter_map(|system| parts.system(system).err()).flatten().collect()
}
