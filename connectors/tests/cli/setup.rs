//! `setup`: shown, made, shown again, taken away; what it may not make, and what it leaves alone.

use serde_json::{Value, json};

use crate::serve::http;
use crate::{Emulators, Shell, TWO_LISTS};

/// A hub between stand-ins of a CRM and an ERP, as fast as they answer.
fn hub(crm: &str, erp: &str, seed: &str) -> (Shell, Emulators) {
    let shell = Shell::new();
    let emulators = shell.emulate(&format!("{crm} {erp}{seed}"));
    let [crm_at, erp_at] = [crm, erp].map(|name| emulators.address(name));
    shell.ok(&format!("init --systems crm={crm}@{crm_at},erp={erp}@{erp_at}"));
    for connector in [crm, erp] {
        let line = format!("connector = \"{connector}\"");
        shell.edit("config.toml", &line, &format!("{line}\nrequests_per_second = 1000\nburst = 1000"));
    }
    let keys = [crm, erp].map(|name| emulators.key(name).to_owned());
    let shell = shell.set("HUBSPOT_TOKEN", &keys[0]).set("SALESFORCE_CLIENT_SECRET", &keys[0]);
    let shell = shell.set("SALESFORCE_CLIENT_ID", "salesforce-demo-client");
    (shell.set("DOLIBARR_KEY", &keys[1]).set("ERPNEXT_TOKEN", &keys[1]), emulators)
}

/// Lets vendors call the hub, with a secret in the ERP's section.
fn with_webhooks(shell: &Shell, erp: &str) {
    shell.edit("config.toml", "# [serve] ", "[serve]\npublic_url = \"https://hub.example.com/\"\n# ");
    let line = format!("connector = \"{erp}\"");
    shell.edit("config.toml", &line, &format!("{line}\nwebhook_secret = \"s3cret of the hub, 20+\""));
}

/// The states of a system's things, by name.
fn states(shell: &Shell, command: &str) -> Vec<(String, String)> {
    let json = shell.run(&format!("--json {command}")).json();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let things = json["things"].as_array().unwrap();
    things.iter().map(|thing| (text(&thing["thing"]), text(&thing["state"]))).collect()
}

fn state_of(states: &[(String, String)], thing: &str) -> String {
    let found = states.iter().find(|(name, _)| name == thing);
    found.unwrap_or_else(|| panic!("{thing} is not among {states:?}")).1.clone()
}

#[test]
fn properties_are_shown_made_once_and_archived_again() {
    let (shell, _emulators) = hub("hubspot", "dolibarr", "");
    let said = ["to create  deals.erp_paid", "exists     companies.siren", "To make them: passerelle setup crm"];
    shell.fails("setup crm --plan", 4, &said);
    assert!(!shell.path().join("state").exists(), "a plan writes nothing");
    shell.fails("setup crm --plan", 4, &said);
    shell.fails("setup crm", 0, &["created  deals.erp_paid", "created  companies.hub_external_id"]);
    shell.fails("setup crm", 0, &["exists  deals.erp_paid", "Nothing to do."]);
    shell.fails("setup crm --plan", 0, &["Nothing to do."]);
    let checked = shell.run("--json check").json();
    assert_eq!(checked["systems"][0]["preparations"], json!([]), "{checked}");

    let said = ["to take away  deals/erp_paid", "kept          companies/siren", "the hub did not make it"];
    shell.fails("setup crm --remove --plan", 4, &said);
    assert_eq!(state_of(&states(&shell, "setup crm --plan"), "deals/erp_paid"), "there");
    let removed = states(&shell, "setup crm --remove");
    assert_eq!(state_of(&removed, "deals/hub_external_id"), "removed");
    assert_eq!(state_of(&removed, "companies/siren"), "kept");
    let said =
        ["kept  companies/siren", "Nothing to take away: this state folder notes nothing that the hub made there."];
    shell.fails("setup crm --remove", 0, &said);
    let archived = "`erp_paid` on deals is archived: restore it in HubSpot";
    shell.fails("setup crm --plan", 0, &["by hand", archived]);
    shell.fails("setup crm", 3, &["by hand", archived]);
}

