//! The law of rest: whatever one system holds, the columns of all systems come to agree on it and write no more.
//!
//! The laws of one column cannot see what two columns do to each other, nor fields whose expressions feed each other,
//! in one file or over several that map the same records. So a record is made up in one system, and every entity brings
//! it to the others in turn, by the same rules as the engine, until nothing is written any more, or too often.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Entity;
use super::cell::{Cell, Way, shown};
use super::column::Column;
use super::kind::{Kind, samples};
use crate::model::{FieldName, Fields, Owner, ResourceName, SystemName};

/// Records that are made up in each system.
const SAMPLES: usize = 12;
/// Rounds after which columns that agree have long come to rest.
const ROUNDS: usize = 6;
/// Steps of a counter-example that a message tells.
const TOLD: usize = 4;

/// Columns that never come to rest.
#[derive(Debug)]
pub(super) struct Restless {
    /// The place of the entity among all.
    pub(super) entity: usize,
    /// A field that is written again and again.
    pub(super) field: FieldName,
    /// A system where it is written.
    pub(super) system: SystemName,
    /// The counter-example, in words.
    pub(super) words: String,
}

/// The first counter-example, if there is one.
pub(super) fn restless(entities: &[Entity]) -> Option<Restless> {
    let mut systems: Vec<&SystemName> = entities.iter().flat_map(|entity| entity.by_system.keys()).collect();
    systems.sort();
    systems.dedup();
    systems.iter().find_map(|seed| (0..SAMPLES).find_map(|sample| World::new(entities, seed, sample).swing()))
}

/// A native record's place, and whose it is: entities share their records, or have ones of their own.
type Place = (SystemName, ResourceName, Whose);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Whose {
    /// The column takes only some records of the resource, so that they need not be those of another entity.
    Own(usize),
    /// Of all entities that map the same records in two systems at least: only those can feed each other.
    Shared(usize),
}

/// One record in every system.
struct World<'a> {
    entities: &'a [Entity],
    seed: &'a SystemName,
    /// With which entity each one shares its records.
    shared: Vec<usize>,
    natives: BTreeMap<Place, Fields>,
    agreed: Vec<Fields>,
    /// What the record said when it was made, per entity.
    made: Vec<Fields>,
    /// Fields that could not be written somewhere: in life the record is parked, and nothing goes to and fro.
    left_out: BTreeSet<(usize, FieldName)>,
    log: Vec<Written>,
}

/// A native value that was written.
struct Written {
    entity: usize,
    field: FieldName,
    system: SystemName,
    path: String,
    before: Value,
    after: Value,
}

impl<'a> World<'a> {
    /// A record that a person made in `seed`.
    fn new(entities: &'a [Entity], seed: &'a SystemName, sample: usize) -> Self {
        let mut world = Self {
            entities,
            seed,
            shared: shared(entities),
            natives: BTreeMap::new(),
            agreed: vec![Fields::new(); entities.len()],
            made: Vec::new(),
            left_out: BTreeSet::new(),
            log: Vec::new(),
        };
        for (at, entity) in entities.iter().enumerate() {
            let Some(column) = entity.column(seed) else { continue };
            let canonical = made_up(entity, column, sample);
            let place = world.place(at, column, seed);
            let native = world.natives.entry(place).or_default();
            for cell in &column.cells {
                plant(cell, &canonical, native);
            }
        }
        world.made = (0..entities.len()).map(|at| world.seeded(at)).collect();
        world
    }

    /// The counter-example, where the record is still written in the last round.
    fn swing(mut self) -> Option<Restless> {
        for _ in 0..ROUNDS {
            self.log.clear();
            for at in 0..self.entities.len() {
                self.bring(at);
            }
            if self.log.is_empty() {
                return self.lost();
            }
        }
        let first = self.log.first()?;
        let steps: Vec<String> = self
            .log
            .iter()
            .take(TOLD)
            .map(|one| {
                format!("{}.{} turns from {} to {}", one.system, one.path, shown(&one.before), shown(&one.after))
            })
            .collect();
        let words =
            format!("never comes to rest: of a record made in {}, {}, and so on", self.seed, steps.join(", then "));
        Some(Restless { entity: first.entity, field: first.field.clone(), system: first.system.clone(), words })
    }

