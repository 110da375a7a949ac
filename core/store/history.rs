//! What was written and what was about to be: the journal, its index by link, intents, and the runs.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::typed::{decode, key};
use super::{Entry, Facts, Pair, Run, Store};
use crate::model::{FlowName, LinkId, RemoteId, RunId, SystemName};
use crate::{Error, ErrorKind, Result};

pub(super) const JOURNAL: u8 = b'J';
const BY_LINK: u8 = b'K';
const INTENTS: u8 = b'N';
const RUNS: u8 = b'R';

/// Where a line stands in the journal: places sort by time of the run, then by the order of its writes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// The run.
    pub run: RunId,
    /// The write within the run, counted from 1; a number is missing where a write was not made.
    pub number: u64,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.run, self.number)
    }
}

/// A record that a write was decided from, as it was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Its system.
    pub system: SystemName,
    /// Its id.
    pub id: RemoteId,
    /// Its content hash, in hexadecimal.
    pub hash: String,
    /// When the vendor said it was modified, where it says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

/// How the hub knows that a write was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The vendor said so.
    #[default]
    Answered,
    /// No answer came, or the hub died first; a later run read the record and found it as it was written.
    Found,
    /// No answer came, and the record was changed again before anybody looked: it may have been made.
    Unclear,
}

impl Known {
    /// Whether the vendor said so.
    pub fn is_answered(&self) -> bool {
        *self == Self::Answered
    }
}

impl Store {
    /// The journal of a run, or of all runs in their order.
    pub fn journal(&self, run: Option<&str>) -> Result<Vec<Entry>> {
        let lines = self.lines(run.map(RunId::from).as_ref(), None, usize::MAX)?;
        Ok(lines.into_iter().map(|(_, entry)| entry).collect())
    }

    /// At most `limit` lines of the journal, of one run or of all, those after `after` only.
    pub fn lines(&self, run: Option<&RunId>, after: Option<&Place>, limit: usize) -> Result<Vec<(Place, Entry)>> {
        let prefix = run.map_or_else(|| vec![JOURNAL], |run| key(JOURNAL, &[run.as_str()]));
        let pairs = self.backend.scan(&prefix, after.map(line_key).as_deref(), limit)?;
        pairs.iter().map(placed).collect()
    }

    /// Every line of a link, oldest first; found by an index, however long the journal is.
    pub fn lines_of(&self, link: &LinkId) -> Result<Vec<(Place, Entry)>> {
        let mut lines = Vec::new();
        for (_, at) in self.backend.scan(&key(BY_LINK, &[link.as_str()]), None, usize::MAX)? {
            // A line that was pruned under a reader is no longer told.
            if let Some(value) = self.backend.get(&at)? {
                lines.push(placed(&(at, value))?);
            }
        }
        Ok(lines)
    }

    /// At most `limit` writes that were about to be made and of which no answer is known, those after `after` only.
    pub fn intents(&self, after: Option<&(Place, Entry)>, limit: usize) -> Result<Vec<(Place, Entry)>> {
        let after = after.map(|(place, entry)| intent_key(place, entry));
        self.backend.scan(&[INTENTS], after.as_deref(), limit)?.iter().map(placed).collect()
    }

    /// The same of one link.
    pub fn intents_of(&self, link: &LinkId) -> Result<Vec<(Place, Entry)>> {
        let pairs = self.backend.scan(&key(INTENTS, &[link.as_str()]), None, usize::MAX)?;
        pairs.iter().map(placed).collect()
    }

    /// Whether a run of this id is known, of whatever flow.
    pub fn has_run(&self, id: &RunId) -> Result<bool> {
        Ok(!self.backend.scan(&key(RUNS, &[id.as_str()]), None, 1)?.is_empty())
    }

    /// The runs, oldest first.
    pub fn runs(&self) -> Result<Vec<Run>> {
        self.page(&[RUNS], None, usize::MAX)
    }

    /// At most `limit` runs, oldest first, those after `after` only.
    pub fn runs_after(&self, after: Option<&Run>, limit: usize) -> Result<Vec<Run>> {
        self.page(&[RUNS], after.map(|run| run_key(&run.id, &run.flow)), limit)
    }
}

impl Facts {
    /// A write is about to be sent; the journal will say this of it once it is known to be made.
    pub fn intend(&mut self, number: u64, entry: &Entry) {
        self.put(intent_key(&place_of(number, entry), entry), entry);
    }

    /// It is known what became of an intended write.
    pub fn settle(&mut self, place: &Place, entry: &Entry) {
        self.batch.delete(intent_key(place, entry));
    }

    /// A write was made; `number` orders the entries of a run.
    pub fn journal(&mut self, number: u64, entry: &Entry) {
        let place = place_of(number, entry);
        self.put(line_key(&place), entry);
        self.index(&place, &entry.link);
    }

    /// A link has a line at this place.
    pub(super) fn index(&mut self, place: &Place, link: &LinkId) {
        self.batch.put(index_key(place, link), line_key(place));
    }

