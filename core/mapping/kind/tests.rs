//! The table of normal forms, and that a normal form is its own.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn all() -> Vec<Kind> {
    NAMES
        .iter()
        .map(|name| Kind::parse(name, vec!["won".into(), "open".into()]).unwrap())
        .chain(Kind::parse("ref:company", vec![]))
        .collect()
}

#[test]
fn every_type_has_one_normal_form() {
    for (name, given, normal) in [
        ("text", json!("  a  b "), json!("a  b")),
        ("text", json!("   "), json!(null)),
        ("text", json!(7), json!("7")),
        ("integer", json!("12"), json!(12)),
        ("integer", json!("12.00"), json!(12)),
        ("decimal", json!("20.000"), json!("20")),
        ("decimal", json!(5.5), json!("5.5")),
        ("decimal", json!("-0.0"), json!("0")),
        ("decimal", json!("-1.2E7"), json!("-12000000")),
        ("decimal", json!("5e-3"), json!("0.005")),
        ("money", json!("1200"), json!("1200.00")),
        ("money", json!("0.12500"), json!("0.125")),
        ("money", json!("-3.1"), json!("-3.10")),
        ("boolean", json!("1"), json!(true)),
        ("boolean", json!(false), json!(false)),
        ("date", json!("2026-11-24"), json!("2026-11-24")),
        ("date", json!("2026-11-24T00:00:00.000Z"), json!("2026-11-24")),
        ("datetime", json!("2026-11-24T10:30:00.1239+01:00"), json!("2026-11-24T09:30:00.123Z")),
        ("email", json!(" Ann@X.IO"), json!("ann@x.io")),
        ("phone", json!("03 20 12 34 56"), json!("+33320123456")),
        ("phone", json!("+33 (0)3.20.12.34.56"), json!("+33320123456")),
        ("phone", json!("0049 170 1234567"), json!("+491701234567")),
        ("phone", json!("3900"), json!("3900")),
        ("phone", json!("03 20 12 34 56 poste 12"), json!("03 20 12 34 56 poste 12")),
        ("country", json!("fr"), json!("FR")),
        ("url", json!("HTTP://Www.Alpha.example/"), json!("www.alpha.example")),
        ("url", json!("/"), json!(null)),
        ("url", json!("http://"), json!(null)),
        ("url", json!("https://Alpha.example/Shop?a=B"), json!("https://alpha.example/Shop?a=B")),
        ("currency", json!("eur"), json!("EUR")),
        ("vat_number", json!("fr 40 303.265.045"), json!("FR40303265045")),
        ("siren", json!("303 265 045"), json!("303265045")),
        ("enum", json!("won"), json!("won")),
        ("ref:company", json!(42), json!("42")),
    ] {
        let kind = Kind::parse(name, vec!["won".into()]).unwrap();
        assert_eq!(kind.normal(&given), Ok(normal), "{name} {given}");
    }
}

#[test]
fn what_has_no_normal_form_is_refused() {
    for (name, given) in [
        ("integer", json!("1.5")),
        ("decimal", json!("1,5")),
        ("decimal", json!("1e")),
        ("decimal", json!("1e1.5")),
        ("decimal", json!(true)),
        ("money", json!("12345678901234567890123456789.5")),
        ("boolean", json!("yes")),
        ("date", json!("24/11/2026")),
        ("date", json!("2026-02-30")),
        ("date", json!("2026-11-24T23:30:00Z")),
        ("datetime", json!("2026-11-24")),
        ("email", json!("ann")),
        ("country", json!("XX")),
        ("currency", json!("euro")),
        ("vat_number", json!("FR41303265045")),
        ("vat_number", json!("12")),
        ("siren", json!("303265046")),
        ("enum", json!("lost")),
        ("text", json!(["a"])),
    ] {
        let kind = Kind::parse(name, vec!["won".into()]).unwrap();
        assert!(kind.normal(&given).is_err(), "{name} {given}");
    }
}

#[test]
fn samples_are_normal_forms() {
    for kind in all() {
        for sample in samples(&kind) {
            assert_eq!(kind.normal(&sample), Ok(sample.clone()), "{kind:?}");
        }
    }
}

proptest! {
    #[test]
    fn the_normal_form_of_a_normal_form_is_itself(text in "[-+0-9a-zA-Z .(),@é/:]{0,24}", number in any::<i64>()) {
        for kind in all() {
            for value in [json!(text), json!(number)] {
                if let Ok(once) = kind.normal(&value) {
                    prop_assert_eq!(kind.normal(&once), Ok(once.clone()), "{:?}", kind);
                }
            }
        }
    }

    #[test]
    fn decimals_of_any_scale_keep_their_value(digits in any::<i64>(), scale in 0u32..12) {
        let exact = rust_decimal::Decimal::new(digits, scale);
        for form in [money(exact), plain_decimal(exact)] {
            prop_assert_eq!(decimal(&json!(form)), Ok(exact));
        }
    }
}
