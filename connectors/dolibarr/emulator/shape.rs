//! Documents as `GET` shows them: the recorded key set of each type, with a row's values laid over it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::money::settled;
use super::store::{Fields, Kind, Row, Store};
use super::values::{decimal, short};

static TEMPLATES: LazyLock<BTreeMap<Kind, Fields>> = LazyLock::new(|| {
    Kind::ALL.into_iter().map(|kind| (kind, serde_json::from_str(recorded(kind)).unwrap_or_default())).collect()
});

fn recorded(kind: Kind) -> &'static str {
    match kind {
        Kind::Party => include_str!("../recorded/thirdparty.json"),
        Kind::Contact => include_str!("contact.json"),
        Kind::Product => include_str!("../recorded/product.json"),
        Kind::Proposal => include_str!("../recorded/proposal.json"),
        Kind::Order => include_str!("../recorded/order.json"),
        Kind::Invoice => include_str!("../recorded/invoice.json"),
    }
}

/// Fields that a row of a type has before anything is set; `-` is null.
fn initial(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::Party => &[
            ("name", "-"),
            ("name_alias", ""),
            ("email", "-"),
            ("phone", "-"),
            ("fax", "-"),
            ("url", "-"),
            ("address", "-"),
            ("zip", "-"),
            ("town", "-"),
            ("country_id", "-"),
            ("country_code", ""),
            ("state_id", "-"),
            ("tva_intra", ""),
            ("idprof1", ""),
            ("idprof2", ""),
            ("idprof3", ""),
            ("idprof4", ""),
            ("tva_assuj", "1"),
            ("client", "0"),
            ("fournisseur", "0"),
            ("code_client", "-"),
            ("status", "1"),
            ("ref_ext", "-"),
            ("note_public", "-"),
            ("note_private", "-"),
            ("cond_reglement_id", "-"),
            ("mode_reglement_id", "-"),
            ("default_lang", "-"),
        ],
        Kind::Contact => &[
            ("lastname", "-"),
            ("firstname", "-"),
            ("civility_code", "-"),
            ("email", "-"),
            ("phone_pro", "-"),
            ("phone_perso", "-"),
            ("phone_mobile", "-"),
            ("poste", "-"),
            ("socid", "-"),
            ("address", "-"),
            ("zip", "-"),
            ("town", "-"),
            ("country_id", "-"),
            ("country_code", ""),
            ("ref_ext", "-"),
            ("note_public", "-"),
            ("note_private", "-"),
            ("birthday", ""),
            ("statut", "1"),
        ],
        Kind::Product => &[
            ("ref", "-"),
            ("label", "-"),
            ("description", ""),
            ("type", "0"),
            ("price", "0.00000000"),
            ("price_ttc", "0.00000000"),
            ("price_base_type", "HT"),
            ("tva_tx", "0.0000"),
            ("status", "0"),
            ("status_buy", "0"),
            ("barcode", "-"),
            ("ref_ext", "-"),
            ("url", "-"),
            ("customcode", ""),
            ("weight", "-"),
            ("accountancy_code_sell", ""),
            ("note_public", "-"),
            ("note_private", "-"),
        ],
        _ => &[
            ("ref", "-"),
            ("socid", "-"),
            ("ref_client", "-"),
            ("ref_ext", "-"),
            ("note_public", "-"),
            ("note_private", "-"),
            ("cond_reglement_id", "-"),
            ("mode_reglement_id", "-"),
            ("multicurrency_code", "EUR"),
            ("multicurrency_tx", "1.00000000"),
            ("statut", "0"),
            ("billed", "0"),
            ("date", "-"),
            ("delivery_date", ""),
            ("type", "0"),
            ("paye", "0"),
            ("close_code", "-"),
            ("close_note", "-"),
            ("date_lim_reglement", "-"),
            ("fk_facture_source", "-"),
            ("date_validation", "-"),
            ("total_ht", "0.00000000"),
            ("total_tva", "0.00000000"),
            ("total_ttc", "0.00000000"),
            ("duree_validite", "-"),
            ("fin_validite", "-"),
            ("date_signature", "-"),
        ],
    }
}

/// A row with nothing set.
pub(super) fn blank(kind: Kind) -> Row {
    let value = |text: &str| if text == "-" { Value::Null } else { json!(text) };
    let mut row = Row::default();
    row.set("id", "0");
    for (name, text) in initial(kind) {
        row.set(name, value(text));
    }
    row
}

