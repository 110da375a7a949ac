//! One entity seen through one system: read, write, and the rules of creating.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;

use super::cell::{Cell, Way};
use super::expr::Expr;
use super::kind::{self, Kind};
use super::{Gate, Problem};
use crate::model::{Action, Canonical, EntityName, FieldName, Fields, Need, ResourceName};

/// One entity seen through one system.
#[derive(Debug)]
pub struct Column {
    pub(super) key: String,
    pub(super) resource: ResourceName,
    pub(super) filter: Option<Expr>,
    pub(super) archive: Option<Expr>,
    pub(super) set: Fields,
    pub(super) cells: Vec<Arc<Cell>>,
    /// Field name to its place in `cells`.
    pub(super) places: BTreeMap<FieldName, usize>,
    pub(super) create: Create,
    /// What a create wants: a field, or a field of lines.
    pub(super) required: Vec<(FieldName, Option<FieldName>)>,
    pub(super) digest: u64,
}

/// Which resource an entity is in the column's system.
type Place<'a> = &'a dyn Fn(&EntityName) -> Option<ResourceName>;

/// `[create.<column>]`, compiled.
#[derive(Debug, Default)]
pub(super) struct Create {
    pub(super) when: Option<Expr>,
    pub(super) hold: Option<Expr>,
    pub(super) then: Vec<Action>,
}

impl Column {
    /// The native records it reads.
    pub fn resource(&self) -> &ResourceName {
        &self.resource
    }

    /// Changes when anything that reading or writing depends on changes.
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// Native paths read, by fields, `where`, `archive` and expressions; those of lines as `lines.qty`.
    pub fn wanted(&self) -> BTreeSet<String> {
        let rules = self.filter.iter().chain(&self.archive);
        let mut paths: BTreeSet<String> = rules.flat_map(Expr::paths).cloned().collect();
        for cell in &self.cells {
            wanted_by(cell, "", &mut paths);
        }
        paths
    }

    /// Native fields written, for `check` and `prepare`; those of lines as `lines.qty`.
    ///
    /// Where references lead is [`Mappings::needs`](super::Mappings::needs)'s to say.
    pub fn needs(&self) -> Vec<Need> {
        self.needs_among(&|_| None)
    }

    /// The same, told which resource an entity's ids are of.
    pub(super) fn needs_among(&self, place: Place<'_>) -> Vec<Need> {
        let mut needs = Vec::new();
        for cell in &self.cells {
            needs_of(cell, "", place, &mut needs);
        }
        needs
    }

    /// Whether the record takes part: `where`.
    pub fn takes_part(&self, native: &Fields) -> Result<bool, Problem> {
        self.filter.as_ref().map_or(Ok(true), |filter| filter.holds(native).map_err(|why| Problem::new("where", why)))
    }

    /// Whether the hub may put the record away: `archive`; `None` where the mapping does not say.
    pub fn may_archive(&self, native: &Fields) -> Result<Option<bool>, Problem> {
        let holds = self.archive.as_ref().map(|rule| rule.holds(native).map_err(|why| Problem::new("archive", why)));
        holds.transpose()
    }

    /// The canonical fields this column carries; references come out as they stand here: native ids, or values of the
    /// field that the column says they are `by`.
    pub fn read(&self, native: &Fields) -> Result<Canonical, Vec<Problem>> {
        let (mut canonical, mut problems) = (Canonical::default(), Vec::new());
        for cell in self.cells.iter().filter(|cell| cell.reads()) {
            match cell.read(native) {
                Ok(value) => drop(canonical.insert(cell.field.as_str().to_owned(), value)),
                Err(found) => problems.extend(found),
            }
        }
        if problems.is_empty() { Ok(canonical) } else { Err(problems) }
    }

