//! The program.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    passerelle_core::cli::run(&passerelle::registry::REGISTRY, passerelle::demo::play).await
}
