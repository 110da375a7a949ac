//! A list of customers that grows into an emulated Salesforce by bulk jobs, whose answers are lost one after the other.

use std::fs;

use serde_json::{Value, json};

use crate::{Emulators, Shell};

const CONFIG: &str = r#"
[systems.erp]
connector = "spreadsheet"
path      = "clients.csv"
[systems.crm]
connector         = "salesforce"
base_url          = "CRM"
client_id         = "salesforce-demo-client"
client_secret     = "${SALESFORCE_CLIENT_SECRET}"
bulk_writes_above = 3
[flows.customers]
entity  = "company"
between = ["erp", "crm"]
"#;

/// Each call of a job.
const CALLS: [&str; 6] = [
    "POST /jobs/ingest",
    "PUT /jobs/ingest",
    "PATCH /jobs/ingest",
    "GET /jobs/ingest",
    "GET /successfulResults",
    "GET /failedResults",
];
/// New customers of a round; the last one is refused by the org.
const NEW: usize = 6;
/// A town that the org's validation rule refuses.
const REFUSED: &str = "Nulle part";

fn hub() -> (Shell, Emulators) {
    let shell = Shell::with_hub();
    let emulators = shell.emulate("salesforce");
    shell.write("config.toml", &CONFIG.replace("CRM", emulators.address("salesforce")));
    for entity in ["contact", "product", "sale"] {
        fs::remove_file(shell.path().join(format!("mappings/{entity}.toml"))).unwrap();
    }
    let company = shell.read("mappings/company.toml");
    let company = company.replace("[create.salesforce]\nwhen = false", "[create.salesforce]\nwhen = true");
    shell.write("mappings/company.toml", &format!("{company}\n[create.spreadsheet]\nwhen = false\n"));
    let deploy = json!({"fields": ["Account.Hub_External_Id__c string 255 externalid unique"]});
    emulators.control("salesforce", "deploy", &deploy);
    emulators.control("salesforce", "settings", &json!({"marker": REFUSED}));
    let secret = emulators.key("salesforce").to_owned();
    (shell.set("SALESFORCE_CLIENT_SECRET", &secret), emulators)
}

/// The list as it is in a round: all customers so far, each with the telephone of this round.
fn list(round: usize) -> String {
    let mut text = "Code client;Raison sociale;E-mail;Téléphone;Code postal;Ville;Pays\n".to_owned();
    for at in 0..(round + 1) * NEW {
        let town = if at % NEW == NEW - 1 { REFUSED } else { "Lille" };
        text += &format!("C{at:03};Atelier {at};a{at}@atelier.example;+332000{round:02}{at:03};59000;{town};France\n");
    }
    text
}

fn accounts(emulators: &Emulators, at: usize) -> Vec<Value> {
    let by = json!({"type": "Account", "field": "Name", "value": format!("Atelier {at}")});
    emulators.control("salesforce", "find", &by).as_array().unwrap().clone()
}

#[test]
fn a_list_goes_into_the_crm_by_jobs_and_a_lost_answer_of_any_call_neither_loses_nor_doubles_a_customer() {
    let (shell, emulators) = hub();
    for (round, call) in CALLS.into_iter().enumerate() {
        shell.write("clients.csv", &list(round));
        emulators.control("salesforce", "faults", &json!({"drop-after": 1.0, "times": 1, "on": call}));
        let created = format!("{} created", NEW - 1);
        let run = shell.fails("sync", 3, &[&created, "parked"]);
        let updated = format!("{} updated", round * (NEW - 1));
        assert!(round == 0 || run.out.contains(&updated), "{call}: {updated}: {run:?}");
        for at in 0..(round + 1) * NEW {
            let found = accounts(&emulators, at);
            assert_eq!(found.len(), usize::from(at % NEW != NEW - 1), "{call}: Atelier {at}");
            for id in found {
                let shown = emulators.control("salesforce", "show", &json!({"type": "Account", "id": id}));
                assert_eq!(shown["Phone"], format!("+332000{round:02}{at:03}"), "{call}: Atelier {at}");
            }
        }
    }
    let refused = shell.ok("parked list").out;
    assert_eq!(
        refused.matches(REFUSED).count() + refused.matches("FIELD_CUSTOM_VALIDATION_EXCEPTION").count(),
        CALLS.len(),
        "{refused}"
    );
    // A job of creates a round, one of updates from the second round on, and the one whose upload was lost.
    assert_eq!(calls(&emulators, &["PUT"]), 12);
    let writes = ["POST", "PUT", "PATCH"];
    let before = calls(&emulators, &writes);
    shell.fails("sync", 3, &["Nothing to change."]);
    assert_eq!(calls(&emulators, &writes), before);
}

/// How often routes of these methods were called, the token's left out.
fn calls(emulators: &Emulators, methods: &[&str]) -> u64 {
    let calls = emulators.control("salesforce", "calls", &json!({}));
    let counted = calls
        .as_object()
        .unwrap()
        .iter()
        .filter(|(route, _)| methods.iter().any(|method| route.starts_with(method)) && route.contains("/data/"));
    counted.map(|(_, count)| count.as_u64().unwrap()).sum()
}