    /// Native fields for `fields` of `canonical`, all of them when `None`; references already native ids.
    ///
    /// Fields that `canonical` does not have, and one-way ones, are left out. Lines are whole arrays. A create also
    /// takes [`Self::set`] and [`Self::derived`].
    pub fn write(&self, canonical: &Canonical, fields: Option<&BTreeSet<FieldName>>) -> Result<Fields, Vec<Problem>> {
        let (mut native, mut problems) = (Fields::new(), Vec::new());
        for cell in self.cells.iter().filter(|cell| cell.way == Way::Both) {
            let chosen = fields.is_none_or(|fields| fields.contains(&cell.field));
            if chosen && canonical.contains_key(cell.field.as_str()) {
                problems.extend(cell.write(canonical, &mut native).err().into_iter().flatten());
            }
        }
        if problems.is_empty() { Ok(native) } else { Err(problems) }
    }

    /// Constants when the hub creates one.
    pub fn set(&self) -> &Fields {
        &self.set
    }

    /// Whether `field` is read here.
    pub fn reads(&self, field: &FieldName) -> bool {
        self.cell(field).is_some_and(Cell::reads)
    }

    /// Whether `field` is written here by [`Self::write`]; one-way `{ write = .. }` fields are [`Self::derived`].
    pub fn writes(&self, field: &FieldName) -> bool {
        self.cell(field).is_some_and(|cell| cell.way == Way::Both)
    }

    /// The native path of `field`; `None` where it is computed from several.
    pub fn native_path(&self, field: &FieldName) -> Option<&str> {
        let cell = self.cell(field)?;
        match &cell.read {
            Some(expr) if cell.way == Way::ReadOnly => expr.path(),
            _ => Some(cell.path.text()),
        }
    }

    /// The one-way `{ write = .. }` fields, computed from `canonical`: native path to wanted value, where `native`
    /// differs. What the vendor takes and does not give back is not among them, as nobody can see that it differs:
    /// [`Self::unseen`].
    pub fn derived(&self, canonical: &Canonical, native: Option<&Fields>) -> Result<Fields, Vec<Problem>> {
        let (mut wanted, mut problems) = (Fields::new(), Vec::new());
        for cell in self.cells.iter().filter(|cell| cell.way == Way::WriteOnly) {
            if native.is_none_or(|native| cell.path.is_known_in(native)) {
                problems.extend(derive(cell, canonical, native, &mut wanted).err().into_iter().flatten());
            }
        }
        if problems.is_empty() { Ok(wanted) } else { Err(problems) }
    }

    /// The one-way `{ write = .. }` fields that `native` does not hold: they go along when something else is written.
    pub fn unseen(&self, canonical: &Canonical, native: &Fields) -> Result<Fields, Vec<Problem>> {
        let mut all = self.derived(canonical, None)?;
        for cell in self.cells.iter().filter(|cell| cell.path.is_known_in(native)) {
            all.remove(cell.path.text());
        }
        Ok(all)
    }

    /// Whether any record is created here: `when` may be a plain `false`.
    pub fn creates(&self) -> bool {
        let never = |when: &Expr| when.paths().is_empty() && when.holds(&Fields::new()) == Ok(false);
        !self.create.when.as_ref().is_some_and(never)
    }

    /// Whether the record may be created here: `[create.<column>] when`, its required fields, then `hold`.
    pub fn may_create(&self, canonical: &Canonical) -> Result<Gate, Problem> {
        let rule = |name: &str| format!("create.{}.{name}", self.key);
        let Create { when, hold, .. } = &self.create;
        if let Some(when) = when
            && !when.holds(canonical).map_err(|why| Problem::new(rule("when"), why))?
        {
            return Ok(Gate::Skip(format!("{}: not {}", rule("when"), when.text())));
        }
        if let Some(field) = self.required.iter().find_map(|required| missing(canonical, required)) {
            return Err(Problem::new(field, "is required to create it, and empty"));
        }
        if let Some(hold) = hold
            && hold.holds(canonical).map_err(|why| Problem::new(rule("hold"), why))?
        {
            return Ok(Gate::Hold(format!("{}: {}", rule("hold"), hold.text())));
        }
        Ok(Gate::Create)
    }

