//! What the store holds in all, kept with every commit, so that a loss is noticed that sled does not notice itself.

use ::sled::{Batch, Tree};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::index::failed;
use super::parts::{OWN, assembled};
use super::quiet::damaged;
use crate::Result;

/// Where it is kept: groups, pairs and sum, 8 bytes each, high byte first.
const KEY: &[u8] = b"\xFEtally";

/// Counts and a sum over all pairs; the sum does not depend on their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// How many groups were committed.
    pub(super) groups: u64,
    /// How many pairs there are, parts not counted.
    pub(super) pairs: u64,
    sum: u64,
}

impl Tally {
    /// A pair is there from now on.
    pub(super) fn gain(&mut self, key: &[u8], head: &[u8]) {
        self.pairs = self.pairs.wrapping_add(1);
        self.sum = self.sum.wrapping_add(hash(key, head));
    }

    /// A pair is gone.
    pub(super) fn lose(&mut self, key: &[u8], head: &[u8]) {
        self.pairs = self.pairs.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(hash(key, head));
    }

    /// Writes it with the group that it counts.
    pub(super) fn put(self, batch: &mut Batch) {
        batch.insert(KEY, [self.groups, self.pairs, self.sum].map(u64::to_be_bytes).concat());
    }

    /// What `tree` says that it holds; a new one holds nothing.
    pub(super) fn read(tree: &Tree) -> Result<Self> {
        let Some(bytes) = tree.get(KEY).map_err(failed)? else { return Ok(Self::default()) };
        let (numbers, rest) = bytes.as_chunks::<8>();
        match (numbers, rest) {
            ([groups, pairs, sum], []) => {
                let [groups, pairs, sum] = [groups, pairs, sum].map(|number| u64::from_be_bytes(*number));
                Ok(Self { groups, pairs, sum })
            }
            _ => Err(damaged().at("key", "tally")),
        }
    }

    /// Reads everything in `tree`, and compares.
    pub(super) fn prove(self, tree: &Tree) -> Result<()> {
        let mut found = Self { groups: self.groups, ..Self::default() };
        for pair in tree.range::<&[u8], _>(..&[OWN][..]) {
            let (key, head) = pair.map_err(failed)?;
            assembled(tree, &key, &head)?;
            found.gain(&key, &head);
        }
        if found == self {
            return Ok(());
        }
        let found = format!("{} records of {}, or other values", found.pairs, self.pairs);
        Err(damaged().at("found", found))
    }
}

fn hash(key: &[u8], head: &[u8]) -> u64 {
    xxh3_64_with_seed(head, xxh3_64(key))
}
