//! What only the systems themselves can tell: credentials, fields, options, and what an account lacks.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use super::super::Context;
use super::super::context::advice;
use crate::config::Config;
use crate::connector::{Effect, FieldSchema, Identity, Preparation, Prepare, Schema, State};
use crate::diagnostic::{Diagnostic, suggestion};
use crate::engine::Setup;
use crate::mapping::{Column, Entity, Mappings};
use crate::model::{Need, ResourceName, SystemName};
use crate::store::Store;
use crate::system::System;
use crate::{Error, ErrorKind, Result};

/// How long a system may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// What one system told.
#[derive(Debug, Serialize)]
pub(super) struct SystemCheck {
    pub(super) system: SystemName,
    pub(super) identity: Option<Identity>,
    /// Why it could not be asked; the other systems are asked all the same.
    pub(super) error: Option<String>,
    pub(super) help: Option<String>,
    pub(super) findings: Vec<Diagnostic>,
    pub(super) preparations: Vec<Todo>,
}

/// What an account lacks.
#[derive(Debug, Serialize)]
pub(super) struct Todo {
    pub(super) resource: ResourceName,
    #[serde(flatten)]
    pub(super) preparation: Preparation,
}

/// Asks every system; one that fails does not keep the others from being asked. What is lacking is made where there is a
/// store to note it in.
pub(super) async fn check(
    context: &Context,
    config: &Config,
    mappings: &Mappings,
    store: Option<&Store>,
) -> Vec<SystemCheck> {
    let parts = context.parts(config, Some(mappings));
    let progress = context.progress("asking the systems");
    let mut checks = Vec::new();
    for name in config.systems.keys() {
        progress.set_message(format!("asking {name}"));
        let mut check = SystemCheck {
            system: name.clone(),
            identity: None,
            error: None,
            help: None,
            findings: Vec::new(),
            preparations: Vec::new(),
        };
        match parts.system(name) {
            Err(findings) => check.findings = findings,
            Ok(system) => {
                if let Err(error) = ask(context, config, &system, mappings, store, &mut check).await {
                    check.help = advice(config, name, &error);
                    check.error = Some(error.to_string());
                }
            }
        }
        checks.push(check);
    }
    progress.finish_and_clear();
    checks
}

/// A person waits for the answer, so a system that is down is not waited for as long as a run would.
async fn identity(context: &Context, config: &Config, system: &System) -> Result<Identity> {
    let timeout = config.systems.get(system.name()).map(|options| options.transport.patience());
    let wait = timeout.unwrap_or(PATIENCE).min(PATIENCE);
    tokio::select! {
        identity = system.check() => identity,
        () = context.clock.sleep(wait) => {
            let message = format!("it did not answer within {} seconds", wait.as_secs_f64());
            Err(Error::new(ErrorKind::Unavailable, message).at("system", system.name()))
        }
    }
}

async fn ask(
    context: &Context,
    config: &Config,
    system: &System,
    mappings: &Mappings,
    store: Option<&Store>,
    check: &mut SystemCheck,
) -> Result<()> {
    check.identity = Some(identity(context, config, system).await?);
    for entity in super::offline::flowing(config, mappings, system) {
        let Some(column) = entity.column(system.name()) else { continue };
        let resource = column.resource();
        let needs = mappings.needs(column, system.name());
        let (mut preparations, error) = prepared(context, system, resource, needs, store).await?;
        preparations.retain(Preparation::was_lacking);
        let todo = |preparation: &Preparation| Todo { resource: resource.clone(), preparation: preparation.clone() };
        check.preparations.extend(preparations.iter().map(todo));
        if let Some(error) = error {
            return Err(error);
        }
        let schema = match system.describe(resource).await {
            Ok(schema) => schema,
            // What is lacking says why.
            Err(error) if error.kind() == ErrorKind::Config && !preparations.is_empty() => continue,
            Err(error) => return Err(error),
        };
        let coming: BTreeSet<&str> = preparations
            .iter()
            .filter(|preparation| preparation.state != State::Created)
            .map(|preparation| preparation.path.as_str())
            .collect();
        let seen = Seen { system: system.name(), entity, column, schema: &schema };
        if takes_writes(system, resource)? {
            check.findings.extend(seen.unwritable(&coming));
        }
        check.findings.extend(seen.unreadable(&coming));
        check.findings.extend(seen.unmapped_options());
    }
    Ok(())
}

/// What the account lacks for a resource, or what was made of it, noted as the hub's own; and why it ended early.
async fn prepared(
    context: &Context,
    system: &System,
    resource: &ResourceName,
    needs: Vec<Need>,
    store: Option<&Store>,
) -> Result<(Vec<Preparation>, Option<Error>)> {
    let Some(store) = store else { return Ok((system.prepare(resource, &needs, Prepare::Pack).await?, None)) };
    let done = Setup::of_fields(system, resource, needs).make(store, context.clock.now()).await?;
    Ok((done.steps.into_iter().map(|step| step.preparation).collect(), done.error))
}

