//! Expressions as a table: what they give on a record.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn native() -> Fields {
    let record = json!({
        "client": "1", "total": "12500.50", "count": 3, "nothing": null, "name": "Brasserie du Nord", "won": true,
        "quote": {"hs_title": "Q1", "amount": "10.10"},
        "line_items": [{"amount": "10.05", "vat_rate": "20"}, {"amount": "0.33", "vat_rate": "5.5"}, {"amount": null}],
        "unrounded": [{"amount": "14.9460", "vat_rate": "10"}],
        "quote_lines": [{"quantity": "1.5", "price": "9.99", "discount": "10", "vat": "20"}, {"quantity": "2", "price": "0.515", "vat": "20"}],
        "at": "2026-11-24T23:30:00Z", "day": "2026-11-24", "numero": "tel 03 20", "text": "a;b"
    });
    record.as_object().unwrap().clone()
}

fn eval(text: &str) -> Value {
    Expr::compile(text, &Scope::Native).unwrap().value(&native()).unwrap()
}

#[test]
fn an_expression_gives_its_value_on_a_record() {
    for (text, value) in [
        ("client in ['1', '3']", json!(true)),
        ("client in [1, 3]", json!(true)),
        ("client not in ['2']", json!(true)),
        ("total > 10000", json!(true)),
        ("total > 12500.49 and total < 12500.51", json!(true)),
        ("total == 12500.5", json!(true)),
        ("total == '12500.50'", json!(true)),
        ("9000 > total", json!(false)),
        ("nothing > 1 or missing < 1", json!(false)),
        ("missing == none and missing is none", json!(true)),
        ("missing.inner.more is none", json!(true)),
        ("quote.hs_title", json!("Q1")),
        ("quote.hs_title ~ '-' ~ client ~ missing", json!("Q1-1")),
        ("line_items[0].amount", json!("10.05")),
        ("sum(line_items, 'amount')", json!("10.38")),
        ("sum(line_items, 'amount', 1)", json!("10.4")),
        ("vat(line_items, 'amount', 'vat_rate')", json!("2.03")),
        // 14.95 at 10 %; of the amount as it is, 14.946, it would be 1.49.
        ("vat(unrounded, 'amount', 'vat_rate')", json!("1.50")),
        ("add(sum(line_items, 'amount'), vat(line_items, 'amount', 'vat_rate'))", json!("12.41")),
        ("net(quote_lines, 'quantity', 'price', 'discount')", json!("14.52")),
        ("net_vat(quote_lines, 'quantity', 'price', 'discount', 'vat')", json!("2.91")),
        ("0.1 + 0.2", json!("0.3")),
        ("total - 0.01", json!("12500.49")),
        ("quote.amount * count", json!("30.30")),
        ("-total", json!("-12500.50")),
        ("div(1, 8) | dec(2)", json!("0.13")),
        ("round(2.675, 2)", json!("2.68")),
        ("min(count, 2, missing)", json!("2")),
        ("max('2026-01-01', day)", json!("2026-11-24")),
        ("default(missing, '20')", json!("20")),
        ("missing | default('x')", json!("x")),
        ("at | date('%Y-%m-%d')", json!("2026-11-24")),
        ("at | date('%Y-%m-%d', 'Europe/Paris')", json!("2026-11-25")),
        ("day | date('%d/%m/%Y')", json!("24/11/2026")),
        ("missing | date('%d/%m/%Y')", json!(null)),
        ("numero | regex('([0-9]+) ([0-9]+)', 2)", json!("20")),
        ("numero | digits | pad(6)", json!("000320")),
        ("name | truncate(9) | upper", json!("BRASSERIE")),
        ("'fr 40 303 265 045' | vat", json!("FR40303265045")),
        ("'03 20 12 34 56' | phone", json!("+33320123456")),
        ("'Allemagne' | iso_country", json!("DE")),
        ("text | split(';') | join('+')", json!("a+b")),
        ("'yes' if won else 'no'", json!("yes")),
        ("not won", json!(false)),
        ("'it\\'s \"é\"'", json!("it's \"é\"")),
        ("1 < count <= 3", json!(true)),
    ] {
        assert_eq!(eval(text), value, "{text}");
    }
}