    fn place(&self, at: usize, column: &Column, system: &SystemName) -> Place {
        let whose = if column.filter.is_some() { Whose::Own(at) } else { Whose::Shared(self.shared[at]) };
        (system.clone(), column.resource.clone(), whose)
    }

    /// What the record says where it was made.
    fn seeded(&self, at: usize) -> Fields {
        let Some(column) = self.entities[at].column(self.seed) else { return Fields::new() };
        self.natives.get(&self.place(at, column, self.seed)).map(|native| read(column, native)).unwrap_or_default()
    }

    /// A value that came to rest as another one, although nobody but the person who made the record had a say.
    fn lost(&self) -> Option<Restless> {
        for (at, entity) in self.entities.iter().enumerate() {
            let Some(column) = entity.column(self.seed) else { continue };
            let now = self.seeded(at);
            for cell in column.cells.iter().filter(|cell| cell.way == Way::Both) {
                let (field, null) = (cell.field.as_str(), Value::Null);
                let (made, now) = (self.made[at].get(field).unwrap_or(&null), now.get(field).unwrap_or(&null));
                let has_a_say = match entity.owner(&cell.field) {
                    Owner::System(owner) => owner == self.seed || entity.column(owner).is_none(),
                    Owner::Latest | Owner::Review => true,
                };
                if has_a_say && !self.left_out.contains(&(at, cell.field.clone())) && !same(made, now) {
                    let seed = self.seed;
                    let (made, now) = (shown(made), shown(now));
                    let words = format!(
                        "does not stay as it is: {made} of a record made in {seed} becomes {now} there by itself"
                    );
                    return Some(Restless { entity: at, field: cell.field.clone(), system: seed.clone(), words });
                }
            }
        }
        None
    }

    /// One entity's turn: what each system says, what they agree on, and who is written.
    fn bring(&mut self, at: usize) {
        let entity = &self.entities[at];
        let columns: Vec<(&SystemName, &Column)> =
            entity.by_system.keys().filter_map(|name| Some((name, entity.column(name)?))).collect();
        let nothing = Fields::new();
        let native =
            |name: &SystemName, column: &Column| self.natives.get(&self.place(at, column, name)).unwrap_or(&nothing);
        let said: Vec<Fields> = columns.iter().map(|(name, column)| read(column, native(name, column))).collect();
        for (field, known) in &entity.fields {
            let cells: Vec<(&SystemName, &Cell, Option<&Value>)> = columns
                .iter()
                .zip(&said)
                .filter_map(|((name, column), said)| Some((*name, column.cell(field)?, said.get(field.as_str()))))
                .collect();
            if self.left_out.contains(&(at, field.clone())) {
                continue;
            }
            if let Some(value) = winner(&known.owner, self.agreed[at].get(field.as_str()), &cells).cloned() {
                self.agreed[at].insert(field.to_string(), value);
            }
        }
        for ((name, column), said) in columns.iter().zip(&said) {
            for cell in &column.cells {
                self.write(at, name, column, cell, said);
            }
        }
    }

    fn write(&mut self, at: usize, name: &SystemName, column: &Column, cell: &Cell, said: &Fields) {
        let place = self.place(at, column, name);
        let agreed = &self.agreed[at];
        let native = self.natives.entry(place).or_default();
        let before = cell.path.get(native).cloned().unwrap_or_default();
        let is_there = match (cell.way, &cell.write) {
            (Way::ReadOnly, _) => true,
            (Way::WriteOnly, Some(expr)) => match cell.computed(expr, agreed) {
                Ok(wanted) => cell.canonical_of(&before).is_ok_and(|there| same(&there, &wanted)),
                Err(_) => true,
            },
            _ => match (said.get(cell.field.as_str()), agreed.get(cell.field.as_str())) {
                (Some(there), Some(wanted)) => same(there, wanted),
                _ => true,
            },
        };
        if is_there || self.left_out.contains(&(at, cell.field.clone())) {
            return;
        }
        if cell.write(agreed, native).is_err() {
            self.left_out.insert((at, cell.field.clone()));
            return;
        }
        let after = cell.path.get(native).cloned().unwrap_or_default();
        let (field, path) = (cell.field.clone(), cell.path.text().to_owned());
        self.log.push(Written { entity: at, field, system: name.clone(), path, before, after });
    }
}

