//! A cell as a worksheet's XML writes it. Text is always text: what looks like a formula is never one.

use passerelle_core::{Error, ErrorKind, Result};
use quick_xml::escape::escape;

use super::cell::Cell;
use super::grid::Spot;

/// How a workbook writes cells.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ink {
    /// Whether days are counted from 1904 instead of 1900.
    pub(super) is_1904: bool,
}

impl Ink {
    /// The cell's element.
    ///
    /// # Errors
    /// `Rejected` for days that the format cannot hold.
    pub(super) fn cell(self, prefix: &str, spot: Spot, style: Option<&str>, cell: Option<&Cell>) -> Result<String> {
        let style = style.map(|style| format!(" s=\"{}\"", escape(style))).unwrap_or_default();
        let start = format!("<{prefix}c r=\"{spot}\"{style}");
        let number = |text: &str| format!("{start}><{prefix}v>{text}</{prefix}v></{prefix}c>");
        Ok(match cell {
            None => format!("{start}/>"),
            Some(Cell::Number(text)) => number(text),
            Some(Cell::Date(text)) => number(&self.serial(text)?),
            Some(Cell::Bool(yes)) => {
                format!("{start} t=\"b\"><{prefix}v>{}</{prefix}v></{prefix}c>", u8::from(*yes))
            }
            Some(Cell::Text(text) | Cell::Error(text)) => {
                let text = text_xml(text);
                format!(
                    "{start} t=\"inlineStr\"><{prefix}is><{prefix}t xml:space=\"preserve\">{text}</{prefix}t></{prefix}is></{prefix}c>"
                )
            }
        })
    }

    /// A day, or a day and a time, as the number of days that the format stores.
    fn serial(self, text: &str) -> Result<String> {
        let refuse = || Error::new(ErrorKind::Rejected, format!("{text:?} is no date that a workbook can hold"));
        let (day, time) = text.split_once('T').unwrap_or((text, "00:00:00"));
        let day: jiff::civil::Date = day.parse().map_err(|_| refuse())?;
        let time: jiff::civil::Time = time.parse().map_err(|_| refuse())?;
        let first = if self.is_1904 { jiff::civil::date(1904, 1, 1) } else { jiff::civil::date(1899, 12, 30) };
        let days = day.since(first).map_err(|_| refuse())?.get_days();
        if days < if self.is_1904 { 0 } else { 61 } {
            return Err(refuse());
        }
        let seconds = i32::from(time.hour()) * 3600 + i32::from(time.minute()) * 60 + i32::from(time.second());
        Ok(if seconds == 0 { days.to_string() } else { (f64::from(days) + f64::from(seconds) / 86_400.0).to_string() })
    }
}

/// The text with control characters as the format escapes them, `_x000D_`, and what looks like that escaped itself.
fn text_xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_escape = c == '_' && is_escape(text.get(at..).unwrap_or_default());
        if is_escape || (c.is_ascii_control() && !matches!(c, '\t' | '\n')) || matches!(c, '\u{fffe}' | '\u{ffff}') {
            out.push_str(&format!("_x{:04X}_", c as u32));
        } else {
            out.push(c);
        }
    }
    escape(out).into_owned()
}

/// Whether a text begins like `_x0041_`.
fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.starts_with(b"_x")
        && bytes.get(6) == Some(&b'_')
        && bytes.get(2..6).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cell: Cell) -> Result<String> {
        Ink { is_1904: false }.cell("", "B2".parse().unwrap(), Some("3"), Some(&cell))
    }

    #[test]
    fn days_are_counted_the_way_the_format_counts_them() {
        assert_eq!(written(Cell::Date("2026-11-24".into())).unwrap(), "<c r=\"B2\" s=\"3\"><v>46350</v></c>");
        assert_eq!(written(Cell::Date("1900-03-01".into())).unwrap(), "<c r=\"B2\" s=\"3\"><v>61</v></c>");
        assert!(written(Cell::Date("1900-02-28".into())).is_err());
    }

    #[test]
    fn text_is_written_as_text_with_what_xml_cannot_hold_escaped() {
        for (text, xml) in
            [("=1+1 <&\n ", "=1+1 &lt;&amp;\n "), ("a\r\u{1}", "a_x000D__x0001_"), ("_x0041_", "_x005F_x0041_")]
        {
            let cell = written(Cell::Text(text.into())).unwrap();
            let expected = format!(" t=\"inlineStr\"><is><t xml:space=\"preserve\">{xml}</t></is></c>");
            assert!(cell.ends_with(&expected), "{cell}");
        }
    }
}
