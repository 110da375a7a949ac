//! Functions of expressions: exact sums, and the operators that `rewrite.rs` puts in.

use std::cmp::Ordering;

use minijinja::value::{Rest, Value};
use minijinja::{Environment, Error};
use rust_decimal::Decimal;

use super::amount::{is_nothing, value};
use super::exact::{compute, contains, equal, fails, number, order};
use crate::mapping::kind::round_to;

/// The functions that a person may call.
pub(super) const NAMES: &[&str] =
    &["sum", "vat", "net", "net_vat", "add", "sub", "mul", "div", "round", "min", "max", "default"];

/// Those whose first argument is a list and whose others name attributes of its items.
pub(super) const OVER_LISTS: &[&str] = &["sum", "vat", "net", "net_vat"];

pub(super) fn install(environment: &mut Environment<'_>) {
    environment.add_function("sum", sum);
    environment.add_function("vat", vat);
    environment.add_function("net", net);
    environment.add_function("net_vat", net_vat);
    environment.add_function("add", |numbers: Rest<Value>| fold(&numbers, Decimal::checked_add));
    environment.add_function("sub", |a: Value, b: Value| compute(&a, &b, Decimal::checked_sub));
    environment.add_function("mul", |a: Value, b: Value| compute(&a, &b, Decimal::checked_mul));
    environment.add_function("div", |a: Value, b: Value| compute(&a, &b, Decimal::checked_div));
    environment.add_function("round", |a: Value, decimals: Option<u32>| round(&a, decimals));
    environment.add_function("min", |values: Rest<Value>| extreme(&values, Ordering::Less));
    environment.add_function("max", |values: Rest<Value>| extreme(&values, Ordering::Greater));
    environment.add_function("default", default);
    environment.add_function("__num", |text: &str| number(&Value::from(text)).map(value));
    environment.add_function("__eq", |a: Value, b: Value| equal(&a, &b));
    environment.add_function("__in", |a: Value, b: Value| contains(&a, &b));
    environment.add_function("__attr", |a: Value, name: Value| attribute(&a, &name));
    environment.add_function("__rem", |a: Value, b: Value| compute(&a, &b, Decimal::checked_rem));
    environment.add_function("__neg", |a: Value| compute(&Value::from(0), &a, Decimal::checked_sub));
    install_orders(environment);
}

/// `__lt` is strict about nothing, `__lt_or_no` says no.
fn install_orders(environment: &mut Environment<'_>) {
    type Holds = fn(Ordering) -> bool;
    let orders: [(&str, &str, Holds); 4] = [
        ("__lt", "__lt_or_no", Ordering::is_lt),
        ("__le", "__le_or_no", Ordering::is_le),
        ("__gt", "__gt_or_no", Ordering::is_gt),
        ("__ge", "__ge_or_no", Ordering::is_ge),
    ];
    for (strict, lenient, holds) in orders {
        environment.add_function(strict, move |a: Value, b: Value| match order(&a, &b)? {
            Some(order) => Ok(holds(order)),
            None => Err(fails("nothing is neither more nor less than a value; say default(field, 0)")),
        });
        environment
            .add_function(lenient, move |a: Value, b: Value| order(&a, &b).map(|order| order.is_some_and(holds)));
    }
}

/// The sum of an attribute over a list, each part rounded half up to `places` where they are given; nothing is 0.
fn sum(list: Value, attribute_name: &str, places: Option<u32>) -> Result<Value, Error> {
    over(&list, |item| {
        let part = part(item, attribute_name)?;
        Ok(places.map_or(part, |places| round_to(part, places)))
    })
}

/// VAT of a list: each line's net, rounded half up to cents, times its rate in percent, rounded the same, then summed.
fn vat(list: Value, net: &str, rate: &str) -> Result<Value, Error> {
    over(&list, |item| percent_of(round_to(part(item, net)?, 2), part(item, rate)?))
}

/// Net of a list whose lines have no net of their own: quantity times price, less a discount in percent; each line
/// rounded half up to cents, then summed.
fn net(list: Value, quantity: &str, price: &str, discount: &str) -> Result<Value, Error> {
    over(&list, |item| line_net(item, quantity, price, discount))
}

/// VAT of such a list: each line's net times its rate in percent, rounded half up to cents, then summed.
fn net_vat(list: Value, quantity: &str, price: &str, discount: &str, rate: &str) -> Result<Value, Error> {
    over(&list, |item| percent_of(line_net(item, quantity, price, discount)?, part(item, rate)?))
}

fn line_net(item: &Value, quantity: &str, price: &str, discount: &str) -> Result<Decimal, Error> {
    let kept = Decimal::ONE_HUNDRED.checked_sub(part(item, discount)?);
    let full = part(item, quantity)?.checked_mul(part(item, price)?);
    let exact = kept.zip(full).and_then(|(kept, full)| full.checked_mul(kept)?.checked_div(Decimal::ONE_HUNDRED));
    exact.map(|exact| round_to(exact, 2)).ok_or_else(|| fails("a line's net is too large"))
}

fn percent_of(net: Decimal, rate: Decimal) -> Result<Decimal, Error> {
    let exact = net.checked_mul(rate).and_then(|product| product.checked_div(Decimal::ONE_HUNDRED));
    exact.map(|exact| round_to(exact, 2)).ok_or_else(|| fails("a line's VAT is too large"))
}

fn part(item: &Value, name: &str) -> Result<Decimal, Error> {
    number(&attribute(item, &Value::from(name))?)
}

fn over(list: &Value, mut each: impl FnMut(&Value) -> Result<Decimal, Error>) -> Result<Value, Error> {
    if is_nothing(list) {
        return Ok(value(Decimal::ZERO));
    }
    let mut total = Decimal::ZERO;
    for item in list.try_iter()? {
        total = total.checked_add(each(&item)?).ok_or_else(|| fails("the sum is too large"))?;
    }
    Ok(value(total))
}

fn fold(numbers: &[Value], operation: fn(Decimal, Decimal) -> Option<Decimal>) -> Result<Value, Error> {
    let zero = value(Decimal::ZERO);
    numbers.iter().try_fold(zero, |sum, next| compute(&sum, next, operation))
}

/// Half away from zero.
pub(super) fn round(a: &Value, decimals: Option<u32>) -> Result<Value, Error> {
    if is_nothing(a) {
        return Ok(Value::from(()));
    }
    let decimals = decimals.unwrap_or(0);
    if decimals > 20 {
        return Err(fails("rounding keeps at most 20 decimals"));
    }
    Ok(value(round_to(number(a)?, decimals)))
}

/// The least or the greatest; what is nothing is passed over.
fn extreme(values: &[Value], wanted: Ordering) -> Result<Value, Error> {
    let mut best = Value::from(());
    for candidate in values {
        let order = order(candidate, &best)?;
        if order == Some(wanted) || is_nothing(&best) {
            best = candidate.clone();
        }
    }
    Ok(best)
}

/// `fallback` where there is nothing.
pub(super) fn default(given: Value, fallback: Option<Value>) -> Value {
    if is_nothing(&given) { fallback.unwrap_or_else(|| Value::from("")) } else { given }
}

/// An attribute or item; nothing where there is none.
fn attribute(of: &Value, name: &Value) -> Result<Value, Error> {
    if is_nothing(of) {
        return Ok(Value::from(()));
    }
    let found = of.get_item(name)?;
    Ok(if found.is_undefined() { Value::from(()) } else { found })
}
