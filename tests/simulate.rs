//! Many seeds of the simulation, over all processors; the exit code is 0 only when the oracle is content with each.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use passerelle_core::mutant::Mutant;
use passerelle_tests::simulation::{Plot, Tally, simulate_and_tell};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str =
    "usage: simulate [--seeds N] [--start N] [--sales N] [--jobs N] [--calm] [--mutant NAME] [--tell ID]";

/// What was asked for.
struct Asked {
    seeds: u64,
    start: u64,
    sales: Option<usize>,
    jobs: usize,
    is_calm: bool,
    mutant: Option<(&'static str, Mutant)>,
    tell: Option<String>,
}

fn main() -> ExitCode {
    let asked = match asked() {
        Ok(asked) => asked,
        Err(wrong) => {
            eprintln!("{wrong}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    if play(&asked) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn asked() -> Result<Asked, String> {
    let jobs = std::thread::available_parallelism().map_or(1, usize::from);
    let mut asked = Asked { seeds: 100, start: 0, sales: None, jobs, is_calm: false, mutant: None, tell: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--mutant" {
            asked.mutant = Some(mutant(&words.next().unwrap_or_default())?);
            continue;
        }
        if word == "--tell" {
            asked.tell = Some(words.next().ok_or("--tell needs a vendor's id")?);
            continue;
        }
        let mut number = || {
            let given = words.next().ok_or_else(|| format!("{word} needs a number"))?;
            given.replace('_', "").parse::<u64>().map_err(|_| format!("{word} {given}: not a number"))
        };
        match word.as_str() {
            "--seeds" => asked.seeds = number()?,
            "--start" => asked.start = number()?,
            "--sales" => asked.sales = Some(number()? as usize),
            "--jobs" => asked.jobs = (number()? as usize).max(1),
            "--calm" => asked.is_calm = true,
            _ => return Err(format!("there is no option {word}")),
        }
    }
    Ok(asked)
}

fn mutant(name: &str) -> Result<(&'static str, Mutant), String> {
    let names = || Mutant::ALL.map(|(name, _)| name).join(", ");
    let known = Mutant::ALL.into_iter().find(|(known, _)| *known == name);
    known.ok_or_else(|| format!("there is no mutant `{name}`; there are {}", names()))
}

/// Plays all seeds; whether the oracle is content.
fn play(asked: &Asked) -> bool {
    let began = Instant::now();
    let (next, failed) = (AtomicU64::new(0), AtomicU64::new(0));
    let total = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..asked.jobs {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    if at >= asked.seeds {
                        return;
                    }
                    let seed = asked.start + at;
                    let sales = asked.sales.unwrap_or_else(|| usual(seed));
                    let mutant = asked.mutant.map(|(_, mutant)| mutant);
                    let plot = Plot { seed, sales, is_calm: asked.is_calm, mutant };
                    match simulate_and_tell(plot, asked.tell.as_deref()) {
                        Ok((outcome, told)) => {
                            print!("{told}");
                            total.lock().unwrap_or_else(PoisonError::into_inner).add(&outcome.tally);
                            if !outcome.findings.is_empty() {
                                failed.fetch_add(1, Ordering::Relaxed);
                                complain(asked, seed, &outcome.findings);
                            }
                        }
                        Err(error) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            complain(asked, seed, &[format!("the stage is broken: {error}")]);
                        }
                    }
                }
            });
        }
    });
    let total = total.into_inner().unwrap_or_else(PoisonError::into_inner);
    let failed = failed.into_inner();
    report(asked, &total, failed, began.elapsed().as_secs_f64());
    failed == 0
}

/// Sales of a seed: many small worlds, some large ones, 100 on average.
fn usual(seed: u64) -> usize {
    match seed % 20 {
        0 => 600,
        1..=4 => 150,
        5..=9 => 70,
        _ => 45,
    }
}

fn complain(asked: &Asked, seed: u64, findings: &[String]) {
    let calm = if asked.is_calm { " --calm" } else { "" };
    let mutant = asked.mutant.map_or_else(String::new, |(name, _)| format!(" --mutant {name}"));
    let sales = asked.sales.map_or_else(String::new, |sales| format!(" --sales {sales}"));
    let replay = format!(
        "cargo run --release -p passerelle-tests --bin simulate -- --seeds 1 --start {seed}{sales}{calm}{mutant}"
    );
    let mut said = format!("seed {seed}: {} findings; replay: {replay}\n", findings.len());
    for finding in findings.iter().take(8) {
        said.push_str(&format!("  {finding}\n"));
    }
    eprint!("{said}");
}

fn report(asked: &Asked, total: &Tally, failed: u64, seconds: f64) {
    println!("{} seeds in {seconds:.1} s: {:.1} seeds a second", asked.seeds, asked.seeds as f64 / seconds);
    let each_second = total.sales as f64 / seconds;
    println!("{} sales, {} of them won in the end; {each_second:.0} a second", total.sales, total.won);
    println!("{} runs of the hub, {} calls, {} commits, {} deeds", total.runs, total.calls, total.commits, total.deeds);
    for (kind, count) in &total.faults {
        println!("  {count:>9} {kind}");
    }
    println!("duplicates {}, losses {}, cents {}", total.duplicates, total.losses, total.cents);
    println!("seeds with findings: {failed}");
    println!("the oracle is {}", if failed == 0 { "content" } else { "NOT content" });
}
