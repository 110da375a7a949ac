//! `passerelle demo`: a whole quote-to-cash round on emulated systems. The story is the program's: it names vendors.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;

use super::Context;
use super::output::CommandResult;

/// Run a whole quote-to-cash round on emulated systems: no account, no network.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Keep config, mappings, workbook, state and the emulated systems in this folder, new or empty.
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

/// The story, kept in a folder where one is given.
pub type Demo = for<'a> fn(&'a Context, Option<&'a Path>) -> Pin<Box<dyn Future<Output = CommandResult> + 'a>>;

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    (context.demo)(context, args.keep.as_deref()).await
}