/// For each entity the first one that maps the same whole resources in two systems at least, itself at last.
fn shared(entities: &[Entity]) -> Vec<usize> {
    let alike = |one: &Entity, other: &Entity| {
        let same = |name: &&SystemName| {
            one.column(name).zip(other.column(name)).is_some_and(|(one, other)| {
                one.resource == other.resource && one.filter.is_none() && other.filter.is_none()
            })
        };
        one.by_system.keys().filter(same).count() >= 2
    };
    entities
        .iter()
        .enumerate()
        .map(|(at, one)| entities.iter().position(|other| alike(one, other)).unwrap_or(at))
        .collect()
}

/// The value that holds, as the engine decides it where no time is known.
fn winner<'v>(
    owner: &Owner,
    base: Option<&'v Value>,
    cells: &[(&SystemName, &Cell, Option<&'v Value>)],
) -> Option<&'v Value> {
    let readers = || cells.iter().filter_map(|(name, cell, said)| Some((*name, *cell, (*said)?)));
    let owned = readers().find(|(name, ..)| *owner == Owner::System((*name).clone()));
    if let Some((.., value)) = owned.filter(|(.., value)| base.is_some() || !is_nothing(value)) {
        return Some(value);
    }
    let fixed = readers().find(|(_, cell, value)| cell.way == Way::ReadOnly && !is_nothing(value));
    if let Some((.., value)) = fixed.filter(|_| owned.is_none()) {
        return Some(value);
    }
    let free = || readers().filter(|(_, cell, _)| cell.way == Way::Both).map(|(.., value)| value);
    match base {
        Some(base) => free().find(|value| !same(base, value)).or(Some(base)),
        None => free().find(|value| !is_nothing(value)).or_else(|| readers().map(|(.., value)| value).next()),
    }
}

/// What a column says of a record; references are left out, as their ids differ by system.
fn read(column: &Column, native: &Fields) -> Fields {
    let cells = column.cells.iter().filter(|cell| cell.reads() && !is_reference(&cell.kind));
    cells.filter_map(|cell| Some((cell.field.to_string(), cell.read(native).ok()?))).collect()
}

fn is_reference(kind: &Kind) -> bool {
    matches!(kind, Kind::Ref(_))
}

/// A canonical record: the `sample`th value of each field's type, the fields out of step with each other.
fn made_up(entity: &Entity, column: &Column, sample: usize) -> Fields {
    let fields = entity.fields.iter().enumerate();
    let value = |(at, (name, field)): (usize, (&FieldName, &super::entity::Field))| {
        let pick = |kind: &Kind, cell: Option<&Cell>, at: usize| {
            let rows = cell.and_then(|cell| cell.table.as_ref()).map(|table| table.values().cloned().collect());
            let all: Vec<Value> = rows.unwrap_or_else(|| samples(kind));
            all.get((sample + 5 * at) % all.len().max(1)).cloned().unwrap_or_default()
        };
        let cell = column.cell(name);
        let value = match field.kind {
            Kind::Ref(_) => return None,
            Kind::Lines => {
                let of = |inner: &FieldName| cell.and_then(|cell| cell.each.iter().find(|one| one.field == *inner));
                let inner = field.each.iter().enumerate().filter(|(_, (_, inner))| !is_reference(&inner.kind));
                let line: Fields = inner
                    .map(|(at, (name, inner))| (name.to_string(), pick(&inner.kind, of(name).map(AsRef::as_ref), at)))
                    .collect();
                Value::Array(vec![Value::Object(line)])
            }
            _ => pick(&field.kind, cell, at),
        };
        Some((name.to_string(), value))
    };
    fields.filter_map(value).collect()
}

/// Puts a field into the record that a person made; what a column only reads is there too.
fn plant(cell: &Cell, canonical: &Fields, native: &mut Fields) {
    if cell.way != Way::ReadOnly {
        let _ = cell.write(canonical, native);
        return;
    }
    let Some(value) = canonical.get(cell.field.as_str()).and_then(|value| cell.native_of(value).ok()) else { return };
    for path in cell.read.iter().flat_map(|expr| expr.paths()).filter(|_| cell.kind != Kind::Lines) {
        native.entry(path.clone()).or_insert_with(|| value.clone());
    }
}

/// Whether two values say the same, as far as both say anything of a line.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.iter().all(|(field, value)| other.get(field).is_none_or(|there| same(value, there)))
        }
        (one, other) => one == other || is_nothing(one) && is_nothing(other),
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("") || value.as_array().is_some_and(Vec::is_empty)
}
