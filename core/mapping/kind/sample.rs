//! Values of each type to try the laws on: the same ones every time.

use serde_json::{Value, json};

use super::Kind;
use crate::mapping::convert::country_codes;

/// Normal forms of `kind`, awkward ones first.
pub(in crate::mapping) fn samples(kind: &Kind) -> Vec<Value> {
    match kind {
        Kind::Text => texts(TEXTS),
        Kind::Url => {
            texts(&["https://www.alpha.example", "alpha.example/Shop?a=B#c", "https://xn--8ca.example/é", "intranet"])
        }
        Kind::Integer => [0_i64, 1, -1, 7, -12, 1000, 1_234_567_890_123].into_iter().map(Value::from).collect(),
        Kind::Decimal => numbers(plain_samples, 4),
        Kind::Money => numbers(money_samples, 4),
        Kind::Boolean => vec![json!(true), json!(false)],
        Kind::Date => texts(&["2026-11-24", "2024-02-29", "1999-12-31", "1970-01-01", "1931-07-14", "2026-03-29"]),
        Kind::Datetime => texts(&[
            "2026-11-24T09:30:00.000Z",
            "2024-02-29T23:59:59.000Z",
            "1970-01-01T00:00:00.000Z",
            "2026-03-29T01:30:00.000Z",
            "2026-07-01T12:00:00.123Z",
            "1965-05-05T05:05:05.000Z",
        ]),
        Kind::Email => texts(&["a@b.fr", "ann.o'neil+x@sub.example.com", "élise@exemple.fr"]),
        Kind::Phone => texts(&["+33320123456", "+491701234567", "3900", "03 20 12 34 56 poste 12"]),
        Kind::Country => country_codes().map(Value::from).collect(),
        Kind::Currency => texts(&["EUR", "USD", "CHF", "JPY", "GBP"]),
        Kind::VatNumber => texts(&["FR40303265045", "BE0123456789", "DE123456789", "ESX1234567X", "ATU12345678"]),
        Kind::Siren => texts(&["303265045", "732829320", "005880596"]),
        Kind::Enum(values) => values.iter().map(|value| json!(value)).collect(),
        Kind::Ref(_) => texts(&["1", "42", "A-17", "CUST-2026-00001"]),
        Kind::Lines => Vec::new(),
    }
}

const TEXTS: &[&str] = &[
    "Brasserie du Nord",
    "Élodie d’Ørsted & Fils, S.A.R.L.",
    "a<b> \"c\" 'd' &amp; e",
    "deux\nlignes",
    "0123",
    "-1",
    "1,5",
    "true",
    "x;y, z|w",
    "50 %",
    "null",
    "日本 🍺",
];

fn texts(list: &[&str]) -> Vec<Value> {
    list.iter().map(|text| json!(text)).collect()
}

fn numbers(form: fn(i64, u32) -> String, scale: u32) -> Vec<Value> {
    let fixed = [(0, 0), (1, 2), (-1, 2), (20, 0), (55, 1), (-1999, 2), (120_000, 2), (12_345_678_901, 4)];
    // A fixed recurrence instead of chance: the same file must load the same way every time.
    let mut state = 12_345_u64;
    let drawn = std::iter::repeat_with(move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as i64 - (1 << 30), (state >> 20) as u32)
    });
    let drawn = drawn.take(12).map(|(digits, chosen)| (digits, chosen % (scale + 1)));
    fixed.into_iter().chain(drawn).map(|(digits, scale)| Value::from(form(digits, scale))).collect()
}

fn plain_samples(digits: i64, scale: u32) -> String {
    super::plain_decimal(rust_decimal::Decimal::new(digits, scale))
}

fn money_samples(digits: i64, scale: u32) -> String {
    super::money(rust_decimal::Decimal::new(digits, scale))
}
