//! How a CSV file is written: delimiter, encoding, decimal mark; and what its cells mean.

use std::ops::Range;

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use passerelle_core::{Error, ErrorKind, Result};

use super::cell::{Cell, is_decimal};

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Dialect {
    pub(super) encoding: &'static Encoding,
    /// Whether nothing in the file told its encoding.
    pub(super) is_guess: bool,
    pub(super) delimiter: u8,
    /// `,` or `.`
    pub(super) decimal: u8,
    pub(super) line_end: &'static str,
}

impl Dialect {
    /// A cell's text as what it means; a French decimal becomes its number, all else stays text.
    pub(super) fn read(&self, text: &str) -> Cell {
        if let Some(number) = number(text, self.decimal) {
            return Cell::Number(number);
        }
        let rest = text.trim_start_matches('\'');
        let is_neutralised = rest.len() < text.len() && is_formula_like(rest);
        Cell::Text(text.get(usize::from(is_neutralised)..).unwrap_or_default().to_owned())
    }

    /// The bytes of a cell, such that reading gives the same value.
    ///
    /// # Errors
    /// `Rejected` for what cannot be written so, `Config` for accents in a file of unknown encoding.
    pub(super) fn write(&self, cell: Option<&Cell>) -> Result<Vec<u8>> {
        let Some(cell) = cell else { return Ok(Vec::new()) };
        let text = match cell {
            Cell::Number(number) => number.replace('.', char::from(self.decimal).encode_utf8(&mut [0; 4])),
            Cell::Bool(_) => {
                let text = "a CSV file has no truth values; map it with `as = \"yes_no:...\"`";
                return Err(Error::new(ErrorKind::Rejected, text));
            }
            Cell::Text(text) | Cell::Date(text) | Cell::Error(text) => neutralised(text),
        };
        if self.read(&text).json() != cell.json() {
            let text = format!("the text {:?} would be read back as a number", cell.text());
            return Err(Error::new(ErrorKind::Rejected, text));
        }
        self.encode(&if text.bytes().any(|b| b == self.delimiter || matches!(b, b'"' | b'\n' | b'\r')) {
            format!("\"{}\"", text.replace('"', "\"\""))
        } else {
            text
        })
    }

    fn encode(&self, text: &str) -> Result<Vec<u8>> {
        if self.is_guess && !text.is_ascii() {
            let text = "nothing in the file tells its encoding; set `encoding` so that accents can be written";
            return Err(Error::new(ErrorKind::Config, text));
        }
        let (bytes, _, is_lossy) = self.encoding.encode(text);
        if is_lossy {
            let text = format!("{text:?} has characters that {} cannot hold", self.encoding.name());
            return Err(Error::new(ErrorKind::Rejected, text));
        }
        Ok(bytes.into_owned())
    }
}

/// Text that a spreadsheet program would run as a formula, made text by an apostrophe.
fn neutralised(text: &str) -> String {
    if is_formula_like(text.trim_start_matches('\'')) { format!("'{text}") } else { text.to_owned() }
}

fn is_formula_like(text: &str) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r']) && !is_decimal(text)
}

/// A number in the file's notation as plain decimal text: `1 234,50 €` as `1234.50`.
pub(super) fn number(text: &str, decimal: u8) -> Option<String> {
    if decimal == b'.' || !text.contains(',') {
        return is_decimal(text).then(|| text.to_owned());
    }
    let text = text.trim().trim_end_matches('€').trim_end();
    let (whole, fraction) = text.split_once(',')?;
    let mut groups = whole.split([' ', '\u{a0}', '\u{202f}']);
    let first = groups.next()?;
    let rest: Vec<&str> = groups.collect();
    if rest.iter().any(|group| group.len() != 3) || (!rest.is_empty() && first.trim_start_matches('-').len() > 3) {
        return None;
    }
    let plain = format!("{first}{}.{fraction}", rest.concat());
    is_decimal(&plain).then_some(plain)
}

/// A row's cells and its end, in bytes of the file.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) cells: Vec<Range<usize>>,
    /// Where the next row begins.
    pub(super) end: usize,
}