#[test]
fn a_failure_in_the_middle_says_what_was_made_and_the_next_run_goes_on() {
    let (shell, emulators) = hub("hubspot", "dolibarr", "");
    let token = emulators.key("hubspot");
    let limit = |scopes: &[&str]| emulators.control("hubspot", "settings", &json!({"scopes": {token: scopes}}));
    let (companies, contacts) = ("crm.schemas.companies.write", "crm.schemas.contacts.write");
    let deals = "crm.schemas.deals.write";
    let reads = ["crm.objects.companies.read", "crm.objects.contacts.read", "crm.objects.deals.read", "e-commerce"];
    let with = |more: &[&str]| _ = limit(&[&reads[..], more].concat());
    with(&[companies, contacts]);
    let said = [
        "created    companies.hub_external_id",
        "created    contacts.hub_external_id",
        "to create  deals.hub_external_id",
        "to create  products.hub_external_id",
        "error: the token may not create properties",
        deals,
        "What was made stays.",
    ];
    shell.fails("setup crm", 1, &said);
    let json = shell.run("--json setup crm").json();
    assert_eq!(json["error"]["kind"], "denied", "{json}");
    let mine = states(&shell, "setup crm --remove --plan");
    assert_eq!(state_of(&mine, "companies/hub_external_id"), "would_remove");
    assert!(
        !mine.iter().any(|(thing, _)| thing.starts_with("deals/hub")),
        "what was refused is not the hub's: {mine:?}"
    );
    with(&[companies, contacts, deals]);
    let said =
        ["exists   companies.hub_external_id", "created  deals.hub_external_id", "created  products.hub_external_id"];
    shell.fails("setup crm", 0, &said);

    with(&[companies, deals]);
    let said = [
        "taken away    companies/hub_external_id",
        "to take away  deals/erp_paid",
        "may not archive properties",
        contacts,
    ];
    shell.fails("setup crm --remove", 1, &said);
    with(&[companies, contacts, deals]);
    let rest = states(&shell, "setup crm --remove");
    assert_eq!(state_of(&rest, "deals/erp_paid"), "removed");
    assert!(!rest.iter().any(|(thing, _)| thing == "companies/hub_external_id"), "{rest:?}");
}

/// A site that refuses the second of three fields of customers for the name that the mapping gives it.
fn with_a_field_that_is_refused() -> (Shell, Emulators) {
    let (shell, emulators) = hub("hubspot", "erpnext", "");
    let odd = "[fields.nickname]\nerpnext = \"nick-name\"\n[fields.origin]\nerpnext = \"origin\"\n[fields.siren]";
    shell.edit("mappings/company.toml", "[fields.siren]", odd);
    (shell, emulators)
}

#[test]
fn what_was_made_before_a_refusal_is_the_hubs_own_whoever_made_it() {
    for (command, code) in [("setup erp", 1), ("check --prepare", 1), ("sync companies", 3)] {
        let (shell, _emulators) = with_a_field_that_is_refused();
        let said = "Fieldname nick-name cannot have special characters like \"-\"";
        let run = shell.run(command);
        assert!(run.code == code && format!("{}{}", run.out, run.err).contains(said), "{command}: {run:?}");
        let mine = states(&shell, "setup erp --remove --plan");
        assert_eq!(state_of(&mine, "Custom Field/Customer-hub_external_id"), "would_remove", "{command}: {mine:?}");
        for never in ["nick-name", "origin"] {
            assert!(!mine.iter().any(|(thing, _)| thing.contains(never)), "{command}: {mine:?}");
        }
        let removed = states(&shell, "setup erp --remove");
        assert_eq!(state_of(&removed, "Custom Field/Customer-hub_external_id"), "removed", "{command}");
        let again = states(&shell, "setup erp --plan");
        assert_eq!(state_of(&again, "Custom Field/Customer-hub_external_id"), "would_create", "{command}");
    }
}

#[test]
fn without_the_state_folder_nothing_is_taken_away_and_a_person_is_told_what_to_delete() {
    let (shell, _emulators) = hub("hubspot", "erpnext", "");
    with_webhooks(&shell, "erpnext");
    shell.fails("setup erp", 0, &["created  customers.hub_external_id", "created  webhook of Item"]);
    std::fs::remove_dir_all(shell.path().join("state")).unwrap();
    let own = "looks like a hub's own, but this state folder does not say that it made it";
    let said = [
        "kept  Custom Field/Customer-hub_external_id",
        "kept  Custom Field/Customer-siren",
        "kept  Webhook/passerelle-erp-item",
        own,
        "Nothing to take away: this state folder notes nothing that the hub made there.",
        "delete by hand in erp what looks like a hub's own",
    ];
    shell.fails("setup erp --remove", 0, &said);
    let things = shell.run("--json setup erp --remove").json()["things"].clone();
    let how = |thing: &str| {
        let found = things.as_array().unwrap().iter().find(|one| one["thing"] == thing);
        found.unwrap_or_else(|| panic!("{things}"))["how"].as_str().unwrap().to_owned()
    };
    assert_eq!(how("Custom Field/Customer-hub_external_id"), own);
    assert_eq!(how("Webhook/passerelle-erp-item"), own);
    assert_eq!(how("Custom Field/Customer-siren"), "the hub did not make it");
    shell.fails("setup erp --plan", 0, &["exists  customers.hub_external_id", "Nothing to do."]);
}

