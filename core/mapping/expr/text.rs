//! Filters and tests of expressions. A filter on nothing gives nothing.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, RwLock};

use jiff::civil::Date;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use minijinja::value::Value;
use minijinja::{Environment, Error};
use regex::{Regex, RegexBuilder};

use super::amount::{is_nothing, value};
use super::exact::{fails, number};
use super::functions::{default, round};
use crate::mapping::convert::iso_country;
use crate::mapping::kind;

/// The filters that a person may use.
pub(super) const FILTERS: &[&str] = &[
    "dec",
    "round",
    "date",
    "regex",
    "default",
    "truncate",
    "pad",
    "upper",
    "lower",
    "trim",
    "digits",
    "vat",
    "phone",
    "iso_country",
    "replace",
    "split",
    "join",
    "first",
    "last",
    "length",
];

/// The tests that a person may use: `is none`.
pub(super) const TESTS: &[&str] = &["none", "defined", "startingwith", "endingwith"];

pub(super) fn install(environment: &mut Environment<'_>) {
    environment.add_filter("dec", |a: Value, decimals: Option<u32>| round(&a, Some(decimals.unwrap_or(2))));
    environment.add_filter("round", |a: Value, decimals: Option<u32>| round(&a, decimals));
    environment.add_filter("default", default);
    environment.add_filter("date", |a: Value, format: String, zone: Option<String>| {
        unless_nothing(a, |a| date(a, &format, zone))
    });
    environment.add_filter("regex", |a: Value, pattern: String, group: Option<usize>| {
        unless_nothing(a, |a| found(a, &pattern, group.unwrap_or(0)))
    });
    environment
        .add_filter("truncate", |a: Value, length: usize| text_of(a, |text| text.chars().take(length).collect()));
    environment
        .add_filter("pad", |a: Value, length: usize, with: Option<String>| text_of(a, |text| pad(text, length, with)));
    environment.add_filter("upper", |a: Value| text_of(a, |text| text.to_uppercase()));
    environment.add_filter("lower", |a: Value| text_of(a, |text| text.to_lowercase()));
    environment.add_filter("trim", |a: Value| text_of(a, |text| text.trim().to_owned()));
    environment.add_filter("digits", |a: Value| text_of(a, |text| text.chars().filter(char::is_ascii_digit).collect()));
    environment.add_filter("phone", |a: Value| text_of(a, kind::phone));
    environment.add_filter("vat", |a: Value| {
        unless_nothing(a, |a| {
            kind::vat_number(&a.to_string()).map(Value::from).map_err(|why| fails(format!("`{a}` {why}")))
        })
    });
    environment.add_filter("iso_country", |a: Value| {
        unless_nothing(a, |a| Ok(iso_country(&a.to_string()).map_or(Value::from(()), Value::from)))
    });
    environment.add_filter("replace", |a: Value, from: String, to: String| {
        unless_nothing(a, |a| replace(&a.to_string(), &from, &to))
    });
    install_lists(environment);
    install_tests(environment);
}

fn install_lists(environment: &mut Environment<'_>) {
    environment.add_filter("split", |a: Value, by: String| {
        unless_nothing(a, |a| Ok(a.to_string().split(&by).map(Value::from).collect()))
    });
    environment
        .add_filter("join", |a: Value, by: Option<String>| unless_nothing(a, |a| join(a, &by.unwrap_or_default())));
    environment.add_filter("first", |a: Value| {
        unless_nothing(a, |a| Ok(a.try_iter()?.next().unwrap_or_else(|| Value::from(()))))
    });
    environment.add_filter("last", |a: Value| {
        unless_nothing(a, |a| Ok(a.try_iter()?.last().unwrap_or_else(|| Value::from(()))))
    });
    environment.add_filter("length", length);
}

fn install_tests(environment: &mut Environment<'_>) {
    environment.add_test("none", |a: Value| is_nothing(&a));
    environment.add_test("defined", |a: Value| !is_nothing(&a));
    environment
        .add_test("startingwith", |a: Value, start: &str| a.as_str().is_some_and(|text| text.starts_with(start)));
    environment.add_test("endingwith", |a: Value, end: &str| a.as_str().is_some_and(|text| text.ends_with(end)));
}

fn unless_nothing(a: Value, change: impl FnOnce(&Value) -> Result<Value, Error>) -> Result<Value, Error> {
    if is_nothing(&a) { Ok(Value::from(())) } else { change(&a) }
}

