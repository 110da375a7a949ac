//! `passerelle emulate`: stand-in systems on loopback, until told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::json;

use super::Context;
use super::output::{CommandResult, Report, table};
use super::signals::Signals;
use crate::emulator::{Base, EmulatedTime, Emulator, Fault, Host, serve};
use crate::registry::Registry;
use crate::{Error, ErrorKind, Result};

/// Serve stand-in systems on loopback, with sample data, until Ctrl-C.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Vendors, such as `hubspot dolibarr`.
    #[arg(value_name = "VENDOR", required = true)]
    vendors: Vec<String>,
    /// Where to listen; loopback only, and port 0 lets the machine choose.
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:4010")]
    listen: SocketAddr,
    /// What they hold at the start.
    #[arg(long, value_enum, default_value = "sample")]
    seed: Seed,
    /// A fault, such as `hubspot:429=1/10`, `dolibarr:drop-after=0.01` or `hubspot:latency=200ms`; may be repeated.
    #[arg(long, value_name = "SYSTEM:NAME=VALUE", value_parser = read_fault)]
    fault: Vec<Fault>,
    /// Keep them in this file: what it holds is there again, without the sample, and what happens is added.
    #[arg(long, value_name = "FILE")]
    keep: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Seed {
    /// Nothing.
    Empty,
    /// The sample data.
    Sample,
}

fn read_fault(text: &str) -> Result<Fault, String> {
    Fault::parse(text).map_err(|error| error.to_string())
}

pub async fn run(context: &Context, args: &Args) -> CommandResult {
    let mut signals = Signals::heard()?;
    let time = EmulatedTime::of(Arc::clone(&context.clock));
    let emulators = args.vendors.iter().map(|vendor| stand_in(context, vendor));
    let mut host = Host::new(emulators.collect::<Result<_>>()?, time);
    let held = args.keep.as_deref().map_or(Ok(0), |file| host.keep_in(file))?;
    if held == 0 {
        seed(context, &host, args)?;
    }
    for fault in &args.fault {
        host.add_fault(fault)?;
    }
    let hosted = serve(Arc::new(host), args.listen).await?;
    context.say(&announcement(context, &hosted.bases, args.keep.as_deref()))?;
    signals.next().await;
    hosted.stop().await?;
    Ok(Report::said())
}

fn stand_in(context: &Context, vendor: &str) -> Result<Box<dyn Emulator>> {
    let make = context.registry.plugin(vendor).and_then(|plugin| plugin.emulator);
    Ok(make.ok_or_else(|| no_stand_in(context.registry, vendor))?())
}

fn seed(context: &Context, host: &Host, args: &Args) -> Result<()> {
    for (vendor, name) in args.vendors.iter().zip(host.names()) {
        if let (Seed::Sample, Some(sample)) = (args.seed, (context.registry.sample)(vendor)) {
            host.control(name, "seed", &sample)?;
        }
    }
    Ok(())
}

fn no_stand_in(registry: &Registry, vendor: &str) -> Error {
    let there: Vec<&str> =
        registry.plugins.iter().filter(|plugin| plugin.emulator.is_some()).map(|plugin| plugin.name).collect();
    Error::new(ErrorKind::Config, format!("there is no stand-in of `{vendor}`; there are {}", there.join(", ")))
}

fn announcement(context: &Context, bases: &[Base], keep: Option<&Path>) -> Report {
    let systems: Vec<_> = bases
        .iter()
        .map(|base| json!({ "name": base.name, "vendor": base.vendor, "base_url": base.url, "key": base.key }))
        .collect();
    let rows: Vec<Vec<String>> =
        bases.iter().map(|base| vec![base.name.clone(), base.url.clone(), format!("key {}", base.key)]).collect();
    let kept = keep.map_or_else(|| "nothing is kept".to_owned(), |file| format!("kept in {}", file.display()));
    let hint = context.paint.dim(&format!("Ctrl-C stops it; {kept}."));
    Report::done(json!({ "systems": systems }), format!("{}{hint}\n", table("", &rows)))
}