#[test]
fn a_property_of_another_type_is_told_and_left_as_it_is() {
    let (shell, emulators) = hub("hubspot", "dolibarr", "");
    // What `check` prepares is the hub's own as well.
    shell.ok("check --prepare");
    let mine = states(&shell, "setup crm --remove --plan");
    assert_eq!(state_of(&mine, "deals/erp_order_number"), "would_remove");
    let text = shell.read("mappings/sale.toml").replace("erp_order_number", "erp_shipped");
    shell.write("mappings/sale.toml", &text);
    let other = json!({
        "groupName": "passerelle", "name": "erp_shipped", "label": "Shipped", "type": "date", "fieldType": "date",
    });
    let url = format!("{}/crm/properties/2026-09/deals", emulators.address("hubspot"));
    let bearer = format!("Bearer {}", emulators.key("hubspot"));
    let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
    assert_eq!(http("POST", &url, &headers, &other.to_string()).0, 201);
    let clash =
        "`erp_shipped` is there as date, and the mapping writes string: map another property, or archive this one";
    shell.fails("setup crm --plan", 0, &["by hand", clash]);
    shell.fails("setup crm", 3, &["by hand", clash]);
    let shown = http("GET", &format!("{url}/erp_shipped"), &headers[1..], "").1;
    assert_eq!(serde_json::from_str::<Value>(&shown).unwrap()["type"], "date");
    let removed = states(&shell, "setup crm --remove");
    assert_eq!(state_of(&removed, "deals/erp_order_number"), "removed", "no mapping names it any more");
    assert!(!removed.iter().any(|(thing, _)| thing == "deals/erp_shipped"), "{removed:?}");
}

#[test]
fn extrafields_and_the_webhook_target_are_made_by_an_administrator_and_told_to_others() {
    let (shell, emulators) = hub("hubspot", "dolibarr", "");
    with_webhooks(&shell, "dolibarr");
    let settings = |settings: Value| emulators.control("dolibarr", "settings", &settings);
    settings(json!({"denied": ["admin", "webhook:write"]}));
    let said = ["by hand", "as an administrator of Dolibarr, create", "has no right to make webhook targets"];
    let refused = shell.fails("setup erp", 3, &said);
    assert!(!format!("{refused:?}").contains("s3cret"), "{refused:?}");
    settings(json!({"denied": [], "off": ["webhook"]}));
    shell.fails("setup erp --plan", 4, &["enable Webhook in Home > Setup > Modules"]);
    settings(json!({"off": []}));
    let target = "a non-blocking webhook target that calls https://hub.example.com/hooks/erp";
    shell.fails("setup erp --plan", 4, &["to create  webhook", target]);
    shell.fails("setup erp", 0, &["created  orders.array_options.options_passerelle_id", "created  webhook"]);
    shell.fails("setup erp", 0, &["exists  webhook", "Nothing to do."]);

    let headers = [("DOLAPIKEY", emulators.key("dolibarr"))];
    let (status, shown) = http("GET", &format!("{}/webhook/1", emulators.address("dolibarr")), &headers, "");
    assert_eq!(status, 200);
    let target: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!((&target["type"], &target["status"]), (&json!("1"), &json!("1")));
    assert_eq!(target["url"], "https://hub.example.com/hooks/erp?secret=s3cret+of+the+hub%2C+20%2B");
    assert!(target["trigger_codes"].as_str().unwrap().contains("ORDER_VALIDATE"), "{shown}");
    shell.edit("config.toml", "20+", "another");
    shell.fails("setup erp", 3, &["webhook target 1 is there; the secret in its address is not `webhook_secret`"]);

    settings(json!({"denied": ["webhook:delete"]}));
    let said = ["taken away  commande/passerelle_id", "by hand     webhook https://hub", "delete it in Dolibarr"];
    shell.fails("setup erp --remove", 3, &said);
    settings(json!({"denied": []}));
    let last = states(&shell, "setup erp --remove");
    assert_eq!(last, [("webhook https://hub.example.com/hooks/erp".to_owned(), "removed".to_owned())]);
    let again = states(&shell, "setup erp --plan");
    assert_eq!(again.iter().filter(|(_, state)| state == "would_create").count(), 5, "{again:?}");
}