fn text_of(a: Value, change: impl FnOnce(&str) -> String) -> Result<Value, Error> {
    unless_nothing(a, |a| Ok(Value::from(change(&a.to_string()))))
}

/// Limited, since one replacement inside the other multiplies.
fn replace(text: &str, from: &str, to: &str) -> Result<Value, Error> {
    let most = text.len().saturating_add(1).saturating_mul(to.len().max(1));
    if most > 10_000_000 { Err(fails("the text becomes too long")) } else { Ok(Value::from(text.replace(from, to))) }
}

fn pad(text: &str, length: usize, with: Option<String>) -> String {
    let with = with.and_then(|with| with.chars().next()).unwrap_or('0');
    let missing = length.min(1000).saturating_sub(text.chars().count());
    std::iter::repeat_n(with, missing).chain(text.chars()).collect()
}

fn join(list: &Value, by: &str) -> Result<Value, Error> {
    let words: Vec<String> = list.try_iter()?.filter(|item| !is_nothing(item)).map(|item| item.to_string()).collect();
    Ok(Value::from(words.join(by)))
}

fn length(a: Value) -> Value {
    let count = if is_nothing(&a) { 0 } else { a.len().unwrap_or(0) };
    value(rust_decimal::Decimal::from(count))
}

/// A day or an instant in a format of `strftime`; an instant on the clock of `zone`, UTC without.
fn date(a: &Value, format: &str, zone: Option<String>) -> Result<Value, Error> {
    let text = a.to_string();
    let written = match text.parse::<Date>() {
        Ok(day) if text.len() == 10 => strtime::format(format, day),
        _ => strtime::format(format, &on_clock(&text, zone)?),
    };
    written.map(Value::from).map_err(|why| fails(format!("`{text}` does not fit `{format}`: {why}")))
}

fn on_clock(text: &str, zone: Option<String>) -> Result<Zoned, Error> {
    let at: Timestamp = match number(&Value::from(text)) {
        Ok(millis) => millis.to_string().parse().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok()),
        Err(_) => text.parse().ok(),
    }
    .ok_or_else(|| fails(format!("`{text}` is neither a day nor an instant")))?;
    let zone = zone.map_or(Ok(TimeZone::UTC), |zone| TimeZone::get(&zone));
    Ok(at.to_zoned(zone.map_err(|_| fails("there is no such time zone"))?))
}

/// The group of the first place where a pattern matches; nothing where it does not.
fn found(a: &Value, pattern: &str, group: usize) -> Result<Value, Error> {
    let regex = compiled(pattern).map_err(fails)?;
    let text = a.to_string();
    let group = regex.captures(&text).and_then(|found| found.get(group));
    Ok(group.map_or_else(|| Value::from(()), |found| Value::from(found.as_str())))
}

/// Whether a filter can work with the arguments that are written out.
pub(super) fn tried(filter: &str, arguments: &[Option<String>]) -> Result<(), String> {
    let argument = |place: usize| arguments.get(place).and_then(Option::as_deref);
    match (filter, argument(0), argument(1)) {
        ("regex", Some(pattern), _) => compiled(pattern).map(drop),
        ("date", format, zone) => {
            let zone = zone.map_or(Ok(TimeZone::UTC), TimeZone::get).map_err(|_| "there is no such time zone")?;
            let tried = strtime::format(format.unwrap_or("%Y"), &Timestamp::UNIX_EPOCH.to_zoned(zone));
            tried.map(drop).map_err(|why| format!("`{}` is not a format: {why}", format.unwrap_or_default()))
        }
        _ => Ok(()),
    }
}

static PATTERNS: LazyLock<RwLock<HashMap<String, Arc<Regex>>>> = LazyLock::new(RwLock::default);

/// A pattern, compiled once; limited in size, so that a mapping cannot eat the memory.
fn compiled(pattern: &str) -> Result<Arc<Regex>, String> {
    if let Some(known) = PATTERNS.read().ok().and_then(|known| known.get(pattern).cloned()) {
        return Ok(known);
    }
    let built = RegexBuilder::new(pattern).size_limit(1 << 20).build();
    let regex = Arc::new(built.map_err(|why| format!("`{pattern}` is not a pattern: {why}"))?);
    if let Ok(mut known) = PATTERNS.write()
        && known.len() < 1000
    {
        known.insert(pattern.to_owned(), Arc::clone(&regex));
    }
    Ok(regex)
}
