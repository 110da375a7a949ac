//! The converter between HTML and plain text.

use std::borrow::Cow;

use serde_json::Value;

use super::Pair;
use crate::mapping::kind::text;

/// Tags go, `<br>` and the ends of blocks are line breaks, entities are characters.
pub(super) fn html_text(_: &str) -> Result<Pair, String> {
    Ok(Pair::new(|value| Ok(Value::String(plain(&text(value)?))), |value| Ok(Value::String(markup(&text(value)?)))))
}

fn markup(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace("\r\n", "&#13;&#10;").replace('\r', "&#13;").replace('\n', "<br>")
}

fn plain(html: &str) -> String {
    let mut text = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find(['<', '&', '\n', '\r']) {
        let (before, marked) = rest.split_at(at);
        text.push_str(before);
        let (said, length) = match marked.chars().next() {
            Some('<') => tag(marked),
            Some('&') => entity(marked),
            // A line break in the source is a blank; only tags break lines.
            _ => (Cow::Borrowed(if text.ends_with(['\n', ' ']) || text.is_empty() { "" } else { " " }), 1),
        };
        text.push_str(&said);
        rest = marked.get(length..).unwrap_or_default();
    }
    text.push_str(rest);
    text.trim().to_owned()
}

/// What a tag says as text, and how long it is.
fn tag(marked: &str) -> (Cow<'static, str>, usize) {
    let starts_tag = marked.chars().nth(1).is_some_and(|c| c.is_ascii_alphabetic() || c == '/' || c == '!');
    let Some(end) = marked.find('>').filter(|_| starts_tag) else { return (Cow::Borrowed("<"), 1) };
    let name: String = marked
        .chars()
        .skip(1)
        .take_while(|c| c.is_ascii_alphanumeric() || *c == '/')
        .collect::<String>()
        .to_lowercase();
    let breaks = matches!(name.trim_end_matches('/'), "br" | "/p" | "/div" | "/li" | "/tr" | "/h1" | "/h2" | "/h3");
    (Cow::Borrowed(if breaks { "\n" } else { "" }), end + 1)
}

/// What an entity says, and how long it is.
fn entity(marked: &str) -> (Cow<'static, str>, usize) {
    let literally = (Cow::Borrowed("&"), 1);
    let Some(end) = marked.find(';').filter(|end| *end <= 10) else { return literally };
    let Some(name) = marked.get(1..end) else { return literally };
    let said = match name {
        "amp" => "&",
        "lt" => "<",
        "gt" => ">",
        "quot" => "\"",
        "apos" => "'",
        "nbsp" => "\u{a0}",
        "euro" => "€",
        "eacute" => "é",
        "egrave" => "è",
        "agrave" => "à",
        "ccedil" => "ç",
        "rsquo" => "’",
        _ => return numbered(name).map_or(literally, |c| (Cow::Owned(c.to_string()), end + 1)),
    };
    (Cow::Borrowed(said), end + 1)
}

fn numbered(name: &str) -> Option<char> {
    let number = name.strip_prefix('#')?;
    let code = match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => number.parse().ok()?,
    };
    char::from_u32(code)
}