#[test]
fn what_a_lost_answer_made_is_known_as_the_hubs_own() {
    let (shell, emulators) = hub("hubspot", "dolibarr", "");
    with_webhooks(&shell, "dolibarr");
    let lost = |on: &str| emulators.control("dolibarr", "faults", &json!({"drop-after": 1, "times": 1, "on": on}));
    // Asked for again, it is there: nobody else made it.
    lost("POST /setup/extrafields/commande");
    shell.fails("setup erp --plan", 4, &["to create  orders.array_options.options_passerelle_id"]);
    let made = states(&shell, "setup erp");
    assert_eq!(state_of(&made, "commande/passerelle_id"), "created");
    let hook = "webhook https://hub.example.com/hooks/erp";
    assert_eq!(state_of(&made, hook), "created");
    shell.ok("setup erp --remove");
    // Not asked for again, because that would make a second one: the look afterwards sees it.
    lost("POST /webhook");
    let made = shell.fails("setup erp", 1, &["created  webhook", "What was made stays."]);
    assert!(!format!("{made:?}").contains("s3cret"), "{made:?}");
    shell.fails("setup erp", 0, &["exists  webhook", "Nothing to do."]);
    assert_eq!(state_of(&states(&shell, "setup erp --remove"), hook), "removed");
}

#[test]
fn custom_fields_and_webhooks_of_a_site_are_made_and_deleted() {
    let (shell, emulators) = hub("hubspot", "erpnext", "");
    with_webhooks(&shell, "erpnext");
    let at = |command: &str, arguments: Value| emulators.control("erpnext", command, &arguments);
    at("settings", json!({"denied": ["Custom Field:create", "Webhook:read"]}));
    let said =
        ["as a System Manager of ERPNext, open Custom Field > Add", "open Webhook > Add: DocType \"Sales Order\""];
    shell.fails("setup erp", 3, &said);
    at("settings", json!({"denied": []}));
    let custom = json!({"dt": "Customer", "fieldname": "siren", "label": "SIREN", "fieldtype": "Date"});
    at("create", json!({"type": "Custom Field", "fields": custom}));
    let clash = "the field siren of Customer is there as Date, and the hub writes Data";
    shell.fails("setup erp --plan", 4, &[clash, "to create  orders.hub_external_id"]);
    shell.fails("setup erp", 3, &["created  orders.hub_external_id", "created  webhook of Sales Invoice"]);
    let siren = json!({"type": "Custom Field", "id": "Customer-siren"});
    assert_eq!(at("show", siren.clone())["fieldtype"], "Date");
    at("delete", siren);
    shell.fails("setup erp", 0, &["created  customers.siren", "exists   orders.hub_external_id"]);
    shell.fails("setup erp", 0, &["Nothing to do."]);

    at("settings", json!({"denied": ["Custom Field:delete"]}));
    let said = [
        "as a System Manager of ERPNext, delete the Custom Field Customer-siren",
        "taken away  Webhook/passerelle-erp-item",
    ];
    shell.fails("setup erp --remove", 3, &said);
    at("settings", json!({"denied": []}));
    let rest = states(&shell, "setup erp --remove");
    assert_eq!(state_of(&rest, "Custom Field/Customer-siren"), "removed");
    assert!(rest.iter().all(|(_, state)| state == "removed"), "{rest:?}");
    shell.fails("setup erp --plan", 4, &["to create  customers.siren", "to create  webhook of Item"]);
}

#[test]
fn what_was_taken_away_is_made_again_before_the_next_write() {
    let (shell, emulators) = hub("hubspot", "dolibarr", "");
    shell.run("sync");
    let order = "commande/passerelle_id";
    let mine = states(&shell, "setup erp --remove --plan");
    assert_eq!(state_of(&mine, order), "would_remove", "what a run prepared is the hub's own: {mine:?}");
    shell.ok("setup erp --remove");
    assert_eq!(state_of(&states(&shell, "setup erp --plan"), order), "would_create");
    let open = json!({"type": "deals", "property": "dealstage", "value": "contractsent"});
    let deal = emulators.control("hubspot", "find", &open)[0].clone();
    emulators.control("hubspot", "settings", &json!({"search_lag_seconds": 0}));
    emulators.control("hubspot", "win_deal", &json!({"id": deal}));
    let won = shell.run("sync sales");
    assert!(won.out.contains("created"), "{won:?}");
    assert_eq!(state_of(&states(&shell, "setup erp --plan"), order), "there");
}