/// The document of a row; `links` asks for the linked objects.
pub(super) fn document(store: &Store, kind: Kind, row: &Row, links: bool) -> Value {
    let mut shown = TEMPLATES.get(&kind).cloned().unwrap_or_default();
    let zones = &store.settings.zones;
    for (name, value) in &row.fields {
        if shown.contains_key(name) {
            shown.insert(name.clone(), value.clone());
        }
    }
    let options = if row.options.is_empty() { json!([]) } else { Value::Object(row.options.clone()) };
    shown.insert("array_options".to_owned(), options);
    shown.insert("date_creation".to_owned(), json!(row.created));
    shown.insert("date_modification".to_owned(), json!(zones.modified(row.tms)));
    for day in
        ["date", "date_commande", "datep", "date_lim_reglement", "delivery_date", "date_validation", "fin_validite"]
    {
        let source = if matches!(day, "date_commande" | "datep") { "date" } else { day };
        if !shown.contains_key(day) {
            continue;
        }
        match row.fields.get(source).and_then(Value::as_str).map(|text| (text, zones.midnight(text))) {
            Some((_, Some(midnight))) => _ = shown.insert(day.to_owned(), json!(midnight)),
            Some((text, None)) => _ = shown.insert(day.to_owned(), json!(text)),
            None => {}
        }
    }
    if matches!(kind, Kind::Proposal | Kind::Order | Kind::Invoice) {
        trade(store, kind, row, links, &mut shown);
    }
    match kind {
        Kind::Party => {
            shown.insert("ref".to_owned(), json!(row.text("name")));
            shown.insert("client".to_owned(), json!(row.text("client")));
        }
        Kind::Contact => _ = shown.insert("fk_soc".to_owned(), row.fields.get("socid").cloned().unwrap_or_default()),
        _ => {}
    }
    Value::Object(shown)
}

fn trade(store: &Store, kind: Kind, row: &Row, links: bool, shown: &mut Fields) {
    let linked = if links { store.linked(kind, row.id) } else { Value::Null };
    shown.insert("linkedObjectsIds".to_owned(), linked);
    let template = shown.get("lines").and_then(|lines| lines.get(0)).and_then(Value::as_object).cloned();
    let lines = row.lines.iter().map(|line| {
        let mut shown = template.clone().unwrap_or_default();
        for (name, value) in line {
            shown.insert(name.clone(), value.clone());
        }
        Value::Object(shown)
    });
    shown.insert("lines".to_owned(), lines.collect());
    let state = row.text("statut");
    let state = if kind == Kind::Proposal { json!(state.parse::<i64>().unwrap_or(0)) } else { json!(state) };
    shown.insert("statut".to_owned(), state.clone());
    shown.insert("status".to_owned(), state);
    shown.insert("ref_customer".to_owned(), row.fields.get("ref_client").cloned().unwrap_or_default());
    shown.insert("last_main_doc".to_owned(), Value::Null);
    if kind == Kind::Invoice {
        money_of(store, row, shown);
    }
    if shown.contains_key("online_payment_url") {
        let source = if kind == Kind::Order { "order" } else { "invoice" };
        let url = format!("http://erp.example/public/payment/newpayment.php?source={source}&ref={}", row.text("ref"));
        shown.insert("online_payment_url".to_owned(), json!(url));
    }
}

/// What is paid, credited and left; `totalpaid` is a JSON number, the others are texts or null.
fn money_of(store: &Store, row: &Row, shown: &mut Fields) {
    let (paid, credited) = settled(store, row.id);
    let rest = decimal(row.fields.get("total_ttc")) - paid - credited;
    let number = |amount: Decimal| serde_json::from_str::<Value>(&amount.normalize().to_string()).unwrap_or_default();
    let or_null = |amount: Decimal| {
        if amount.is_zero() { Value::Null } else { super::values::amount(amount) }
    };
    shown.insert("totalpaid".to_owned(), number(paid));
    shown.insert("sumpayed".to_owned(), or_null(paid));
    shown.insert("totalcreditnotes".to_owned(), or_null(credited));
    shown.insert("sumcreditnote".to_owned(), or_null(credited));
    shown.insert("remaintopay".to_owned(), short(rest));
    shown.insert("datem".to_owned(), json!(store.settings.zones.modified(row.tms)));
}
