//! What an expression may name, and its values.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Object, Value as Jinja, ValueKind};
use serde_json::{Map, Value};

use super::amount::{self, Amount};
use crate::mapping::kind;
use crate::model::Fields;

/// How a field looks inside expressions.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::mapping) enum Shape {
    /// As it is.
    Plain,
    /// Text that is an exact number.
    Number,
    /// Lines, whose fields look so.
    Lines(Shapes),
}

/// The canonical fields by name.
pub(in crate::mapping) type Shapes = BTreeMap<String, Shape>;

/// The names that an expression may use.
#[derive(Clone, Copy, Debug)]
pub(in crate::mapping) enum Scope<'a> {
    /// A vendor's document: any name; what is missing is nothing, and nothing is neither more nor less than anything.
    Native,
    /// Canonical fields, all known; comparing nothing with a number is an error.
    Canonical(&'a Shapes),
}

impl Scope<'_> {
    /// Whether `name` may be used.
    pub(super) fn knows(&self, name: &str) -> bool {
        match self {
            Self::Native => true,
            Self::Canonical(shapes) => shapes.contains_key(name),
        }
    }

    /// Every name, for suggestions.
    pub(super) fn names(&self) -> Vec<&str> {
        match self {
            Self::Native => Vec::new(),
            Self::Canonical(shapes) => shapes.keys().map(String::as_str).collect(),
        }
    }

    /// The fields of the lines `name`, where they are known.
    pub(super) fn names_of_lines(&self, name: &str) -> Option<Vec<&str>> {
        let Self::Canonical(shapes) = self else { return None };
        let Some(Shape::Lines(each)) = shapes.get(name) else { return None };
        Some(each.keys().map(String::as_str).collect())
    }

    pub(super) fn is_native(&self) -> bool {
        matches!(self, Self::Native)
    }

    /// Each of `names` with how it looks.
    pub(super) fn shaped(&self, names: Vec<String>) -> Names {
        let look = |name: &String| match self {
            Self::Native => Shape::Plain,
            Self::Canonical(shapes) => shapes.get(name).cloned().unwrap_or(Shape::Plain),
        };
        names.into_iter().map(|name| (look(&name), name)).map(|(shape, name)| (name, shape)).collect()
    }
}

/// The names that one expression uses, with how each looks.
pub(super) type Names = Arc<[(String, Shape)]>;

/// The named fields of one record, as minijinja asks for them.
#[derive(Debug)]
struct Context {
    names: Names,
    values: Vec<Jinja>,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Jinja) -> Option<Jinja> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Jinja> {
        let place = self.names.iter().position(|(name, _)| name == key)?;
        self.values.get(place).cloned()
    }
}

/// The named fields as minijinja's values.
pub(super) fn context(names: &Names, fields: &Fields) -> Jinja {
    let values = names.iter().map(|(name, shape)| to_jinja(fields.get(name), shape)).collect();
    Jinja::from_object(Context { names: Arc::clone(names), values })
}

/// A JSON value inside an expression; what is missing is none.
pub(super) fn to_jinja(value: Option<&Value>, shape: &Shape) -> Jinja {
    match value {
        None | Some(Value::Null) => Jinja::from(()),
        Some(Value::Bool(truth)) => Jinja::from(*truth),
        Some(number @ Value::Number(_)) => exact(number),
        Some(text @ Value::String(_)) if *shape == Shape::Number => exact(text),
        Some(Value::String(text)) => Jinja::from(text.as_str()),
        Some(Value::Array(items)) => items.iter().map(|item| to_jinja(Some(item), shape)).collect(),
        Some(Value::Object(fields)) => Jinja::from(
            fields.iter().map(|(name, value)| (name.clone(), inner(name, value, shape))).collect::<BTreeMap<_, _>>(),
        ),
    }
}

fn inner(name: &str, value: &Value, shape: &Shape) -> Jinja {
    match shape {
        Shape::Lines(each) => to_jinja(Some(value), each.get(name).unwrap_or(&Shape::Plain)),
        _ => to_jinja(Some(value), &Shape::Plain),
    }
}

fn exact(value: &Value) -> Jinja {
    kind::decimal(value).map_or_else(|_| Jinja::from(value.as_str().unwrap_or_default()), amount::value)
}

/// What an expression gave, as JSON; numbers are text, so that no digit is lost.
pub(super) fn to_json(value: &Jinja) -> Result<Value, String> {
    if let Some(amount) = value.downcast_object_ref::<Amount>() {
        return Ok(Value::String(amount.0.to_string()));
    }
    match value.kind() {
        ValueKind::Undefined | ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(value.is_true())),
        ValueKind::Number | ValueKind::String => Ok(Value::String(value.to_string())),
        ValueKind::Seq | ValueKind::Iterable => items(value)?.iter().map(to_json).collect(),
        ValueKind::Map => {
            let mut fields = Map::new();
            for key in items(value)? {
                let item = value.get_item(&key).map_err(|error| error.to_string())?;
                fields.insert(key.to_string(), to_json(&item)?);
            }
            Ok(Value::Object(fields))
        }
        _ => Err("the expression gives no value that a field can hold".into()),
    }
}

fn items(value: &Jinja) -> Result<Vec<Jinja>, String> {
    value.try_iter().map(Iterator::collect).map_err(|error| error.to_string())
}
