//! A mapping file as it is written, every part with its place; nothing is checked against anything yet.

use std::ops::Range;

use serde_json::Value;
use toml::Spanned;

use crate::mapping::entity::Required;
use crate::model::Fields;

/// A text with its place.
pub(super) type At = Spanned<String>;
/// A place: bytes of the file.
pub(super) type Place = Range<usize>;

/// One file.
#[derive(Debug, Default)]
pub(super) struct FileSpec {
    pub(super) entity: Option<At>,
    pub(super) label: Option<At>,
    pub(super) matches: Vec<Vec<At>>,
    pub(super) on: Vec<OnSpec>,
    pub(super) fields: Vec<FieldSpec>,
    pub(super) tables: Vec<TableSpec>,
    pub(super) create: Vec<CreateSpec>,
    pub(super) totals: Option<TotalsSpec>,
    pub(super) examples: Vec<ExampleSpec>,
}

/// `[on.<column>]`.
#[derive(Debug)]
pub(super) struct OnSpec {
    pub(super) column: At,
    pub(super) resource: Option<At>,
    pub(super) filter: Option<At>,
    pub(super) archive: Option<At>,
    pub(super) set: Option<Fields>,
}

/// `[fields.<name>]`, or a field of lines.
#[derive(Debug)]
pub(super) struct FieldSpec {
    pub(super) name: At,
    pub(super) kind: Option<At>,
    pub(super) values: Vec<At>,
    pub(super) owner: Option<At>,
    pub(super) required: Required,
    pub(super) key: Option<At>,
    pub(super) cells: Vec<CellSpec>,
    pub(super) each: Vec<FieldSpec>,
}

/// A field's column.
#[derive(Debug)]
pub(super) struct CellSpec {
    pub(super) column: At,
    pub(super) place: Place,
    pub(super) path: Option<At>,
    pub(super) steps: Vec<At>,
    pub(super) table: Option<At>,
    pub(super) by: Option<At>,
    pub(super) read: Option<At>,
    pub(super) write: Option<At>,
}

/// `[tables.<name>]`.
#[derive(Debug)]
pub(super) struct TableSpec {
    pub(super) name: At,
    pub(super) rows: Vec<(At, Spanned<Value>)>,
}

/// `[create.<column>]`.
#[derive(Debug)]
pub(super) struct CreateSpec {
    pub(super) column: At,
    pub(super) when: Option<At>,
    pub(super) hold: Option<At>,
    pub(super) then: Vec<At>,
}

/// `[totals]`.
#[derive(Debug)]
pub(super) struct TotalsSpec {
    pub(super) place: Place,
    pub(super) tolerance: Option<At>,
    pub(super) net: Option<At>,
    pub(super) vat: Option<At>,
    pub(super) gross: Option<At>,
    pub(super) currency: Option<At>,
    pub(super) lines: Option<At>,
}

/// `[[example]]`.
#[derive(Debug)]
pub(super) struct ExampleSpec {
    pub(super) place: Place,
    pub(super) name: Option<At>,
    pub(super) canonical: Vec<(At, Spanned<Value>)>,
    pub(super) natives: Vec<(At, Fields)>,
}
