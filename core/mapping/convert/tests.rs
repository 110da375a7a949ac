//! A table of cases for every converter.

use serde_json::json;

use super::*;

/// Converter, native, canonical, native as written back.
fn cases() -> Vec<(&'static str, Value, Value, Value)> {
    let same = |name, native: Value, canonical: Value| (name, native.clone(), canonical, native);
    vec![
        same("bool_text", json!("true"), json!(true)),
        same("bool_text", json!("false"), json!(false)),
        same("flag", json!("1"), json!(true)),
        ("flag", json!(0), json!(false), json!("0")),
        same("cents", json!(120_050), json!("1200.5")),
        ("cents", json!("-1"), json!("-0.01"), json!(-1)),
        same("country_name:en", json!("France"), json!("FR")),
        ("country_name:en", json!("ALLEMAGNE"), json!("DE"), json!("Germany")),
        ("country_name:fr", json!("cote d'ivoire"), json!("CI"), json!("Côte d'Ivoire")),
        ("country_name:fr", json!("usa"), json!("US"), json!("États-Unis")),
        same("date:%d/%m/%Y", json!("24/11/2026"), json!("2026-11-24")),
        same("decimal_comma", json!("1234,50"), json!("1234.50")),
        ("decimal_comma", json!("1\u{202f}234,5"), json!("1234.5"), json!("1234,5")),
        ("decimal_comma", json!("1.234,5"), json!("1234.5"), json!("1234,5")),
        ("decimal_comma", json!("12.5"), json!("12.5"), json!("12,5")),
        ("digits", json!("303 265 045"), json!("303265045"), json!("303265045")),
        same("epoch_seconds", json!(1_764_000_000), json!("2025-11-24T16:00:00.000Z")),
        ("epoch_seconds", json!("-1"), json!("1969-12-31T23:59:59.000Z"), json!(-1)),
        same("epoch_millis", json!(1_764_000_000_123_i64), json!("2025-11-24T16:00:00.123Z")),
        ("html_text", json!("<p>a &amp; b</p><p>c</p>"), json!("a & b\nc"), json!("a &amp; b<br>c")),
        ("html_text", json!("x < y &eacute;&#8364;"), json!("x < y é€"), json!("x &lt; y é€")),
        ("integer_text", json!("12"), json!("12"), json!("12")),
        same("list:;", json!(["a", "b"]), json!("a;b")),
        ("list:;", json!("a"), json!("a"), json!(["a"])),
        same("local_datetime:Europe/Paris", json!("2026-11-24 10:30:00"), json!("2026-11-24T09:30:00.000Z")),
        ("lower", json!("ÉLAN"), json!("élan"), json!("élan")),
        same("number", json!(12.5), json!("12.5")),
        ("number", json!(3), json!("3"), json!(3)),
        same("percent", json!("0.055"), json!("5.5")),
        ("percent", json!("20 %"), json!("20"), json!("0.2")),
        ("text", json!(7), json!("7"), json!("7")),
        ("trim", json!(" a "), json!("a"), json!("a")),
        ("upper", json!("eur"), json!("EUR"), json!("EUR")),
        (
            "whole_seconds",
            json!("2026-11-24T09:30:00.9Z"),
            json!("2026-11-24T09:30:00.000Z"),
            json!("2026-11-24T09:30:00.000Z"),
        ),
        same("yes_no:Oui/Non", json!("Oui"), json!(true)),
        ("yes_no:Oui/Non", json!("NON"), json!(false), json!("Non")),
    ]
}

#[test]
fn every_converter_reads_and_writes_its_cases() {
    for (name, native, canonical, written) in cases() {
        let converter = Converter::parse(name).unwrap_or_else(|(message, _)| panic!("{name}: {message}"));
        assert_eq!(converter.read(&native), Ok(canonical.clone()), "{name} reads {native}");
        assert_eq!(converter.write(&canonical), Ok(written), "{name} writes {canonical}");
    }
}

#[test]
fn every_converter_has_a_case() {
    for (name, _) in ALL {
        assert!(cases().iter().any(|(case, ..)| case.split(':').next() == Some(name)), "{name} has no case");
    }
}

#[test]
fn what_would_be_lost_is_refused() {
    for (name, canonical) in [
        ("cents", json!("0.125")),
        ("epoch_seconds", json!("2026-11-24T09:30:00.123Z")),
        ("number", json!("1234567890123456789.25")),
        ("local_datetime:Europe/Paris", json!("2026-10-25T01:30:00.000Z")),
        ("list:;", json!("a; b")),
        ("flag", json!("yes")),
    ] {
        assert!(Converter::parse(name).ok().unwrap().write(&canonical).is_err(), "{name} {canonical}");
    }
}

#[test]
fn an_unknown_converter_or_argument_says_what_was_meant() {
    for (text, meant) in [
        ("epoch_second", "did you mean `epoch_seconds`?"),
        ("yes_no:Oui", "such as yes_no:Oui/Non"),
        ("date:DD/MM", "such as date:%d/%m/%Y"),
        ("local_datetime:Mars/Olympus", "such as local_datetime:Europe/Paris"),
        ("country_name:de", "country_name:en or country_name:fr"),
    ] {
        let (message, help) = Converter::parse(text).err().unwrap();
        assert!(format!("{message} {}", help.unwrap_or_default()).contains(meant), "{text}: {message}");
    }
}

#[test]
fn every_country_has_one_name_in_each_language() {
    for name in ["country_name:en", "country_name:fr"] {
        let converter = Converter::parse(name).ok().unwrap();
        assert_eq!(country_codes().count(), 249);
        for code in country_codes() {
            let written = converter.write(&json!(code)).unwrap();
            assert_eq!(converter.read(&written), Ok(json!(code)), "{written}");
        }
    }
}
