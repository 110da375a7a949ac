//! Locks: what meets one is sent again by itself and written when it is gone, whatever kind of write it is.

use passerelle_core::ErrorKind;
use passerelle_core::model::{Outcome, RemoteId, Write};
use serde_json::{Value, json};

use super::{Bench, create, update};

impl Bench {
    async fn wrote(&self, object: &str, writes: &[Write]) -> Vec<Outcome> {
        self.salesforce.write(&object.into(), writes).await.unwrap()
    }

    fn locks(&self, count: u64) {
        self.control("settings", json!({"locks": count}));
    }

    /// A product, and its price where it has one.
    async fn product(&self, key: &str, price: Option<&str>) -> String {
        let mut fields = json!({"Name": "Vise"});
        if let Some(price) = price {
            fields["PricebookEntry"] = json!({"UnitPrice": price});
        }
        self.wrote("Product2", &[create(key, fields)]).await[0].as_ref().unwrap().id.as_str().to_owned()
    }
}

fn deal(product: &str, quantity: Value) -> Value {
    json!({
        "Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-12-01",
        "lines": [{"Product2Id": product, "Quantity": quantity, "UnitPrice": "120.50"}],
    })
}

fn archive(id: &str) -> Write {
    Write::Archive { id: RemoteId::new(id), expect: None }
}

fn kinds(outcomes: &[Outcome]) -> Vec<Option<ErrorKind>> {
    outcomes.iter().map(|outcome| outcome.as_ref().err().map(passerelle_core::Error::kind)).collect()
}

#[tokio::test]
async fn opportunities_that_meet_a_lock_are_made_with_their_lines_when_it_is_gone() {
    let bench = Bench::new();
    let product = bench.product("p", Some("129.90")).await;
    for (count, locks) in [(1, 2), (3, 2)] {
        let writes: Vec<Write> =
            (0..count).map(|at| create(&format!("{count} {at}"), deal(&product, json!("2")))).collect();
        bench.locks(locks);
        let outcomes = bench.wrote("Opportunity", &writes).await;
        assert_eq!(kinds(&outcomes), vec![None; count], "{outcomes:?}");
        for outcome in outcomes {
            let record = bench.read("Opportunity", outcome.unwrap().id.as_str()).await;
            assert_eq!(record.fields["Amount"], "241");
        }
    }
    assert_eq!(bench.pull("Opportunity", None).await.0.len(), 4);
}

#[tokio::test]
async fn beside_a_lock_each_opportunity_has_its_own_outcome() {
    let bench = Bench::new();
    let product = bench.product("p", Some("129.90")).await;
    let deals = [("1", json!("2")), ("2", Value::Null), ("3", json!("4"))];
    let writes = deals.map(|(key, quantity)| create(key, deal(&product, quantity)));
    bench.locks(1);
    let outcomes = bench.wrote("Opportunity", &writes).await;
    assert_eq!(kinds(&outcomes), [None, Some(ErrorKind::Rejected), None], "{outcomes:?}");
    bench.control("settings", json!({"lock_every": 1}));
    let deals = ["4", "5"].map(|key| create(key, deal(&product, json!("1"))));
    let outcomes = bench.wrote("Opportunity", &deals).await;
    assert_eq!(kinds(&outcomes), [Some(ErrorKind::Unavailable); 2], "{outcomes:?}");
    assert!(outcomes[0].as_ref().unwrap_err().message().contains("unable to obtain exclusive access"));
    bench.control("settings", json!({"lock_every": null}));
    assert_eq!(bench.pull("Opportunity", None).await.0.len(), 2);
}

#[tokio::test]
async fn a_price_that_meets_a_lock_is_made_and_changed_when_it_is_gone() {
    let bench = Bench::new();
    let product = bench.product("p", None).await;
    for price in ["129.9", "0.385"] {
        bench.locks(2);
        let change = update(&product, json!({"PricebookEntry": {"UnitPrice": price}}));
        let outcomes = bench.wrote("Product2", &[change]).await;
        assert_eq!(kinds(&outcomes), [None], "{outcomes:?}");
        assert_eq!(bench.read("Product2", &product).await.fields["PricebookEntry"]["UnitPrice"], price);
    }
    bench.control("settings", json!({"lock_every": 1}));
    let change = update(&product, json!({"PricebookEntry": {"UnitPrice": "7"}}));
    let told = bench.wrote("Product2", &[change]).await.remove(0).unwrap_err();
    assert_eq!((told.kind(), told.fact("of")), (ErrorKind::Unavailable, Some("PricebookEntry")));
}

#[tokio::test]
async fn a_row_that_meets_a_lock_is_deleted_when_it_is_gone() {
    let bench = Bench::new();
    let ids = ["a", "b", "c"].map(|name| bench.create("Account", json!({"Name": name})));
    bench.locks(3);
    let outcomes = bench.wrote("Account", &[archive(&ids[0]), archive(&ids[1])]).await;
    assert_eq!(kinds(&outcomes), [None, None], "{outcomes:?}");
    assert!(ids[..2].iter().all(|id| bench.show("Account", id)["IsDeleted"] == json!(true)));
    bench.control("settings", json!({"lock_every": 1}));
    let outcomes = bench.wrote("Account", &[archive(&ids[2]), archive(&ids[0])]).await;
    assert_eq!(kinds(&outcomes), [Some(ErrorKind::Unavailable), None], "{outcomes:?}");
    assert_eq!(bench.show("Account", &ids[2])["IsDeleted"], json!(false));
}