    /// A line is no longer kept.
    pub(super) fn forget_line(&mut self, place: &Place, link: &LinkId) {
        self.batch.delete(line_key(place));
        self.batch.delete(index_key(place, link));
    }

    /// A run as it is now.
    pub fn run(&mut self, run: &Run) {
        self.put(run_key(&run.id, &run.flow), run);
    }

    /// A run is no longer kept, or did nothing and is not told.
    pub fn forget_run(&mut self, run: &Run) {
        self.batch.delete(run_key(&run.id, &run.flow));
    }
}

fn place_of(number: u64, entry: &Entry) -> Place {
    Place { run: entry.run.clone(), number }
}

fn line_key(place: &Place) -> Vec<u8> {
    key(JOURNAL, &[place.run.as_str(), &numbered(place)])
}

fn index_key(place: &Place, link: &LinkId) -> Vec<u8> {
    key(BY_LINK, &[link.as_str(), place.run.as_str(), &numbered(place)])
}

fn intent_key(place: &Place, entry: &Entry) -> Vec<u8> {
    key(INTENTS, &[entry.link.as_str(), entry.system.as_str(), place.run.as_str(), &numbered(place)])
}

fn run_key(id: &RunId, flow: &FlowName) -> Vec<u8> {
    key(RUNS, &[id.as_str(), flow.as_str()])
}

fn numbered(place: &Place) -> String {
    format!("{:012}", place.number)
}

/// A line, and its place as its key tells it.
pub(super) fn placed((key, value): &Pair) -> Result<(Place, Entry)> {
    let entry: Entry = decode(value)?;
    let number = key.strip_suffix(&[0]).and_then(|key| key.rsplit(|byte| *byte == 0).next());
    let number = number.and_then(|digits| std::str::from_utf8(digits).ok()).and_then(|digits| digits.parse().ok());
    let number = number.ok_or_else(|| Error::new(ErrorKind::Bug, "the store holds a journal line without a number"))?;
    Ok((place_of(number, &entry), entry))
}

#[cfg(test)]
pub(super) mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::Memory;

    /// The number-th write of a run, to one of three links.
    pub(in crate::store) fn entry(run: &str, number: u64) -> Entry {
        Entry {
            run: run.into(),
            flow: "sales".into(),
            at: "2026-11-24T09:00:00Z".parse().unwrap(),
            entity: "sale".into(),
            link: format!("sale:crm:{}", number % 3).as_str().into(),
            system: "erp".into(),
            resource: "orders".into(),
            id: number.to_string().as_str().into(),
            op: "update".to_owned(),
            fields: Vec::new(),
            moves: Vec::new(),
            from: Vec::new(),
            known: Known::Answered,
        }
    }

    #[test]
    fn the_lines_of_a_link_are_found_oldest_first_and_no_others() {
        let store = Store::new(Arc::new(Memory::default()));
        let mut facts = Facts::new();
        for run in ["r2", "r1"] {
            (1..=11).for_each(|number| facts.journal(number, &entry(run, number)));
        }
        store.commit(facts).unwrap();
        let told = |link: &str| -> Vec<String> {
            store.lines_of(&link.into()).unwrap().iter().map(|(place, _)| place.to_string()).collect()
        };
        assert_eq!(told("sale:crm:1"), ["r1/1", "r1/4", "r1/7", "r1/10", "r2/1", "r2/4", "r2/7", "r2/10"]);
        assert!(told("sale:crm").is_empty() && told("sale:crm:11").is_empty());
    }

    #[test]
    fn the_journal_is_read_page_by_page() {
        let store = Store::new(Arc::new(Memory::default()));
        let mut facts = Facts::new();
        (1..=7).for_each(|number| facts.journal(number, &entry("r1", number)));
        (1..=2).for_each(|number| facts.journal(number, &entry("r11", number)));
        store.commit(facts).unwrap();
        let (mut after, mut told) = (None, Vec::new());
        loop {
            let page = store.lines(None, after.as_ref(), 2).unwrap();
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            told.extend(page.into_iter().map(|(place, _)| place.number));
        }
        assert_eq!(told, [1, 2, 3, 4, 5, 6, 7, 1, 2]);
        assert_eq!(store.lines(Some(&"r1".into()), None, 99).unwrap().len(), 7);
    }

    #[test]
    fn an_intent_is_there_until_it_is_settled() {
        let store = Store::new(Arc::new(Memory::default()));
        let mut facts = Facts::new();
        (1..=3).for_each(|number| facts.intend(number, &entry("r1", number)));
        store.commit(facts).unwrap();
        let open = store.intents(None, 2).unwrap();
        assert_eq!(store.intents(open.last(), 9).unwrap().len(), 1);
        let of_one = store.intents_of(&"sale:crm:2".into()).unwrap();
        assert_eq!(of_one, [(Place { run: "r1".into(), number: 2 }, entry("r1", 2))]);
        let mut facts = Facts::new();
        open.iter().for_each(|(place, entry)| facts.settle(place, entry));
        store.commit(facts).unwrap();
        assert_eq!(store.intents(None, 9).unwrap().len(), 1);
        assert!(store.journal(None).unwrap().is_empty());
    }
}
