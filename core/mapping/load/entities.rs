//! One file to one entity: its fields, owners, label, match keys and totals.

use indexmap::IndexMap;
use rust_decimal::Decimal;

use super::findings::Findings;
use super::spec::{At, FieldSpec, FileSpec, TotalsSpec};
use super::world::{World, kind_of};
use super::{columns, examples};
use crate::mapping::entity::{Entity, Field, Totals};
use crate::mapping::expr::{Expr, Scope, Shape, Shapes};
use crate::mapping::kind::{self, Kind};
use crate::mapping::schema::Compiled;
use crate::model::{EntityName, FieldName, Owner};

/// The entity of a file; `None` where it has not even a name.
pub(super) fn compile(file: &str, spec: &FileSpec, world: &World<'_>, findings: &mut Findings<'_>) -> Option<Entity> {
    let Some(name) = &spec.entity else {
        if findings.list.is_empty() {
            findings.whole("P0102", "the file has no `entity`", "start it with entity = \"company\"");
        }
        return None;
    };
    let fields = fields(&spec.fields, world, findings);
    let shapes = shapes(&fields);
    let label = spec.label.as_ref().and_then(|label| expression(label, &Scope::Canonical(&shapes), findings));
    let matches = matches(spec, &fields, findings);
    report_unused_tables(spec, findings);
    let (columns, by_system) = columns::compile(spec, &fields, &shapes, world, findings);
    Some(Entity {
        name: EntityName::new(name.get_ref().as_str()),
        file: file.to_owned(),
        validator: Compiled::new(name.get_ref(), &fields),
        totals: spec.totals.as_ref().and_then(|totals| compile_totals(totals, &fields, findings)),
        examples: examples::compile(spec, &fields, &columns::written(spec), findings),
        label,
        matches,
        columns,
        by_system,
        fields,
    })
}

fn report_unused_tables(spec: &FileSpec, findings: &mut Findings<'_>) {
    let fields = spec.fields.iter().flat_map(|field| std::iter::once(field).chain(&field.each));
    let cells = fields.flat_map(|field| &field.cells);
    let used: Vec<&str> = cells.filter_map(|cell| cell.table.as_ref()).map(|table| table.get_ref().as_str()).collect();
    for table in spec.tables.iter().filter(|table| !used.contains(&table.name.get_ref().as_str())) {
        let message = format!("no field uses the table `{}`", table.name.get_ref());
        findings.warning("P0142", table.name.span(), message, "name it in a column: { path = \"..\", table = \"..\" }");
    }
}

/// An expression, or its faults where they are in the file.
pub(super) fn expression(text: &At, scope: &Scope<'_>, findings: &mut Findings<'_>) -> Option<Expr> {
    Expr::compile(text.get_ref(), scope).map_err(|faults| findings.faults(text, faults)).ok()
}

fn fields(specs: &[FieldSpec], world: &World<'_>, findings: &mut Findings<'_>) -> IndexMap<FieldName, Field> {
    let mut fields = IndexMap::new();
    for spec in specs {
        check_type(spec, world, findings);
        let kind = kind_of(spec);
        let each = fields_of_lines(spec, &kind, world, findings);
        let key = spec.key.as_ref().map(|key| FieldName::new(key.get_ref().as_str()));
        if let Some(key) = spec.key.as_ref().filter(|key| !each.contains_key(key.get_ref().as_str())) {
            findings.unknown("P0114", "line field", key, each.keys().map(FieldName::as_str));
        }
        let field = Field { kind, owner: owner(spec, world, findings), required: spec.required, key, each };
        fields.insert(FieldName::new(spec.name.get_ref().as_str()), field);
    }
    fields
}

fn fields_of_lines(
    spec: &FieldSpec,
    kind: &Kind,
    world: &World<'_>,
    findings: &mut Findings<'_>,
) -> IndexMap<FieldName, Field> {
    for inner in &spec.each {
        if kind_of(inner) == Kind::Lines {
            findings.error("P0104", inner.name.span(), "lines cannot hold lines");
        }
    }
    match (kind, spec.each.is_empty()) {
        (Kind::Lines, true) => {
            findings.error(
                "P0102",
                spec.name.span(),
                format!("lines want [fields.{}.each.<field>]", spec.name.get_ref()),
            );
        }
        (Kind::Lines, false) => return fields(&spec.each, world, findings),
        (_, false) => findings.error("P0104", spec.name.span(), "only a field of type `lines` has `each`"),
        (_, true) => {}
    }
    IndexMap::new()
}

