//! What config.toml says of a spreadsheet; the doc comments are the manual.

use std::collections::BTreeMap;

use passerelle_core::{Error, ErrorKind, Result};
use schemars::JsonSchema;
use serde::Deserialize;

use super::source::Format;
use super::text::Hints;

/// Reads and writes the rows of a sheet, or reads quote workbooks.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Config {
    /// The file, such as `tarif.xlsx`, relative to config.toml: .xlsx, .xlsm, .ods (read only) or .csv. For quote
    /// workbooks a file, a folder, or a pattern such as `devis/*.xlsx`.
    pub(super) path: String,
    /// The sheet that the resource `rows` reads; the first one if left out. Other sheets are read by their name.
    pub(super) sheet: Option<String>,
    /// A named range, such as `articles`, or an area, such as `A5:H31`, that the resource `rows` reads.
    pub(super) range: Option<String>,
    /// Header of the column that tells the rows apart, such as `Référence`. Needed unless a column is called id,
    /// identifiant, référence, réf, code, code client, code article, sku, numéro or n°.
    pub(super) key: Option<String>,
    /// Row of the headers, counted from 1, if it is not to be found by the key's header in the first 20 rows.
    pub(super) header_row: Option<u32>,
    /// What separates the cells of a CSV file, such as `;`; recognised if left out.
    pub(super) delimiter: Option<char>,
    /// Encoding of a CSV file, such as `utf-8`, `windows-1252` or `macintosh`; UTF-8 or Windows-1252 is recognised.
    pub(super) encoding: Option<String>,
    /// Decimal mark of a CSV file, `,` or `.`; recognised if left out.
    pub(super) decimal: Option<char>,
    /// Where a quote workbook has its cells and lines; the resource is then `quotes`, one record per file.
    pub(super) quote: Option<QuoteConfig>,
}

/// Where things are in a quote workbook. A place is a cell such as `B4` or `Devis!B4`, a named range, or a constant
/// written `=EUR`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QuoteConfig {
    /// The quote's number, by which the hub knows the quote.
    pub(super) number: String,
    /// The customer's name.
    pub(super) customer_name: Option<String>,
    /// The customer's VAT number.
    pub(super) customer_vat: Option<String>,
    /// Day of the quote.
    pub(super) date: Option<String>,
    /// Currency.
    pub(super) currency: Option<String>,
    /// Status, such as `Accepté`.
    pub(super) status: Option<String>,
    /// Other fields: a name of your choice and its place, such as `customer_email = "B5"`.
    #[serde(default)]
    pub(super) cells: BTreeMap<String, String>,
    /// The table of lines.
    pub(super) lines: LinesConfig,
}

/// The table of lines of a quote workbook.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinesConfig {
    /// First cell of the table's header row, such as `A10`, or a named range. Without an end, the table ends before the
    /// first row in which the columns `sku`, `description` and `quantity` are all empty.
    pub(super) at: String,
    /// Fields of a line and the headers they are under, such as `sku = "Référence"`, `quantity = "Quantité"`.
    pub(super) columns: BTreeMap<String, String>,
}

impl Config {
    /// What it says of a CSV file's dialect.
    ///
    /// # Errors
    /// `Config` for an unknown encoding, or a delimiter or decimal mark that cannot be one.
    pub(super) fn hints(&self) -> Result<Hints> {
        let wrong = |text: String, option| Error::new(ErrorKind::Config, text).at("option", option);
        let encoding = match &self.encoding {
            Some(label) => Some(
                encoding_rs::Encoding::for_label(label.as_bytes())
                    .ok_or_else(|| wrong(format!("{label:?} is no encoding; try utf-8 or windows-1252"), "encoding"))?,
            ),
            None => None,
        };
        let delimiter = match self.delimiter {
            Some(mark @ (';' | ',' | '\t' | '|' | ':')) => Some(mark as u8),
            Some(mark) => {
                return Err(wrong(format!("{mark:?} cannot separate cells; use ; , | : or a tab"), "delimiter"));
            }
            None => None,
        };
        let decimal = match self.decimal {
            Some(mark @ (',' | '.')) => Some(mark as u8),
            Some(mark) => return Err(wrong(format!("{mark:?} is no decimal mark; use , or ."), "decimal")),
            None => None,
        };
        Ok(Hints { delimiter, encoding, decimal })
    }

    /// What the file is; `None` for quote workbooks, which may be many.
    ///
    /// # Errors
    /// `Config` for a name of unknown ending, or options that exclude each other.
    pub(super) fn format(&self) -> Result<Option<Format>> {
        let is_table = self.range.is_some() || self.key.is_some() || self.header_row.is_some();
        match (&self.quote, is_table) {
            (Some(_), true) => {
                let text = "`quote` reads one record per file; `key`, `range` and `header_row` do not go with it";
                Err(Error::new(ErrorKind::Config, text).at("option", "quote"))
            }
            (Some(_), false) => Ok(None),
            (None, _) => Format::of(self.path.as_ref()).map(Some),
        }
    }
}
