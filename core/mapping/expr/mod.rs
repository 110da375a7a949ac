//! Expressions: Jinja, with every name known at load and every number exact.
//!
//! minijinja would order a decimal and an integer by their type, and compute in floating point. So each expression is
//! written again before it is compiled (`rewrite.rs`): operators become our own exact functions, and attributes of
//! nothing are nothing. That is also where unknown names are found, with their place.
//!
//! - Numbers are exact decimals; a text that spells one is compared with a number as a number: `client in [1, 3]`.
//! - Nothing is `none`, a field that is missing, and the empty text. It counts as 0 in sums and as no text in `a ~ b`;
//!   a filter on it gives nothing. In `where` and `read` it is neither more nor less than anything; in `when`, `hold`
//!   and `write` comparing it so is an error, since a rule about money must not be passed by a missing amount.
//! - Functions: `sum(list, 'attr')` or `sum(list, 'attr', places)`, `vat(list, 'net', 'rate')`, `net(list, 'quantity', 'price', 'discount')`,
//!   `net_vat(.., 'rate')`, `add`, `sub`, `mul`, `div`, `round(x, n)`, `min`, `max`, `default(x, y)`.
//! - Filters: `dec(n)`, `round(n)`, `date(format, zone)`, `regex(pattern, group)`, `default(x)`, `truncate(n)`,
//!   `pad(n, with)`, `upper`, `lower`, `trim`, `digits`, `vat`, `phone`, `iso_country`, `replace(a, b)`, `split(by)`,
//!   `join(by)`, `first`, `last`, `length`. Tests: `is none`, `is defined`, `is startingwith(x)`, `is endingwith(x)`.

mod amount;
mod exact;
mod functions;
mod rewrite;
mod scope;
mod text;

use std::ops::Range;

use minijinja::value::Value as Jinja;
use minijinja::{Environment, Expression, UndefinedBehavior};
use serde_json::Value;

pub(super) use scope::{Scope, Shape, Shapes};

use crate::model::Fields;
use std::sync::LazyLock;

/// Enough for some thousand lines of an order; an endless expression is not.
const FUEL: u64 = 200_000;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(200);
    functions::install(&mut environment);
    text::install(&mut environment);
    environment
});

/// What is wrong in an expression, at a byte range of its text.
#[derive(Debug, PartialEq)]
pub(super) struct Fault {
    pub(super) code: &'static str,
    pub(super) at: Range<usize>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

/// A compiled expression.
#[derive(Debug)]
pub(super) struct Expr {
    text: String,
    body: Body,
    /// The paths it reads, as written: `quote.hs_title`.
    paths: Vec<String>,
}

#[derive(Debug)]
enum Body {
    /// Only a name: no engine is needed.
    Field(super::path::Path),
    Compiled(Expression<'static, 'static>, scope::Names),
}

impl Expr {
    /// Compiles `text` for `scope`; every fault at once.
    pub(super) fn compile(text: &str, scope: &Scope<'_>) -> Result<Self, Vec<Fault>> {
        let checked = rewrite::rewrite(text, scope)?;
        let body = if checked.is_path {
            Body::Field(super::path::Path::parse(checked.paths.first().map_or("", String::as_str)))
        } else {
            let compiled = ENVIRONMENT.compile_expression_owned(checked.text).map_err(|error| {
                let message =
                    format!("the expression does not compile: {}", error.detail().unwrap_or("no reason given"));
                vec![Fault { code: "P0120", at: 0..text.len(), message, help: None }]
            })?;
            Body::Compiled(compiled, scope.shaped(checked.names))
        };
        Ok(Self { text: text.to_owned(), body, paths: checked.paths })
    }

    /// As it was written.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The paths it reads.
    pub(super) fn paths(&self) -> &[String] {
        &self.paths
    }

    /// The path, where it is one path and nothing else.
    pub(super) fn path(&self) -> Option<&str> {
        match &self.body {
            Body::Field(path) => Some(path.text()),
            Body::Compiled(..) => None,
        }
    }

    /// Its value on these fields; what is missing there is nothing.
    pub(super) fn value(&self, fields: &Fields) -> Result<Value, String> {
        match &self.body {
            Body::Field(path) => Ok(path.get(fields).cloned().unwrap_or_default()),
            Body::Compiled(compiled, names) => scope::to_json(&self.eval(compiled, names, fields)?),
        }
    }

    /// Whether it holds on these fields.
    pub(super) fn holds(&self, fields: &Fields) -> Result<bool, String> {
        match &self.body {
            Body::Field(path) => Ok(scope::to_jinja(path.get(fields), &Shape::Plain).is_true()),
            Body::Compiled(compiled, names) => Ok(self.eval(compiled, names, fields)?.is_true()),
        }
    }

    fn eval(&self, compiled: &Expression<'_, '_>, names: &scope::Names, fields: &Fields) -> Result<Jinja, String> {
        let context = scope::context(names, fields);
        compiled.eval(context).map_err(|error| {
            let reason = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            format!("the expression `{}` fails: {reason}", self.text)
        })
    }
}

#[cfg(test)]
mod tests;