/// Whether anything can be written there: what only reads needs no writable fields.
pub(in super::super) fn takes_writes(system: &System, resource: &ResourceName) -> Result<bool> {
    let able = &system.resource(resource)?.capabilities;
    Ok(able.update || able.create != Effect::None)
}

/// One column beside the live schema.
struct Seen<'a> {
    system: &'a SystemName,
    entity: &'a Entity,
    column: &'a Column,
    schema: &'a Schema,
}

impl Seen<'_> {
    fn finding(&self, code: &'static str, message: String) -> Diagnostic {
        Diagnostic::whole(code, self.entity.file(), message)
    }

    /// Fields that the mapping writes and that are not there, not writable, or do not take its values.
    fn unwritable(&self, coming: &BTreeSet<&str>) -> Vec<Diagnostic> {
        let needs = self.column.needs();
        let needs = needs.iter().filter(|need| need.kind != "key" && !coming.contains(need.path.as_str()));
        needs.flat_map(|need| self.unmet(need)).collect()
    }

    fn unmet(&self, need: &Need) -> Vec<Diagnostic> {
        let (system, resource, path) = (self.system, self.column.resource(), &need.path);
        let Some(field) = self.schema.fields.iter().find(|field| same_place(&field.path, path)) else {
            let finding = self.finding("C0130", format!("`{system}` has no field `{path}` on {resource}"));
            let near = suggestion(path, self.schema.fields.iter().map(|field| field.path.as_str()));
            let other = format!("`passerelle describe {system} {resource}` lists them");
            return vec![finding.help(near.map_or(other, |near| format!("did you mean `{near}`?")))];
        };
        if !field.writable {
            let finding = self.finding("C0131", format!("`{path}` of `{system}` {resource} cannot be written"));
            return vec![finding.help(format!("let the column read only: {{ read = \"{path}\" }}"))];
        }
        let missing = need.options.iter().filter(|value| !field.options.is_empty() && !takes(field, value));
        missing
            .map(|value| {
                let message = format!("`{path}` of `{system}` {resource} does not take `{value}`");
                self.finding("C0132", message).help(format!("it takes {}", choices(field)))
            })
            .collect()
    }

    /// Fields that the mapping reads and that the schema does not name; a warning, for schemas may leave parts out.
    fn unreadable(&self, coming: &BTreeSet<&str>) -> Vec<Diagnostic> {
        let known: BTreeSet<&str> = self.schema.fields.iter().map(|field| first_part(&field.path)).collect();
        let wanted = self.column.wanted();
        let missing = wanted.iter().filter(|path| !coming.contains(path.as_str()) && !known.contains(first_part(path)));
        missing
            .filter(|path| path.as_str() != "id")
            .map(|path| {
                let (system, resource) = (self.system, self.column.resource());
                self.finding("C0133", format!("`{system}` does not name a field `{path}` on {resource}")).warning()
            })
            .collect()
    }

    /// Options that a person can choose over there and that the mapping cannot read.
    fn unmapped_options(&self) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        for field in self.entity.field_names().filter(|field| self.column.reads(field)) {
            let Some(path) = self.column.native_path(field) else { continue };
            let Some(schema) = self.schema.field(path) else { continue };
            for option in &schema.options {
                let native = Map::from_iter([(path.to_owned(), Value::String(option.value.clone()))]);
                let Err(problems) = self.column.read(&native) else { continue };
                let Some(problem) = problems.iter().find(|problem| problem.field == field.as_str()) else { continue };
                let (system, value) = (self.system, &option.value);
                let message =
                    format!("`{path}` of `{system}` can be `{value}`, which `{field}` cannot: {}", problem.message);
                found.push(self.finding("C0134", message).help("add a row to its table, or \"*\" for all others"));
            }
        }
        found
    }
}

/// A schema writes a field of a line `lines[].qty`, a mapping writes `lines.qty`.
fn same_place(schema: &str, mapping: &str) -> bool {
    schema.replace("[]", "") == mapping.replace("[]", "")
}

fn takes(field: &FieldSchema, value: &str) -> bool {
    field.options.iter().any(|choice| choice.value == value)
}

fn choices(field: &FieldSchema) -> String {
    field.options.iter().map(|choice| choice.value.as_str()).collect::<Vec<_>>().join(", ")
}

/// `line_items` of `line_items[].quantity`, `quote` of `quote.hs_title`.
fn first_part(path: &str) -> &str {
    path.split(['.', '[']).next().unwrap_or(path)
}
