//! Old runs and their lines of the journal, forgotten together.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Serialize;

use super::{Facts, Run, Store};
use crate::Result;
use crate::model::{FlowName, RunId};

/// Runs looked at, and lines forgotten, at a time.
const PAGE: usize = 200;

/// What was forgotten, or would be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Runs.
    pub runs: u64,
    /// Their lines of the journal.
    pub lines: u64,
    /// Runs as old, and kept: they have a write without an answer, an unfinished document, or are a flow's last.
    pub kept: u64,
}

/// Whether to forget, or only to tell what would be forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pruning {
    /// Only tell.
    Told,
    /// Forget.
    Done,
}

impl Store {
    /// Forgets runs that ended before `before`, whole: the run, its lines and their index; never a run that an open
    /// intent or an unfinished document needs, nor the last one of a flow.
    pub fn prune(&self, before: Timestamp, pruning: Pruning) -> Result<Pruned> {
        let needed = self.needed_runs()?;
        let mut pruned = Pruned::default();
        let mut after: Option<Run> = None;
        loop {
            let page = self.runs_after(after.as_ref(), PAGE)?;
            let Some(last) = page.last() else { return Ok(pruned) };
            after = Some(last.clone());
            for run in page {
                // A run that was killed ended at an hour that nobody knows; its id is its beginning.
                if run.ended.unwrap_or(run.began) >= before {
                    continue;
                }
                if needed.contains(&run.id) {
                    pruned.kept += 1;
                    continue;
                }
                pruned.lines += self.prune_run(&run, pruning)?;
                pruned.runs += 1;
            }
        }
    }

    /// Its lines first: a cut in the middle leaves a run that the next pruning finds again.
    fn prune_run(&self, run: &Run, pruning: Pruning) -> Result<u64> {
        let (mut lines, mut after) = (0, None);
        loop {
            let page = self.lines(Some(&run.id), after.as_ref(), PAGE)?;
            let mut facts = Facts::new();
            page.iter().for_each(|(place, entry)| facts.forget_line(place, &entry.link));
            lines += page.len() as u64;
            let is_last = page.len() < PAGE;
            if is_last {
                facts.forget_run(run);
            }
            if pruning == Pruning::Done {
                self.commit(facts)?;
            }
            if is_last {
                return Ok(lines);
            }
            after = page.into_iter().next_back().map(|(place, _)| place);
        }
    }

    /// Runs that something under way needs, and the last of each flow.
    fn needed_runs(&self) -> Result<BTreeSet<RunId>> {
        let mut needed = BTreeSet::new();
        let mut after = None;
        loop {
            let page = self.intents(after.as_ref(), PAGE)?;
            needed.extend(page.iter().map(|(place, _)| place.run.clone()));
            match page.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        for job in self.jobs()? {
            needed.extend(self.lines_of(&job.link)?.into_iter().map(|(place, _)| place.run));
        }
        let mut last: std::collections::BTreeMap<FlowName, RunId> = std::collections::BTreeMap::new();
        let mut after: Option<Run> = None;
        loop {
            let page = self.runs_after(after.as_ref(), PAGE)?;
            last.extend(page.iter().map(|run| (run.flow.clone(), run.id.clone())));
            match page.into_iter().next_back() {
                Some(run) => after = Some(run),
                None => break,
            }
        }
        needed.extend(last.into_values());
        Ok(needed)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::store::history::tests::entry;
    use crate::store::{Backend, Counts, Job, Memory};

    fn run(id: &str, day: u32) -> Run {
        let at: Timestamp = format!("2026-08-{day:02}T09:00:00Z").parse().unwrap();
        let (flow, counts) = ("sales".into(), Counts::default());
        Run { id: id.into(), flow, began: at, ended: Some(at), counts, error: None }
    }

    /// Runs a to d on the days 1 to 4 with three lines each.
    fn filled() -> (Arc<Memory>, Store) {
        let disk = Arc::new(Memory::default());
        let store = Store::new(disk.clone());
        let mut facts = Facts::new();
        for (day, id) in ["a", "b", "c", "d"].into_iter().enumerate() {
            facts.run(&run(id, day as u32 + 1));
            (1..=3).for_each(|number| facts.journal(number, &entry(id, number)));
        }
        store.commit(facts).unwrap();
        (disk, store)
    }

    fn check(store: &Store, until: u32, wanted: Pruned, left: &[&str]) {
        let before: Timestamp = format!("2026-08-{until:02}T00:00:00Z").parse().unwrap();
        assert_eq!(store.prune(before, Pruning::Told).unwrap(), wanted);
        assert_eq!(store.prune(before, Pruning::Done).unwrap(), wanted);
        let ids: Vec<String> = store.runs().unwrap().iter().map(|run| run.id.to_string()).collect();
        assert_eq!(ids, left);
        let lines = store.journal(None).unwrap();
        assert_eq!(lines.len(), left.len() * 3, "a run is kept whole or not at all");
        let by_link: usize =
            (0..3).map(|n| store.lines_of(&format!("sale:crm:{n}").as_str().into()).unwrap().len()).sum();
        assert_eq!(by_link, lines.len());
    }

    #[test]
    fn old_runs_are_forgotten_whole_with_their_lines_and_the_index() {
        let (disk, store) = filled();
        check(&store, 3, Pruned { runs: 2, lines: 6, kept: 0 }, &["c", "d"]);
        assert_eq!(disk.scan(&[], None, 99).unwrap().len(), 2 + 6 + 6);
    }

    #[test]
    fn a_flows_last_run_is_kept_however_old_it_is() {
        check(&filled().1, 28, Pruned { runs: 3, lines: 9, kept: 1 }, &["d"]);
    }

    #[test]
    fn a_run_that_something_under_way_needs_is_kept() {
        let (_, store) = filled();
        let mut facts = Facts::new();
        facts.intend(9, &entry("b", 9));
        store.commit(facts).unwrap();
        check(&store, 4, Pruned { runs: 2, lines: 6, kept: 1 }, &["b", "d"]);
        let (_, store) = filled();
        let mut facts = Facts::new();
        facts.start(&Job {
            link: "sale:crm:1".into(),
            entity: "sale".into(),
            target: "erp".into(),
            sources: Vec::new(),
            started: "2026-08-01T09:00:00Z".parse().unwrap(),
            moved: false,
        });
        store.commit(facts).unwrap();
        check(&store, 4, Pruned { runs: 0, lines: 0, kept: 3 }, &["a", "b", "c", "d"]);
    }
}
