//! The crash sweep: the hub is killed at every numbered point of a run, started again, and compared with a run that
//! nothing disturbed.
//!
//! `cargo run --release -p passerelle-tests --bin sweep [-- --sales N] [--every K] [--jobs N] [--each]`
//! `cargo run --release -p passerelle-tests --bin sweep -- --only RUN:POINT [--sales N]` for one point, `--behind 'POST /orders'` for some
//! `cargo run --release -p passerelle-tests --bin sweep -- --random KILLS [--seed S] [--sales N]`
//!
//! Exit code 0 only when every run ended as the undisturbed one did.

mod args;
mod books;
mod hub;
mod people;
mod points;
mod process;
mod random;
mod run;
mod sweep;
mod watch;
mod world;

use std::process::ExitCode;

/// The same allocator as the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Done<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

fn main() -> ExitCode {
    if hub::is_asked() {
        return hub::play();
    }
    let words: Vec<String> = std::env::args().skip(1).collect();
    let done = args::Args::read(&words).and_then(|args| match args.random {
        Some(kills) => random::kill_at_random(&args, kills),
        None => sweep::sweep(&args),
    });
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
