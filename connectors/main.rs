//! The program.

use std::process::ExitCode;

/// The C library's allocator spends most of a pass in searching its free lists once a large store was opened.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    passerelle_core::cli::run(&passerelle::registry::REGISTRY, passerelle::demo::play).await
}
