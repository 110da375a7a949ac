//! The engine room below the facts: ordered keys, commits that are all or nothing.

use std::fmt::Debug;

use crate::Result;

/// A key and its value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// An ordered key-value store.
///
/// Keys begin with a one-byte keyspace. Errors: `Stale` when a commit's expectation does not hold, `Unavailable` while
/// another hub has the folder, `Config` when it cannot be used (rights, a full disk), `Bug` when the files are damaged.
pub trait Backend: Send + Sync + Debug {
    /// The value at `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>>;

    /// At most `limit` pairs whose key begins with `prefix`, in order, those after `after` only.
    fn scan(&self, prefix: &[u8], after: Option<&[u8]>, limit: usize) -> Result<Vec<Pair>>;

    /// Writes all or nothing; when it returns, a power cut cannot undo it.
    fn commit(&self, batch: Batch) -> Result<()>;
}

/// One commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// What must hold: the value that was read at a key, or `None` where there was none.
    pub expect: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// What is written; `None` deletes.
    pub writes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

impl Batch {
    /// Expects `value` at `key`.
    pub fn expect(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        self.expect.push((key, value));
    }

    /// Writes `value` at `key`.
    pub fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.push((key, Some(value)));
    }

    /// Deletes `key`.
    pub fn delete(&mut self, key: Vec<u8>) {
        self.writes.push((key, None));
    }

    /// Whether it would do nothing.
    pub fn is_empty(&self) -> bool {
        self.writes.is_empty()
    }
}
