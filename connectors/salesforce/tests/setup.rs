//! What an org lacks, and the package that a person deploys.

use passerelle_core::connector::{Prepare, State};
use passerelle_core::model::Need;
use serde_json::json;

use super::{Bench, connect};

fn paid() -> Need {
    Need {
        path: "ERP_Paid__c".to_owned(),
        kind: "money".to_owned(),
        label: "Paid".to_owned(),
        options: Vec::new(),
        refers: None,
    }
}

#[tokio::test]
async fn what_is_missing_is_told_and_written_as_a_package() {
    let mut bench = Bench::with(json!({"client_secret": "salesforce-demo-secret"}));
    let folder = tempfile::tempdir().unwrap();
    bench.folder = folder.path().to_owned();
    let secret = json!({"client_secret": "salesforce-demo-secret"});
    bench.salesforce = connect(&bench.host, &bench.clock, secret, bench.folder.clone());
    let told = bench.salesforce.prepare(&"Opportunity".into(), &[paid()], Prepare::Tell).await.unwrap();
    assert!(told.iter().all(|one| one.state == State::Manual));
    assert_eq!(
        told[1].how,
        "create the field `ERP_Paid__c` (Currency(16,2)) on Opportunity, visible to the integration user; `passerelle \
         setup` writes a package in `salesforce-package` that creates it: sf project deploy start \
         --metadata-dir salesforce-package"
    );
    assert!(!folder.path().join("salesforce-package").exists());
    bench.salesforce.prepare(&"Opportunity".into(), &[paid()], Prepare::Create).await.unwrap();
    let object = std::fs::read_to_string(folder.path().join("salesforce-package/objects/Opportunity.object")).unwrap();
    assert!(object.contains("<fullName>ERP_Paid__c</fullName>"), "{object}");
    bench.deploy();
    let fresh =
        connect(&bench.host, &bench.clock, json!({"client_secret": "salesforce-demo-secret"}), bench.folder.clone());
    let told = fresh.prepare(&"Opportunity".into(), &[paid()], Prepare::Tell).await.unwrap();
    assert_eq!(told.iter().map(|one| one.state).collect::<Vec<_>>(), [State::There; 2]);
}

#[tokio::test]
async fn a_key_field_that_is_not_unique_is_no_key() {
    let bench = Bench::with(json!({"client_secret": "salesforce-demo-secret"}));
    bench.control("deploy", json!({"fields": ["Account.Hub_External_Id__c string 255 externalid"]}));
    let told = bench.salesforce.prepare(&"Account".into(), &[], Prepare::Tell).await.unwrap();
    assert!(told[0].how.contains("an external id with unique values"), "{told:?}");
}

#[tokio::test]
async fn a_field_of_another_type_is_told_and_in_no_package() {
    let mut bench = Bench::with(json!({"client_secret": "salesforce-demo-secret"}));
    let folder = tempfile::tempdir().unwrap();
    bench.folder = folder.path().to_owned();
    let secret = json!({"client_secret": "salesforce-demo-secret"});
    bench.salesforce = connect(&bench.host, &bench.clock, secret, bench.folder.clone());
    bench.control("deploy", json!({"fields": ["Opportunity.ERP_Paid__c date"]}));
    let told = bench.salesforce.prepare(&"Opportunity".into(), &[paid()], Prepare::Create).await.unwrap();
    let clash = "`ERP_Paid__c` is there as date, and the hub writes Currency(16,2): map another field, or delete it";
    assert_eq!((told[1].state, told[1].how.as_str()), (State::Manual, clash));
    let object = std::fs::read_to_string(folder.path().join("salesforce-package/objects/Opportunity.object")).unwrap();
    assert!(object.contains("Hub_External_Id__c") && !object.contains("ERP_Paid__c"), "{object}");
}

#[tokio::test]
async fn a_custom_object_that_is_missing_is_told_and_packed_once_the_org_is_asked() {
    let mut bench = Bench::with(json!({"client_secret": "salesforce-demo-secret"}));
    let folder = tempfile::tempdir().unwrap();
    bench.folder = folder.path().to_owned();
    let options = json!({"client_secret": "salesforce-demo-secret", "objects": ["Invoice__c"]});
    let salesforce = connect(&bench.host, &bench.clock, options, bench.folder.clone());
    let sale = Need {
        path: "Opportunity__c".to_owned(),
        kind: "ref".to_owned(),
        refers: Some("Opportunity".into()),
        ..paid()
    };
    let needs = [Need { path: "Name".to_owned(), kind: "text".to_owned(), ..paid() }, paid(), sale];
    let file = folder.path().join("salesforce-package/objects/Invoice__c.object");
    for (how, is_there) in [(Prepare::Tell, false), (Prepare::Pack, true)] {
        let told = salesforce.prepare(&"Invoice__c".into(), &needs, how).await.unwrap();
        let paths: Vec<&str> = told.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["Hub_External_Id__c", "ERP_Paid__c", "Opportunity__c", "object"]);
        assert!(told.iter().all(|one| one.state == State::Manual));
        assert!(told[2].how.starts_with("create the field `Opportunity__c` (Lookup(Opportunity)) on Invoice__c"));
        assert_eq!(file.exists(), is_there);
    }
    let object = std::fs::read_to_string(file).unwrap();
    assert!(object.contains("<nameField>") && object.contains("<fullName>ERP_Paid__c</fullName>"), "{object}");
    bench.control("deploy", json!({"objects": ["Invoice__c"]}));
    let told = salesforce.prepare(&"Invoice__c".into(), &needs, Prepare::Tell).await.unwrap();
    assert!(!told.iter().any(|one| one.path == "object"), "{told:?}");
}
