//! Spreadsheets as a source: customers of a French Excel, an .ods price list, a quote workbook that becomes an order.

use std::fs;
use std::path::Path;

use passerelle_core::http::{HttpWire, Request, Wire};
use rust_decimal::Decimal;
use serde_json::Value;

use crate::{Emulators, Shell};

const CONFIG: &str = r#"
[systems.clients]
connector = "spreadsheet"
path      = "clients-excel-fr.csv"
[systems.prices]
connector = "spreadsheet"
path      = "tarif.ods"
[systems.quotes]
connector = "spreadsheet"
path      = "devis-2026-118.xlsx"
[systems.quotes.quote]
number = "E2"
customer_name = "B3"
customer_vat = "B4"
date = "B6"
status = "E3"
currency = "=EUR"
[systems.quotes.quote.lines]
at = "A10"
columns = { sku = "Référence", description = "Désignation", quantity = "Quantité", unit_price = "Prix unitaire HT", discount = "Remise %", vat = "TVA %" }
[systems.erp]
connector = "dolibarr"
base_url  = "ERP"
api_key   = "${DOLIBARR_KEY}"
[flows.customers]
entity  = "company"
between = ["clients", "erp"]
[flows.products]
entity  = "product"
between = ["prices", "erp"]
[flows.sales]
entity  = "sale"
between = ["quotes", "erp"]
"#;

/// A hub that brings spreadsheets into an emulated Dolibarr.
pub(crate) fn sheets() -> (Shell, Emulators) {
    let shell = Shell::with_hub();
    let emulators = shell.emulate("dolibarr");
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data");
    for file in ["clients-excel-fr.csv", "tarif.ods", "devis-2026-118.xlsx"] {
        fs::copy(data.join(file), shell.path().join(file)).unwrap();
    }
    shell.write("config.toml", &CONFIG.replace("ERP", emulators.address("dolibarr")));
    fs::remove_file(shell.path().join("mappings/contact.toml")).unwrap();
    for (file, owner) in [("company", "clients"), ("sale", "quotes")] {
        let name = format!("mappings/{file}.toml");
        shell.write(&name, &shell.read(&name).replace("\"crm\"", &format!("\"{owner}\"")));
    }
    let company = shell.read("mappings/company.toml");
    shell.write("mappings/company.toml", &format!("{company}\n[create.spreadsheet]\nwhen = false\n"));
    let key = emulators.key("dolibarr").to_owned();
    (shell.set("DOLIBARR_KEY", &key), emulators)
}

async fn orders(emulators: &Emulators) -> Vec<Value> {
    let wire = HttpWire::new(std::time::Duration::from_secs(20)).unwrap();
    let request = Request::get(format!("{}/orders", emulators.address("dolibarr")));
    let answer = wire.call(request.header("DOLAPIKEY", emulators.key("dolibarr"))).await.unwrap();
    match answer.status {
        200 => serde_json::from_slice(&answer.body).unwrap(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn an_accepted_quote_workbook_becomes_one_validated_order() {
    let (shell, emulators) = sheets();
    shell.fails("check", 3, &["ok quotes", "1 quotes", "check --prepare"]);
    shell.fails("plan", 4, &["create erp/thirdparties", "create erp/orders", "then validate"]);
    shell.ok("sync");
    let again = shell.ok("sync");
    assert!(again.out.contains("Nothing to change"), "{again:?}");
    assert!(shell.ok("verify").out.contains("0 differences"));
    let orders = orders(&emulators).await;
    assert_eq!(orders.len(), 1, "{orders:?}");
    assert_eq!(orders[0]["statut"], "1");
    assert_eq!(orders[0]["lines"].as_array().unwrap().len(), 5);
    // VAT is rounded line by line here, as every invoice will do it.
    assert_eq!(totals(&orders[0]), ["3327.43", "658.62", "3986.05"]);
}

#[tokio::test]
async fn an_order_that_is_a_cent_off_the_totals_in_the_workbook_stays_a_draft() {
    let (shell, emulators) = sheets();
    shell.edit("config.toml", "currency = ", "cells = { net = \"G16\", vat = \"G17\", gross = \"G18\" }\ncurrency = ");
    let net = "net(lines, 'quantity', 'unit_price', 'discount')";
    let vat = "net_vat(lines, 'quantity', 'unit_price', 'discount', 'vat')";
    for (computed, cell) in [(net, "net"), (vat, "vat"), (&format!("{net} + {vat}"), "gross")] {
        shell.edit("mappings/sale.toml", &format!("\"{computed}\""), &format!("\"{cell}\""));
    }
    shell.fails("sync", 3, &["wait for a person"]);
    shell.fails("parked list", 0, &["D-2026-118", "658.61", "658.62"]);
    let orders = orders(&emulators).await;
    assert_eq!((orders.len(), orders[0]["statut"].as_str()), (1, Some("0")));
}

/// Net, VAT and gross of an order, to the cent.
fn totals(order: &Value) -> Vec<String> {
    let money = |field| order[field].as_str().unwrap().parse::<Decimal>().unwrap().round_dp(2).to_string();
    ["total_ht", "total_tva", "total_ttc"].into_iter().map(money).collect()
}

#[test]
fn a_csv_of_a_french_excel_brings_customers_into_the_erp() {
    let (shell, _emulators) = sheets();
    shell.edit("mappings/company.toml", "when = \"stage == 'client'\"", "when = true");
    let run = shell.run("plan customers");
    for word in ["Ébénisterie Noël", "Coopérative « La Fabrique »", "postal_code: \"01000\"", "phone: \"+33383276418\""]
    {
        assert!(run.out.contains(word), "{word}: {}", run.out);
    }
    shell.ok("sync customers");
    assert!(shell.ok("verify customers").out.contains("0 differences over 8 records"));
}