fn check_type(spec: &FieldSpec, world: &World<'_>, findings: &mut Findings<'_>) {
    let Some(name) = &spec.kind else {
        if !spec.values.is_empty() {
            findings.error("P0104", spec.name.span(), "only a field of type `enum` has `values`");
        }
        return;
    };
    match Kind::parse(name.get_ref(), Vec::new()) {
        None => findings.unknown("P0110", "type", name, kind::NAMES.iter().copied().chain(["ref:company"])),
        Some(Kind::Ref(entity)) if world.fields_of(entity.as_str()).is_none() => {
            let at = toml::Spanned::new(name.span(), entity.to_string());
            findings.unknown("P0115", "entity", &at, world.entities());
        }
        Some(Kind::Enum(_)) if spec.values.is_empty() => {
            findings.error_with_help(
                "P0102",
                name.span(),
                "an enum wants its values",
                "such as values = [\"open\", \"won\"]",
            );
        }
        Some(_) => {}
    }
}

fn owner(spec: &FieldSpec, world: &World<'_>, findings: &mut Findings<'_>) -> Owner {
    let Some(owner) = &spec.owner else { return Owner::Latest };
    match owner.get_ref().as_str() {
        "latest" => Owner::Latest,
        "review" => Owner::Review,
        name => {
            let systems = world.systems.iter().map(|(system, _)| system.as_str());
            if let Some(system) = systems.clone().find(|system| *system == name) {
                return Owner::System(system.into());
            }
            findings.unknown("P0112", "system", owner, systems.chain(["latest", "review"]));
            Owner::Latest
        }
    }
}

/// How the fields look inside expressions.
pub(super) fn shapes(fields: &IndexMap<FieldName, Field>) -> Shapes {
    let shape = |field: &Field| match field.kind {
        Kind::Lines => Shape::Lines(shapes(&field.each)),
        _ if field.kind.is_number() => Shape::Number,
        _ => Shape::Plain,
    };
    fields.iter().map(|(name, field)| (name.to_string(), shape(field))).collect()
}

/// How the fields of lines look inside expressions.
pub(super) fn shapes_of(specs: &[FieldSpec]) -> Shapes {
    let shape = |spec: &FieldSpec| if kind_of(spec).is_number() { Shape::Number } else { Shape::Plain };
    specs.iter().map(|spec| (spec.name.get_ref().clone(), shape(spec))).collect()
}

fn matches(spec: &FileSpec, fields: &IndexMap<FieldName, Field>, findings: &mut Findings<'_>) -> Vec<Vec<FieldName>> {
    for name in spec.matches.iter().flatten() {
        match fields.get(name.get_ref().as_str()) {
            None => findings.unknown("P0114", "field", name, fields.keys().map(FieldName::as_str)),
            Some(field) if field.kind == Kind::Lines => {
                findings.error("P0114", name.span(), "records cannot be matched by their lines");
            }
            Some(_) => {}
        }
    }
    let keys = spec.matches.iter().filter(|key| !key.is_empty());
    keys.map(|key| key.iter().map(|name| FieldName::new(name.get_ref().as_str())).collect()).collect()
}

fn compile_totals(
    spec: &TotalsSpec,
    fields: &IndexMap<FieldName, Field>,
    findings: &mut Findings<'_>,
) -> Option<Totals> {
    let mut field = |given: &Option<At>, default: &str| {
        // A default that the entity does not have is not compared; a field that is named must exist.
        if let Some(at) = given.as_ref().filter(|name| !fields.contains_key(name.get_ref().as_str())) {
            findings.unknown("P0114", "field", at, fields.keys().map(FieldName::as_str));
        }
        FieldName::new(given.as_ref().map_or(default, |name| name.get_ref()))
    };
    let (net, vat) = (field(&spec.net, "total_net"), field(&spec.vat, "total_vat"));
    let (gross, currency) = (field(&spec.gross, "total"), field(&spec.currency, "currency"));
    let lines = field(&spec.lines, "lines");
    if ![&net, &vat, &gross].iter().any(|name| fields.contains_key(name.as_str())) {
        let help = "name the fields of the totals: net = \"..\", vat = \"..\", gross = \"..\"";
        findings.error_with_help("P0102", spec.place.clone(), "the money gate has no total to compare", help);
    }
    let tolerance = match &spec.tolerance {
        None => Decimal::ZERO,
        Some(text) => match text.get_ref().parse::<Decimal>() {
            Ok(tolerance) if !tolerance.is_sign_negative() => tolerance,
            _ => {
                findings.error("P0104", text.span(), "this should be an amount such as \"0.00\"");
                return None;
            }
        },
    };
    Some(Totals { tolerance, net, vat, gross, currency, lines })
}
