//! From a context to a running engine: the store opened, the systems built, Ctrl-C heard.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;

use super::Context;
use super::context::advice;
use super::output::Failure;
use crate::Error;
use crate::config::{self, Config};
use crate::engine::{Engine, Flow, OnDelete, Watch};
use crate::model::{FlowName, SystemName};
use crate::store::{Counts, Store};

/// A config and an engine that runs it.
#[derive(Debug)]
pub struct Hub {
    /// The engine.
    pub engine: Engine,
    /// The flows that were asked for, all by default.
    pub flows: Vec<Flow>,
    /// The config.
    pub config: Config,
}

impl Hub {
    /// Opens the store and builds the systems of the asked flows; the spinner says `message` until it is dropped.
    ///
    /// # Errors
    /// All findings in config and mappings; `Unavailable` when another hub holds the store.
    pub fn open(context: &Context, asked: &[FlowName], message: &str) -> Result<Self, Failure> {
        let config = context.config()?;
        let (mappings, _) = context.mappings(&config)?;
        let names = context.flows(&config, asked)?;
        let flows: Vec<Flow> = config.flows.iter().map(|(name, flow)| flow_of(name, flow)).collect();
        let mut needed: BTreeSet<&SystemName> = BTreeSet::new();
        for flow in flows.iter().filter(|flow| names.contains(&flow.name)) {
            needed.extend(&flow.between);
        }
        let systems = context.systems(&config, Some(&mappings), needed)?;
        let store = open_store(context, &config)?;
        let engine = Engine {
            systems: Arc::new(systems),
            mappings: Arc::new(mappings),
            store,
            clock: Arc::clone(&context.clock),
            flows: flows.clone(),
            watch: Arc::new(Progress::new(context.progress(message))),
            proven: Arc::default(),
        };
        let flows = flows.into_iter().filter(|flow| names.contains(&flow.name)).collect();
        Ok(Self { engine, flows, config })
    }

    /// What a person does about an error of a system.
    pub fn advice(&self, error: &Error) -> Option<String> {
        let system = SystemName::from(error.fact("system")?);
        advice(&self.config, &system, error)
    }

    /// The same error, with what a person does about it.
    pub fn advised(&self, error: Error) -> Error {
        match self.advice(&error) {
            Some(advice) => error.at("do", advice),
            None => error,
        }
    }
}

/// The store alone, for commands that call no system.
///
/// # Errors
/// As [`Hub::open`].
pub fn open_store(context: &Context, config: &Config) -> Result<Store, Failure> {
    Ok(Store::new((context.doors.store)(&config.state_folder(), context.clock.now())?))
}

fn flow_of(name: &FlowName, flow: &config::Flow) -> Flow {
    Flow {
        name: name.clone(),
        entity: flow.entity.clone(),
        between: flow.between.clone(),
        max_changes: flow.max_changes,
        on_delete: match flow.on_delete {
            config::OnDelete::Keep => OnDelete::Keep,
            config::OnDelete::Review => OnDelete::Review,
            config::OnDelete::Archive => OnDelete::Archive,
        },
        max_deletes_percent: flow.max_deletes_percent,
    }
}

/// Shows how a run goes on, and hears Ctrl-C.
struct Progress {
    bar: ProgressBar,
    stopping: Arc<AtomicBool>,
}

impl Progress {
    fn new(bar: ProgressBar) -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        let heard = Arc::clone(&stopping);
        let shown = bar.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                heard.store(true, Ordering::SeqCst);
                shown.set_message("finishing what is started");
                // A second Ctrl-C no longer waits: jobs that were started are looked up by the next run.
                if tokio::signal::ctrl_c().await.is_ok() {
                    std::process::exit(1);
                }
            }
        });
        Self { bar, stopping }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl Watch for Progress {
    fn went_on(&self, flow: &FlowName, counts: &Counts) {
        let Counts { read, created, updated, .. } = counts;
        self.bar.set_message(format!("{flow}: {read} read, {created} created, {updated} updated"));
    }

    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::SeqCst)
    }
}
