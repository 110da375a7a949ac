//! The benchmark: records per second, memory, and calls of the vendors' APIs.
//!
//! `cargo run --release -p passerelle-tests --bin bench [-- --json] [--records N] [--large N] [--documents N]
//! [--accounts N] [--only passes|calls|load]`

mod calls;
mod least;
mod load;
mod passes;
mod source;
mod usage;

use std::error::Error;
use std::path::Path;
use std::process::{Command, ExitCode};

use calls::Cost;
use load::Load;
use passes::Measured;
use serde_json::json;

/// The same allocator as the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Done<T> = Result<T, Box<dyn Error>>;

/// What to measure.
struct Sizes {
    records: u64,
    large: u64,
    documents: u64,
    accounts: u64,
    only: Option<String>,
    is_json: bool,
}

impl Sizes {
    fn wants(&self, part: &str) -> bool {
        self.only.as_deref().is_none_or(|only| only == part)
    }
}

/// The CRMs and ERPs that every pair is made of.
const PAIRS: [(&str, &str); 4] =
    [("hubspot", "dolibarr"), ("hubspot", "erpnext"), ("salesforce", "dolibarr"), ("salesforce", "erpnext")];

/// A pass, what is aimed at, and what was measured.
struct Row {
    what: String,
    measured: Measured,
    aim: Option<f64>,
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let done = runtime.map_err(Into::into).and_then(|runtime| match words.as_slice() {
        [child, what, count, folder] if child == "child" => {
            let measured = runtime.block_on(passes::child(what, count.parse()?, Path::new(folder)))?;
            println!("{}", serde_json::to_string(&measured)?);
            Ok(())
        }
        words => runtime.block_on(measure(&sizes(words)?)),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn sizes(words: &[String]) -> Done<Sizes> {
    let mut sizes =
        Sizes { records: 100_000, large: 1_000_000, documents: 1_000, accounts: 50_000, only: None, is_json: false };
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if word == "--only" {
            let part = words.next().filter(|part| ["passes", "calls", "load"].contains(&part.as_str()));
            sizes.only = Some(part.ok_or("--only takes passes, calls or load")?.clone());
            continue;
        }
        let mut number = || words.next().and_then(|number| number.parse().ok()).ok_or(format!("{word} takes a number"));
        match word.as_str() {
            "--json" => sizes.is_json = true,
            "--records" => sizes.records = number()?,
            "--large" => sizes.large = number()?,
            "--documents" => sizes.documents = number()?,
            "--accounts" => sizes.accounts = number()?,
            other => return Err(format!("there is no option {other}").into()),
        }
    }
    Ok(sizes)
}

async fn measure(sizes: &Sizes) -> Done<()> {
    let rows = if sizes.wants("passes") { passes(sizes)? } else { Vec::new() };
    let mut costs = Vec::new();
    if sizes.wants("calls") {
        for (crm, erp) in PAIRS {
            costs.extend(calls::sales(crm, erp, sizes.documents).await?);
        }
        costs.push(calls::updates(sizes.documents).await?);
    }
    let mut loads = Vec::new();
    if sizes.wants("load") {
        for (way, options) in [("a bulk job", ""), ("pages of a query", "bulk_above = 0")] {
            loads.push(load::load(way, options, sizes.accounts).await?);
        }
    }
    if sizes.is_json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({ "what": row.what, "measured": row.measured, "aim": row.aim,
                "per_processor_second": row.measured.per_processor_second() })
            })
            .collect();
        println!("{:#}", json!({ "passes": rows, "calls": costs, "loads": loads }));
    } else {
        print(&rows, &costs, &loads);
    }
    Ok(())
}

fn passes(sizes: &Sizes) -> Done<Vec<Row>> {
    let mut rows = Vec::new();
    for count in [sizes.records, sizes.large] {
        let folder = tempfile::tempdir()?;
        let pass = |what| child(what, count, folder.path());
        let row = |what: &str, aim, measured| Row { what: format!("{count} records: {what}"), measured, aim };
        rows.push(row("read for the first time", None, pass("first")?));
        rows.push(row("the store opened, and the source alone", None, pass("source")?));
        rows.push(row("read again, unchanged", Some(100_000.0), pass("again")?));
        rows.push(row("hashed, looked up, mapped and validated", Some(50_000.0), pass("map")?));
    }
    for (kind, what) in [("create", "created"), ("update", "updated")] {
        let measured = child(kind, sizes.documents, tempfile::tempdir()?.path())?;
        rows.push(Row { what: format!("{} records: {what}, ten in a call", sizes.documents), measured, aim: None });
    }
    Ok(rows)
}

/// A pass in a process of its own.
fn child(what: &str, count: u64, folder: &Path) -> Done<Measured> {
    let output = Command::new(std::env::current_exe()?)
        .args(["child", what, &count.to_string()])
        .arg(folder)
        .stderr(std::process::Stdio::inherit())
        .output()?;
    if !output.status.success() {
        return Err(format!("the pass `{what}` over {count} records failed").into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn print(rows: &[Row], costs: &[Cost], loads: &[Load]) {
    println!("| pass | records/CPU s | aim | records/s | CPU s | peak MiB |\n|---|--:|--:|--:|--:|--:|");
    for Row { what, measured, aim } in rows {
        let aim = aim.map_or(String::new(), |aim| format!("{aim:.0}"));
        let (rate, per_second) = (measured.per_processor_second(), measured.records as f64 / measured.wall.max(0.001));
        let (processor, peak) = (measured.processor, measured.peak_mib);
        println!("| {what} | {rate:.0} | {aim} | {per_second:.0} | {processor:.2} | {peak:.0} |");
    }
    println!("\n| work | pair | vendor | calls | least | how the least is counted |\n|---|---|---|--:|--:|---|");
    for Cost { work, pair, vendor, calls, least, why, .. } in costs {
        println!("| {work} | {pair} | {vendor} | {calls} | {least} | {why} |");
    }
    println!("\n| first read of | as | calls | seconds |\n|---|---|--:|--:|");
    for Load { way, accounts, calls, seconds } in loads {
        println!("| {accounts} accounts | {way} | {calls} | {seconds:.0} |");
    }
    for Cost { work, pair, vendor, routes, .. } in costs {
        println!("\n{work}, {pair}: {vendor}:");
        for (route, calls) in routes {
            println!("  {calls:>6} {route}");
        }
    }
}
