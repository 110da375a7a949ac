//! The first byte of every key: which facts it is of. A letter is never used twice, nor again for something else.

/// Accounts that were made ready.
pub(super) const PREPARED: u8 = b'A';
/// What a field was written to, run after run.
pub(super) const TRAILS: u8 = b'B';
/// How far feeds were read.
pub(super) const READ_TO: u8 = b'C';
/// Deletions to follow.
pub(super) const DEPARTED: u8 = b'D';
/// Links that became part of others.
pub(super) const HEIRS: u8 = b'E';
/// What a full listing has told.
pub(super) const LISTED: u8 = b'F';
/// Creates that wait for a person.
pub(super) const HELD: u8 = b'H';
/// Hints of webhooks.
pub(super) const INBOX: u8 = b'I';
/// Writes, in the order of runs.
pub(super) const JOURNAL: u8 = b'J';
/// A link's lines of the journal.
pub(super) const BY_LINK: u8 = b'K';
/// Links.
pub(super) const LINKS: u8 = b'L';
/// Match keys.
pub(super) const MATCHES: u8 = b'M';
/// Writes about to be sent.
pub(super) const INTENTS: u8 = b'N';
/// Creates that are not known to be done.
pub(super) const JOBS: u8 = b'O';
/// Records that wait for a cure.
pub(super) const PARKED: u8 = b'P';
/// Runs.
pub(super) const RUNS: u8 = b'R';
/// What was last seen of records.
pub(super) const SEEN: u8 = b'S';
/// Flows' timetable.
pub(super) const TURNS: u8 = b'T';
/// When the hub itself wrote.
pub(super) const TOUCHED: u8 = b'U';
/// Records to decide again.
pub(super) const REVISITS: u8 = b'V';
/// Records that wait for a link.
pub(super) const WAITING: u8 = b'W';
/// What the hub made in accounts, to set them up.
pub(super) const MADE: u8 = b'Y';
/// Fields in conflict.
pub(super) const CONFLICTS: u8 = b'X';

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: &[u8] = &[
        PREPARED, TRAILS, READ_TO, DEPARTED, HEIRS, LISTED, HELD, INBOX, JOURNAL, BY_LINK, LINKS, MATCHES, INTENTS,
        JOBS, PARKED, RUNS, SEEN, TURNS, TOUCHED, REVISITS, WAITING, MADE, CONFLICTS,
    ];

    #[test]
    fn no_two_kinds_of_facts_share_their_keys() {
        let distinct: std::collections::BTreeSet<&u8> = ALL.iter().collect();
        assert_eq!(distinct.len(), ALL.len());
        let told = include_str!("spaces.rs").lines().filter(|line| line.starts_with("pub(super) const ")).count();
        assert_eq!(told, ALL.len(), "one of them is not in ALL");
    }
}
