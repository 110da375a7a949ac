//! A first read of very many accounts of an emulated Salesforce, in virtual time.

use passerelle_core::{Error, ErrorKind, Result};
use passerelle_tests::office::Office;
use passerelle_tests::trade;
use serde::Serialize;
use serde_json::{Value, json};

/// Rows of bulk jobs in 24 hours, as Salesforce publishes it: the speed that a job is given here.
const ROWS_A_DAY: u64 = 150_000_000;
/// How long each call takes; nothing is published about it.
const CALL: &str = "500ms";

/// What a first read took.
#[derive(Debug, Serialize)]
pub struct Load {
    /// The way.
    pub way: &'static str,
    /// Accounts that were read.
    pub accounts: u64,
    /// Calls of Salesforce's API.
    pub calls: u64,
    /// Seconds of virtual time.
    pub seconds: f64,
}

/// Reads accounts that concern nobody else, as a bulk job or in pages of a query.
pub async fn load(way: &'static str, options: &str, accounts: u64) -> Result<Load> {
    let office = Office::between(&["salesforce"], "dolibarr", options)?;
    let prospects: Vec<Value> = (0..accounts).map(|n| trade::salesforce_account(n, "Prospect")).collect();
    let deploy = trade::sample("salesforce", 0)["deploy"].clone();
    office.seed("salesforce", &json!({ "deploy": deploy, "accounts": prospects }))?;
    let work = (accounts * 86_400).div_ceil(ROWS_A_DAY);
    office.person("salesforce", "settings", &json!({ "bulk_delay": work }))?;
    office.person("salesforce", "faults", &json!({ "latency": CALL }))?;
    let began = office.now();
    let (counts, calls) = office.sync("customers").await?;
    if counts.read != accounts {
        return Err(Error::new(ErrorKind::Bug, format!("of {accounts} accounts {} were read", counts.read)));
    }
    let seconds = office.now().duration_since(began).as_secs_f64();
    let calls = calls.get("salesforce").map_or(0, |routes| routes.values().sum());
    Ok(Load { way, accounts, calls, seconds })
}
