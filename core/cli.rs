//! The command line: one file per command.

mod apply;
mod check;
mod conflicts;
mod connectors;
mod context;
mod demo;
mod describe;
mod doors;
mod emulate;
mod held;
mod hub;
mod init;
mod journal;
mod logging;
mod outcome;
mod output;
mod parked;
mod plan;
mod serve;
mod setup;
mod signals;
mod status;
mod sync;
mod test;
mod trace;
mod undo;
mod verify;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{ArgAction, Parser, Subcommand};

pub use context::Context;
pub use demo::Demo;
pub use doors::{Doors, OpenStore, OpenWire};
pub use hub::Hub;
pub use output::{CommandResult, Exit, Failure, Paint, Report, table};

use crate::registry::Registry;
use crate::{Error, ErrorKind};
use logging::Verbosity;
use output::Format;

/// Keeps a company's CRM, ERP and spreadsheets in agreement.
///
/// Exit codes: 0 done; 1 failed; 2 usage, config or mapping error; 3 done, but a person is needed; `plan`,
/// `undo` and `setup --plan` exit 4 when they hold changes.
#[derive(Debug, Parser)]
#[command(name = "passerelle", version, propagate_version = true, disable_help_subcommand = true)]
struct Cli {
    /// The config file.
    #[arg(long, global = true, default_value = "config.toml", value_name = "FILE")]
    config: PathBuf,
    /// Print one JSON document on stdout.
    #[arg(long, global = true)]
    json: bool,
    /// Log more; twice for everything. RUST_LOG says it finer.
    #[arg(short, long, global = true, action = ArgAction::Count, conflicts_with = "quiet")]
    verbose: u8,
    /// Log errors only and show no progress.
    #[arg(short, long, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Init(init::Args),
    Connectors(connectors::Args),
    Check(check::Args),
    Setup(setup::Args),
    Describe(describe::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Sync(sync::Args),
    Serve(serve::Args),
    Status(status::Args),
    Verify(verify::Args),
    Test(test::Args),
    Emulate(emulate::Args),
    Demo(demo::Args),
    Parked(parked::Args),
    Held(held::Args),
    Conflicts(conflicts::Args),
    Trace(trace::Args),
    Undo(undo::Args),
    Journal(journal::Args),
}

/// Runs the command that the process was started with; `demo` is the story that `passerelle demo` tells.
pub async fn run(registry: &'static Registry, demo: Demo) -> ExitCode {
    run_through(registry, demo, Doors::of_this_machine()).await
}

/// The same, through other doors than this machine's.
pub async fn run_through(registry: &'static Registry, demo: Demo, doors: Doors) -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let cli = match Cli::try_parse_from(&words) {
        Ok(cli) => cli,
        Err(error) => return output::usage(&error, words.iter().any(|word| word == "--json")),
    };
    let verbosity = Verbosity::of(cli.verbose, cli.quiet);
    logging::start(verbosity);
    let format = if cli.json { Format::Json } else { Format::Human };
    let context = Context::new(registry, demo, Arc::new(doors), cli.config, format, verbosity);
    let result = dispatch(&context, cli.command).await;
    output::finish(format, result)
}

impl Context {
    /// Runs a command line, such as `["sync", "sales"]`, and gives back what it would have said, failures too.
    ///
    /// Global options in it are not obeyed: config file, format and verbosity are this context's.
    pub async fn perform(&self, words: &[&str]) -> Report {
        let line = std::iter::once("passerelle").chain(words.iter().copied());
        let ran = match Cli::try_parse_from(line) {
            Ok(cli) => dispatch(self, cli.command).await,
            Err(error) => Err(Error::new(ErrorKind::Config, error.to_string()).into()),
        };
        ran.unwrap_or_else(|failure| failure.report(self.paint))
    }
}

async fn dispatch(context: &Context, command: Command) -> CommandResult {
    match command {
        Command::Init(args) => init::run(context, &args),
        Command::Connectors(args) => connectors::run(context, &args),
        Command::Check(args) => check::run(context, &args).await,
        Command::Setup(args) => setup::run(context, &args).await,
        Command::Describe(args) => describe::run(context, &args).await,
        Command::Plan(args) => plan::run(context, &args).await,
        Command::Apply(args) => apply::run(context, &args).await,
        Command::Sync(args) => sync::run(context, &args).await,
        Command::Serve(args) => serve::run(context, &args).await,
        Command::Status(args) => status::run(context, &args).await,
        Command::Verify(args) => verify::run(context, &args).await,
        Command::Test(args) => test::run(context, &args),
        Command::Emulate(args) => emulate::run(context, &args).await,
        Command::Demo(args) => demo::run(context, &args).await,
        Command::Parked(args) => parked::run(context, &args).await,
        Command::Held(args) => held::run(context, &args).await,
        Command::Conflicts(args) => conflicts::run(context, &args).await,
        Command::Trace(args) => trace::run(context, &args).await,
        Command::Undo(args) => undo::run(context, &args).await,
        Command::Journal(args) => journal::run(context, &args).await,
    }
}
