//! Writes in batches: one outcome per write, whatever the vendor answers, and one bad record never costs the others.

use super::{System, again};
use crate::connector::Effect;
use crate::model::{Outcome, ResourceName, Write};
use crate::{Error, ErrorKind, Result};

impl System {
    /// Makes the writes; one outcome per write, in the same order.
    ///
    /// A batch that is refused as a whole (`Rejected`: nothing of it was done) is halved until the refused record stands
    /// alone: one bad record among n costs at most 2 log2(n) calls more. Once a batch fails otherwise as a whole, the
    /// batches after it are not sent and have the same outcome.
    pub async fn write(&self, resource: &ResourceName, writes: &[Write]) -> Vec<Outcome> {
        let size = match self.writable(resource, writes) {
            Ok(size) => size,
            Err(error) => return writes.iter().map(|_| Err(again(&error))).collect(),
        };
        let mut outcomes = Vec::with_capacity(writes.len());
        let mut waiting: Vec<&[Write]> = writes.chunks(size).rev().collect();
        while let Some(batch) = waiting.pop() {
            match self.write_batch(resource, batch).await {
                Ok(done) => outcomes.extend(done),
                Err(refused) if refused.kind() == ErrorKind::Rejected && batch.len() > 1 => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    waiting.extend([second, first]);
                }
                Err(refused) if refused.kind() == ErrorKind::Rejected => {
                    outcomes.extend(batch.iter().map(|write| Err(about(again(&refused), write))));
                }
                Err(error) => {
                    let left = writes.len() - outcomes.len();
                    outcomes.extend((0..left).map(|_| Err(again(&error))));
                    break;
                }
            }
        }
        outcomes
    }

    async fn write_batch(&self, resource: &ResourceName, batch: &[Write]) -> Result<Vec<Outcome>> {
        let outcomes = self.call("write", resource.as_str(), self.connector.write(resource, batch)).await?;
        if outcomes.len() != batch.len() {
            let message = format!("the connector told {} outcomes of {} writes", outcomes.len(), batch.len());
            let error = Error::new(ErrorKind::OutcomeUnknown, message).at("system", &self.name);
            return Ok(batch.iter().map(|write| Err(about(again(&error), write))).collect());
        }
        let told = batch.iter().zip(outcomes);
        let with_facts = |(write, outcome): (&Write, Outcome)| {
            outcome.map_err(|error| about(self.facts(error, "write", resource.as_str()), write))
        };
        Ok(told.map(with_facts).collect())
    }

    /// The batch size, where the resource can do every one of the writes.
    fn writable(&self, name: &ResourceName, writes: &[Write]) -> Result<usize> {
        let resource = self.resource(name)?;
        let capabilities = &resource.capabilities;
        for write in writes {
            let able = match write {
                Write::Create { .. } => capabilities.create != Effect::None,
                Write::Update { fields, .. } => capabilities.update || fields.is_empty(),
                Write::Archive { .. } => capabilities.archive,
            };
            if !able {
                return Err(self.unsupported(name, "it does not take this kind of write"));
            }
            let (Write::Create { then, .. } | Write::Update { then, .. }) = write else { continue };
            if let Some(action) = then.iter().find(|action| !capabilities.actions.contains(&action.0.as_str())) {
                return Err(self.unsupported(name, &format!("it does not know the action `{}`", action.0)));
            }
        }
        Ok(capabilities.batch.write.max(1))
    }
}

