//! `on_delete = "archive"` over the real connectors: what is put away, what stays, what is told, and the limit.

use passerelle_core::http::{HttpWire, Request, Wire};
use serde_json::{Value, json};

use crate::{Emulators, Shell};

/// Customers, contacts and sales between two stand-ins with samples, all in agreement.
fn hub(crm: &str, erp: &str) -> (Shell, Emulators) {
    let (shell, emulators) = prepared(crm, erp);
    let synced = shell.run("sync");
    assert!(synced.out.contains(" created"), "{synced:?}");
    (shell, emulators)
}

/// The same before the first run.
pub(crate) fn prepared(crm: &str, erp: &str) -> (Shell, Emulators) {
    let shell = Shell::new();
    let emulators = shell.emulate(&format!("{crm} {erp}"));
    let [left, right] = [crm, erp].map(|name| emulators.address(name));
    shell.ok(&format!("init --systems crm={crm}@{left},erp={erp}@{right}"));
    for connector in [crm, erp] {
        let line = format!("connector = \"{connector}\"");
        shell.edit("config.toml", &line, &format!("{line}\nrequests_per_second = 1000\nburst = 1000"));
    }
    for entity in ["company", "contact", "sale"] {
        let line = format!("entity  = \"{entity}\"");
        shell.edit("config.toml", &line, &format!("{line}\non_delete = \"archive\"\nmax_deletes_percent = 50"));
    }
    let shell = [
        ("HUBSPOT_TOKEN", "hubspot"),
        ("SALESFORCE_CLIENT_SECRET", "salesforce"),
        ("DOLIBARR_KEY", "dolibarr"),
        ("ERPNEXT_TOKEN", "erpnext"),
    ]
    .into_iter()
    .filter(|(_, connector)| [crm, erp].contains(connector))
    .fold(shell, |shell, (name, connector)| shell.set(name, emulators.key(connector)));
    let shell = shell.set("SALESFORCE_CLIENT_ID", "salesforce-demo-client");
    shell.run("check --prepare");
    (shell, emulators)
}

/// The records that the hub made in a system: what they are made from in the CRM, and their own ids.
fn made(shell: &Shell, resource: &str) -> Vec<(String, String)> {
    let lines = shell.ok("journal export").out;
    let lines = lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let made = lines.filter(|line| line["op"] == "create" && line["resource"] == resource);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    made.map(|line| (text(&line["link"]).rsplit(':').next().unwrap().to_owned(), text(&line["id"]))).collect()
}

/// Whether a third party is open, as Dolibarr itself says.
async fn party_status(emulators: &Emulators, id: &str) -> String {
    let wire = HttpWire::new(std::time::Duration::from_secs(20)).unwrap();
    let request = Request::get(format!("{}/thirdparties/{id}", emulators.address("dolibarr")));
    let answer = wire.call(request.header("DOLAPIKEY", emulators.key("dolibarr"))).await.unwrap();
    serde_json::from_slice::<Value>(&answer.body).unwrap()["status"].as_str().unwrap_or("gone").to_owned()
}

#[tokio::test]
async fn what_is_put_away_in_hubspot_is_closed_in_dolibarr_and_the_other_way_round() {
    let (shell, emulators) = hub("hubspot", "dolibarr");
    let parties = made(&shell, "thirdparties");
    // Customers of whom the sample has no second entry, which would take their place.
    let parked = shell.ok("parked list").out;
    let mut single = parties.into_iter().filter(|(company, _)| !parked.contains(company.as_str()));
    let [(company, party), (other_company, other_party)] = [single.next().unwrap(), single.next().unwrap()];
    emulators.control("hubspot", "archive", &json!({ "type": "companies", "id": company }));
    let words = [&format!("- archive erp/thirdparties/{party}"), "crm/", "was archived", "1 to archive"];
    shell.fails("plan companies --full", 4, &words);
    shell.fails("sync companies --full", 3, &["1 archived"]);
    assert_eq!(party_status(&emulators, &party).await, "0");
    shell.fails(&format!("trace erp thirdparties {party}"), 0, &["put away", "archive erp/thirdparties"]);
    shell.fails("sync companies --full", 3, &["Nothing to change."]);

    let closed = json!({ "type": "thirdparties", "id": other_party, "fields": { "status": "0" } });
    emulators.control("dolibarr", "edit", &closed);
    shell.fails("plan companies", 4, &[&format!("- archive crm/companies/{other_company}"), "was archived"]);
    shell.fails("sync companies", 3, &["1 archived"]);
    let companies = format!("{}/crm/v3/objects/companies", emulators.address("hubspot"));
    for (address, status) in [("", 404), ("?archived=true", 200)] {
        let request = Request::get(format!("{companies}/{other_company}{address}"));
        let request = request.header("Authorization", format!("Bearer {}", emulators.key("hubspot")));
        let wire = HttpWire::new(std::time::Duration::from_secs(20)).unwrap();
        assert_eq!(wire.call(request).await.unwrap().status, status, "{address}");
    }
    shell.fails("sync companies --full", 3, &["Nothing to change."]);
}

