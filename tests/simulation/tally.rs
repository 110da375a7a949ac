//! What happened in one seed or in many, counted.

use std::collections::BTreeMap;

/// Counts by kind, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Sales that people entered.
    pub sales: u64,
    /// Those that were won in the end.
    pub won: u64,
    /// Runs of the hub, and how many of them were cut short by a crash.
    pub runs: u64,
    /// Calls that reached a vendor.
    pub calls: u64,
    /// Commits of the store.
    pub commits: u64,
    /// What people did.
    pub deeds: u64,
    /// Orders that are there twice, or that no sale asked for.
    pub duplicates: u64,
    /// Sales without their order, and statuses that the CRM does not know.
    pub losses: u64,
    /// Sums that are not equal to the cent.
    pub cents: u64,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, u64>,
}

impl Tally {
    /// Counts a fault.
    pub fn fault(&mut self, kind: &'static str) {
        *self.faults.entry(kind).or_default() += 1;
    }

    /// Adds another's counts.
    pub fn add(&mut self, other: &Self) {
        self.sales += other.sales;
        self.won += other.won;
        self.runs += other.runs;
        self.calls += other.calls;
        self.commits += other.commits;
        self.deeds += other.deeds;
        self.duplicates += other.duplicates;
        self.losses += other.losses;
        self.cents += other.cents;
        for (kind, count) in &other.faults {
            *self.faults.entry(kind).or_default() += count;
        }
    }
}
