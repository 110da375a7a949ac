//! What the door to a system lets through, cuts up and refuses.

use std::sync::Mutex;

use async_trait::async_trait;
use serde_json::Map;

use super::*;
use crate::connector::{Batch, Capabilities, Effect};
use crate::model::{Action, ExternalKey, Outcome, Write, Written};

/// Notes how it is called; fails where it is told to.
#[derive(Debug)]
struct Noted {
    resources: Vec<Resource>,
    calls: Mutex<Vec<String>>,
    fails_at_call: Option<usize>,
}

impl Noted {
    fn note(&self, call: String) -> Result<()> {
        let mut calls = self.calls.lock().unwrap();
        calls.push(call);
        match self.fails_at_call {
            Some(at) if at == calls.len() => Err(Error::new(ErrorKind::Denied, "the key is wrong")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Connector for Noted {
    fn resources(&self) -> &[Resource] {
        &self.resources
    }

    async fn check(&self) -> Result<Identity> {
        self.note("check".into())?;
        Ok(Identity { account: "here".into(), version: None })
    }

    async fn describe(&self, _: &ResourceName) -> Result<Schema> {
        Ok(Schema::default())
    }

    async fn changes(&self, _: &ResourceName, _: Option<&Cursor>) -> Result<Page> {
        Ok(Page { records: Vec::new(), next: Cursor::new(""), more: false })
    }

    async fn read(&self, _: &ResourceName, ids: &[RemoteId]) -> Result<Vec<Record>> {
        self.note(format!("read {}", ids.len()))?;
        Ok(ids.iter().map(|id| Record::new(id.clone(), Map::new())).collect())
    }

    async fn find(&self, _: &ResourceName, by: &Lookup) -> Result<Vec<Record>> {
        self.note(format!("find {by:?}"))?;
        Ok(Vec::new())
    }

    async fn write(&self, _: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
        self.note(format!("write {}", writes.len()))?;
        Ok(writes.iter().map(|_| Ok(Written { id: "1".into(), record: None })).collect())
    }
}

fn system(fails_at_call: Option<usize>) -> (Arc<Noted>, System) {
    let capabilities = Capabilities {
        feed: Feed::None,
        create: Effect::Keyed,
        update: true,
        archive: false,
        batch: Batch { read: 2, find: 1, write: 2 },
        actions: &["validate"],
    };
    let resources = vec![Resource { name: "orders".into(), about: "Orders", capabilities }];
    let noted = Arc::new(Noted { resources, calls: Mutex::default(), fails_at_call });
    let connector: Arc<dyn Connector> = Arc::clone(&noted) as _;
    (noted, System::new("erp".into(), connector))
}

fn update(action: &str) -> Write {
    let then = if action.is_empty() { Vec::new() } else { vec![Action(action.to_owned())] };
    Write::Update { id: "7".into(), fields: Map::new(), expect: None, then }
}

fn kinds(outcomes: &[Outcome]) -> Vec<Option<ErrorKind>> {
    outcomes.iter().map(|outcome| outcome.as_ref().err().map(Error::kind)).collect()
}

#[tokio::test]
async fn lists_are_cut_into_the_connectors_batches() {
    let (noted, system) = system(None);
    let ids: Vec<RemoteId> = ["1", "2", "3"].map(RemoteId::from).to_vec();
    assert_eq!(system.read(&"orders".into(), &ids).await.unwrap().len(), 3);
    let keys = Lookup::Key(vec![ExternalKey::new("a"), ExternalKey::new("b")]);
    system.find(&"orders".into(), &keys).await.unwrap();
    system.write(&"orders".into(), &[update(""), update("validate"), update("")]).await;
    let expected =
        ["read 2", "read 1", "find Key([ExternalKey(\"a\")])", "find Key([ExternalKey(\"b\")])", "write 2", "write 1"];
    assert_eq!(*noted.calls.lock().unwrap(), expected);
    assert_eq!(system.calls(), 6);
}

#[tokio::test]
async fn a_batch_that_fails_keeps_the_next_ones_back() {
    let (noted, system) = system(Some(2));
    let writes: Vec<Write> = (0..6).map(|_| update("")).collect();
    let outcomes = system.write(&"orders".into(), &writes).await;
    let denied = Some(ErrorKind::Denied);
    assert_eq!(kinds(&outcomes), [None, None, denied, denied, denied, denied]);
    assert_eq!(noted.calls.lock().unwrap().len(), 2);
}

#[tokio::test]
async fn what_the_connector_does_not_claim_is_refused_without_a_call() {
    let (noted, system) = system(None);
    let unsupported = Some(ErrorKind::Unsupported);
    let archive = Write::Archive { id: "7".into(), expect: None };
    assert_eq!(kinds(&system.write(&"orders".into(), &[archive]).await), [unsupported]);
    assert_eq!(kinds(&system.write(&"orders".into(), &[update("ship")]).await), [unsupported]);
    assert_eq!(system.changes(&"orders".into(), None).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let unknown = system.read(&"ordres".into(), &[]).await.unwrap_err().to_string();
    assert_eq!(unknown, "there is no resource `ordres`; there are orders (system: erp)");
    assert_eq!(system.calls() as usize + noted.calls.lock().unwrap().len(), 0);
}

#[tokio::test]
async fn an_error_says_which_system_and_operation_it_is_about() {
    let (_, system) = system(Some(1));
    let error = system.check().await.unwrap_err();
    assert_eq!(error.to_string(), "the key is wrong (system: erp, operation: check)");
}