#[test]
fn what_a_connector_cannot_put_away_is_told_and_stays() {
    let (shell, emulators) = hub("hubspot", "dolibarr");
    let contact = made(&shell, "contacts")[0].clone();
    let deal = made(&shell, "orders")[0].clone();
    emulators.control("hubspot", "archive", &json!({ "type": "contacts", "id": contact.0 }));
    emulators.control("hubspot", "archive", &json!({ "type": "deals", "id": deal.0 }));
    shell.fails("sync contacts sales --full", 3, &["contacts: ", "sales: ", "1 parked"]);
    let words = [
        &format!("crm/{} was archived, and erp/{} stays: erp cannot put contacts away", contact.0, contact.1),
        &format!("crm/{} was archived, and erp/{} stays: erp cannot put orders away", deal.0, deal.1),
        "decide there, then `passerelle parked drop` this",
    ];
    shell.fails("parked list", 0, &words);
}

#[test]
fn a_plan_over_max_deletes_percent_says_so_and_asks_like_the_run() {
    let (shell, emulators) = hub("hubspot", "dolibarr");
    shell.edit("config.toml", "max_deletes_percent = 50", "max_deletes_percent = 1");
    for (company, _) in &made(&shell, "thirdparties")[..2] {
        emulators.control("hubspot", "archive", &json!({ "type": "companies", "id": company }));
    }
    let words = ["2 of ", "more than max_deletes_percent = 1; none was archived", "raise max_deletes_percent"];
    let plan = shell.fails("plan companies --full", 3, &words);
    assert!(!plan.out.contains("look at `passerelle plan"), "{plan:?}");
    let json = shell.run("--json plan companies --full");
    assert_eq!(json.code, 3);
    assert!(json.json()["plan"]["flows"][0]["over_limit"].as_str().unwrap().contains("max_deletes_percent = 1"));
    shell.fails("sync companies --full", 3, &words);
}

#[test]
fn what_is_deleted_in_salesforce_is_closed_in_dolibarr_by_the_next_run() {
    let (shell, emulators) = hub("salesforce", "dolibarr");
    let (account, party) = made(&shell, "thirdparties")[0].clone();
    emulators.control("salesforce", "delete", &json!({ "type": "Account", "id": account }));
    shell.fails("plan companies", 4, &[&format!("- archive erp/thirdparties/{party}"), "1 to archive"]);
    let synced = shell.run("sync companies");
    assert!(synced.out.contains("1 archived"), "{synced:?}");
}

#[test]
fn what_is_put_away_in_hubspot_is_disabled_in_erpnext() {
    let (shell, emulators) = hub("hubspot", "erpnext");
    let (company, customer) = made(&shell, "customers")[0].clone();
    emulators.control("hubspot", "archive", &json!({ "type": "companies", "id": company }));
    shell.fails("sync companies --full", 3, &["1 archived"]);
    let shown = emulators.control("erpnext", "show", &json!({ "type": "customers", "id": customer }));
    assert_eq!(shown["disabled"], 1, "{shown}");
}

#[test]
fn where_deletions_are_seen_is_told_by_connectors_and_check() {
    let (shell, _emulators) = hub("salesforce", "dolibarr");
    let said = shell.ok("connectors").out;
    let line = |name: &str| said.lines().find(|line| line.trim().starts_with(name)).unwrap().to_owned();
    assert!(line("companies ").contains("changes since a cursor, deletions by `sync --full`"), "{said}");
    assert!(line("Account ").contains("changes and deletions since a cursor"), "{said}");
    let note = "note: [flows.companies] follows deletions in erp only once they are seen: the feed there shows none; \
                `passerelle sync --full` finds them, and so does a webhook that names the record";
    shell.fails("check --offline", 0, &[note]);
    let json = shell.ok("--json check --offline").json();
    assert_eq!(json["notes"].as_array().unwrap().len(), 3, "{json}");
    for _ in 0..3 {
        shell.edit("config.toml", "on_delete = \"archive\"", "on_delete = \"keep\"");
    }
    assert!(!shell.ok("check --offline").out.contains("note:"));
}

#[test]
fn what_was_purged_in_salesforce_before_a_run_saw_it_deleted_is_found_by_a_full_run() {
    let (shell, emulators) = hub("salesforce", "dolibarr");
    let (account, party) = made(&shell, "thirdparties")[0].clone();
    let named = json!({ "type": "Account", "id": account });
    emulators.control("salesforce", "delete", &named);
    emulators.control("salesforce", "purge", &named);
    assert!(!shell.run("plan companies").out.contains("to archive"));
    let words = [&format!("- archive erp/thirdparties/{party}"), &format!("crm/{account} was deleted"), "1 to archive"];
    shell.fails("plan companies --full", 4, &words);
    let synced = shell.run("sync companies --full");
    assert!(synced.out.contains("1 archived"), "{synced:?}");
    assert!(!shell.run("plan companies --full").out.contains("to archive"));
}
