//! The story that `passerelle demo` tells: Ateliers Vauclin, from won deals to paid invoices, and what the hub did.

mod accountant;
mod folder;
mod ledger;
mod stage;
mod table;
mod time;
mod verdict;

use std::future::Future;
use std::path::Path;
use std::pin::Pin;

use passerelle_core::cli::{CommandResult, Context, Exit, Failure, Report};
use serde_json::{Value, json};

use accountant::Accountant;
use ledger::Ledger;
use stage::{Show, Stage};
use verdict::Verdict;

/// Plays the story; see [`passerelle_core::cli::Demo`].
pub fn play<'a>(context: &'a Context, keep: Option<&'a Path>) -> Pin<Box<dyn Future<Output = CommandResult> + 'a>> {
    Box::pin(tell(context, keep))
}

async fn tell(context: &Context, keep: Option<&Path>) -> CommandResult {
    let mut stage = Stage::set(context, keep).await?;
    let mut verdict = Verdict::default();
    opening(&mut stage, &mut verdict).await?;
    let mut accountant = Accountant::at(&stage).await?;
    cash(&mut stage, &mut accountant, &mut verdict).await?;
    rest(&mut stage, &mut verdict).await?;
    close(stage, verdict, keep).await
}

/// Day one: the systems meet, and won deals become orders.
async fn opening(stage: &mut Stage<'_>, verdict: &mut Verdict) -> Result<(), Failure> {
    stage.day("25 deals are won, the ERP knows half of their customers")?;
    let check = stage.run(&["check"], Show::Ends(6, 3)).await?;
    verdict.expect("check finds only what it can make itself", Exit::PersonNeeded as u8, check.exit as u8);
    stage.run(&["check", "--prepare"], Show::Ends(6, 3)).await?;
    let plan = stage.run(&["plan"], Show::Ends(36, 2)).await?;
    verdict.expect("plan holds changes", Exit::Changes as u8, plan.exit as u8);
    let sync = stage.run(&["sync"], Show::All).await?;
    verdict.expect("sync leaves some to a person", Exit::PersonNeeded as u8, sync.exit as u8);
    stage.wait_minutes(2);
    let parked = stage.run(&["parked", "list"], Show::All).await?;
    verdict.expect("five records do not fit and say why", 5, count(&parked.json["parked"]));
    let held = stage.run(&["held", "list"], Show::All).await?;
    verdict.expect("two sales above 10 000 wait for a yes", 2, count(&held.json["held"]));
    if let Some(id) = held.json["held"][0]["id"].as_str() {
        stage.run(&["held", "approve", id], Show::All).await?;
    }
    let sync = stage.run(&["sync", "sales"], Show::All).await?;
    verdict.expect("the approved sale is created, and no other", 1, counted(&sync, "created"));
    Ok(())
}

/// Five weeks in which the accountant works in the ERP, and what the CRM then learns.
async fn cash(stage: &mut Stage<'_>, accountant: &mut Accountant, verdict: &mut Verdict) -> Result<(), Failure> {
    stage.wait_days(2);
    accountant.invoices(stage)?;
    stage.wait_days(14);
    accountant.invoices_the_rest_and_books_payments(stage)?;
    stage.wait_days(20);
    stage.day("the accountant has invoiced, booked payments, written a credit note")?;
    let sync = stage.run(&["sync"], Show::All).await?;
    verdict.expect("22 of the 23 sales have news for the CRM", 22, changed(&sync));

    stage.wait_days(6);
    accountant.books_a_second_part(stage)?;
    stage.day("a second part payment, for which Dolibarr moves no modification date")?;
    let sync = stage.run(&["sync"], Show::All).await?;
    verdict.expect("it is seen all the same, and changes one sale", 1, changed(&sync));
    Ok(())
}

/// Nothing happened since: nothing is written, and both sides agree.
async fn rest(stage: &mut Stage<'_>, verdict: &mut Verdict) -> Result<(), Failure> {
    stage.wait_minutes(60);
    stage.day("an hour later, nothing happened")?;
    let sync = stage.run(&["sync"], Show::All).await?;
    verdict.expect("a round without news writes nothing", 0, changed(&sync));
    let verify = stage.run(&["verify"], Show::All).await?;
    verdict.expect("verify finds no differences", &json!(0), &verify.json["differences"]);
    Ok(())
}

/// The table of sales, what waits for a person, and whether all went as told.
async fn close(stage: Stage<'_>, mut verdict: Verdict, keep: Option<&Path>) -> CommandResult {
    let ledger = Ledger::of(&stage).await?;
    verdict.weigh(&ledger);
    stage.say(&table::text(&ledger, stage.paint()))?;
    stage.say(&verdict.text(stage.paint()))?;
    if let Some(folder) = keep {
        stage.say(&stage.how_to_go_on(folder))?;
    }
    let document = json!({
        "as_told": verdict.is_met(), "claims": verdict.json(), "sales": ledger.json(), "steps": stage.steps(),
        "kept": keep.map(|folder| folder.display().to_string()),
    });
    let exit = if verdict.is_met() { Exit::Done } else { Exit::Failed };
    stage.strike().await?;
    Ok(Report::done(document, "").exit(exit))
}

/// How many records a `sync` wrote.
fn changed(sync: &Report) -> u64 {
    counted(sync, "created") + counted(sync, "updated")
}

/// A count of a `sync`, over all flows.
fn counted(sync: &Report, name: &str) -> u64 {
    let flows = sync.json["flows"].as_array().into_iter().flatten();
    flows.map(|flow| flow["counts"][name].as_u64().unwrap_or(0)).sum()
}

fn count(list: &Value) -> usize {
    list.as_array().map_or(0, Vec::len)
}