#[test]
fn faults_are_found_at_load_with_their_place() {
    let fields: Shapes = [("total", Shape::Number), ("status", Shape::Plain)]
        .into_iter()
        .map(|(name, shape)| (name.to_owned(), shape))
        .collect();
    for (text, code, meant, help) in [
        ("totl > 1", "P0121", "totl", "did you mean `total`?"),
        ("status == 'won' and toal > 1", "P0121", "toal", "did you mean `total`?"),
        ("status | uper", "P0122", "uper", "did you mean `upper`?"),
        ("summ(total)", "P0122", "summ", "did you mean `sum`?"),
        ("status ==", "P0120", "==", ""),
        ("status.upper()", "P0120", ".upper()", ""),
        ("status | regex('(')", "P0120", "regex('(')", ""),
        ("status | date('%Q%')", "P0120", "date('%Q%')", ""),
        ("status | date('%Y', 'Europe/Pari')", "P0120", "date('%Y', 'Europe/Pari')", ""),
        ("{'a': 1}", "P0120", "{'a': 1}", ""),
    ] {
        let faults = Expr::compile(text, &Scope::Canonical(&fields)).unwrap_err();
        let fault = &faults[0];
        assert_eq!((fault.code, &text[fault.at.clone()]), (code, meant), "{text}: {}", fault.message);
        assert_eq!(fault.help.clone().unwrap_or_default(), help, "{text}");
    }
}

#[test]
fn the_attributes_that_a_sum_reads_are_names_too() {
    let lines = Shape::Lines(Shapes::from([("quantity".to_owned(), Shape::Number)]));
    let shapes = Shapes::from([("lines".to_owned(), lines)]);
    let faults = Expr::compile("sum(lines, 'quantty') > 1", &Scope::Canonical(&shapes)).unwrap_err();
    assert_eq!((faults[0].code, faults[0].at.clone()), ("P0121", 11..20));
    assert_eq!(faults[0].help.as_deref(), Some("did you mean `quantity`?"));
    let expr = Expr::compile("vat(line_items, 'amount', 'vat_rate') + quote.fee", &Scope::Native).unwrap();
    assert_eq!(expr.paths(), ["line_items.amount", "line_items.vat_rate", "line_items", "quote.fee"]);
}

#[test]
fn two_faults_come_at_once() {
    let fields = BTreeMap::new();
    let faults = Expr::compile("a > 1 and b | nope", &Scope::Canonical(&fields)).unwrap_err();
    assert_eq!(faults.len(), 3, "{faults:?}");
}

#[test]
fn canonical_numbers_are_exact_and_nothing_cannot_be_compared() {
    let fields = BTreeMap::from([("total".to_owned(), Shape::Number)]);
    let expr = Expr::compile("total > 10000", &Scope::Canonical(&fields)).unwrap();
    let of = |total: Value| expr.holds(json!({"total": total}).as_object().unwrap());
    assert_eq!(of(json!("10000.01")), Ok(true));
    assert_eq!(of(json!("9999.99")), Ok(false));
    assert!(of(json!(null)).unwrap_err().contains("default(field, 0)"));
}

#[test]
fn an_expression_cannot_run_for_ever_or_eat_the_memory() {
    let sum_of = |terms: usize| format!("{} 1", "1 + ".repeat(terms));
    assert_eq!(eval(&sum_of(40)), json!("41"));
    for text in [
        sum_of(60),
        sum_of(499),
        "(".repeat(1900),
        "[".repeat(1900),
        "-".repeat(1900),
        "not ".repeat(450) + "x",
        "x".to_owned() + &".a".repeat(900),
        "x".to_owned() + &"[0]".repeat(600),
        "x".to_owned() + &"|trim".repeat(300),
        "x if y else ".repeat(150) + "z",
        "x".repeat(2001),
    ] {
        let compiled = Expr::compile(&text, &Scope::Native);
        assert!(compiled.is_err() || text.starts_with("x.a"), "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_compiler_panic(text in "[a-z0-9'\"()|.,+*/~<>=! \\[\\]{}%-]{0,40}") {
        if let Ok(expr) = Expr::compile(&text, &Scope::Native) {
            let _ = expr.value(&native());
        }
    }
}
