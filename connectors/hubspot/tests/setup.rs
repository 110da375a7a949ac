//! Setting up: schemas, missing properties, credentials and limits.

use passerelle_core::ErrorKind;
use passerelle_core::connector::{Prepare, State};
use passerelle_core::model::Need;
use serde_json::json;

use super::Bench;

fn need(path: &str, kind: &str, options: &[&str]) -> Need {
    Need {
        path: path.to_owned(),
        kind: kind.to_owned(),
        label: path.to_owned(),
        options: options.iter().map(|option| (*option).to_owned()).collect(),
        refers: None,
    }
}

#[tokio::test]
async fn missing_properties_are_told_then_created_then_no_longer_missing() {
    let bench = Bench::new();
    let needs = [
        need("erp_paid", "money", &[]),
        need("erp_due_date", "date", &[]),
        need("erp_invoice_status", "enum", &["unpaid", "paid"]),
        need("mystery", "text", &[]),
        need("dealname", "text", &[]),
        need("associated_company", "ref:company", &[]),
    ];
    let prepare = async |how| bench.hubspot.prepare(&"deals".into(), &needs, how).await.unwrap();
    let states = |done: &[passerelle_core::connector::Preparation]| {
        done.iter().map(|one| (one.path.clone(), one.state)).collect::<Vec<_>>()
    };
    let expected = |state| {
        let created = ["hub_external_id", "erp_paid", "erp_due_date", "erp_invoice_status"];
        let mut all: Vec<_> = created.into_iter().map(|path| (path.to_owned(), state)).collect();
        all.push(("mystery".to_owned(), State::Manual));
        all
    };
    assert_eq!(states(&prepare(Prepare::Tell).await), expected(State::WouldCreate));
    assert_eq!(states(&prepare(Prepare::Create).await), expected(State::Created));
    assert_eq!(states(&prepare(Prepare::Create).await), expected(State::There));

    let schema = bench.hubspot.describe(&"deals".into()).await.unwrap();
    assert!(schema.field("hub_external_id").unwrap().unique);
    assert_eq!(schema.field("erp_paid").unwrap().kind, "number");
    assert_eq!(schema.field("erp_due_date").unwrap().kind, "date");
    let values: Vec<_> = schema.field("erp_invoice_status").unwrap().options.iter().map(|o| o.value.as_str()).collect();
    assert_eq!(values, ["unpaid", "paid"]);
}

#[tokio::test]
async fn a_property_of_lines_is_created_on_lines() {
    let bench = Bench::new();
    let needs = [need("line_items[].erp_code", "text", &[])];
    let done = bench.hubspot.prepare(&"deals".into(), &needs, Prepare::Create).await.unwrap();
    assert!(done.iter().any(|one| one.path == "line_items[].erp_code" && one.state == State::Created));
    assert!(bench.hubspot.describe(&"deals".into()).await.unwrap().field("line_items[].erp_code").is_some());
}

#[tokio::test]
async fn the_schema_says_what_may_be_written_and_which_options_there_are() {
    let bench = Bench::new();
    let schema = bench.hubspot.describe(&"deals".into()).await.unwrap();
    for (path, writable) in [
        ("id", false),
        ("dealname", true),
        ("hs_is_closed_won", false),
        ("associated_company", true),
        ("line_items[].quantity", false),
        ("quote.hs_title", false),
        ("deal_status", false),
    ] {
        assert_eq!(schema.field(path).unwrap().writable, writable, "{path}");
    }
    assert!(schema.field("dealstage").unwrap().options.iter().any(|option| option.value == "closedwon"));
}

#[tokio::test]
async fn a_wrong_token_and_a_missing_scope_are_denied_with_what_to_mend() {
    let wrong = Bench::with(json!({"token": "pat-wrong"}), &[]);
    let error = wrong.hubspot.check().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);

    let bench = Bench::new();
    bench.control("settings", json!({"scopes": {"pat-eu1-emulator": ["crm.objects.deals.read"]}}));
    let error = bench.hubspot.changes(&"companies".into(), None).await.unwrap_err();
    assert_eq!((error.kind(), error.fact("scope")), (ErrorKind::Denied, Some("crm.objects.companies.read")));
}

#[tokio::test]
async fn an_oauth_app_is_renewed_when_its_token_has_expired() {
    let app = json!({"client_id": "client-emulator", "client_secret": "secret-emulator", "refresh_token": "refresh-emulator"});
    let bench = Bench::with(app, &[]);
    let identity = bench.hubspot.check().await.unwrap();
    assert_eq!(identity.account, "account 33 (developer test, EUR)");
    bench.pass(1801);
    bench.hubspot.check().await.unwrap();
}

#[tokio::test]
async fn the_vendor_s_limits_are_waited_for() {
    let bench = Bench::new();
    bench.control("settings", json!({"ten_seconds": 10, "searches_per_second": 5}));
    let start = bench.now();
    for _ in 0..25 {
        bench.hubspot.check().await.unwrap();
    }
    assert!(bench.now().duration_since(start).as_secs() >= 19);
}

#[tokio::test]
async fn half_a_set_of_credentials_is_an_error_that_names_the_option() {
    let tools = {
        let bench = Bench::new();
        let plugin = super::PLUGIN;
        let wire = passerelle_core::emulator::InProcess::new(bench.host.clone());
        let tools = passerelle_core::connector::Tools {
            wire: std::sync::Arc::new(wire),
            clock: bench.clock.clone(),
            transport: Default::default(),
            folder: Default::default(),
            wanted: Default::default(),
        };
        (plugin.build)(json!({"client_id": "x"}), tools)
    };
    let error = tools.unwrap_err();
    assert_eq!((error.kind(), error.fact("option")), (ErrorKind::Config, Some("token")));
}