/// An error, with the record that the write is of.
fn about(error: Error, write: &Write) -> Error {
    match write {
        Write::Create { key, .. } => error.at("key", key),
        Write::Update { id, .. } | Write::Archive { id, .. } => error.at("id", id),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use async_trait::async_trait;
    use serde_json::Map;

    use super::*;
    use crate::connector::{Batch, Capabilities, Connector, Feed, Identity, Lookup, Page, Resource, Schema};
    use crate::model::{Cursor, Record, RemoteId, Written};

    /// Refuses every batch that holds one of `bad` as a whole, with `kind`; tells `short` outcomes too few.
    #[derive(Debug)]
    struct Whole {
        resources: Vec<Resource>,
        bad: Vec<usize>,
        kind: ErrorKind,
        short: usize,
        sizes: Mutex<Vec<usize>>,
    }

    #[async_trait]
    impl Connector for Whole {
        fn resources(&self) -> &[Resource] {
            &self.resources
        }

        async fn check(&self) -> Result<Identity> {
            Ok(Identity { account: "here".into(), version: None })
        }

        async fn describe(&self, _: &ResourceName) -> Result<Schema> {
            Ok(Schema::default())
        }

        async fn changes(&self, _: &ResourceName, _: Option<&Cursor>) -> Result<Page> {
            Ok(Page { records: Vec::new(), next: Cursor::new(""), more: false })
        }

        async fn read(&self, _: &ResourceName, _: &[RemoteId]) -> Result<Vec<Record>> {
            Ok(Vec::new())
        }

        async fn find(&self, _: &ResourceName, _: &Lookup) -> Result<Vec<Record>> {
            Ok(Vec::new())
        }

        async fn write(&self, _: &ResourceName, writes: &[Write]) -> Result<Vec<Outcome>> {
            self.sizes.lock().unwrap().push(writes.len());
            let ids: Vec<String> = writes.iter().map(id_of).collect();
            if self.bad.iter().any(|bad| ids.contains(&bad.to_string())) {
                return Err(Error::new(self.kind, "the vendor says: one of these is wrong"));
            }
            let done = ids.into_iter().skip(self.short).map(|id| Ok(Written { id: id.into(), record: None }));
            Ok(done.collect())
        }
    }

    fn id_of(write: &Write) -> String {
        let Write::Update { id, .. } = write else { return String::new() };
        id.to_string()
    }

    /// Writes `count` records; gives the outcome of each, and the sizes of the calls.
    async fn check(count: usize, bad: &[usize], kind: ErrorKind, short: usize) -> (Vec<Outcome>, Vec<usize>) {
        let capabilities = Capabilities {
            feed: Feed::None,
            create: Effect::None,
            update: true,
            archive: false,
            batch: Batch { read: 1, find: 1, write: 64 },
            actions: &[],
        };
        let resources = vec![Resource { name: "rows".into(), about: "rows", capabilities }];
        let far = Arc::new(Whole { resources, bad: bad.to_vec(), kind, short, sizes: Mutex::default() });
        let system = System::new("erp".into(), Arc::clone(&far) as Arc<dyn Connector>);
        let update =
            |id: usize| Write::Update { id: id.to_string().into(), fields: Map::new(), expect: None, then: Vec::new() };
        let writes: Vec<Write> = (0..count).map(update).collect();
        let outcomes = system.write(&"rows".into(), &writes).await;
        assert_eq!(outcomes.len(), count, "the outcomes sum to the writes");
        for (write, done) in writes.iter().zip(&outcomes).filter_map(|(write, done)| Some((write, done.as_ref().ok()?)))
        {
            assert_eq!(id_of(write), done.id.to_string(), "outcomes keep the order of the writes");
        }
        let sizes = far.sizes.lock().unwrap().clone();
        (outcomes, sizes)
    }

    fn kinds(outcomes: &[Outcome]) -> Vec<Option<ErrorKind>> {
        outcomes.iter().map(|outcome| outcome.as_ref().err().map(Error::kind)).collect()
    }

    fn refused(outcomes: &[Outcome]) -> Vec<usize> {
        (0..outcomes.len()).filter(|at| outcomes[*at].is_err()).collect()
    }

    #[tokio::test]
    async fn one_bad_record_of_64_is_found_in_13_calls_and_the_other_63_land() {
        for bad in [0, 17, 40, 63] {
            let (told, sizes) = check(64, &[bad], ErrorKind::Rejected, 0).await;
            assert_eq!(refused(&told), [bad]);
            assert_eq!(sizes.len(), 13, "{sizes:?}");
        }
    }

    #[tokio::test]
    async fn two_bad_records_in_two_batches_are_both_found() {
        let (told, sizes) = check(130, &[3, 129], ErrorKind::Rejected, 0).await;
        assert_eq!(refused(&told), [3, 129]);
        assert_eq!(sizes.len(), 13 + 1 + 3, "{sizes:?}");
    }

    #[tokio::test]
    async fn what_may_have_been_done_or_cannot_be_done_is_never_halved() {
        use ErrorKind::{Config, Denied, OutcomeUnknown, RateLimited, Stale, Unavailable};
        for kind in [OutcomeUnknown, Denied, Unavailable, RateLimited, Config, Stale] {
            let (told, sizes) = check(130, &[70], kind, 0).await;
            assert_eq!(sizes, [64, 64], "{kind:?}");
            let wanted: Vec<Option<ErrorKind>> = (0..130).map(|at| (at >= 64).then_some(kind)).collect();
            assert_eq!(kinds(&told), wanted);
        }
    }

    #[tokio::test]
    async fn a_connector_that_tells_too_few_outcomes_is_believed_none() {
        let (told, sizes) = check(5, &[], ErrorKind::Rejected, 1).await;
        assert_eq!(kinds(&told), [Some(ErrorKind::OutcomeUnknown); 5]);
        assert_eq!(sizes, [5]);
    }

    #[tokio::test]
    async fn a_refused_record_is_told_with_its_id_and_the_vendors_words() {
        let (told, _) = check(2, &[1], ErrorKind::Rejected, 0).await;
        let said = told[1].as_ref().unwrap_err().to_string();
        assert!(said.contains("one of these is wrong") && said.contains("id: 1"), "{said}");
    }
}
