//! Words of a query.

use super::super::refusal::Refusal;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, a path, a keyword, a number or a date: everything without quotes.
    Word(String),
    /// A text in quotes, without its escapes.
    Text(String),
    /// `(`, `)`, `,` or an operator.
    Sign(&'static str),
}

const SIGNS: [&str; 10] = ["(", ")", ",", "<=", ">=", "!=", "<>", "=", "<", ">"];

/// Cuts a query into words.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Refusal> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        if first == '\'' {
            let (text, after) = quoted(&rest[1..])?;
            tokens.push(Token::Text(text));
            rest = after.trim_start();
            continue;
        }
        if let Some(sign) = SIGNS.into_iter().find(|sign| rest.starts_with(*sign)) {
            tokens.push(Token::Sign(sign));
            rest = rest[sign.len()..].trim_start();
            continue;
        }
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | ':' | '+');
        let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        if end == 0 {
            return Err(Refusal::query(format!("unexpected token: '{first}'")));
        }
        tokens.push(Token::Word(rest[..end].to_owned()));
        rest = rest[end..].trim_start();
    }
    Ok(tokens)
}

/// A text up to its closing quote, and what stands behind it.
fn quoted(text: &str) -> Result<(String, &str), Refusal> {
    let mut value = String::new();
    let mut letters = text.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\'' => return Ok((value, &text[at + 1..])),
            '\\' => match letters.next().map(|(_, escaped)| escaped) {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some('t') => value.push('\t'),
                Some(escaped @ ('\'' | '"' | '\\' | '_' | '%')) => {
                    // A wildcard keeps its escape until `LIKE` reads it.
                    if matches!(escaped, '_' | '%') {
                        value.push('\\');
                    }
                    value.push(escaped);
                }
                _ => return Err(Refusal::query("invalid string literal escape")),
            },
            letter => value.push(letter),
        }
    }
    Err(Refusal::query("unterminated string literal"))
}
