//! Deterministic simulation: a seed decides a world, its people, what goes wrong, and the oracle judges the end.
//!
//! Everything of the hub is real (connectors, mappings, engine) but its wire, its disk and its clock; the vendors are
//! their emulators, unchanged. One seed runs in one thread and in virtual time, so it happens the same way each time.

pub mod books;
pub mod chance;
pub mod clock;
pub mod disk;
pub mod effect;
pub mod fate;
pub mod genesis;
pub mod hub;
pub mod names;
pub mod office;
pub mod oracle;
pub mod people;
pub mod post;
pub mod story;
pub mod tally;
pub mod telling;
pub mod wire;
pub mod world;

use std::future::Future;

use passerelle_core::mutant::wake;
use passerelle_core::{Error, ErrorKind, Result};

pub use story::Plot;
pub use tally::Tally;

/// How a seed ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was counted.
    pub tally: Tally,
    /// What is not as promised; empty where the oracle is content.
    pub findings: Vec<String>,
    /// A number over every call, answer and commit: the same seed leaves the same one.
    pub trace: u64,
}

/// Plays a seed and judges it.
///
/// # Errors
/// When the stage itself is broken.
pub fn simulate(plot: Plot) -> Result<Outcome> {
    simulate_and_tell(plot, None).map(|(outcome, _)| outcome)
}

/// The same, and what the hub knows in the end of a record by its vendor's id.
///
/// # Errors
/// When the stage itself is broken.
pub fn simulate_and_tell(plot: Plot, id: Option<&str>) -> Result<(Outcome, String)> {
    wake(plot.mutant);
    let outcome = alone(async {
        let ending = story::play(plot).await?;
        let told = id.map_or_else(|| Ok(String::new()), |id| telling::tell(&ending, id))?;
        let mut findings = oracle::judge(&ending).await?;
        findings.said.extend(ending.ground.fate.found());
        let mut tally = ending.ground.fate.tally();
        tally.add(&findings.tally);
        Ok((Outcome { tally, findings: findings.said, trace: ending.ground.fate.traced() }, told))
    });
    wake(None);
    outcome
}

/// Runs something on this thread alone.
fn alone<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.map_err(|cause| Error::new(ErrorKind::Config, "no runtime").because(cause))?;
    runtime.block_on(work)
}
