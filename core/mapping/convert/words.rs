//! Converters of words: flags, lists, case.

use serde_json::Value;

use super::Pair;
use crate::mapping::kind::{Kind, text as as_text};

fn of_text(change: fn(&str) -> String) -> Pair {
    let both = move |value: &Value| Ok(Value::String(change(&as_text(value)?)));
    Pair::new(both, both)
}

fn of_truth(spell: impl Fn(bool) -> Value + Send + Sync + 'static) -> Pair {
    let read = |value: &Value| Kind::Boolean.normal(value);
    Pair::new(read, move |value| match value {
        Value::Bool(truth) => Ok(spell(*truth)),
        _ => Err("is neither true nor false".into()),
    })
}

/// Text, whatever it was.
pub(super) fn text(_: &str) -> Result<Pair, String> {
    Ok(of_text(str::to_owned))
}

/// Upper case.
pub(super) fn upper(_: &str) -> Result<Pair, String> {
    Ok(of_text(str::to_uppercase))
}

/// Lower case.
pub(super) fn lower(_: &str) -> Result<Pair, String> {
    Ok(of_text(str::to_lowercase))
}

/// Without blanks at its ends.
pub(super) fn trim(_: &str) -> Result<Pair, String> {
    Ok(of_text(str::to_owned))
}

/// Digits only.
pub(super) fn digits(_: &str) -> Result<Pair, String> {
    Ok(of_text(|text| text.chars().filter(char::is_ascii_digit).collect()))
}

/// `"true"` and `"false"`.
pub(super) fn bool_text(_: &str) -> Result<Pair, String> {
    Ok(of_truth(|truth| Value::String(truth.to_string())))
}

/// `"1"` and `"0"`.
pub(super) fn flag(_: &str) -> Result<Pair, String> {
    Ok(of_truth(|truth| Value::from(if truth { "1" } else { "0" })))
}

/// Two words, the first for true; read in any case.
pub(super) fn yes_no(words: &str) -> Result<Pair, String> {
    let wanted = || "wants two words, such as yes_no:Oui/Non".to_owned();
    let (yes, no) = words.split_once('/').map(|(a, b)| (a.trim(), b.trim())).ok_or_else(wanted)?;
    if yes.is_empty() || no.is_empty() || yes.to_lowercase() == no.to_lowercase() {
        return Err(wanted());
    }
    let (yes, no) = (yes.to_owned(), no.to_owned());
    let (for_true, for_false) = (yes.to_lowercase(), no.to_lowercase());
    let message = format!("is neither `{yes}` nor `{no}`");
    let read = move |value: &Value| match as_text(value)?.to_lowercase() {
        word if word == for_true => Ok(Value::Bool(true)),
        word if word == for_false => Ok(Value::Bool(false)),
        _ => Err(message.clone()),
    };
    let write = of_truth(move |truth| Value::from(if truth { yes.as_str() } else { no.as_str() })).write;
    Ok(Pair { read: Box::new(read), write })
}

/// A native list is one text, joined by a separator.
pub(super) fn list(separator: &str) -> Result<Pair, String> {
    if separator.is_empty() {
        return Err("wants a separator, such as list:;".into());
    }
    let (join, split) = (separator.to_owned(), separator.to_owned());
    let read = move |value: &Value| match value {
        Value::Array(items) => {
            let words: Result<Vec<String>, String> = items.iter().map(as_text).collect();
            Ok(Value::String(words?.join(&join)))
        }
        single => Ok(Value::String(as_text(single)?)),
    };
    let write = move |value: &Value| {
        // A blank at an item's end would be lost when it is read: it belongs to the separator.
        let text = as_text(value)?;
        let items: Vec<&str> = text.split(split.as_str()).collect();
        if items.iter().any(|item| item.trim() != *item) {
            return Err(format!("has blanks around `{split}`"));
        }
        Ok(Value::from(items))
    };
    Ok(Pair::new(read, write))
}
