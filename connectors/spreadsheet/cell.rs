//! A cell: what it holds, what it is in a record, and what a written value makes of it.

use passerelle_core::{Error, ErrorKind, Result};
use serde_json::Value;

/// What a filled cell holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    /// Text, as it was typed.
    Text(String),
    /// A number as plain decimal text, such as `19.9`.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// `2026-11-24`, or `2026-11-24T10:30:00` where the cell has a time; a spreadsheet knows no time zone.
    Date(String),
    /// An error such as `#N/A`, or `#CALC?`: a formula that no program has computed since it was written.
    Error(String),
}

/// How a formula without a computed value reads.
pub(super) const NOT_COMPUTED: &str = "#CALC?";

impl Cell {
    /// The value in a record. An error is its text, so that the mapping's type check parks it by field and reason.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Bool(yes) => Value::Bool(*yes),
            Self::Text(text) if text.is_empty() => Value::Null,
            Self::Text(text) | Self::Number(text) | Self::Date(text) | Self::Error(text) => Value::String(text.clone()),
        }
    }

    /// The text of it, trimmed.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Bool(yes) => yes.to_string(),
            Self::Text(text) | Self::Number(text) | Self::Date(text) | Self::Error(text) => text.trim().to_owned(),
        }
    }

    /// Whether it shows nothing.
    pub(super) fn is_blank(&self) -> bool {
        matches!(self, Self::Text(text) if text.trim().is_empty())
    }

    /// What writing `value` puts into a cell whose column holds things like `like`; `None` empties the cell.
    ///
    /// # Errors
    /// `Rejected` for what no cell can hold.
    pub(super) fn of(value: &Value, like: Option<&Self>) -> Result<Option<Self>> {
        let text = match value {
            Value::Null => return Ok(None),
            Value::Bool(yes) => return Ok(Some(Self::Bool(*yes))),
            Value::Number(number) => number.to_string(),
            Value::String(text) if text.is_empty() => return Ok(None),
            Value::String(text) => text.clone(),
            Value::Array(_) | Value::Object(_) => {
                return Err(Error::new(ErrorKind::Rejected, "a cell holds no lists or objects"));
            }
        };
        if text.encode_utf16().count() > 32_767 {
            return Err(Error::new(ErrorKind::Rejected, "a cell holds at most 32767 characters"));
        }
        let wants_number = value.is_number() || matches!(like, Some(Self::Number(_)));
        Ok(Some(match like {
            Some(Self::Date(_)) if is_date(&text) => Self::Date(text),
            _ if wants_number && is_decimal(&text) => Self::Number(shortened(&text)?),
            _ => Self::Text(text),
        }))
    }
}

/// A double as spreadsheets show it: whole numbers in full, others with at most 15 significant digits.
pub(super) fn number_text(value: f64) -> String {
    const WHOLE: f64 = 9_007_199_254_740_992.0;
    if value == 0.0 {
        return "0".to_owned();
    }
    if value.fract() == 0.0 && value.abs() <= WHOLE {
        return format!("{value:.0}");
    }
    plain(&format!("{value:.14e}"))
}

/// `-1.2300e2` as `-123`: decimal text without an exponent or trailing zeros.
fn plain(scientific: &str) -> String {
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific.to_owned() };
    let Ok(exponent) = exponent.parse::<i32>() else { return scientific.to_owned() };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let point = whole.len() as i32 + exponent;
    let text = if point <= 0 {
        format!("0.{}{digits}", "0".repeat(point.unsigned_abs() as usize))
    } else {
        let padded = format!("{digits:0<width$}", width = point as usize);
        let (whole, fraction) = padded.split_at(point as usize);
        format!("{whole}.{fraction}")
    };
    format!("{sign}{}", trim_fraction(&text))
}

/// Decimal text without trailing zeros after the point.
fn trim_fraction(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// The number without trailing zeros.
fn shortened(text: &str) -> Result<String> {
    let digits = text.trim_start_matches('-').replace('.', "");
    let significant = digits.trim_start_matches('0').trim_end_matches('0').len();
    if significant > 15 {
        return Err(Error::new(ErrorKind::Rejected, format!("{text} has more digits than a spreadsheet keeps (15)")));
    }
    let short = trim_fraction(text);
    Ok(if short == "-0" { "0".to_owned() } else { short.to_owned() })
}

/// Whether the text is a plain decimal number: no exponent, no leading zeros, as `0012` is a code.
pub(super) fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = unsigned.split_once('.').map_or((unsigned, None), |(w, f)| (w, Some(f)));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    digits(whole) && (whole == "0" || !whole.starts_with('0')) && fraction.is_none_or(digits)
}

/// Whether the text is `2026-11-24` or `2026-11-24T10:30:00`.
fn is_date(text: &str) -> bool {
    match text.len() {
        10 => text.parse::<jiff::civil::Date>().is_ok(),
        19 => text.parse::<jiff::civil::DateTime>().is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_double_reads_as_the_number_that_a_person_sees() {
        for (double, text) in [
            ("19.899999999999999".parse().unwrap(), "19.9"),
            (0.1 + 0.2, "0.3"),
            (0.385, "0.385"),
            (-0.000_012_5, "-0.0000125"),
            (-0.0, "0"),
            (12_345_678_901_234.0, "12345678901234"),
            (1e21, "1000000000000000000000"),
            (1_234_567.891, "1234567.891"),
        ] {
            assert_eq!(number_text(double), text);
        }
    }

    #[test]
    fn a_written_text_becomes_a_number_only_where_the_column_holds_numbers() {
        let number = Cell::Number("1".into());
        let text = Cell::Text("x".into());
        assert_eq!(Cell::of(&json!("12.50"), Some(&number)).unwrap(), Some(Cell::Number("12.5".into())));
        assert_eq!(Cell::of(&json!("0012"), Some(&number)).unwrap(), Some(Cell::Text("0012".into())));
        assert_eq!(Cell::of(&json!("12.50"), Some(&text)).unwrap(), Some(Cell::Text("12.50".into())));
        assert_eq!(Cell::of(&json!("12.50"), None).unwrap(), Some(Cell::Text("12.50".into())));
        assert_eq!(Cell::of(&json!(null), Some(&text)).unwrap(), None);
        assert!(Cell::of(&json!("0.1234567890123456"), Some(&number)).is_err());
        assert!(Cell::of(&json!(["a"]), None).is_err());
    }
}