/// Where rows and cells are; `None` when a quoted cell has no end.
pub(super) fn split(bytes: &[u8], start: usize, delimiter: u8) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    let mut cells = Vec::new();
    let mut from = start;
    let mut is_quoted = false;
    let mut was_quoted = false;
    for (at, &byte) in bytes.iter().enumerate().skip(start) {
        match byte {
            b'"' if at == from => (is_quoted, was_quoted) = (true, true),
            b'"' if was_quoted => is_quoted = !is_quoted,
            _ if is_quoted => {}
            b'\n' => {
                let is_crlf = at > from && bytes.get(at - 1) == Some(&b'\r');
                cells.push(from..at - usize::from(is_crlf));
                rows.push(Row { cells: std::mem::take(&mut cells), end: at + 1 });
                (from, was_quoted) = (at + 1, false);
            }
            _ if byte == delimiter => {
                cells.push(from..at);
                (from, was_quoted) = (at + 1, false);
            }
            _ => {}
        }
    }
    if is_quoted {
        return None;
    }
    if from < bytes.len() || !cells.is_empty() {
        cells.push(from..bytes.len());
        rows.push(Row { cells, end: bytes.len() });
    }
    Some(rows)
}

/// The delimiter that cuts the first rows into the most cells of equal number.
pub(super) fn delimiter(bytes: &[u8], start: usize) -> u8 {
    let head = bytes.get(..bytes.len().min(64 * 1024)).unwrap_or_default();
    let head = head.get(..=head.iter().rposition(|b| *b == b'\n').unwrap_or(head.len())).unwrap_or(head);
    let score = |delimiter: u8| {
        let rows = split(head, start, delimiter).unwrap_or_default();
        let widths: Vec<usize> = rows.iter().take(20).map(|row| row.cells.len()).collect();
        let most = widths.iter().copied().max().unwrap_or(0);
        widths.iter().filter(|width| **width == most && most > 1).count() * most
    };
    [b',', b'\t', b'|', b';'].into_iter().max_by_key(|candidate| score(*candidate)).unwrap_or(b';')
}

/// UTF-8 where the bytes are that, else Windows-1252.
pub(super) fn encoding(bytes: &[u8]) -> &'static Encoding {
    if std::str::from_utf8(bytes).is_ok() { UTF_8 } else { WINDOWS_1252 }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRENCH: Dialect =
        Dialect { encoding: WINDOWS_1252, is_guess: false, delimiter: b';', decimal: b',', line_end: "\r\n" };

    #[test]
    fn a_french_cell_reads_as_what_it_means() {
        for (text, meant) in [
            ("12,50", Cell::Number("12.50".into())),
            ("-1 234,50 €", Cell::Number("-1234.50".into())),
            ("1\u{202f}234\u{a0}567,8", Cell::Number("1234567.8".into())),
            ("20", Cell::Number("20".into())),
            ("0012", Cell::Text("0012".into())),
            ("04001", Cell::Text("04001".into())),
            ("01 48 32 17 64", Cell::Text("01 48 32 17 64".into())),
            ("12,5,6", Cell::Text("12,5,6".into())),
            ("1 2,50", Cell::Text("1 2,50".into())),
            ("00,5", Cell::Text("00,5".into())),
            ("'=1+1", Cell::Text("=1+1".into())),
            ("''=1+1", Cell::Text("'=1+1".into())),
            ("'tis", Cell::Text("'tis".into())),
        ] {
            assert_eq!(FRENCH.read(text), meant, "{text}");
        }
    }

    #[test]
    fn what_is_written_is_neither_a_formula_nor_read_back_as_something_else() {
        for (text, written) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("+33 4 92", "'+33 4 92"),
            ("-x", "'-x"),
            ("-12", "-12"),
            ("@a", "'@a"),
            ("'=1", "''=1"),
            ("a;b \"c\"", "\"a;b \"\"c\"\"\""),
            ("\rx", "\"'\rx\""),
        ] {
            assert_eq!(FRENCH.write(Some(&Cell::Text(text.into()))).unwrap(), written.as_bytes(), "{text}");
        }
        assert_eq!(FRENCH.write(Some(&Cell::Number("-12.5".into()))).unwrap(), b"-12,5");
        assert_eq!(FRENCH.write(Some(&Cell::Text("café".into()))).unwrap(), b"caf\xe9");
        for refused in [Cell::Text("12,5".into()), Cell::Text("漢".into()), Cell::Bool(true)] {
            assert_eq!(FRENCH.write(Some(&refused)).unwrap_err().kind(), ErrorKind::Rejected, "{refused:?}");
        }
    }

    #[test]
    fn quotes_protect_delimiters_and_line_ends_and_an_open_quote_is_a_cut_file() {
        let bytes = b"a;\"b;\"\"\nc\"\r\n;d\n";
        let rows = split(bytes, 0, b';').unwrap();
        let cells: Vec<Vec<&[u8]>> =
            rows.iter().map(|row| row.cells.iter().map(|cell| &bytes[cell.clone()]).collect()).collect();
        assert_eq!(cells, vec![vec![b"a".as_slice(), b"\"b;\"\"\nc\""], vec![b"", b"d"]]);
        assert!(split(b"a;\"b", 0, b';').is_none());
    }
}
