//! Quote to cash between an emulated Salesforce and an emulated Dolibarr, as a person runs it.

use serde_json::{Value, json};

use crate::{Emulators, Shell};

/// A hub between two stand-ins with the sample company in them.
fn hub() -> (Shell, Emulators) {
    let shell = Shell::new();
    let emulators = shell.emulate("salesforce dolibarr");
    let [crm, erp] = ["salesforce", "dolibarr"].map(|name| emulators.address(name));
    shell.ok(&format!("init --systems crm=salesforce@{crm},erp=dolibarr@{erp}"));
    for connector in ["salesforce", "dolibarr"] {
        let line = format!("connector = \"{connector}\"");
        shell.edit("config.toml", &line, &format!("{line}\nrequests_per_second = 1000\nburst = 1000"));
    }
    let (secret, key) = (emulators.key("salesforce").to_owned(), emulators.key("dolibarr").to_owned());
    let shell = shell.set("SALESFORCE_CLIENT_ID", "salesforce-demo-client");
    (shell.set("SALESFORCE_CLIENT_SECRET", &secret).set("DOLIBARR_KEY", &key), emulators)
}

fn find(emulators: &Emulators, field: &str, value: &str) -> Vec<Value> {
    let by = json!({"type": "Opportunity", "field": field, "value": value});
    emulators.control("salesforce", "find", &by).as_array().unwrap().clone()
}

#[test]
fn won_opportunities_become_orders_equal_to_the_cent_and_payments_come_back() {
    let (shell, emulators) = hub();
    shell.run("check --prepare");
    shell.fails("plan", 4, &["create erp/orders"]);
    shell.fails("sync", 3, &["parked"]);
    let verified = shell.run("verify");
    assert!(verified.out.contains(" 0 differences") || verified.out.contains("0 differences over"), "{verified:?}");
    let by = json!({"type": "Opportunity", "field": "Name", "value": "Agencement de l’atelier de débit"});
    let deal = emulators.control("salesforce", "find", &by)[0].clone();
    let shown = emulators.control("salesforce", "show", &json!({"type": "Opportunity", "id": deal}));
    assert!(shown["ERP_Order_Number__c"].as_str().unwrap().starts_with("CO"), "{shown}");
    assert_eq!(shown["ERP_Invoice_Status__c"], "none");

    let invoice = emulators.control("dolibarr", "invoice_order", &json!({"order": "1", "share": "1"}));
    emulators.control("dolibarr", "pay", &json!({"invoice": invoice["invoice"], "amount": null}));
    shell.run("sync sales");
    let paid = find(&emulators, "ERP_Invoice_Status__c", "paid");
    assert_eq!(paid.len(), 1, "{paid:?}");
    let shown = emulators.control("salesforce", "show", &json!({"type": "Opportunity", "id": paid[0]}));
    assert_eq!((&shown["ERP_Paid__c"], &shown["ERP_Balance_Due__c"]), (&shown["ERP_Invoiced__c"], &json!(0)));
    let again = shell.run("sync");
    assert!(again.out.contains("Nothing to change."), "{again:?}");
}

#[test]
fn what_the_org_lacks_is_listed_and_written_as_a_package() {
    let shell = Shell::new();
    let emulators = shell.emulate("salesforce dolibarr --seed empty");
    let [crm, erp] = ["salesforce", "dolibarr"].map(|name| emulators.address(name));
    shell.ok(&format!("init --systems crm=salesforce@{crm},erp=dolibarr@{erp}"));
    let shell = shell
        .set("SALESFORCE_CLIENT_ID", "salesforce-demo-client")
        .set("SALESFORCE_CLIENT_SECRET", emulators.key("salesforce"))
        .set("DOLIBARR_KEY", emulators.key("dolibarr"));
    let told = shell.run("check");
    assert!(told.out.contains("create the field `ERP_Paid__c` (Currency(16,2)) on Opportunity"), "{told:?}");
    assert!(!shell.path().join("salesforce-package").exists());
    shell.run("check --prepare");
    let manifest = shell.read("salesforce-package/package.xml");
    assert!(manifest.contains("<members>Opportunity.ERP_Paid__c</members>"), "{manifest}");
}