    /// State moves to make once it was created.
    pub fn then(&self) -> &[Action] {
        &self.create.then
    }

    /// How to look a canonical value up: native path and the spellings to try; `None` where it cannot be.
    pub fn lookup(&self, field: &FieldName, value: &Value) -> Option<(String, Vec<String>)> {
        let cell = self.cell(field).filter(|cell| cell.reads() && cell.kind != Kind::Lines)?;
        let path = self.native_path(field)?;
        let native = cell.native_of(value).ok().filter(|native| !native.is_null())?;
        let mut spellings = vec![kind::text(&native).ok()?];
        if cell.steps.is_empty() && cell.table.is_none() {
            spellings.extend(kind::spellings(&cell.kind, value));
        }
        spellings.dedup();
        Some((path.to_owned(), spellings))
    }

    /// The cell of a field.
    pub(super) fn cell(&self, field: &FieldName) -> Option<&Cell> {
        self.cells.get(*self.places.get(field)?).map(Arc::as_ref)
    }
}

/// The first place where a required field is empty: `order_date`, `lines`, `lines[2].vat_rate`.
fn missing(canonical: &Fields, (field, inner): &(FieldName, Option<FieldName>)) -> Option<String> {
    let is_empty = |value: Option<&Value>| {
        value.is_none_or(|value| value.is_null() || value.as_array().is_some_and(Vec::is_empty))
    };
    let value = canonical.get(field.as_str());
    let Some(inner) = inner else { return is_empty(value).then(|| field.to_string()) };
    let mut lines = value.and_then(Value::as_array).into_iter().flatten();
    let place = lines.position(|line| is_empty(line.get(inner.as_str())))?;
    Some(format!("{field}[{place}].{inner}"))
}

fn derive(cell: &Cell, canonical: &Fields, native: Option<&Fields>, wanted: &mut Fields) -> Result<(), Vec<Problem>> {
    if let (Some(expr), Some(native)) = (&cell.write, native) {
        let there = cell.path.get(native).unwrap_or(&Value::Null);
        if cell.canonical_of(there) == Ok(cell.computed(expr, canonical)?) {
            return Ok(());
        }
    }
    let mut document = Fields::new();
    cell.write(canonical, &mut document)?;
    let value = cell.path.get(&document).cloned().unwrap_or_default();
    wanted.insert(cell.path.text().to_owned(), value);
    Ok(())
}

fn wanted_by(cell: &Cell, before: &str, paths: &mut BTreeSet<String>) {
    let read = cell.read.iter().flat_map(Expr::paths).map(String::as_str);
    let own = (cell.read.is_none() || cell.way == Way::Both).then(|| cell.path.text());
    paths.extend(read.chain(own).map(|path| format!("{before}{path}")));
    let lines = cell.read.as_ref().and_then(Expr::path).unwrap_or(cell.path.text());
    for inner in &cell.each {
        wanted_by(inner, &format!("{before}{lines}."), paths);
    }
}

fn needs_of(cell: &Cell, before: &str, place: Place<'_>, needs: &mut Vec<Need>) {
    if cell.way == Way::ReadOnly {
        return;
    }
    let options = match (&cell.table, &cell.kind) {
        (Some(table), _) => table.natives().filter(|native| !native.is_empty()).map(str::to_owned).collect(),
        (None, Kind::Enum(values)) if cell.steps.is_empty() => values.clone(),
        _ => Vec::new(),
    };
    let path = format!("{before}{}", cell.path.text());
    let kind = if cell.steps.is_empty() { cell.kind.name() } else { "any" };
    let refers = match &cell.kind {
        Kind::Ref(entity) if cell.by.is_none() => place(entity),
        _ => None,
    };
    needs.push(Need { path, kind: kind.to_owned(), label: label(cell.field.as_str()), options, refers });
    for inner in &cell.each {
        needs_of(inner, &format!("{before}{}.", cell.path.text()), place, needs);
    }
}

/// `order_number` is `Order number`.
fn label(field: &str) -> String {
    let words = field.replace('_', " ");
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
