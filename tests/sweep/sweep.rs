//! The sweep itself: two runs, all their points, and the verdict.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use passerelle_core::clock::Timestamp;
use tokio::runtime::{Handle, Runtime};

use crate::args::Args;
use crate::books::Ledger;
use crate::points::{self, Point};
use crate::process::Program;
use crate::run::Run;
use crate::world::{Ground, World};
use crate::{Done, people};

/// Sweeps, and tells whether every run ended as it should.
pub fn sweep(args: &Args) -> Done<bool> {
    let runtime = Runtime::new()?;
    let began = Instant::now();
    let mut is_well = true;
    for run in runs(args, runtime.handle())? {
        is_well &= swept(args, runtime.handle(), &run)?;
    }
    println!("\n{:.0} s in all", began.elapsed().as_secs_f64());
    println!(
        "{}",
        if is_well { "verdict: at rest, every killed run was as the undisturbed one" } else { "verdict: FAILED" }
    );
    Ok(is_well)
}

/// `first`: a new hub meets two systems and `sales` won sales. `day`: invoices, payments, edits, released holds.
fn runs(args: &Args, runtime: &Handle) -> Done<Vec<Run>> {
    // Stand-ins live near the hub's own time, as real vendors do.
    let start = Timestamp::now();
    let world = World::new(runtime, Ground::Memory, start, &people::sample(args.sales)?)?;
    let first = Run::undisturbed(runtime, "first", &world, world.snapshot(start)?)?;
    let orders = runtime.block_on(Ledger::of(&world.host))?.orders;
    people::a_day(&world.host, &orders)?;
    Program::Counted.run(&world, &["held", "approve", "all"])?;
    let day = Run::undisturbed(runtime, "day", &world, world.snapshot(start)?)?;
    println!("{} sales won, {} orders after the first run", args.sales, orders.len());
    Ok(vec![first, day])
}

fn swept(args: &Args, runtime: &Handle, run: &Run) -> Done<bool> {
    let distinct = match &args.behind {
        Some(call) => points::behind(&run.points, call),
        None if args.each => run.points.clone(),
        None => points::distinct(&run.points),
    };
    let chosen: Vec<&Point> = match &args.only {
        Some((name, number)) => run.points.iter().filter(|point| name == run.name && point.number == *number).collect(),
        None => distinct.iter().step_by(args.every).collect(),
    };
    let (next, failures, recoveries) = (AtomicUsize::new(0), Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..args.jobs {
            scope.spawn(|| {
                while let Some(point) = chosen.get(next.fetch_add(1, Ordering::SeqCst)) {
                    match run.killed(runtime, point) {
                        Ok(recovery) => held(&recoveries).extend(recovery),
                        Err(error) => {
                            let again = format!("sweep -- --sales {} --only {}:{}", args.sales, run.name, point.number);
                            eprintln!("FAILED at point {} ({}): {error}", point.number, points::in_words(&point.kind));
                            eprintln!("  again: cargo run --release -p passerelle-tests --bin {again}");
                            held(&failures).push(point.number);
                        }
                    }
                    let done = next.load(Ordering::SeqCst).min(chosen.len());
                    if done.is_multiple_of(100) {
                        eprintln!("{}: {done} of {} kills", run.name, chosen.len());
                    }
                }
            });
        }
    });
    let failures = held(&failures).len();
    tell(run, &chosen, distinct.len(), failures, &mut held(&recoveries));
    Ok(failures == 0)
}

fn tell(run: &Run, chosen: &[&Point], distinct: usize, failures: usize, recoveries: &mut [Duration]) {
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let done: BTreeSet<(u64, u64)> = chosen.iter().map(|point| point.done).collect();
    for point in &run.points {
        let (swept, all) = kinds.entry(points::in_words(&point.kind)).or_default();
        *all += 1;
        *swept += usize::from(done.contains(&point.done));
    }
    let swept: usize = kinds.values().map(|(swept, _)| swept).sum();
    println!("\nrun `{}`: {swept} of {} points", run.name, run.points.len());
    for (kind, (swept, all)) in kinds {
        println!("  {swept:>6} of {all:>6}  {kind}");
    }
    let things = run.rest.values().map(Vec::len).sum::<usize>();
    println!(
        "  {} kills of {distinct} that leave different files and vendors; {things} things compared after each",
        chosen.len()
    );
    recoveries.sort();
    if let (Some(middle), Some(longest)) = (recoveries.get(recoveries.len() / 2), recoveries.last()) {
        println!(
            "  from the kill to the first new effect: p50 {} ms, longest {} ms, {} kills",
            middle.as_millis(),
            longest.as_millis(),
            recoveries.len()
        );
    }
    println!("  {failures} failed");
}

fn held<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