#[test]
fn an_org_gets_a_package_and_the_steps_that_no_call_can_make() {
    let (shell, _emulators) = hub("salesforce", "dolibarr", " --seed empty");
    shell.edit("config.toml", "# [serve] ", "[serve]\npublic_url = \"https://hub.example.com\"\n# ");
    let said = [
        "by hand    Opportunity.ERP_Paid__c",
        "`passerelle setup` writes a package in `salesforce-package`",
        "make sure  webhook",
        "set `organization_id` and `webhook_secret`; on each of Account, Contact, Opportunity",
    ];
    shell.fails("setup crm --plan", 0, &said);
    assert!(!shell.path().join("salesforce-package").exists());
    shell.fails(
        "setup crm",
        3,
        &["the package in `salesforce-package` beside config.toml creates it: sf project deploy"],
    );
    assert!(shell.read("salesforce-package/package.xml").contains("<members>Opportunity.ERP_Paid__c</members>"));
    shell.fails("setup crm --remove", 0, &["the hub made nothing there"]);
}

const CUSTOMER: &str = r#"entity = "customer"
label = "code"
match = ["code"]
[on.spreadsheet]
resource = "rows"
[fields.code]
spreadsheet = "code"
[fields.city]
spreadsheet = "city"
[create.left]
when = false
"#;

#[test]
fn a_sheet_gets_the_hubs_column_where_rows_are_created_and_loses_it_again() {
    let shell = Shell::new();
    shell.write("config.toml", TWO_LISTS);
    shell.write("mappings/customer.toml", CUSTOMER);
    shell.write("left.csv", "code;city\nC1;Lille\nC2;Lyon\n");
    shell.write("right.csv", "code;town\nC1;Lille\n");
    let left = shell.fails("setup left", 0, &["exists  rows.city", "Nothing to do."]);
    assert!(!left.out.contains("hub_external_id"), "no row is created there: {left:?}");
    let said = ["to create  rows.hub_external_id", "by hand    rows.city", "add a column with the header \"city\""];
    shell.fails("setup right --plan", 4, &said);
    assert_eq!(shell.read("right.csv"), "code;town\nC1;Lille\n");
    shell.fails("setup right", 3, &["created  rows.hub_external_id", "by hand  rows.city"]);
    shell.edit("right.csv", "town", "city");
    shell.fails("setup right", 0, &["exists  rows.hub_external_id", "Nothing to do."]);
    shell.ok("sync");
    assert!(shell.read("right.csv").contains("C2;Lyon;customer:"), "{}", shell.read("right.csv"));
    shell.fails("setup right --remove", 0, &["taken away  rows/hub_external_id", "kept        rows/city"]);
    assert_eq!(shell.read("right.csv"), "code;city;\nC1;Lille;\nC2;Lyon;\n");
}

#[test]
fn a_system_that_needs_nothing_and_one_that_is_not_there_are_told() {
    let shell = Shell::new();
    let lines = "lines = { at = \"A10\", columns = { sku = \"Code\" } }";
    let quotes = format!("path = \"devis/*.xlsx\"\n[systems.right.quote]\nnumber = \"E2\"\n{lines}");
    shell.write("config.toml", &TWO_LISTS.replace("path      = \"right.csv\"\nkey       = \"code\"", &quotes));
    let reads = "[on.right]\nresource = \"quotes\"\n[create.right]\nwhen = false\n[create.left]";
    let reads = CUSTOMER.replace("[create.left]", reads).replace("\"code\"\n[", "\"code\"\nright = \"number\"\n[");
    shell.write("mappings/customer.toml", &reads);
    shell.write("left.csv", "code;city\nC1;Lille\n");
    let told = shell.run("setup right --plan");
    assert_eq!((told.code, told.out.as_str()), (0, "right: nothing to set up\n"), "{told:?}");
    shell.fails("setup nope", 2, &["there is no system `nope`; there are left, right"]);
    shell.fails("setup", 2, &["<SYSTEM>"]);
}
