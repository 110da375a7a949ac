//! What became of deliveries, counted since the start.

/// Deliveries of webhooks since the start, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Answered with 200: what they name is on disk.
    pub accepted: u64,
    /// Records that the accepted ones named and that some flow reads.
    pub named: u64,
    /// Of these, the ones that waited already.
    pub coalesced: u64,
    /// Signature missing, wrong or out of its window (401); of a sender that is told nothing (404).
    pub denied: u64,
    /// Signed, and not understood (400); or not posted (405).
    pub malformed: u64,
    /// Larger than a delivery may be (413).
    pub too_large: u64,
    /// For a system that takes part in no flow (404), or that sends no webhooks (501).
    pub unknown: u64,
    /// Refused until there is room, the store can write, or the config is whole (503).
    pub unavailable: u64,
}
