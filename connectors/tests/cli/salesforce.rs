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
    shell.ok("check --offline");
    assert!(!shell.path().join("salesforce-package").exists());
    let words = [
        "create the field `ERP_Paid__c` (Currency(16,2)) on Opportunity",
        "the package in `salesforce-package` beside config.toml creates it: sf project deploy start",
    ];
    shell.fails("check", 3, &words);
    let manifest = shell.read("salesforce-package/package.xml");
    assert!(manifest.contains("<members>Opportunity.ERP_Paid__c</members>"), "{manifest}");
    let object = shell.read("salesforce-package/objects/Opportunity.object");
    let mine = object.replace("<scale>2</scale>", "<scale>4</scale>");
    shell.write("salesforce-package/objects/Opportunity.object", &mine);
    shell.fails("check", 3, &["creates it otherwise, and was left as it is: delete the field there"]);
    assert_eq!(shell.read("salesforce-package/objects/Opportunity.object"), mine);
    shell.write("salesforce-package/package.xml", "mine");
    let words = "the package in `salesforce-package` beside config.toml cannot be written: package.xml is no Package";
    shell.fails("check", 3, &[words]);
}

/// The mapping of the connector's README.
fn recipe() -> &'static str {
    let readme = include_str!("../../salesforce/README.md");
    let mut blocks = readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    blocks.find(|block| block.starts_with("entity = \"invoicing\"")).unwrap()
}

#[test]
fn invoices_and_payments_are_kept_on_a_custom_object_as_the_readme_says() {
    let (shell, emulators) = hub();
    shell.edit("config.toml", "client_id", "objects = [\"Invoice__c\"]\nclient_id");
    let flow = "\n[flows.invoices]\nentity = \"invoicing\"\nbetween = [\"crm\", \"erp\"]\nevery = \"5m\"\n";
    shell.write("config.toml", &format!("{}{flow}", shell.read("config.toml")));
    shell.write("mappings/invoicing.toml", recipe());
    let words = [
        "Invoice__c.object: create the custom object `Invoice__c`",
        "create the field `Amount_Due__c` (Currency(16,2)) on Invoice__c",
        "create the field `Opportunity__c` (Lookup(Opportunity)) on Invoice__c",
    ];
    shell.fails("check", 3, &words);
    let object = shell.read("salesforce-package/objects/Invoice__c.object");
    assert!(object.contains("<fullName>Amount_Due__c</fullName>") && object.contains("<nameField>"), "{object}");
    assert!(
        object.contains("<fullName>Account__c</fullName>") && object.contains("<referenceTo>Account</"),
        "{object}"
    );

    let fields = [
        "Hub_External_Id__c string 255 externalid unique",
        "Opportunity__c reference to=Opportunity",
        "Account__c reference to=Account",
        "Invoice_Numbers__c string 255",
        "Status__c picklist restricted values=none|draft|unpaid|partly_paid|paid|overdue|credited",
        "Amount__c currency 18,2",
        "Paid__c currency 18,2",
        "Amount_Due__c currency 18,2",
        "Due_Date__c date",
        "Paid_At__c date",
    ];
    let fields = fields.map(|field| format!("Invoice__c.{field}"));
    emulators.control("salesforce", "deploy", &json!({"objects": ["Invoice__c"], "fields": fields}));
    let ready = shell.run("check");
    assert!(!ready.out.contains("Invoice__c"), "{ready:?}");

    shell.fails("sync", 3, &["parked"]);
    let records = |status: &str| -> Vec<Value> {
        let by = json!({"type": "Invoice__c", "field": "Status__c", "value": status});
        let ids = emulators.control("salesforce", "find", &by);
        let show = |id: &Value| emulators.control("salesforce", "show", &json!({"type": "Invoice__c", "id": id}));
        ids.as_array().unwrap().iter().map(show).collect()
    };
    let before = records("unpaid").len();
    let order = json!({"order": "1", "share": "1"});
    let invoice = emulators.control("dolibarr", "invoice_order", &order)["invoice"].clone();
    shell.run("sync sales invoices");
    assert_eq!(records("unpaid").len(), before + 1);
    emulators.control("dolibarr", "pay", &json!({"invoice": invoice, "amount": null}));
    shell.run("sync sales invoices");
    let [paid] = records("paid").try_into().unwrap();
    assert_eq!(records("unpaid").len(), before);
    let deal = json!({"type": "Opportunity", "id": paid["Opportunity__c"]});
    let deal = emulators.control("salesforce", "show", &deal);
    for (mine, theirs) in [
        ("Name", "ERP_Order_Number__c"),
        ("Account__c", "AccountId"),
        ("Paid__c", "ERP_Paid__c"),
        ("Amount__c", "ERP_Invoiced__c"),
        ("Paid_At__c", "ERP_Last_Payment_Date__c"),
    ] {
        assert!(!paid[mine].is_null() && paid[mine] == deal[theirs], "{mine}: {paid} {deal}");
    }
    assert_eq!(paid["Amount_Due__c"], json!(0));
    let verified = shell.run("verify invoices");
    assert!(verified.out.contains("0 differences over"), "{verified:?}");
    let again = shell.run("sync sales invoices");
    assert!(again.out.contains("Nothing to change."), "{again:?}");
}
